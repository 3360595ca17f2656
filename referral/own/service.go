package own

import (
	"context"
	"fmt"
	"slices"

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
	Staff      halsocoach.Staff
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

// centre is one to choose, and whether somebody works there.
type centre struct {
	referral.CentreWait
	Takes bool
}

// place is a centre as the page of it shows it.
type place struct {
	centre
	Due    halsocoach.Day // whoever asks today hears from them by then
	Here   bool           // the citizen who asks is taken in there already
	SignIn bool           // citizens can sign in
}

// centresFor are those that somebody who lives in the kommun may choose; those
// where nobody works last.
func (s *Service) centresFor(ctx context.Context, kommun string) ([]centre, error) {
	found, err := s.Referrals.CentresFor(ctx, kommun)
	if err != nil {
		return nil, err
	}
	out := make([]centre, len(found))
	for i, c := range found {
		if out[i], err = s.manned(ctx, c); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b centre) int {
		switch {
		case a.Takes == b.Takes:
			return 0
		case a.Takes:
			return -1
		}
		return 1
	})
	return out, nil
}

// manned is the centre with whether a coach works there.
func (s *Service) manned(ctx context.Context, c referral.CentreWait) (centre, error) {
	if s.Staff == nil {
		return centre{c, true}, nil
	}
	coaches, err := s.Staff.Coaches(ctx, c.Code)
	if err != nil {
		return centre{}, fmt.Errorf("coaches of %s: %w", c.Code, err)
	}
	return centre{c, len(coaches) > 0}, nil
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
		p := place{Due: holiday.LastWorkingDay(today, today.Plus(terms.PromiseDays)), SignIn: !s.NoSignIn}
		if p.centre, err = s.manned(ctx, c); err != nil {
			return place{}, err
		}
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
