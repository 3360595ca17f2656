package demo

import (
	"sync"
	"time"
)

// Clock runs from where it was set. While the past is written it stands still at
// the time that is written about.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
	still  time.Time
}

// ClockAt is a clock that shows at now.
func ClockAt(at time.Time) *Clock { return &Clock{offset: time.Until(at)} }

// Now satisfies halsocoach.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.still.IsZero() {
		return c.still
	}
	return time.Now().Add(c.offset)
}

// stand stops the clock at t; run lets it go again.
func (c *Clock) stand(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.still = t
}

func (c *Clock) run() { c.stand(time.Time{}) }
