// Package storetest holds the promises of package store as tests. Every adapter
// runs the whole of it; the name of a test is the promise that it keeps.
package storetest

import (
	"io"
	"os"
	"testing"

	"halsocoach/internal/store"
)

// Open opens a handle to the database of a test and closes it when the test
// ends. Called again with the same t it opens the same database once more, as a
// second process would; with another t it is a new and empty one.
type Open func(t testing.TB, kinds []store.Kind) store.Store

// Restore makes a database of its own out of a backup, and opens it.
type Restore func(t testing.TB, kinds []store.Kind, backup io.Reader) store.Store

// Hard says whether the long counts are asked for (HALSOCOACH_HARD=1).
func Hard() bool { return os.Getenv("HALSOCOACH_HARD") == "1" }

// Count is how often a test repeats.
func Count(short, hard int) int {
	if Hard() {
		return hard
	}
	return short
}

// Run runs every test against the adapter.
func Run(t *testing.T, open Open, restore Restore) {
	for _, group := range [][]named{documents, indexes, answers, races, outbox, typed, handles} {
		for _, n := range group {
			t.Run(n.name, func(t *testing.T) { n.test(begin(t, open, Kinds())) })
		}
	}
	t.Run("ItDoesWhatTheSimplestModelDoes", func(t *testing.T) { property(t, open(t, Kinds())) })
	t.Run("ABackupOfARunningStoreIsWhole", func(t *testing.T) {
		backup(begin(t, open, Kinds()), restore)
	})
}

// named is one promise.
type named struct {
	name string
	test func(*house)
}
