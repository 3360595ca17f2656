package ferret_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"halsocoach/internal/store"
	"halsocoach/internal/store/mongo"
	"halsocoach/internal/store/mongo/ferret"
	"halsocoach/internal/store/storetest"
)

// server is the stand-in that all tests but those of faults share.
var server *ferret.Server

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // the stand-in reads a whole collection for most questions
	dir, err := os.MkdirTemp("", "ferret-test-")
	if err == nil {
		server, err = ferret.Start("127.0.0.1:0", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = server.Close()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// testLog sends log lines to the test's output.
func testLog(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// database is a name of the test's own.
func database(t testing.TB, what string) string {
	sum := sha256.Sum256([]byte(t.Name() + what))
	return "t" + hex.EncodeToString(sum[:8])
}

func openAt(t testing.TB, url string, kinds []store.Kind) *mongo.Store {
	t.Helper()
	// The stand-in needs time for what a server finds by an index.
	s, err := mongo.Settings{Bound: time.Minute}.Open(t.Context(), url, kinds, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// asking is a store that tells what it asks of the stand-in, which looks through
// a whole collection for whatever it is asked. That every question fits an index
// is tested beside the adapter.
type asking struct{ *mongo.Store }

// Asked satisfies storetest.Asking.
func (asking) Asked() float64 {
	commands, bytes := server.Passed()
	return float64(commands)*1000 + float64(bytes)
}

func TestMongoKeepsThePromises(t *testing.T) {
	storetest.Run(t, func(t testing.TB, kinds []store.Kind) store.Store {
		return asking{openAt(t, server.URL(database(t, "")), kinds)}
	}, func(t testing.TB, kinds []store.Kind, backup io.Reader) store.Store {
		to := server.URL(database(t, "restored"))
		if err := mongo.Restore(t.Context(), backup, to, testLog(t)); err != nil {
			t.Fatal(err)
		}
		return openAt(t, to, kinds)
	})
}
