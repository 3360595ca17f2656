package seal

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
)

var begin = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// house is a key store with a clock and a count of its reads.
type house struct {
	store.Store
	master Master
	mu     sync.Mutex
	at     time.Time
	reads  int
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

func (h *house) Get(ctx context.Context, kind string, ids ...string) ([]store.Document, error) {
	h.mu.Lock()
	h.reads++
	h.mu.Unlock()
	return h.Store.Get(ctx, kind, ids...)
}

func (h *house) asked(do func()) int {
	h.mu.Lock()
	before := h.reads
	h.mu.Unlock()
	do()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reads - before
}

func newHouse(t testing.TB) *house {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "keys.db"), Kinds(), slog.New(slog.DiscardHandler))
	ok(t, err)
	t.Cleanup(func() { s.Close() })
	m, err := KeyFile(filepath.Join(dir, "keys", "master.key"))
	ok(t, err)
	return &house{Store: s, master: m, at: begin}
}

// node is a Sealer with a memory of its own.
func (h *house) node(t testing.TB) *Sealer {
	t.Helper()
	s, err := Open(t.Context(), h, h.master, h.now)
	ok(t, err)
	return s
}

func number(t testing.TB, digits string) halsocoach.Number {
	t.Helper()
	n, err := halsocoach.ParseNumber(digits, begin)
	ok(t, err)
	return n
}

// ok ends the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must is the value, and ends the test on an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		ok(t, err)
		return v
	}
}
