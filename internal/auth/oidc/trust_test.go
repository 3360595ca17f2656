package oidc

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/auth"
	"halsocoach/internal/auth/oidc/oidctest"
	"halsocoach/internal/staff"
)

const evasID = "SE2321000016-3333"

// elsewhere makes the third provider another installation, with these people.
func elsewhere(t *testing.T, g *ground, people ...oidctest.Person) (*oidctest.Provider, func([]Provider)) {
	t.Helper()
	p := oidctest.New(t, people...)
	p.Now = g.Clock.Now
	p.Allow(public, "kommun")
	return p, func(all []Provider) { all[2].Issuer, all[2].ClientID, all[2].ClientSecret = p.URL, p.Client, p.Secret }
}

// comes walks in by the third provider and says who that is.
func (n *node) comes(p *oidctest.Provider, subject, next string) (*browser, page) {
	n.t.Helper()
	b := n.browser()
	return b, b.get(p.SignIn(n.t, b.get(kommun+next).where, subject))
}

func TestAProviderOpensOnlyWhatItHasTiedItself(t *testing.T) {
	g := newGround(t)
	other, there := elsewhere(t, g, oidctest.Person{Name: "Ond", Subject: "ond", Claims: map[string]any{"hsaid": evasID}})
	n := g.node(t, there, func(all []Provider) { all[2].Claims.HSAID = "hsaid" })
	n.staff(g)
	g.log.take()
	_, refused := n.comes(other, "ond", "")
	refused.is(403, "Du finns inte i personalregistret än")
	if line := g.log.take(); !strings.Contains(line, "another provider has tied") || strings.Contains(line, evasID) {
		t.Errorf("the log says %s", line)
	}
	// Who asks for it by an invitation for somebody else does not get it either.
	for _, inv := range []staff.Invitation{newCoach, {Staff: "maria"}} {
		link := n.invite(g, n.eva(), inv)
		b, _ := n.comes(other, "ond", "&next="+url.QueryEscape(link))
		b.post(link, url.Values{"name": {"Ond"}, "_key": {"k"}}).is(409, "Din inloggning hör redan till ett konto")
	}
	// A link for the member herself ties it, and from then on it opens her account.
	link := n.invite(g, halsocoach.System("test"), staff.Invitation{Staff: "eva"})
	b, p := n.comes(other, "ond", "&next="+url.QueryEscape(link))
	if p.where != link || b.cookies["session"] != "" {
		t.Fatalf("%d to %s", p.status, p.where)
	}
	b.post(link, url.Values{"_key": {"k"}}).is(303)
	b, _ = n.comes(other, "ond", "")
	if got := b.get("/vem").body; !strings.HasPrefix(got, "kommun|eva") {
		t.Fatal(got)
	}
	b = n.browser()
	b.through(g, siths, "eva-1") // the trusted one goes on doing so
	if got := b.get("/vem").body; !strings.HasPrefix(got, "kommun|eva") {
		t.Fatal(got)
	}
	n.hire(staff.Member{ID: "ond", Name: "Ej Ond", Role: halsocoach.RoleRegion, Identities: []string{"hsa:SE1"}})
	trusted := g.node(t, there, func(all []Provider) { all[2].Claims.HSAID, all[2].SpeaksFor = "hsaid", []string{"hsa"} })
	other.Do(oidctest.Wrong{Claims: func(c map[string]any) { c["hsaid"] = "SE1" }})
	if b, _ = trusted.comes(other, "ond", ""); !strings.HasPrefix(b.get("/vem").body, "region|ond") {
		t.Fatal(b.get("/vem").body)
	}
}

func TestASubjectThatLooksLikeANumberIsNobodysNumber(t *testing.T) {
	g := newGround(t)
	other, there := elsewhere(t, g, oidctest.Person{Name: "Ond", Subject: "20030202-2389"})
	n := g.node(t, there)
	n.staff(g)
	number, err := halsocoach.ParseNumber("200302022389", g.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	identity, err := n.auth.PersonIdentity(g.Ctx(), number)
	if err != nil {
		t.Fatal(err)
	}
	n.hire(staff.Member{ID: "chef", Name: "Regionchef", Role: halsocoach.RoleRegion, Identities: []string{identity}})
	_, p := n.comes(other, "20030202-2389", "")
	p.is(403, "Du finns inte i personalregistret än")
	// Tied by a link it opens what it was tied to, and no hash of the number is kept.
	link := n.invite(g, n.eva(), newCoach)
	b, _ := n.comes(other, "20030202-2389", "&next="+url.QueryEscape(link))
	b.post(link, url.Values{"name": {"Nils Ny"}, "_key": {"k"}})
	b, _ = n.comes(other, "20030202-2389", "")
	got := b.get("/vem").body
	if !strings.HasPrefix(got, "coach|") {
		t.Fatal(got)
	}
	if _, err := n.auth.SignInBy(g.Ctx(), auth.Proof{Identity: auth.SubjectIdentity(other.URL, "20030202-2389")}); err == nil {
		t.Fatal("a hash of the number is kept")
	}
}

func TestALinkGivesNoMoreThanItsMakerHas(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.staff(g)
	chef := halsocoach.Actor{ID: "chef", Name: "Chef", Role: halsocoach.RoleRegion}
	n.hire(staff.Member{ID: "chef", Name: "Chef", Role: halsocoach.RoleRegion})
	links := map[string]string{
		"an administrator who has ended":       n.invite(g, n.eva(), staff.Invitation{Role: halsocoach.RoleKommun, Kommun: "0684"}),
		"an administrator who is coach now":    n.invite(g, chef, newCoach),
		"a link for who has become region":     n.invite(g, n.eva(), staff.Invitation{Staff: "maria"}),
		"a link for who has ended, come again": n.invite(g, halsocoach.System("test"), staff.Invitation{Staff: "johan"}),
	}
	n.hire(staff.Member{ID: "maria", Name: "Maria Holm", Role: halsocoach.RoleRegion})
	maria := halsocoach.Actor{ID: "maria", Role: halsocoach.RoleRegion}
	for _, id := range []string{"eva", "johan"} {
		if _, err := n.members.End(g.Ctx(), maria, id); err != nil {
			t.Fatal(err)
		}
	}
	n.hire(staff.Member{ID: "chef", Name: "Chef", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"},
		staff.Member{ID: "johan", Name: "Johan Ek", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	for name, link := range links {
		n.browser().get(link).is(404, "Länken gäller inte")
		b := n.browser()
		b.through(g, siths+"&next="+url.QueryEscape(link), "eva-1")
		b.post(link, url.Values{"name": {"Eva Igen"}, "_key": {"k"}}).is(404)
		if got := b.get("/vem").body; got != "||||" {
			t.Errorf("by a link of %s one is %s", name, got)
		}
	}
	// Hired anew, the administrator does not find the old links working.
	n.hire(staff.Member{ID: "eva", Name: "Eva Lund", Role: halsocoach.RoleKommun, Kommun: "0684"})
	n.browser().get(links["an administrator who has ended"]).is(404)
}

func TestProtectedIsEverythingThatIsNoClearNo(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	for _, c := range []struct {
		value     any
		protected bool
	}{
		{nil, false}, {false, false}, {0, false}, {"", false}, {" Nej ", false}, {"no", false}, {"N", false}, {"0", false}, {"false", false},
		{true, true}, {"true", true}, {1, true}, {0.4, true}, {"ja", true}, {"okänt", true},
		{[]any{true}, true}, {[]any{1}, true}, {[]any{[]any{"ja"}}, true}, {[]any{}, true}, {map[string]any{"value": true}, true},
	} {
		g.provider.Do(oidctest.Wrong{Claims: func(m map[string]any) { m["skyddad"], m["personnummer"] = c.value, "20030202-2389" }})
		b := n.browser()
		b.through(g, citizen, "namnlos")
		got := b.get("/vem").body
		if !strings.HasPrefix(got, "citizen|") || strings.HasSuffix(got, "|skyddad") != c.protected {
			t.Errorf("%#v: %s", c.value, got)
		}
		if err := g.Persons.Unprotect(g.Ctx(), g.People.Region, strings.Split(got, "|")[1], "beslut"); err != nil {
			t.Fatal(err)
		}
	}
	// What the token leaves empty userinfo may say.
	g.provider.Do(oidctest.Wrong{Claims: func(m map[string]any) { m["skyddad"] = nil }})
	b := n.browser()
	b.through(g, citizen, "elsa")
	if got := b.get("/vem").body; !strings.HasSuffix(got, "|skyddad") {
		t.Error(got)
	}
}

func TestWhoSomebodyIsIsATextAndNothingElse(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.hire(staff.Member{ID: "x", Name: "X", Role: halsocoach.RoleRegion, Identities: []string{"hsa:TRUE", "hsa:1", "hsa:" + evasID}})
	for _, value := range []any{true, 1, []any{evasID}, []any{evasID, "SE2321000016-1111"}, map[string]any{"id": evasID}} {
		g.provider.Do(oidctest.Wrong{Claims: func(c map[string]any) { c["hsaid"], c["acr"] = value, "loa3" }})
		n.browser().through(g, siths, "eva-1").is(502, "Inloggningen sa inte vem du är")
	}
	for _, value := range []any{200302022389, []any{"200302022389"}} {
		g.provider.Do(oidctest.Wrong{Claims: func(c map[string]any) { c["personnummer"] = value }})
		n.browser().through(g, citizen, "elsa").is(502, "Inloggningen sa inte vem du är")
	}
}

func TestTheLogHoldsTheStatusOfAnAnswerAndNotTheAnswer(t *testing.T) {
	g := newGround(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":"elsa","name":"Elsa Berg","personnummer":"20030202-2389"}`)
	}))
	defer srv.Close()
	for _, at := range []string{"userinfo_endpoint", "token_endpoint"} {
		g.provider.Do(oidctest.Wrong{
			Claims:    func(c map[string]any) { delete(c, "personnummer") },
			Discovery: func(d map[string]any) { d[at] = srv.URL },
		})
		b := g.node(t).browser()
		g.log.take()
		if p := b.through(g, citizen, "elsa"); p.status < 400 {
			t.Fatalf("%d", p.status)
		}
		line := g.log.take()
		if !strings.Contains(line, "came to nothing") || at == "userinfo_endpoint" && !strings.Contains(line, "status 403") {
			t.Errorf("the log says %s", line)
		}
		for _, s := range secrets {
			if s != "elsa" && strings.Contains(line, s) {
				t.Errorf("the log holds %s: %s", s, line)
			}
		}
	}
	g.provider.Do(oidctest.Wrong{})
	b := g.node(t).browser()
	back, _ := url.Parse(b.until(g, citizen, "elsa"))
	q := back.Query()
	q.Set("error", "20030202-2389 Elsa")
	b.get(back.Path + "?" + q.Encode())
	if line := g.log.take(); strings.Contains(line, "2389") || !strings.Contains(line, "something that is no code") {
		t.Errorf("the log says %s", line)
	}
}

func TestARemovedSignInStaysRemoved(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.staff(g)
	used, second := n.invite(g, n.eva(), staff.Invitation{Staff: "maria"}), n.invite(g, n.eva(), staff.Invitation{Staff: "maria"})
	b := n.browser()
	b.through(g, kommun+"&next="+url.QueryEscape(used), "johan-1")
	proof := b.cookies["intyg"]
	b.post(used, url.Values{"_key": {"k"}})
	if got := b.get("/vem").body; !strings.HasPrefix(got, "coach|maria") {
		t.Fatal(got)
	}
	for range 130 { // as many sessions as one likes
		if _, err := n.auth.SignInAs(g.Ctx(), auth.Identity{Staff: "maria", Bonds: []string{"one"}}); err != nil {
			t.Fatal(err)
		}
	}
	last, err := n.auth.SignInAs(g.Ctx(), auth.Identity{Staff: "maria"})
	if err != nil {
		t.Fatal(err)
	}
	sub := auth.SubjectIdentity(g.provider.URL, "johan-1")
	if err := n.auth.Unbind(g.Ctx(), n.eva(), "maria", halsocoach.IDFrom("identity", sub)); err != nil {
		t.Fatal(err)
	}
	if _, err := n.auth.ActorOf(g.Ctx(), last.Token); err == nil || b.get("/vem").body != "||||" {
		t.Fatal("a session outlived the sign-in")
	}
	if n, err := n.auth.EndBond(g.Ctx(), "one"); n != 0 || err != nil {
		t.Fatalf("%d sessions outlived it: %v", n, err)
	}
	for _, link := range []string{used, second} {
		b := n.browser()
		b.cookies["intyg"] = proof
		b.post(link, url.Values{"_key": {"k"}}).is(404)
		n.browser().through(g, kommun, "johan-1").is(403)
	}
}

func TestAProviderEndsAllThatItBegan(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.staff(g)
	for range 230 {
		if _, err := n.auth.SignInAs(g.Ctx(), auth.Identity{Staff: "maria", Bonds: []string{"one"}}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := n.auth.EndBond(g.Ctx(), "one"); n != 230 || err != nil {
		t.Fatalf("%d ended: %v", n, err)
	}
}

func TestWhatALinkHasTiedSaysWhoseLinkItWasAtTheFrontDoorToo(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.staff(g)
	via := func(b *browser) string {
		t.Helper()
		who, err := n.auth.ActorOf(g.Ctx(), b.cookies["session"])
		if err != nil {
			t.Fatal(err)
		}
		return who.ID + " by " + who.Via
	}
	accept := func(link, door, subject string) *browser {
		t.Helper()
		b := n.browser()
		b.through(g, door+"&next="+url.QueryEscape(link), subject)
		b.post(link, url.Values{"name": {"Nils Ny"}, "_key": {"k"}}).is(303)
		return b
	}
	front := func(door, subject string) *browser {
		t.Helper()
		b := n.browser()
		b.through(g, door, subject)
		return b
	}
	// The administrator ties a sign-in of her own to a colleague.
	if got := via(accept(n.invite(g, n.eva(), staff.Invitation{Staff: "maria"}), kommun, "eva-1")); got != "maria by eva" {
		t.Error(got)
	}
	if got := via(front(kommun, "eva-1")); got != "maria by eva" {
		t.Errorf("at the front door: %s", got)
	}
	// Another link for the same sign-in does not wash it.
	accept(n.invite(g, halsocoach.System("test"), staff.Invitation{Staff: "maria"}), kommun, "eva-1")
	if got := via(front(kommun, "eva-1")); got != "maria by eva" {
		t.Errorf("after one more link: %s", got)
	}
	// Who has joined by an invitation has nobody's word behind them.
	joined := n.invite(g, n.eva(), newCoach)
	if got := via(accept(joined, kommun, "johan-1")); !strings.HasSuffix(got, " by ") {
		t.Error(got)
	}
	if got := via(front(kommun, "johan-1")); !strings.HasSuffix(got, " by ") {
		t.Error(got)
	}
	if got := via(front(siths, "eva-1")); got != "eva by " {
		t.Error(got)
	}
}
