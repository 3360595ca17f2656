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
type rebuildCommand struct{ dataConfig }

// Run rebuilds.
func (c *rebuildCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.withApp(ctx, log, func(a *app) error {
		n, err := a.counts.Rebuild(ctx)
		if err != nil {
			return fmt.Errorf("rebuild the counts: %w", err)
		}
		fmt.Printf("%d facts folded\n", n)
		return nil
	})
}
