package waiting

import (
	"fmt"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

const today = halsocoach.Day("2026-11-23")

// talks are days on which so many had their talk, each after so many days.
func talks(at ...[3]int) (days []dayOf) {
	for _, t := range at {
		held, wait, n := today.Plus(-t[0]), t[1], t[2]
		days, _ = place(days, dayOf{Day: held.Plus(-wait), Held: histogram{wait: n}}, today.Plus(-kept))
	}
	return days
}

func TestTheWindowWidensUntilThereAreEnough(t *testing.T) {
	for name, c := range map[string]struct {
		days []dayOf
		want string
		ok   bool
	}{
		"nobody":                       {nil, "0 0 0 0", false},
		"enough in 90 days":            {talks([3]int{0, 3, 2}, [3]int{89, 10, 3}), "10 10 5 90", true},
		"the 90th day back is out":     {talks([3]int{0, 3, 2}, [3]int{90, 10, 3}), "10 10 5 180", true},
		"enough in 365":                {talks([3]int{10, 3, 4}, [3]int{364, 10, 1}), "3 3 5 365", true},
		"too few in a year":            {talks([3]int{10, 3, 4}, [3]int{365, 10, 9}), "0 0 0 0", false},
		"nearest rank of six":          {talks([3]int{1, 1, 1}, [3]int{1, 2, 1}, [3]int{1, 3, 1}, [3]int{1, 4, 1}, [3]int{1, 5, 1}, [3]int{1, 6, 1}), "3 5 6 90", true},
		"nearest rank of five":         {talks([3]int{1, 1, 1}, [3]int{2, 2, 1}, [3]int{3, 30, 1}, [3]int{4, 40, 1}, [3]int{5, 50, 1}), "30 40 5 90", true},
		"the same day is no day":       {talks([3]int{1, 0, 5}), "0 0 5 90", true},
		"a talk to come is not yet in": {talks([3]int{-1, 4, 9}), "0 0 0 0", false},
	} {
		w, ok := measure([][]dayOf{c.days}, 5, today)
		if told(w) != c.want || ok != c.ok {
			t.Errorf("%s: %s, %v", name, told(w), ok)
		}
	}
}

func TestAPlaceWithTooFewIsNotToldByTheDifference(t *testing.T) {
	many, few := talks([3]int{1, 9, 7}), talks([3]int{1, 2, 3})
	if w, _ := measure([][]dayOf{many, few}, 5, today); told(w) != "9 9 7 90" {
		t.Errorf("many and few: %s", told(w))
	}
	if w, _ := measure([][]dayOf{few, few}, 5, today); told(w) != "2 2 6 90" {
		t.Errorf("few and few: %s", told(w))
	}
	waiting := []dayOf{{Day: today.Plus(-4), Waiting: 3}, {Day: today.Plus(-20), Waiting: 2}}
	if w, ok := measure([][]dayOf{waiting, {{Day: today, Waiting: 4}}}, 5, today); told(w) != "0 0 0 0 and 5 4" || ok {
		t.Errorf("those who wait: %s", told(w))
	}
	if w, _ := measure([][]dayOf{{{Day: today, Waiting: 4}}}, 5, today); told(w) != "0 0 0 0" {
		t.Errorf("four who wait: %s", told(w))
	}
}

func TestDaysAreCountedByTheCalendar(t *testing.T) {
	for _, c := range []struct {
		from, to halsocoach.Day
		n        int
	}{{"2026-03-28", "2026-03-30", 2}, {"2026-10-24", "2026-10-26", 2}, {"2026-11-23", "2026-11-23", 0}, {"2025-11-23", "2026-11-23", 365}, {"2026-11-23", "2026-11-20", 0}} {
		if n := between(c.from, c.to); n != c.n {
			t.Errorf("%s to %s: %d", c.from, c.to, n)
		}
	}
}

func TestWhatIsOldLeavesTheSum(t *testing.T) {
	days := talks([3]int{10, 3, 1}, [3]int{390, 3, 1})
	if len(days) != 2 {
		t.Fatalf("%v", days)
	}
	later := today.Plus(20)
	days, news := place(days, dayOf{Day: later, Waiting: 1}, later.Plus(-kept))
	if len(days) != 2 || !news || days[1].Day != later {
		t.Fatalf("%v", days)
	}
	if days, news = place(days, dayOf{Day: later}, later.Plus(-kept)); len(days) != 1 || !news {
		t.Fatalf("%v", days)
	}
	if _, news = place(days, dayOf{Day: later}, later.Plus(-kept)); news {
		t.Fatal("nothing again is news")
	}
}

func TestThePageSaysTheWaitInWords(t *testing.T) {
	env := testenv.New(t, Kinds())
	r := newRecords()
	s := node(env, r)
	day := halsocoach.DayOf(env.Clock.Now())
	for i := range 12 {
		id := fmt.Sprintf("referral-%d", i)
		r.statuses[id] = Status{Centre: "0684", Received: day.Plus(-20 - i).At(9 * 60), Open: i >= 6, TakenIn: i < 6}
		if i < 6 {
			r.joined[id], r.enrolments[id] = id, halsocoach.Enrolment{ID: id, Referral: id}
			r.held[id] = []halsocoach.Day{day.Plus(-20)}
		}
		testenv.Must(t, s.fold(t.Context(), id))
	}
	app := env.App(func(a *web.App) { s.Routes(a.Fiber()) })
	anybody := app.As(halsocoach.Actor{})
	page := anybody.Get("/halsocenter")
	for _, words := range []string{"Hälsocenter Sävsjö", "inom 2 dagar, 8 av 10 inom 4 dagar (senaste 90 dagarna)", "Just nu väntar 6 personer. Hälften av dem har väntat högst 28 dagar än så länge.", "för få för att visa"} {
		if page.Status != 200 || !strings.Contains(page.Body, words) {
			t.Errorf("%d, without %q", page.Status, words)
		}
	}
	tag := page.Header.Get("ETag")
	if tag == "" || anybody.Get("/halsocenter").Header.Get("ETag") != tag {
		t.Error("the same page has another tag")
	}
	env.Clock.Set(day.Plus(1).At(9 * 60))
	if next := anybody.Get("/halsocenter"); next.Header.Get("ETag") == tag || !strings.Contains(next.Body, "högst 29 dagar") {
		t.Error("the next day shows the page of the day before")
	}
	all, err := s.Waits(t.Context())
	if err != nil || len(all) != 1 || all["0684"].N != 6 {
		t.Errorf("%v %v", all, err)
	}
	delete(r.statuses, "referral-0")
	delete(r.statuses, "referral-11")
	for _, id := range []string{"referral-0", "referral-11"} {
		testenv.Must(t, s.fold(t.Context(), id))
	}
	if w, _, _ := s.Wait(t.Context(), "0684"); w.N != 6 || *w.Waiting != 5 {
		t.Errorf("after two are erased: %s", told(w))
	}
}
