package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/referral/record"
)

// TakenError says that another coach was first. It unwraps to ErrTaken.
type TakenError struct{ Name string }

// ErrTaken is what TakenError is.
var ErrTaken = halsocoach.Conflict("taken", "En kollega har redan tagit hand om rekommendationen.")

func (e *TakenError) Error() string { return e.Name + " took it" }

// Unwrap makes it a conflict.
func (e *TakenError) Unwrap() error { return ErrTaken }

// Care is what a coach asks about who takes care of a recommendation.
type Care struct {
	Act  record.Act // Take, Release, Hold or Resume
	To   string     // with Take: a colleague's staff id; "" = the one who asks
	From string     // who had it when the one who asks last looked; "" = nobody
}

// acts are those of Care, with what the access log calls them.
var acts = map[record.Act]halsocoach.Act{
	record.Take: halsocoach.ActTakeReferral, record.Release: halsocoach.ActReleaseReferral, record.Hold: halsocoach.ActHoldReferral, record.Resume: halsocoach.ActResumeReferral,
}

// TakeCare takes a recommendation, gives it to a colleague, lets it go, or lets
// it rest since the person wants to wait. Of two who take it at once one does; the
// other gets a TakenError. The same again changes nothing.
func (s *Service) TakeCare(ctx context.Context, who halsocoach.Actor, id string, c Care) error {
	r, _, err := s.of(ctx, who, id)
	if err != nil {
		return err
	}
	log, ok := acts[c.Act]
	if !ok {
		return halsocoach.Invalid(halsocoach.Field{Name: "act", Text: "Välj vad som ska göras med rekommendationen."})
	}
	to := who.ID
	if c.Act == record.Take && c.To != "" {
		to = c.To
	}
	if err := s.worksAt(ctx, to, r.Centre); err != nil {
		return err
	}
	all, err := s.settled(ctx, r)
	if err != nil {
		return fmt.Errorf("%s %s: %w", c.Act, id, err)
	}
	holder := ""
	after, err := s.Records.Act(ctx, all, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		holder = ""
		if r.Taken != nil {
			holder = r.Taken.By
		}
		if c.done(*r, to) {
			return nil, nil
		}
		if r.State.Open() && holder != c.From {
			return nil, ErrTaken
		}
		events, err := r.Move(c.Act, now)
		if err != nil {
			return nil, err
		}
		if c.Act == record.Take {
			r.Taken = &record.Holder{By: to, At: now}
		}
		return events, nil
	})
	if errors.Is(err, ErrTaken) && holder != "" {
		name, nerr := s.Records.Colleague(ctx, holder)
		if nerr != nil {
			return nerr
		}
		return &TakenError{Name: name}
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", c.Act, id, err)
	}
	return s.Records.Saw(ctx, who, log, after...)
}

// done says whether it stands already as is asked.
func (c Care) done(r record.Referral, to string) bool {
	switch c.Act {
	case record.Take:
		return r.State == record.Taken && r.Taken != nil && r.Taken.By == to
	case record.Release:
		return r.State == record.Received
	case record.Hold:
		return r.State == record.OnHold
	}
	return r.State == record.Taken
}

// worksAt says that the staff id is that of a coach at work at the centre.
func (s *Service) worksAt(ctx context.Context, staff, centre string) error {
	all, err := s.colleagues(ctx, centre)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(m halsocoach.StaffMember) bool { return m.ID == staff }) {
		return halsocoach.Invalid(halsocoach.Field{Name: "to", Text: "Välj en hälsocoach på ert Hälsocenter."})
	}
	return nil
}
