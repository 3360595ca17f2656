package registers

import (
	"net/url"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/web"
)

func TestACentreTakesPeopleInFromAfarFromTheDayThatWasDecided(t *testing.T) {
	e, s := house(t)
	online := func(days int) bool {
		e.Clock.Set(halsocoach.Day("2026-11-23").Plus(days).At(9 * 60))
		c, err := s.Centre(e.Ctx(), "0684")
		if err != nil {
			t.Fatal(err)
		}
		return c.Online
	}
	yes := RemoteInput{On: true, From: "2026-11-30", Decision: "Lokala styrgruppen 10 november 2026, § 4"}
	for i, want := range []bool{true, false} { // the same request twice is one decision
		if made, err := s.DecideRemote(e.Ctx(), e.People.Kommun, key("a"), "0684", yes); err != nil || made != want {
			t.Fatalf("%d: %v, %v", i, made, err)
		}
	}
	no := RemoteInput{From: "2026-12-10", Decision: "Lokala styrgruppen 20 november 2026, § 9"}
	if _, err := s.DecideRemote(e.Ctx(), e.People.Kommun, key("a"), "0684", no); err == nil {
		t.Fatal("the same key for something else")
	}
	if _, err := s.DecideRemote(e.Ctx(), e.People.Kommun, key("b"), "0684", no); err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]bool{0: false, 6: false, 7: true, 16: true, 17: false, 400: false} {
		if online(days) != want {
			t.Errorf("after %d days: %v", days, !want)
		}
	}
	past, err := s.Remotes(e.Ctx(), e.People.Kommun, "0684")
	if err != nil || len(past) != 2 || past[0].On || past[1].Name != "Eva Lund" || past[1].Decision != yes.Decision || past[1].From != yes.From {
		t.Fatalf("%+v, %v", past, err)
	}
}

func TestADecisionOnRemoteIsTheKommunsOwn(t *testing.T) {
	e, s := house(t)
	good := RemoteInput{On: true, From: "2026-11-23", Decision: "Beslut"}
	_, err := s.DecideRemote(e.Ctx(), e.People.Kommun, key("x"), "0680", good)
	want(t, err, halsocoach.KindNotFound)
	_, err = s.DecideRemote(e.Ctx(), e.People.Maria, key("x"), "0684", good)
	want(t, err, halsocoach.KindForbidden)
	_, err = s.DecideRemote(e.Ctx(), e.People.Region, key("x"), "0684-9", good)
	want(t, err, halsocoach.KindNotFound)
	for name, w := range map[string]RemoteInput{
		"yesterday": {From: "2026-11-22", Decision: "Beslut"}, "no day": {Decision: "Beslut"}, "far ahead": {From: "2029-01-01", Decision: "Beslut"},
		"no decision": {From: "2026-11-23"}, "a long one": {From: "2026-11-23", Decision: strings.Repeat("å", decisionLimit+1)},
	} {
		_, err := s.DecideRemote(e.Ctx(), e.People.Kommun, key(name), "0684", w)
		if halsocoach.KindOf(err) != halsocoach.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	app := e.App(func(a *web.App) { s.Routes(a.Fiber()) })
	kommun := app.As(e.People.Kommun)
	at := "/register/centrum/0684/distans"
	kommun.Get(at).Is(200, "Inget beslut är inskrivet än")
	kommun.Post(at, url.Values{"on": {"ja"}, "from": {"2026-11-23"}}).Is(422, "Skriv vem som har beslutat")
	kommun.Post(at, url.Values{"on": {"ja"}, "from": {"2026-11-23"}, "decision": {"Styrgruppen § 3"}}).Is(303)
	kommun.Get(at).Holds("Styrgruppen § 3", "Eva Lund")
	kommun.Get("/register").Holds("Tar emot på distans i hela länet")
}
