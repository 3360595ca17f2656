package storetest

import (
	"errors"
	"fmt"
	"time"

	"halsocoach/internal/store"
)

// indexes are the promises about what is in an index.
var indexes = []named{
	{"WhatLacksAFieldIsNotInTheIndex", func(h *house) {
		h.save("whole", "", `{"centre":"c","n":1,"at":"2026-11-23T12:00:00Z","person":"p","tags":["t"]}`)
		h.save("empty text", "", `{"centre":"c","n":2,"at":"2026-11-23T12:00:00Z","person":"","tags":[""]}`)
		for i, body := range []string{
			`{"n":1}`, `{"centre":null,"n":1}`, `{"centre":"c"}`, `{"centre":"c","n":null}`,
			`{"centre":"c","at":"2026-11-23T12:00:00Z"}`, `{"n":1,"tags":[]}`, `{"n":1,"tags":null}`,
			`{"n":1,"tags":[null]}`, `{"centre":[],"n":1}`, `{}`, `null`, `[]`,
		} {
			h.save(fmt.Sprint("lacking ", i), "", body)
		}
		h.is("number", h.ids(store.Query{Index: "number"}), []string{"whole", "empty text"})
		h.is("time", h.ids(store.Query{Index: "time"}), []string{"empty text", "whole"})
		h.is("person", h.ids(store.Query{Index: "person"}), []string{"empty text", "whole"})
		h.is("tag", h.ids(store.Query{Index: "tag", Equal: []any{"t"}}), []string{"whole"})
	}},
	{"AFieldOfAnotherTypeIsRefused", func(h *house) {
		for _, body := range []string{
			`{"person":1}`, `{"person":true}`, `{"person":{"id":"p"}}`, `{"centre":"c","n":"1"}`, `{"centre":"c","n":1.5}`,
			`{"person":["p","q"]}`, `{"tags":[1],"n":1}`, `{"centre":"c","person":"p","at":"i går"}`, `{"centre":"c","person":"p","at":5}`,
		} {
			if err := h.trySave("a", "", body); err == nil {
				h.Errorf("%s was saved", body)
			}
		}
	}},
	{"AnArrayFieldYieldsADocumentOnce", func(h *house) {
		h.put("a", thing{N: number(1), Tags: []string{"x", "y", "x"}})
		h.put("b", thing{N: number(2), Tags: []string{"y"}})
		h.put("c", thing{Centre: "c", At: at(noon), Places: []place{{"p"}, {}, {"q"}, {"p"}}})
		h.is("x", h.all(store.Query{Index: "tag", Equal: []any{"x"}, Limit: 1}), []string{"a"})
		h.is("y", h.all(store.Query{Index: "tag", Equal: []any{"y"}, Limit: 1}), []string{"a", "b"})
		h.is("p", h.all(store.Query{Index: "place", Equal: []any{"c", "p"}, Limit: 1}), []string{"c"})
		h.is("q", h.ids(store.Query{Index: "place", Equal: []any{"c", "q"}, From: noon}), []string{"c"})
		for _, q := range []store.Query{
			{Index: "tag"}, {Index: "tag", From: "x"}, {Index: "place", Equal: []any{"c"}}, {Index: "place", Equal: []any{"c"}, From: "p"},
		} {
			if _, err := h.s.Find(h.ctx, "thing", q); !errors.Is(err, store.ErrNoIndex) {
				h.Errorf("%+v: %v, want ErrNoIndex", q, err)
			}
		}
	}},
	{"AnIndexFollowsTheDocument", func(h *house) {
		v := h.save("a", "", body(thing{Person: "p", N: number(1), Centre: "c", Tags: []string{"x", "y"}, Key: "k"}))
		v = h.save("a", v, body(thing{Person: "q", N: number(2), Centre: "c", Tags: []string{"y", "z"}, Key: "l"}))
		h.is("person before", h.ids(store.Query{Index: "person", Equal: []any{"p"}}), []string{})
		h.is("person", h.ids(store.Query{Index: "person", Equal: []any{"q"}}), []string{"a"})
		h.is("tag before", h.ids(store.Query{Index: "tag", Equal: []any{"x"}}), []string{})
		h.is("tag", h.ids(store.Query{Index: "tag", Equal: []any{"y"}, From: 2}), []string{"a"})
		h.is("tag with the old number", h.ids(store.Query{Index: "tag", Equal: []any{"y"}, Before: 2}), []string{})
		h.is("key", h.ids(store.Query{Index: "key", Equal: []any{"l"}}), []string{"a"})
		h.save("a", v, `{}`)
		h.is("tag after", h.ids(store.Query{Index: "tag", Equal: []any{"z"}}), []string{})
		h.is("key after", h.ids(store.Query{Index: "key"}), []string{})
	}},
	{"AUniqueIndexNamesItself", func(h *house) {
		v := h.save("a", "", `{"key":"k"}`)
		w := h.save("b", "", `{"key":"l"}`)
		h.save("none", "", `{}`)
		h.save("null", "", `{"key":null}`)
		for what, err := range map[string]error{
			"insert": h.trySave("c", "", `{"key":"k"}`),
			"update": h.trySave("b", w, `{"key":"k"}`),
		} {
			var dup *store.ErrDuplicate
			if !errors.As(err, &dup) || dup.Kind != "thing" || !store.Duplicate(err, "key") || store.Duplicate(err, "person") {
				h.Errorf("%s: %v", what, err)
			}
		}
		if err := h.trySave("a", "", `{"key":"k"}`); !errors.Is(err, store.ErrConflict) {
			h.Errorf("the same document again: %v, want ErrConflict", err)
		}
		v = h.save("a", v, `{"key":"k","n":1}`) // keeps its own
		h.save("a", v, `{"key":"m"}`)
		h.save("b", w, `{"key":"k"}`)
		h.is("k", h.ids(store.Query{Index: "key", Equal: []any{"k"}}), []string{"b"})
		h.is("in order", h.ids(store.Query{Index: "key", From: "k"}), []string{"b", "a"})
	}},
	{"TimesAreCutToMillisecondsUTC", func(h *house) {
		zone := time.FixedZone("", 3600)
		h.put("early", thing{Centre: "c", Person: "p", At: at(noon.Add(999 * time.Microsecond))})
		h.put("same", thing{Centre: "c", Person: "p", At: at(noon.In(zone))})
		h.put("late", thing{Centre: "c", Person: "p", At: at(noon.Add(time.Millisecond))})
		h.put("before 1970", thing{Centre: "c", Person: "p", At: at(time.Date(1930, 1, 2, 3, 4, 5, 0, zone))})
		h.is("one millisecond", h.ids(store.Query{Index: "time", Equal: []any{"c"}, From: noon, Before: noon.Add(time.Millisecond)}),
			[]string{"early", "same"})
		h.is("asked for in another zone", h.ids(store.Query{Index: "time", Equal: []any{"c", noon.In(zone)}}), []string{"early", "same"})
		h.is("all", h.ids(store.Query{Index: "time"}), []string{"before 1970", "early", "same", "late"})
	}},
	{"TextSortsByItsBytes", func(h *house) {
		for _, p := range []string{"b", "å", "a", "Z", "ä", "ö", "🌿", "a\u0000b", "a "} {
			h.put("id "+p, thing{Person: p})
		}
		h.is("order", h.ids(store.Query{Index: "person"}),
			[]string{"id Z", "id a", "id a\u0000b", "id a ", "id b", "id ä", "id å", "id ö", "id 🌿"})
		h.is("equal", h.ids(store.Query{Index: "person", Equal: []any{"å"}}), []string{"id å"})
		h.is("range", h.ids(store.Query{Index: "person", From: "a", Before: "b"}), []string{"id a", "id a\u0000b", "id a "})
	}},
	{"NumbersSortAsNumbers", func(h *house) {
		for _, n := range []int{10, 9, -1, 0, 1 << 62, -(1 << 62)} {
			h.put(fmt.Sprint(n), thing{Centre: "c", N: number(n)})
		}
		h.is("order", h.ids(store.Query{Index: "number", Equal: []any{"c"}}),
			[]string{fmt.Sprint(-(1 << 62)), "-1", "0", "9", "10", fmt.Sprint(1 << 62)})
		h.is("equal", h.ids(store.Query{Index: "number", Equal: []any{"c", int64(9)}}), []string{"9"})
	}},
	{"AnIndexDeclaredAnewIsRebuilt", func(h *house) {
		for i := range 300 {
			h.put(fmt.Sprintf("%03d", i), thing{Person: "p", Centre: fmt.Sprint(i % 3), N: number(i), Key: fmt.Sprint(i)})
		}
		kinds := []store.Kind{{Name: "thing", Indexes: []store.Index{
			{Name: "person", Fields: []store.Field{store.T("person"), store.I("n")}}, // another field
			{Name: "centre", Fields: []store.Field{store.T("centre"), store.T("key")}},
			{Name: "key", Unique: true, Fields: []store.Field{store.T("key")}}, // the same
		}}}
		h.s = h.again(kinds)
		h.is("another field", h.ids(store.Query{Index: "person", Equal: []any{"p"}, From: 297}), []string{"297", "298", "299"})
		h.is("new", h.ids(store.Query{Index: "centre", Equal: []any{"1"}, From: "97"}), []string{"097"})
		if _, err := h.s.Find(h.ctx, "thing", store.Query{Index: "tag", Equal: []any{"x"}}); !errors.Is(err, store.ErrNoIndex) {
			h.Errorf("an index that is declared no more: %v", err)
		}
		d := h.get("000")
		h.save("000", d.Version, body(thing{Person: "q", N: number(7), Key: "0"}))
		h.is("changed", h.ids(store.Query{Index: "person", Equal: []any{"q", 7}}), []string{"000"})
		h.is("changed", len(h.all(store.Query{Index: "person", Equal: []any{"p"}})), 299)
		if err := h.trySave("new", "", `{"key":"5"}`); !store.Duplicate(err, "key") {
			h.Errorf("the unique index that stayed: %v", err)
		}
	}},
}
