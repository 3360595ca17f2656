package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

const (
	groupSize = 256
	// fewSaves are answered sooner than another goroutine could be woken.
	fewSaves = 4
	// lockWait is how long a group waits for another process to let it write.
	lockWait  = 10 * time.Second
	lockRetry = 50 * time.Microsecond
)

// op is one thing to write. The writer runs act inside its transaction; act
// refuses (ErrConflict and the like) before it has written anything, and any
// other error undoes the transaction.
type op struct {
	act     func(*conn, *op) error
	table   *table
	id      string
	old     string // version that must be stored, "" = none
	version string // the new one; also tells this op's events from others
	body    []byte
	index   []byte
	entries []store.Entry
	events  []byte

	state atomic.Int32
	err   error
	done  chan error
}

// The states of an op. Who waits may give it up only until the writer takes it;
// after that the answer says surely whether it was written.
const (
	waiting int32 = iota
	taken
	givenUp
)

func (o *op) take() bool { return o.state.CompareAndSwap(waiting, taken) || o.state.Load() == taken }

// refused says whether err is an answer rather than a fault.
func refused(err error) bool {
	var dup *store.ErrDuplicate
	return errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNewer) || errors.As(err, &dup)
}

// writer is the one goroutine that writes, and one that tells who waits.
type writer struct {
	conn       *conn
	store      *Store
	log        wal
	generation int64
	queue      chan *op
	closing    chan struct{}
	gone       chan struct{}
	shut       sync.Once
	shutErr    error
}

func newWriter(c *conn, s *Store, generation int64) *writer {
	w := &writer{
		conn: c, store: s, generation: generation, log: newWAL(s.log),
		queue: make(chan *op, 4*groupSize), closing: make(chan struct{}), gone: make(chan struct{}),
	}
	committed := make(chan []*op, 4)
	go w.run(committed)
	go w.tell(committed)
	return w
}

// do queues the op and waits until it is durable, refused or has failed.
func (w *writer) do(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.done = make(chan error, 1)
	select {
	case <-w.closing:
		return ErrClosed
	default:
	}
	select {
	case w.queue <- o:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closing:
		return ErrClosed
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		if o.state.CompareAndSwap(waiting, givenUp) {
			return ctx.Err()
		}
		return <-o.done
	case <-w.gone:
		select {
		case err := <-o.done:
			return err
		default:
			return ErrClosed // queued after the last group
		}
	}
}

func (w *writer) run(committed chan<- []*op) {
	defer close(committed)
	for {
		batch := make([]*op, 0, groupSize)
		select {
		case o := <-w.queue:
			batch = append(batch, o)
		case <-w.closing:
		}
		batch = w.gather(batch)
		if len(batch) == 0 {
			return // closing, and nothing is queued
		}
		w.group(batch)
		if len(batch) <= fewSaves {
			w.answer(batch)
		} else {
			committed <- batch
		}
		w.log.tidy(w.conn, len(batch))
	}
}

// gather adds what is queued, and does not wait for more.
func (w *writer) gather(batch []*op) []*op {
	for len(batch) < groupSize {
		select {
		case o := <-w.queue:
			batch = append(batch, o)
		default:
			return batch
		}
	}
	return batch
}

// tell answers large groups beside the writer, which is at the next one.
func (w *writer) tell(committed <-chan []*op) {
	defer close(w.gone)
	for batch := range committed {
		w.answer(batch)
	}
}

func (w *writer) answer(batch []*op) {
	events := false
	for _, o := range batch {
		events = events || o.events != nil && o.err == nil
		o.done <- o.err // has room for one
	}
	if events {
		select {
		case w.store.saved <- struct{}{}:
		default:
		}
	}
}

// group writes a batch in one commit, which SQLite syncs before anybody can read it.
func (w *writer) group(batch []*op) {
	if err := w.begin(); err != nil {
		for _, o := range batch {
			if o.take() {
				o.err = err
			}
		}
		return
	}
	for _, o := range batch {
		if !o.take() {
			continue
		}
		if o.err = o.act(w.conn, o); o.err != nil && !refused(o.err) {
			w.singly(batch, o.err)
			return
		}
	}
	if _, err := w.conn.exec(`COMMIT`); err != nil {
		w.singly(batch, err)
	}
}

// singly undoes the open transaction and writes each op in one of its own, so
// that the one that can not be written fails alone.
func (w *writer) singly(batch []*op, why error) {
	w.rollback()
	w.store.log.Warn("a group could not be written, writing its rows one by one", "rows", len(batch), "err", why)
	for _, o := range batch {
		if !o.take() {
			continue
		}
		if o.err = w.begin(); o.err != nil {
			continue
		}
		o.err = o.act(w.conn, o)
		if o.err == nil {
			_, o.err = w.conn.exec(`COMMIT`)
		}
		if o.err != nil {
			w.rollback()
			if !refused(o.err) {
				o.err = fmt.Errorf("sqlite: write: %w", o.err)
			}
		}
	}
}

func (w *writer) rollback() {
	// A fault that has already ended the transaction makes this one fail.
	_, _ = w.conn.exec(`ROLLBACK`)
}

// begin takes the file's write lock. Another process that writes lets go of it
// between its groups.
func (w *writer) begin() error {
	end := time.Now().Add(lockWait)
	for {
		_, err := w.conn.exec(`BEGIN IMMEDIATE`)
		if err == nil {
			return w.look()
		}
		if !busy(err) {
			return fmt.Errorf("sqlite: begin: %w", err)
		}
		if time.Now().After(end) {
			return fmt.Errorf("sqlite: begin: another process writes: %w", halsocoach.ErrBusy)
		}
		time.Sleep(lockRetry)
	}
}

// look sees whether another program has declared indexes anew since.
func (w *writer) look() error {
	n, err := generation(w.conn)
	if err == nil && n != w.generation {
		if err = check(w.conn, w.store.tables); err == nil {
			w.generation = n
		}
	}
	if err != nil {
		w.rollback()
		return fmt.Errorf("sqlite: begin: %w", err)
	}
	return nil
}

// close writes what is queued and ends the writer.
func (w *writer) close() error {
	w.shut.Do(func() {
		close(w.closing)
		<-w.gone
		w.shutErr = w.conn.close()
	})
	return w.shutErr
}
