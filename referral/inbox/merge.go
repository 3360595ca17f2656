package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
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
	ErrBothHold = halsocoach.Conflict("both_hold", "Båda har redan en kontakt, en bokning eller mål här. Då går det inte att slå ihop dem. Den ena får bara ha rekommendationer.")
	ErrTakenIn  = halsocoach.Conflict("taken_in", "Personen har tagits emot efter att de slogs ihop. Då går det inte att ångra.")
	ErrNumbers  = halsocoach.Conflict("both_numbered", "Båda har ett personnummer. Ett personnummer är en enda persons, så det är två personer.")
	ErrSince    = halsocoach.Conflict("since", "Det har hänt något med rekommendationen efter att de slogs ihop. Då går det inte att ångra, för något som har sagts sedan dess skulle gå förlorat.")
	ErrTooLate  = halsocoach.Conflict("too_late", "Det har gått mer än 30 dagar. Då går det inte att ångra.")
)

// Join says that the persons of two recommendations at the coach's centre are one.
// The one who has a contact, a booking or goals stays; if neither has, the one with
// a number, or else the one who came first. What the other has are recommendations
// only, which become the staying one's: one that waits at the same centre joins
// the one that waits there. The numbers of both lead to the one who stays, and who
// is signed in as the other signs in again. It returns the recommendation that is
// there afterwards. The same again changes nothing.
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
		if d.ID != "" && d.Undone == nil {
			return nil, nil // a colleague was first
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

// after is the recommendation to look at once two are one.
func (s *Service) after(ctx context.Context, merge, gone, stays string) (string, error) {
	m, err := s.merges.Get(ctx, merge)
	if err != nil {
		return "", err
	}
	for _, moved := range m.Moved {
		if moved.ID == gone && moved.Into == "" {
			return gone, nil
		}
		if moved.ID == gone {
			return moved.Into, nil
		}
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
	lastingA, err := s.Referrals.Seal.Lasting(ctx, a.Person)
	if err != nil {
		return a, b, err
	}
	lastingB, err := s.Referrals.Seal.Lasting(ctx, b.Person)
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
	numberA, err := s.Referrals.Seal.Numbered(ctx, a.Person)
	if err != nil {
		return a, b, err
	}
	numberB, err := s.Referrals.Seal.Numbered(ctx, b.Person)
	if numberA != numberB && numberA || numberA == numberB && a.Received.Before(b.Received) {
		return a, b, err
	}
	return b, a, err
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

// carryOut does what a merge asks for. Doing it again changes nothing.
func (s *Service) carryOut(ctx context.Context, id string) error {
	m, err := s.merges.Get(ctx, id)
	if err != nil || m.Undone != nil || m.Due == nil {
		return err
	}
	if err := s.Referrals.Seal.Merge(ctx, m.Absorbed, m.Person); err != nil {
		return err
	}
	if err := s.Logins.EndLogins(ctx, m.Absorbed); err != nil {
		return err
	}
	centres := map[string]bool{m.Centre: true}
	for range 50 { // pages of what there is about a person
		about, err := s.Referrals.About(ctx, m.Absorbed)
		if err != nil {
			return err
		}
		if len(about) == 0 {
			break
		}
		for _, r := range about {
			centres[r.Centre] = true
			if err := s.move(ctx, m, r); err != nil {
				return fmt.Errorf("move referral %s: %w", r.ID, err)
			}
		}
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

// move gives a recommendation to the person who stays.
func (s *Service) move(ctx context.Context, m Merge, r referral.Referral) error {
	for range 5 {
		into, err := s.waitsBeside(ctx, m.Person, r)
		if err != nil {
			return err
		}
		keep := Moved{ID: r.ID, Into: into}
		if into != "" {
			keep.Doc = &r
		}
		if err := s.keep(ctx, m.ID, keep); err != nil {
			return err
		}
		if into != "" {
			err = s.joinTo(ctx, m, r, into)
		} else {
			err = s.reperson(ctx, r.ID, m.Absorbed, m.Person)
		}
		if !store.Duplicate(err, "open") && !errors.Is(err, errDecided) {
			return err
		}
	}
	return halsocoach.ErrBusy
}

// keep notes what is about to be moved, once.
func (s *Service) keep(ctx context.Context, merge string, moved Moved) error {
	_, err := s.merges.Update(ctx, merge, func(m *Merge) ([]halsocoach.Event, error) {
		m.Moved = append(slices.DeleteFunc(m.Moved, func(x Moved) bool { return x.ID == moved.ID }), moved)
		return nil, nil
	})
	return err
}

// waitsBeside is what waits about the person where r waits; "" for none.
func (s *Service) waitsBeside(ctx context.Context, person string, r referral.Referral) (string, error) {
	if !r.State.Open() {
		return "", nil
	}
	about, err := s.Referrals.About(ctx, person)
	for _, o := range about {
		if o.State.Open() && o.Centre == r.Centre && o.ID != r.ID {
			return o.ID, err
		}
	}
	return "", err
}

// errDecided says that what was to be joined has just been decided.
var errDecided = errors.New("inbox: decided meanwhile")

// joinTo lets the sendings and attempts of r join the one that waits, and takes r
// away.
func (s *Service) joinTo(ctx context.Context, m Merge, r referral.Referral, into string) error {
	boxes, err := s.reseal(ctx, r, m.Absorbed, m.Person)
	if err != nil {
		return err
	}
	r.Sendings, r.Attempts = slices.Clone(r.Sendings), slices.Clone(r.Attempts)
	if err := rename(&r, m.Absorbed, m.Person, boxes); err != nil {
		return err
	}
	_, err = s.Referrals.Change(ctx, into, func(o *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
		if !o.State.Open() {
			return nil, errDecided
		}
		for _, x := range r.Sendings {
			if !slices.ContainsFunc(o.Sendings, func(y referral.Sending) bool { return y.ID == x.ID }) {
				o.Sendings = append(o.Sendings, x)
			}
		}
		for _, a := range r.Attempts {
			if !slices.ContainsFunc(o.Attempts, func(b referral.Attempt) bool { return b.ID == a.ID }) {
				o.Attempts = append(o.Attempts, a)
			}
		}
		slices.SortStableFunc(o.Attempts, func(a, b referral.Attempt) int { return a.At.Compare(b.At) })
		if len(r.Topics()) > 0 {
			o.CallMe = ""
		}
		o.Protected = o.Protected || r.Protected
		return []halsocoach.Event{halsocoach.Happened(referral.EventChanged, now, halsocoach.KommunOfCentre(o.Centre), o.ID, nil)}, nil
	})
	if err != nil {
		return err
	}
	return s.Referrals.Remove(ctx, r.ID)
}

// reperson gives a recommendation another person, sealed anew.
func (s *Service) reperson(ctx context.Context, id, from, to string) error {
	for range 5 {
		r, err := s.Referrals.ByEvent(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && r.Person != from {
			return nil
		}
		if err != nil {
			return err
		}
		boxes, err := s.reseal(ctx, r, from, to)
		if err != nil {
			return err
		}
		_, err = s.Referrals.Change(ctx, id, func(r *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
			if r.Person != from {
				return nil, nil
			}
			r.Person = to
			if err := rename(r, from, to, boxes); err != nil {
				return nil, err
			}
			return []halsocoach.Event{halsocoach.Happened(referral.EventChanged, now, halsocoach.KommunOfCentre(r.Centre), r.ID, nil)}, nil
		})
		if !errors.Is(err, errNew) {
			return err
		}
	}
	return halsocoach.ErrBusy
}

// errNew says that something was sealed meanwhile.
var errNew = errors.New("inbox: sealed meanwhile")

// reseal opens what is sealed for from and seals it for to: new boxes by the old
// ones.
func (s *Service) reseal(ctx context.Context, r referral.Referral, from, to string) (map[string]seal.Sealed, error) {
	out := map[string]seal.Sealed{}
	err := r.Sealed(func(purpose string, box *seal.Sealed) error {
		if len(*box) == 0 {
			return nil
		}
		plain, err := s.Referrals.Seal.Open(ctx, from, purpose, *box)
		if err != nil {
			return err
		}
		out[string(*box)], err = s.Referrals.Seal.Seal(ctx, to, purpose, plain)
		return err
	})
	return out, err
}

// rename puts the new boxes in and lets what the person did themselves be theirs.
func rename(r *referral.Referral, from, to string, boxes map[string]seal.Sealed) error {
	for i := range r.Sendings {
		x := &r.Sendings[i]
		for _, by := range []*string{&x.Sender, &x.Consent.Asked, &x.Consent.BackBy} {
			if *by == from {
				*by = to
			}
		}
	}
	return r.Sealed(func(_ string, box *seal.Sealed) error {
		if len(*box) == 0 {
			return nil
		}
		fresh, ok := boxes[string(*box)]
		if !ok {
			return errNew
		}
		*box = fresh
		return nil
	})
}
