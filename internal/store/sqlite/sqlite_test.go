package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"path/filepath"
	"testing"

	"modernc.org/sqlite"

	"halsocoach/internal/store"
	"halsocoach/internal/store/storetest"
)

// testLog sends log lines to the test's output.
func testLog(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// ok ends the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openAt(t testing.TB, path string, kinds []store.Kind) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, kinds, testLog(t))
	ok(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestSQLiteKeepsThePromises(t *testing.T) {
	dir := t.TempDir()
	path := func(t testing.TB, what string) string {
		sum := sha256.Sum256([]byte(t.Name()))
		return filepath.Join(dir, hex.EncodeToString(sum[:8])+what)
	}
	storetest.Run(t, func(t testing.TB, kinds []store.Kind) store.Store {
		return openAt(t, path(t, ".db"), kinds)
	}, func(t testing.TB, kinds []store.Kind, backup io.Reader) store.Store {
		to := path(t, "-restored.db")
		ok(t, Restore(t.Context(), backup, to))
		return openAt(t, to, kinds)
	})
}

// Asked satisfies storetest.Asking: the pages that reads have looked at.
func (s *Store) Asked() float64 {
	s.readers.mu.Lock()
	defer s.readers.mu.Unlock()
	pages := 0
	for _, c := range s.readers.idle {
		for _, op := range []sqlite.DBStatusOp{sqlite.DBStatusCacheHit, sqlite.DBStatusCacheMiss} {
			n, _, err := c.raw.(sqlite.DBStatus).Status(op, false)
			if err != nil {
				panic(err)
			}
			pages += int(n)
		}
	}
	return float64(pages)
}
