package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"halsocoach"
)

// shred rewrites a file that was not kept shredded before, as one that a copy
// made: what was deleted then may still lie between the rows. When other processes hold on to
// the file it is left for the next start.
func shred(c *conn, log *slog.Logger) error {
	var row [1]driver.Value
	done, err := c.one(row[:], `SELECT value FROM meta WHERE name = 'shredded'`)
	if err != nil || done {
		return err
	}
	err = c.script(`VACUUM`)
	if err == nil {
		err = truncate(c)
	}
	if err == nil {
		_, err = c.exec(`INSERT INTO meta(name, value) VALUES('shredded', 1) ON CONFLICT(name) DO NOTHING`)
	}
	if err != nil {
		log.Warn("what was deleted before may still lie in the file; it is rewritten at a start with nothing else open", "err", err)
	}
	return nil
}

// Scrub empties the write-ahead log, so that what was deleted lies there no more
// than in the file. It waits a moment for readers; ErrBusy when one holds out,
// as a backup does: try again.
func (s *Store) Scrub(ctx context.Context) error {
	c, err := dial(s.path, "rw", "busy_timeout(100)")
	if err != nil {
		return err
	}
	defer c.close()
	for range 3 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err = truncate(c); err == nil || !busy(err) && !errors.Is(err, halsocoach.ErrBusy) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("sqlite: scrub: %w", errors.Join(err, halsocoach.ErrBusy))
}

// truncate empties the write-ahead log; ErrBusy when somebody reads it.
func truncate(c *conn) error {
	blocked, err := number(c, `PRAGMA wal_checkpoint(TRUNCATE)`)
	switch {
	case err != nil:
		return fmt.Errorf("sqlite: empty the log: %w", err)
	case blocked != 0:
		return fmt.Errorf("sqlite: the log is read: %w", halsocoach.ErrBusy)
	}
	return nil
}
