package store_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
)

// leaseDoc is the document as another node writes it.
type leaseDoc struct {
	Name   string    `json:"name"`
	Holder string    `json:"holder,omitempty"`
	Until  time.Time `json:"until"`
	Last   time.Time `json:"last"`
}

// hand is a clock that a test moves.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) time() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func atNine() *hand { return &hand{now: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)} }

// ok ends the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openStore opens a store on a new file.
func openStore(t *testing.T, kinds ...store.Kind) store.Store {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "data.db"), kinds...)
}

func openFile(t *testing.T, path string, kinds ...store.Kind) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, kinds, slog.New(slog.DiscardHandler))
	ok(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// leased opens n nodes on one file.
func leased(t *testing.T, n int, clock halsocoach.Clock, term time.Duration) []store.Leases {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.db")
	out := make([]store.Leases, n)
	for i := range out {
		out[i] = store.Leases{Store: openFile(t, path, store.LeaseKind), Clock: clock, Term: term}
	}
	return out
}

func docsOf(l store.Leases) store.Collection[leaseDoc] {
	return store.In[leaseDoc](l.Store, store.LeaseKind)
}

func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not come about: %s", what)
		}
	}
}

func TestWorkIsDoneOnceInEveryIntervalByOneNodeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := leased(t, 4, time.Now, time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var at, runs atomic.Int32
		var wg sync.WaitGroup
		for _, l := range nodes {
			wg.Go(func() {
				l.Every(ctx, "test.sweep", 200*time.Millisecond, func(context.Context) error {
					if at.Add(1) != 1 {
						t.Error("two nodes are at work")
					}
					runs.Add(1)
					time.Sleep(20 * time.Millisecond)
					at.Add(-1)
					return nil
				})
			})
		}
		wg.Wait()
		if n := runs.Load(); n < 4 || n > 11 {
			t.Errorf("four nodes did it %d times in ten intervals", n)
		}
	})
}

func TestADeadNodesWorkIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := atNine()
		l := leased(t, 1, clock.time, 100*time.Millisecond)[0]
		dead := leaseDoc{Name: "test.sweep", Holder: "dead", Until: clock.time().Add(100 * time.Millisecond)}
		ok(t, docsOf(l).Insert(t.Context(), dead.Name, dead))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var runs atomic.Int32
		go l.Every(ctx, dead.Name, time.Hour, func(context.Context) error { runs.Add(1); return nil })
		time.Sleep(400 * time.Millisecond)
		if runs.Load() != 0 {
			t.Fatal("it was taken over from somebody who may be alive")
		}
		clock.add(101 * time.Millisecond)
		soon(t, "taken over", func() bool { return runs.Load() == 1 })
	})
}

func TestAWrongClocksLeaseHoldsUpNobody(t *testing.T) {
	clock := atNine()
	l := leased(t, 1, clock.time, 100*time.Millisecond)[0]
	ok(t, docsOf(l).Insert(t.Context(), "test.sweep", leaseDoc{Holder: "far", Until: clock.time().AddDate(1, 0, 0), Last: clock.time().AddDate(1, 0, 0)}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ran := make(chan struct{}, 8)
	go l.Every(ctx, "test.sweep", time.Hour, func(context.Context) error { ran <- struct{}{}; return nil })
	<-ran
}

func TestLongWorkKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := leased(t, 2, time.Now, 300*time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		begun, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			_ = nodes[0].Alone(ctx, "test.long", func(ctx context.Context) error {
				close(begun)
				time.Sleep(1500 * time.Millisecond)
				return ctx.Err()
			})
		}()
		<-begun
		ok(t, nodes[1].Alone(ctx, "test.long", func(context.Context) error {
			select {
			case <-done:
			case <-time.After(100 * time.Millisecond): // the other has given it back and is about to return
				t.Error("a lease that is renewed was taken")
			}
			return nil
		}))
	})
}

func TestAStopGivesTheLeaseBackAndAnotherGoesOn(t *testing.T) {
	clock := atNine()
	nodes := leased(t, 2, clock.time, time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	begun, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		nodes[0].Every(ctx, "test.sweep", time.Hour, func(ctx context.Context) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	<-begun
	stop()
	<-ended
	d, err := docsOf(nodes[1]).Get(t.Context(), "test.sweep")
	if err != nil || d.Holder != "" || !d.Last.IsZero() {
		t.Fatalf("%+v, %v: it is held, or counts as done", d, err)
	}
	on, cancel := context.WithCancel(t.Context())
	defer cancel()
	ran := make(chan struct{}, 8)
	go nodes[1].Every(on, "test.sweep", time.Hour, func(context.Context) error { ran <- struct{}{}; return nil })
	<-ran
}

func TestAStartMendsSoonAfterACrash(t *testing.T) {
	clock := atNine()
	l := leased(t, 1, clock.time, 0)[0]
	ok(t, docsOf(l).Insert(t.Context(), "test.sweep", leaseDoc{Last: clock.time().Add(-3 * time.Second)}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ran := make(chan struct{}, 8)
	go l.Every(ctx, "test.sweep", time.Hour, func(context.Context) error { ran <- struct{}{}; return nil })
	<-ran // and not in an hour
}

func TestALostLeaseEndsTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := leased(t, 1, time.Now, 150*time.Millisecond)[0]
		err := l.Alone(t.Context(), "test.sweep", func(ctx context.Context) error {
			_, err := docsOf(l).Update(ctx, "test.sweep", func(d *leaseDoc) ([]halsocoach.Event, error) {
				d.Holder, d.Until = "thief", time.Now().Add(time.Minute)
				return nil, nil
			})
			if err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		d, err := docsOf(l).Get(t.Context(), "test.sweep")
		if err != nil || d.Holder != "thief" {
			t.Errorf("%+v, %v: what another holds was given back", d, err)
		}
	})
}

func TestWorkThatPanicsOrFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := leased(t, 1, time.Now, time.Second)[0]
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var runs atomic.Int32
		go l.Every(ctx, "test.sweep", 20*time.Millisecond, func(context.Context) error {
			switch runs.Add(1) {
			case 1:
				panic("a sweep may panic")
			case 2:
				return errors.New("or fail")
			}
			return nil
		})
		soon(t, "a third run", func() bool { return runs.Load() >= 3 })
	})
}
