package auth

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"halsocoach"
)

func TestOwnSignInsAreListedAndEndedByTheirOwnerOnly(t *testing.T) {
	e, s := house(t)
	phone, desk, other := open(t, e, s), open(t, e, s), open(t, e, s)
	phone.headers["User-Agent"] = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1"
	desk.headers["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
	phone.be("anna")
	e.Clock.Add(time.Minute)
	desk.be("anna")
	other.be("maria")
	p := desk.get("/mina-inloggningar")
	if p.status != 200 || strings.Count(p.body, "Den här") != 1 || strings.Index(p.body, "Edge på Windows") > strings.Index(p.body, "Safari på iPhone") || strings.Contains(p.body, "Mozilla") {
		t.Fatalf("%d %s", p.status, p.body)
	}
	_, rest, _ := strings.Cut(p.body, `name="inloggning" value="`)
	ref, _, _ := strings.Cut(rest, `"`)
	other.post("/mina-inloggningar/avsluta", url.Values{"inloggning": {ref}})
	phone.get("/blankett").is(200)
	for range 2 {
		desk.post("/mina-inloggningar/avsluta", url.Values{"inloggning": {ref}}).is(303).to("/mina-inloggningar")
	}
	phone.get("/blankett").is(303)
	phone.be("anna")
	desk.post("/mina-inloggningar/avsluta-andra", nil)
	if a, b, c := phone.get("/blankett"), desk.get("/blankett"), other.get("/blankett"); a.status != 303 || b.status != 200 || c.status != 200 {
		t.Fatalf("%d %d %d", a.status, b.status, c.status)
	}
	if a := open(t, e, s).get("/mina-inloggningar"); a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/logga-in") {
		t.Fatalf("a visitor: %d", a.status)
	}
}

func TestADeviceIsToldCoarsely(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36": "Chrome/Android",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15":     "Safari/Mac",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                 "Firefox/Linux",
		"Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605.1.15 CriOS/140.0 Mobile/15E148 Safari/604.1":              "Chrome/iPad",
		"curl/8": "/", "": "/",
	} {
		if got := deviceOf(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

func TestLimitsAreConfiguration(t *testing.T) {
	e, _ := house(t)
	s := node(t, e, func(c *Config) { c.Limits = Limits{Idle: 10 * time.Minute, Longest: 25 * time.Minute} })
	if err := s.Start(e.Ctx(), e.Bus); err != nil {
		t.Fatal(err)
	}
	idle := signIn(t, s, Identity{Staff: "maria"})
	e.Clock.Add(10 * time.Minute)
	_, err := s.ActorOf(e.Ctx(), idle.Token)
	want(t, err, halsocoach.KindSignIn)
	busy := signIn(t, s, Identity{Staff: "maria"})
	for range 3 {
		if _, err := s.ActorOf(e.Ctx(), busy.Token); err != nil {
			t.Fatal(err)
		}
		e.Clock.Add(8 * time.Minute)
	}
	e.Clock.Add(time.Minute)
	_, err = s.ActorOf(e.Ctx(), busy.Token)
	want(t, err, halsocoach.KindSignIn)
	for bad, says := range map[Limits]string{
		{Idle: time.Second}:                             "HALSOCOACH_SESSION_IDLE",
		{Idle: 25 * time.Hour, Longest: 26 * time.Hour}: "HALSOCOACH_SESSION_IDLE",
		{Idle: time.Hour, Longest: time.Minute}:         "HALSOCOACH_SESSION_LONGEST",
		{Idle: time.Hour, Longest: 7 * 24 * time.Hour}:  "HALSOCOACH_SESSION_LONGEST",
	} {
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "give from") {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := (Limits{}).Check(); err != nil {
		t.Fatal(err)
	}
}

func TestAskingHowLongIsLeftIsNoUseAndStayingIs(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	b.be("maria")
	ask := func() (left remaining) {
		t.Helper()
		a := b.send("GET", "/mina-inloggningar/tid", nil, "Accept", "application/json")
		if err := json.Unmarshal([]byte(a.body), &left); err != nil || a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return left
	}
	for _, minutes := range []int{60, 45, 30, 15} {
		if left := ask(); left.Idle != minutes*60 {
			t.Fatalf("%+v, want %d minutes", left, minutes)
		}
		e.Clock.Add(15 * time.Minute)
	}
	b.send("GET", "/mina-inloggningar/tid", nil, "Accept", "application/json").is(401)
	b.be("maria")
	e.Clock.Add(58 * time.Minute)
	a := b.send("POST", "/mina-inloggningar/stanna", nil, "Accept", "application/json")
	if a.status != 200 || !strings.Contains(a.body, `"idle":3600`) || !strings.Contains(a.body, `"longest":39720`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	e.Clock.Add(58 * time.Minute)
	b.post("/mina-inloggningar/stanna", url.Values{"next": {"/blankett"}}).is(303).to("/blankett")
	who, err := s.ActorOf(e.Ctx(), b.cookies["session"])
	if err != nil {
		t.Fatal(err)
	}
	if idle, longest := s.Left(who); idle != time.Hour || longest != absoluteLimit-116*time.Minute {
		t.Fatal(idle, longest)
	}
}

func TestACitizensKommunIsThatOfTheSignIn(t *testing.T) {
	e, s := house(t)
	signed := signIn(t, s, Identity{Person: e.People.Anna.ID, Name: "Anna Lind", Kommun: "0684"})
	s.cache.drop(signed.Actor.Session) // as stored
	who, err := s.ActorOf(e.Ctx(), signed.Token)
	if err != nil || who.Kommun != "0684" || signed.Actor.Kommun != "0684" {
		t.Fatalf("%+v, %v", who, err)
	}
	if maria := signIn(t, s, Identity{Staff: "maria", Kommun: "0680"}); maria.Actor.Kommun != "0684" {
		t.Fatal("a member's kommun is the register's")
	}
}
