package record

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"halsocoach"
)

// CentreWait is a centre with its waiting time.
type CentreWait struct {
	halsocoach.Centre
	Manned bool // a coach works there
	Wait   halsocoach.Wait
	Known  bool
}

// CentresFor are the centres that somebody who lives in the kommun may choose,
// with their waiting times; the kommun's own first, and those where nobody works
// last. "" is all.
func (s *Records) CentresFor(ctx context.Context, kommun string) ([]CentreWait, error) {
	centres, err := s.Registers.Centres(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("centres: %w", err)
	}
	var out []CentreWait
	for _, c := range centres {
		open, err := s.openTo(ctx, kommun, c)
		if err != nil {
			return nil, err
		}
		if !open || c.Closed {
			continue
		}
		at := CentreWait{Centre: c}
		if at.Manned, err = s.manned(ctx, c.Code); err != nil {
			return nil, err
		}
		if s.Waits != nil {
			if at.Wait, at.Known, err = s.Waits.Wait(ctx, c.Code); err != nil {
				return nil, fmt.Errorf("waiting time at %s: %w", c.Code, err)
			}
		}
		out = append(out, at)
	}
	rank := func(c CentreWait) int {
		switch {
		case !c.Manned:
			return 2
		case c.Kommun != kommun:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(out, func(a, b CentreWait) int { return rank(a) - rank(b) })
	return out, nil
}

// manned says whether a coach works at the centre. A recommendation to one where
// nobody does would wait for nobody.
func (s *Records) manned(ctx context.Context, centre string) (bool, error) {
	coaches, err := s.Staff.Coaches(ctx, centre)
	if err != nil {
		return false, fmt.Errorf("coaches of %s: %w", centre, err)
	}
	return len(coaches) > 0, nil
}

// Validate is NewReferral.Validate, and that the centre takes people in. The
// answers to mend come together.
func (s *Records) Validate(ctx context.Context, who halsocoach.Actor, n NewReferral) (halsocoach.Number, error) {
	n = n.Trimmed()
	number, wrong := n.Validate(who, s.Clock())
	if n.Centre == "" {
		return number, wrong
	}
	kommun := n.Kommun
	if who.Role == halsocoach.RoleCoach {
		kommun = "" // somebody stands before a coach of the centre, who has said yes
	}
	err := s.TakesIn(ctx, kommun, n.Centre)
	var all, more *halsocoach.Error
	if errors.As(wrong, &all) && errors.As(err, &more) && more.Kind == halsocoach.KindInvalid {
		return number, halsocoach.Invalid(append(all.Fields, more.Fields...)...)
	}
	if wrong != nil {
		return number, wrong
	}
	return number, err
}

// TakesIn says whether the centre exists, is not closed, has a coach and takes in
// people who live in the kommun; "" is not said.
func (s *Records) TakesIn(ctx context.Context, kommun, centre string) error {
	c, err := s.Registers.Centre(ctx, centre)
	if err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
		return fmt.Errorf("centre %s: %w", centre, err)
	}
	manned := false
	if err == nil && !c.Closed {
		if manned, err = s.manned(ctx, centre); err != nil {
			return err
		}
	}
	if !manned {
		return halsocoach.Invalid(halsocoach.Field{Name: "centre", Text: "Välj ett Hälsocenter som tar emot."})
	}
	open, err := s.openTo(ctx, kommun, c)
	if err == nil && !open {
		err = halsocoach.Invalid(halsocoach.Field{Name: "centre", Text: "Det Hälsocentret tar bara emot dem som bor i kommunen. Välj ett annat."})
	}
	return err
}

// openTo says whether somebody who lives in the kommun may choose the centre: it
// is the kommun's own, takes people in from afar, or its steering group lets the
// county in.
func (s *Records) openTo(ctx context.Context, kommun string, c halsocoach.Centre) (bool, error) {
	if kommun == "" || kommun == c.Kommun || c.Online {
		return true, nil
	}
	terms, err := s.Settings.Terms(ctx, c.Kommun, c.Code, halsocoach.DayOf(s.Clock()))
	if err != nil {
		return false, fmt.Errorf("terms of %s: %w", c.Code, err)
	}
	return terms.OpenToCounty, nil
}

// promised sets the day by which the centre has promised a first contact, and
// puts the recommendation among those that wait.
func (s *Records) promised(ctx context.Context, r Referral) (Referral, error) {
	kommun, day := halsocoach.KommunOfCentre(r.Centre), halsocoach.DayOf(r.Received)
	terms, err := s.Settings.Terms(ctx, kommun, r.Centre, day)
	if err != nil {
		return r, fmt.Errorf("terms of %s: %w", r.Centre, err)
	}
	r.Due = r.Received.In(halsocoach.Stockholm()).AddDate(0, 0, terms.PromiseDays).UTC()
	for i := range r.Sendings {
		r.Sendings[i].Due = r.Due
	}
	r.enter()
	return r, nil
}
