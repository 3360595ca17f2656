package inbox

import (
	"context"

	"halsocoach"
)

// CarryOut and CarryBack are what another node does when it hears of a merge, or when
// the one that was at it has stopped.
func (s *Service) CarryOut(ctx context.Context, merge string) error {
	return settled(s.carryOut(ctx, merge))
}

// CarryBack is the same of the way back.
func (s *Service) CarryBack(ctx context.Context, merge string) error { return s.carryBack(ctx, merge) }

// Heard lets a test deliver an event.
func (s *Service) Heard(ctx context.Context, e halsocoach.Event) error { return s.heard(ctx, e) }

// MergeOf is the id of the merge of somebody who goes.
func MergeOf(absorbed string) string { return mergeID(absorbed) }

// Merge is a merge as it is stored.
func (s *Service) Merge(ctx context.Context, id string) (Merge, error) { return s.merges.Get(ctx, id) }
