package seal

import (
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"halsocoach"
)

const (
	cacheTime = time.Minute
	cacheSize = 4096 // persons
)

// cache keeps opened keys for at most its time, and no more than its size. It
// has two generations: a key is put in the young one; every half time, or when
// the young one holds half the size, the old one is dropped and the young one
// becomes old. A timer sees to it also when nobody asks.
type cache struct {
	clock halsocoach.Clock
	ttl   time.Duration
	half  int

	mu         sync.Mutex
	young, old map[string]entry
	gone       map[string]time.Time // destroyed here: reads under way must not bring them back
	timer      *time.Timer
}

type entry struct {
	key tink.AEAD
	at  time.Time
}

func newCache(clock halsocoach.Clock, ttl time.Duration, size int) *cache {
	return &cache{clock: clock, ttl: ttl, half: size / 2, young: map[string]entry{}, old: map[string]entry{}, gone: map[string]time.Time{}}
}

// get gives the keys it has, and the persons it has none for, each once.
func (c *cache) get(persons []string) (have map[string]tink.AEAD, missing []string) {
	now := c.clock()
	have = make(map[string]tink.AEAD, len(persons))
	asked := map[string]bool{}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range persons {
		if asked[p] {
			continue
		}
		asked[p] = true
		e, ok := c.young[p]
		if !ok {
			e, ok = c.old[p]
		}
		if age := now.Sub(e.at); ok && age >= 0 && age < c.ttl {
			have[p] = e.key
		} else {
			missing = append(missing, p)
		}
	}
	return have, missing
}

// put keeps a key that was read at the time.
func (c *cache) put(person string, key tink.AEAD, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, gone := c.gone[person]; gone {
		return
	}
	if len(c.young) >= c.half {
		c.old, c.young = c.young, map[string]entry{}
	}
	c.young[person] = entry{key, at}
	c.arm()
}

// forget drops a key, and for a while takes none for the person.
func (c *cache) forget(person string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.young, person)
	delete(c.old, person)
	c.gone[person] = time.Now()
	c.arm()
}

func (c *cache) arm() {
	if c.timer == nil {
		c.timer = time.AfterFunc(c.ttl/2, c.turn)
	}
}

// turn drops the old generation; it runs by the wall, whatever the clock says.
func (c *cache) turn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.old, c.young = c.young, map[string]entry{}
	for p, at := range c.gone {
		if time.Since(at) > c.ttl {
			delete(c.gone, p)
		}
	}
	c.timer = nil
	if len(c.old) > 0 || len(c.gone) > 0 {
		c.arm()
	}
}
