package record

import (
	"slices"
	"time"

	"halsocoach/internal/seal"
)

// Attempt is one time that a coach has tried to reach the person.
type Attempt struct {
	ID     string      `json:"id"` // made from coach and Idempotency-Key
	Digest string      `json:"digest"`
	How    Way         `json:"how"`
	Went   Result      `json:"went"`
	Note   seal.Sealed `json:"note,omitempty"`
	By     string      `json:"by"` // staff id
	At     time.Time   `json:"at"`
	// Together says that it counts for all recommendations that stood together then.
	Together bool `json:"together,omitempty"`
}

// PurposeAttempt is what the note of an attempt is sealed as.
const PurposeAttempt = "referral.attempt"

// MostAttempts bounds how many one recommendation holds.
const MostAttempts = 30

// Way is how a coach tries to reach somebody. The values go over the wire.
type Way string

// Result is how the attempt went.
type Result string

// The ways and the results.
const (
	ByPhone  Way = "phone"
	BySMS    Way = "sms"
	ByMail   Way = "mail"
	ByLetter Way = "letter"
	InPerson Way = "in_person" // noted by itself when a coach writes in a visitor

	Reached    Result = "reached"
	NotReached Result = "not_reached" // of a letter and the like: sent, and no answer yet
	AskedBack  Result = "asked_back"  // asked to be contacted later
)

// Ways and Results in the order in which a coach chooses among them.
var (
	Ways    = []Way{ByPhone, BySMS, ByMail, ByLetter}
	Results = []Result{NotReached, Reached, AskedBack}
)

// Reached says whether a coach has been in touch with the person: then the promise
// of a first contact is kept.
func (r Referral) Reached() bool {
	return slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.Went == Reached })
}

// Late says whether the promise of a first contact has passed at now.
func (r Referral) Late(now time.Time) bool {
	return r.State.Open() && r.Due.Before(Over(now)) && !r.Reached()
}

// attempted says whether an attempt is noted.
func (r Referral) attempted(id string) bool {
	return slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.ID == id })
}
