package halsocoach

import (
	"encoding/json"
	"time"
)

// Event says that something has happened, in the past tense. It drives the
// steps between packages. It holds no name, number, free text or person's id:
// Subject is the id of a document, and who listens asks the owner for the rest.
type Event struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"` // "groups.place_booked"
	At      time.Time       `json:"at"`
	Kommun  string          `json:"kommun"`
	Subject string          `json:"subject"`
	Data    json.RawMessage `json:"data,omitempty"`
	// Facts are what is to be counted. They are saved with the event and
	// published beside it, without any tie to it.
	Facts []Fact `json:"-"`
}

// Fact is one nameless thing to count: own random id, the day and not the time,
// no document.
type Fact struct {
	ID     string            `json:"id"`
	Type   string            `json:"type"` // one of CountKinds
	Day    Day               `json:"day"`
	Kommun string            `json:"kommun"` // of the centre that did the work, or County
	Dims   map[string]string `json:"dims,omitempty"`
}

// The dimensions of a fact.
const (
	DimSource  = "source"
	DimTopic   = "topic" // several are joined with "|" and counted under each
	DimSex     = "sex"
	DimAge     = "age"
	DimChannel = "channel"
)

// Happened makes an event. A kommun that is not one of the county's is County.
func Happened(typ string, at time.Time, kommun, subject string, data any) Event {
	e := Event{ID: NewID(), Type: typ, At: at.UTC(), Kommun: CountyOr(kommun), Subject: subject}
	if data != nil {
		body, err := json.Marshal(data)
		if err != nil {
			panic("halsocoach: event data that is not JSON: " + err.Error())
		}
		e.Data = body
	}
	return e
}

// Counting puts facts beside the event.
func (e Event) Counting(facts ...Fact) Event {
	e.Facts = append(e.Facts, facts...)
	return e
}

// Count makes a fact. For a person with protected identity it is counted for
// the county only, without sex and age band.
func Count(kind string, at time.Time, kommun string, protected bool, dims map[string]string) Fact {
	f := Fact{ID: NewID(), Type: kind, Day: DayOf(at), Kommun: CountyOr(kommun), Dims: map[string]string{}}
	for k, v := range dims {
		if v != "" && !(protected && (k == DimSex || k == DimAge)) {
			f.Dims[k] = v
		}
	}
	if protected {
		f.Kommun = County
	}
	return f
}
