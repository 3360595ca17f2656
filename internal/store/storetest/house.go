package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// thing is the document of the tests.
type thing struct {
	Person string     `json:"person,omitempty"`
	Centre string     `json:"centre,omitempty"`
	At     *time.Time `json:"at,omitempty"`
	N      *int       `json:"n,omitempty"`
	Key    string     `json:"key,omitempty"`
	Tags   []string   `json:"tags,omitempty"`
	Places []place    `json:"places,omitempty"`
	Text   string     `json:"text,omitempty"`
}

type place struct {
	Person string `json:"person,omitempty"`
}

// Kinds are those the suite opens its stores with.
func Kinds() []store.Kind {
	indexes := []store.Index{
		{Name: "person", Fields: []store.Field{store.T("person")}},
		{Name: "number", Fields: []store.Field{store.T("centre"), store.I("n")}},
		{Name: "time", Fields: []store.Field{store.T("centre"), store.D("at"), store.T("person")}},
		{Name: "key", Unique: true, Fields: []store.Field{store.T("key")}},
		{Name: "tag", Fields: []store.Field{store.M("tags"), store.I("n")}},
		{Name: "place", Fields: []store.Field{store.T("centre"), store.M("places.person"), store.D("at")}},
	}
	return []store.Kind{
		{Name: "thing", Indexes: indexes},
		{Name: "other", Indexes: indexes},
		{Name: "counter", NoPerson: true},
	}
}

var things, counters = Kinds()[0], Kinds()[2]

// house is a test with its store.
type house struct {
	testing.TB
	ctx  context.Context
	s    store.Store
	open Open
	c    store.Collection[thing]
}

func begin(t testing.TB, open Open, kinds []store.Kind) *house {
	s := open(t, kinds)
	return &house{TB: t, ctx: t.Context(), s: s, open: open, c: store.In[thing](s, things)}
}

// again opens the same database once more.
func (h *house) again(kinds []store.Kind) store.Store { return h.open(h.TB, kinds) }

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// is fails the test when got and want differ as they are printed.
func (h *house) is(what string, got, want any) {
	h.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		h.Errorf("%s: got %s, want %s", what, g, w)
	}
}

// save writes raw bytes and returns the version.
func (h *house) save(id, version, body string, events ...halsocoach.Event) string {
	h.Helper()
	v, err := h.s.Save(h.ctx, "thing", store.Document{ID: id, Version: version, Body: []byte(body)}, events)
	h.must(err)
	return v
}

// trySave writes raw bytes and returns the error.
func (h *house) trySave(id, version, body string, events ...halsocoach.Event) error {
	_, err := h.s.Save(h.ctx, "thing", store.Document{ID: id, Version: version, Body: []byte(body)}, events)
	return err
}

// get reads one document that must exist.
func (h *house) get(id string) store.Document {
	h.Helper()
	docs, err := h.s.Get(h.ctx, "thing", id)
	h.must(err)
	if len(docs) != 1 {
		h.Fatalf("get %s: %d documents", id, len(docs))
	}
	return docs[0]
}

// put inserts a typed document.
func (h *house) put(id string, v thing) {
	h.Helper()
	h.must(h.c.Insert(h.ctx, id, v))
}

// ids asks and returns the ids of one page.
func (h *house) ids(q store.Query) []string {
	h.Helper()
	page, err := h.s.Find(h.ctx, "thing", q)
	h.must(err)
	return idsOf(page.Documents)
}

// all asks page by page until the end.
func (h *house) all(q store.Query) []string {
	h.Helper()
	var out []string
	for range 10_000 {
		page, err := h.s.Find(h.ctx, "thing", q)
		h.must(err)
		out = append(out, idsOf(page.Documents)...)
		if page.Next == "" {
			return out
		}
		q.After = page.Next
	}
	h.Fatal("the pages have no end")
	return nil
}

// meanwhile has n callers run f again and again, each with its number and its
// round, until end is called.
func (h *house) meanwhile(n int, f func(k, i int) error) (end func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for k := range n {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := f(k, i); err != nil {
					h.Error(err)
					return
				}
			}
		})
	}
	return func() { close(stop); wg.Wait() }
}

func idsOf(docs []store.Document) []string {
	out := []string{}
	for _, d := range docs {
		out = append(out, d.ID)
	}
	return out
}

// pending is what waits, by the ids of the first events.
func (h *house) pending() []string {
	h.Helper()
	batches, err := h.s.Pending(h.ctx, 1000)
	h.must(err)
	out := []string{}
	for _, b := range batches {
		for _, e := range b.Events {
			out = append(out, e.ID)
		}
	}
	return out
}

func happened(id string) halsocoach.Event { return halsocoach.Event{ID: id, Type: "test.happened"} }

func number(n int) *int { return &n }

func at(t time.Time) *time.Time { return &t }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func body(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
