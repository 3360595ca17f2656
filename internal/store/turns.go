package store

import (
	"context"
	"sync"
	"time"
)

// Turns let the changes of one document in one process go one after the other,
// in the order in which they came, so that they do not make each other's saves
// lose. It is a courtesy on top of the versions, which stay the only guard. An
// adapter embeds Turns; the zero value is ready.
type Turns struct {
	mu   sync.Mutex
	open map[turnKey]*turn
}

type turnKey struct{ kind, id string }

// turn is one document that is being changed.
type turn struct {
	taken   chan struct{} // has room for the one whose turn it is
	callers int           // guarded by Turns.mu
}

// turnPatience is how long a caller waits before it goes on without a turn. It
// keeps two changes that wait for each other's documents from standing still.
const turnPatience = 20 * time.Second

func (t *Turns) turns() *Turns { return t }

// take waits for the caller's turn and says how to give it up; what ends ctx
// ends the wait.
func (t *Turns) take(ctx context.Context, key turnKey) (giveUp func(), err error) {
	own := t.join(key)
	select {
	case own.taken <- struct{}{}:
		return func() { <-own.taken; t.leave(key, own) }, nil
	default:
	}
	patience := time.NewTimer(turnPatience)
	defer patience.Stop()
	select {
	case own.taken <- struct{}{}:
		return func() { <-own.taken; t.leave(key, own) }, nil
	case <-patience.C:
		return func() { t.leave(key, own) }, nil
	case <-ctx.Done():
		t.leave(key, own)
		return nil, ctx.Err()
	}
}

func (t *Turns) join(key turnKey) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.open[key]
	if own == nil {
		if t.open == nil {
			t.open = map[turnKey]*turn{}
		}
		own = &turn{taken: make(chan struct{}, 1)}
		t.open[key] = own
	}
	own.callers++
	return own
}

func (t *Turns) leave(key turnKey, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.callers--; own.callers == 0 {
		delete(t.open, key)
	}
}
