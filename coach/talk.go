package coach

import (
	"net/url"
	"strings"
	"time"
	"unicode"

	"halsocoach"
)

// Kind of a talk. The values go over the wire.
type Kind string

// A person has first talks until one was held, then follow-up talks.
const (
	First    Kind = "first"
	FollowUp Kind = "followup"
)

// Known says whether k is a kind of talk.
func (k Kind) Known() bool { return k == First || k == FollowUp }

// Outcome is what became of a talk: one of three, or none yet.
type Outcome string

// The outcomes. Held and missed can only be said once the talk has begun.
const (
	NotYet    Outcome = ""
	Held      Outcome = "held"
	Missed    Outcome = "missed"
	Cancelled Outcome = "cancelled"
)

// Talk is a talk between a person and a coach, at a time of the coach's day.
type Talk struct {
	ID        string    `json:"id"`
	Move      int       `json:"move,omitempty"` // how often it was moved; the highest counts
	Kind      Kind      `json:"kind"`
	Person    string    `json:"person"`
	Enrolment string    `json:"enrolment"`
	Centre    string    `json:"centre"`
	Form      Form      `json:"form"`
	Starts    time.Time `json:"starts"`
	Ends      time.Time `json:"ends"`
	Outcome   Outcome   `json:"outcome,omitempty"`
	Counted   bool      `json:"counted,omitempty"`   // its fact has been written
	Digest    string    `json:"digest"`              // of the request that booked it …
	MoveBy    string    `json:"moveBy,omitempty"`    // … and of the one that moved it last
	Changed   time.Time `json:"changed"`             // last booked, moved or cancelled …
	ByCitizen bool      `json:"byCitizen,omitempty"` // … by the person
}

// Coming says whether somebody is still expected to come.
func (t Talk) Coming(now time.Time) bool { return t.Outcome == NotYet && t.Ends.After(now) }

// Begun says whether the talk's time has come.
func (t Talk) Begun(now time.Time) bool { return !now.Before(t.Starts) }

// Unmarked says whether the talk has begun and nobody has said how it went.
func (t Talk) Unmarked(now time.Time) bool { return t.Outcome == NotYet && t.Begun(now) }

// The faults of talks.
var (
	ErrTaken        = halsocoach.Conflict("taken", "Tiden hann bli bokad av någon annan. Välj en annan tid.")
	ErrNotOffered   = halsocoach.Conflict("not_offered", "Tiden går inte att boka längre. Välj en annan tid.")
	ErrHasTalk      = halsocoach.Conflict("has_talk", "Du har redan ett samtal bokat. Du kan byta tid på det.")
	ErrNotEnrolled  = halsocoach.Conflict("not_enrolled", "Du behöver ha kontakt med ett Hälsocenter innan du kan boka samtal.")
	ErrBegun        = halsocoach.Conflict("begun", "Samtalet har redan börjat och kan inte ändras.")
	ErrNotBegun     = halsocoach.Conflict("not_begun", "Du kan ange hur det gick först när samtalet har börjat.")
	ErrWasCancelled = halsocoach.Conflict("cancelled", "Samtalet är avbokat.")
	ErrMarked       = halsocoach.Conflict("marked", "Det är redan angivet hur samtalet gick.")
	ErrSpanTaken    = halsocoach.Conflict("span_taken", "Hälsocoachen har redan något bokat den tiden.")
)

// Where is where a talk is held, for those who take part in it.
type Where struct {
	Place string // the centre with its address, or "Telefon" or "Video"
	Video string // the coach's link; "" when the coach has none yet, or the talk is over
	Phone string // the person's number; "" when there is none, or it is not to be shown here
}

// maxLink is the longest link that a coach can give, in bytes.
const maxLink = 300

// videoLink judges a coach's link to their video room: a web address with https,
// or "" for none.
func videoLink(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.User != nil || !strings.Contains(u.Hostname(), ".") || len(text) > maxLink || strings.ContainsFunc(text, unicode.IsSpace) {
		return "", halsocoach.Invalid(halsocoach.Field{Name: "video", Text: "Skriv hela länken, som den står i videotjänsten. Den börjar med https://."})
	}
	return u.String(), nil
}

// cancel is the rule for calling a talk off; a talk that is called off already
// stays so and nothing has changed.
func (t *Talk) cancel(now time.Time, byCitizen bool) (changed bool, err error) {
	if t.Outcome == Cancelled {
		return false, nil
	}
	if err := t.movable(now, byCitizen); err != nil {
		return false, err
	}
	t.Outcome, t.Changed, t.ByCitizen = Cancelled, now, byCitizen
	return true, nil
}

// movable is the rule for who may still move a talk, or call it off.
func (t Talk) movable(now time.Time, byCitizen bool) error {
	switch {
	case t.Outcome == Cancelled:
		return ErrWasCancelled
	case t.Outcome != NotYet:
		return ErrMarked
	case byCitizen && t.Begun(now):
		return ErrBegun
	}
	return nil
}

// mark is the rule for saying how it went. A correction is allowed; count is
// true only the first time the talk is said to be held.
func (t *Talk) mark(o Outcome, now time.Time) (changed, count bool, err error) {
	switch {
	case o != Held && o != Missed:
		return false, false, halsocoach.Invalid(halsocoach.Field{Name: "outcome", Text: "Välj om samtalet hölls eller om personen uteblev."})
	case t.Outcome == Cancelled:
		return false, false, ErrWasCancelled
	case !t.Begun(now):
		return false, false, ErrNotBegun
	case t.Outcome == o:
		return false, false, nil
	}
	t.Outcome = o
	if o == Held && !t.Counted {
		t.Counted, count = true, true
	}
	return true, count, nil
}

// nextKind is what a person's next talk within an enrolment is: a first talk
// until one was held.
func nextKind(talks []Booked, enrolment string) Kind {
	for _, t := range talks {
		if t.Enrolment == enrolment && t.Kind == First && t.Outcome == Held {
			return FollowUp
		}
	}
	return First
}
