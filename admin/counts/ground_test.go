package counts

import (
	"math/rand/v2"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

// noteKind is what the facts of the tests are saved with.
var noteKind = store.Kind{Name: "notes", NoPerson: true}

func newEnv(t testing.TB) *testenv.Env {
	return testenv.New(t, Kinds(), []store.Kind{noteKind})
}

func serviceOf(e *testenv.Env, live bool) *Service {
	return New(Config{Store: e.Store, Bus: e.Bus, Settings: e.Terms, Clock: e.Clock.Now, Log: e.Log, Live: live})
}

func started(e *testenv.Env, live bool) *Service {
	s := serviceOf(e, live)
	testenv.Must(e.T, s.Start(e.Ctx(), e.Bus))
	return s
}

// happen saves facts as the domain packages do: with a document and an event.
func happen(e *testenv.Env, facts ...halsocoach.Fact) {
	e.T.Helper()
	ev := halsocoach.Happened("note.written", e.Clock.Now(), "0684", "note", nil).Counting(facts...)
	testenv.Must(e.T, store.In[struct{}](e.Store, noteKind).Insert(e.Ctx(), halsocoach.NewID(), struct{}{}, ev))
}

func many(n int, kind string, at time.Time, kommun string, protected bool, dims map[string]string) []halsocoach.Fact {
	out := make([]halsocoach.Fact, n)
	for i := range out {
		out[i] = halsocoach.Count(kind, at, kommun, protected, dims)
	}
	return out
}

// shown is what the actor reads of a kind in a month: -1 when hidden, -2 when
// there is no such row.
func shown(t testing.TB, s *Service, who halsocoach.Actor, m Month, kommun, kind string) int {
	t.Helper()
	a, err := s.Counts(t.Context(), who, Query{Table: ByKind, From: m, To: m})
	testenv.Must(t, err)
	r, ok := a.index(ByKind)[kindKey(Period(m), kommun, kind)]
	switch {
	case !ok:
		return -2
	case r.N == nil:
		return -1
	}
	return *r.N
}

// stored are the counters of every month in the store.
func stored(t testing.TB, s *Service) map[string][]counter {
	t.Helper()
	out := map[string][]counter{}
	if err := s.months.Each(t.Context(), func(id string, m month) error {
		if len(m.Counters) > 0 {
			out[id] = m.Counters
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func someFacts(rng *rand.Rand, n int) []halsocoach.Fact {
	out := make([]halsocoach.Fact, n)
	for i := range out {
		kommun := halsocoach.Kommuner[rng.IntN(4)].Code
		at := testenv.Morning().AddDate(0, 0, -rng.IntN(70))
		out[i] = halsocoach.Count(halsocoach.CountKinds[rng.IntN(8)], at, kommun, rng.IntN(20) == 0, map[string]string{
			halsocoach.DimSource: Sources[rng.IntN(3)], halsocoach.DimTopic: "mat|sömn", halsocoach.DimSex: Sexes[rng.IntN(2)],
			halsocoach.DimAge: Bands[rng.IntN(6)], halsocoach.DimChannel: "telefon",
		})
	}
	return out
}
