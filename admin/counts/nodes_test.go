package counts

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

// TestTwoNodesCountAndPublishAsOne stops one of two nodes in the middle.
func TestTwoNodesCountAndPublishAsOne(t *testing.T) {
	e := newEnv(t)
	ctx, stop := context.WithCancel(e.Ctx())
	defer stop()
	first, second := serviceOf(e, true), serviceOf(e, true)
	testenv.Must(t, first.Start(ctx, e.Bus))
	testenv.Must(t, second.Start(e.Ctx(), e.Bus))
	n := testenv.Count(1000, 20000)
	facts := someFacts(rand.New(rand.NewPCG(7, 7)), n)
	for i := 0; i < n; i += 50 {
		happen(e, facts[i:min(n, i+50)]...)
		if i == n/2 {
			stop()
		}
	}
	here := 40
	happen(e, many(here, halsocoach.CountEnded, e.Clock.Now(), "0684", false, nil)...)
	for _, f := range facts {
		if f.Type == halsocoach.CountEnded && f.Kommun == "0684" && f.Day.Month() == halsocoach.DayOf(e.Clock.Now()).Month() {
			here++
		}
	}
	total := func() (sum int) {
		for _, counters := range stored(t, second) {
			for _, c := range counters {
				sum += c.N
			}
		}
		return sum
	}
	e.Eventually("every fact counted once", func() bool { return total() == n+40 })
	e.Eventually("the last numbers published", func() bool {
		body, err := e.Bus.PublishedCounts(e.Ctx(), "0684", "2026-11")
		var p Published
		if err != nil || len(body) == 0 || json.Unmarshal(body, &p) != nil {
			return false
		}
		shown := p.Counts[halsocoach.CountEnded]
		return shown != nil && *shown == here
	})
}

// TestWhatAnotherNodeHasSaidIsNotSaidAgain: the second finds it published.
func TestWhatAnotherNodeHasSaidIsNotSaidAgain(t *testing.T) {
	e := newEnv(t)
	nodes := make([]*publisher, 2)
	for i := range nodes {
		nodes[i] = &publisher{Service: serviceOf(e, true), bus: e.Bus, leases: store.Leases{Store: e.Store, Clock: e.Clock.Now}, said: map[string][]byte{}}
	}
	first, second := nodes[0], nodes[1]
	m := Month("2026-11")
	lacks := func(p *publisher, want ...string) {
		t.Helper()
		news, err := p.unsaid(e.Ctx(), m)
		if err != nil || len(news) != len(want) {
			t.Fatalf("%d places to say, %v; want %v", len(news), err, want)
		}
		for _, kommun := range want {
			if news[kommun] == nil {
				t.Fatalf("%s is not to be said", kommun)
			}
		}
	}
	fold := func(n int) {
		t.Helper()
		testenv.Must(t, testenv.ErrOf(first.fold(e.Ctx(), many(n, halsocoach.CountEnded, e.Clock.Now(), "0684", false, nil))))
	}
	say := func(p *publisher) {
		t.Helper()
		testenv.Must(t, p.publish(e.Ctx(), m))
		lacks(p)
	}
	fold(20)
	say(first)
	lacks(second)
	fold(3) // seen without a nudge
	lacks(second, "0684", "06")
	say(second)
	lacks(first)
}
