package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/referral"
)

// Reach is what a coach writes about an attempt to reach the person.
type Reach struct{ How, Went, Note string }

const (
	// enough is how many attempts in a row that did not reach the person make the
	// letter ready.
	enough      = 3
	mostTries   = 30
	longestNote = 1000 // letters
	notePurpose = referral.PurposeAttempt
)

// ErrTries says that there are as many attempts as a recommendation holds.
var ErrTries = halsocoach.Conflict("too_many", "Det är redan antecknat många försök. Avgör hur det ska bli med rekommendationen.")

func (r Reach) check() error {
	var faults []halsocoach.Field
	if !slices.Contains(referral.Ways, referral.Way(r.How)) {
		faults = append(faults, halsocoach.Field{Name: "how", Text: "Välj hur du försökte nå personen."})
	}
	if !slices.Contains(referral.Results, referral.Result(r.Went)) {
		faults = append(faults, halsocoach.Field{Name: "went", Text: "Välj hur det gick."})
	}
	if utf8.RuneCountInString(r.Note) > longestNote {
		faults = append(faults, halsocoach.Field{Name: "note", Text: "Anteckningen får ha högst 1000 tecken."})
	}
	return halsocoach.Invalid(faults...)
}

// Note keeps an attempt to reach the person. Whoever tries has taken care of the
// recommendation, if nobody had. The same wish again changes nothing.
func (s *Service) Note(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, id string, reach Reach) (referral.Referral, error) {
	r, err := s.Referrals.Stored(ctx, who, id)
	if err != nil {
		return r, err
	}
	reach.Note = strings.TrimSpace(reach.Note)
	if err := reach.check(); err != nil {
		return r, err
	}
	// Made from the id that is asked for: the same wish sent again after a merge is known.
	wish := referral.Attempt{ID: req.ID(who, "referrals/"+id+"/attempts"), Digest: req.Digest(reach), How: referral.Way(reach.How), Went: referral.Result(reach.Went), By: who.ID}
	for range steps {
		after, err := s.addAttempt(ctx, who, wish, r, reach.Note)
		if err == nil {
			return after, s.saw(ctx, who, "note attempt", after.Person)
		}
		if !errors.Is(err, errNew) && !errors.Is(err, store.ErrNotFound) {
			return after, fmt.Errorf("attempt on %s: %w", id, err)
		}
		if r, err = s.Referrals.Stored(ctx, who, id); err != nil { // it was merged meanwhile
			return r, err
		}
	}
	return r, halsocoach.ErrBusy
}

// addAttempt adds an attempt to r, its note sealed for r's person. errNew says that r has
// become another's.
func (s *Service) addAttempt(ctx context.Context, who halsocoach.Actor, a referral.Attempt, r referral.Referral, note string) (referral.Referral, error) {
	var err error
	if a.Note, err = s.Referrals.Seal.Seal(ctx, r.Person, notePurpose, note); err != nil {
		return r, err
	}
	person := r.Person
	return s.Referrals.Change(ctx, r.ID, func(r *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
		if r.Person != person {
			return nil, errNew
		}
		for _, b := range r.Attempts {
			if b.ID == a.ID && b.Digest != a.Digest {
				return nil, halsocoach.ErrOtherWish
			}
			if b.ID == a.ID {
				return nil, nil
			}
		}
		if len(r.Attempts) >= mostTries {
			return nil, ErrTries
		}
		var events []halsocoach.Event
		switch {
		case !r.State.Open():
			_, err := r.State.After(referral.Take, who.Role)
			return nil, err
		case r.State == referral.Received:
			var err error
			if events, err = r.Move(referral.Take, now); err != nil {
				return nil, err
			}
			r.Taken = &referral.Holder{By: who.ID, At: now}
		}
		a.At = now
		r.Attempts = append(r.Attempts, a)
		return events, nil
	})
}

// Stuck says that it is time for a letter: the person has not been reached by
// many attempts.
func (v View) Stuck() bool { return v.State.Open() && v.Doc.Unreached() >= enough }

// Written says that a letter is among the attempts since the person was last
// reached.
func (v View) Written() bool {
	for _, t := range slices.Backward(v.Tries) {
		if t.Went != referral.NotReached {
			return false
		}
		if t.How == referral.ByLetter {
			return true
		}
	}
	return false
}

// Letter is what is printed and sent to somebody who is not reached. It says
// nothing about why.
type Letter struct {
	ID, Name, Coach string
	Centre          halsocoach.Centre
	At              time.Time
}

// ErrNoLetter says that it is too early for a letter.
var ErrNoLetter = halsocoach.Conflict("no_letter", "Brevet finns när ni har försökt nå personen tre gånger.")

// Letter is the text of the letter, with the name of the person if the coach may
// see it.
func (s *Service) Letter(ctx context.Context, who halsocoach.Actor, id string) (Letter, error) {
	d, err := s.Referrals.Read(ctx, who, id)
	if err != nil {
		return Letter{}, err
	}
	if !d.State.Open() || d.Doc.Unreached() < enough {
		return Letter{}, ErrNoLetter
	}
	c, err := s.Referrals.Registers.Centre(ctx, d.Centre)
	if err != nil {
		return Letter{}, fmt.Errorf("centre of %s: %w", id, err)
	}
	return Letter{ID: d.ID, Name: d.Name, Coach: who.Name, Centre: c, At: s.now()}, nil
}
