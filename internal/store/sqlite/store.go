package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// ErrClosed is the answer of a store that has been closed.
var ErrClosed = errors.New("sqlite: the store is closed")

// Option is what a file may be opened with.
type Option func(*options)

type options struct{ shredded, unsynced bool }

// Shredded makes what is deleted or replaced disappear from the file too, by
// writing zeros over it; Scrub takes it out of the log. A file that was not kept
// so before is rewritten once. It is for keys: large stores get slower by it.
func Shredded() Option { return func(o *options) { o.shredded = true } }

// Unsynced leaves syncing to the one who opened the file: a power cut before that
// may leave nothing of use. It is for what is made anew in that case.
func Unsynced() Option { return func(o *options) { o.unsynced = true } }

// Store is one SQLite file. All methods are safe for concurrent use.
type Store struct {
	store.Turns
	path    string
	log     *slog.Logger
	tables  map[string]*table
	cursors *store.Cursors
	readers *readers
	writer  *writer
	saved   chan struct{}
}

var _ store.Store = (*Store)(nil)

// Open opens the file at path, and makes it and its tables when they are
// missing. Indexes that are declared otherwise than they were are rebuilt. A
// file of another schema is store.ErrNewer or store.ErrOlder.
func Open(ctx context.Context, path string, kinds []store.Kind, log *slog.Logger, opts ...Option) (*Store, error) {
	var o options
	for _, set := range opts {
		set(&o)
	}
	if err := store.CheckKinds(kinds); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if err := errors.Join(create(path), sweepBackups(path, time.Now())); err != nil {
		return nil, err
	}
	s := &Store{path: path, log: log, tables: map[string]*table{}, saved: make(chan struct{}, 1)}
	for _, k := range kinds {
		s.tables[k.Name] = newTable(k)
	}
	c, err := dialWriter(path, o)
	if err != nil {
		return nil, err
	}
	meta, err := prepare(c, s.tables, log)
	if err == nil && o.shredded {
		err = shred(c, log)
	}
	if err == nil {
		err = c.script(`PRAGMA busy_timeout = 0`) // from here on the writer waits in its own way
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	if s.cursors, err = store.NewCursors(meta.cursorKey); err != nil {
		return nil, errors.Join(err, c.close())
	}
	s.readers = newReaders(path, max(4, runtime.GOMAXPROCS(0)))
	s.writer = newWriter(c, s, meta.generation)
	return s, nil
}

// create makes the file with rights for its owner only; SQLite gives those of
// the file to the log beside it.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return f.Close()
}

// dialWriter opens the connection that writes. While another process makes the
// file, SQLite answers busy at once rather than wait.
func dialWriter(path string, o options) (*conn, error) {
	pragmas := []string{"busy_timeout(20000)", "journal_mode(wal)", "synchronous(full)",
		"cache_size(-4096)", "wal_autocheckpoint(0)", "journal_size_limit(67108864)"}
	if o.unsynced {
		pragmas = append(pragmas, "synchronous(off)")
	}
	if o.shredded {
		pragmas = append(pragmas, "secure_delete(on)", "temp_store(memory)")
	}
	for end := time.Now().Add(lockWait); ; time.Sleep(time.Millisecond) {
		c, err := dial(path, "rw", pragmas...)
		if !busy(err) || time.Now().After(end) {
			return c, err
		}
	}
}

func (s *Store) table(kind string) (*table, error) {
	t, ok := s.tables[kind]
	if !ok {
		return nil, fmt.Errorf("sqlite: the store was opened without the kind %q", kind)
	}
	return t, nil
}

// Save satisfies store.Store.
func (s *Store) Save(ctx context.Context, kind string, doc store.Document, events []halsocoach.Event) (string, error) {
	t, err := s.table(kind)
	if err != nil {
		return "", err
	}
	if doc.ID == "" {
		return "", fmt.Errorf("sqlite: a document of %s without an id", kind)
	}
	entries, err := t.schema.ExtractIndex(doc.Body)
	if err != nil {
		return "", err
	}
	o := &op{act: t.save, table: t, id: doc.ID, old: doc.Version, version: halsocoach.NewID(), body: doc.Body, entries: entries}
	o.index = t.encode(entries)
	if o.events, err = store.EncodeEvents(events); err != nil {
		return "", err
	}
	if err := s.writer.do(ctx, o); err != nil {
		return "", err
	}
	return o.version, nil
}

// Delete satisfies store.Store.
func (s *Store) Delete(ctx context.Context, kind, id, version string, events []halsocoach.Event) error {
	t, err := s.table(kind)
	if err != nil {
		return err
	}
	o := &op{act: t.remove, table: t, id: id, old: version, version: halsocoach.NewID()}
	if o.events, err = store.EncodeEvents(events); err != nil {
		return err
	}
	return s.writer.do(ctx, o)
}

// Saved satisfies store.Store.
func (s *Store) Saved() <-chan struct{} { return s.saved }

// Ping satisfies store.Store: it writes a row and waits for the commit.
func (s *Store) Ping(ctx context.Context) error {
	return s.writer.do(ctx, &op{act: func(c *conn, _ *op) error {
		_, err := c.exec(`INSERT INTO meta(name, value) VALUES('ping', randomblob(8)) ON CONFLICT(name) DO UPDATE SET value = excluded.value`)
		return err
	}})
}

// Close ends the writer when what is queued has been written, and then the
// readers.
func (s *Store) Close() error {
	err := s.writer.close()
	return errors.Join(s.readers.close(), err)
}
