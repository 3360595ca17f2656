package seal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"halsocoach"
)

const (
	lookEvery = 10 * time.Second
	sayEvery  = time.Minute
	// liveFor is how long a node that has said nothing counts as running.
	liveFor = 3 * time.Minute
)

func newNode() nodeDoc {
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	return nodeDoc{ID: halsocoach.NewID(), Name: fmt.Sprintf("%s/%d", host, os.Getpid())}
}

// Join says in the key store that this node runs and which outer keys it knows,
// so that none is used that it does not know, and then looks at what is used.
// Programs that run on call it once, and then Follow; a command need not.
func (s *Sealer) Join(ctx context.Context) error {
	if err := s.say(ctx); err != nil {
		return err
	}
	if err := s.outer.look(ctx); err != nil {
		return err
	}
	return s.say(ctx)
}

// Follow keeps the outer keys and what is said of this node fresh until ctx
// ends, and then takes its leave.
func (s *Sealer) Follow(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = s.nodes.Delete(last, s.node.ID, nil) // else it is forgotten in some minutes
			return
		case <-tick.C:
		}
		err := s.tidy(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			log.Warn("outer keys not read again; those of before are used", "error", err)
		}
		failing = err != nil
	}
}

// tidy is one round of Follow.
func (s *Sealer) tidy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	if s.dirty.Load() {
		s.scrub(ctx)
	}
	return errors.Join(s.outer.look(ctx), s.say(ctx))
}

// say writes what this node knows when it has changed, and once a minute.
func (s *Sealer) say(ctx context.Context) error {
	s.saying.Lock()
	defer s.saying.Unlock()
	now, r := s.outer.clock().UTC(), s.outer.now.Load()
	age := now.Sub(s.node.Seen)
	if age >= 0 && age < sayEvery && s.node.Uses == r.uses && slices.Equal(s.node.Knows, r.knows) {
		return nil
	}
	node := s.node
	node.Knows, node.Uses, node.Seen = r.knows, r.uses, now
	_, err := s.nodes.Upsert(ctx, node.ID, func(d *nodeDoc) ([]halsocoach.Event, error) { *d = node; return nil, nil })
	if err != nil {
		return fmt.Errorf("seal: say what this node knows: %w", err)
	}
	s.node = node
	return nil
}

// Running is how many nodes share the key store now. One that was killed counts
// for three minutes more.
func (s *Sealer) Running(ctx context.Context) (int, error) {
	nodes, err := s.live(ctx)
	return len(nodes), err
}

// live are the nodes that run, without what is left of others.
func (s *Sealer) live(ctx context.Context) (live []nodeDoc, err error) {
	now := s.outer.clock()
	err = s.nodes.Each(ctx, func(_ string, d nodeDoc) error {
		if now.Sub(d.Seen).Abs() < liveFor {
			live = append(live, d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("seal: read which nodes run: %w", err)
	}
	return live, nil
}
