package record

import (
	"time"

	"halsocoach"
)

// JSON is a recommendation on the wire. To a sender it holds their own
// words and dates only.
type JSON struct {
	ID        string             `json:"id"`
	State     State              `json:"state" enum:"mottagen,tagen,vilande,antagen,avvisad,vidaresänd,påbörjad,avslutad,återkallad,felaktig"`
	Centre    string             `json:"centre" doc:"Code of the centre: 0684, 0684-2"`
	Received  time.Time          `json:"received"`
	Due       time.Time          `json:"due" doc:"A first contact is promised by then"`
	Name      string             `json:"name,omitempty"`
	Topics    []halsocoach.Topic `json:"topics"`
	Source    halsocoach.Source  `json:"source,omitempty"`
	Reason    Reason             `json:"reason,omitempty" doc:"Class of why it was declined"`
	Ended     string             `json:"ended,omitempty" doc:"Class of end"`
	FirstTalk FirstTalk          `json:"firstTalk,omitempty" enum:"bokat,uteblev,avbokat,hållet" doc:"How it stands with the first talk, if the person lets the sender see it"`
	Protected bool               `json:"protected,omitempty"`
	Language  string             `json:"language,omitempty" doc:"BCP 47; absent for Swedish"`
	Interpret bool               `json:"interpreter,omitempty"`
	CallMe    bool               `json:"callMe,omitempty" doc:"Somebody who asked to be called, and has not been asked yet what they want"`
	ConsentOn halsocoach.Day     `json:"consentOn,omitempty" doc:"To the sender: the day on which the person said yes"`
	Scope     Scope              `json:"consentScope,omitempty" enum:"state,talks" doc:"To the sender: what the person lets them see"`
}

// Local is a time as it goes over the wire.
func Local(t time.Time) time.Time { return t.In(halsocoach.Stockholm()) }
