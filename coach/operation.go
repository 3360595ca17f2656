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

// operation says that somebody is changing a talk of an enrolment, which takes
// writes to several documents. There is one at a time for an enrolment: its id
// is the enrolment's, so that what one person asks for at once is done in turn.
// One that stays behind is finished as store.Unfinished says.
type operation struct {
	Token     string    `json:"token"` // whose it is
	Enrolment string    `json:"enrolment"`
	Person    string    `json:"person"`
	Talk      string    `json:"talk"`
	At        time.Time `json:"at"`
}

// abandoned is when an operation's owner can no longer be at work: requests end
// after five seconds.
const abandoned = 30 * time.Second

// operate does something with one talk of an enrolment, alone. Unless do says
// that the enrolment and the days agree, they are then made to agree, also after
// a fault that a person caused. After any other fault nobody knows what has been
// saved, and the operation stays behind.
func (s *Service) operate(ctx context.Context, t Talk, do func() (agree bool, err error)) error {
	op, err := s.begin(ctx, t)
	if err != nil {
		return err
	}
	agree, err := do()
	if k := halsocoach.KindOf(err); err != nil && (k == "" || k == halsocoach.KindBusy) {
		return err
	}
	var left error
	if !agree {
		left = s.reconcile(ctx, op)
	}
	if left == nil {
		left = s.end(ctx, op)
	}
	if left != nil {
		s.Log.Warn("an operation is left unfinished", "talk", t.ID, "err", left)
	}
	return err
}

// begin waits for its turn until ctx ends, and finishes what an earlier
// operation left behind.
func (s *Service) begin(ctx context.Context, t Talk) (operation, error) {
	op := operation{halsocoach.NewID(), t.Enrolment, t.Person, t.ID, s.Clock().UTC()}
	for {
		err := s.docs.operations.Insert(ctx, op.Enrolment, op)
		if !errors.Is(err, store.ErrConflict) {
			return op, err
		}
		other, err := s.docs.operations.Get(ctx, op.Enrolment)
		if err == nil && s.Clock().Sub(other.At) >= abandoned {
			err = s.finish(ctx, op.Enrolment)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return op, err
		}
		select {
		case <-ctx.Done():
			return op, fmt.Errorf("wait for another operation of the enrolment: %w: %w", ctx.Err(), halsocoach.ErrBusy)
		case <-time.After(time.Duration(2+rand.IntN(8)) * time.Millisecond):
		}
	}
}

// end takes the operation away. When others have thought it abandoned and finished
// it, what was saved since is made to agree once more.
func (s *Service) end(ctx context.Context, op operation) error {
	err := s.docs.operations.Delete(ctx, op.Enrolment, func(now operation) ([]halsocoach.Event, error) {
		if now.Token != op.Token {
			return nil, store.ErrNotFound
		}
		return nil, nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return s.reconcile(ctx, op)
	}
	return err
}

// Unfinished are the operations that were left behind.
func (s *Service) Unfinished() store.Unfinished {
	return store.Unfinished{Name: "coach.operations", Patience: abandoned, Find: s.docs.operations.Since("at"), Finish: s.finish}
}

// finish does what is left of an enrolment's operation.
func (s *Service) finish(ctx context.Context, enrolment string) error {
	op, err := s.docs.operations.Get(ctx, enrolment)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = s.reconcile(ctx, op)
	}
	if err == nil {
		err = s.end(ctx, op)
	}
	return err
}

// reconcile makes the enrolment agree with the days: of a talk that stands in
// two days the last move stays, and the enrolment holds the talk if it is still
// to come. It may be repeated.
func (s *Service) reconcile(ctx context.Context, op operation) error {
	places, err := s.docs.places(ctx, op.Talk)
	if err != nil {
		return err
	}
	last := newest(places)
	for _, p := range places {
		if p.Coach == last[0].Coach && p.Date == last[0].Date {
			continue
		}
		err := s.docs.changeKept(ctx, p.Coach, p.Date, func(d *Day) ([]halsocoach.Event, error) {
			d.Drop(op.Talk)
			return nil, nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if len(last) == 0 || last[0].Outcome != NotYet {
		err = s.Enrolments.FreeTalk(ctx, op.Enrolment, op.Talk)
	} else {
		var a halsocoach.Appointment
		if a, err = s.appointment(ctx, last[0].Talk); err != nil {
			return err
		}
		err = s.Enrolments.ClaimTalk(ctx, op.Enrolment, a)
	}
	switch halsocoach.KindOf(err) {
	case halsocoach.KindNotFound, halsocoach.KindConflict: // the person has left; the day is the truth
		s.Log.Warn("the enrolment does not take its talk", "talk", op.Talk, "err", err)
		return nil
	}
	return err
}
