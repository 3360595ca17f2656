package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/referral"
)

// The events that this package writes. Subject is the id of a merge.
const (
	EventMerged   = "referral.merged"
	EventUnmerged = "referral.unmerged"
)

// sweepEvery is how often merges are looked for that can be undone no more.
const sweepEvery = time.Hour

// Start keeps the search for likenesses true and carries on the merges that were
// left when the program last stopped, until ctx ends. It returns when the consumer
// runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	types := []string{EventMerged, EventUnmerged, referral.EventReceived, referral.EventAccepted, referral.EventDeclined, referral.EventForwarded,
		referral.EventWithdrawn, referral.EventErred, referral.EventChanged}
	if err := bus.Consume(ctx, "inbox", types, s.heard); err != nil {
		return fmt.Errorf("inbox: consume: %w", err)
	}
	leases := store.Leases{Store: s.Referrals.Store, Clock: s.Referrals.Clock, Log: s.Log}
	bus.Go(ctx, func(ctx context.Context) { leases.Every(ctx, "inbox.sweep", sweepEvery, s.Sweep) })
	return nil
}

// Sweep carries on the merges that were left in the middle, and settles those whose
// time is out: the copies go, and with them the key of the id that leads
// nowhere, unless something is held under it.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.now()
	left, err := s.unfinished(ctx, now)
	if err != nil {
		return fmt.Errorf("inbox: sweep: %w", err)
	}
	found, err := s.over(ctx, now)
	if err != nil {
		return fmt.Errorf("inbox: sweep: %w", err)
	}
	var faults []error // one that can not be carried on holds up no other
	for _, m := range left {
		if err := s.carry(ctx, m); err != nil {
			faults = append(faults, fmt.Errorf("inbox: carry on merge %s: %w", m.ID, err))
		}
	}
	for _, m := range found {
		if err := s.settle(ctx, m); err != nil {
			faults = append(faults, fmt.Errorf("inbox: settle merge %s: %w", m.ID, err))
		}
	}
	return errors.Join(faults...)
}

// carry does what is left of a merge or of its way back.
func (s *Service) carry(ctx context.Context, m Merge) error {
	if m.Undone != nil {
		return s.carryBack(ctx, m.ID)
	}
	return settled(s.carryOut(ctx, m.ID))
}

// settle ends the time in which a merge can be undone, or in which what was moved is
// kept after it was.
func (s *Service) settle(ctx context.Context, m Merge) error {
	now := s.now()
	// What came last is moved before the key goes, unless it has gone.
	if m.Undone == nil || m.unfinished() {
		if err := s.carry(ctx, m); err != nil && !errors.Is(err, seal.ErrGone) {
			return err
		}
	}
	held, err := s.holds(ctx, m.Absorbed)
	if err != nil {
		return err
	}
	if m, err = s.merges.Get(ctx, m.ID); err != nil || m.Due == nil || m.Due.After(now) {
		return err // it was given up instead
	}
	// The key first: a sweep that was broken off finds the merge again by its due
	// time, and destroying twice is nothing.
	if !held && m.Undone == nil {
		if err := s.Referrals.Seal.Destroy(ctx, m.Absorbed); err != nil {
			return err
		}
	}
	_, err = s.merges.Update(ctx, m.ID, func(m *Merge) ([]halsocoach.Event, error) {
		if m.Due != nil && !m.Due.After(now) {
			m.Moved, m.Due = nil, nil
		}
		return nil, nil
	})
	return err
}
