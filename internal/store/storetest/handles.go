package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"halsocoach"
	"halsocoach/internal/store"
)

// handles are the promises about several processes on one database.
var handles = []named{
	{"TwoHandlesSeeEachOther", func(h *house) {
		second := h.again(Kinds())
		v := h.save("a", "", `{"key":"k","person":"p"}`, happened("1"))
		docs, err := second.Get(h.ctx, "thing", "a")
		h.must(err)
		h.is("version", docs[0].Version, v)
		w, err := second.Save(h.ctx, "thing", store.Document{ID: "a", Version: v, Body: []byte(`{"person":"q"}`)}, []halsocoach.Event{happened("2")})
		h.must(err)
		if err := h.trySave("a", v, `{}`); !errors.Is(err, store.ErrConflict) {
			h.Errorf("save on what the other has replaced: %v", err)
		}
		h.is("by person", h.ids(store.Query{Index: "person", Equal: []any{"q"}}), []string{"a"})
		h.save("b", "", `{"key":"k"}`) // the other has freed it
		h.is("events", len(drain(h, second)), 2)
		h.is("left", h.pending(), []string{})
		h.must(second.Delete(h.ctx, "thing", "a", w, nil))
		docs, err = h.s.Get(h.ctx, "thing", "a")
		h.must(err)
		h.is("deleted by the other", len(docs), 0)
	}},
	{"TwoHandlesWriteTogether", func(h *house) {
		all := []store.Store{h.s, h.again(Kinds()), h.again(Kinds())}
		per := Count(10, 2000)
		var won atomic.Int32
		each(h, 30, func(k int) error {
			s := all[k%len(all)]
			c, count := store.In[thing](s, things), store.In[struct{ N int }](s, counters)
			for i := range per {
				if err := c.Insert(h.ctx, fmt.Sprint(k, "/", i), thing{Person: fmt.Sprint("p", k)}, happened(fmt.Sprint(k, "/", i))); err != nil {
					return err
				}
				if err := c.Insert(h.ctx, fmt.Sprint("race/", k, "/", i), thing{Key: fmt.Sprint(i)}); err == nil {
					won.Add(1)
				} else if !store.Duplicate(err, "key") {
					return err
				}
				if i%10 != 0 {
					continue
				}
				if _, err := count.Upsert(h.ctx, "n", func(v *struct{ N int }) ([]halsocoach.Event, error) { v.N++; return nil, nil }); err != nil {
					return err
				}
			}
			return nil
		})
		h.is("unique winners", won.Load(), per)
		v, err := store.In[struct{ N int }](h.s, counters).Get(h.ctx, "n")
		h.must(err)
		h.is("increments", v.N, 30*(per/10))
		for k := range 30 {
			h.is("of one saver", len(h.all(store.Query{Index: "person", Equal: []any{fmt.Sprint("p", k)}, Limit: 1000})), per)
		}
		h.is("events", len(drain(h, all[1])), 30*per)
	}},
	{"NobodyIsKeptFromWriting", func(h *house) {
		quiet := h.again(Kinds())
		var loud atomic.Int64
		end := h.meanwhile(50, func(k, i int) error {
			defer loud.Add(1)
			return h.c.Insert(h.ctx, fmt.Sprint(k, "/", i), thing{Text: strings.Repeat("x", 500)})
		})
		c := store.In[thing](quiet, things)
		start := loud.Load()
		n := Count(20, 500)
		for i := range n {
			if err := c.Insert(h.ctx, fmt.Sprint("quiet ", i), thing{}); err != nil {
				h.Error(err)
			}
		}
		between := loud.Load() - start
		end()
		// By turns a save of the quiet one waits for a group or two of the
		// loud one's 50 savers.
		h.Logf("%d saves of the loud one to %d of the quiet one", between, n)
		if between > int64(n)*50*10 {
			h.Errorf("the loud one saved %d times while the quiet one saved %d times", between, n)
		}
	}},
}

// backup checks that a copy taken in the middle of writes holds each document
// with its index entries and events, or none of them.
func backup(h *house, restore Restore) {
	for i := range 300 {
		h.must(h.c.Insert(h.ctx, fmt.Sprintf("old %d", i), thing{Person: "p", Key: fmt.Sprint("old ", i), Text: strings.Repeat("å", 500)}, happened(fmt.Sprintf("old %d", i))))
	}
	end := h.meanwhile(8, func(k, i int) error {
		id := fmt.Sprintf("new %d/%d", k, i)
		return h.c.Insert(h.ctx, id, thing{Person: "p", Key: id}, happened(id))
	})
	var copied bytes.Buffer
	err := h.s.Backup(h.ctx, &copied)
	end()
	h.must(err)

	s := restore(h.TB, Kinds(), &copied)
	old := &house{TB: h.TB, ctx: h.ctx, s: s, c: store.In[thing](s, things)}
	ids := map[string]bool{}
	h.must(s.Each(h.ctx, "thing", func(d store.Document) error { ids[d.ID] = true; return nil }))
	for i := range 300 {
		h.is("an old document", ids[fmt.Sprintf("old %d", i)], true)
	}
	h.is("by person", len(old.all(store.Query{Index: "person", Equal: []any{"p"}, Limit: 1000})), len(ids))
	h.is("by key", len(old.all(store.Query{Index: "key", Limit: 1000})), len(ids))
	events := drain(old, s)
	h.is("events", len(events), len(ids))
	for _, e := range events {
		h.is("the event's document", ids[e.ID], true)
	}
	if err := old.trySave("more", "", `{"key":"old 7"}`); !store.Duplicate(err, "key") {
		h.Errorf("a duplicate in the copy: %v", err)
	}
	old.save("more", "", `{}`)
}
