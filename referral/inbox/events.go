package inbox

import (
	"context"
	"errors"
	"fmt"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/referral/record"
)

// Start keeps the search for likenesses true until ctx ends. It returns when the
// consumer runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	types := []string{record.EventReceived, record.EventAccepted, record.EventDeclined, record.EventForwarded,
		record.EventWithdrawn, record.EventErred, record.EventChanged}
	if err := bus.Consume(ctx, "inbox", types, s.heard); err != nil {
		return fmt.Errorf("inbox: consume: %w", err)
	}
	return nil
}

// heard keeps the search true after something has happened to a recommendation.
func (s *Service) heard(ctx context.Context, e halsocoach.Event) error {
	r, err := s.Records.Get(ctx, e.Subject)
	if errors.Is(err, store.ErrNotFound) {
		return nil // erased since
	}
	if err == nil {
		err = s.index(ctx, r.Centre, r.Person)
	}
	if errors.Is(err, seal.ErrGone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("index the person of %s: %w", e.Subject, err)
	}
	return nil
}
