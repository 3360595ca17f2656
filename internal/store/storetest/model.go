package storetest

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"halsocoach"
	"halsocoach/internal/store"
)

// model is the simplest thing that keeps the promises, for one caller.
type model struct {
	prefix string // of ids, persons, centres, keys and tags of this round
	docs   map[string]thing
	vers   map[string]string
	events map[string][]string // per document, oldest first
	n      int
}

// key is what a document is found by, in the order of an index.
type key struct {
	n  int
	id string
}

func (m *model) duplicate(id string, v thing) bool {
	for other, d := range m.docs {
		if other != id && v.Key != "" && d.Key == v.Key {
			return true
		}
	}
	return false
}

// find is the answer by the index number or tag.
func (m *model) find(centre, tag string, from, before *int, back bool) []string {
	var keys []key
	for id, d := range m.docs {
		if d.N == nil || centre != "" && d.Centre != centre || tag != "" && !slices.Contains(d.Tags, tag) {
			continue
		}
		if from != nil && *d.N < *from || before != nil && *d.N >= *before {
			continue
		}
		keys = append(keys, key{*d.N, id})
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.n != b.n {
			return a.n - b.n
		}
		return strings.Compare(a.id, b.id)
	})
	if back {
		slices.Reverse(keys)
	}
	out := []string{}
	for _, k := range keys {
		out = append(out, k.id)
	}
	return out
}

// property runs random saves, deletes, questions and relays against the store
// and the model and compares them.
func property(t *testing.T, s store.Store) {
	checks := flag.Lookup("rapid.checks")
	if err := checks.Value.Set(strconv.Itoa(Count(20, 1000))); err != nil {
		t.Fatal(err)
	}
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		m := &model{prefix: fmt.Sprintf("å%d/", round), docs: map[string]thing{}, vers: map[string]string{}, events: map[string][]string{}}
		h := &house{TB: t, ctx: t.Context(), s: s, c: store.In[thing](s, things)}
		step := &stepper{m, h, r}
		step.drain() // what a round left that has failed
		r.Repeat(map[string]func(*rapid.T){
			"save":   func(r *rapid.T) { step.r = r; step.save() },
			"delete": func(r *rapid.T) { step.r = r; step.delete() },
			"find":   func(r *rapid.T) { step.r = r; step.find() },
			"relay":  func(r *rapid.T) { step.r = r; step.relay() },
			"":       func(r *rapid.T) { step.r = r; step.same() },
		})
		for len(m.events) > 0 {
			step.r = r
			step.relay()
		}
	})
}

// stepper takes one random step in both.
type stepper struct {
	*model
	h *house
	r *rapid.T
}

func (s *stepper) id() string {
	return s.prefix + rapid.SampledFrom([]string{"a", "b", "c", "ä", "ö🌿"}).Draw(s.r, "id")
}

// version is mostly the right one.
func (s *stepper) version(id string) string {
	return rapid.SampledFrom([]string{s.vers[id], s.vers[id], s.vers[id], "", "stale"}).Draw(s.r, "version")
}

func (s *stepper) thing() thing {
	// No value stands in two fields: the stand-in for MongoDB takes a subdocument
	// for unchanged when its values are the same under other names.
	some := func(what string) string {
		if n := rapid.IntRange(0, 3).Draw(s.r, what); n > 0 {
			return s.prefix + what + strconv.Itoa(n)
		}
		return ""
	}
	v := thing{Person: some("person"), Centre: some("centre"), Key: some("key")}
	if rapid.IntRange(0, 4).Draw(s.r, "numbered") > 0 {
		v.N = number(rapid.IntRange(-3, 3).Draw(s.r, "n"))
	}
	for range rapid.IntRange(0, 3).Draw(s.r, "tags") {
		v.Tags = append(v.Tags, some("tag"))
	}
	return v
}

// happen makes up to two events and notes them if the write succeeds.
func (s *stepper) happen(id string) (events []halsocoach.Event, note func()) {
	var ids []string
	for range rapid.IntRange(0, 2).Draw(s.r, "events") {
		s.n++
		ids = append(ids, fmt.Sprint(s.prefix, s.n))
		events = append(events, halsocoach.Event{ID: ids[len(ids)-1], Subject: id})
	}
	return events, func() {
		if len(ids) > 0 {
			s.events[id] = append(s.events[id], strings.Join(ids, " "))
		}
	}
}

func (s *stepper) save() {
	id, v := s.id(), s.thing()
	version := s.version(id)
	events, note := s.happen(id)
	got, err := s.h.s.Save(s.h.ctx, "thing", store.Document{ID: id, Version: version, Body: []byte(body(v))}, events)
	switch {
	case version != s.vers[id]:
		if !errors.Is(err, store.ErrConflict) {
			s.r.Fatalf("save %s on version %q: %v, want ErrConflict", id, version, err)
		}
	case s.duplicate(id, v):
		if !store.Duplicate(err, "key") {
			s.r.Fatalf("save %s with key %s: %v, want ErrDuplicate", id, v.Key, err)
		}
	case err != nil:
		s.r.Fatalf("save %s: %v", id, err)
	default:
		s.docs[id], s.vers[id] = v, got
		note()
	}
}

func (s *stepper) delete() {
	id := s.id()
	version := s.version(id)
	events, note := s.happen(id)
	err := s.h.s.Delete(s.h.ctx, "thing", id, version, events)
	if version != s.vers[id] || version == "" {
		if !errors.Is(err, store.ErrConflict) {
			s.r.Fatalf("delete %s of version %q: %v, want ErrConflict", id, version, err)
		}
		return
	}
	if err != nil {
		s.r.Fatalf("delete %s: %v", id, err)
	}
	delete(s.docs, id)
	delete(s.vers, id)
	note()
}

func (s *stepper) find() {
	bound := func(what string) *int {
		if rapid.Bool().Draw(s.r, "with "+what) {
			return number(rapid.IntRange(-4, 4).Draw(s.r, what))
		}
		return nil
	}
	from, before := bound("from"), bound("before")
	value := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(s.r, "value")
	centre, tag := s.prefix+"centre"+value, s.prefix+"tag"+value
	q := store.Query{Index: "number", Equal: []any{centre}, Back: rapid.Bool().Draw(s.r, "back"), Limit: rapid.IntRange(1, 6).Draw(s.r, "limit")}
	want := s.model.find(centre, "", from, before, q.Back)
	if rapid.Bool().Draw(s.r, "by tag") {
		q.Index, q.Equal, want = "tag", []any{tag}, s.model.find("", tag, from, before, q.Back)
	}
	if from != nil {
		q.From = *from
	}
	if before != nil {
		q.Before = *before
	}
	if got := s.h.all(q); !slices.Equal(got, want) {
		s.r.Fatalf("%+v: got %v, want %v", q, got, want)
	}
}

// drain takes all that waits.
func (s *stepper) drain() {
	for {
		batches, err := s.h.s.Pending(s.h.ctx, 100)
		if err == nil && len(batches) > 0 {
			err = s.h.s.Relayed(s.h.ctx, batches...)
		}
		if err != nil {
			s.r.Fatal(err)
		}
		if len(batches) == 0 {
			return
		}
	}
}

// relay takes some of what waits: each document's oldest.
func (s *stepper) relay() {
	batches, err := s.h.s.Pending(s.h.ctx, rapid.IntRange(1, 4).Draw(s.r, "batches"))
	if err != nil {
		s.r.Fatal(err)
	}
	if len(batches) == 0 && len(s.events) > 0 {
		s.r.Fatalf("nothing is pending, but %v is", s.events)
	}
	for _, b := range batches {
		var ids []string
		for _, e := range b.Events {
			ids = append(ids, e.ID)
		}
		id := b.Events[0].Subject
		if got := strings.Join(ids, " "); len(s.events[id]) == 0 || s.events[id][0] != got {
			s.r.Fatalf("pending of %s: %s, want the first of %q", id, got, s.events[id])
		}
		if s.events[id] = s.events[id][1:]; len(s.events[id]) == 0 {
			delete(s.events, id)
		}
	}
	if err := s.h.s.Relayed(s.h.ctx, batches...); err != nil {
		s.r.Fatal(err)
	}
}

// same compares every document.
func (s *stepper) same() {
	ids := []string{}
	for _, id := range []string{"a", "b", "c", "ä", "ö🌿"} {
		ids = append(ids, s.prefix+id)
	}
	docs, err := s.h.s.Get(s.h.ctx, "thing", ids...)
	if err != nil {
		s.r.Fatal(err)
	}
	if len(docs) != len(s.docs) {
		s.r.Fatalf("%d documents, want %d", len(docs), len(s.docs))
	}
	for _, d := range docs {
		if string(d.Body) != body(s.docs[d.ID]) || d.Version != s.vers[d.ID] {
			s.r.Fatalf("document %s: %s %s, want %s %s", d.ID, d.Version, d.Body, s.vers[d.ID], body(s.docs[d.ID]))
		}
	}
}
