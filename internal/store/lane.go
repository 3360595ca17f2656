package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"halsocoach"
)

// Lanes let concurrent changes of one document in one process go together: the
// first reads the document, makes its own change and those of all who wait, one
// after the other, and saves them as one. So a hundred who want the last places
// cost a few commits instead of a hundred, and none of them reads in vain. It
// is a courtesy on top of the versions, which stay the only guard against
// others. An adapter embeds Lanes; the zero value is ready.
type Lanes struct {
	mu   sync.Mutex
	open map[laneKey]*lane
}

type laneKey struct{ kind, id string }

// lane is one document that is being changed.
type lane struct {
	store   Store
	key     laneKey
	waiting []*wish // guarded by Lanes.mu
}

// wish is one caller's change.
type wish struct {
	// change turns the present body into the next one. It may be asked several
	// times, by another goroutine, while its caller waits.
	change func(body []byte, exists bool) ([]byte, []halsocoach.Event, error)
	state  atomic.Int32
	told   chan struct{}
	err    error
}

// The states of a wish. The caller may leave while it is queued.
const (
	queued int32 = iota
	taken        // the leader will tell
	left         // the caller has gone its own way
	leads        // the caller is to lead the lane now
)

// errAlone tells a caller to make its change by itself: together with the
// others it could not be saved.
var errAlone = errors.New("store: alone")

// errLost: others were first each time, so nothing has been saved.
var errLost = errors.New("store: all attempts lost")

const (
	laneGroup = 128
	// lanePatience is how long a caller queues before it goes on alone. It
	// keeps two changes that wait for each other's documents from standing still.
	lanePatience = time.Second
)

func (l *Lanes) lanes() *Lanes { return l }

// change makes the wish come true, together with others' if there are any.
func (l *Lanes) change(ctx context.Context, s Store, key laneKey, w *wish) error {
	l.mu.Lock()
	if ln := l.open[key]; ln != nil {
		w.told = make(chan struct{}, 1)
		ln.waiting = append(ln.waiting, w)
		l.mu.Unlock()
		return l.follow(ctx, ln, w)
	}
	ln := &lane{store: s, key: key}
	if l.open == nil {
		l.open = map[laneKey]*lane{}
	}
	l.open[key] = ln
	l.mu.Unlock()
	return l.lead(ctx, ln, w)
}

func (l *Lanes) follow(ctx context.Context, ln *lane, w *wish) error {
	patience := time.NewTimer(lanePatience)
	defer patience.Stop()
	select {
	case <-w.told:
	case <-ctx.Done():
		if w.state.CompareAndSwap(queued, left) {
			return ctx.Err()
		}
		<-w.told
	case <-patience.C:
		if w.state.CompareAndSwap(queued, left) {
			return ln.alone(ctx, w)
		}
		<-w.told
	}
	if w.state.Load() == leads {
		return l.lead(ctx, ln, w)
	}
	if errors.Is(w.err, errAlone) {
		return ln.alone(ctx, w)
	}
	return w.err
}

// lead saves w and those who wait, and hands the lane on.
func (l *Lanes) lead(ctx context.Context, ln *lane, w *wish) error {
	err, together := l.together(ctx, ln, w)
	if err != nil && together && !unknown(err) {
		return ln.alone(ctx, w)
	}
	if err != nil {
		return err
	}
	return w.err
}

// unknown says whether a save that failed may have been done all the same, or
// may be done yet: then nobody's change is made again.
func unknown(err error) bool { return errors.Is(err, halsocoach.ErrBusy) && !errors.Is(err, errLost) }

// together saves w and those who wait, and tells them. It says whether there
// were any.
func (l *Lanes) together(ctx context.Context, ln *lane, w *wish) (err error, others bool) {
	group := []*wish{w}
	err = errAlone // for the others, if a change panics
	defer func() {
		for _, f := range group[1:] {
			switch {
			case unknown(err):
				f.err = err
			case err != nil:
				f.err = errAlone
			}
			f.told <- struct{}{}
		}
		l.handOn(ln)
	}()
	for range attempts {
		group = l.take(ln, group)
		others = len(group) > 1
		if saved := ln.try(ctx, group); !errors.Is(saved, ErrConflict) {
			err = saved
			return err, others
		}
	}
	err = ln.lost()
	return err, others
}

// take adds to the group those who have come since.
func (l *Lanes) take(ln *lane, group []*wish) []*wish {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, w := range ln.waiting {
		if len(group) == laneGroup {
			break
		}
		n++
		if w.state.CompareAndSwap(queued, taken) {
			group = append(group, w)
		}
	}
	ln.waiting = ln.waiting[n:]
	return group
}

// handOn gives the lane to the next who waits, or closes it.
func (l *Lanes) handOn(ln *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range ln.waiting {
		if w.state.CompareAndSwap(queued, leads) {
			ln.waiting = ln.waiting[i+1:]
			w.told <- struct{}{}
			return
		}
	}
	delete(l.open, ln.key)
}

// alone is one change without the others.
func (ln *lane) alone(ctx context.Context, w *wish) error {
	group := []*wish{w}
	for range attempts {
		if err := ln.try(ctx, group); err == nil {
			return w.err
		} else if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ln.lost()
}

func (ln *lane) lost() error {
	return fmt.Errorf("%w: change %s %d times: %w", errLost, ln.key.kind, attempts, halsocoach.ErrBusy)
}

// try reads the document, makes the changes one after the other and saves what
// comes out. Each wish gets its own answer, good only if try succeeds.
func (ln *lane) try(ctx context.Context, group []*wish) error {
	docs, err := ln.store.Get(ctx, ln.key.kind, ln.key.id)
	if err != nil {
		return err
	}
	doc, exists := Document{ID: ln.key.id}, len(docs) > 0
	if exists {
		doc = docs[0]
	}
	var events []halsocoach.Event
	changed := false
	for i, w := range group {
		body, more, err := w.make(i == 0, doc.Body, exists)
		if w.err = err; err != nil {
			continue
		}
		changed = changed || !exists || len(more) > 0 || !bytes.Equal(body, doc.Body)
		doc.Body, exists, events = body, true, append(events, more...)
	}
	if !changed {
		return nil
	}
	_, err = ln.store.Save(ctx, ln.key.kind, doc, events)
	return err
}

// make asks for the change. Another caller's panic is its own: it is asked
// again alone, on its own goroutine.
func (w *wish) make(own bool, body []byte, exists bool) (next []byte, events []halsocoach.Event, err error) {
	if !own {
		defer func() {
			if recover() != nil {
				err = errAlone
			}
		}()
	}
	return w.change(body, exists)
}
