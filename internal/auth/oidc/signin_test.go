package oidc

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/auth"
	"halsocoach/internal/auth/oidc/oidctest"
	"halsocoach/internal/staff"
)

func TestACitizenIsKnownByTheNumberAndLandsWhereTheyWere(t *testing.T) {
	g := newGround(t)
	b := g.node(t).browser()
	b.get("/logga-in?next=/vem").is(200, "BankID eller Freja", "SITHS", "/logga-in/med/bankid?next=%2Fvem")
	start := b.get(citizen + "?next=" + url.QueryEscape("/vem?a=b"))
	to, err := url.Parse(start.where)
	if err != nil || start.status != 303 {
		t.Fatalf("%d %v", start.status, err)
	}
	q := to.Query()
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) < 32 {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	if q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != public+"/logga-in/svar/bankid" {
		t.Errorf("%v", q)
	}
	cookie := start.header.Get("Set-Cookie")
	for _, part := range []string{"inloggning=", "HttpOnly", "SameSite=Lax", "max-age=600"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie lacks %s: %s", part, cookie)
		}
	}
	back := b.get(g.provider.SignIn(t, start.where, "elsa"))
	if back.status != 303 || back.where != "/vem?a=b" || b.cookies["inloggning"] != "" {
		t.Fatalf("%d to %s, %v", back.status, back.where, b.cookies)
	}
	if got := b.get("/vem").body; got != "citizen|"+g.People.Elsa.ID+"|Elsa Berg|0684|skyddad" {
		t.Fatalf("signed in as %s", got)
	}
	if back := g.node(t).browser().through(g, citizen+"?next=//evil.example", "elsa"); back.where != "/min-halsa" {
		t.Fatalf("next leads to %s", back.where)
	}
}

func TestStaffAreKnownByHSAIDByNumberOrBySubject(t *testing.T) {
	g := newGround(t)
	n := g.node(t, func(all []Provider) { all[2].ID = "kommun" })
	n.staff(g)
	if p := n.browser().through(g, siths, "maria-1"); p.status != 303 { // weak: is asked to step up
		t.Fatalf("%d", p.status)
	}
	b := n.browser()
	b.through(g, siths, "eva-1").is(303).to("/")
	if got := b.get("/vem").body; !strings.HasPrefix(got, "kommun|eva|Eva Lund|0684") {
		t.Fatal(got)
	}
	n.hire(staff.Member{ID: "per", Name: "Per Sjö", Role: halsocoach.RoleRegion, Identities: []string{auth.SubjectIdentity(g.provider.URL, "johan-1")}})
	b = n.browser()
	b.through(g, kommun, "johan-1")
	if got := b.get("/vem").body; !strings.HasPrefix(got, "region|per") {
		t.Fatal(got)
	}
	number, err := halsocoach.ParseNumber("200302022389", g.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	identity, err := n.auth.PersonIdentity(g.Ctx(), number)
	if err != nil || strings.Contains(identity, "2389") {
		t.Fatal(identity, err)
	}
	n.hire(staff.Member{ID: "elsa", Name: "Elsa Berg", Role: halsocoach.RoleFamily, Identities: []string{identity}})
	byNumber := g.node(t, func(all []Provider) {
		all[2].Claims.Personnummer, all[2].SpeaksFor = "personnummer", []string{"person"}
	})
	b = byNumber.browser()
	b.through(g, kommun, "elsa")
	if got := b.get("/vem").body; !strings.HasPrefix(got, "family|elsa") {
		t.Fatal(got)
	}
}

// secrets are what no log line may hold.
var secrets = []string{"2389", "Elsa", "Berg", "Maria", "SE2321000016", "elsa", "maria-1", "namnlos"}

func TestEveryWrongAnswerHasItsOwnPageAndALineWithoutThePerson(t *testing.T) {
	g := newGround(t)
	claims := func(f func(map[string]any)) oidctest.Wrong { return oidctest.Wrong{Claims: f} }
	set := func(name string, value any) oidctest.Wrong {
		return claims(func(c map[string]any) { c[name] = value })
	}
	seen := map[string]string{}
	for _, c := range []struct {
		name, subject string
		wrong         oidctest.Wrong
		status        int
		title, fault  string
	}{
		{"cancelled by the person", "", oidctest.Wrong{}, 200, "Du avbröt inloggningen", "cancelled"},
		{"wrong issuer", "elsa", set("iss", "https://evil.example"), 502, "Svaret kom från fel håll", "other issuer"},
		{"other audience", "elsa", set("aud", "another"), 502, "Svaret var inte till oss", "meant for another service"},
		{"two audiences and nobody named", "elsa", claims(func(c map[string]any) { c["aud"] = []string{g.provider.Client, "b"}; delete(c, "azp") }), 502, "Svaret var inte till oss", "meant for another service"},
		{"authorized another party", "elsa", set("azp", "another"), 502, "Svaret var inte till oss", "meant for another service"},
		{"expired", "elsa", set("exp", g.Clock.Now().Add(-skew-time.Second).Unix()), 502, "Svaret hade slutat gälla", "token expired"},
		{"from the future", "elsa", set("iat", g.Clock.Now().Add(skew+2*time.Second).Unix()), 502, "Svaret hade slutat gälla", "token expired"},
		{"replayed from another flow", "elsa", set("nonce", "another"), 400, "Svaret hörde till en annan inloggning", "token of another flow"},
		{"without nonce", "elsa", claims(func(c map[string]any) { delete(c, "nonce") }), 400, "Svaret hörde till en annan inloggning", "token of another flow"},
		{"alg none", "elsa", oidctest.Wrong{Unsigned: true}, 502, "Svaret saknade underskrift", "without a signature we trust"},
		{"unknown key", "elsa", oidctest.Wrong{ForeignKey: true}, 502, "Underskriften gick inte att känna igen", "unknown key"},
		{"a known key's id on another's signature", "elsa", oidctest.Wrong{OtherKey: true}, 502, "Underskriften gick inte att känna igen", "unknown key"},
		{"missing claim", "namnlos", oidctest.Wrong{}, 502, "Inloggningen sa inte vem du är", "claim missing"},
		{"missing subject", "elsa", set("sub", ""), 502, "Inloggningen sa inte vem du är", "claim missing"},
		{"a number that is none", "fel", oidctest.Wrong{}, 502, "Personnumret gick inte att läsa", "not an identity number"},
		{"token endpoint answers HTML", "elsa", oidctest.Wrong{HTMLToken: true}, 502, "Inloggningen svarar konstigt just nu", "not OpenID Connect"},
		{"userinfo down", "elsa", oidctest.Wrong{UserinfoOnly: true, NoUserinfo: true}, 503, "Inloggningen svarar inte just nu", "provider down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g.provider.Do(oidctest.Wrong{})
			b := g.node(t).browser()
			back := b.until(g, citizen+"?next=/vem", "elsa")
			if c.subject != "elsa" {
				back = b.until(g, citizen+"?next=/vem", c.subject)
			}
			g.provider.Do(c.wrong)
			g.log.take()
			p := b.get(back)
			p.is(c.status, c.title)
			if c.subject != "" && !strings.Contains(p.body, "/logga-in/med/bankid?next=%2Fvem") {
				t.Errorf("no way on: %s", p.body)
			}
			if got := b.get("/vem").body; got != "||||" {
				t.Errorf("signed in as %s", got)
			}
			line := g.log.take()
			if !strings.Contains(line, c.fault) {
				t.Errorf("the log says %s", line)
			}
			for _, s := range secrets {
				if strings.Contains(line, s) {
					t.Errorf("the log holds %s: %s", s, line)
				}
			}
			if other := seen[c.title]; other != "" && other != c.fault {
				t.Errorf("the page is that of %s", other)
			}
			seen[c.title] = c.fault
		})
	}
}

func TestAProviderThatIsDownOrAnswersHTMLStopsNobodyElse(t *testing.T) {
	g := newGround(t)
	for _, c := range []struct {
		name          string
		wrong         oidctest.Wrong
		status        int
		title, faults string
	}{
		{"down", oidctest.Wrong{Down: true}, 503, "Inloggningen svarar inte just nu", "provider down"},
		{"HTML", oidctest.Wrong{HTML: true}, 502, "Inloggningen svarar konstigt just nu", "not OpenID Connect"},
		{"another issuer", oidctest.Wrong{Discovery: func(d map[string]any) { d["issuer"] = "https://evil.example" }}, 502, "Svaret kom från fel håll", "other issuer"},
		{"no addresses", oidctest.Wrong{Discovery: func(d map[string]any) { delete(d, "jwks_uri") }}, 502, "Inloggningen svarar konstigt just nu", "not OpenID Connect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g.provider.Do(c.wrong)
			n := g.node(t) // the start asks for nothing
			b := n.browser()
			g.log.take()
			b.get(citizen).is(c.status, c.title, "Andra sätt att logga in")
			if line := g.log.take(); !strings.Contains(line, c.faults) || strings.Contains(line, "Welcome") {
				t.Errorf("the log says %s", line)
			}
			b.get("/logga-in").is(200, "BankID eller Freja")
			asked := g.provider.Asked("/.well-known/openid-configuration")
			b.get(citizen).is(c.status)
			if again := g.provider.Asked("/.well-known/openid-configuration"); again != asked {
				t.Errorf("a provider that does not answer was asked again at once")
			}
			g.provider.Do(oidctest.Wrong{})
			g.Clock.Add(pauseAfter)
			b.through(g, citizen, "elsa")
			if got := b.get("/vem").body; !strings.HasPrefix(got, "citizen|") {
				t.Fatalf("after it came back: %s", got)
			}
			g.provider.Do(c.wrong)
			g.Clock.Add(rediscover)
			if p := n.browser().get(citizen); p.status != 303 {
				t.Errorf("what was known of the provider is forgotten: %d", p.status)
			}
			g.provider.Do(oidctest.Wrong{})
		})
	}
}

func TestAnAnswerWorksOnceInTheBrowserThatAsked(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	b := n.browser()
	back := b.until(g, citizen, "elsa")
	n.browser().get(back).is(400, "Inloggningen gick inte att slutföra") // another browser
	kept := b.cookies["inloggning"]
	b.get(back).is(303)
	b.get(back).is(400, "Inloggningen gick inte att slutföra", "Du är redan inloggad som Elsa Berg") // reload
	thief := g.node(t).browser()                                                                     // with a copy of the cookie, on another node
	thief.cookies["inloggning"] = kept
	thief.get(back).is(409, "Inloggningen är redan använd")

	for _, spoil := range map[string]func(b *browser, back string) string{
		"bent state":      func(_ *browser, back string) string { return strings.Replace(back, "state=", "state=x", 1) },
		"no state":        func(_ *browser, back string) string { return strings.Replace(back, "state=", "x=", 1) },
		"bent cookie":     func(b *browser, back string) string { b.cookies["inloggning"] += "A"; return back },
		"another door":    func(_ *browser, back string) string { return strings.Replace(back, "bankid", "kommun", 1) },
		"ten minutes old": func(_ *browser, back string) string { g.Clock.Add(flowLasts + time.Second); return back },
	} {
		b := n.browser()
		b.get(spoil(b, b.until(g, citizen, "elsa"))).is(400, "Inloggningen gick inte att slutföra")
	}
	b = n.browser()
	back = b.until(g, citizen, "elsa") + "&iss=https%3A%2F%2Fevil.example"
	b.get(back).is(502, "Svaret kom från fel håll")
	b = n.browser()
	back = b.until(g, citizen, "elsa")
	back = back[:strings.Index(back, "code=")] + "code=guessed&" + back[strings.Index(back, "state="):]
	b.get(back).is(400, "Inloggningen hann bli för gammal")
	for _, path := range []string{"/logga-in/med/finns-inte", "/logga-in/svar/finns-inte", "/logga-in/med/siths", "/logga-in/med/bankid?som=personal"} {
		n.browser().get(path).is(404)
	}
}

func TestGuessedAnswersAreCountedPerAddress(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	g.provider.Do(oidctest.Wrong{ForeignKey: true})
	for range 20 {
		n.browser().through(g, citizen, "elsa").is(502)
	}
	g.provider.Do(oidctest.Wrong{})
	n.browser().through(g, citizen, "elsa").is(503, "många misslyckade försök")
	g.Clock.Add(15 * time.Minute)
	if p := n.browser().through(g, citizen, "elsa"); p.status != 303 {
		t.Fatalf("after the wait: %d", p.status)
	}
}

func TestKeysRollOverAndClocksMayDiffer(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	for range 2 {
		b := n.browser()
		b.through(g, citizen, "elsa").is(303)
		g.provider.Rotate()
	}
	for _, ahead := range []time.Duration{skew - 5*time.Second, -skew + 5*time.Second} {
		g.provider.Now = func() time.Time { return g.Clock.Now().Add(ahead) }
		if p := n.browser().through(g, citizen, "elsa"); p.status != 303 {
			t.Fatalf("%v: %d %s", ahead, p.status, p.body)
		}
	}
	g.provider.Now = g.Clock.Now
	g.provider.Do(oidctest.Wrong{UserinfoOnly: true})
	b := n.browser()
	b.through(g, citizen, "elsa")
	if got := b.get("/vem").body; got != "citizen|"+g.People.Elsa.ID+"|Elsa Berg|0684|skyddad" {
		t.Fatalf("with the claims in userinfo: %s", got)
	}
}

func TestStaffStepUpToAStrongerSignIn(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.staff(g)
	b := n.browser()
	again := b.through(g, siths+"&next=/vem", "maria-1")
	to, _ := url.Parse(again.where)
	if again.status != 303 || !strings.HasPrefix(again.where, g.provider.URL) || to.Query().Get("acr_values") != "loa3" || to.Query().Get("prompt") != "login" || to.Query().Get("max_age") != "0" {
		t.Fatalf("%d to %s", again.status, again.where)
	}
	if got := b.get("/vem").body; got != "||||" {
		t.Fatalf("let in before: %s", got)
	}
	b.get(g.provider.SignIn(t, again.where, "maria-1")).is(303).to("/vem")
	if got := b.get("/vem").body; !strings.HasPrefix(got, "coach|maria") {
		t.Fatal(got)
	}
	// Johan has nothing stronger.
	b = n.browser()
	again = b.through(g, siths, "johan-1")
	b.get(g.provider.SignIn(t, again.where, "johan-1")).is(403, "Inloggningen behöver vara starkare", "Logga in på ett starkare sätt")
	// Eva's one-time code will do.
	if p := n.browser().through(g, siths, "eva-1"); p.where != "/" {
		t.Fatalf("to %s", p.where)
	}
}

func TestAFreshSignInMayBeAskedFor(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	b := n.browser()
	g.provider.Do(oidctest.Wrong{Claims: func(c map[string]any) { c["auth_time"] = g.Clock.Now().Add(-time.Hour).Unix() }})
	b.through(g, citizen+"?ny=1", "elsa").is(403, "Inloggningen behöver vara starkare")
	g.provider.Do(oidctest.Wrong{})
	b.through(g, citizen+"?ny=1", "elsa")
	if _, err := n.auth.ActorOf(g.Ctx(), b.cookies["session"]); err != nil {
		t.Fatal(err)
	}
}
