package inbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/referral/record"
)

// Reach is what a coach writes about an attempt to reach the person.
type Reach struct{ How, Went, Note string }

const (
	// enough is how many attempts in a row that did not reach the person make the
	// letter ready.
	enough      = 3
	longestNote = 1000 // letters
)

func (r Reach) check() error {
	var faults []halsocoach.Field
	if !slices.Contains(record.Ways, record.Way(r.How)) {
		faults = append(faults, halsocoach.Field{Name: "how", Text: "Välj hur du försökte nå personen."})
	}
	if !slices.Contains(record.Results, record.Result(r.Went)) {
		faults = append(faults, halsocoach.Field{Name: "went", Text: "Välj hur det gick."})
	}
	if utf8.RuneCountInString(r.Note) > longestNote {
		faults = append(faults, halsocoach.Field{Name: "note", Text: "Anteckningen får ha högst 1000 tecken."})
	}
	return halsocoach.Invalid(faults...)
}

// Note keeps an attempt to reach the person. Whoever tries has taken care of the
// recommendation, if nobody had. The same request again changes nothing.
func (s *Service) Note(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, id string, reach Reach) error {
	r, _, err := s.of(ctx, who, id)
	if err != nil {
		return err
	}
	reach.Note = strings.TrimSpace(reach.Note)
	if err := reach.check(); err != nil {
		return err
	}
	all, err := s.settled(ctx, r)
	if err != nil {
		return fmt.Errorf("attempt on %s: %w", id, err)
	}
	a := record.Attempt{ID: req.ID(who, "referrals/"+id+"/attempts"), Digest: req.Digest(reach), How: record.Way(reach.How), Went: record.Result(reach.Went),
		By: who.ID, Together: len(all) > 1}
	if a.Note, err = s.Records.Seal.Seal(ctx, all[0].Person, record.PurposeAttempt, reach.Note); err != nil {
		return fmt.Errorf("attempt on %s: %w", id, err)
	}
	after, err := s.Records.Act(ctx, all, func(lead *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		a.At = now
		return lead.Note(a)
	})
	if err != nil {
		return fmt.Errorf("attempt on %s: %w", id, err)
	}
	return s.Records.Saw(ctx, who, halsocoach.ActNoteAttempt, after...)
}

// Stuck says that it is time for a letter: the person has not been reached by
// many attempts.
func (v View) Stuck() bool { return v.State.Open() && v.Unreached() >= enough }

// Unreached is how many attempts have been made since the person was last reached.
func (v View) Unreached() int {
	n := 0
	for _, t := range slices.Backward(v.Tries) {
		if t.Went != record.NotReached {
			break
		}
		n++
	}
	return n
}

// Written says that a letter is among the attempts since the person was last
// reached.
func (v View) Written() bool {
	for _, t := range slices.Backward(v.Tries) {
		if t.Went != record.NotReached {
			return false
		}
		if t.How == record.ByLetter {
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
	v, err := s.read(ctx, who, id)
	if err != nil {
		return Letter{}, err
	}
	if v.Tries, err = s.tries(ctx, v); err != nil {
		return Letter{}, err
	}
	if !v.Stuck() {
		return Letter{}, ErrNoLetter
	}
	c, err := s.Records.Registers.Centre(ctx, v.Centre)
	if err != nil {
		return Letter{}, fmt.Errorf("centre of %s: %w", id, err)
	}
	return Letter{ID: v.ID, Name: v.Name, Coach: who.Name, Centre: c, At: s.now()}, nil
}
