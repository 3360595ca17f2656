package counts

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
)

func TestDoubledLateShuffledAndReplayedFactsChangeNothing(t *testing.T) {
	e := newEnv(t)
	facts := someFacts(rand.New(rand.NewPCG(1, 1)), testenv.Count(2000, 20000))
	want := map[string]tally{}
	for _, f := range facts {
		id := monthID(f.Kommun, Month(f.Day.Month()))
		if want[id] == nil {
			want[id] = tally{}
		}
		want[id][comboOf(f)]++
	}
	nodes := []*Service{serviceOf(e, true), serviceOf(e, true)}
	var wg sync.WaitGroup
	for n, s := range nodes {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(n), 3))
			for range 3 { // each node gets every fact three times, in other orders
				mine := append([]halsocoach.Fact(nil), facts...)
				rng.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				for len(mine) > 0 {
					batch := mine[:min(len(mine), 1+rng.IntN(700))]
					mine = mine[len(batch):]
					if _, err := s.fold(t.Context(), append(batch, batch[0])); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	got := stored(t, nodes[0])
	if len(got) != len(want) {
		t.Errorf("%d months, want %d", len(got), len(want))
	}
	for id, counters := range got {
		if !reflect.DeepEqual(counters, want[id].counters()) {
			t.Errorf("%s: %v, want %v", id, counters, want[id].counters())
		}
	}
}

func TestFactThatCanNotBeCountedHoldsUpNobody(t *testing.T) {
	e := newEnv(t)
	s := New(Config{Store: e.Store, Bus: e.Bus, Settings: e.Terms, Clock: e.Clock.Now, Log: slog.New(slog.DiscardHandler), Live: true})
	good := halsocoach.Count(halsocoach.CountEnded, e.Clock.Now(), "0684", false, nil)
	bad := []halsocoach.Fact{
		{ID: "a", Type: halsocoach.CountEnded, Kommun: "0684"}, {ID: "b", Type: "gossip", Day: "2026-11-01", Kommun: "0684"},
		{Type: halsocoach.CountEnded, Day: "2026-11-01", Kommun: "0684"}, {ID: "c", Type: halsocoach.CountEnded, Day: "1026-11-01", Kommun: "0684"},
	}
	testenv.Must(t, testenv.ErrOf(s.fold(t.Context(), append(bad, good))))
	if got := stored(t, s); len(got) != 1 || got["0684/2026-11"][0].N != 1 {
		t.Errorf("%v", got)
	}
	odd := halsocoach.Fact{ID: "not sixteen bytes", Type: halsocoach.CountEnded, Day: "2026-11-02", Kommun: "Sävsjö", Dims: map[string]string{
		halsocoach.DimSex: "kvinna", halsocoach.DimSource: "granne", halsocoach.DimTopic: "mat|hemligt", halsocoach.DimChannel: "a channel of far too many letters",
	}}
	for range 2 {
		testenv.Must(t, testenv.ErrOf(s.fold(t.Context(), []halsocoach.Fact{odd})))
	}
	if c := stored(t, s)["06/2026-11"]; len(c) != 1 || c[0] != (counter{combo{Kind: halsocoach.CountEnded, Topic: "mat"}, 1}) {
		t.Errorf("%+v", c)
	}
}

func TestRebuildGivesTheSameNumbers(t *testing.T) {
	e := newEnv(t)
	s := started(e, true)
	n := testenv.Count(1500, 20000)
	facts := someFacts(rand.New(rand.NewPCG(4, 4)), n)
	for rest := facts; len(rest) > 0; rest = rest[min(len(rest), 100):] {
		happen(e, rest[:min(len(rest), 100)]...)
	}
	whole := func() int {
		total := 0
		for _, counters := range stored(t, s) {
			for _, c := range counters {
				total += c.N
			}
		}
		return total
	}
	e.Eventually("every fact folded", func() bool { return whole() == n })
	want := stored(t, s)

	// The store is spoilt: a number is wrong, a day is lost, a day was never.
	spoil(t, s, facts)
	got, err := s.Rebuild(t.Context())
	if err != nil || got != n {
		t.Fatalf("%d facts of %d, %v", got, n, err)
	}
	if now := stored(t, s); !reflect.DeepEqual(now, want) {
		t.Errorf("other numbers after the rebuild")
	}

	// While it runs, more happens: nothing of it is lost or counted twice.
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 20 {
			happen(e, many(10, halsocoach.CountEnded, e.Clock.Now(), "0684", false, nil)...)
		}
	})
	for range 3 {
		testenv.Must(t, testenv.ErrOf(s.Rebuild(t.Context())))
	}
	wg.Wait()
	e.Eventually("every fact counted once", func() bool { return whole() == n+200 })
}

func spoil(t *testing.T, s *Service, facts []halsocoach.Fact) {
	t.Helper()
	ctx := t.Context()
	f, g := facts[0], facts[1]
	for _, d := range facts {
		if d.Day != f.Day || d.Kommun != f.Kommun {
			g = d
		}
	}
	if _, err := s.days.Update(ctx, dayID(f.Kommun, f.Day), func(d *day) ([]halsocoach.Event, error) { d.Counters[0].N += 7; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	testenv.Must(t, s.days.Delete(ctx, dayID(g.Kommun, g.Day), nil))
	testenv.Must(t, s.foldDay(ctx, dayOfFacts{"0685", "2026-03-03"}, many(4, halsocoach.CountEnded, e0, "0685", false, nil)))
	testenv.Must(t, s.sumMonth(ctx, "0685", "2026-03"))
}

var e0 = testenv.Morning()

func BenchmarkFold(b *testing.B) {
	e := newEnv(b)
	s := serviceOf(e, true)
	rng := rand.New(rand.NewPCG(1, 1))
	n := 0
	for b.Loop() {
		testenv.Must(b, testenv.ErrOf(s.fold(context.Background(), someFacts(rng, 1000))))
		n += 1000
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "facts/s")
}
