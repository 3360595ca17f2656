package limit

import (
	"sync"
	"time"
)

// Failures counts failed sign-ins per address: guesses at invitations, answers
// of a provider that are not one. A sign-in that succeeds is never counted, and
// the demo's door has no limit.
type Failures struct {
	mu     sync.Mutex
	counts map[string]failed
}

type failed struct {
	n     int
	since time.Time
}

// AtMost failures Within a quarter of an hour are borne.
const (
	AtMost = 20
	Within = 15 * time.Minute
	held   = 10_000
)

// NewFailures has counted nothing yet.
func NewFailures() *Failures { return &Failures{counts: map[string]failed{}} }

// Blocked says whether the address has failed too often lately.
func (f *Failures) Blocked(address string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.counts[address]
	return ok && c.n >= AtMost && now.Sub(c.since) < Within
}

// Add counts one failure.
func (f *Failures) Add(address string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.counts[address]
	if !ok || now.Sub(c.since) >= Within {
		c = failed{since: now}
	}
	if !ok {
		f.makeRoom(now)
	}
	c.n++
	f.counts[address] = c
}

// makeRoom forgets what is old, and when all is new whatever comes first.
func (f *Failures) makeRoom(now time.Time) {
	if len(f.counts) < held {
		return
	}
	for a, c := range f.counts {
		if now.Sub(c.since) >= Within {
			delete(f.counts, a)
		}
	}
	for a := range f.counts {
		if len(f.counts) < held {
			return
		}
		delete(f.counts, a)
	}
}
