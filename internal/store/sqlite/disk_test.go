package sqlite

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"halsocoach/internal/store"
)

// TestNobodyIsToldBeforeTheDiskHasIt holds one process's sync: its save is not
// answered, while another process's is.
func TestNobodyIsToldBeforeTheDiskHasIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	slow, other := openAt(t, path, noteKinds), openAt(t, path, noteKinds)
	syncing, goOn := make(chan struct{}), make(chan struct{})
	flush := slow.writer.disk.flush
	slow.writer.disk.flush = func() error {
		syncing <- struct{}{}
		<-goOn
		return flush()
	}
	told := make(chan error, 1)
	go func() {
		told <- store.In[note](slow, noteKinds[0]).Insert(t.Context(), "a", note{Person: "p", Key: "a", Second: "1"})
	}()
	<-syncing
	if err := store.In[note](other, noteKinds[0]).Insert(t.Context(), "b", note{Person: "p", Key: "b", Second: "1"}); err != nil {
		t.Fatalf("while one syncs nobody else can write: %v", err)
	}
	select {
	case err := <-told:
		t.Fatalf("told %v before the disk had it", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(goOn)
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	slow.writer.disk.flush = flush
}

// TestADiskThatHasFailedIsNotBelievedAgain: a sync that fails loses what was to
// be written, and the next one would say nothing of it.
func TestADiskThatHasFailedIsNotBelievedAgain(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "data.db"), noteKinds)
	flush := s.writer.disk.flush
	s.writer.disk.flush = func() error { return errors.New("input/output error") }
	c := store.In[note](s, noteKinds[0])
	if err := c.Insert(t.Context(), "a", note{Person: "p", Key: "a", Second: "1"}); !errors.Is(err, errDisk) {
		t.Fatalf("got %v", err)
	}
	s.writer.disk.flush = flush
	if err := c.Insert(t.Context(), "b", note{Person: "p", Key: "b", Second: "1"}); !errors.Is(err, errDisk) {
		t.Errorf("the next save: %v", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, errDisk) {
		t.Errorf("ready: %v", err)
	}
	if err := c.Insert(t.Context(), "a", note{}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("what is refused needs no disk: %v", err)
	}
}
