package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// run runs statements on a file, as another program would.
func run(t *testing.T, path string, statements ...string) {
	t.Helper()
	c, err := dial(path, "rw", "busy_timeout(10000)")
	ok(t, err)
	defer c.close()
	for _, s := range statements {
		ok(t, c.script(s))
	}
}

func TestARowThatCanNotBeWrittenFailsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := openAt(t, path, noteKinds)
	run(t, path, `CREATE TRIGGER bad BEFORE INSERT ON "doc:note" WHEN NEW.id LIKE '%7' BEGIN SELECT RAISE(ABORT, 'bad row'); END`)
	c := store.In[note](s, noteKinds[0])
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			err := c.Insert(t.Context(), id, note{Person: "p", Key: id, Second: "1"}, halsocoach.Event{ID: id})
			if bad := strings.HasSuffix(id, "7"); bad != (err != nil) {
				t.Errorf("save %s: %v", id, err)
			}
		})
	}
	wg.Wait()
	n := 0
	if err := c.Each(t.Context(), func(string, note) error { n++; return nil }); err != nil || n != 270 {
		t.Errorf("%d documents, want 270 (%v)", n, err)
	}
	batches, err := s.Pending(t.Context(), 1000)
	if err != nil || len(batches) != 270 {
		t.Errorf("%d batches of events, want 270 (%v)", len(batches), err)
	}
}

func TestDataOfAnotherSchemaAreRefused(t *testing.T) {
	for version, want := range map[int]error{store.SchemaVersion + 1: store.ErrNewer, store.SchemaVersion - 1: store.ErrOlder} {
		path := filepath.Join(t.TempDir(), "data.db")
		s, err := Open(t.Context(), path, noteKinds, testLog(t))
		ok(t, err)
		var copied bytes.Buffer
		run(t, path, fmt.Sprintf(`PRAGMA user_version = %d`, version))
		ok(t, errors.Join(s.Backup(t.Context(), &copied), s.Close()))
		if _, err := Open(t.Context(), path, noteKinds, testLog(t)); !errors.Is(err, want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("open version %d: %v, want one line of %v", version, err, want)
		}
		if err := Restore(t.Context(), &copied, filepath.Join(t.TempDir(), "data.db")); !errors.Is(err, want) {
			t.Errorf("restore version %d: %v, want %v", version, err, want)
		}
	}
}

func TestAProgramWhoseIndexesWereReplacedStopsWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	old := openAt(t, path, noteKinds)
	c := store.In[note](old, noteKinds[0])
	ok(t, c.Insert(t.Context(), "a", note{Person: "p", Key: "k", Second: "1"}))
	kinds := []store.Kind{{Name: "note", Indexes: []store.Index{{Name: "person", Fields: []store.Field{store.T("person")}}}},
		{Name: "more", NoPerson: true}}
	openAt(t, path, kinds)
	if err := c.Insert(t.Context(), "b", note{Person: "p", Key: "l", Second: "1"}); !errors.Is(err, store.ErrNewer) {
		t.Errorf("save: %v, want ErrNewer", err)
	}
	if _, _, err := c.Find(t.Context(), store.Query{Index: "person", Equal: []any{"p"}}); err == nil {
		t.Error("a question by an index that is no more was answered")
	}
	if v, err := c.Get(t.Context(), "a"); err != nil || v.Key != "k" {
		t.Errorf("get: %v, %v", v, err)
	}
}

func TestAUniqueIndexIsNotDeclaredOverDuplicates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	plain := []store.Kind{{Name: "note", Indexes: []store.Index{{Name: "person", Fields: []store.Field{store.T("person")}}}}}
	s := openAt(t, path, plain)
	for _, id := range []string{"a", "b"} {
		ok(t, store.In[note](s, plain[0]).Insert(t.Context(), id, note{Person: "p", Key: "same"}))
	}
	if _, err := Open(t.Context(), path, noteKinds, testLog(t)); !store.Duplicate(err, "key") {
		t.Errorf("open: %v, want ErrDuplicate", err)
	}
	if _, _, err := store.In[note](s, plain[0]).Find(t.Context(), store.Query{Index: "person"}); err != nil {
		t.Errorf("after the refusal: %v", err)
	}
}

func TestOnlyTheOwnerMayReadTheFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	openAt(t, filepath.Join(dir, "data.db"), noteKinds)
	files, err := os.ReadDir(dir)
	ok(t, err)
	if len(files) < 3 {
		t.Errorf("%d files", len(files))
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestRestoreTouchesNothingThatIsThere(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "data.db"), noteKinds)
	var copied bytes.Buffer
	ok(t, s.Backup(t.Context(), &copied))
	if err := Restore(t.Context(), bytes.NewReader(copied.Bytes()), filepath.Join(dir, "data.db")); err == nil {
		t.Error("a running store was restored over")
	}
	half := copied.Bytes()[:copied.Len()/2]
	for what, bad := range map[string][]byte{"half": half, "none": nil, "other": []byte("not a database at all, but long enough to be one\n")} {
		if err := Restore(t.Context(), bytes.NewReader(bad), filepath.Join(dir, "restored.db")); err == nil {
			t.Errorf("a copy that is %s was restored", what)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	ok(t, err)
	for _, f := range files {
		if name := filepath.Base(f); !strings.HasPrefix(name, "data.db") {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s, err := Open(t.Context(), path, noteKinds, testLog(t))
	ok(t, err)
	c := store.In[note](s, noteKinds[0])
	var wg sync.WaitGroup
	var mu sync.Mutex
	saved := map[string]bool{}
	for i := range 200 {
		wg.Go(func() {
			id := fmt.Sprint(i)
			switch err := c.Insert(context.Background(), id, note{Person: "p", Key: id, Second: "1"}); {
			case err == nil:
				mu.Lock()
				saved[id] = true
				mu.Unlock()
			case !errors.Is(err, ErrClosed):
				t.Error(err)
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	for _, err := range []error{s.Ping(t.Context()), s.Close()} {
		if err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
	if _, err := c.Get(t.Context(), "1"); !errors.Is(err, ErrClosed) {
		t.Errorf("get after close: %v", err)
	}
	found := map[string]bool{}
	ok(t, store.In[note](openAt(t, path, noteKinds), noteKinds[0]).Each(t.Context(), func(id string, _ note) error { found[id] = true; return nil }))
	if !maps.Equal(found, saved) {
		t.Errorf("%d were acknowledged, %d are there", len(saved), len(found))
	}
}

func TestReadsWithoutAPauseDoNotMakeTheLogGrowForever(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s := openAt(t, path, noteKinds)
	const overgrown = 400 // pages of 4 kB
	s.writer.log.overgrown, s.writer.log.restartAt = overgrown, overgrown
	c := store.In[note](s, noteKinds[0])
	for i := range 50 {
		ok(t, c.Insert(t.Context(), fmt.Sprint(i), note{Person: "p", Key: fmt.Sprint(i), Second: "1"}))
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, _, err := c.Find(t.Context(), store.Query{Index: "person", Equal: []any{"p"}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	// Six times what the log may hold.
	var savers sync.WaitGroup
	for k := range 8 {
		savers.Go(func() {
			for i := range 15 {
				id := fmt.Sprint("more ", k, "/", i)
				if err := c.Insert(t.Context(), id, note{Person: id, Key: id, Filler: strings.Repeat("x", 20*4096), Second: "1"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	savers.Wait()
	info, err := os.Stat(path + "-wal")
	close(stop)
	wg.Wait()
	if err != nil || info.Size() > 4*overgrown*4096 {
		t.Errorf("the log has %d kB (%v)", info.Size()>>10, err)
	}
}

func TestScrubEmptiesTheLogUnlessSomebodyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	s, err := Open(t.Context(), path, []store.Kind{{Name: "thing", NoPerson: true}}, slog.New(slog.DiscardHandler), Shredded())
	ok(t, err)
	defer s.Close()
	save := func(id, body string) {
		t.Helper()
		if _, err := s.Save(t.Context(), "thing", store.Document{ID: id, Body: []byte(body)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	save("a", `{"secret":"4711"}`)
	reader, err := dial(path, "rw", "busy_timeout(1000)")
	ok(t, err)
	ok(t, reader.script(`BEGIN`))
	ok(t, reader.rows(func([]driver.Value) bool { return true }, `SELECT id FROM "doc:thing"`))
	docs, err := s.Get(t.Context(), "thing", "a")
	ok(t, err)
	ok(t, s.Delete(t.Context(), "thing", "a", docs[0].Version, nil))
	if err := s.Scrub(t.Context()); !errors.Is(err, halsocoach.ErrBusy) {
		t.Errorf("with a reader: %v", err)
	}
	save("b", `{}`) // writing goes on
	ok(t, errors.Join(reader.script(`COMMIT`), reader.close()))
	ok(t, s.Scrub(t.Context()))
	for _, name := range []string{path, path + "-wal"} {
		if body, _ := os.ReadFile(name); bytes.Contains(body, []byte("4711")) {
			t.Errorf("what was deleted lies in %s", filepath.Base(name))
		}
	}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() != 0 {
		t.Errorf("the log is not empty: %v", err)
	}
}

// TestAKilledBackupIsSweptAway: what it left holds everything, and must not
// outlive what is erased.
func TestAKilledBackupIsSweptAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	left, young := path+backupMark+"1", path+backupMark+"2"
	for _, dir := range []string{left, young} {
		ok(t, os.Mkdir(dir, 0o700))
		ok(t, os.WriteFile(filepath.Join(dir, "copy.db"), []byte("x"), 0o600))
	}
	old := time.Now().Add(-2 * backupTime)
	ok(t, os.Chtimes(left, old, old))
	openAt(t, path, nil)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("one that may be running is gone: %v", err)
	}
}
