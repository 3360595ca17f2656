package sqlite

import (
	"errors"
	"fmt"
	"os"
)

// disk syncs the write-ahead log after a commit, outside the file's lock: while
// one process waits for the disk another writes its next group. SQLite's own
// sync (synchronous=FULL) holds the lock as long as it takes.
//
// A commit is in the log before it is on the disk, so somebody else may read
// what is not acknowledged yet; whatever they write on top of it comes after it
// in the log, and is on the disk only when it is. SQLite itself still syncs the
// log before it copies pages out of it, and the file before it begins the log
// anew (synchronous=NORMAL).
type disk struct {
	log    *os.File
	flush  func() error
	failed error
}

// errDisk: what was written may not be on the disk, and a second sync would not
// tell.
var errDisk = errors.New("sqlite: the disk has failed; start again when it is mended")

func openDisk(path string) (*disk, error) {
	f, err := os.OpenFile(path+"-wal", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return &disk{log: f, flush: f.Sync}, nil
}

// sync waits until all that was written to the log is on the disk. After a
// failure it never succeeds again.
func (d *disk) sync() error {
	if d.failed == nil {
		if err := d.flush(); err != nil {
			d.failed = fmt.Errorf("%w: %w", errDisk, err)
		}
	}
	return d.failed
}

func (d *disk) close() error { return d.log.Close() }
