package storetest

import (
	"errors"
	"fmt"

	"halsocoach"
	"halsocoach/internal/store"
)

var errNo = errors.New("no")

// typed are the promises of Collection.
var typed = []named{
	{"UpdateRetriesWhenSomebodyWasFirst", func(h *house) {
		h.put("a", thing{N: number(1)})
		calls := 0
		v, err := h.c.Update(h.ctx, "a", func(v *thing) ([]halsocoach.Event, error) {
			if calls++; calls == 1 { // another process saves in between
				d := h.get("a")
				h.save("a", d.Version, `{"n":10,"text":"other"}`)
			}
			*v.N++
			return []halsocoach.Event{happened("e")}, nil
		})
		h.must(err)
		h.is("calls", calls, 2)
		h.is("answer", body(v), `{"n":11,"text":"other"}`)
		h.is("stored", string(h.get("a").Body), `{"n":11,"text":"other"}`)
		h.is("events", h.pending(), []string{"e"})
	}},
	{"UpdateThatChangesNothingWritesNothing", func(h *house) {
		h.put("a", thing{N: number(1)})
		before := h.get("a").Version
		v, err := h.c.Update(h.ctx, "a", func(*thing) ([]halsocoach.Event, error) { return nil, nil })
		h.must(err)
		h.is("answer", body(v), `{"n":1}`)
		h.is("version", h.get("a").Version, before)
		_, err = h.c.Update(h.ctx, "a", func(*thing) ([]halsocoach.Event, error) { return []halsocoach.Event{happened("e")}, nil })
		h.must(err)
		h.is("events", h.pending(), []string{"e"})
	}},
	{"AnErrorFromTheChangeSavesNothing", func(h *house) {
		h.put("a", thing{N: number(1)})
		for what, err := range map[string]error{
			"update": second(h.c.Update(h.ctx, "a", func(v *thing) ([]halsocoach.Event, error) { *v.N = 5; return []halsocoach.Event{happened("e")}, errNo })),
			"upsert": second(h.c.Upsert(h.ctx, "b", func(v *thing) ([]halsocoach.Event, error) { v.N = number(5); return nil, errNo })),
			"delete": h.c.Delete(h.ctx, "a", func(thing) ([]halsocoach.Event, error) { return []halsocoach.Event{happened("e")}, errNo }),
		} {
			if !errors.Is(err, errNo) {
				h.Errorf("%s: %v", what, err)
			}
		}
		h.is("stored", string(h.get("a").Body), `{"n":1}`)
		h.is("events", h.pending(), []string{})
		docs, err := h.c.Many(h.ctx, "a", "b")
		h.must(err)
		h.is("documents", len(docs), 1)
	}},
	{"ARequestThatComesTwiceInsertsOnce", func(h *house) {
		asked := 0
		ask := func(text string) (string, bool, error) {
			v, made, err := h.c.InsertOnce(h.ctx, "a", func(v thing) bool { return v.Text == text }, func() (thing, []halsocoach.Event, error) {
				asked++
				return thing{N: number(asked), Text: text}, []halsocoach.Event{happened("e")}, nil
			})
			return body(v), made, err
		}
		for _, first := range []bool{true, false} {
			v, made, err := ask("x")
			h.must(err)
			h.is("made", made, first)
			h.is("answer", v, `{"n":1,"text":"x"}`)
		}
		if _, _, err := ask("y"); !errors.Is(err, halsocoach.ErrKeyReused) {
			h.Errorf("the same key for another request: %v", err)
		}
		h.is("asked", asked, 1)
		h.is("events", h.pending(), []string{"e"})
		_, _, err := h.c.InsertOnce(h.ctx, "b", func(thing) bool { return true }, func() (thing, []halsocoach.Event, error) {
			h.put("b", thing{N: number(1)}) // the same request is first on another node
			return thing{N: number(2)}, []halsocoach.Event{happened("e")}, nil
		})
		h.must(err)
		h.is("stored", string(h.get("b").Body), `{"n":1}`)
		h.is("events", h.pending(), []string{"e"})
	}},
	{"UpdateOfWhatIsNotThereIsNotFound", func(h *house) {
		never := func(*thing) ([]halsocoach.Event, error) { h.Error("asked"); return nil, nil }
		if _, err := h.c.Update(h.ctx, "a", never); !errors.Is(err, store.ErrNotFound) || halsocoach.KindOf(err) != halsocoach.KindNotFound {
			h.Errorf("update: %v", err)
		}
		if err := h.c.Delete(h.ctx, "a", nil); !errors.Is(err, store.ErrNotFound) {
			h.Errorf("delete: %v", err)
		}
		if _, err := h.c.Get(h.ctx, "a"); !errors.Is(err, store.ErrNotFound) {
			h.Errorf("get: %v", err)
		}
	}},
	{"UpsertBeginsWithTheZeroValue", func(h *house) {
		add := func(v *thing) ([]halsocoach.Event, error) {
			if v.N == nil {
				v.N = number(0)
			}
			*v.N++
			return nil, nil
		}
		for i := range 3 {
			v, err := h.c.Upsert(h.ctx, "a", add)
			h.must(err)
			h.is("answer", *v.N, i+1)
		}
		_, err := h.c.Upsert(h.ctx, "empty", func(*thing) ([]halsocoach.Event, error) { return nil, nil })
		h.must(err)
		h.is("stored", string(h.get("empty").Body), `{}`)
	}},
	{"DeleteAsksItsCheckFirst", func(h *house) {
		h.put("a", thing{Text: "mine"})
		h.must(h.c.Delete(h.ctx, "a", func(v thing) ([]halsocoach.Event, error) {
			h.is("seen", v.Text, "mine")
			return []halsocoach.Event{happened("gone")}, nil
		}))
		h.is("events", h.pending(), []string{"gone"})
		h.put("a", thing{Text: "again"})
	}},
	{"OnlyTheVersionThatWasReadIsReplacedOrDeleted", func(h *house) {
		if _, _, err := h.c.GetVersion(h.ctx, "a"); !errors.Is(err, store.ErrNotFound) {
			h.Errorf("get: %v", err)
		}
		h.must(h.c.Replace(h.ctx, "a", "", thing{N: number(1)}))
		v, first, err := h.c.GetVersion(h.ctx, "a")
		h.must(err)
		h.is("read", body(v), `{"n":1}`)
		h.must(h.c.Replace(h.ctx, "a", first, thing{N: number(2)}, happened("replaced")))
		for what, err := range map[string]error{
			"insert":  h.c.Replace(h.ctx, "a", "", thing{N: number(3)}, happened("no")),
			"replace": h.c.Replace(h.ctx, "a", first, thing{N: number(3)}, happened("no")),
			"delete":  h.c.DeleteVersion(h.ctx, "a", first, happened("no")),
		} {
			if !errors.Is(err, store.ErrConflict) {
				h.Errorf("%s of an old version: %v", what, err)
			}
		}
		v, second, err := h.c.GetVersion(h.ctx, "a")
		h.must(err)
		h.is("read", body(v), `{"n":2}`)
		h.must(h.c.DeleteVersion(h.ctx, "a", second, happened("deleted")))
		if err := h.c.Replace(h.ctx, "a", second, v); !errors.Is(err, store.ErrConflict) {
			h.Errorf("replace of what is gone: %v", err)
		}
		var told []string
		for _, e := range drain(h, h.s) {
			told = append(told, e.ID)
		}
		h.is("events", told, []string{"replaced", "deleted"})
	}},
	{"OneFaultyChangeDoesNotFailTheOthers", func(h *house) {
		h.put("a", thing{N: number(0)})
		h.put("holder", thing{Key: "taken"})
		each(h, 60, func(i int) error {
			defer func() {
				if p := recover(); (p != nil) != (i%6 == 3) {
					h.Errorf("caller %d: panic %v", i, p)
				}
			}()
			_, err := h.c.Update(h.ctx, "a", func(v *thing) ([]halsocoach.Event, error) {
				*v.N++
				switch i % 6 {
				case 1:
					v.Tags = append(v.Tags, "half done")
					return nil, errNo
				case 2:
					v.Key = "taken"
				case 3:
					panic("a change that panics")
				}
				return []halsocoach.Event{happened(fmt.Sprint(i))}, nil
			})
			if want := i % 6; want == 1 && !errors.Is(err, errNo) || want == 2 && !store.Duplicate(err, "key") || want != 1 && want != 2 && err != nil {
				return fmt.Errorf("caller %d: %w", i, err)
			}
			return nil
		})
		h.is("stored", string(h.get("a").Body), `{"n":30}`)
		h.is("events", len(drain(h, h.s)), 30)
	}},
	{"ManyAndFindAreTyped", func(h *house) {
		for i := range 5 {
			h.put(fmt.Sprint(i), thing{Person: "p", N: number(i)})
		}
		many, err := h.c.Many(h.ctx, "4", "x", "0")
		h.must(err)
		h.is("many", body(many), `[{"person":"p","n":4},{"person":"p","n":0}]`)
		found, next, err := h.c.Find(h.ctx, store.Query{Index: "person", Equal: []any{"p"}, Limit: 2})
		h.must(err)
		h.is("found", body(found), `[{"person":"p","n":0},{"person":"p","n":1}]`)
		found, next, err = h.c.Find(h.ctx, store.Query{Index: "person", Equal: []any{"p"}, Limit: 3, After: next})
		h.must(err)
		h.is("then", body(found), `[{"person":"p","n":2},{"person":"p","n":3},{"person":"p","n":4}]`)
		h.is("next", next, "")
		n := 0
		h.must(h.c.Each(h.ctx, func(id string, v thing) error {
			h.is("each", fmt.Sprint(*v.N), id)
			n++
			return nil
		}))
		h.is("each", n, 5)
		if err := h.c.Insert(h.ctx, "0", thing{}); !errors.Is(err, store.ErrConflict) {
			h.Errorf("insert of what exists: %v", err)
		}
	}},
}

func second[T any](_ T, err error) error { return err }
