package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"halsocoach"
	"halsocoach/internal/store"
)

type word struct {
	Of, Text string
}

var wordKind = store.Kind{Name: "words", NoPerson: true, Indexes: []store.Index{{Name: "of", Fields: []store.Field{store.T("Of"), store.T("Text")}}}}

// counting counts the documents that come with their bodies.
type counting struct {
	store.Store
	bodies int
}

func (c *counting) Find(ctx context.Context, kind string, q store.Query) (store.Page, error) {
	page, err := c.Store.Find(ctx, kind, q)
	c.count(page.Documents)
	return page, err
}

func (c *counting) Get(ctx context.Context, kind string, ids ...string) ([]store.Document, error) {
	docs, err := c.Store.Get(ctx, kind, ids...)
	c.count(docs)
	return docs, err
}

func (c *counting) count(docs []store.Document) {
	for _, d := range docs {
		if d.Body != nil {
			c.bodies++
		}
	}
}

// What is shared says what the collection says, through changes and beyond what it
// keeps, and reads no body twice that it keeps.
func TestSharedSaysWhatIsStored(t *testing.T) {
	s := openStore(t, wordKind)
	counted := &counting{Store: s}
	plain := store.In[word](s, wordKind)
	shared := store.In[word](counted, wordKind).Shared(40)
	same := func() {
		t.Helper()
		for _, q := range []store.Query{{Index: "of", Equal: []any{"a"}, Limit: 7}, {Index: "of", Equal: []any{"a"}, Back: true}, {Index: "of", Equal: []any{"none"}}} {
			want, next, err := plain.Find(t.Context(), q)
			ok(t, err)
			got, more, err := shared.Find(t.Context(), q)
			ok(t, err)
			if !slices.Equal(want, got) || (next == "") != (more == "") {
				t.Fatalf("%v: %v, want %v", q, got, want)
			}
		}
		ids := []string{"3", "none", "1", "3"}
		want, err := plain.Many(t.Context(), ids...)
		ok(t, err)
		got, err := shared.Many(t.Context(), ids...)
		ok(t, err)
		if !slices.Equal(want, got) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	for i := range 15 {
		ok(t, plain.Insert(t.Context(), fmt.Sprint(i), word{"a", fmt.Sprintf("%02d", i)}))
	}
	same()
	counted.bodies = 0
	if same(); counted.bodies != 0 {
		t.Fatalf("%d bodies were read again", counted.bodies)
	}
	_, err := plain.Update(t.Context(), "3", func(w *word) ([]halsocoach.Event, error) { w.Text = "new"; return nil, nil })
	ok(t, err)
	same()
	ok(t, plain.Delete(t.Context(), "1", nil))
	same()
	for i := range 100 { // more than is kept
		ok(t, plain.Insert(t.Context(), fmt.Sprintf("m%d", i), word{"a", fmt.Sprintf("m%02d", i)}))
	}
	same()
	same()
}

// A document that can not be read ends the reading with its fault, also when there are
// more pages.
func TestAllEndsWithAFault(t *testing.T) {
	s := openStore(t, wordKind)
	for i := range 4 {
		_, err := s.Save(t.Context(), "words", store.Document{ID: fmt.Sprint(i), Body: fmt.Appendf(nil, `{"Of":"a","Text":"%d","N":%d}`, i, i)}, nil)
		ok(t, err)
	}
	docs := store.In[struct {
		Of string
		N  bool
	}](s, wordKind)
	faults := 0
	for _, err := range docs.All(t.Context(), store.Query{Index: "of", Equal: []any{"a"}, Limit: 2}) {
		if err == nil {
			t.Fatal("a number was read as a yes or no")
		}
		faults++
	}
	if faults != 1 {
		t.Fatalf("%d faults", faults)
	}
}
