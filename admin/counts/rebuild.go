package counts

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"halsocoach"
	"halsocoach/internal/store"
)

// Rebuild makes every day and month anew from the facts that are kept, and
// returns how many facts there are. It may run while facts are folded: it reads
// them twice, and what was folded meanwhile is found in the second reading.
func (s *Service) Rebuild(ctx context.Context) (int, error) {
	days := map[dayOfFacts]*day{}
	waiting := map[dayOfFacts][]halsocoach.Fact{}
	total, held := 0, 0
	drain := func() {
		for at, facts := range waiting {
			if days[at] == nil {
				days[at] = &day{Kommun: at.kommun, Day: at.day}
			}
			total += days[at].fold(facts)
		}
		clear(waiting)
		held = 0
	}
	err := s.cfg.Bus.EachFact(ctx, func(f halsocoach.Fact) error {
		if uncountable(f) != "" {
			return nil
		}
		at := dayOfFacts{halsocoach.CountyOr(f.Kommun), f.Day}
		waiting[at] = append(waiting[at], f)
		if held++; held >= 10_000 {
			drain()
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("counts: rebuild: %w", err)
	}
	drain()
	months, err := s.replaceDays(ctx, days)
	if err != nil {
		return 0, err
	}
	more, err := s.foldNew(ctx, days)
	if err != nil {
		return 0, err
	}
	summed, err := s.sumMonths(ctx, months)
	if err != nil {
		return 0, err
	}
	s.changed(summed...)
	s.nudge(s.cfg.Bus, summed)
	return total + more, nil
}

// replaceDays writes the days as they are made from facts, and removes those
// that no fact speaks of. It returns the months to be summed.
func (s *Service) replaceDays(ctx context.Context, days map[dayOfFacts]*day) (map[dayOfFacts]bool, error) {
	months := map[dayOfFacts]bool{}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(foldAtOnce)
	for at, d := range days {
		months[at.month()] = true
		group.Go(func() error {
			_, err := s.days.Upsert(gctx, dayID(at.kommun, at.day), func(doc *day) ([]halsocoach.Event, error) {
				*doc = *d
				return nil, nil
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("counts: rebuild: %w", err)
	}
	var stray []dayOfFacts
	err := s.days.Each(ctx, func(_ string, d day) error {
		at := dayOfFacts{d.Kommun, d.Day}
		if days[at] == nil {
			stray = append(stray, at)
			months[at.month()] = true
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counts: rebuild: %w", err)
	}
	for _, at := range stray {
		if err := s.days.Delete(ctx, dayID(at.kommun, at.day), nil); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("counts: rebuild: %w", err)
		}
	}
	return months, nil
}

// foldNew reads the facts again and folds those that came meanwhile.
func (s *Service) foldNew(ctx context.Context, days map[dayOfFacts]*day) (int, error) {
	var fresh []halsocoach.Fact
	err := s.cfg.Bus.EachFact(ctx, func(f halsocoach.Fact) error {
		d, id := days[dayOfFacts{halsocoach.CountyOr(f.Kommun), f.Day}], factID(f.ID)
		if d != nil {
			if _, known := d.find(id); known {
				return nil
			}
		}
		if uncountable(f) == "" {
			fresh = append(fresh, f)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("counts: rebuild: %w", err)
	}
	months, err := s.fold(ctx, fresh)
	s.changed(months...)
	return len(fresh), err
}
