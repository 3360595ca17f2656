package settings

import (
	"context"
	"fmt"

	"halsocoach/internal/event"
)

// Load reads what has been decided once, for commands that do not Start.
func (s *Service) Load(ctx context.Context) error {
	if err := s.held.Load(ctx); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}

// Start reads what has been decided into memory and keeps it fresh until ctx
// ends: by nudge, and by asking every few seconds for what has changed. The
// package writes settings.changed for others and needs no events itself.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := s.held.Follow(ctx, bus, s.cfg.Clock, s.cfg.Log); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}
