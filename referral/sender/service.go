package sender

import (
	"context"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/holiday"
	"halsocoach/referral/record"
)

// Config is what the service needs.
type Config struct {
	Records *record.Records
	Inbox   Inbox
}

// Inbox is what a coach sees of what has been sent. Room inbox satisfies it: a list
// of recommendations has one address for both.
type Inbox interface {
	Inbox(ctx context.Context, who halsocoach.Actor, centre string, state record.State, after string) (items []record.JSON, next string, err error)
}

// Service is the one door of those who recommend.
type Service struct{ Config }

// New makes the service.
func New(cfg Config) *Service { return &Service{cfg} }

// Recommend sends a recommendation to a centre. Somebody else's that waits about
// the same person there is joined; the sender can not tell. What the sender has sent
// already, and waits there, is an AlreadyError. made is false for a repeat of the
// same request.
func (s *Service) Recommend(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, n record.NewReferral) (v record.SenderView, made bool, err error) {
	if err := halsocoach.Allow(who, record.Senders...); err != nil {
		return v, false, err
	}
	doc, x, made, err := s.Records.Receive(ctx, who, req, n)
	if err != nil {
		return v, false, err
	}
	act := halsocoach.ActRecommend
	if !made {
		act = halsocoach.ActReadSent
	}
	v, err = s.shown(ctx, who, act, doc, x)
	return v, made, err
}

// Preview is what a sender sees before sending: what they ask for, how long people wait
// at the centre, and the centres where the person may go and waits less.
type Preview struct {
	Asked   record.NewReferral
	Centre  halsocoach.Centre
	Wait    halsocoach.Wait
	Known   bool // whether Wait is
	Shorter []record.CentreWait
}

// Check judges as Recommend would, and sends nothing.
func (s *Service) Check(ctx context.Context, who halsocoach.Actor, n record.NewReferral) (Preview, error) {
	if err := halsocoach.Allow(who, record.Senders...); err != nil {
		return Preview{}, err
	}
	n = n.Trimmed()
	if _, err := s.Records.Validate(ctx, who, n); err != nil {
		return Preview{}, err
	}
	if n.ConsentOn == "" {
		n.ConsentOn = halsocoach.DayOf(s.Records.Clock())
	}
	p := Preview{Asked: n}
	open, err := s.Records.CentresFor(ctx, n.Kommun)
	if err != nil {
		return Preview{}, err
	}
	for _, c := range open {
		if c.Code == n.Centre {
			p.Centre, p.Wait, p.Known = c.Centre, c.Wait, c.Known
		}
	}
	for _, c := range open {
		if p.Known && c.Known && c.Manned && c.Code != n.Centre && shorter(c.Wait, p.Wait) {
			p.Shorter = append(p.Shorter, c)
		}
	}
	slices.SortStableFunc(p.Shorter, func(a, b record.CentreWait) int { return a.Wait.Median - b.Wait.Median })
	p.Shorter = p.Shorter[:min(len(p.Shorter), 3)]
	return p, nil
}

// shorter says whether people wait less there than here: those who have had their
// talk did, and those who wait now have not waited longer.
func shorter(there, here halsocoach.Wait) bool {
	if there.Median >= here.Median {
		return false
	}
	if there.WaitingMedian == nil {
		return true
	}
	so := here.Median
	if here.WaitingMedian != nil {
		so = *here.WaitingMedian
	}
	return *there.WaitingMedian <= so
}

// Already is the sender's own recommendation of the same person to the same
// centre, while it is open there; false when there is none. The person is known
// by the number alone, so without one nobody is known.
func (s *Service) Already(ctx context.Context, who halsocoach.Actor, n record.NewReferral) (record.SenderView, bool, error) {
	if err := halsocoach.Allow(who, record.Senders...); err != nil {
		return record.SenderView{}, false, err
	}
	number, err := halsocoach.ParseNumber(n.Personnummer, s.Records.Clock())
	if err != nil {
		return record.SenderView{}, false, nil
	}
	r, x, found, err := s.Records.Already(ctx, who, number, n.Centre)
	if err != nil || !found {
		return record.SenderView{}, false, err
	}
	v, err := s.shown(ctx, who, halsocoach.ActReadSent, r, x)
	return v, err == nil, err
}

// promised is the day by which people are told that the person will have heard
// from the centre.
func promised(o record.SenderView) time.Time {
	return holiday.LastWorkingDay(halsocoach.DayOf(o.Received), halsocoach.DayOf(o.Due)).Start()
}
