package waiting

import (
	"context"
	"errors"
	"fmt"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// The kinds. Neither holds anything about a person: an entry's id is made from
// that of a recommendation, and leads nowhere once that is erased.
var (
	daysKind = store.Kind{Name: "waiting_days", NoPerson: true, Indexes: []store.Index{{Name: "entry", Fields: []store.Field{store.M("entries.id")}}}}
	sumsKind = store.Kind{Name: "waiting_centres", NoPerson: true, Indexes: []store.Index{{Name: "changed", Fields: []store.Field{store.D("changed")}}}}
)

// Kinds are those of this package.
func Kinds() []store.Kind { return []store.Kind{daysKind, sumsKind} }

// nudgeSum tells the other nodes that a centre's sum has changed.
const nudgeSum = "waiting.sum"

// centreSum is a centre's days, added up: all that a page needs, in one
// document.
type centreSum struct {
	Centre  string    `json:"centre"`
	Changed time.Time `json:"changed"`
	Days    []dayOf   `json:"days,omitempty"` // by day
}

func (h home) id() string { return h.centre + "/" + string(h.day) }

// errSame says that there is nothing to change.
var errSame = errors.New("waiting: nothing to change")

// settle changes the arrivals of a day by what look finds out, until a look finds
// nothing to change. The look comes after the document was read, so what it found is
// written only on the version that it saw. After every change one looks again: the
// last of several who settle at one time has seen what all the others found.
func (s *Service) settle(ctx context.Context, at home, look func(*arrivals) (news bool, err error)) error {
	for {
		_, err := s.days.Upsert(ctx, at.id(), func(a *arrivals) ([]halsocoach.Event, error) {
			news, err := look(a)
			if err == nil && !news {
				err = errSame
			}
			a.Centre, a.Day = at.centre, at.day
			return nil, err
		})
		if errors.Is(err, errSame) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("arrivals %s: %w", at.id(), err)
		}
	}
}

// addUp writes a day into its centre's sum, in the way of settle.
func (s *Service) addUp(ctx context.Context, at home) error {
	for {
		now := s.Clock()
		sum, err := s.sums.Upsert(ctx, at.centre, func(c *centreSum) ([]halsocoach.Event, error) {
			day, err := s.days.Get(ctx, at.id())
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			day.Day = at.day
			days, news := place(c.Days, day.sum(), halsocoach.DayOf(now).Plus(-kept))
			if !news {
				return nil, errSame
			}
			c.Centre, c.Days, c.Changed = at.centre, days, store.Later(now, c.Changed)
			return nil, nil
		})
		switch {
		case errors.Is(err, errSame):
			return nil
		case err != nil:
			return fmt.Errorf("sum of %s: %w", at.centre, err)
		case s.Bus != nil:
			s.centres.Put(s.Bus, sum)
		}
	}
}

// stood is where a recommendation stands in the numbers.
func (s *Service) stood(ctx context.Context, referral string) ([]home, error) {
	found, _, err := s.days.Find(ctx, store.Query{Index: "entry", Equal: []any{entryID(referral)}})
	if err != nil {
		return nil, fmt.Errorf("where %s stands: %w", referral, err)
	}
	homes := make([]home, len(found))
	for i, a := range found {
		homes[i] = home{a.Centre, a.Day}
	}
	return homes, nil
}
