package main

import (
	"context"
	"fmt"
	"log/slog"
)

// countsCommand is about the counted facts.
type countsCommand struct {
	Rebuild rebuildCommand `cmd:"" help:"Fold all counts anew from the kept facts."`
}

// rebuildCommand folds the counts anew. With embedded NATS the service must be
// stopped, since the folder has one owner.
type rebuildCommand struct{ place }

// Run rebuilds.
func (c *rebuildCommand) Run(ctx context.Context, log *slog.Logger) error {
	if err := c.place.check(); err != nil {
		return err
	}
	h, err := openHouse(ctx, houseConfig{place: c.place, PublicURL: "http://localhost", Log: log})
	if err != nil {
		return err
	}
	defer h.close()
	n, err := h.counts.Rebuild(ctx)
	if err != nil {
		return fmt.Errorf("rebuild the counts: %w", err)
	}
	fmt.Printf("%d facts folded\n", n)
	return nil
}
