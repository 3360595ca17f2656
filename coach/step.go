package coach

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// step says that somebody is about to change a talk of an enrolment, which
// takes writes to several documents. There is one at a time for an enrolment:
// its id is the enrolment's, so that what one person asks for at once is done
// in turn. A step that stays behind is settled by the sweep.
type step struct {
	Token     string    `json:"token"` // whose it is
	Enrolment string    `json:"enrolment"`
	Person    string    `json:"person"`
	Talk      string    `json:"talk"`
	At        time.Time `json:"at"`
}

// abandoned is when a step's owner can no longer be at work: requests end after
// five seconds.
const abandoned = 30 * time.Second

// ended says how a step ended.
type ended int

const (
	agree  ended = iota // the enrolment and the days agree
	settle              // they are to be made to agree
)

// step does something with one talk of an enrolment, alone. When do fails with
// a fault that a person caused, nothing or everything of it is known to be
// saved, and the days and the enrolment are made to agree at once; after any
// other fault the sweep does it.
func (s *Service) step(ctx context.Context, t Talk, do func() (ended, error)) error {
	st, err := s.begin(ctx, t)
	if err != nil {
		return err
	}
	how, err := do()
	if err != nil {
		if k := halsocoach.KindOf(err); k == "" || k == halsocoach.KindBusy {
			return err
		}
	}
	if how == settle {
		if serr := s.settle(ctx, st); serr != nil {
			s.Log.Warn("a step is left to the sweep", "talk", t.ID, "err", serr)
			return err
		}
	}
	mine, serr := s.end(ctx, st)
	if serr == nil && !mine { // it took so long that others thought it abandoned
		serr = s.settle(ctx, st)
	}
	if serr != nil {
		s.Log.Warn("a step is left to the sweep", "talk", t.ID, "err", serr)
	}
	return err
}

// begin waits for its turn until ctx ends, and settles what an earlier step
// left behind.
func (s *Service) begin(ctx context.Context, t Talk) (step, error) {
	st := step{halsocoach.NewID(), t.Enrolment, t.Person, t.ID, s.Clock().UTC()}
	for {
		err := s.shelves.steps.Insert(ctx, st.Enrolment, st)
		if err == nil || !errors.Is(err, store.ErrConflict) {
			return st, err
		}
		other, err := s.shelves.steps.Get(ctx, st.Enrolment)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return st, err
		}
		if s.Clock().Sub(other.At) >= abandoned {
			if err := s.mend(ctx, other); err != nil {
				return st, err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return st, fmt.Errorf("wait for another step of the enrolment: %w: %w", ctx.Err(), halsocoach.ErrBusy)
		case <-time.After(time.Duration(2+rand.IntN(8)) * time.Millisecond):
		}
	}
}

// end takes the step away; mine is false when others have settled it already.
func (s *Service) end(ctx context.Context, st step) (mine bool, err error) {
	err = s.shelves.steps.Delete(ctx, st.Enrolment, func(now step) ([]halsocoach.Event, error) {
		if now.Token != st.Token {
			return nil, store.ErrNotFound
		}
		return nil, nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return true, err
}

func (s *Service) mend(ctx context.Context, st step) error {
	if err := s.settle(ctx, st); err != nil {
		return err
	}
	_, err := s.end(ctx, st)
	return err
}

// settle makes the enrolment agree with the days: of a talk that stands in two
// days the last move stays, and the enrolment holds the talk if it is still to
// come. It may be repeated.
func (s *Service) settle(ctx context.Context, st step) error {
	places, err := s.shelves.places(ctx, st.Talk)
	if err != nil {
		return err
	}
	last := newest(places)
	for _, p := range places {
		if p.Coach == last[0].Coach && p.Date == last[0].Date {
			continue
		}
		_, err := s.shelves.days.Update(ctx, DayID(p.Coach, p.Date), func(d *Day) ([]halsocoach.Event, error) {
			d.Drop(st.Talk)
			return nil, nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if len(last) == 0 || last[0].Outcome != NotYet {
		err = s.Enrolments.FreeTalk(ctx, st.Enrolment, st.Talk)
	} else {
		var a halsocoach.Appointment
		if a, err = s.appointment(ctx, last[0].Talk); err != nil {
			return err
		}
		err = s.Enrolments.ClaimTalk(ctx, st.Enrolment, a)
	}
	switch halsocoach.KindOf(err) {
	case halsocoach.KindNotFound, halsocoach.KindConflict: // the person has left; the day is the truth
		s.Log.Warn("the enrolment does not take its talk", "talk", st.Talk, "err", err)
		return nil
	}
	return err
}

// Sweep settles the steps that were left behind and says how many.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	left, _, err := s.shelves.steps.Find(ctx, store.Query{Index: "at", Before: s.Clock().Add(-abandoned).Add(time.Millisecond)})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, st := range left {
		if serr := s.mend(ctx, st); serr != nil {
			err = errors.Join(err, fmt.Errorf("settle talk %s: %w", st.Talk, serr))
			continue
		}
		n++
	}
	return n, err
}
