package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"halsocoach"
	"halsocoach/referral"
)

// Holder is a part of the service that may hold something of a person which can
// not be given to another id. Packages citizen and groups satisfy it.
type Holder interface {
	Holds(ctx context.Context, person string) (bool, error)
}

// Logins ends a person's sign-ins. Package auth satisfies it.
type Logins interface {
	EndLogins(ctx context.Context, person string) error
}

// undoDays is for how long a merge can be undone.
const undoDays = 30

// The faults of a merge and its way back.
var (
	ErrBothHold  = halsocoach.Conflict("both_hold", "Båda har redan en kontakt, en bokning eller mål här. Då går det inte att slå ihop dem. Den ena får bara ha rekommendationer.")
	ErrMeanwhile = halsocoach.Conflict("meanwhile", "Den ena togs emot medan de slogs ihop. Därför är de två personer som förut. Försök igen.")
	ErrOther     = halsocoach.Conflict("merged_with_other", "En kollega har just slagit ihop den ena med någon annan. Läs om sidan.")
	ErrTakenIn   = halsocoach.Conflict("taken_in", "Personen har tagits emot efter att de slogs ihop. Då går det inte att ångra.")
	ErrNumbers   = halsocoach.Conflict("both_numbered", "Båda har ett personnummer. Ett personnummer är en enda persons, så det är två personer.")
	ErrSince     = halsocoach.Conflict("since", "Det har hänt något med rekommendationen efter att de slogs ihop. Då går det inte att ångra, för något som har sagts sedan dess skulle gå förlorat.")
	ErrTooLate   = halsocoach.Conflict("too_late", "Det har gått mer än 30 dagar. Då går det inte att ångra.")
)

// Join says that the persons of two recommendations at the coach's centre are one;
// the other is one of those that Same shows. The one who has a contact, a booking
// or goals stays; if neither has, the one with a number, or else the one who came
// first. What the other has are recommendations only, which become the staying
// one's: one that waits at the same centre joins the one that waits there. The
// numbers of both lead to the one who stays, and who is signed in as the other
// signs in again. It returns the recommendation that is there afterwards. The same
// again changes nothing. When the other is taken in while it is carried out they
// are two again: ErrMeanwhile, or ErrBothHold.
func (s *Service) Join(ctx context.Context, who halsocoach.Actor, id, other string) (string, error) {
	a, err := s.shown(ctx, who, id)
	if err != nil {
		return "", err
	}
	b, err := s.shown(ctx, who, other)
	if err != nil {
		return "", err
	}
	if a.Person == b.Person {
		return b.ID, nil
	}
	if err := s.among(ctx, who, a, b); err != nil {
		return "", err
	}
	stays, goes, err := s.choose(ctx, a, b)
	if err != nil {
		return "", err
	}
	if err := s.saw(ctx, who, "merge persons", stays.Person, goes.Person); err != nil {
		return "", err
	}
	m := Merge{ID: mergeID(goes.Person), Person: stays.Person, Absorbed: goes.Person, Centre: a.Centre, By: who.ID, At: s.now().UTC()}
	due := m.At.AddDate(0, 0, undoDays)
	m.Due = &due
	_, err = s.merges.Upsert(ctx, m.ID, func(d *Merge) ([]halsocoach.Event, error) {
		switch {
		case d.ID != "" && d.Undone == nil && d.Person != m.Person:
			return nil, ErrOther
		case d.ID != "" && d.Undone == nil:
			return nil, nil // a colleague was first
		case d.unfinished():
			return nil, halsocoach.ErrBusy // an earlier one is still being undone
		}
		*d = m
		return []halsocoach.Event{halsocoach.Happened(EventMerged, m.At, halsocoach.KommunOfCentre(m.Centre), m.ID, nil)}, nil
	})
	if err == nil {
		err = s.carryOut(ctx, m.ID)
	}
	if err != nil {
		return "", fmt.Errorf("join %s and %s: %w", id, other, err)
	}
	return s.after(ctx, m.ID, goes.ID, stays.ID)
}

// among says that b is of one of those who are shown as like a: a coach chooses
// among them and nobody else.
func (s *Service) among(ctx context.Context, who halsocoach.Actor, a, b referral.Referral) error {
	all, err := s.matches(ctx, who, a)
	if err == nil && !slices.ContainsFunc(all, func(m Match) bool { return m.person == b.Person }) {
		err = halsocoach.Invalid(halsocoach.Field{Name: "other", Text: "Välj en av dem som visas här."})
	}
	return err
}

// after is the recommendation to look at once two are one.
func (s *Service) after(ctx context.Context, merge, gone, stays string) (string, error) {
	m, err := s.merges.Get(ctx, merge)
	if err != nil {
		return "", err
	}
	if m.Undone != nil {
		return "", s.refused(ctx, m)
	}
	if moved := m.moved(gone); moved != nil {
		return orElse(moved.Into, gone), nil
	}
	return stays, nil
}

// shown is a recommendation whose person the coach may see.
func (s *Service) shown(ctx context.Context, who halsocoach.Actor, id string) (referral.Referral, error) {
	r, err := s.Referrals.Stored(ctx, who, id)
	if err == nil && !r.ShowsPerson(who) {
		err = halsocoach.ErrNotFound
	}
	return r, err
}

// choose says whose person stays. Two personnummer are never one person, whatever
// somebody has written of name and telephone: only a samordningsnummer is followed
// by another number.
func (s *Service) choose(ctx context.Context, a, b referral.Referral) (stays, goes referral.Referral, err error) {
	numberA, lastingA, err := s.Referrals.Seal.Numbered(ctx, a.Person)
	if err != nil {
		return a, b, err
	}
	numberB, lastingB, err := s.Referrals.Seal.Numbered(ctx, b.Person)
	if err != nil {
		return a, b, err
	}
	if lastingA && lastingB {
		return a, b, ErrNumbers
	}
	holdsA, err := s.holds(ctx, a.Person)
	if err != nil {
		return a, b, err
	}
	holdsB, err := s.holds(ctx, b.Person)
	switch {
	case err != nil:
		return a, b, err
	case holdsA && holdsB:
		return a, b, ErrBothHold
	case holdsA:
		return a, b, nil
	case holdsB:
		return b, a, nil
	}
	if numberA != numberB && numberA || numberA == numberB && a.Received.Before(b.Received) {
		return a, b, nil
	}
	return b, a, nil
}

// holds says whether the person has more than recommendations.
func (s *Service) holds(ctx context.Context, person string) (bool, error) {
	for _, h := range s.Holders {
		if held, err := h.Holds(ctx, person); err != nil || held {
			return held, err
		}
	}
	about, err := s.Referrals.About(ctx, person)
	return slices.ContainsFunc(about, func(r referral.Referral) bool { return r.State.TakenIn() }), err
}

// carryOut does what a merge asks for. Any number of nodes may do it at once, and
// doing it again changes nothing. When it turns out that the other has been taken in
// the merge is given up.
func (s *Service) carryOut(ctx context.Context, id string) error {
	m, err := s.merges.Get(ctx, id)
	if err != nil || m.Undone != nil || m.Due == nil {
		return err
	}
	held, err := s.holds(ctx, m.Absorbed)
	if err != nil {
		return err
	}
	if held {
		return s.giveUp(ctx, m)
	}
	if err := s.Referrals.Seal.Merge(ctx, m.Absorbed, m.Person); err != nil {
		return err
	}
	if err := s.Logins.EndLogins(ctx, m.Absorbed); err != nil {
		return err
	}
	centres, err := s.moveAll(ctx, m)
	if err == nil {
		held, err = s.holds(ctx, m.Absorbed)
	}
	if held || errors.Is(err, errTaken) {
		return s.giveUp(ctx, m)
	}
	if err != nil && !errors.Is(err, errUndone) {
		return err
	}
	// What was done here after somebody had undone it is undone too.
	if m, err = s.merges.Get(ctx, id); err != nil {
		return err
	}
	if m.Undone != nil {
		return s.carryBack(ctx, id)
	}
	return s.indexBoth(ctx, m, centres)
}

// indexBoth keeps the search true for both ids of a merge.
func (s *Service) indexBoth(ctx context.Context, m Merge, centres map[string]bool) error {
	for centre := range centres {
		for _, person := range []string{m.Absorbed, m.Person} {
			if err := s.index(ctx, centre, person); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveUp undoes a merge since the one who was to go has been taken in meanwhile.
// Only when what was moved has led on, the one who stays been taken in by it or it been
// forwarded, it can not be undone: then both are left as they are.
func (s *Service) giveUp(ctx context.Context, m Merge) error {
	undone := false
	err := s.ledOn(ctx, m)
	if err == nil {
		s.Log.Warn("a merge is given up: the person was taken in meanwhile", "merge", m.ID)
		undone, err = s.undo(ctx, m.ID)
	}
	switch {
	case err != nil && !errors.Is(err, ErrTakenIn) && !errors.Is(err, ErrSince):
		return err
	case undone:
		return s.refused(ctx, m)
	}
	s.Log.Error("a merge can be neither carried out nor undone: what was moved has led on", "merge", m.ID)
	return ErrBothHold
}

// refused is the fault of a merge that was given up.
func (s *Service) refused(ctx context.Context, m Merge) error {
	held, err := s.holds(ctx, m.Person)
	switch {
	case err != nil:
		return err
	case held:
		return ErrBothHold
	}
	return ErrMeanwhile
}

// settled is err, or nil when a merge was given up: then there is nothing more to
// do.
func settled(err error) error {
	if errors.Is(err, ErrBothHold) || errors.Is(err, ErrMeanwhile) {
		return nil
	}
	return err
}
