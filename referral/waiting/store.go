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
// document. Turn moves with every addition.
type centreSum struct {
	Centre  string    `json:"centre"`
	Turn    int       `json:"turn"`
	Changed time.Time `json:"changed"`
	Days    []dayOf   `json:"days,omitempty"` // by day
}

func (h home) id() string { return h.centre + "/" + string(h.day) }

// errTurn says that somebody else has changed the document in between.
var errTurn = errors.New("waiting: another was first")

// turns bounds how often something is looked at again. Each time somebody else
// has changed it, or what it is made from has changed.
const turns = 100

// settle changes the arrivals of a day by what ask finds out, until a look finds
// nothing to change. What was found is written only when nobody has changed the
// document since before the look, and after every change one looks again: so of
// several who settle at one time the last has seen what all the others found.
func (s *Service) settle(ctx context.Context, at home, ask func(context.Context) (func(*arrivals) bool, error)) error {
	for range turns {
		now, err := s.days.Get(ctx, at.id())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		turn := now.Turn
		change, err := ask(ctx)
		if err != nil {
			return err
		}
		if !change(&now) {
			return nil
		}
		_, err = s.days.Upsert(ctx, at.id(), func(a *arrivals) ([]halsocoach.Event, error) {
			if a.Turn != turn {
				return nil, errTurn
			}
			a.Centre, a.Day, a.Turn = at.centre, at.day, turn+1
			change(a)
			return nil, nil
		})
		if err != nil && !errors.Is(err, errTurn) {
			return err
		}
	}
	return fmt.Errorf("arrivals %s: %w", at.id(), halsocoach.ErrBusy)
}

// addUp writes a day into its centre's sum, in the way of settle.
func (s *Service) addUp(ctx context.Context, at home) error {
	for range turns {
		sum, err := s.sums.Get(ctx, at.centre)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("sum of %s: %w", at.centre, err)
		}
		turn := sum.Turn
		day, err := s.days.Get(ctx, at.id())
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("arrivals %s: %w", at.id(), err)
		}
		day.Day = at.day
		now := s.Clock()
		oldest := halsocoach.DayOf(now).Plus(-kept)
		if _, news := place(sum.Days, day.sum(), oldest); !news {
			return nil
		}
		sum, err = s.sums.Upsert(ctx, at.centre, func(c *centreSum) ([]halsocoach.Event, error) {
			if c.Turn != turn {
				return nil, errTurn
			}
			c.Centre, c.Turn, c.Changed = at.centre, turn+1, store.Later(now, c.Changed)
			c.Days, _ = place(c.Days, day.sum(), oldest)
			return nil, nil
		})
		switch {
		case err == nil && s.Bus != nil:
			s.centres.Put(s.Bus, sum)
		case err != nil && !errors.Is(err, errTurn):
			return fmt.Errorf("sum of %s: %w", at.centre, err)
		}
	}
	return fmt.Errorf("sum of %s: %w", at.centre, halsocoach.ErrBusy)
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
