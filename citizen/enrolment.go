package citizen

import (
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
)

// Enrolment is a person taken in at a centre, as it is stored.
type Enrolment struct {
	ID        string             `json:"id"`
	Referrals []string           `json:"referrals"` // the recommendations it was made from, the first first
	Person    string             `json:"person"`
	Centre    string             `json:"centre"`
	Coach     string             `json:"coach"` // staff id
	Source    halsocoach.Source  `json:"source"`
	Topics    []halsocoach.Topic `json:"topics"`
	Sex       string             `json:"sex,omitempty"`
	AgeBand   string             `json:"ageBand,omitempty"`
	Contact
	Since    time.Time `json:"since"`
	Open     string    `json:"open,omitempty"`     // person/centre until it ends; unique
	Caseload string    `json:"caseload,omitempty"` // the coach until it ends
	Talks    []Talk    `json:"talks,omitempty"`    // claimed, the coming ones and those just past
	Started  bool      `json:"started,omitempty"`  // a talk has been claimed at some time
	Ended    *End      `json:"ended,omitempty"`
	// Mistaken is when a recommendation that it was made from was said to have
	// been sent by mistake. The coach is told; nothing else follows from it.
	Mistaken *time.Time `json:"mistaken,omitempty"`
}

// Contact is a person's name and how to reach them, sealed with the key of the
// enrolment's Person.
type Contact struct {
	Name  seal.Sealed `json:"name,omitempty"`
	Phone seal.Sealed `json:"phone,omitempty"`
	Email seal.Sealed `json:"email,omitempty"`
}

// Talk is a claimed time with the coach.
type Talk struct {
	ID     string    `json:"id"`
	Kind   string    `json:"kind"` // "first" or "followup"
	Path   string    `json:"path,omitempty"`
	Place  string    `json:"place,omitempty"` // "Telefon" or "Video"; "" = at the centre
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends"`
}

// End is how the work with the person ended.
type End struct {
	ID     string    `json:"id"` // made from coach and Idempotency-Key
	Digest string    `json:"digest"`
	Class  Class     `json:"class"`
	By     string    `json:"by"` // staff id
	At     time.Time `json:"at"`
}

// Class is the class of an end. The one who recommended sees it.
type Class string

// Classes in the order in which a coach chooses among them.
var Classes = []Class{"goals_reached", "handed_over", "own_wish", "moved", "no_contact", "other"}

// Known says whether c is one of Classes.
func (c Class) Known() bool { return slices.Contains(Classes, c) }

// The faults of a claim and of an end.
var (
	ErrFirstTalk = halsocoach.Conflict("first_talk_booked", "Det finns redan ett första samtal bokat.")
	ErrSameTime  = halsocoach.Conflict("same_time", "Tiden krockar med ett annat bokat samtal.")
	ErrEnded     = halsocoach.Conflict("enrolment_ended", "Kontakten med Hälsocenter är avslutad.")
)

// Shared is what other packages may know.
func (e Enrolment) Shared() halsocoach.Enrolment {
	return halsocoach.Enrolment{ID: e.ID, Referral: e.madeFrom(), Person: e.Person, Centre: e.Centre, Kommun: halsocoach.KommunOfCentre(e.Centre), Coach: e.Coach,
		Source: e.Source, Topics: e.Topics, Sex: e.Sex, AgeBand: e.AgeBand, Since: e.Since, Ended: e.Ended != nil}
}

// madeFrom is the recommendation that the enrolment began with.
func (e Enrolment) madeFrom() string {
	if len(e.Referrals) == 0 {
		return ""
	}
	return e.Referrals[0]
}

// MayOpen says whether the coach may open the file: a coach of the centre, and
// for a person with protected identity only the named one.
func (e Enrolment) MayOpen(who halsocoach.Actor, protected bool) bool {
	if who.Role != halsocoach.RoleCoach || who.Centre == "" || who.Centre != e.Centre {
		return false
	}
	return !protected || e.Coach == who.ID
}

// MayReadGoals says whether the coach may read the person's goals: the coach of
// the enrolment, while it lasts.
func (e Enrolment) MayReadGoals(who halsocoach.Actor) bool {
	return e.MayOpen(who, true) && e.Ended == nil
}

// Alias is what a person with protected identity is called in lists: always the
// same, and nothing about them.
func (e Enrolment) Alias() string {
	id := strings.ToUpper(strings.NewReplacer("-", "", "_", "").Replace(halsocoach.IDFrom("alias", e.ID)))
	return "Invånare " + id[:4]
}

// talksKept is how long a talk that is over stays in the enrolment.
const talksKept = 24 * time.Hour

// claim takes a time for a talk, or moves the talk of the same id to it. It
// says whether anything has changed.
func (e *Enrolment) claim(t Talk, now time.Time) (changed bool, err error) {
	if e.Ended != nil {
		return false, ErrEnded
	}
	var kept []Talk
	for _, other := range e.Talks {
		switch {
		case other.ID == t.ID:
			if other == t {
				return false, nil
			}
			continue
		case other.Ends.Before(now.Add(-talksKept)):
			continue
		case t.Kind == "first" && other.Kind == "first" && other.Ends.After(now):
			return false, ErrFirstTalk
		case t.Starts.Before(other.Ends) && other.Starts.Before(t.Ends):
			return false, ErrSameTime
		}
		kept = append(kept, other)
	}
	e.Talks = append(kept, t)
	slices.SortFunc(e.Talks, func(a, b Talk) int { return a.Starts.Compare(b.Starts) })
	return true, nil
}

// free gives the talk's time back.
func (e *Enrolment) free(talk string) {
	e.Talks = slices.DeleteFunc(e.Talks, func(t Talk) bool { return t.ID == talk })
}

// Coming are the claimed talks that are not over.
func (e Enrolment) Coming(now time.Time) []Talk {
	var out []Talk
	for _, t := range e.Talks {
		if t.Ends.After(now) {
			out = append(out, t)
		}
	}
	return out
}

// end closes the enrolment, which then stands in nobody's way. Package coach
// calls off the talks that were coming when it hears of it.
func (e *Enrolment) end(how End) error {
	if e.Ended != nil {
		return ErrEnded
	}
	e.Ended, e.Open, e.Caseload = &how, "", ""
	return nil
}

// addReferral adds one more recommendation of the same person to the enrolment,
// and of its contact what the enrolment lacks. It says false when it has been
// added before.
func (e *Enrolment) addReferral(a halsocoach.Accepted, contact Contact) bool {
	if slices.Contains(e.Referrals, a.Referral) {
		return false
	}
	e.Referrals = append(e.Referrals, a.Referral)
	for _, part := range []struct{ into, from *seal.Sealed }{{&e.Name, &contact.Name}, {&e.Phone, &contact.Phone}, {&e.Email, &contact.Email}} {
		if len(*part.into) == 0 {
			*part.into = *part.from
		}
	}
	var topics []halsocoach.Topic
	for _, t := range halsocoach.Topics {
		if slices.Contains(e.Topics, t) || slices.Contains(a.Topics, t) {
			topics = append(topics, t)
		}
	}
	e.Topics = topics
	return true
}
