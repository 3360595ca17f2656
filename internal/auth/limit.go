package auth

import (
	"sync"
	"time"
)

// failures counts failed sign-ins per address: guesses at invitations, and later
// at other doors. A sign-in that succeeds is never counted, and the demo's door
// has no limit.
type failures struct {
	mu     sync.Mutex
	counts map[string]failed
}

type failed struct {
	n     int
	since time.Time
}

const (
	failedAtMost  = 20
	failedWithin  = 15 * time.Minute
	addressesHeld = 10_000
)

func newFailures() *failures { return &failures{counts: map[string]failed{}} }

// blocked says whether the address has failed too often lately.
func (f *failures) blocked(address string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.counts[address]
	return ok && c.n >= failedAtMost && now.Sub(c.since) < failedWithin
}

// add counts one failure.
func (f *failures) add(address string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.counts[address]
	if !ok || now.Sub(c.since) >= failedWithin {
		c = failed{since: now}
	}
	if !ok {
		f.makeRoom(now)
	}
	c.n++
	f.counts[address] = c
}

// makeRoom forgets what is old, and when all is new whatever comes first.
func (f *failures) makeRoom(now time.Time) {
	if len(f.counts) < addressesHeld {
		return
	}
	for a, c := range f.counts {
		if now.Sub(c.since) >= failedWithin {
			delete(f.counts, a)
		}
	}
	for a := range f.counts {
		if len(f.counts) < addressesHeld {
			return
		}
		delete(f.counts, a)
	}
}
