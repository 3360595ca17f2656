package seal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"halsocoach"
	"halsocoach/internal/store"
)

// rewrappers are as many as a group commit gains from.
const rewrappers = 16

// Rewrap wraps everything with the current outer key, beside running nodes, and
// has verified at its end that nothing else is left. Before all nodes wrap with
// that key it is a NodesLag. Broken off and repeated it does what is left.
func (r Rotation) Rewrap(ctx context.Context, progress func(done, total int)) error {
	if err := r.s.outer.look(ctx); err != nil {
		return err
	}
	id := r.s.outer.now.Load().uses
	if err := r.lag(ctx, id, func(n nodeDoc) bool { return n.Uses == id }); err != nil {
		return err
	}
	for done := 0; ; {
		left, err := r.left(ctx, id)
		if err != nil {
			return err
		}
		progress(done, done+left)
		if left == 0 {
			r.s.scrub(ctx)
			return nil
		}
		step := func(n int) { progress(n, max(n, done+left)) }
		if done, err = r.pass(ctx, id, done, step); err != nil {
			return err
		}
	}
}

// left counts what other keys than id wrap.
func (r Rotation) left(ctx context.Context, id string) (n int, err error) {
	wraps, err := r.count(ctx)
	for by, wrapped := range wraps {
		if by != id {
			n += wrapped
		}
	}
	return n, err
}

// pass goes through all documents once.
func (r Rotation) pass(ctx context.Context, id string, done int, step func(done int)) (int, error) {
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(rewrappers)
	var mu sync.Mutex
	give := func(by string, do func() error) error {
		if by == id || ctx.Err() != nil {
			return ctx.Err()
		}
		all.Go(func() error {
			if err := do(); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			step(done)
			return nil
		})
		return nil
	}
	err := r.s.secrets.Each(ctx, func(key string, d secretDoc) error {
		return give(d.Outer, func() error { return r.rewrapSecret(ctx, key, id) })
	})
	if err == nil {
		err = r.s.keys.Each(ctx, func(person string, d keyDoc) error {
			if len(d.Key) == 0 {
				return nil
			}
			return give(d.Outer, func() error { return r.rewrapKey(ctx, person, id) })
		})
	}
	if fault := all.Wait(); fault != nil { // it is what has ended ctx
		err = fault
	}
	if err != nil {
		return done, fmt.Errorf("seal: wrap anew: %w", err)
	}
	return done, nil
}

// rewrapKey does one person's key. What was destroyed meanwhile stays so.
func (r Rotation) rewrapKey(ctx context.Context, person, id string) error {
	_, err := r.s.keys.Update(ctx, person, func(d *keyDoc) ([]halsocoach.Event, error) {
		if len(d.Key) == 0 || d.Outer == id {
			return nil, nil
		}
		var err error
		d.Key, d.Outer, err = r.anew(d.Outer, d.Key, person)
		return nil, err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func (r Rotation) rewrapSecret(ctx context.Context, key, id string) error {
	_, err := r.s.secrets.Update(ctx, key, func(d *secretDoc) ([]halsocoach.Event, error) {
		if d.Outer == id {
			return nil, nil
		}
		var err error
		d.Key, d.Outer, err = r.anew(d.Outer, d.Key, "secret/"+key)
		return nil, err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// anew wraps with the current key what another one wraps.
func (r Rotation) anew(by string, box []byte, bound string) ([]byte, string, error) {
	raw, err := r.s.outer.unwrapKnown(by, box, bound)
	if err != nil {
		return nil, "", err
	}
	defer clear(raw)
	return r.s.outer.wrap(raw, bound)
}
