//go:build mongo

package mongo

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"halsocoach/internal/store"
	"halsocoach/internal/store/storetest"
)

// realURL is a database of the test's own beside the one that HALSOCOACH_MONGO
// names, as mongodb://host/test. It is dropped when the test ends.
func realURL(t testing.TB, what string) string {
	t.Helper()
	address := os.Getenv("HALSOCOACH_MONGO")
	base, err := databaseOf(address)
	if err != nil {
		t.Fatalf("HALSOCOACH_MONGO: %v", err)
	}
	sum := sha256.Sum256([]byte(t.Name() + what))
	name := base + "_" + hex.EncodeToString(sum[:8])
	scheme, rest, _ := strings.Cut(address, "://")
	before, after, _ := strings.Cut(rest, "/"+base)
	return scheme + "://" + before + "/" + name + after
}

func dropped(t testing.TB, address string) {
	t.Helper()
	client, err := driver.Connect(options.Client().ApplyURI(address))
	if err != nil {
		t.Fatal(err)
	}
	name, _ := databaseOf(address)
	ctx := t.Context()
	if err := client.Database(name).Drop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := client.Disconnect(ctx); err != nil {
		t.Error(err)
	}
}

// TestARealServerKeepsThePromises runs the suite on the server that
// HALSOCOACH_MONGO names: make test-mongo URL=mongodb://…/test.
func TestARealServerKeepsThePromises(t *testing.T) {
	opened := map[string]bool{}
	open := func(t testing.TB, address string, kinds []store.Kind) store.Store {
		if !opened[address] {
			opened[address] = true
			dropped(t, address) // what an earlier run has left
		}
		s, err := Open(t.Context(), address, kinds, slog.New(slog.NewTextHandler(t.Output(), nil)))
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
	storetest.Run(t, func(t testing.TB, kinds []store.Kind) store.Store {
		return open(t, realURL(t, ""), kinds)
	}, func(t testing.TB, kinds []store.Kind, backup io.Reader) store.Store {
		to := realURL(t, "restored")
		dropped(t, to)
		if err := Restore(t.Context(), backup, to, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		opened[to] = true
		return open(t, to, kinds)
	})
	for address := range opened {
		dropped(t, address)
	}
}
