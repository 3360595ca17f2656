package store

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Nudges are the messages between nodes that may be lost.
type Nudges interface {
	Nudge(topic string, body []byte)
	OnNudge(topic string, do func(body []byte)) (stop func(), err error)
}

const (
	mirrorEvery   = 4 * time.Second // a lost nudge is made good within five
	mirrorOverlap = 2 * time.Minute // how far the nodes' clocks may lie apart
	mirrorPage    = 500
)

// Mirror holds every document of one small kind in memory: a register of which
// documents are added and changed, never removed. Reads cost no question to the
// store. Other nodes' changes arrive by nudge, or within five seconds by asking
// for what has changed lately.
//
// The kind has an index "changed" on a time, which every change moves on: see
// Later.
type Mirror[T any] struct {
	docs  Collection[T]
	topic string
	mark  func(T) (id string, changed time.Time)
	told  func(id string) // after a change, wherever it was made; may be nil

	mu   sync.Mutex // of writers
	held atomic.Pointer[map[string]T]
	last time.Time // newest change that a poll has seen, under mu
}

// NewMirror is empty until Load. topic is that of its nudges.
func NewMirror[T any](docs Collection[T], topic string, mark func(T) (id string, changed time.Time)) *Mirror[T] {
	m := &Mirror[T]{docs: docs, topic: topic, mark: mark}
	m.held.Store(&map[string]T{})
	return m
}

// OnChange is called after each change, wherever it was made. Set it before
// Follow.
func (m *Mirror[T]) OnChange(told func(id string)) { m.told = told }

// Later is the time of a change: now, or just after the change before when the
// clock has not moved on, so that the newer of two versions is always known.
func Later(now, before time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if before.IsZero() || now.After(before) {
		return now
	}
	return before.Add(time.Millisecond)
}

// Get finds one by its id.
func (m *Mirror[T]) Get(id string) (T, bool) {
	v, ok := (*m.held.Load())[id]
	return v, ok
}

// All are those that keep says yes to, in no order.
func (m *Mirror[T]) All(keep func(T) bool) []T {
	var out []T
	for _, v := range *m.held.Load() {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}

// Values are all of them, in no order.
func (m *Mirror[T]) Values() iter.Seq[T] { return maps.Values(*m.held.Load()) }

// Len is how many there are.
func (m *Mirror[T]) Len() int { return len(*m.held.Load()) }

// Put takes over what this node has just saved and nudges the others.
func (m *Mirror[T]) Put(n Nudges, v T) {
	m.Take(v)
	id, _ := m.mark(v)
	n.Nudge(m.topic, []byte(id))
}

// Take keeps the newer of what is held and what has just been read.
func (m *Mirror[T]) Take(values ...T) {
	changed := m.merge(values)
	if m.told == nil {
		return
	}
	for _, id := range changed {
		m.told(id)
	}
}

func (m *Mirror[T]) merge(values []T) (taken []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var next map[string]T
	for _, v := range values {
		id, changed := m.mark(v)
		if changed.After(m.last) {
			m.last = changed
		}
		if have, ok := (*m.held.Load())[id]; ok {
			if _, before := m.mark(have); !changed.After(before) {
				continue
			}
		}
		if next == nil {
			next = maps.Clone(*m.held.Load())
		}
		next[id] = v
		taken = append(taken, id)
	}
	if next != nil {
		m.held.Store(&next)
	}
	return taken
}

// Load reads the whole kind.
func (m *Mirror[T]) Load(ctx context.Context) error {
	var all []T
	err := m.docs.Each(ctx, func(_ string, v T) error {
		all = append(all, v)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load %s: %w", m.topic, err)
	}
	m.Take(all...)
	return nil
}

// Follow loads and then keeps fresh until ctx ends. It returns once it runs.
func (m *Mirror[T]) Follow(ctx context.Context, n Nudges, clock func() time.Time, log *slog.Logger) error {
	stop, err := n.OnNudge(m.topic, func(body []byte) {
		ctx, cancel := context.WithTimeout(ctx, mirrorEvery)
		defer cancel()
		if v, err := m.docs.Get(ctx, string(body)); err == nil {
			m.Take(v)
		}
	})
	if err != nil {
		return fmt.Errorf("follow %s: %w", m.topic, err)
	}
	if err := m.Load(ctx); err != nil {
		stop()
		return err
	}
	go func() {
		defer stop()
		tick := time.NewTicker(mirrorEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := m.catchUp(ctx, clock()); err != nil && ctx.Err() == nil {
				log.Warn("register not refreshed", "register", m.topic, "error", err)
			}
		}
	}()
	return nil
}

// catchUp reads what has changed lately.
func (m *Mirror[T]) catchUp(ctx context.Context, now time.Time) error {
	m.mu.Lock()
	from := m.last
	m.mu.Unlock()
	if now.Before(from) {
		from = now
	}
	q := Query{Index: "changed", From: from.Add(-mirrorOverlap), Limit: mirrorPage}
	for v, err := range m.docs.All(ctx, q) {
		if err != nil {
			return err
		}
		m.Take(v)
	}
	return nil
}
