package event

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"halsocoach"
)

func TestEventReachesItsConsumerAsItWasWritten(t *testing.T) {
	b := embeddedBus(t)
	got := make(chan halsocoach.Event, 8)
	ok(t, b.Consume(t.Context(), "citizen.enrol", []string{"referral.accepted"}, func(_ context.Context, e halsocoach.Event) error {
		got <- e
		return nil
	}))
	want := happened("referral.accepted", 7)
	other := happened("referral.accepted_again", 8)
	county := halsocoach.Happened("referral.accepted", want.At, "nowhere", "x", nil)
	put(t, b, other, want, county)
	for _, w := range []halsocoach.Event{want, county} {
		e := <-got
		if e.ID != w.ID || e.Type != w.Type || !e.At.Equal(w.At) || e.Kommun != w.Kommun || e.Subject != w.Subject || !bytes.Equal(e.Data, w.Data) {
			t.Errorf("got %+v, want %+v", e, w)
		}
	}
	if len(got) > 0 {
		t.Errorf("an event of another type came: %+v", <-got)
	}
}

func TestBacklogFromBeforeTheConsumerWasBornArrives(t *testing.T) {
	dir := t.TempDir()
	b := openBus(t, "embedded:"+dir, quick)
	const n = 50
	for i := range n {
		put(t, b, happened("groups.published", i))
	}
	b.Close()
	b = openBus(t, "embedded:"+dir, quick)
	var s seen
	ok(t, b.Consume(t.Context(), "late", []string{"groups.published"}, s.take))
	eventually(t, "the whole backlog", func() bool { return s.distinct() == n })
	for i, subject := range strings.Fields(s.order()) {
		if subject != fmt.Sprintf("doc-%d", i) {
			t.Fatalf("out of order: %s", s.order())
		}
	}
}

func TestConsumerGoesOnWhereItWasAfterARestart(t *testing.T) {
	dir := t.TempDir()
	var s seen
	b := openBus(t, "embedded:"+dir, quick)
	ok(t, b.Consume(t.Context(), "keeps", []string{"chat.contact_made"}, s.take))
	put(t, b, happened("chat.contact_made", 1))
	eventually(t, "the first", func() bool { return s.distinct() == 1 })
	b.Close()
	b = openBus(t, "embedded:"+dir, quick)
	put(t, b, happened("chat.contact_made", 2))
	ok(t, b.Consume(t.Context(), "keeps", []string{"chat.contact_made"}, s.take))
	eventually(t, "the second", func() bool { return s.distinct() == 2 })
	if s.order() != "doc-1 doc-2" {
		t.Errorf("got %s", s.order())
	}
}

func TestFailedEventHoldsTheOrderUntilItSucceeds(t *testing.T) {
	b := embeddedBus(t)
	var s seen
	var tries atomic.Int32
	ok(t, b.Consume(t.Context(), "order", []string{"groups.published"}, func(_ context.Context, e halsocoach.Event) error {
		if e.Subject == "doc-1" && tries.Add(1) < 3 {
			if tries.Load() == 2 {
				panic("a handler may panic")
			}
			return errors.New("not yet")
		}
		s.add(e)
		return nil
	}))
	put(t, b, happened("groups.published", 0), happened("groups.published", 1), happened("groups.published", 2))
	eventually(t, "all three", func() bool { return s.distinct() == 3 })
	if s.order() != "doc-0 doc-1 doc-2" {
		t.Errorf("order is %s", s.order())
	}
}

func TestPoisonEventIsParkedAndBlocksNobody(t *testing.T) {
	var lines lockedBuffer
	b, err := open(t.Context(), "embedded:"+t.TempDir(), slog.New(slog.NewTextHandler(&lines, nil)), quick)
	ok(t, err)
	t.Cleanup(func() { b.Close() })
	var s seen
	var poisoned atomic.Bool
	poisoned.Store(true)
	ok(t, b.Consume(t.Context(), "poison", []string{"groups.published"}, func(_ context.Context, e halsocoach.Event) error {
		if e.Subject == "doc-0" && poisoned.Load() {
			return errors.New("can not be done")
		}
		s.add(e)
		return nil
	}))
	put(t, b, happened("groups.published", 0), happened("groups.published", 1), happened("groups.published", 2))
	eventually(t, "the two behind the poison", func() bool { return s.distinct() == 2 })
	if got := strings.Count(lines.String(), "event is parked"); got != 1 || !strings.Contains(lines.String(), "level=ERROR") {
		t.Errorf("%d error lines of parking:\n%s", got, lines.String())
	}
	poisoned.Store(false)
	eventually(t, "the parked one, once it can be done", func() bool { return s.distinct() == 3 })
	if s.order() != "doc-1 doc-2 doc-0" {
		t.Errorf("order is %s", s.order())
	}
}

func TestTwoNodesShareAConsumerInOrder(t *testing.T) {
	where := startServer(t)
	var s seen
	var at atomic.Int32
	for range 2 {
		b := openBus(t, where.url(), quick)
		ok(t, b.Consume(t.Context(), "shared", []string{"groups.published"}, func(_ context.Context, e halsocoach.Event) error {
			if at.Add(1) != 1 {
				t.Error("two nodes work on the consumer at one time")
			}
			s.add(e)
			at.Add(-1)
			return nil
		}))
	}
	b := openBus(t, where.url(), quick)
	var want []string
	for i := range 200 {
		put(t, b, happened("groups.published", i))
		want = append(want, fmt.Sprintf("doc-%d", i))
	}
	eventually(t, "all", func() bool { return s.distinct() == 200 })
	if s.order() != strings.Join(want, " ") {
		t.Errorf("order is %s", s.order())
	}
}

func TestEveryFactIsKeptAndReadFromTheStart(t *testing.T) {
	b := embeddedBus(t)
	ok(t, b.EachFact(t.Context(), func(halsocoach.Fact) error { return errors.New("there is none") }))
	want := map[string]bool{}
	at := time.Unix(1_700_000_000, 0)
	n := count(600, 20_000)
	for i := 0; i < n; i += 10 {
		e := happened("coach.talk_held", i)
		for range 10 {
			f := halsocoach.Count(halsocoach.CountFirstTalk, at, "0684", false, map[string]string{halsocoach.DimSource: "förening"})
			want[f.ID] = true
			e = e.Counting(f)
		}
		put(t, b, e)
	}
	read := func() map[string]bool {
		got := map[string]bool{}
		ok(t, b.EachFact(t.Context(), func(f halsocoach.Fact) error {
			if f.Kommun != "0684" || f.Day != halsocoach.DayOf(at) || f.Dims[halsocoach.DimSource] != "förening" {
				return fmt.Errorf("not the fact that was written: %+v", f)
			}
			got[f.ID] = true
			return nil
		}))
		return got
	}
	for range 2 {
		if got := read(); len(got) != len(want) {
			t.Fatalf("read %d facts of %d", len(got), len(want))
		}
	}
	var mu sync.Mutex
	got, biggest := map[string]bool{}, 0
	ok(t, b.ConsumeFacts(t.Context(), "counts", func(_ context.Context, facts []halsocoach.Fact) error {
		mu.Lock()
		defer mu.Unlock()
		biggest = max(biggest, len(facts))
		for _, f := range facts {
			got[f.ID] = true
		}
		return nil
	}))
	eventually(t, "all facts consumed", func() bool { mu.Lock(); defer mu.Unlock(); return len(got) == len(want) })
	if biggest < 100 {
		t.Errorf("the largest batch of %d facts held %d", n, biggest)
	}
}

func TestBadFactHoldsUpNoOther(t *testing.T) {
	b := embeddedBus(t)
	e := happened("coach.talk_held", 0)
	var bad string
	for i := range 20 {
		f := halsocoach.Count(halsocoach.CountFirstTalk, e.At, "0684", false, nil)
		if i == 7 {
			bad = f.ID
		}
		e = e.Counting(f)
	}
	put(t, b, e)
	var mu sync.Mutex
	got := map[string]bool{}
	ok(t, b.ConsumeFacts(t.Context(), "counts", func(_ context.Context, facts []halsocoach.Fact) error {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range facts {
			if f.ID == bad {
				return errors.New("bad fact")
			}
		}
		for _, f := range facts {
			got[f.ID] = true
		}
		return nil
	}))
	eventually(t, "the nineteen good ones", func() bool { mu.Lock(); defer mu.Unlock(); return len(got) == 19 })
}

func TestParkedEventIsTriedAgainAfterARestart(t *testing.T) {
	dir := t.TempDir()
	set := quick
	set.parked = []time.Duration{time.Second}
	b := openBus(t, "embedded:"+dir, set)
	ok(t, b.Consume(t.Context(), "poison", []string{"groups.published"}, func(context.Context, halsocoach.Event) error {
		return errors.New("can not be done")
	}))
	put(t, b, happened("groups.published", 0))
	eventually(t, "parked", func() bool {
		s, err := b.js.Stream(t.Context(), parkedStream)
		return err == nil && s.CachedInfo().State.Msgs == 1
	})
	b.Close()
	b = openBus(t, "embedded:"+dir, set)
	var s seen
	ok(t, b.Consume(t.Context(), "poison", []string{"groups.published"}, s.take))
	eventually(t, "done at last", func() bool { return s.order() == "doc-0" })
}

// TestHandlerThatHangsHoldsTheOthersOnce: a try that takes too long is the last.
func TestHandlerThatHangsHoldsTheOthersOnce(t *testing.T) {
	set := quick
	set.handle, set.parked = 50*time.Millisecond, []time.Duration{time.Hour}
	b := openBus(t, "embedded:"+t.TempDir(), set)
	var s seen
	var tries atomic.Int32
	ok(t, b.Consume(t.Context(), "hangs", []string{"groups.published"}, func(ctx context.Context, e halsocoach.Event) error {
		if e.Subject == "doc-0" {
			tries.Add(1)
			<-ctx.Done()
			return ctx.Err()
		}
		s.add(e)
		return nil
	}))
	put(t, b, happened("groups.published", 0), happened("groups.published", 1))
	eventually(t, "the one behind it", func() bool { return s.distinct() == 1 })
	if n := tries.Load(); n != 1 {
		t.Errorf("it was tried %d times", n)
	}
	if _, parked, err := b.Waiting(t.Context()); err != nil || parked != 1 {
		t.Errorf("%d parked, %v", parked, err)
	}
}

// TestOneBadEventHoldsTheOthersForSeconds: the waits of the real settings, added
// up. What is parked is tried again soon.
func TestOneBadEventHoldsTheOthersForSeconds(t *testing.T) {
	var held time.Duration
	for _, wait := range defaults.retries {
		held += wait
	}
	if held > 3*time.Second || defaults.handle > 20*time.Second || defaults.parked[0] > 10*time.Second {
		t.Errorf("it holds them for %v, or %v when it hangs, and is tried again after %v", held, defaults.handle, defaults.parked[0])
	}
}
