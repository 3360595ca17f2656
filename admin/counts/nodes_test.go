package counts

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
)

// TestTwoNodesCountAndPublishAsOne stops one of two nodes in the middle.
func TestTwoNodesCountAndPublishAsOne(t *testing.T) {
	e := newEnv(t)
	ctx, stop := context.WithCancel(e.Ctx())
	defer stop()
	first, second := serviceOf(e, true), serviceOf(e, true)
	if err := first.Start(ctx, e.Bus); err != nil {
		t.Fatal(err)
	}
	if err := second.Start(e.Ctx(), e.Bus); err != nil {
		t.Fatal(err)
	}
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
	first, second := serviceOf(e, true), serviceOf(e, true)
	if _, err := first.fold(e.Ctx(), many(20, halsocoach.CountEnded, e.Clock.Now(), "0684", false, nil)); err != nil {
		t.Fatal(err)
	}
	m := Month("2026-11")
	news, err := first.unsaid(e.Ctx(), e.Bus, m)
	if err != nil || len(news) == 0 {
		t.Fatal(len(news), err)
	}
	for kommun, body := range news {
		if err := e.Bus.PublishCounts(e.Ctx(), kommun, string(m), body); err != nil {
			t.Fatal(err)
		}
	}
	if news, err := second.unsaid(e.Ctx(), e.Bus, m); err != nil || len(news) != 0 {
		t.Errorf("%d places said again, %v", len(news), err)
	}
	// What moved by another node's fold is seen without its nudge.
	if _, err := first.fold(e.Ctx(), many(3, halsocoach.CountEnded, e.Clock.Now(), "0684", false, nil)); err != nil {
		t.Fatal(err)
	}
	if news, err := second.unsaid(e.Ctx(), e.Bus, m); err != nil || len(news["0684"]) == 0 {
		t.Errorf("%d places, %v: what is new is not seen", len(news), err)
	}
}
