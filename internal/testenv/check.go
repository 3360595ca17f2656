package testenv

import (
	"errors"
	"sync"
	"testing"
)

// Must ends the test when there is a fault.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Wants ends the test when the fault is another than want.
func Wants(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// ErrOf is the last result of a call, for Must and Wants.
func ErrOf(results ...any) error {
	err, _ := results[len(results)-1].(error)
	return err
}

// Together runs do n times, all beginning at once.
func Together(n int, do func(i int)) {
	var all sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		all.Go(func() { <-gate; do(i) })
	}
	close(gate)
	all.Wait()
}
