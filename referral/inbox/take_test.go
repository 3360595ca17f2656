package inbox_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

func TestOneOfFiftyCoachesTakesItAndTheOthersAreToldWho(t *testing.T) {
	g := open(t)
	for round := range testenv.Count(2, 10) {
		id := g.sent(g.People.Vardcentral, fmt.Sprint("k", round), nameless(fmt.Sprint("Person ", round)))
		var wg sync.WaitGroup
		faults := make([]error, 50)
		for i := range faults {
			wg.Go(func() { faults[i] = g.svc.TakeCare(g.Ctx(), colleague(i), id, inbox.Care{Act: record.Take}) })
		}
		wg.Wait()
		won := slices.IndexFunc(faults, func(err error) bool { return err == nil })
		for i, err := range faults {
			var first *inbox.TakenError
			if i != won && (!errors.As(err, &first) || first.Name != fmt.Sprint("Kollega coach-", won)) {
				t.Fatalf("coach %d is told %v, and %d has it", i, err, won)
			}
		}
		if r := g.stored(id); r.Taken == nil || r.Taken.By != fmt.Sprint("coach-", won) || r.State != record.Taken {
			t.Fatalf("%+v", r.Taken)
		}
	}
}

func TestARecommendationChangesHands(t *testing.T) {
	g := open(t)
	id := g.sent(g.People.Vardcentral, "k", wish())
	maria, at := g.app.As(g.People.Maria), "/inkorg/"+id+"/ansvar"
	step := func(status int, state record.State, holder string, form url.Values) {
		t.Helper()
		maria.Post(at, form).Is(status)
		r, have := g.stored(id), ""
		if r.Taken != nil {
			have = r.Taken.By
		}
		if r.State != state || have != holder {
			t.Fatalf("%s with %q, want %s with %q", r.State, have, state, holder)
		}
	}
	step(422, record.Received, "", url.Values{"act": {"accept"}})
	step(303, record.Taken, "maria", url.Values{"act": {"take"}})
	step(303, record.Taken, "maria", url.Values{"act": {"take"}}) // again
	step(422, record.Taken, "maria", url.Values{"act": {"take"}, "to": {""}, "from": {"maria"}})
	step(422, record.Taken, "maria", url.Values{"act": {"take"}, "to": {"johan"}, "from": {"maria"}}) // works elsewhere
	step(303, record.OnHold, "maria", url.Values{"act": {"hold"}, "from": {"maria"}})
	step(303, record.Taken, "maria", url.Values{"act": {"resume"}, "from": {"maria"}})
	step(303, record.Taken, "coach-3", url.Values{"act": {"take"}, "to": {"coach-3"}, "from": {"maria"}})
	step(409, record.Taken, "coach-3", url.Values{"act": {"release"}, "from": {"maria"}})
	step(303, record.Taken, "maria", url.Values{"act": {"take"}, "from": {"coach-3"}})
	step(303, record.Received, "", url.Values{"act": {"release"}, "from": {"maria"}})
	testenv.Must(t, testenv.ErrOf(g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), id, inbox.Ruling{Decision: "accept"})))
	step(409, record.Accepted, "", url.Values{"act": {"take"}})
	var logged []string
	for _, row := range g.AccessLog.Rows() {
		if row.Who.Role == halsocoach.RoleCoach && strings.HasSuffix(string(row.Act), " referral") && row.Act != "read referral" {
			logged = append(logged, strings.TrimSuffix(string(row.Act), " referral"))
		}
	}
	if want := []string{"take", "take", "hold", "resume", "take", "take", "release", "decide"}; !slices.Equal(logged, want) {
		t.Fatalf("%q", logged)
	}
}

func TestTheInboxIsNarrowedByItsIndexes(t *testing.T) {
	g := open(t)
	first := nameless("Första")
	a := g.sent(g.People.Vardcentral, "a", first)
	g.Clock.Add(24 * time.Hour)
	second := nameless("Andra")
	second.Language, second.Interpreter = "ar", true
	b := g.sent(g.People.Forening, "b", second)
	g.Clock.Add(24 * time.Hour)
	third := nameless("Tredje")
	third.Language = "ar"
	c := g.sent(g.People.Vardcentral, "c", third)
	testenv.Must(g.T, g.svc.TakeCare(g.Ctx(), g.People.Maria, b, inbox.Care{Act: record.Take}))
	g.Clock.Set(testenv.Morning().Add(9 * 24 * time.Hour)) // the first and the second are late
	for _, x := range []struct {
		name string
		q    record.InboxQuery
		want []string
	}{
		{"all, the first due first", record.InboxQuery{}, []string{a, b, c}},
		{"source", record.InboxQuery{Source: halsocoach.FromCareCentre}, []string{a, c}},
		{"language", record.InboxQuery{Language: "ar"}, []string{b, c}},
		{"Swedish", record.InboxQuery{Language: "sv"}, []string{a}},
		{"mine", record.InboxQuery{Holder: "maria"}, []string{b}},
		{"nobody's", record.InboxQuery{Holder: record.Nobody}, []string{a, c}},
		{"late", record.InboxQuery{Late: true}, []string{a, b}},
		{"late and nobody's", record.InboxQuery{Late: true, Holder: record.Nobody}, []string{a}},
		{"all together", record.InboxQuery{Late: true, Holder: "maria", Source: halsocoach.FromAssociation, Language: "ar"}, []string{b}},
		{"nonsense", record.InboxQuery{Source: "rymden"}, nil},
	} {
		if got := g.list(g.People.Maria, x.q); !slices.Equal(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
	maria := g.app.As(g.People.Maria)
	r := maria.Get("/inkorg")
	if !strings.Contains(r.Body, "1 person har väntat längre än ni har lovat") || !strings.Contains(r.Body, "Hos Maria Holm") {
		t.Fatal(r.Body)
	}
	maria.Get("/inkorg?vem=mina").Holds("Andra").Lacks("Tredje")
	testenv.Must(t, testenv.ErrOf(g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), b, inbox.Ruling{Decision: "decline", Reason: "full"})))
	if got := g.list(g.People.Maria, record.InboxQuery{Language: "ar"}); !slices.Equal(got, []string{c}) {
		t.Fatalf("what is decided is in the list: %q", got)
	}
	maria.Get("/inkorg?visa=avvisade").Holds("Andra").Lacks("Tredje")
}

func TestTheNextCentreSeesTheWayOfAForwardedOne(t *testing.T) {
	g := open(t)
	id := g.sent(g.People.Vardcentral, "k", wish())
	testenv.Must(g.T, g.svc.Note(g.Ctx(), g.People.Maria, key("n"), id, inbox.Reach{How: "sms", Went: "not_reached", Note: "Hemligt"}))
	testenv.Must(t, testenv.ErrOf(g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), id, inbox.Ruling{Decision: "forward", Centre: "0680"})))
	g.Eventually("Johan has it", func() bool { return len(g.list(g.People.Johan, record.InboxQuery{})) == 1 })
	r := g.app.As(g.People.Johan).Get("/inkorg/" + g.list(g.People.Johan, record.InboxQuery{})[0])
	for _, want := range []string{"Hälsocenter Sävsjö", "av Maria Holm", "Skickade sms. Inget svar."} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(r.Body, "Hemligt") {
		t.Error("a colleague's note is shown at another centre")
	}
}

func TestAKommunSeesHowManyAreForgottenAndNeverWho(t *testing.T) {
	g := open(t)
	text := func(who halsocoach.Actor) string { return g.app.As(who).Get("/rekommendationer-i-vantan").Body }
	send := func(i int, protected bool) string {
		w := nameless(fmt.Sprint("Person ", i))
		w.Protected = protected
		return g.sent(g.People.Vardcentral, fmt.Sprint("k", i), w)
	}
	for i := range 4 {
		send(i, false)
	}
	send(98, true)
	taken := send(99, false)
	testenv.Must(g.T, g.svc.TakeCare(g.Ctx(), g.People.Maria, taken, inbox.Care{Act: record.Take}))
	for _, x := range []struct {
		days int
		want string
	}{{13, ">0<"}, {14, ">0<"}, {15, "För få för att visa"}} {
		g.Clock.Set(testenv.Morning().AddDate(0, 0, x.days))
		if body := text(g.People.Kommun); !strings.Contains(body, x.want) {
			t.Errorf("after %d days: no %q in %s", x.days, x.want, body)
		}
	}
	testenv.Must(g.T, g.svc.TakeCare(g.Ctx(), g.People.Maria, taken, inbox.Care{Act: record.Release, From: "maria"}))
	body := text(g.People.Kommun)
	if !strings.Contains(body, ">5<") || strings.Contains(body, "Person ") {
		t.Fatal(body)
	}
	if body := text(g.People.Region); !strings.Contains(body, ">5<") || strings.Count(body, "<tr>") != 14 {
		t.Fatal(body)
	}
	other := g.People.Kommun
	other.Kommun = "0680"
	if body := text(other); !strings.Contains(body, ">0<") {
		t.Fatal(body)
	}
}
