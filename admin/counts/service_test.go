package counts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
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
	if err := s.Start(e.Ctx(), e.Bus); err != nil {
		e.T.Fatal(err)
	}
	return s
}

// happen saves facts as the domain packages do: with a document and an event.
func happen(e *testenv.Env, facts ...halsocoach.Fact) {
	e.T.Helper()
	ev := halsocoach.Happened("note.written", e.Clock.Now(), "0684", "note", nil).Counting(facts...)
	if err := store.In[struct{}](e.Store, noteKind).Insert(e.Ctx(), halsocoach.NewID(), struct{}{}, ev); err != nil {
		e.T.Fatal(err)
	}
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
	if err != nil {
		t.Fatal(err)
	}
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

func TestNumbersMoveWhenSomethingHasHappened(t *testing.T) {
	e := newEnv(t)
	s := started(e, true)
	now := e.Clock.Now()
	for _, kind := range []string{halsocoach.CountReferral, halsocoach.CountFirstTalk, halsocoach.CountChat, halsocoach.CountAttendance} {
		happen(e, many(9, kind, now, "0684", false, nil)...)
		happen(e, many(12, kind, now, "0680", false, nil)...)
	}
	for _, kind := range []string{halsocoach.CountReferral, halsocoach.CountFirstTalk, halsocoach.CountChat, halsocoach.CountAttendance} {
		e.Eventually(kind, func() bool { return shown(t, s, e.People.Region, "2026-11", "0684", kind) == 9 })
		happen(e, halsocoach.Count(kind, now, "0684", false, nil))
		e.Eventually(kind+" moved", func() bool {
			return shown(t, s, e.People.Region, "2026-11", "0684", kind) == 10 && shown(t, s, e.People.Region, "2026-11", halsocoach.County, kind) == 22
		})
	}
	if n := shown(t, s, e.People.Region, "2026-11", "0687", halsocoach.CountReferral); n != 0 {
		t.Errorf("where nothing happened stands %d", n)
	}
}

func TestRunningMonthMovesOnceANightWhenNotLive(t *testing.T) {
	e := newEnv(t)
	s := started(e, false)
	live := serviceOf(e, true)
	yesterday := e.Clock.Now().AddDate(0, 0, -1)
	happen(e, many(7, halsocoach.CountReferral, yesterday, "0684", false, nil)...)
	happen(e, many(8, halsocoach.CountReferral, e.Clock.Now(), "0684", false, nil)...)
	e.Eventually("fifteen where it is live", func() bool {
		live.changed("2026-11")
		return shown(t, live, e.People.Region, "2026-11", "0684", halsocoach.CountReferral) == 15
	})
	s.changed("2026-11")
	if n := shown(t, s, e.People.Region, "2026-11", "0684", halsocoach.CountReferral); n != 7 {
		t.Errorf("today is in the number: %d", n)
	}
	e.Clock.Add(24 * time.Hour)
	if n := shown(t, s, e.People.Region, "2026-11", "0684", halsocoach.CountReferral); n != 15 {
		t.Errorf("after midnight: %d", n)
	}
}

func TestCountyIncludesTheProtectedAndNoKommunDoes(t *testing.T) {
	e := newEnv(t)
	s := serviceOf(e, true)
	dims := map[string]string{halsocoach.DimSex: "kvinna", halsocoach.DimAge: "30-44", halsocoach.DimSource: "förening"}
	october := halsocoach.Day("2026-10-05").At(600)
	facts := append(many(30, halsocoach.CountReferral, october, "0684", false, dims), many(6, halsocoach.CountReferral, october, "0684", true, dims)...)
	if _, err := s.fold(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	if n := shown(t, s, e.People.Region, "2026-10", "0684", halsocoach.CountReferral); n != 30 {
		t.Errorf("Sävsjö has %d", n)
	}
	if n := shown(t, s, e.People.Region, "2026-10", halsocoach.County, halsocoach.CountReferral); n != 36 {
		t.Errorf("the county has %d", n)
	}
	e.Clock.Set(halsocoach.Day("2027-01-04").At(600))
	a, err := s.Counts(t.Context(), e.People.Region, Query{Table: BySexAge, From: "2026-07", To: "2026-12"})
	if err != nil {
		t.Fatal(err)
	}
	x := a.index(BySexAge)
	for _, c := range []struct {
		sex, age string
		want     int
	}{{"kvinna", "30-44", 30}, {Unknown, Unknown, 6}, {All, All, 36}, {"man", "30-44", 0}} {
		if r := x[sexAge("2026-H2", c.sex, c.age)]; r.N == nil || *r.N != c.want {
			t.Errorf("%s %s: %v", c.sex, c.age, r)
		}
	}
}

func TestEachRoleSeesItsOwnNumbersOnly(t *testing.T) {
	e := newEnv(t)
	s := serviceOf(e, true)
	p := e.People
	q := Query{Table: ByKind, From: "2026-01", To: "2026-11"}
	for _, c := range []struct {
		who  halsocoach.Actor
		want error
		rows map[string]bool
	}{
		{p.Visitor, halsocoach.ErrSignIn, nil},
		{p.Anna, halsocoach.ErrForbidden, nil},
		{p.Maria, halsocoach.ErrForbidden, nil},
		{p.Vardcentral, halsocoach.ErrForbidden, nil},
		{p.Forening, halsocoach.ErrForbidden, nil},
		{p.Family, halsocoach.ErrForbidden, nil},
		{p.Drift, halsocoach.ErrForbidden, nil},
		{halsocoach.Actor{ID: "x", Role: halsocoach.RoleKommun}, halsocoach.ErrForbidden, nil},
		{halsocoach.Actor{ID: "x", Role: halsocoach.RoleKommun, Kommun: "06"}, halsocoach.ErrForbidden, nil},
		{p.Kommun, nil, map[string]bool{"0684": true, "06": true}},
		{p.Region, nil, nil},
	} {
		for _, table := range []Table{ByKind, BySource, ByTopic, BySexAge} {
			q.Table = table
			a, err := s.Counts(t.Context(), c.who, q)
			if !errors.Is(err, c.want) && err != c.want {
				t.Errorf("%s %s: %v", c.who.Role, table, err)
			}
			seen := map[string]bool{}
			for _, r := range append(a.Cells, a.Totals...) {
				seen[r.Kommun] = true
				if c.rows != nil && !c.rows[r.Kommun] {
					t.Fatalf("%s sees %s", c.who.Role, r.Kommun)
				}
			}
			if want := 14; c.who.Role == halsocoach.RoleRegion && (table == ByKind || table == BySource) && len(seen) != want {
				t.Errorf("the region sees %d rows of %s", len(seen), table)
			}
		}
	}
}

func TestOtherQuestionsAreRefused(t *testing.T) {
	e := newEnv(t)
	s := serviceOf(e, true)
	for name, q := range map[string]Query{
		"no table":     {From: "2026-01", To: "2026-02"},
		"other table":  {Table: "kommun,age", From: "2026-01", To: "2026-02"},
		"no months":    {Table: ByKind},
		"month 13":     {Table: ByKind, From: "2026-01", To: "2026-13"},
		"backwards":    {Table: ByKind, From: "2026-02", To: "2026-01"},
		"more than 60": {Table: ByKind, From: "2020-01", To: "2025-01"},
	} {
		if _, err := s.Counts(t.Context(), e.People.Region, q); halsocoach.KindOf(err) != halsocoach.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheStrictestKommunDecidesWhatIsHidden(t *testing.T) {
	e := newEnv(t)
	s := serviceOf(e, true)
	facts := append(many(7, halsocoach.CountReferral, e.Clock.Now(), "0684", false, nil), many(40, halsocoach.CountReferral, e.Clock.Now(), "0680", false, nil)...)
	if _, err := s.fold(t.Context(), facts); err != nil {
		t.Fatal(err)
	}
	if n := shown(t, s, e.People.Region, "2026-11", "0684", halsocoach.CountReferral); n != 7 {
		t.Errorf("with k 5: %d", n)
	}
	e.Terms.Set(func(t *halsocoach.Terms) { t.HideBelow = 10 })
	if n := shown(t, s, e.People.Kommun, "2026-11", "0684", halsocoach.CountReferral); n != -1 {
		t.Errorf("with k 10 its own administrator reads %d", n)
	}
	if n := shown(t, s, e.People.Region, "2026-11", "0680", halsocoach.CountReferral); n != -1 {
		t.Errorf("the cover is open: %d", n)
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
	if _, err := s.fold(t.Context(), append(bad, good)); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s); len(got) != 1 || got["0684/2026-11"][0].N != 1 {
		t.Errorf("%v", got)
	}
	odd := halsocoach.Fact{ID: "not sixteen bytes", Type: halsocoach.CountEnded, Day: "2026-11-02", Kommun: "Sävsjö", Dims: map[string]string{
		halsocoach.DimSex: "kvinna", halsocoach.DimSource: "granne", halsocoach.DimTopic: "mat|hemligt", halsocoach.DimChannel: "a channel of far too many letters",
	}}
	for range 2 {
		if _, err := s.fold(t.Context(), []halsocoach.Fact{odd}); err != nil {
			t.Fatal(err)
		}
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
		if _, err := s.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
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
	if err := s.days.Delete(ctx, dayID(g.Kommun, g.Day), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.foldDay(ctx, dayOfFacts{"0685", "2026-03-03"}, many(4, halsocoach.CountEnded, e0, "0685", false, nil)); err != nil {
		t.Fatal(err)
	}
	if err := s.sumMonth(ctx, "0685", "2026-03"); err != nil {
		t.Fatal(err)
	}
}

var e0 = testenv.Morning()

func TestCountsForOtherSystemsAreSuppressedAndFollowTheNumbers(t *testing.T) {
	e := newEnv(t)
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(srv.Shutdown)
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("no server")
	}
	bus, err := event.Open(t.Context(), srv.ClientURL(), e.Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Close() })
	other, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	js, err := jetstream.New(other)
	if err != nil {
		t.Fatal(err)
	}
	last := func(kommun string) (p Published) {
		stream, err := js.Stream(t.Context(), "HALSOCOACH_COUNTS")
		if err != nil {
			t.Fatal(err)
		}
		m, err := stream.GetLastMsgForSubject(t.Context(), "halsocoach.counts."+kommun+".2026-11")
		if err == nil {
			err = json.Unmarshal(m.Data, &p)
		}
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Fatal(err)
		}
		return p
	}
	s := New(Config{Store: e.Store, Bus: bus, Settings: e.Terms, Clock: e.Clock.Now, Log: e.Log, Live: true})
	if err := s.Start(t.Context(), bus); err != nil {
		t.Fatal(err)
	}
	fold := func(kommun string, n int) {
		months, err := s.fold(t.Context(), many(n, halsocoach.CountReferral, e.Clock.Now(), kommun, false, nil))
		if err != nil {
			t.Fatal(err)
		}
		s.changed(months...)
	}
	is := func(kommun string, want int) func() bool {
		return func() bool {
			p := last(kommun)
			n, ok := p.Counts[halsocoach.CountReferral]
			return ok && p.Kommun == kommun && p.Running && p.HideBelow == 5 && (want < 0 && n == nil || n != nil && *n == want)
		}
	}
	e.Eventually("noughts at the start", is("0684", 0))
	fold("0684", 3)
	fold("0680", 20)
	fold("0687", 30)
	e.Eventually("three hidden", is("0684", -1))
	e.Eventually("its cover hidden", is("0680", -1))
	e.Eventually("the county open", is("06", 53))
	e.Eventually("another open", is("0687", 30))
	fold("0684", 2)
	e.Eventually("five open", is("0684", 5))
}

func TestJSONTwinOfTheTables(t *testing.T) {
	e := newEnv(t)
	s := serviceOf(e, true)
	app := e.App(func(a *web.App) { s.Routes(a.Fiber()); s.API(a.API()) })
	dims := map[string]string{halsocoach.DimSource: "vårdcentral", halsocoach.DimTopic: "mat|sömn"}
	august := halsocoach.Day("2026-08-05").At(600)
	facts := append(many(3, halsocoach.CountReferral, august, "0684", false, dims), many(9, halsocoach.CountReferral, august, "0680", false, dims)...)
	if _, err := s.fold(t.Context(), append(facts, many(20, halsocoach.CountReferral, august, "0687", false, dims)...)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Cells, Totals []map[string]any
		HideBelow     int
	}
	r := app.As(e.People.Region).JSON(http.MethodGet, "/api/v1/counts?from=2026-01&to=2026-12&by=kommun,source", nil)
	if r.Status != 200 || r.Into(&got) != nil || got.HideBelow != 5 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	found := map[string]string{}
	for _, c := range append(got.Cells, got.Totals...) {
		if c["period"] == "2026-Q3" {
			found[fmt.Sprint(c["kommun"], " ", c["source"])] = fmt.Sprint(c["n"], " ", c["hidden"])
		}
	}
	for at, want := range map[string]string{
		"0684 vårdcentral": "<nil> true", "0680 vårdcentral": "<nil> true", "0687 vårdcentral": "20 <nil>", "0684 förening": "0 <nil>",
		"06 vårdcentral": "32 <nil>", "06 alla": "32 <nil>", "0687 alla": "20 <nil>",
	} {
		if found[at] != want {
			t.Errorf("%s is %q, want %q", at, found[at], want)
		}
	}
	for path, want := range map[string]int{
		"/api/v1/counts": 200, "/api/v1/counts?by=topic&from=2026-07-01&to=2026-09-30": 200, "/api/v1/counts?by=year,kommun,kind&from=2025-01&to=2025-12": 200,
		"/api/v1/counts?by=kommun,age": 422, "/api/v1/counts?by=day": 422, "/api/v1/counts?from=2026-01-15": 422, "/api/v1/counts?from=x": 422, "/api/v1/counts?to=2026-11-01": 422,
	} {
		if r := app.As(e.People.Region).JSON(http.MethodGet, path, nil); r.Status != want {
			t.Errorf("%s: %d %s", path, r.Status, r.Body)
		}
	}
	for _, c := range []struct {
		who  halsocoach.Actor
		want int
	}{{e.People.Visitor, 401}, {e.People.Anna, 403}, {e.People.Maria, 403}, {e.People.Family, 403}, {e.People.Kommun, 200}} {
		if r := app.As(c.who).JSON(http.MethodGet, "/api/v1/counts", nil); r.Status != c.want {
			t.Errorf("%s: %d", c.who.Role, r.Status)
		}
	}
}

func BenchmarkFold(b *testing.B) {
	e := newEnv(b)
	s := serviceOf(e, true)
	rng := rand.New(rand.NewPCG(1, 1))
	n := 0
	for b.Loop() {
		if _, err := s.fold(context.Background(), someFacts(rng, 1000)); err != nil {
			b.Fatal(err)
		}
		n += 1000
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "facts/s")
}
