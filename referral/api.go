package referral

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// referralJSON is a recommendation on the wire. To a sender it holds their own
// words and dates only.
type referralJSON struct {
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

func local(t time.Time) time.Time { return t.In(halsocoach.Stockholm()) }

func ownJSON(o Own) referralJSON {
	return referralJSON{ID: o.ID, State: o.State, Centre: o.Centre, Received: local(o.Received), Due: local(o.Due), Name: o.Name,
		Topics: o.Topics, Reason: o.Reason, Ended: o.Ended, FirstTalk: o.First, ConsentOn: o.Consent.On, Scope: o.Consent.Scope}
}

func itemJSON(i Item) referralJSON {
	return referralJSON{ID: i.ID, State: i.State, Centre: i.Centre, Received: local(i.Received), Due: local(i.Due), Name: i.Name,
		Topics: i.Topics, Source: i.Source, Protected: i.Protected, Language: i.Language, Interpret: i.Interpret, CallMe: i.CallMe}
}

type recommendInput struct {
	web.Keyed
	Body struct {
		Personnummer string   `json:"personnummer,omitempty" doc:"Personnummer or samordningsnummer, 10 or 12 digits; may be empty"`
		Name         string   `json:"name,omitempty"`
		Phone        string   `json:"phone,omitempty" doc:"Phone or email must be there"`
		Email        string   `json:"email,omitempty"`
		Topics       []string `json:"topics,omitempty" doc:"What the person wants to work with: mat, sömn, återhämtning, fysisk aktivitet, stresshantering, kultur och fritid"`
		Centre       string   `json:"centre,omitempty"`
		Kommun       string   `json:"kommun,omitempty" doc:"Code of the kommun where the person lives; the centre must then be open to them"`
		Consent      bool     `json:"consent,omitempty" doc:"The person was asked and has said yes"`
		ConsentOn    string   `json:"consentOn,omitempty" doc:"The day of the yes; today if absent"`
		Scope        string   `json:"consentScope,omitempty" doc:"What the person lets the sender see: state (default) or talks"`
		Language     string   `json:"language,omitempty" doc:"BCP 47; Swedish if absent"`
		Interpreter  bool     `json:"interpreter,omitempty"`
		Protected    bool     `json:"protected,omitempty" doc:"The person has protected identity"`
		Wants        string   `json:"wants,omitempty" doc:"What the person wants, in their own words"`
		Note         string   `json:"note,omitempty"`
	}
}

type oneInput struct {
	ID string `path:"id"`
}

type withdrawInput struct {
	web.Keyed
	ID string `path:"id"`
}

type referralOutput struct {
	Status int
	Body   referralJSON
}

type listInput struct {
	Centre string `query:"centre" doc:"For a coach: the own centre"`
	State  string `query:"state" doc:"One of the states; without it a coach gets those that wait, a sender all"`
	After  string `query:"after"`
}

type listOutput struct {
	Body struct {
		Items []referralJSON `json:"items" nullable:"false"`
		Next  string         `json:"next,omitempty"`
	}
}

type decisionInput struct {
	web.Keyed
	ID   string `path:"id"`
	Body struct {
		_        struct{} `json:"-" additionalProperties:"true"` // a decided one is told before the body is judged
		Decision string   `json:"decision,omitempty" doc:"accept, decline or forward"`
		Reason   string   `json:"reason,omitempty" doc:"For decline: full, not_target_group, no_contact, not_wanted, other"`
		Centre   string   `json:"centre,omitempty" doc:"For forward: the other centre"`
	}
}

// API puts the JSON twins on the door.
func (s *Service) API(api huma.API) {
	tags := []string{"Rekommendationer"}
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/referrals", DefaultStatus: http.StatusCreated, Tags: tags, Summary: "Recommend a person to a centre"}, s.postReferral)
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/referrals", Tags: tags, Summary: "A coach's inbox, or the sender's own"}, s.getReferrals)
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/referrals/{id}", Tags: tags, Summary: "One of the sender's own"}, s.getReferral)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/referrals/{id}/withdrawal", DefaultStatus: http.StatusOK, Tags: tags, Summary: "Call it back while nobody has decided; decided already: 409"}, s.postWithdrawal)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/referrals/{id}/decision", Tags: tags, Summary: "Accept, decline or forward; decided already: 409 that names who"}, s.postDecision)
}

func (s *Service) postReferral(ctx context.Context, who halsocoach.Actor, in *recommendInput) (*referralOutput, error) {
	b := in.Body
	wish := Wish{Personnummer: b.Personnummer, Name: b.Name, Phone: b.Phone, Email: b.Email, Centre: b.Centre, Consent: b.Consent, Protected: b.Protected, Note: b.Note,
		Kommun: b.Kommun, ConsentOn: halsocoach.Day(b.ConsentOn), Scope: Scope(b.Scope), Language: b.Language, Interpreter: b.Interpreter, Wants: b.Wants}
	for _, t := range b.Topics {
		wish.Topics = append(wish.Topics, halsocoach.Topic(t))
	}
	own, made, err := s.Recommend(ctx, who, in.Request(), wish)
	if err != nil {
		return nil, err
	}
	return &referralOutput{Status: statusOf(made), Body: ownJSON(own)}, nil
}

func statusOf(made bool) int {
	if made {
		return http.StatusCreated
	}
	return http.StatusOK
}

func (s *Service) getReferrals(ctx context.Context, who halsocoach.Actor, in *listInput) (*listOutput, error) {
	out := &listOutput{}
	out.Body.Items = []referralJSON{}
	if who.Is(senders...) {
		items, next, err := s.Sent(ctx, who, State(in.State), in.After)
		if err != nil {
			return nil, err
		}
		for _, o := range items {
			out.Body.Items = append(out.Body.Items, ownJSON(o))
		}
		out.Body.Next = next
		return out, nil
	}
	items, next, err := s.Inbox(ctx, who, in.Centre, State(in.State), in.After)
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		out.Body.Items = append(out.Body.Items, itemJSON(i))
	}
	out.Body.Next = next
	return out, nil
}

func (s *Service) getReferral(ctx context.Context, who halsocoach.Actor, in *oneInput) (*referralOutput, error) {
	own, err := s.SentOne(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &referralOutput{Status: http.StatusOK, Body: ownJSON(own)}, nil
}

func (s *Service) postWithdrawal(ctx context.Context, who halsocoach.Actor, in *withdrawInput) (*referralOutput, error) {
	own, err := s.Withdraw(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return &referralOutput{Status: http.StatusOK, Body: ownJSON(own)}, nil
}

func (s *Service) postDecision(ctx context.Context, who halsocoach.Actor, in *decisionInput) (*referralOutput, error) {
	item, _, err := s.Decide(ctx, who, in.Request(), in.ID, Ruling{Decision: in.Body.Decision, Reason: in.Body.Reason, Centre: in.Body.Centre})
	if err != nil {
		return nil, err
	}
	return &referralOutput{Status: http.StatusOK, Body: itemJSON(item)}, nil
}
