package referral

import (
	"context"

	"halsocoach"
)

// Heard lets a test deliver an event once more.
func (s *Service) Heard(ctx context.Context, e halsocoach.Event) error { return s.heard(ctx, e) }
