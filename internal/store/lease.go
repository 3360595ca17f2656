package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"time"

	"halsocoach"
)

// LeaseKind holds which node does which background work. Every store of the
// program has it.
var LeaseKind = Kind{Name: "lease", NoPerson: true}

const (
	leaseTerm = 10 * time.Second // how long a node that has died still counts as at work
	leaseSoon = 2 * time.Second  // a node that has just started need not wait longer for its first turn
	leaseLook = 250 * time.Millisecond
	// lastWord is how long a stop may take to give a lease back.
	lastWord = 2 * time.Second
)

// lease is the document of one piece of work.
type lease struct {
	Name   string    `json:"name"`
	Holder string    `json:"holder,omitempty"` // who is at it; "" = nobody
	Until  time.Time `json:"until"`            // when the holder counts as dead
	Last   time.Time `json:"last"`             // when the work was begun that was last done
}

// held says whether another than who is at work. An end that lies further off
// than a term can reach was written by a clock that was wrong.
func (d lease) held(who string, now time.Time, term time.Duration) bool {
	return d.Holder != "" && d.Holder != who && now.Before(d.Until) && d.Until.Sub(now) <= 2*term
}

// due is when the work is to be done again. A last time that is still to come
// was written by a clock that was wrong.
func (d lease) due(every time.Duration, now time.Time) time.Time {
	if d.Last.After(now) {
		return now
	}
	return d.Last.Add(every)
}

var (
	errHeld   = errors.New("store: another node is at work")
	errNotDue = errors.New("store: the work is not due")
)

// Leases share background work between any number of nodes on one store: a
// document for each piece of work says who is at it and when it was last done.
// Who is at work renews the lease and gives it back when done or stopped; when
// a node dies another takes over after Term. The nodes' clocks may lie apart by
// two thirds of Term.
//
// A lease keeps nodes from doing the same twice. What must never be done twice
// is guarded by the versions of what it writes.
type Leases struct {
	Store Store
	Clock halsocoach.Clock
	Log   *slog.Logger
	Term  time.Duration // 0 = ten seconds
}

// Every has do run about once in every interval, on one node at a time, until
// ctx ends. A node that starts does not wait for the interval but only some
// seconds since the work was last done, so that what a crash left is mended
// soon. It returns when do has ended and the lease is given back.
func (l Leases) Every(ctx context.Context, name string, every time.Duration, do func(context.Context) error) {
	h := l.holder(name)
	next := min(every, leaseSoon)
	for ctx.Err() == nil {
		ran, err := h.run(ctx, next, do)
		if ran {
			next = every
		}
		if err != nil && ctx.Err() == nil && l.Log != nil {
			l.Log.Warn("background work failed", "work", name, "err", err)
		}
		if !rest(ctx, h.wait(ctx, next, err)) {
			return
		}
	}
}

// Alone runs do when no other node is at work on the same name, and waits until
// then.
func (l Leases) Alone(ctx context.Context, name string, do func(context.Context) error) error {
	h := l.holder(name)
	for {
		ran, err := h.run(ctx, 0, do)
		if ran || err != nil {
			return err
		}
		if !rest(ctx, min(leaseLook, h.term/4)) {
			return ctx.Err()
		}
	}
}

// holder is who asks for one lease.
type holder struct {
	Leases
	docs     Collection[lease]
	name, me string
	term     time.Duration
}

func (l Leases) holder(name string) *holder {
	host, _ := os.Hostname()
	h := &holder{Leases: l, docs: In[lease](l.Store, LeaseKind), name: name, term: l.Term}
	h.me = fmt.Sprintf("%s/%d/%s", host, os.Getpid(), halsocoach.NewID())
	if h.term == 0 {
		h.term = leaseTerm
	}
	return h
}

// run does the work if it is due and nobody else is at it.
func (h *holder) run(ctx context.Context, every time.Duration, do func(context.Context) error) (ran bool, err error) {
	d, err := h.take(ctx, every)
	if errors.Is(err, errHeld) || errors.Is(err, errNotDue) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	began := h.Clock()
	err = h.hold(ctx, do)
	if ctx.Err() != nil {
		began = d.Last // it may be half done: whoever comes next need not wait
	}
	return true, errors.Join(err, h.giveBack(ctx, began))
}

// take makes this node the holder. It looks before it writes, since most often
// there is nothing to do.
func (h *holder) take(ctx context.Context, every time.Duration) (lease, error) {
	ask := func(d *lease) error {
		now := h.Clock()
		switch {
		case d.held(h.me, now, h.term):
			return errHeld
		case every > 0 && now.Before(d.due(every, now)):
			return errNotDue
		}
		d.Name, d.Holder, d.Until = h.name, h.me, now.Add(h.term)
		return nil
	}
	if d, err := h.docs.Get(ctx, h.name); err == nil {
		err = ask(&d)
		if err != nil {
			return d, err
		}
	}
	return h.docs.Upsert(ctx, h.name, func(d *lease) ([]halsocoach.Event, error) { return nil, ask(d) })
}

// hold runs do while the lease is renewed. When it is lost, or can not be
// renewed before it ends, do's context ends.
func (h *holder) hold(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- guarded(ctx, h.Log, h.name, do) }()
	tick := time.NewTicker(h.term / 3)
	defer tick.Stop()
	for renewed := time.Now(); ; {
		select {
		case err := <-done:
			return err
		case <-tick.C:
		}
		began := time.Now()
		switch err := h.renew(ctx); {
		case err == nil:
			renewed = began
		case errors.Is(err, errHeld), time.Since(renewed) > h.term*2/3:
			cancel()
			return errors.Join(fmt.Errorf("the lease is lost: %w", err), <-done)
		}
	}
}

// guarded turns a panic into an error: background work must not end the program.
func guarded(ctx context.Context, log *slog.Logger, work string, do func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// The stack says where; the panic's value may hold what a log must not.
			if log != nil {
				log.Error("background work panicked", "work", work, "stack", string(debug.Stack()))
			}
			err = fmt.Errorf("panicked with %T", p)
		}
	}()
	return do(ctx)
}

func (h *holder) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.term/3)
	defer cancel()
	_, err := h.docs.Update(ctx, h.name, func(d *lease) ([]halsocoach.Event, error) {
		if d.Holder != h.me {
			return nil, errHeld
		}
		d.Until = h.Clock().Add(h.term)
		return nil, nil
	})
	return err
}

// giveBack lets others at the work, also while the program stops.
func (h *holder) giveBack(ctx context.Context, last time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	_, err := h.docs.Update(ctx, h.name, func(d *lease) ([]halsocoach.Event, error) {
		if d.Holder != h.me {
			return nil, errHeld
		}
		d.Holder, d.Until, d.Last = "", time.Time{}, last
		return nil, nil
	})
	if errors.Is(err, errHeld) {
		return nil // somebody has taken over
	}
	return err
}

// wait is how long to rest before looking again: until the work is due, but
// never longer than its interval, and at most a term while another node is at
// it. The nodes do not look all at one time.
func (h *holder) wait(ctx context.Context, every time.Duration, fault error) time.Duration {
	shake := time.Duration(rand.Int64N(int64(min(every/10, time.Second)) + 1))
	if fault != nil {
		return min(every, leaseSoon) + shake
	}
	d, err := h.docs.Get(ctx, h.name)
	if err != nil {
		return min(every, leaseSoon) + shake
	}
	now := h.Clock()
	until := d.due(every, now).Sub(now)
	if d.held(h.me, now, h.term) {
		until = min(d.Until.Sub(now), h.term)
	}
	return min(max(until, leaseLook/10), every) + shake
}

// rest waits and says whether ctx is still on.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
