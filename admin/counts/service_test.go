package counts

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/web"
)

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
		app.As(e.People.Region).JSON(http.MethodGet, path, nil).Is(want)
	}
	for _, c := range []struct {
		who  halsocoach.Actor
		want int
	}{{e.People.Visitor, 401}, {e.People.Anna, 403}, {e.People.Maria, 403}, {e.People.Family, 403}, {e.People.Kommun, 200}} {
		app.As(c.who).JSON(http.MethodGet, "/api/v1/counts", nil).Is(c.want)
	}
}
