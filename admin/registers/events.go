package registers

import (
	"context"
	"fmt"

	"halsocoach/internal/event"
)

// Start reads the registers into memory and keeps them fresh until ctx ends: by
// nudge, and by asking every few seconds for what has changed. The package
// writes registers.changed for others and needs no events itself.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := s.centres.Follow(ctx, bus, s.cfg.Clock, s.cfg.Log); err != nil {
		return fmt.Errorf("registers: %w", err)
	}
	if err := s.units.Follow(ctx, bus, s.cfg.Clock, s.cfg.Log); err != nil {
		return fmt.Errorf("registers: %w", err)
	}
	return nil
}
