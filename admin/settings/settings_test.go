package settings

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

func house(t *testing.T) (*testenv.Env, *Service) {
	t.Helper()
	e := testenv.New(t, Kinds())
	return e, node(t, e)
}

func node(t *testing.T, e *testenv.Env) *Service {
	t.Helper()
	s := New(Config{Store: e.Store, Bus: e.Bus, Clock: e.Clock.Now, Log: e.Log, Registers: e.Registers})
	testenv.Must(t, s.Start(e.Ctx(), e.Bus))
	return s
}

const today = halsocoach.Day("2026-11-23")

func newDecision(key, value string, from halsocoach.Day) NewDecision {
	return NewDecision{Kommun: "0684", Key: key, Value: value, From: from, Decision: "Lokala styrgruppen 10 november 2026, § 4"}
}

func decide(t *testing.T, e *testenv.Env, s *Service, w NewDecision) {
	t.Helper()
	testenv.Must(t, testenv.ErrOf(s.Decide(e.Ctx(), e.People.Kommun, halsocoach.Request{Key: halsocoach.NewID()}, w)))
}

func terms(t *testing.T, s *Service, kommun, centre string, on halsocoach.Day) halsocoach.Terms {
	t.Helper()
	got, err := s.Terms(t.Context(), kommun, centre, on)
	testenv.Must(t, err)
	return got
}

func want(t *testing.T, err error, kind halsocoach.ErrorKind) {
	t.Helper()
	if halsocoach.KindOf(err) != kind {
		t.Fatalf("got %v, want %q", err, kind)
	}
}

func TestWhereNobodyHasDecidedTheDefaultsStand(t *testing.T) {
	e, s := house(t)
	if got := terms(t, s, "0684", "0684", today); got != halsocoach.DefaultTerms {
		t.Fatalf("%+v", got)
	}
	decide(t, e, s, newDecision(promise, "5", today))
	if got := terms(t, s, "0680", "0680", today); got != halsocoach.DefaultTerms {
		t.Fatalf("another kommun's decision holds here: %+v", got)
	}
}

func TestEverySettingReachesTheTerms(t *testing.T) {
	e, s := house(t)
	for key, value := range map[string]string{
		promise: "3", unanswered: "12", firstTalk: "50", followUp: "30", bookAhead: "60", ownFirst: "4",
		minAge: "16", maxAge: "90", hideBelow: "10", begunMonths: "nej", legalFrame: "kommunal",
		openCounty: "ja", flagDays: "21",
	} {
		decide(t, e, s, newDecision(key, value, today))
	}
	got := terms(t, s, "0684", "", today)
	if want := (halsocoach.Terms{
		PromiseDays: 3, OwnResidentsFirst: 4, FirstTalkMinutes: 50, FollowUpMinutes: 30, BookAheadDays: 60, UnansweredHours: 12,
		HideBelow: 10, BegunMonthsCounted: false, LegalFrame: "kommunal", MinAge: 16, MaxAge: 90,
		OpenToCounty: true, FlagDays: 21,
	}); got != want {
		t.Fatalf("%+v", got)
	}
	if len(all) != 13 {
		t.Fatal("a setting is not in this test")
	}
}

func TestAValueHoldsFromItsDayAndTheOneBeforeIsKept(t *testing.T) {
	e, s := house(t)
	decide(t, e, s, newDecision(promise, "5", today))
	decide(t, e, s, newDecision(promise, "3", "2027-01-01"))
	decide(t, e, s, newDecision(promise, "4", "2026-12-01"))
	for day, want := range map[halsocoach.Day]int{"2026-11-22": 7, today: 5, "2026-11-30": 5, "2026-12-01": 4, "2026-12-31": 4, "2027-01-01": 3, "2028-01-01": 3} {
		if got := terms(t, s, "0684", "0684", day).PromiseDays; got != want {
			t.Errorf("on %s: %d days, want %d", day, got, want)
		}
	}
	decide(t, e, s, newDecision(promise, "6", "2027-01-01"))
	if got := terms(t, s, "0684", "0684", "2027-01-01").PromiseDays; got != 6 {
		t.Fatalf("of two with the same day the one written last holds, got %d", got)
	}
	r, err := s.One(e.Ctx(), e.People.Kommun, "0684", "", promise)
	if err != nil || r.Value != "5" || r.Standard != "7" || r.Decided == nil || r.Decided.Name != "Eva Lund" || len(r.Past) != 1 || len(r.Coming) != 3 || r.Coming[0].Value != "4" {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestACentreDecidesForItself(t *testing.T) {
	e, s := house(t)
	w := newDecision(firstTalk, "45", today)
	w.Centre = "0684"
	decide(t, e, s, w)
	decide(t, e, s, newDecision(firstTalk, "90", today))
	if at, rest := terms(t, s, "0684", "0684", today), terms(t, s, "0684", "0684-2", today); at.FirstTalkMinutes != 45 || rest.FirstTalkMinutes != 90 {
		t.Fatalf("%d at the centre, %d elsewhere", at.FirstTalkMinutes, rest.FirstTalkMinutes)
	}
	if got := terms(t, s, "", "0684", today).FirstTalkMinutes; got != 45 {
		t.Fatalf("without the kommun: %d", got)
	}
	w.Key, w.Value = legalFrame, "hsl"
	_, err := s.Decide(e.Ctx(), e.People.Kommun, halsocoach.Request{Key: "k"}, w)
	want(t, err, halsocoach.KindNotFound)
	w.Key, w.Centre = firstTalk, "0680"
	_, err = s.Decide(e.Ctx(), e.People.Kommun, halsocoach.Request{Key: "l"}, w)
	want(t, err, halsocoach.KindNotFound)
}

func TestWhatCanNotBeDecided(t *testing.T) {
	e, s := house(t)
	decide(t, e, s, newDecision(maxAge, "65", "2027-01-01"))
	for _, c := range []struct {
		name   string
		change func(*NewDecision)
		field  string
	}{
		{"too many days", func(w *NewDecision) { w.Value = "61" }, "value"},
		{"none", func(w *NewDecision) { w.Value = "0" }, "value"},
		{"words", func(w *NewDecision) { w.Value = "sju" }, "value"},
		{"a part", func(w *NewDecision) { w.Value = "2,5" }, "value"},
		{"another answer", func(w *NewDecision) { w.Key, w.Value = begunMonths, "kanske" }, "value"},
		{"another frame", func(w *NewDecision) { w.Key, w.Value = legalFrame, "egen" }, "value"},
		{"small numbers shown", func(w *NewDecision) { w.Key, w.Value = hideBelow, "4" }, "value"},
		{"older than the oldest that will be", func(w *NewDecision) { w.Key, w.Value = minAge, "70" }, "value"},
		{"yesterday", func(w *NewDecision) { w.From = "2026-11-22" }, "from"},
		{"no day", func(w *NewDecision) { w.From = "" }, "from"},
		{"a day that is not", func(w *NewDecision) { w.From = "2026-02-30" }, "from"},
		{"far away", func(w *NewDecision) { w.From = "2036-01-01" }, "from"},
		{"no decision", func(w *NewDecision) { w.Decision = "  " }, "decision"},
		{"a long decision", func(w *NewDecision) { w.Decision = strings.Repeat("å", decisionLimit+1) }, "decision"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newDecision(promise, "5", today)
			c.change(&w)
			_, err := s.Decide(e.Ctx(), e.People.Kommun, halsocoach.Request{Key: c.name}, w)
			var fault *halsocoach.Error
			if !errors.As(err, &fault) || fault.Kind != halsocoach.KindInvalid || len(fault.Fields) != 1 || fault.Fields[0].Name != c.field {
				t.Fatalf("%v", err)
			}
			if text := fault.Fields[0].Text; web.T(web.InLanguage(t.Context(), web.English), text) == text {
				t.Errorf("no English for %q", text)
			}
		})
	}
	if got := terms(t, s, "0684", "", today); got != halsocoach.DefaultTerms {
		t.Fatalf("something was written: %+v", got)
	}
}

func TestTheSameDecisionTwiceIsOne(t *testing.T) {
	e, s := house(t)
	second := node(t, e)
	w := newDecision(promise, "5", today)
	var wg sync.WaitGroup
	for i := range testenv.Count(6, 60) {
		wg.Go(func() {
			if _, err := []*Service{s, second}[i%2].Decide(e.Ctx(), e.People.Kommun, halsocoach.Request{Key: "k"}, w); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := s.One(e.Ctx(), e.People.Kommun, "0684", "", promise)
	if err != nil || len(r.Past) != 1 {
		t.Fatalf("%d entries, %v", len(r.Past), err)
	}
	w.Value = "6"
	testenv.Wants(t, testenv.ErrOf(s.Decide(e.Ctx(), e.People.Kommun, halsocoach.Request{Key: "k"}, w)), halsocoach.ErrKeyReused)
}

func TestDecisionsReachTheOtherNodes(t *testing.T) {
	e, s := house(t)
	second := node(t, e)
	decide(t, e, s, newDecision(promise, "5", today))
	e.Eventually("the second node keeps the promise", func() bool { return terms(t, second, "0684", "0684", today).PromiseDays == 5 })
}

func TestOnlyTheKommunsAdministratorAndTheRegionDecide(t *testing.T) {
	e, s := house(t)
	p := e.People
	for _, c := range []struct {
		name string
		who  halsocoach.Actor
		want halsocoach.ErrorKind
	}{
		{"nobody", halsocoach.Actor{}, halsocoach.KindSignIn}, {"citizen", p.Anna, halsocoach.KindForbidden}, {"coach", p.Maria, halsocoach.KindForbidden},
		{"care centre", p.Vardcentral, halsocoach.KindForbidden}, {"operator", p.Drift, halsocoach.KindForbidden},
		{"another kommun", halsocoach.Actor{ID: "k2", Role: halsocoach.RoleKommun, Kommun: "0680"}, halsocoach.KindNotFound},
		{"kommun", p.Kommun, ""}, {"region", p.Region, ""},
	} {
		_, err := s.Decide(e.Ctx(), c.who, halsocoach.Request{Key: c.name}, newDecision(promise, "5", today))
		want(t, err, c.want)
		_, err = s.List(e.Ctx(), c.who, "0684", "")
		want(t, err, c.want)
	}
}

func TestThePagesShowAndChangeOneValue(t *testing.T) {
	e, s := house(t)
	app := e.App(func(a *web.App) { s.Routes(a.Fiber()) })
	kommun := app.As(e.People.Kommun)
	page := kommun.Get("/installningar")
	for _, text := range []string{"7 dagar", "Öppen fråga: ", "Ingen har beslutat", "Rättslig ram", "Hälsocenter Sävsjö"} {
		if page.Status != 200 || !strings.Contains(page.Body, text) {
			t.Fatalf("%d, without %q", page.Status, text)
		}
	}
	for _, one := range all {
		kommun.Get("/installningar/" + one.key()).Is(200).Lacks("%!")
	}
	form := url.Values{"kommun": {"0680"}, "value": {"500"}, "from": {"2026-12-01"}, "decision": {"Styrgruppen § 9"}}
	kommun.Post("/installningar/"+promise, form).Is(422, `value="500"`, `value="Styrgruppen § 9"`, "Talet är för stort")
	form.Set("value", "5")
	kommun.Post("/installningar/"+promise, form).Is(303).To("/installningar?kommun=0684")
	if got := terms(t, s, "0684", "", "2026-12-01").PromiseDays; got != 5 {
		t.Fatalf("%d days", got)
	}
	if got := terms(t, s, "0680", "", "2026-12-01").PromiseDays; got != 7 {
		t.Fatal("the form of one kommun changed another's")
	}
	kommun.Get("/installningar").Holds("Från 1 december 2026: 5 dagar")
	kommun.Get("/installningar/"+promise).Holds("Styrgruppen § 9", "Eva Lund")
	kommun.Get("/installningar?centrum=0684").Is(200).Lacks("Rättslig ram")
	app.As(e.People.Region).Get("/installningar?kommun=0680").Is(200, "Jönköping")
	for path, status := range map[string]int{"/installningar/finns-inte": 404, "/installningar?centrum=0680": 404} {
		kommun.Get(path).Is(status)
	}
	app.As(e.People.Maria).Get("/installningar").Is(403)
	app.As(halsocoach.Actor{}).Get("/installningar").Is(303)
}
