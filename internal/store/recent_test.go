package store_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
)

type note struct {
	Person string    `json:"person"`
	Kinds  []string  `json:"kinds,omitempty"`
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
}

var notes = store.Kind{Name: "notes", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person"), store.D("at")}},
	{Name: "kind", Fields: []store.Field{store.M("kinds"), store.T("person")}},
}}

// watchedNotes are notes in a watched store, and the store that is watched.
func watchedNotes(t *testing.T) (*store.Watched, store.Store) {
	t.Helper()
	kinds := []store.Kind{notes}
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "data.db"), kinds, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return store.Watch(s, kinds), s
}

// page remembers what a question answers, and counts how often it was asked.
type page struct {
	t      *testing.T
	w      *store.Watched
	recent store.Recent[int]
	asked  int
}

func (p *page) show(ask func(context.Context, store.Collection[note]) ([]note, error)) (shown, asked int) {
	p.t.Helper()
	n, err := p.recent.Get(p.t.Context(), p.w, "page", func(ctx context.Context) (int, error) {
		p.asked++
		found, err := ask(ctx, store.In[note](p.w, notes))
		return len(found), err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return n, p.asked
}

func TestWhatThisProcessHasChangedIsAlwaysShown(t *testing.T) {
	w, _ := watchedNotes(t)
	in := store.In[note](w, notes)
	now := time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	set := func(id string, n note) {
		t.Helper()
		n.At = now
		_, err := in.Upsert(t.Context(), id, func(v *note) ([]halsocoach.Event, error) { *v = n; return nil, nil })
		must(err)
	}
	find := func(q store.Query) func(context.Context, store.Collection[note]) ([]note, error) {
		return func(ctx context.Context, c store.Collection[note]) ([]note, error) {
			found, _, err := c.Find(ctx, q)
			return found, err
		}
	}
	set("a", note{Person: "anna", Kinds: []string{"x", "y"}})
	for _, c := range []struct {
		name string
		ask  func(context.Context, store.Collection[note]) ([]note, error)
		want []int // at first, and after each of the changes
	}{
		{"by person", find(store.Query{Index: "person", Equal: []any{"anna"}}), []int{1, 1, 2, 1, 2, 1}},
		{"by person since", find(store.Query{Index: "person", Equal: []any{"anna"}, From: now.Add(-time.Hour)}), []int{1, 1, 2, 1, 2, 1}},
		{"by kind", find(store.Query{Index: "kind", Equal: []any{"y"}}), []int{1, 1, 1, 1, 2, 1}},
		{"all of an index", find(store.Query{Index: "person"}), []int{1, 2, 3, 3, 3, 2}},
		{"by id", func(ctx context.Context, c store.Collection[note]) ([]note, error) { return c.Many(ctx, "a", "c") }, []int{1, 1, 2, 2, 2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &page{t: t, w: w}
			shows := func(i int) {
				t.Helper()
				if n, _ := p.show(c.ask); n != c.want[i] {
					t.Errorf("shows %d after change %d, want %d", n, i, c.want[i])
				}
			}
			shows(0)
			if _, asked := p.show(c.ask); asked != 1 {
				t.Errorf("asked %d times while nothing changed", asked)
			}
			set("b", note{Person: "bo"})
			shows(1)
			set("c", note{Person: "anna"})
			shows(2)
			set("c", note{Person: "bo"}) // leaves anna
			shows(3)
			set("c", note{Person: "anna", Kinds: []string{"y"}})
			shows(4)
			must(in.Delete(t.Context(), "c", nil))
			shows(5)
			must(in.Delete(t.Context(), "b", nil))
		})
	}
}

func TestWhatOthersChangeIsShownSoon(t *testing.T) {
	w, other := watchedNotes(t)
	p := &page{t: t, w: w}
	ask := func(ctx context.Context, c store.Collection[note]) ([]note, error) { return c.Many(ctx, "a") }
	if n, _ := p.show(ask); n != 0 {
		t.Fatal(n)
	}
	if err := store.In[note](other, notes).Insert(t.Context(), "a", note{Person: "anna", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for n := 0; n != 1; time.Sleep(10 * time.Millisecond) { // at the latest when the test's time is up
		if n, _ = p.show(ask); t.Context().Err() != nil {
			t.Fatal("never")
		}
	}
}

func TestAFaultIsNotRemembered(t *testing.T) {
	w, _ := watchedNotes(t)
	var recent store.Recent[int]
	fault := errors.New("fault")
	for _, want := range []error{fault, nil} {
		_, err := recent.Get(t.Context(), w, "page", func(context.Context) (int, error) { return 1, want })
		if !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
}

func TestAStoreThatIsNotWatchedIsReadEachTime(t *testing.T) {
	_, s := watchedNotes(t)
	var recent store.Recent[int]
	asked := 0
	for range 2 {
		if _, err := recent.Get(t.Context(), s, "page", func(context.Context) (int, error) { asked++; return 1, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 {
		t.Fatalf("asked %d times", asked)
	}
}
