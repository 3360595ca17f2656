package storetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// drain relays everything that waits and returns it in the order it came.
func drain(h *house, s store.Store) []halsocoach.Event {
	h.Helper()
	var out []halsocoach.Event
	for {
		batches, err := s.Pending(h.ctx, 100)
		h.must(err)
		if len(batches) == 0 {
			return out
		}
		for _, b := range batches {
			out = append(out, b.Events...)
		}
		h.must(s.Relayed(h.ctx, batches...))
	}
}

// outbox are the promises about events.
var outbox = []named{
	{"EventsComeBackWhole", func(h *house) {
		e := halsocoach.Happened("test.happened", noon.Add(123456789), "0684", "subject", map[string]any{"å": 1}).Counting(
			halsocoach.Count(halsocoach.CountChat, noon, "0684", false, map[string]string{halsocoach.DimChannel: "chatt"}),
			halsocoach.Count(halsocoach.CountEnded, noon, "0684", true, nil))
		h.save("a", "", `{}`, e, happened("second"))
		batches, err := h.s.Pending(h.ctx, 10)
		h.must(err)
		if len(batches) != 1 || len(batches[0].Events) != 2 {
			h.Fatalf("pending %+v", batches)
		}
		got := batches[0].Events[0]
		h.is("time", got.At.Equal(e.At), true)
		for what, pair := range map[string][2]any{"event": {e, got}, "facts": {e.Facts, got.Facts}} {
			want, err := json.Marshal(pair[0])
			h.must(err)
			have, err := json.Marshal(pair[1])
			h.must(err)
			h.is(what, string(have), string(want))
		}
	}},
	{"PendingGivesTheOldestBatchOfEachDocument", func(h *house) {
		v := map[string]string{}
		for i := range 3 {
			for _, id := range []string{"a", "b", "c"} {
				v[id] = h.save(id, v[id], fmt.Sprint(i), happened(fmt.Sprint(id, i)), happened(fmt.Sprint(id, i, "+")))
			}
		}
		h.save("quiet", "", `{}`)
		h.is("first", h.pending(), []string{"a0", "a0+", "b0", "b0+", "c0", "c0+"})
		batches, err := h.s.Pending(h.ctx, 2)
		h.must(err)
		h.is("limit", len(batches), 2)
		h.must(h.s.Relayed(h.ctx, batches[0]))
		h.is("then", h.pending()[0], "b0")
		h.is("events", len(drain(h, h.s)), 3*3*2-2)
		batches, err = h.s.Pending(h.ctx, 0)
		h.must(err)
		h.is("none asked for", len(batches), 0)
		h.must(h.s.Relayed(h.ctx))
	}},
	{"RelayedTwiceDoesNothing", func(h *house) {
		v := h.save("a", "", `1`, happened("1"))
		first, err := h.s.Pending(h.ctx, 10)
		h.must(err)
		h.must(h.s.Relayed(h.ctx, first...))
		h.must(h.s.Relayed(h.ctx, first...))
		v = h.save("a", v, `2`, happened("2"))
		h.must(h.s.Relayed(h.ctx, first...))
		h.is("pending", h.pending(), []string{"2"})
		h.must(h.s.Delete(h.ctx, "thing", "a", v, []halsocoach.Event{happened("3")}))
		h.must(h.s.Relayed(h.ctx, first...))
		h.is("all", len(drain(h, h.s)), 2)
	}},
	{"TwoRelaysKeepTheOrderOfADocument", func(h *house) {
		documents, saves := 20, Count(10, 200)
		r := &relays{seen: map[string]bool{}, order: map[string][]string{}, saving: make(chan struct{})}
		var running sync.WaitGroup
		for _, s := range []store.Store{h.s, h.again(Kinds())} {
			running.Go(func() {
				if err := r.run(h, s); err != nil {
					h.Error(err)
				}
			})
		}
		each(h, documents, func(i int) error { return comeAndGo(h, fmt.Sprint("doc", i), saves) })
		close(r.saving)
		running.Wait()
		for i := range documents {
			id := fmt.Sprint("doc", i)
			h.is("events of "+id, len(r.order[id]), saves)
			for n, e := range r.order[id] {
				if e != fmt.Sprintf("%s/%04d", id, n) {
					h.Fatalf("event %d of %s is %s", n, id, e)
				}
			}
		}
	}},
	{"SavedIsSignalledAfterSavesWithEvents", func(h *house) {
		v := h.save("a", "", `1`)
		select {
		case <-h.s.Saved():
			h.Error("signalled without events")
		case <-time.After(20 * time.Millisecond):
		}
		for i := range 3 {
			v = h.save("a", v, fmt.Sprint(i), happened(fmt.Sprint(i)))
		}
		select {
		case <-h.s.Saved():
		case <-time.After(10 * time.Second):
			h.Error("not signalled")
		}
		h.is("pending", h.pending(), []string{"0"})
		for len(h.s.Saved()) > 0 {
			<-h.s.Saved()
		}
		h.must(h.s.Delete(h.ctx, "thing", "a", v, []halsocoach.Event{happened("gone")}))
		select {
		case <-h.s.Saved():
		case <-time.After(10 * time.Second):
			h.Error("not signalled after a delete")
		}
	}},
}

// relays is what several relays have published, each event once, as a consumer
// sees it that drops repeats by their id.
type relays struct {
	mu     sync.Mutex
	seen   map[string]bool
	order  map[string][]string // by subject
	saving chan struct{}       // closed when nothing more is saved
}

// run relays until nothing more is saved and nothing waits.
func (r *relays) run(h *house, s store.Store) error {
	for {
		done := false
		select {
		case <-r.saving:
			done = true
		default:
		}
		batches, err := s.Pending(h.ctx, 7)
		if err != nil {
			return err
		}
		if len(batches) == 0 {
			if done {
				return nil
			}
			time.Sleep(time.Millisecond)
		}
		r.publish(batches)
		if err := s.Relayed(h.ctx, batches...); err != nil {
			return err
		}
	}
}

func (r *relays) publish(batches []store.Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range batches {
		for _, e := range b.Events {
			if !r.seen[e.ID] {
				r.seen[e.ID] = true
				r.order[e.Subject] = append(r.order[e.Subject], e.ID)
			}
		}
	}
}

// comeAndGo saves a document many times, and now and then deletes it so that
// its id comes again. Each write causes one event.
func comeAndGo(h *house, id string, times int) error {
	version := ""
	for n := range times {
		events := []halsocoach.Event{{ID: fmt.Sprintf("%s/%04d", id, n), Subject: id}}
		var err error
		if n%5 == 4 {
			err, version = h.s.Delete(h.ctx, "thing", id, version, events), ""
		} else {
			version, err = h.s.Save(h.ctx, "thing", store.Document{ID: id, Version: version, Body: []byte(`{}`)}, events)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
