package inbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/referral/record"
)

// BookView is the page on which a coach takes a person in and books the first
// talk.
type BookView struct {
	Item
	Times []Time // of the first days with free times
	More  int    // how many days to ask for next; 0 when these are all
	Mine  bool   // the coach has taken the person in already, and books only
}

// Of how many days with free times the page shows the times, and how many more at
// a time.
const (
	daysShown = 3
	daysMore  = 5
)

// Bookable is the page; ErrNotFound for what is not the coach's to book for.
func (s *Service) Bookable(ctx context.Context, who halsocoach.Actor, id string, days int) (BookView, error) {
	d, err := s.read(ctx, who, id)
	if err != nil {
		return BookView{}, err
	}
	if err := mayBook(d.Doc, who); err != nil {
		return BookView{}, err
	}
	v := BookView{Item: d.Item, Mine: !d.State.Open()}
	all, err := s.Calendar.FirstTimes(ctx, who)
	shown := 0
	for _, t := range all {
		if n := len(v.Times); n == 0 || halsocoach.DayOf(t.Starts) != halsocoach.DayOf(v.Times[n-1].Starts) {
			if shown == max(days, daysShown) {
				v.More = shown + daysMore
				break
			}
			shown++
		}
		v.Times = append(v.Times, t)
	}
	return v, err
}

// coming are the talks ahead of somebody whom the coach has taken in. The calendar is
// asked and not what the recommendation has heard of it, which comes a moment later.
func (s *Service) coming(ctx context.Context, who halsocoach.Actor, d View) ([]halsocoach.Appointment, error) {
	if d.State != record.Accepted && d.State != record.Started || d.Decision == nil || d.Decision.By != who.ID {
		return nil, nil
	}
	coming, err := s.Calendar.ComingOf(ctx, who, d.Doc.Enrolment)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound { // the enrolment is soon made
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("talks after %s: %w", d.ID, err)
	}
	return coming, nil
}

// ErrHasFirst says that the first talk is booked.
var ErrHasFirst = halsocoach.Conflict("has_talk", "Ett första samtal är redan bokat.")

// mayBook: what waits, and what the coach took in without a talk.
func mayBook(r record.Referral, who halsocoach.Actor) error {
	v := r.Verdict()
	switch {
	case r.State.Open():
		return nil
	case v == nil || !r.State.TakenIn() || v.By != who.ID:
		_, err := r.State.After(record.Accept, who.Role)
		return err
	case r.First == record.TalkBooked || r.First == record.TalkHeld || r.State == record.Ended:
		return ErrHasFirst
	}
	return nil
}

// AcceptAndBook takes the person in and books the first talk at a free time of
// the coach's own. When the time was taken meanwhile nothing is decided, if that
// could be seen before; else the person is taken in and the fault is the
// calendar's. The same again changes nothing.
func (s *Service) AcceptAndBook(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, id string, at Time) error {
	r, _, err := s.of(ctx, who, id)
	if err != nil {
		return err
	}
	ruling := Ruling{Decision: string(record.Accept)}
	if r.State.Open() {
		times, err := s.Calendar.FirstTimes(ctx, who)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(times, func(t Time) bool { return t.Starts.Equal(at.Starts) && t.Form == at.Form }) {
			return halsocoach.Invalid(halsocoach.Field{Name: "tid", Text: "Välj en av tiderna. Den du valde går inte längre att boka."})
		}
		_, _, err = s.Decide(ctx, who, req, id, ruling)
		if err != nil {
			return err
		}
	} else if v := r.Verdict(); v == nil || !r.State.TakenIn() || v.By != who.ID {
		_, _, err := s.Decide(ctx, who, req, id, ruling)
		return err // decided by another: told who
	}
	a, err := s.Records.Accepted(ctx, r.ID)
	if err != nil {
		return fmt.Errorf("book first talk of %s: %w", id, err)
	}
	e, err := s.Enrolments.Enrol(ctx, a)
	if err != nil {
		return fmt.Errorf("book first talk of %s: %w", id, err)
	}
	if err := s.Calendar.BookFirst(ctx, who, req, e.ID, at); err != nil {
		return fmt.Errorf("book first talk of %s: %w", id, err)
	}
	return nil
}

// timeOf reads what a form says of a time: "RFC 3339|form".
func timeOf(value string) (Time, bool) {
	starts, form, _ := strings.Cut(value, "|")
	t, err := time.Parse(time.RFC3339, starts)
	return Time{Starts: t, Form: form}, err == nil
}

func timeValue(t Time) string {
	return t.Starts.In(halsocoach.Stockholm()).Format(time.RFC3339) + "|" + t.Form
}
