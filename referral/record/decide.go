package record

import (
	"time"

	"halsocoach"
)

// Decide writes a coach's decision; ErrDecided when there is one already.
func (r *Referral) Decide(d Decision) ([]halsocoach.Event, error) {
	if r.Verdict() != nil {
		return nil, ErrDecided
	}
	if err := r.move(d.What, halsocoach.RoleCoach); err != nil {
		return nil, err
	}
	r.Decisions = append(r.Decisions, d)
	switch d.What {
	case Accept:
		r.Unenrolled, r.Enrolment = &d.At, halsocoach.IDFrom("enrolment", r.ID)
	case Forward:
		r.Unsent = &d.At
	}
	typ := map[Act]string{Accept: EventAccepted, Decline: EventDeclined, Forward: EventForwarded}[d.What]
	return []halsocoach.Event{happened(typ, *r, d.At)}, nil
}

// Move does a coach's act that decides nothing, with the event that tells those
// who follow.
func (r *Referral) Move(act Act, at time.Time) ([]halsocoach.Event, error) {
	if err := r.move(act, halsocoach.RoleCoach); err != nil {
		return nil, err
	}
	return []halsocoach.Event{Changed(*r, at)}, nil
}

// Note adds an attempt. Whoever tries has taken care of the recommendation, if
// nobody had. The same attempt again is nothing; ErrKeyReused when its key was
// used for another.
func (r *Referral) Note(a Attempt) ([]halsocoach.Event, error) {
	for _, b := range r.Attempts {
		if b.ID == a.ID && b.Digest != a.Digest {
			return nil, halsocoach.ErrKeyReused
		}
		if b.ID == a.ID {
			return nil, nil
		}
	}
	if len(r.Attempts) >= MostAttempts {
		return nil, ErrTries
	}
	var events []halsocoach.Event
	switch {
	case !r.State.Open():
		_, err := r.State.After(Take, halsocoach.RoleCoach)
		return nil, err
	case r.State == Received:
		var err error
		if events, err = r.Move(Take, a.At); err != nil {
			return nil, err
		}
		r.Taken = &Holder{By: a.By, At: a.At}
	}
	r.Attempts = append(r.Attempts, a)
	return events, nil
}

// ErrTries says that there are as many attempts as a recommendation holds.
var ErrTries = halsocoach.Conflict("too_many", "Det är redan antecknat många försök. Avgör hur det ska bli med rekommendationen.")
