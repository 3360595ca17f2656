package event

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"halsocoach"
)

func counted(n int) halsocoach.Event {
	e := happened("groups.place_booked", n)
	return e.Counting(halsocoach.Count(halsocoach.CountChat, time.Unix(1_700_000_000, 0), "0684", false, map[string]string{halsocoach.DimChannel: fmt.Sprint(n)}))
}

func factsOf(t *testing.T, b *Bus) (channels []string) {
	t.Helper()
	ok(t, b.EachFact(t.Context(), func(f halsocoach.Fact) error {
		channels = append(channels, f.Dims[halsocoach.DimChannel])
		return nil
	}))
	return channels
}

// TestFactsAreCopiedOnceAlsoWhenStopped stops the copying half way, repeats it,
// and repeats it when all is there.
func TestFactsAreCopiedOnceAlsoWhenStopped(t *testing.T) {
	from, to := embeddedBus(t), embeddedBus(t)
	n := count(3*copyWave, 20_000)
	for i := range n {
		put(t, from, counted(i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := CopyFacts(ctx, from, to, func(done, _ int) {
		if done >= copyWave {
			cancel()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for range 2 {
		var last, total int
		ok(t, CopyFacts(t.Context(), from, to, func(d, all int) { last, total = d, all }))
		if last != n || total != n {
			t.Fatalf("%d of %d", last, total)
		}
	}
	for i, channel := range factsOf(t, to) {
		if channel != fmt.Sprint(i) {
			t.Fatalf("fact %d is %s", i, channel)
		}
	}
}

func TestFactsOfSomebodyElseAreNotMixed(t *testing.T) {
	from, to := embeddedBus(t), embeddedBus(t)
	put(t, from, counted(1), counted(2))
	put(t, to, counted(3))
	if err := CopyFacts(t.Context(), from, to, func(int, int) {}); !errors.Is(err, ErrOtherFacts) {
		t.Fatal(err)
	}
	if n := len(factsOf(t, to)); n != 1 {
		t.Fatalf("%d facts", n)
	}
}

func TestWaitingIsWhatNobodyHasTaken(t *testing.T) {
	b := embeddedBus(t)
	hold := make(chan struct{})
	ok(t, b.Consume(t.Context(), "slow", []string{"groups.place_booked"}, func(context.Context, halsocoach.Event) error { <-hold; return nil }))
	put(t, b, happened("groups.place_booked", 1), happened("groups.place_booked", 2))
	eventually(t, "two wait", func() bool { n, _, err := b.Waiting(t.Context()); return err == nil && n == 2 })
	close(hold)
	eventually(t, "none waits", func() bool { n, _, err := b.Waiting(t.Context()); return err == nil && n == 0 })
	ok(t, b.Consume(t.Context(), "failing", []string{"chat.contact_made"}, func(context.Context, halsocoach.Event) error { return errors.New("no") }))
	put(t, b, happened("chat.contact_made", 3))
	eventually(t, "one is parked", func() bool { n, parked, err := b.Waiting(t.Context()); return err == nil && n == 0 && parked == 1 })
}
