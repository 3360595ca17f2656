package limit

import (
	"net/netip"
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
	return f.blocked(key(address), now)
}

func (f *Failures) blocked(address string, now time.Time) bool {
	c, ok := f.counts[address]
	return ok && c.n >= AtMost && now.Sub(c.since) < Within
}

// Add counts one failure.
func (f *Failures) Add(address string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(key(address), now)
}

// Take counts one before it is known how it goes, so that those who try side by
// side are counted too; false when there have been too many. Back takes it back.
func (f *Failures) Take(address string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	address = key(address)
	if f.blocked(address, now) {
		return false
	}
	f.add(address, now)
	return true
}

// Back says that what was taken was no failure.
func (f *Failures) Back(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	address = key(address)
	if c, ok := f.counts[address]; ok && c.n > 1 {
		c.n--
		f.counts[address] = c
	} else {
		delete(f.counts, address)
	}
}

// key is what an address is counted by: of IPv6 the network that one customer
// has, since all of it is theirs to send from.
func key(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	p, _ := a.WithZone("").Prefix(64)
	return p.String()
}

func (f *Failures) add(address string, now time.Time) {
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
