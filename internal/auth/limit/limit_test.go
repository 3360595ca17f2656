package limit

import (
	"strconv"
	"sync"
	"sync/atomic"
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

func TestWhoTriesSideBySideIsCountedToo(t *testing.T) {
	f, now := NewFailures(), time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	var passed atomic.Int32
	var all sync.WaitGroup
	for range 4 * AtMost {
		all.Go(func() {
			if f.Take("a", now) {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	if passed.Load() != AtMost {
		t.Fatalf("%d passed", passed.Load())
	}
	f.Back("a")
	if !f.Take("a", now) || f.Take("a", now) {
		t.Fatal("what was no failure is counted, or more than it taken back")
	}
	for range 10 * AtMost {
		if !f.Take("b", now) {
			t.Fatal("who does not fail is blocked")
		}
		f.Back("b")
	}
	f.Back("c") // nobody's
	if len(f.counts) != 1 {
		t.Fatalf("%d addresses are held", len(f.counts))
	}
}

func TestANetworkIsOneAddress(t *testing.T) {
	f, now := NewFailures(), time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for i := range AtMost {
		f.Add("2001:db8:1:2::"+strconv.Itoa(i+1), now)
		f.Add("192.0.2."+strconv.Itoa(i+1), now)
	}
	for address, blocked := range map[string]bool{
		"2001:db8:1:2:ffff::1": true, "2001:db8:1:3::1": false, "192.0.2.1": false, "192.0.2.200": false,
	} {
		if f.Blocked(address, now) != blocked {
			t.Errorf("%s: blocked is %v", address, !blocked)
		}
	}
}
