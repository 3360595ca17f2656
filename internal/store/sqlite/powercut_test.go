package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/storetest"
)

// tally is a document whose number only grows; its events hold the number too.
type tally struct {
	Person string `json:"person"`
	N      int    `json:"n"`
	Filler string `json:"filler"`
}

var tallyKinds = []store.Kind{{Name: "tally", Indexes: []store.Index{{Name: "person", Fields: []store.Field{store.T("person"), store.I("n")}}}}}

// numbers are the documents' numbers by id: as somebody has seen them, or as a
// power cut has left them.
type numbers map[string]int

func (n numbers) raise(id string, to int) { n[id] = max(n[id], to) }

// known is what somebody was told: by an answer, a read or an event.
type known struct {
	mu sync.Mutex
	numbers
}

func (k *known) tell(id string, n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.raise(id, n)
}

func (k *known) copy() numbers {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.numbers)
}

// count saves the next number of a document.
func count(ctx context.Context, c store.Collection[tally], id string) (int, error) {
	v, err := c.Upsert(ctx, id, func(v *tally) ([]halsocoach.Event, error) {
		v.Person, v.N, v.Filler = "p", v.N+1, strings.Repeat("x", rand.IntN(1500))
		return []halsocoach.Event{{ID: fmt.Sprint(v.N), Subject: id}}, nil
	})
	return v.N, err
}

// published notes the events of batches.
func published(t *testing.T, batches []store.Batch, told func(id string, n int)) {
	for _, b := range batches {
		for _, e := range b.Events {
			n := 0
			if _, err := fmt.Sscan(e.ID, &n); err != nil {
				t.Error(err)
			}
			told(e.Subject, n)
		}
	}
}

// visible is what any reader sees now: documents, and events that wait.
func visible(t *testing.T, s *Store) numbers {
	out := numbers{}
	if err := store.In[tally](s, tallyKinds[0]).Each(context.Background(), func(id string, v tally) error { out.raise(id, v.N); return nil }); err != nil {
		t.Error(err)
	}
	batches, err := s.Pending(context.Background(), 1000)
	if err != nil {
		t.Error(err)
	}
	published(t, batches, out.raise)
	return out
}

// leftBy cuts the power and says what is left, which must be whole.
func leftBy(t *testing.T, d *disk, left func() bool) (numbers, error) {
	dir := t.TempDir()
	if err := d.cut(dir, left); err != nil {
		return nil, err
	}
	c, err := dial(filepath.Join(dir, "data.db"), "rw")
	if err != nil {
		return nil, err
	}
	defer c.close()
	var row [1]driver.Value
	if _, err := c.one(row[:], `PRAGMA quick_check(1)`); err != nil || row[0] != "ok" {
		return nil, fmt.Errorf("the file is broken: %v (%w)", row[0], err)
	}
	out := numbers{}
	var faults []error
	err = c.rows(func(row []driver.Value) bool {
		var v tally
		id, _ := row[0].(string)
		body, _ := row[1].([]byte)
		faults = append(faults, json.Unmarshal(body, &v))
		out.raise(id, v.N)
		return true
	}, `SELECT id, body FROM "doc:tally"`)
	return out, errors.Join(append(faults, err)...)
}

func openTally(t *testing.T, path string) *Store {
	t.Helper()
	s := openAt(t, path, tallyKinds)
	s.writer.log.part, s.writer.log.perSave = 20, 1 // often into the file
	s.writer.log.overgrown, s.writer.log.restartAt = 200, 200
	return s
}

// TestNothingThatWasShownIsMissingAfterAPowerCut cuts the power at each sync that
// SQLite asks for, before it is done, while two stores on one file save and a
// relay publishes: what anybody has been answered, could read or has published
// by then is in what the cut leaves.
func TestNothingThatWasShownIsMissingAfterAPowerCut(t *testing.T) {
	d := watchDisk(t)
	path := filepath.Join(d.dir, "data.db")
	stores := []*Store{openTally(t, path), openTally(t, path)}
	told := known{numbers: numbers{}}
	var cutting sync.Mutex
	cuts := 0
	d.beforeSync = func(name string) int32 {
		cutting.Lock()
		defer cutting.Unlock()
		shown := told.copy()
		for id, n := range visible(t, stores[0]) {
			shown.raise(id, n)
		}
		for what, left := range map[string]func() bool{
			"nothing": func() bool { return false },
			"a part":  func() bool { return rand.IntN(2) == 0 },
		} {
			there, err := leftBy(t, d, left)
			if err != nil {
				t.Errorf("cut %d: %v", cuts, err)
			}
			for id, n := range shown {
				if there[id] < n {
					t.Errorf("cut %d, at a sync of %s, %s of the unsynced is left: %s was shown with %d and has %d", cuts, filepath.Base(name), what, id, n, there[id])
				}
			}
		}
		cuts++
		return 0
	}
	var savers, relay sync.WaitGroup
	done := make(chan struct{})
	relay.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-stores[1].Saved():
			}
			batches, err := stores[1].Pending(t.Context(), 20)
			if err != nil {
				t.Error(err)
			}
			published(t, batches, told.tell)
			if err := stores[1].Relayed(t.Context(), batches...); err != nil {
				t.Error(err)
			}
		}
	})
	for k := range 6 {
		savers.Go(func() {
			c := store.In[tally](stores[k%2], tallyKinds[0])
			for i := range storetest.Count(20, 200) {
				id := fmt.Sprint(k%5, "/", i%7)
				n, err := count(t.Context(), c, id)
				if err != nil {
					t.Error(err)
					return
				}
				told.tell(id, n)
			}
		})
	}
	savers.Wait()
	close(done)
	relay.Wait()
	cutting.Lock()
	defer cutting.Unlock()
	d.beforeSync = nil
	if cuts < 40 {
		t.Errorf("only %d cuts", cuts)
	}
	t.Logf("%d cuts", cuts)
}

// TestASaveThatCanNotBeSyncedIsShownToNobody: and when the disk is mended what
// comes after it is kept.
func TestASaveThatCanNotBeSyncedIsShownToNobody(t *testing.T) {
	d := watchDisk(t)
	s := openTally(t, filepath.Join(d.dir, "data.db"))
	c := store.In[tally](s, tallyKinds[0])
	if _, err := count(t.Context(), c, "a"); err != nil {
		t.Fatal(err)
	}
	d.beforeSync = func(string) int32 { return sqlite3.SQLITE_IOERR_FSYNC }
	if _, err := count(t.Context(), c, "a"); err == nil {
		t.Error("a save was acknowledged that is not on the disk")
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("ready with a disk that has failed")
	}
	if n := visible(t, s)["a"]; n != 1 {
		t.Errorf("a is shown with %d, want 1", n)
	}
	if err := c.Insert(t.Context(), "a", tally{}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("what is refused needs no disk: %v", err)
	}
	d.beforeSync = nil
	for want := 2; want < 5; want++ {
		if n, err := count(t.Context(), c, "a"); err != nil || n != want {
			t.Errorf("after the disk was mended: %d (%v), want %d", n, err, want)
		}
	}
	if left, err := leftBy(t, d, func() bool { return false }); err != nil || left["a"] != 4 {
		t.Errorf("a cut leaves %d of 4 (%v)", left["a"], err)
	}
}
