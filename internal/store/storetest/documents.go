package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"halsocoach"
	"halsocoach/internal/store"
)

// documents are the promises about one document.
var documents = []named{
	{"ADocumentIsTheSameBytes", func(h *house) {
		for i, body := range []string{
			`{"b":1,  "a":[ ] ,"text":"Åsa, Örjan och Änglamark 🌿👩‍👧\u00e5\u0000"}`,
			"{\"text\":\"\x7f \u2028\",\"n\":\t9007199254740993}",
			`{}`, `[1,2,3]`, `"bara text"`, `null`,
		} {
			id := fmt.Sprintf("å%d🌿", i)
			h.save(id, "", body)
			h.is("body", string(h.get(id).Body), body)
		}
	}},
	{"ADocumentOfTwoMegabytesIsKept", func(h *house) {
		long := body(thing{Person: "p", Text: strings.Repeat("lång å ", 2<<20/8)})
		v := h.save("long", "", long)
		h.save("long", v, long[:len(long)-2]+`!"}`)
		h.is("length", len(h.get("long").Body), len(long)+1)
		h.is("found", h.ids(store.Query{Index: "person", Equal: []any{"p"}}), []string{"long"})
	}},
	{"WhatIsNotJSONIsRefused", func(h *house) {
		for _, body := range []string{``, `{`, `{"a":1}x`, `åäö`} {
			if err := h.trySave("bad", "", body, happened("e")); err == nil {
				h.Errorf("%q was saved", body)
			}
		}
		if err := h.trySave("", "", `{}`); err == nil {
			h.Error("a document without an id was saved")
		}
		h.is("pending", h.pending(), []string{})
	}},
	{"WhatWasSavedIsReadAtOnce", func(h *house) {
		for i := range 50 {
			id := fmt.Sprint(i)
			h.save(id, "", `{"person":"p"}`)
			h.get(id)
		}
		h.is("found", len(h.ids(store.Query{Index: "person", Equal: []any{"p"}, Limit: 1000})), 50)
	}},
	{"SaveNeedsTheVersionThatWasRead", func(h *house) {
		conflict := func(what string, err error) {
			h.Helper()
			if !errors.Is(err, store.ErrConflict) {
				h.Errorf("%s: %v, want ErrConflict", what, err)
			}
		}
		v1 := h.save("a", "", `1`)
		conflict("insert of what exists", h.trySave("a", "", `2`))
		v2 := h.save("a", v1, `3`)
		conflict("stale version", h.trySave("a", v1, `4`))
		conflict("made-up version", h.trySave("a", v2+"x", `5`))
		conflict("version of what does not exist", h.trySave("b", v2, `6`))
		d := h.get("a")
		h.is("body", string(d.Body), `3`)
		h.is("version", d.Version, v2)
	}},
	{"SaveWritesDocumentAndEventsOrNothing", func(h *house) {
		h.save("a", "", `{"key":"k"}`, happened("1"))
		v := h.save("b", "", `{}`, happened("2"))
		for _, err := range []error{
			h.trySave("a", "", `{}`, happened("conflict")),
			h.trySave("c", "", `{"key":"k"}`, happened("duplicate")),
			h.trySave("b", v, `{"key":"k","person":"p"}`, happened("duplicate")),
			h.trySave("d", "", `{"n":"not a number","centre":"c"}`, happened("not to be indexed")),
			h.s.Delete(h.ctx, "thing", "a", v, []halsocoach.Event{happened("conflict")}),
		} {
			if err == nil {
				h.Error("a save that had to be refused was not")
			}
		}
		h.is("pending", h.pending(), []string{"1", "2"})
		docs, err := h.s.Get(h.ctx, "thing", "c", "d")
		h.must(err)
		h.is("documents", len(docs), 0)
		h.is("in the index", h.ids(store.Query{Index: "person", Equal: []any{"p"}}), []string{})
		h.is("body", string(h.get("b").Body), `{}`)
	}},
	{"AVersionIsNeverUsedAgain", func(h *house) {
		seen := map[string]bool{}
		for i := range 50 {
			v1 := h.save("a", "", `{}`)
			v2 := h.save("a", v1, `{}`)
			if seen[v1] || seen[v2] || v1 == v2 || v1 == "" {
				h.Fatalf("round %d: a version came again", i)
			}
			seen[v1], seen[v2] = true, true
			h.must(h.s.Delete(h.ctx, "thing", "a", v2, nil))
			if err := h.trySave("a", v2, `{}`); !errors.Is(err, store.ErrConflict) {
				h.Fatalf("save on a deleted version: %v", err)
			}
		}
	}},
	{"DeleteNeedsTheVersionAndKeepsItsEvents", func(h *house) {
		v1 := h.save("a", "", `{"person":"p","key":"k","tags":["x","y"],"n":1}`, happened("1"))
		v2 := h.save("a", v1, `{"person":"p","key":"k","tags":["x","y"],"n":1}`)
		for _, v := range []string{"", v1} {
			if err := h.s.Delete(h.ctx, "thing", "a", v, []halsocoach.Event{happened("no")}); !errors.Is(err, store.ErrConflict) {
				h.Errorf("delete of version %q: %v", v, err)
			}
		}
		h.must(h.s.Delete(h.ctx, "thing", "a", v2, []halsocoach.Event{happened("2")}))
		if err := h.s.Delete(h.ctx, "thing", "a", v2, nil); !errors.Is(err, store.ErrConflict) {
			h.Errorf("second delete: %v", err)
		}
		_, err := h.c.Get(h.ctx, "a")
		if !errors.Is(err, store.ErrNotFound) {
			h.Errorf("get of a deleted document: %v", err)
		}
		h.is("by person", h.ids(store.Query{Index: "person", Equal: []any{"p"}}), []string{})
		h.is("by tag", h.ids(store.Query{Index: "tag", Equal: []any{"x"}}), []string{})
		h.save("b", "", `{"key":"k"}`) // the unique value is free again
		batches, err := h.s.Pending(h.ctx, 10)
		h.must(err)
		h.is("the oldest first", batches[0].Events[0].ID, "1")
		h.must(h.s.Relayed(h.ctx, batches[0]))
		h.is("then that of the delete", h.pending(), []string{"2"})
	}},
	{"GetTakesManyInTheirOrder", func(h *house) {
		var ids []string
		for i := range 100 {
			id := fmt.Sprintf("id-%03d", i)
			h.save(id, "", body(thing{Text: id}))
			ids = append(ids, id, "missing-"+id)
		}
		slices.Reverse(ids)
		docs, err := h.s.Get(h.ctx, "thing", ids...)
		h.must(err)
		h.is("documents", len(docs), 100)
		for i, d := range docs {
			h.is("order", d.ID, fmt.Sprintf("id-%03d", 99-i))
			h.is("body", string(d.Body), body(thing{Text: d.ID}))
		}
		docs, err = h.s.Get(h.ctx, "thing")
		h.must(err)
		h.is("none asked for", len(docs), 0)
	}},
	{"KindsAreApart", func(h *house) {
		_, err := h.s.Save(h.ctx, "other", store.Document{ID: "a", Body: []byte(`{"key":"k","person":"p"}`)}, nil)
		h.must(err)
		h.save("a", "", `{"key":"k","person":"q"}`)
		h.is("by person", h.ids(store.Query{Index: "person", Equal: []any{"p"}}), []string{})
		if _, err := h.s.Get(h.ctx, "unknown", "a"); err == nil {
			h.Error("a kind the store was not opened with was read")
		}
	}},
	{"AnEndedContextWritesNothing", func(h *house) {
		ctx, cancel := context.WithCancel(h.ctx)
		cancel()
		_, err := h.s.Save(ctx, "thing", store.Document{ID: "a", Body: []byte(`{}`)}, nil)
		if !errors.Is(err, context.Canceled) {
			h.Errorf("save: %v", err)
		}
		if _, err := h.s.Get(ctx, "thing", "a"); !errors.Is(err, context.Canceled) {
			h.Errorf("get: %v", err)
		}
		docs, err := h.s.Get(h.ctx, "thing", "a")
		h.must(err)
		h.is("documents", len(docs), 0)
	}},
	{"PingWritesAndAnswers", func(h *house) { h.must(h.s.Ping(h.ctx)) }},
}
