package own

import (
	"context"
	"fmt"

	"halsocoach"
	"halsocoach/internal/auth/limit"
	"halsocoach/internal/holiday"
	"halsocoach/referral"
)

// Config is what the service needs. Enrolments may be nil, and so may Staff: then
// every centre has a coach.
type Config struct {
	Referrals  *referral.Service
	Enrolments referral.Enrolments
	Registers  halsocoach.Registers
	Settings   halsocoach.Settings
	NoSignIn   bool // no provider lets citizens in: people leave a phone number
	Clock      halsocoach.Clock
}

// Service is the pages of those who come on their own.
type Service struct {
	Config
	calls *limit.Failures // how often an address has asked for a call
}

// New makes the service.
func New(cfg Config) *Service { return &Service{Config: cfg, calls: limit.NewFailures()} }

// ErrTooOften says that an address has asked for too many calls.
var ErrTooOften = halsocoach.Conflict("too_often", "Härifrån har många bett att bli uppringda på kort tid. Ring oss i stället, eller försök igen om en stund.")

// CallMe leaves a name and a phone number for the centre to call. address is the
// visitor's, and is held in memory only.
func (s *Service) CallMe(ctx context.Context, address string, req halsocoach.Request, w referral.Wish) error {
	if !s.calls.Take(address, s.Clock()) { // before the work, so that none pass side by side
		return ErrTooOften
	}
	err := s.Referrals.CallMe(ctx, req, w.Name, w.Phone, w.Centre, w.Language)
	if err != nil {
		s.calls.Back(address)
	}
	return err
}

// place is a centre as the page of it shows it.
type place struct {
	referral.CentreWait
	Due    halsocoach.Day // whoever asks today hears from them by then
	Here   bool           // the citizen who asks is taken in there already
	SignIn bool           // citizens can sign in
}

// place is an open centre.
func (s *Service) place(ctx context.Context, who halsocoach.Actor, code string) (place, error) {
	all, err := s.Referrals.CentresFor(ctx, "")
	if err != nil {
		return place{}, err
	}
	for _, c := range all {
		if c.Code != code {
			continue
		}
		today := halsocoach.DayOf(s.Clock())
		terms, err := s.Settings.Terms(ctx, c.Kommun, c.Code, today)
		if err != nil {
			return place{}, fmt.Errorf("terms of %s: %w", code, err)
		}
		p := place{CentreWait: c, Due: holiday.LastWorkingDay(today, today.Plus(terms.PromiseDays)), SignIn: !s.NoSignIn}
		p.Here, err = s.here(ctx, who, code)
		return p, err
	}
	return place{}, halsocoach.ErrNotFound
}

func (s *Service) here(ctx context.Context, who halsocoach.Actor, centre string) (bool, error) {
	if s.Enrolments == nil || who.Role != halsocoach.RoleCitizen {
		return false, nil
	}
	found, err := s.Enrolments.EnrolmentsAt(ctx, centre, who.ID)
	if err != nil {
		return false, fmt.Errorf("enrolment at %s: %w", centre, err)
	}
	_, ok := found[who.ID]
	return ok, nil
}
