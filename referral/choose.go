package referral

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/holiday"
	"halsocoach/internal/store"
)

// Preview is what a sender sees before sending: the wish, how long people wait
// at the centre, and the centres where the person may go and waits less.
type Preview struct {
	Wish    Wish
	Centre  halsocoach.Centre
	Wait    halsocoach.Wait
	Known   bool // whether Wait is
	Shorter []CentreWait
}

// CentreWait is a centre with its waiting time.
type CentreWait struct {
	halsocoach.Centre
	Manned bool // a coach works there
	Wait   halsocoach.Wait
	Known  bool
}

// Check judges a wish as Recommend would, and sends nothing.
func (s *Service) Check(ctx context.Context, who halsocoach.Actor, wish Wish) (Preview, error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return Preview{}, err
	}
	wish = wish.trimmed()
	if _, err := s.judge(ctx, wish); err != nil {
		return Preview{}, err
	}
	if wish.ConsentOn == "" {
		wish.ConsentOn = halsocoach.DayOf(s.Clock())
	}
	p := Preview{Wish: wish}
	open, err := s.CentresFor(ctx, wish.Kommun)
	if err != nil {
		return Preview{}, err
	}
	for _, c := range open {
		if c.Code == wish.Centre {
			p.Centre, p.Wait, p.Known = c.Centre, c.Wait, c.Known
		}
	}
	for _, c := range open {
		if p.Known && c.Known && c.Manned && c.Code != wish.Centre && shorter(c.Wait, p.Wait) {
			p.Shorter = append(p.Shorter, c)
		}
	}
	slices.SortStableFunc(p.Shorter, func(a, b CentreWait) int { return a.Wait.Median - b.Wait.Median })
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

// Fits judges the wish of one who gets in touch on their own as Contact would,
// and sends nothing.
func (s *Service) Fits(ctx context.Context, wish Wish) error {
	wish = wish.trimmed()
	wish.Personnummer, wish.Consent, wish.ConsentOn, wish.Scope, wish.Placer = "", true, "", "", ""
	_, err := s.judge(ctx, wish)
	return err
}

// CentresFor are the centres that somebody who lives in the kommun may choose,
// with their waiting times; the kommun's own first, and those where nobody works
// last. "" is all.
func (s *Service) CentresFor(ctx context.Context, kommun string) ([]CentreWait, error) {
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
func (s *Service) manned(ctx context.Context, centre string) (bool, error) {
	coaches, err := s.Staff.Coaches(ctx, centre)
	if err != nil {
		return false, fmt.Errorf("coaches of %s: %w", centre, err)
	}
	return len(coaches) > 0, nil
}

// judge is the wish's own rules, and that the centre takes people in. The
// answers to mend come together.
func (s *Service) judge(ctx context.Context, wish Wish) (halsocoach.Number, error) {
	number, wrong := wish.Judge(s.Clock())
	if wish.Centre == "" {
		return number, wrong
	}
	kommun := wish.Kommun
	if wish.there {
		kommun = ""
	}
	err := s.takesIn(ctx, kommun, wish.Centre)
	var all, more *halsocoach.Error
	if errors.As(wrong, &all) && errors.As(err, &more) && more.Kind == halsocoach.KindInvalid {
		return number, halsocoach.Invalid(append(all.Fields, more.Fields...)...)
	}
	if wrong != nil {
		return number, wrong
	}
	return number, err
}

// takesIn says whether the centre exists, is not closed, has a coach and takes in
// people who live in the kommun; "" is not said.
func (s *Service) takesIn(ctx context.Context, kommun, centre string) error {
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
func (s *Service) openTo(ctx context.Context, kommun string, c halsocoach.Centre) (bool, error) {
	if kommun == "" || kommun == c.Kommun || c.Online {
		return true, nil
	}
	terms, err := s.Settings.Terms(ctx, c.Kommun, c.Code, halsocoach.DayOf(s.Clock()))
	if err != nil {
		return false, fmt.Errorf("terms of %s: %w", c.Code, err)
	}
	return terms.OpenToCounty, nil
}

// Already is the sender's own recommendation of the same person to the same
// centre, while it is open there; false when there is none. The person is known
// by the number alone, so without one nobody is known.
func (s *Service) Already(ctx context.Context, who halsocoach.Actor, wish Wish) (Own, bool, error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return Own{}, false, err
	}
	wish = wish.trimmed()
	number, err := halsocoach.ParseNumber(wish.Personnummer, s.Clock())
	if err != nil {
		return Own{}, false, nil
	}
	person, found, err := s.Seal.Lookup(ctx, number)
	if err != nil || !found {
		return Own{}, false, err
	}
	r, err := s.openOne(ctx, person+"/"+wish.Centre)
	if errors.Is(err, store.ErrNotFound) {
		return Own{}, false, nil
	}
	if err != nil {
		return Own{}, false, fmt.Errorf("what is open about the person: %w", err)
	}
	i := slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.knownTo(who.ID) && x.Gone == nil && x.Consent.Back == nil })
	if i < 0 {
		return Own{}, false, nil
	}
	if err := s.saw(ctx, who, halsocoach.ActReadSent, []Referral{r}); err != nil {
		return Own{}, false, err
	}
	own, err := s.own(ctx, r, r.Sendings[i])
	return own, err == nil, err
}

// promised is the day by which people are told that the person will have heard
// from the centre.
func promised(o Own) time.Time {
	return holiday.LastWorkingDay(halsocoach.DayOf(o.Received), halsocoach.DayOf(o.Due)).Start()
}
