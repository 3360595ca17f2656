package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

type counter struct{ N int }

// counted opens a store that counts its saves.
func counted(t *testing.T) (*countingStore, store.Collection[counter]) {
	t.Helper()
	kind := store.Kind{Name: "counter", NoPerson: true}
	s := openStore(t, kind)
	c := &countingStore{Store: s}
	return c, store.In[counter](c, kind)
}

type countingStore struct {
	store.Store
	store.Turns
	saves atomic.Int32
	lose  bool // the answer of every save
}

func (s *countingStore) Save(ctx context.Context, kind string, d store.Document, events []halsocoach.Event) (string, error) {
	s.saves.Add(1)
	v, err := s.Store.Save(ctx, kind, d, events)
	if err == nil && s.lose {
		return "", halsocoach.ErrBusy
	}
	return v, err
}

func add(c *counter) ([]halsocoach.Event, error) {
	c.N++
	return nil, nil
}

func TestChangesThatMeetLoseNoSave(t *testing.T) {
	s, c := counted(t)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if _, err := c.Upsert(t.Context(), "a", add); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if v, err := c.Get(t.Context(), "a"); err != nil || v.N != 100 {
		t.Errorf("%d changes (%v), want 100", v.N, err)
	}
	if n := s.saves.Load(); n != 100 {
		t.Errorf("%d saves for 100 changes that met", n)
	}
}

// TestChangesThatWaitForEachOtherGoOn, once their patience is over.
func TestChangesThatWaitForEachOtherGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := counted(t)
		var wg, both sync.WaitGroup
		both.Add(2)
		for i, ids := range [][2]string{{"a", "b"}, {"b", "a"}} {
			wg.Go(func() {
				first := true
				_, err := c.Upsert(t.Context(), ids[0], func(v *counter) ([]halsocoach.Event, error) {
					if first {
						first = false
						both.Done()
						both.Wait()
						if _, err := c.Upsert(t.Context(), ids[1], add); err != nil {
							return nil, err
						}
					}
					return add(v)
				})
				if err != nil {
					t.Errorf("change %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		for _, id := range []string{"a", "b"} {
			if v, err := c.Get(t.Context(), id); err != nil || v.N != 2 {
				t.Errorf("%s: %d (%v), want 2", id, v.N, err)
			}
		}
	})
}

func TestOneWhoLeavesTheQueueChangesNothing(t *testing.T) {
	_, c := counted(t)
	hold, leading := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	var once sync.Once
	wg.Go(func() {
		if _, err := c.Upsert(t.Context(), "a", func(v *counter) ([]halsocoach.Event, error) {
			once.Do(func() { close(leading) })
			<-hold
			return add(v)
		}); err != nil {
			t.Error(err)
		}
	})
	<-leading
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Upsert(ctx, "a", add); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(hold)
	wg.Wait()
	if v, err := c.Get(t.Context(), "a"); err != nil || v.N != 1 {
		t.Errorf("%d (%v), want 1", v.N, err)
	}
}

// TestASaveThatMayHaveBeenDoneIsNotMadeAgain: when a save fails in a way that
// leaves open whether it was done, its change is not repeated.
func TestASaveThatMayHaveBeenDoneIsNotMadeAgain(t *testing.T) {
	s, c := counted(t)
	s.lose = true
	if _, err := c.Upsert(t.Context(), "a", add); !errors.Is(err, halsocoach.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	if v, err := c.Get(t.Context(), "a"); err != nil || v.N != 1 {
		t.Errorf("%d (%v), want 1", v.N, err)
	}
}
