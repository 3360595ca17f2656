package sqlite

import (
	"fmt"
	"os"
	"time"
)

// breath is how long one waits before trying a lock again.
const breath = 50 * time.Microsecond

// turn lets several processes write by turns. SQLite's own lock goes to whoever
// asks in the right moment, and a process that begins its next group at once
// nearly always is the one. So each takes the turn file's lock before it asks
// SQLite and lets it go when it has begun: who has just written must wait
// behind the one that asks. It is a courtesy and guards nothing; the operating
// system lets go of it when a process dies.
type turn struct{ file *os.File }

func openTurn(path string) (*turn, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return &turn{f}, nil
}

// take waits for the turn, but not longer than until end.
func (t *turn) take(end time.Time) {
	for !lock(t.file) && time.Now().Before(end) {
		time.Sleep(breath)
	}
}

func (t *turn) release() { unlock(t.file) }

func (t *turn) close() error { return t.file.Close() }
