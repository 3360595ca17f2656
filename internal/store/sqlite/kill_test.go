package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/storetest"
)

// The test binary runs itself as a process that saves, when these are set.
const (
	childPath = "HALSOCOACH_TEST_CHILD_STORE"
	childName = "HALSOCOACH_TEST_CHILD_NAME"
	childN    = "HALSOCOACH_TEST_CHILD_SAVES"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		if err := child(path, os.Getenv(childName)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// note is what the child saves. Both halves are the same, and the event tells
// of them too.
type note struct {
	Person string `json:"person"`
	Key    string `json:"key"`
	First  string `json:"first"`
	Filler string `json:"filler"`
	Second string `json:"second"`
}

var noteKinds = []store.Kind{{Name: "note", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person"), store.T("second")}},
	{Name: "key", Unique: true, Fields: []store.Field{store.T("key")}},
}}}

// child saves from twenty goroutines and prints each id once it is
// acknowledged: forever, or as many as it is told.
func child(path, name string) error {
	ctx := context.Background()
	s, err := Open(ctx, path, noteKinds, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	saves := 0
	if _, err := fmt.Sscan(os.Getenv(childN), &saves); err != nil {
		saves = 1 << 40
	}
	c := store.In[note](s, noteKinds[0])
	out := make(chan string, 100)
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for k := range 20 {
		wg.Go(func() {
			for i := k; i < saves; i += 20 {
				id := fmt.Sprintf("%s/%d", name, i)
				if errs[k] = save(ctx, c, id); errs[k] != nil {
					return
				}
				out <- id
			}
		})
	}
	go func() {
		wg.Wait()
		close(out)
	}()
	for id := range out {
		if _, err := os.Stdout.WriteString(id + "\n"); err != nil {
			return err
		}
	}
	return errors.Join(append(errs, s.Close())...)
}

// save inserts a note, and every third is changed at once, so that the kill
// meets inserts and updates.
func save(ctx context.Context, c store.Collection[note], id string) error {
	n := note{Person: "p", Key: id, First: "1", Filler: strings.Repeat("x", 100+rand.IntN(5000)), Second: "1"}
	if err := c.Insert(ctx, id, n, halsocoach.Event{ID: id + "#1", Subject: id}); err != nil {
		return err
	}
	if rand.IntN(3) > 0 {
		return nil
	}
	_, err := c.Update(ctx, id, func(n *note) ([]halsocoach.Event, error) {
		n.First, n.Second, n.Filler = "2", "2", strings.Repeat("y", rand.IntN(20000))
		return []halsocoach.Event{{ID: id + "#2", Subject: id}}, nil
	})
	return err
}

// spawn starts a child on the store at path.
func spawn(t *testing.T, path, name string, saves int) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childPath+"="+path, childName+"="+name)
	if saves > 0 {
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", childN, saves))
	}
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	return cmd, out
}

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	w := witness{acknowledged: map[string]bool{}, events: map[string]string{}}
	for round := range storetest.Count(5, 50) {
		cmd, out := spawn(t, path, fmt.Sprint("round", round), 0)
		lines, n := bufio.NewScanner(out), 0
		for n < 20 && lines.Scan() {
			w.acknowledged[lines.Text()] = true
			n++
		}
		if n < 20 {
			t.Fatalf("round %d: the child ended after %d saves: %v", round, n, cmd.Wait())
		}
		kill := time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		for lines.Scan() {
			w.acknowledged[lines.Text()] = true
			n++
		}
		kill.Stop()
		_ = cmd.Process.Kill()
		if err := cmd.Wait(); err == nil {
			t.Fatalf("round %d: the child was not killed", round)
		}
		t.Logf("round %d: killed after %d acknowledgements", round, n)
		w.check(t, path)
	}
}

// witness knows what was acknowledged, and the events that were relayed.
type witness struct {
	acknowledged map[string]bool
	events       map[string]string // by document, in their order
}

// check opens the store: everything acknowledged is there, documents, index
// entries and events belong together, and none is half.
func (w *witness) check(t *testing.T, path string) {
	t.Helper()
	s, err := Open(t.Context(), path, noteKinds, testLog(t))
	ok(t, err)
	defer s.Close()
	saved := map[string]note{}
	ok(t, store.In[note](s, noteKinds[0]).Each(t.Context(), func(id string, n note) error {
		if n.First != n.Second || n.Key != id {
			t.Errorf("document %s is half", id)
		}
		saved[id] = n
		return nil
	}))
	for id := range w.acknowledged {
		if _, ok := saved[id]; !ok {
			t.Errorf("%s was acknowledged and is missing", id)
		}
	}
	for _, index := range []string{"person", "key"} {
		if n := indexed(t, s, index); n != len(saved) {
			t.Errorf("index %s holds %d of %d documents", index, n, len(saved))
		}
	}
	w.relay(t, s)
	for id, n := range saved {
		if want := map[string]string{"1": "#1", "2": "#1#2"}[n.First]; w.events[id] != want {
			t.Errorf("document %s has the events %q, want %q", id, w.events[id], want)
		}
	}
	for id := range w.events {
		if _, ok := saved[id]; !ok {
			t.Errorf("an event without its document %s", id)
		}
	}
}

// indexed counts the documents of an index.
func indexed(t *testing.T, s *Store, index string) (n int) {
	t.Helper()
	for q := (store.Query{Index: index, Limit: 1000}); ; {
		page, err := s.Find(t.Context(), "note", q)
		ok(t, err)
		if n += len(page.Documents); page.Next == "" {
			return n
		}
		q.After = page.Next
	}
}

// relay takes the events that wait.
func (w *witness) relay(t *testing.T, s *Store) {
	t.Helper()
	for {
		batches, err := s.Pending(t.Context(), 1000)
		ok(t, err)
		if len(batches) == 0 {
			return
		}
		for _, b := range batches {
			for _, e := range b.Events {
				w.events[e.Subject] += e.ID[strings.LastIndex(e.ID, "#"):]
			}
		}
		ok(t, s.Relayed(t.Context(), batches...))
	}
}

func TestManyProcessesShareOneStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	w := witness{acknowledged: map[string]bool{}, events: map[string]string{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	processes, saves := 3, storetest.Count(500, 20_000)
	for p := range processes {
		cmd, out := spawn(t, path, fmt.Sprint("process", p), saves)
		wg.Go(func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				mu.Lock()
				w.acknowledged[lines.Text()] = true
				mu.Unlock()
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("process %d: %v", p, err)
			}
		})
	}
	wg.Wait()
	if got, want := len(w.acknowledged), processes*saves; got != want {
		t.Errorf("%d of %d saves were acknowledged", got, want)
	}
	w.check(t, path)
}
