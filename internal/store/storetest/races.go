package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"halsocoach"
	"halsocoach/internal/store"
)

// each runs f for 0..n-1 at once and fails the test on the first errors.
func each(h *house, n int, f func(i int) error) {
	h.Helper()
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	h.must(errors.Join(errs...))
}

var errFull = halsocoach.Conflict("full", "Fullt.")

// races are the promises about many at once.
var races = []named{
	{"OfManyConcurrentSavesExactlyOneWins", func(h *house) {
		for round := range Count(4, 100) {
			id := fmt.Sprint(round)
			version := ""
			if round%2 == 1 {
				version = h.save(id, "", `0`)
			}
			var won atomic.Int32
			var winner atomic.Value
			each(h, 50, func(i int) error {
				text := fmt.Sprintf(`{"text":"%d"}`, i)
				switch err := h.trySave(id, version, text, happened(fmt.Sprint(round))); {
				case err == nil:
					won.Add(1)
					winner.Store(text)
				case !errors.Is(err, store.ErrConflict):
					return err
				}
				return nil
			})
			h.is("winners", won.Load(), 1)
			h.is("what is stored", string(h.get(id).Body), winner.Load())
		}
		h.is("events", len(h.pending()), Count(4, 100))
	}},
	{"EightHundredIncrementsLandAtEightHundred", func(h *house) {
		c := store.In[struct{ N int }](h.s, counters)
		each(h, 100, func(int) error {
			for range 8 {
				if _, err := c.Upsert(h.ctx, "all", func(v *struct{ N int }) ([]halsocoach.Event, error) {
					if v.N++; v.N%10 > 0 {
						return nil, nil
					}
					return []halsocoach.Event{happened(fmt.Sprint(v.N))}, nil
				}); err != nil {
					return err
				}
			}
			return nil
		})
		v, err := c.Get(h.ctx, "all")
		h.must(err)
		h.is("count", v.N, 800)
		got := drain(h, h.s)
		h.is("events", len(got), 80)
		for i, e := range got {
			if e.ID != fmt.Sprint(10*(i+1)) {
				h.Fatalf("event %d is %s", i+1, e.ID)
			}
		}
	}},
	{"TenSeatsGoToTenOfAHundred", func(h *house) {
		for round := range Count(2, 20) {
			id := fmt.Sprint("occasion", round)
			h.put(id, thing{Centre: "c", At: at(noon)})
			var got, full atomic.Int32
			each(h, 100, func(i int) error {
				_, err := h.c.Update(h.ctx, id, func(v *thing) ([]halsocoach.Event, error) {
					if len(v.Places) >= 10 {
						return nil, errFull
					}
					v.Places = append(v.Places, place{fmt.Sprint("person", i)})
					return []halsocoach.Event{happened(fmt.Sprint(id, "/", i))}, nil
				})
				switch {
				case err == nil:
					got.Add(1)
				case errors.Is(err, errFull):
					full.Add(1)
				default:
					return err
				}
				return nil
			})
			h.is("seated", got.Load(), 10)
			h.is("full", full.Load(), 90)
			v, err := h.c.Get(h.ctx, id)
			h.must(err)
			h.is("places", len(v.Places), 10)
			for _, p := range v.Places {
				h.is("by person", slices.Contains(h.ids(store.Query{Index: "place", Equal: []any{"c", p.Person}}), id), true)
			}
			h.is("events", len(drain(h, h.s)), 10)
		}
	}},
	{"AUniqueIndexUnderRaceHasOneWinner", func(h *house) {
		for round := range Count(4, 100) {
			var won atomic.Int32
			each(h, 50, func(i int) error {
				err := h.trySave(fmt.Sprint(round, "/", i), "", fmt.Sprintf(`{"key":"k%d"}`, round))
				if err == nil {
					won.Add(1)
				} else if !store.Duplicate(err, "key") {
					return err
				}
				return nil
			})
			h.is("winners", won.Load(), 1)
			h.is("holders", len(h.ids(store.Query{Index: "key", Equal: []any{fmt.Sprint("k", round)}})), 1)
		}
	}},
	{"OneBadRowDoesNotFailItsBatch", func(h *house) {
		h.save("taken", "", `{"key":"taken"}`)
		var bad atomic.Int32
		n := Count(300, 10_000)
		each(h, 100, func(k int) error {
			for i := k; i < n; i += 100 {
				id := fmt.Sprint(i)
				var err error
				switch {
				case i%10 == 3:
					err = h.trySave("taken", "", `{}`)
				case i%10 == 5:
					err = h.trySave(id, "", `{"key":"taken"}`)
				case i%10 == 7:
					err = h.trySave(id, "", `{"person":7}`)
				default:
					if err := h.trySave(id, "", fmt.Sprintf(`{"key":"k%d","person":"p"}`, i), happened(id)); err != nil {
						return err
					}
					continue
				}
				if err == nil {
					return fmt.Errorf("bad row %d was saved", i)
				}
				bad.Add(1)
			}
			return nil
		})
		h.is("refused", bad.Load(), n*3/10)
		h.is("saved", len(h.all(store.Query{Index: "person", Equal: []any{"p"}, Limit: 1000})), n*7/10)
		h.is("events", len(drain(h, h.s)), n*7/10)
	}},
	{"EachComesOnceWhileOthersWrite", func(h *house) {
		const staying = 600
		for i := range staying {
			h.save(fmt.Sprintf("stays %04d", i), "", `{"n":0}`)
		}
		end := h.meanwhile(4, func(k, i int) error {
			// Comes and goes, and changes what stays.
			id := fmt.Sprintf("stays %04d passing %d", (i*37)%staying, k)
			v, err := h.s.Save(h.ctx, "thing", store.Document{ID: id, Body: []byte(`{}`)}, nil)
			if err == nil {
				err = h.s.Delete(h.ctx, "thing", id, v, nil)
			}
			if err == nil {
				_, err = h.c.Update(h.ctx, fmt.Sprintf("stays %04d", (i*53+k)%staying), func(v *thing) ([]halsocoach.Event, error) {
					v.N = number(i)
					return nil, nil
				})
			}
			return err
		})
		for range Count(3, 50) {
			last, stays := "", 0
			err := h.s.Each(h.ctx, "thing", func(d store.Document) error {
				if d.ID <= last {
					return fmt.Errorf("%q after %q", d.ID, last)
				}
				last = d.ID
				if len(d.ID) == len("stays 0000") {
					stays++
				}
				return nil
			})
			if err != nil {
				h.Error(err)
			}
			h.is("what stays", stays, staying)
		}
		end()
	}},
}
