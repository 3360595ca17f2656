package waiting

import (
	"context"
	"fmt"
	"slices"

	"halsocoach"
)

// Rebuild folds every recommendation anew, takes out what stands for none, and
// adds up every day. each gives the ids of all recommendations there are. The
// service may run meanwhile.
func (s *Service) Rebuild(ctx context.Context, each func(func(id string) error) error) (n int, err error) {
	known := map[string]bool{}
	before := halsocoach.DayOf(s.Clock())
	err = each(func(id string) error {
		known[entryID(id)] = true
		n++
		return s.fold(ctx, id)
	})
	if err != nil {
		return n, fmt.Errorf("rebuild the waiting times: %w", err)
	}
	var stale []home // those of today may be newer than the list
	days := map[home]bool{}
	err = s.days.Each(ctx, func(_ string, a arrivals) error {
		at := home{a.Centre, a.Day}
		days[at] = true
		if a.Day < before && slices.ContainsFunc(a.Entries, func(e entry) bool { return !known[e.ID] }) {
			stale = append(stale, at)
		}
		return nil
	})
	if err != nil {
		return n, fmt.Errorf("rebuild the waiting times: %w", err)
	}
	for _, at := range stale {
		err := s.settle(ctx, at, func(a *arrivals) (bool, error) {
			n := len(a.Entries)
			a.Entries = slices.DeleteFunc(a.Entries, func(e entry) bool { return !known[e.ID] && e.Held == "" })
			return len(a.Entries) < n, nil
		})
		if err != nil {
			return n, fmt.Errorf("rebuild the waiting times: %w", err)
		}
	}
	for at := range days {
		if err := s.addUp(ctx, at); err != nil {
			return n, err
		}
	}
	return n, nil
}
