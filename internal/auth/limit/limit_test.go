package limit

import (
	"strconv"
	"testing"
	"time"
)

func TestGuessingIsSlowAndTheMemoryBounded(t *testing.T) {
	f, now := NewFailures(), time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for i := range AtMost {
		if f.Blocked("a", now) {
			t.Fatalf("blocked after %d failures", i)
		}
		f.Add("a", now)
	}
	if !f.Blocked("a", now) || f.Blocked("b", now) || f.Blocked("a", now.Add(Within)) {
		t.Fatal("not blocked, or for too long, or another's address")
	}
	for i := range held + 100 {
		f.Add(strconv.Itoa(i), now)
	}
	if len(f.counts) > held {
		t.Fatalf("%d addresses are held", len(f.counts))
	}
}
