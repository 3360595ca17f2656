package counts

import (
	"regexp"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

// busyHouse has two years behind it, with small numbers in some places.
func busyHouse(t *testing.T) (*testenv.Env, *testenv.App) {
	t.Helper()
	e := newEnv(t)
	s := serviceOf(e, true)
	var facts []halsocoach.Fact
	for i := range 15 {
		at := e.Clock.Now().AddDate(0, -i, 0)
		for j, k := range halsocoach.Kommuner {
			for n, kind := range halsocoach.CountKinds {
				dims := map[string]string{
					halsocoach.DimSource: Sources[(i+j)%3], halsocoach.DimTopic: string(halsocoach.Topics[(i+j+n)%6]),
					halsocoach.DimSex: Sexes[j%2], halsocoach.DimAge: Bands[(i+j)%6],
				}
				facts = append(facts, many(3+7*j+i+n, kind, at, k.Code, false, dims)...)
			}
		}
	}
	testenv.Must(t, testenv.ErrOf(s.fold(t.Context(), facts)))
	return e, e.App(func(a *web.App) { s.Routes(a.Fiber()); s.API(a.API()) })
}

func TestEveryPageShowsNumbersChartsAndTables(t *testing.T) {
	e, app := busyHouse(t)
	for path, words := range map[string][]string{
		"/statistik":                                     {"Hela länet, november 2026", "Månaden pågår", "Rekommendationer", "Per kommun, november 2026", "dolt", "Tal från 1 till 4"},
		"/statistik?from=2026-11&to=2026-11":             {"Hela länet, november 2026", "Sävsjö"},
		"/statistik?from=2026-06&to=2026-11":             {"Månad för månad, Hela länet", "juni 2026"},
		"/statistik?kommun=0683&from=2026-10&to=2026-10": {"Värnamo, oktober 2026"},
		"/statistik/kvartal":                             {"kvartal 3 2026", "Vägar in", "Vad rekommendationerna gäller", "Egen kontakt"},
		"/statistik/kvartal?period=2026-Q2":              {"Hela länet, kvartal 2 2026"},
		"/statistik/halvar":                              {"första halvåret 2026", "Kvinnor", "80 år och äldre"},
		"/statistik/ar":                                  {"Hela länet, 2025", "Åldrar", "Vägar in"},
	} {
		r := app.As(e.People.Region).Get(path)
		if r.Status != 200 {
			t.Errorf("%s: %d", path, r.Status)
		}
		for _, w := range append(words, "<svg", "<table", "<h1") {
			if !strings.Contains(r.Body, w) {
				t.Errorf("%s does not say %q", path, w)
			}
		}
		if strings.Contains(r.Body, "style=") {
			t.Errorf("%s has inline style", path)
		}
	}
}

func TestANumberIsComparedWithThePeriodBeforeWhereBothAreShown(t *testing.T) {
	e, app := busyHouse(t)
	figures := regexp.MustCompile(`(?s)<div class="figure">(.*?)</div>`)
	for path, words := range map[string]string{
		"/statistik?from=2026-10&to=2026-10": "månaden före", "/statistik/kvartal?period=2026-Q3": "kvartalet före",
		"/statistik/halvar?period=2026-H1": "halvåret före",
	} {
		r := app.As(e.People.Region).Get(path)
		for _, says := range []string{words, `class="trend"`, `role="img"`, "Utvecklingen, Hela länet"} {
			if !strings.Contains(r.Body, says) {
				t.Errorf("%s does not say %q", path, says)
			}
		}
	}
	running := app.As(e.People.Region).Get("/statistik?from=2026-11&to=2026-11").Body
	if strings.Contains(running, "månaden före") || !strings.Contains(running, `class="trend"`) {
		t.Error("a month that is not over is compared with a whole one, or has no bars")
	}
	hidden := 0
	for _, k := range halsocoach.Kommuner {
		for m := Month("2025-10"); m <= "2026-10"; m = m.plus(1) {
			r := app.As(e.People.Region).Get("/statistik?kommun=" + k.Code + "&from=" + string(m) + "&to=" + string(m))
			for _, f := range figures.FindAllStringSubmatch(r.Body, -1) {
				_, label, drawn := strings.Cut(f[1], `aria-label="`)
				if !drawn {
					continue
				}
				label, _, _ = strings.Cut(label, `"`)
				said := strings.Split(label, ", ")
				either := strings.HasSuffix(said[len(said)-1], "dolt") || strings.HasSuffix(said[len(said)-2], "dolt")
				if compared := strings.Contains(f[1], "månaden före"); compared == either {
					t.Errorf("%s %s: hidden is %v and compared is %v in %s", k.Name, m, either, compared, f[1])
				}
				if either {
					hidden++
				}
			}
		}
	}
	if hidden == 0 {
		t.Fatal("nothing was hidden, so nothing was tried")
	}
}

func TestWithNothingBeforeThereIsNothingToCompareWith(t *testing.T) {
	e := newEnv(t)
	s := serviceOf(e, true)
	app := e.App(func(a *web.App) { s.Routes(a.Fiber()) })
	dims := map[string]string{halsocoach.DimSource: "vårdcentral", halsocoach.DimSex: "kvinna", halsocoach.DimAge: "45-64"}
	testenv.Must(t, testenv.ErrOf(s.fold(t.Context(), many(9, halsocoach.CountReferral, halsocoach.Day("2026-08-05").At(600), "0684", false, dims))))
	for _, path := range []string{"/statistik?from=2026-08&to=2026-08", "/statistik/kvartal?period=2026-Q3"} {
		if r := app.As(e.People.Region).Get(path); r.Status != 200 || strings.Contains(r.Body, "än ") && strings.Contains(r.Body, " före<") || strings.Contains(r.Body, `class="trend"`) {
			t.Errorf("%s compares with a time before anything was counted: %d", path, r.Status)
		}
	}
	r := app.As(e.People.Region).Get("/statistik?from=2026-09&to=2026-09")
	if !strings.Contains(r.Body, "9 färre än månaden före") {
		t.Error("a fall to nought is not said")
	}
}

func TestTheBoundsOfPeriodsBefore(t *testing.T) {
	for p, want := range map[Period]Period{"2026-01": "2025-12", "2026-11": "2026-10", "2026-Q1": "2025-Q4", "2026-Q3": "2026-Q2", "2026-H1": "2025-H2", "2026-H2": "2026-H1", "2026": "2025"} {
		if got := p.before(); got != want {
			t.Errorf("before %s is %s, want %s", p, got, want)
		}
	}
}

func TestAdministratorOfAKommunReadsTheirOwnAndTheCountys(t *testing.T) {
	e, app := busyHouse(t)
	for _, path := range []string{"/statistik", "/statistik/kvartal", "/statistik/ar", "/statistik?kommun=0680"} {
		r := app.As(e.People.Kommun).Get(path)
		if r.Status != 200 || !strings.Contains(r.Body, "Sävsjö") || !strings.Contains(r.Body, "Hela länet") {
			t.Errorf("%s: %d", path, r.Status)
		}
		if strings.Contains(r.Body, "Jönköping<") || strings.Contains(r.Body, "Aneby") {
			t.Errorf("%s shows another kommun", path)
		}
	}
}

func TestOnlyThoseWhoSteerReadThePages(t *testing.T) {
	e := newEnv(t)
	s := serviceOf(e, true)
	app := e.App(func(a *web.App) { s.Routes(a.Fiber()) })
	for _, path := range []string{"/statistik", "/statistik/kvartal", "/statistik/halvar", "/statistik/ar"} {
		for _, c := range []struct {
			who  halsocoach.Actor
			want int
		}{
			{e.People.Visitor, 303}, {e.People.Anna, 403}, {e.People.Maria, 403}, {e.People.Vardcentral, 403}, {e.People.Forening, 403},
			{e.People.Family, 403}, {e.People.Drift, 403}, {e.People.Kommun, 200}, {e.People.Region, 200},
		} {
			app.As(c.who).Get(path).Is(c.want)
		}
	}
}

func TestThePagesOpenOnTheLatestPeriodWithAnythingInIt(t *testing.T) {
	e := newEnv(t)
	s := serviceOf(e, true)
	app := e.App(func(a *web.App) { s.Routes(a.Fiber()) })
	region := app.As(e.People.Region)
	for path, word := range map[string]string{"/statistik/kvartal": "kvartal 3 2026", "/statistik/halvar": "första halvåret 2026", "/statistik/ar": "Hela länet, 2025"} {
		region.Get(path).Is(200, word)
	}
	dims := map[string]string{halsocoach.DimSource: "vårdcentral", halsocoach.DimSex: "kvinna", halsocoach.DimAge: "45-64"}
	testenv.Must(t, testenv.ErrOf(s.fold(t.Context(), many(9, halsocoach.CountReferral, halsocoach.Day("2025-05-05").At(600), "0684", false, dims))))
	s.changed("2025-05")
	for path, words := range map[string][]string{
		"/statistik/kvartal": {"Hela länet, kvartal 2 2025"}, "/statistik/halvar": {"Hela länet, första halvåret 2025", "45–64 år"}, "/statistik/ar": {"Hela länet, 2025"},
		"/statistik/halvar?period=2026-H1": {"Hela länet, första halvåret 2026"},
	} {
		r := region.Get(path)
		for _, word := range words {
			if r.Status != 200 || !strings.Contains(r.Body, word) {
				t.Errorf("%s does not say %q: %d", path, word, r.Status)
			}
		}
	}
}

func TestWrongPeriodGivesTheFormAgain(t *testing.T) {
	e := newEnv(t)
	s := serviceOf(e, true)
	app := e.App(func(a *web.App) { s.Routes(a.Fiber()) })
	for path, words := range map[string]string{
		"/statistik?from=2026-11&to=2026-10":       "Slutet ligger före början.",
		"/statistik?from=igår":                     "Skriv månaden som 2026-01.",
		"/statistik?from=2020-01&to=2026-10":       "Fråga efter högst fem år i taget.",
		"/statistik?from=2026-11&to=x%3Cscript%3E": "Skriv månaden som 2026-01.",
	} {
		r := app.As(e.People.Region).Get(path)
		if r.Status != 422 || !strings.Contains(r.Body, words) || strings.Contains(r.Body, "<script>") {
			t.Errorf("%s: %d", path, r.Status)
		}
	}
	app.As(e.People.Region).Get("/statistik?from=2027-01&to=2027-02").Is(200, "Inget är publicerat för den tiden")
	app.As(e.People.Region).Get("/statistik/kvartal?period=2026-Q9").Is(200, "kvartal 3 2026")
}
