package main

import (
	"context"

	"halsocoach"
	"halsocoach/citizen"
	"halsocoach/coach"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
	"halsocoach/referral/selfreferral"
)

// These hand over services that are made after the one that asks for them, since
// the two need each other.
type (
	waitAdapter      struct{ *app }
	enrolmentAdapter struct{ *app }
	groupAdapter     struct{ *app }
	messageAdapter   struct{ *app }
	personAdapter    struct{ *app }
)

func (w waitAdapter) KommunWaits(ctx context.Context) (map[string]halsocoach.Wait, error) {
	return w.waiting.KommunWaits(ctx)
}

func (w waitAdapter) Wait(ctx context.Context, centre string) (halsocoach.Wait, bool, error) {
	return w.waiting.Wait(ctx, centre)
}

func (w waitAdapter) Waits(ctx context.Context) (map[string]halsocoach.Wait, error) {
	return w.waiting.Waits(ctx)
}

func (e enrolmentAdapter) EnrolmentsAt(ctx context.Context, centre string, persons ...string) (map[string]halsocoach.Enrolment, error) {
	return e.citizen.EnrolmentsAt(ctx, centre, persons...)
}

// Enrol is citizen's in the words that packages share.
func (e enrolmentAdapter) Enrol(ctx context.Context, a halsocoach.Accepted) (halsocoach.Enrolment, error) {
	enrolled, err := e.citizen.Enrol(ctx, a)
	return enrolled.Shared(), err
}

func (g groupAdapter) Coming(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Appointment, error) {
	return g.groups.Coming(ctx, who)
}

func (m messageAdapter) Unread(ctx context.Context, who halsocoach.Actor) (halsocoach.Unread, error) {
	return m.chat.Unread(ctx, who)
}

// calendarAdapter is a coach's own calendar as the inbox asks it.
type calendarAdapter struct{ *app }

func (c calendarAdapter) FirstTimes(ctx context.Context, who halsocoach.Actor) ([]inbox.Time, error) {
	offer, err := c.coach.Free(ctx, who, coach.SlotQuery{Limit: 300})
	var out []inbox.Time
	for _, s := range offer.Slots {
		if s.Coach == who.ID {
			out = append(out, inbox.Time{Starts: s.Starts, Form: string(s.Form)})
		}
	}
	return out, err
}

func (c calendarAdapter) BookFirst(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, enrolment string, at inbox.Time) error {
	_, _, err := c.coach.Book(ctx, who, req, coach.BookRequest{Coach: who.ID, Starts: at.Starts, Form: coach.Form(at.Form), Enrolment: enrolment, Kind: coach.First})
	return err
}

func (c calendarAdapter) ComingOf(ctx context.Context, who halsocoach.Actor, enrolment string) ([]halsocoach.Appointment, error) {
	return c.coach.ComingOf(ctx, who, enrolment)
}

// referralAdapter is what package citizen asks of recommendations.
type referralAdapter struct {
	*record.Records
	self *selfreferral.Service
}

func (r referralAdapter) OfPerson(ctx context.Context, who halsocoach.Actor) ([]citizen.Recommended, error) {
	return r.self.OfPerson(ctx, who)
}

// IDs are all of the person's whom id belongs to.
func (p personAdapter) IDs(ctx context.Context, id string) ([]string, error) {
	one, err := p.persons.Of(ctx, id)
	return one.IDs, err
}
