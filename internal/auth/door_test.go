package auth

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/auth/draft"
	"halsocoach/internal/auth/limit"
	"halsocoach/internal/store"
)

// eachHolds fails when a document holds the text.
func eachHolds(t *testing.T, text string) func(store.Document) error {
	return func(d store.Document) error {
		if strings.Contains(string(d.Body), text) || strings.Contains(d.ID, text) {
			t.Errorf("%s is stored in %s", text, d.Body)
		}
		return nil
	}
}

func TestPersonasComeInThroughTheDemosDoor(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	b.get("/logga-in?next=/blankett").is(200, "Elsa Berg", "Maria Holm")
	a := b.post("/demo/sign-in", url.Values{"persona": {"elsa"}, "next": {"/blankett"}})
	if a.status != 303 || a.header.Get("Location") != "/blankett" {
		t.Fatalf("%d to %s", a.status, a.header.Get("Location"))
	}
	cookie := a.header.Get("Set-Cookie")
	for _, part := range []string{"session=", "HttpOnly", "SameSite=Lax", "path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie lacks %s: %s", part, cookie)
		}
	}
	if strings.Contains(cookie, "ecure") || strings.Contains(cookie, "xpires") {
		t.Errorf("on plain http: %s", cookie)
	}
	if a := b.get("/blankett"); a.body != "|Elsa Berg" {
		t.Fatalf("signed in as %q", a.body)
	}
	b.post("/demo/sign-in", url.Values{"persona": {"nobody"}}).is(422, "finns inte i demon")
	for asked, lands := range map[string]string{"//evil.example": "/min-halsa", "https://evil.example": "/min-halsa", `/\evil`: "/min-halsa", "/ok?a=b": "/ok?a=b"} {
		if a := b.post("/demo/sign-in", url.Values{"persona": {"anna"}, "next": {asked}}); a.header.Get("Location") != lands {
			t.Errorf("next=%s leads to %s", asked, a.header.Get("Location"))
		}
	}
}

func TestProgramsGetATokenAtTheDemosDoor(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	a := b.send("POST", "/demo/sign-in", url.Values{"persona": {"citizen:7"}}, "Accept", "application/json")
	var got demoAnswer
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || got.Actor.ID != e.People.Omar.ID || got.Actor.Role != halsocoach.RoleCitizen {
		t.Fatalf("%d %s %v", a.status, a.body, err)
	}
	b.cookies = map[string]string{}
	if a := b.send("GET", "/blankett", nil, "Authorization", "Bearer "+got.Token); a.body != "|Påhittad" {
		t.Fatalf("by Bearer: %q", a.body)
	}
	b.send("POST", "/demo/sign-in", url.Values{"persona": {"coach:9999"}}, "Accept", "application/json").is(422)
}

func TestTheDemosDoorIsShutOutsideTheDemo(t *testing.T) {
	e, _ := house(t)
	s := node(t, e, func(c *Config) { c.Demo = false })
	b := open(t, e, s)
	for _, a := range []answer{
		b.post("/demo/sign-in", url.Values{"persona": {"region"}}), b.get("/demo/sign-in"),
		b.send("POST", "/demo/sign-in", url.Values{"persona": {"region"}}, "Accept", "application/json"),
	} {
		if a.status != 404 || a.header.Get("Set-Cookie") != "" {
			t.Fatalf("%d %s", a.status, a.header.Get("Set-Cookie"))
		}
	}
	b.get("/logga-in").is(200, "inloggningslänk").lacks("Elsa Berg")
}

func TestTheCookieIsTheHostsOwnOnHTTPS(t *testing.T) {
	e, _ := house(t)
	s := node(t, e, func(c *Config) { c.PublicURL = "https://halsocoach.example" })
	b := open(t, e, s)
	a := b.post("/demo/sign-in", url.Values{"persona": {"anna"}})
	if cookie := a.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-session=") || !strings.Contains(cookie, "secure") || !strings.Contains(cookie, "path=/") || strings.Contains(cookie, "domain") {
		t.Fatal(cookie)
	}
}

func TestSigningOutEndsTheSessionNotOnlyTheCookie(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	b.be("maria")
	stolen := b.cookies["session"]
	if a := b.post("/logga-ut", nil); a.status != 303 || b.cookies["session"] != "" {
		t.Fatalf("%d %v", a.status, b.cookies)
	}
	_, err := s.ActorOf(e.Ctx(), stolen)
	want(t, err, halsocoach.KindSignIn)
	b.get("/logga-ut").is(303)
	b.be("maria")
	first := b.cookies["session"]
	b.be("kommun")
	_, err = s.ActorOf(e.Ctx(), first)
	want(t, err, halsocoach.KindSignIn)
}

func TestAnotherOriginCanNotWriteWithOurCookie(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	b.be("kommun")
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}} {
		b.send("POST", "/personal/maria/avsluta", nil, headers...).is(403)
	}
	if m, _ := s.staff.Member(e.Ctx(), "maria"); m.Ended {
		t.Fatal("it was done all the same")
	}
}

func TestAnInterruptedFormComesBackToTheSamePerson(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	b.be("maria")
	e.Clock.Add(idleLimit)
	a := b.post("/blankett", url.Values{"why": {"Lång hemlig text"}})
	if a.status != 303 || a.header.Get("Location") != "/logga-in?next=%2Fblankett" || b.cookies["draft"] == "" {
		t.Fatalf("%d %s %v", a.status, a.header.Get("Location"), b.cookies)
	}
	if err := e.Store.Each(e.Ctx(), draft.Kind.Name, eachHolds(t, "hemlig")); err != nil {
		t.Fatal(err)
	}
	b.be("kommun")
	if a := b.get("/blankett"); a.body != "|Eva Lund" {
		t.Fatalf("another person sees %q", a.body)
	}
	b.be("maria")
	if a := b.get("/blankett"); a.body != "Lång hemlig text|Maria Holm" {
		t.Fatalf("the person gets %q", a.body)
	}
	if a := b.get("/blankett"); a.body != "|Maria Holm" || b.cookies["draft"] != "" {
		t.Fatalf("a second time: %q", a.body)
	}
}

func TestWhoseAnEndedTokenWas(t *testing.T) {
	e, s := house(t)
	signed := signIn(t, s, Identity{Staff: "maria"})
	e.Clock.Add(2 * absoluteLimit)
	if got := s.tokens.owner(signed.Token); got != "maria" {
		t.Fatalf("%q", got)
	}
	forged := signed.Token[:len(signed.Token)-6] + "AAAAAA"
	if got := s.tokens.owner(forged); got != "" {
		t.Fatalf("a forged token was %q's", got)
	}
}

func TestALinkLiesSealedInTheCookieOfItsMaker(t *testing.T) {
	e, _ := house(t)
	s := node(t, e, func(c *Config) { c.PublicURL = "https://halsocoach.example" })
	b := open(t, e, s)
	lay := func() {
		t.Helper()
		b.be("kommun")
		a := b.post("/personal/maria/lank", url.Values{})
		if cookie := a.header.Get("Set-Cookie"); a.status != 303 || !strings.HasPrefix(cookie, "__Host-inbjudan=") || !strings.Contains(cookie, "secure") {
			t.Fatalf("%d %s", a.status, cookie)
		}
	}
	lay()
	const name = "__Host-inbjudan"
	sealed := b.cookies[name]
	if a := b.get("/personal/lank"); a.status != 200 || !strings.Contains(a.body, "https://halsocoach.example/inbjudan/") || b.cookies[name] != "" {
		t.Fatalf("%d %v", a.status, b.cookies)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(sealed); err != nil || strings.Contains(string(raw), "inbjudan") {
		t.Fatalf("the link can be read: %v", err)
	}
	b.be("region")
	b.cookies[name] = sealed
	b.get("/personal/lank").is(303)
	lay()
	if b.post("/logga-ut", nil); b.cookies[name] != "" {
		t.Fatal("it outlives the sign-out")
	}
	b.be("kommun")
	b.cookies[name] = sealed
	e.Clock.Add(5 * time.Minute)
	b.get("/personal/lank").is(303)
}

// TestAVisitorKeepsFewForms: somebody who has not said who they are can not fill
// the store; one who has been signed in is not stopped by it.
func TestAVisitorKeepsFewForms(t *testing.T) {
	e, s := house(t)
	for range 3 * limit.AtMost {
		open(t, e, s).post("/blankett", url.Values{"why": {"text"}})
	}
	n := 0
	if err := e.Store.Each(e.Ctx(), draft.Kind.Name, func(store.Document) error { n++; return nil }); err != nil || n != limit.AtMost {
		t.Fatalf("%d kept, %v", n, err)
	}
	b := open(t, e, s)
	b.be("maria")
	e.Clock.Add(idleLimit)
	if b.post("/blankett", url.Values{"why": {"text"}}); b.cookies["draft"] == "" {
		t.Fatal("the form of a person is not kept")
	}
}
