package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"halsocoach/internal/store"
)

// Backup satisfies store.Store: a copy of the file as it is at one moment, made
// beside it and streamed to w. Writing goes on meanwhile.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp(filepath.Dir(s.path), filepath.Base(s.path)+backupMark)
	if err != nil {
		return fmt.Errorf("sqlite: backup: %w", err)
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, "copy.db")
	c, err := dial(s.path, "rw", "busy_timeout(10000)")
	if err != nil {
		return err
	}
	_, err = c.exec(`VACUUM INTO ?`, copied)
	if err = errors.Join(err, c.close()); err != nil {
		return fmt.Errorf("sqlite: backup: %w", err)
	}
	f, err := os.Open(copied)
	if err != nil {
		return fmt.Errorf("sqlite: backup: %w", err)
	}
	defer f.Close()
	// Without its name it is gone when this process is, however that ends.
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("sqlite: backup: %w", err)
	}
	if _, err := io.Copy(w, reader{ctx, f}); err != nil {
		return fmt.Errorf("sqlite: backup: %w", err)
	}
	return nil
}

const backupMark = "-backup-"

// backupTime is longer than any copy takes.
const backupTime = time.Hour

// sweepBackups removes what a backup left that was killed while it copied.
func sweepBackups(path string, now time.Time) error {
	left, err := filepath.Glob(path + backupMark + "*")
	if err != nil {
		return err
	}
	for _, dir := range left {
		if st, err := os.Stat(dir); err == nil && now.Sub(st.ModTime()) > backupTime {
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("sqlite: remove an unfinished backup: %w", err)
			}
		}
	}
	return nil
}

// Restore makes the file at path from what Backup wrote. It checks the copy
// first and does not touch a file that is there.
func Restore(ctx context.Context, r io.Reader, path string) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("sqlite: restore: %s exists already; move it away first", path)
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("sqlite: restore: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("sqlite: restore: %w", err)
	}
	f, err := os.CreateTemp(dir, "restore-")
	if err != nil {
		return fmt.Errorf("sqlite: restore: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = io.Copy(f, reader{ctx, r})
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = whole(f.Name())
	}
	if err == nil {
		err = os.Link(f.Name(), path) // fails if somebody has made it meanwhile
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("sqlite: restore: %w", err)
	}
	return nil
}

// whole checks that the file is an unbroken store which this program can read.
func whole(path string) error {
	c, err := dial(path, "ro")
	if err != nil {
		return err
	}
	defer c.close()
	var row [1]driver.Value
	if _, err := c.one(row[:], `PRAGMA quick_check(1)`); err != nil {
		return err
	}
	if row[0] != "ok" {
		return fmt.Errorf("the copy is broken: %v", row[0])
	}
	switch version, err := schemaVersion(c); {
	case err != nil:
		return err
	case version == 0:
		return errors.New("the copy is not of a store")
	default:
		return store.CheckSchema(version)
	}
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// reader stops reading when its context ends.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
