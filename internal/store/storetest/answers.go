package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach/internal/store"
)

// answers are the promises of Find and Each.
var answers = []named{
	{"FindGoesByEqualityAndThenARange", func(h *house) {
		for i := range 20 {
			h.put(fmt.Sprintf("%02d", i), thing{Centre: fmt.Sprint(i % 2), N: number(i), Person: "p", At: at(noon.Add(time.Duration(i) * time.Hour))})
		}
		h.is("equal", h.ids(store.Query{Index: "number", Equal: []any{"1", 3}}), []string{"03"})
		h.is("from is in, before is not", h.ids(store.Query{Index: "number", Equal: []any{"1"}, From: 3, Before: 9}), []string{"03", "05", "07"})
		h.is("from only", h.ids(store.Query{Index: "number", Equal: []any{"0"}, From: 15}), []string{"16", "18"})
		h.is("before only", h.ids(store.Query{Index: "number", Equal: []any{"0"}, Before: 3}), []string{"00", "02"})
		h.is("back", h.ids(store.Query{Index: "number", Equal: []any{"1"}, From: 3, Before: 9, Back: true}), []string{"07", "05", "03"})
		h.is("range of the first field", len(h.ids(store.Query{Index: "number", From: "1"})), 10)
		h.is("no limit given", len(h.ids(store.Query{Index: "person", Equal: []any{"p"}})), 20)
		empty, err := h.s.Find(h.ctx, "thing", store.Query{Index: "person", Equal: []any{"nobody"}})
		h.must(err)
		h.is("next of an empty page", empty.Next, "")
		h.is("empty range", h.ids(store.Query{Index: "number", Equal: []any{"1"}, From: 9, Before: 3}), []string{})
		h.is("times", h.ids(store.Query{Index: "time", Equal: []any{"1"}, From: noon.Add(17 * time.Hour)}), []string{"17", "19"})
		h.is("limit", h.ids(store.Query{Index: "number", Equal: []any{"1"}, Limit: 2, Back: true}), []string{"19", "17"})
		type centre string
		h.is("named text types", h.ids(store.Query{Index: "number", Equal: []any{centre("1"), 3}}), []string{"03"})
	}},
	{"TheOrderIsTheIndexAndThenTheId", func(h *house) {
		for _, id := range []string{"c", "a", "ö", "b", "B"} {
			h.put(id+"2", thing{Centre: "x", N: number(2)})
			h.put(id+"1", thing{Centre: "x", N: number(1)})
		}
		order := []string{"B1", "a1", "b1", "c1", "ö1", "B2", "a2", "b2", "c2", "ö2"}
		back := slices.Clone(order)
		slices.Reverse(back)
		for limit := range 4 {
			h.is("forth", h.all(store.Query{Index: "number", Equal: []any{"x"}, Limit: limit}), order)
			h.is("back", h.all(store.Query{Index: "number", Equal: []any{"x"}, Limit: limit, Back: true}), back)
			h.is("of the first field", h.all(store.Query{Index: "number", Limit: limit, Back: true}), back)
			h.is("equality of all", h.all(store.Query{Index: "number", Equal: []any{"x", 1}, Limit: limit}), order[:5])
			h.is("with a range", h.all(store.Query{Index: "number", Equal: []any{"x"}, From: 2, Limit: limit}), order[5:])
			h.is("with a range, back", h.all(store.Query{Index: "number", Equal: []any{"x"}, Before: 2, Limit: limit, Back: true}), back[5:])
		}
	}},
	{"ACursorContinuesWhileOthersWrite", func(h *house) {
		for i := range 30 {
			h.put(fmt.Sprintf("%02d", i), thing{Centre: "c", N: number(i / 3)})
		}
		q, got := store.Query{Index: "number", Equal: []any{"c"}, Limit: 4}, []string{}
		for {
			page, err := h.s.Find(h.ctx, "thing", q)
			h.must(err)
			got = append(got, idsOf(page.Documents)...)
			if page.Next == "" {
				break
			}
			q.After = page.Next
			last := page.Documents[len(page.Documents)-1]
			h.must(h.s.Delete(h.ctx, "thing", last.ID, last.Version, nil)) // the place it holds is gone
			h.put("00 new before "+last.ID, thing{Centre: "c", N: number(-1)})
		}
		h.is("documents", len(got), 30)
		if !slices.IsSorted(got) {
			h.Error("out of order:", got)
		}
		q.After, q.Limit = "", 3
		page, err := h.s.Find(h.ctx, "thing", q)
		h.must(err)
		q.After, q.From = page.Next, 9
		h.is("a cursor before the range", h.ids(q), []string{"28", "29"})
	}},
	{"ACursorIsSealed", func(h *house) {
		for _, kind := range []string{"thing", "other"} {
			for i := range 3 {
				_, err := h.s.Save(h.ctx, kind, store.Document{ID: fmt.Sprint("secret-id-", i), Body: []byte(`{"centre":"secret","n":1,"person":"p"}`)}, nil)
				h.must(err)
			}
		}
		q := store.Query{Index: "number", Equal: []any{"secret"}, Limit: 1}
		page, err := h.s.Find(h.ctx, "thing", q)
		h.must(err)
		next := page.Next
		if next == "" || strings.Contains(next, "secret") || strings.ContainsAny(next, "+/=&?#% ") {
			h.Errorf("cursor %q", next)
		}
		bent := []byte(next)
		bent[len(bent)/2] ^= 1
		for what, ask := range map[string]func() error{
			"another kind": func() error { q := q; q.After = next; _, err := h.s.Find(h.ctx, "other", q); return err },
			"another index": func() error {
				_, err := h.s.Find(h.ctx, "thing", store.Query{Index: "person", After: next})
				return err
			},
			"another equality": func() error {
				q := q
				q.Equal, q.After = []any{"public"}, next
				_, err := h.s.Find(h.ctx, "thing", q)
				return err
			},
			"fewer equal": func() error { q := q; q.Equal, q.After = nil, next; _, err := h.s.Find(h.ctx, "thing", q); return err },
			"bent":        func() error { q := q; q.After = string(bent); _, err := h.s.Find(h.ctx, "thing", q); return err },
			"cut":         func() error { q := q; q.After = next[:20]; _, err := h.s.Find(h.ctx, "thing", q); return err },
			"made up":     func() error { q := q; q.After = "x!"; _, err := h.s.Find(h.ctx, "thing", q); return err },
		} {
			if err := ask(); !errors.Is(err, store.ErrCursor) {
				h.Errorf("%s: %v, want ErrCursor", what, err)
			}
		}
		s := h.again(Kinds())
		q.After = next
		page, err = s.Find(h.ctx, "thing", q) // another process takes it too
		h.must(err)
		h.is("the second", idsOf(page.Documents), []string{"secret-id-1"})
	}},
	{"AQueryThatNoIndexServesFails", func(h *house) {
		for _, q := range []store.Query{
			{}, {Index: "no such"}, {Index: "person", Equal: []any{"p", "q"}}, {Index: "person", Equal: []any{"p"}, From: "x"},
			{Index: "person", Equal: []any{1}}, {Index: "person", Equal: []any{nil}}, {Index: "number", Equal: []any{"c", "1"}},
			{Index: "number", Equal: []any{"c"}, From: "1"}, {Index: "number", Equal: []any{"c"}, Before: noon}, {Index: "time", Equal: []any{"c"}, From: 5},
			{Index: "number", Equal: []any{"c", 1.0}},
		} {
			if _, err := h.s.Find(h.ctx, "thing", q); !errors.Is(err, store.ErrNoIndex) {
				h.Errorf("%+v: %v, want ErrNoIndex", q, err)
			}
		}
	}},
	{"EachGoesByIdOverEverything", func(h *house) {
		var want []string
		for i := range 300 { // more than one stretch
			id := fmt.Sprintf("%03d", (i*331)%300)
			h.save(id, "", body(thing{Text: id}))
			want = append(want, id)
		}
		slices.Sort(want)
		var got []string
		h.must(h.s.Each(h.ctx, "thing", func(d store.Document) error {
			got = append(got, d.ID)
			if string(d.Body) != body(thing{Text: d.ID}) || d.Version == "" {
				return fmt.Errorf("document %s is not whole", d.ID)
			}
			return nil
		}))
		h.is("ids", got, want)
		stop := errors.New("enough")
		n := 0
		err := h.s.Each(h.ctx, "thing", func(store.Document) error {
			if n++; n == 5 {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) || n != 5 {
			h.Errorf("stopped after %d: %v", n, err)
		}
	}},
	{"FindCostDoesNotGrowWithTheCollection", func(h *house) {
		asking, told := h.s.(Asking)
		few, many, rounds := 1000, Count(5_000, 100_000), 400
		if told {
			few, many, rounds = 200, 1000, 20
		}
		fill(h, "other", few)
		fill(h, "thing", many)
		cost := func(kind string, i int) float64 {
			q := store.Query{Index: "number", Equal: []any{fmt.Sprint("c", i%40)}, From: 1, Limit: 4}
			start, before := time.Now(), 0.0
			if told {
				before = asking.Asked()
			}
			page, err := h.s.Find(h.ctx, kind, q)
			took := time.Since(start).Seconds() * 1e6
			if told {
				took = asking.Asked() - before
			}
			h.must(err)
			if len(page.Documents) != 4 {
				h.Fatalf("%d found", len(page.Documents))
			}
			return took
		}
		var small, large []float64
		for i := range rounds { // by turns, since the machine may be busy with other things
			small, large = append(small, cost("other", i)), append(large, cost("thing", i))
		}
		slices.Sort(small)
		slices.Sort(large)
		first, then := small[len(small)/2], large[len(large)/2]
		h.Logf("median find: %.0f over %d documents, %.0f over %d", first, few, then, many)
		if then >= 3*first {
			h.Errorf("find over %d documents costs %.0f, over %d only %.0f", many, then, few, first)
		}
	}},
}

// Asking is a handle that counts what its questions cost: pages looked at, or
// commands and bytes both ways. Only of a server that counts nothing is the time
// compared.
type Asking interface{ Asked() float64 }

// fill inserts n documents: 40 centres with ever higher numbers.
func fill(h *house, kind string, n int) {
	h.Helper()
	const savers = 64
	each(h, savers, func(k int) error {
		for i := k; i < n; i += savers {
			v := thing{Centre: fmt.Sprint("c", i%40), N: number(i / 40), Person: fmt.Sprint("p", i), Text: strings.Repeat("x", 300)}
			d := store.Document{ID: fmt.Sprintf("%x", uint32(i)*2654435761), Body: []byte(body(v))}
			if _, err := h.s.Save(h.ctx, kind, d, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
