package coach

import (
	"context"
	"errors"
	"slices"
	"time"

	"halsocoach"
)

// NewTime is where a talk is to be moved.
type NewTime struct {
	Coach  string // "" = the same
	Starts time.Time
	Form   Form // "" = the same
}

// Move gives a talk another time, with the same coach or a colleague. The new
// time is taken before the old one is given back, and the talk keeps its id.
// The same request again is nothing.
func (s *Service) Move(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, id string, to NewTime) (Booked, error) {
	b, err := s.enter(ctx, who, id, halsocoach.ActMoveTalk)
	if err != nil {
		return Booked{}, err
	}
	var faults halsocoach.Faults
	faults.When(!aTime(to.Starts), "starts", "Välj en tid.")
	faults.When(to.Form != "" && !to.Form.Known(), "form", "Välj på plats, telefon eller video.")
	if err := halsocoach.Invalid(faults...); err != nil {
		return Booked{}, err
	}
	to.Starts = to.Starts.UTC()
	digest := req.Digest(to)
	err = s.operate(ctx, b.Talk, func() (agree bool, err error) {
		if b, err = s.docs.talk(ctx, id); err != nil || b.MoveBy == digest {
			return true, err
		}
		if err := b.movable(s.Clock(), who.Is(halsocoach.RoleCitizen)); err != nil {
			return true, err
		}
		to := b.movedTo(to, digest, s.Clock(), who)
		if to.Coach == b.Coach && to.Starts.Equal(b.Starts) && to.Form == b.Form {
			return true, nil
		}
		if err := s.mayBeMovedTo(ctx, to); err != nil {
			return true, err
		}
		terms, err := s.terms(ctx, b.Centre)
		if err != nil {
			return true, err
		}
		if err := s.claim(ctx, who, to, terms); err != nil {
			return false, err
		}
		b = to
		return false, nil // the old time is given back, if it is on another day
	})
	if err != nil {
		return Booked{}, err
	}
	return b, nil
}

// movedTo is the talk at its new time.
func (b Booked) movedTo(to NewTime, digest string, now time.Time, who halsocoach.Actor) Booked {
	length := b.Ends.Sub(b.Starts)
	b.Starts = local(to.Starts)
	b.Ends = b.Starts.Add(length)
	b.Date = halsocoach.DayOf(b.Starts)
	if to.Coach != "" {
		b.Coach = to.Coach
	}
	if to.Form != "" {
		b.Form = to.Form
	}
	b.Move++
	b.MoveBy, b.Changed, b.ByCitizen = digest, now.UTC(), who.Is(halsocoach.RoleCitizen)
	return b
}

// mayBeMovedTo: the new coach is one that the person may meet.
func (s *Service) mayBeMovedTo(ctx context.Context, to Booked) error {
	m, err := s.coachOf(ctx, to.Coach)
	if err != nil {
		return err
	}
	e, err := s.Enrolments.Enrolment(ctx, to.Enrolment)
	if err != nil {
		return err
	}
	return s.mayMeet(ctx, m, e)
}

// Cancel calls a talk off; again is nothing.
func (s *Service) Cancel(ctx context.Context, who halsocoach.Actor, id string) error {
	b, err := s.enter(ctx, who, id, halsocoach.ActCancelTalk)
	if err != nil {
		return err
	}
	if b.Outcome == Cancelled {
		return nil
	}
	return s.operate(ctx, b.Talk, func() (agree bool, err error) {
		err = s.cancel(ctx, id, who.Is(halsocoach.RoleCitizen))
		return err != nil, err
	})
}

// cancel runs within an operation.
func (s *Service) cancel(ctx context.Context, id string, byCitizen bool) error {
	b, err := s.docs.talk(ctx, id)
	if err != nil {
		return err
	}
	now := s.Clock()
	return s.docs.changeKept(ctx, b.Coach, b.Date, func(d *Day) ([]halsocoach.Event, error) {
		t := d.Talk(id)
		if t == nil {
			return nil, halsocoach.ErrNotFound
		}
		changed, err := t.cancel(now, byCitizen)
		if err != nil || !changed {
			return nil, err
		}
		e := s.happened(EventCancelled, *t)
		d.forget(t.Person)
		return []halsocoach.Event{e}, nil
	})
}

// Mark says how a talk went, once it has begun. It is counted the first time it
// is said to be held; a correction is not counted again.
func (s *Service) Mark(ctx context.Context, who halsocoach.Actor, id string, o Outcome) (Booked, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return Booked{}, err
	}
	b, err := s.enter(ctx, who, id, halsocoach.ActMarkTalk)
	if err != nil {
		return Booked{}, err
	}
	err = s.operate(ctx, b.Talk, func() (agree bool, err error) {
		b, err = s.mark(ctx, id, o)
		return err != nil, err // once marked, the enrolment expects the talk no longer
	})
	if err != nil {
		return Booked{}, err
	}
	return b, nil
}

// mark runs within an operation, so that of two first talks of a person only one is
// counted as such.
func (s *Service) mark(ctx context.Context, id string, o Outcome) (Booked, error) {
	b, err := s.docs.talk(ctx, id)
	if err != nil {
		return Booked{}, err
	}
	before, err := s.docs.ofEnrolment(ctx, b.Enrolment, "")
	if err != nil {
		return Booked{}, err
	}
	e, err := s.Enrolments.Enrolment(ctx, b.Enrolment)
	if err != nil && !errors.Is(err, halsocoach.ErrNotFound) {
		return Booked{}, err
	}
	protected, err := s.Persons.Protected(ctx, b.Person)
	if err != nil {
		return Booked{}, err
	}
	before = slices.DeleteFunc(before, func(o Booked) bool { return o.ID == id })
	now := s.Clock()
	err = s.docs.changeKept(ctx, b.Coach, b.Date, func(d *Day) ([]halsocoach.Event, error) {
		t := d.Talk(id)
		if t == nil {
			return nil, halsocoach.ErrNotFound
		}
		changed, count, err := t.mark(o, now)
		if err != nil {
			return nil, err
		}
		if count && t.Kind == First && nextKind(before, t.Enrolment) == FollowUp {
			t.Kind = FollowUp
		}
		b.Talk = *t
		if !changed {
			return nil, nil
		}
		if o == Missed {
			return []halsocoach.Event{s.happened(EventMissed, *t)}, nil
		}
		held := s.happened(EventHeld, *t)
		if count {
			held = held.Counting(fact(*t, e, protected))
		}
		return []halsocoach.Event{held}, nil
	})
	return b, err
}
