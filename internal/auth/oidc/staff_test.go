package oidc

import (
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/auth"
	"halsocoach/internal/auth/oidc/oidctest"
	"halsocoach/internal/staff"
)

// invite makes a link and gives its path.
func (n *node) invite(g *ground, who halsocoach.Actor, inv staff.Invitation) string {
	n.t.Helper()
	link, err := n.members.Invite(g.Ctx(), who, inv)
	if err != nil {
		n.t.Fatal(err)
	}
	return strings.TrimPrefix(link, public)
}

func (n *node) eva() halsocoach.Actor {
	return halsocoach.Actor{ID: "eva", Name: "Eva Lund", Role: halsocoach.RoleKommun, Kommun: "0684"}
}

var newCoach = staff.Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}

func TestSomebodyWithoutARegisterRowSeesWhatToDoNext(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	b := n.browser()
	g.log.take()
	b.through(g, kommun, "johan-1").is(403, "Du finns inte i personalregistret än", "Har du fått en inbjudan?", "Be din administratör om en")
	if line := g.log.take(); !strings.Contains(line, "without an entry in the register of staff") || strings.Contains(line, "johan") {
		t.Errorf("the log says %s", line)
	}
	if b.cookies["session"] != "" {
		t.Fatal("a session began")
	}
	n.hire(staff.Member{ID: "johan", Name: "Johan Ek", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684", Identities: []string{auth.SubjectIdentity(g.provider.URL, "johan-1")}})
	if _, err := n.members.End(g.Ctx(), n.eva(), "johan"); err != nil {
		t.Fatal(err)
	}
	n.browser().through(g, kommun, "johan-1").is(403, "Ditt konto är avslutat", "Be din administratör om en ny inbjudan")
}

func TestTwoMembersWithOneSubjectOpenNeither(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	same := []string{auth.SubjectIdentity(g.provider.URL, "johan-1")}
	n.hire(
		staff.Member{ID: "a", Name: "A", Role: halsocoach.RoleRegion, Identities: same},
		staff.Member{ID: "b", Name: "B", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684", Identities: same},
		staff.Member{ID: "eva", Name: "Eva Lund", Role: halsocoach.RoleKommun, Kommun: "0684"},
	)
	b := n.browser()
	g.log.take()
	b.through(g, kommun, "johan-1").is(409, "Din inloggning hör till två konton", "Säg till din administratör")
	if line := g.log.take(); !strings.Contains(line, "belongs to two members") {
		t.Errorf("the log says %s", line)
	}
	// What the page says mends it.
	ways, err := n.auth.SignInAs(g.Ctx(), auth.Identity{Staff: "eva"})
	if err != nil {
		t.Fatal(err)
	}
	admin := n.browser()
	admin.cookies["session"] = ways.Token
	p := admin.get("/personal/b/inloggningar")
	p.is(200, "Personlig inloggning", "Inlagd med kontot")
	_, rest, _ := strings.Cut(p.body, `name="inloggning" value="`)
	ref, _, _ := strings.Cut(rest, `"`)
	admin.post("/personal/b/inloggningar", url.Values{"inloggning": {ref}}).is(303)
	b.through(g, kommun, "johan-1").is(303)
	if got := b.get("/vem").body; !strings.HasPrefix(got, "region|a") {
		t.Fatal(got)
	}
}

func TestAnInvitationTiesTheSignInOfWhoOpensIt(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.staff(g)
	link := n.invite(g, n.eva(), newCoach)
	b := n.browser()
	p := b.get(link)
	p.is(200, "Visa vem du är", "SITHS", "Sävsjö kommun")
	if strings.Contains(p.body, "Tacka ja och logga in") {
		t.Fatal("it can be accepted before anybody is proved")
	}
	b.post(link, url.Values{"name": {"Nils Ny"}, "_key": {"k"}}).is(403, "Visa vem du är")
	if p := b.through(g, kommun+"&next="+url.QueryEscape(link), "johan-1"); p.status != 303 || p.where != link || b.cookies["session"] != "" {
		t.Fatalf("%d to %s", p.status, p.where)
	}
	b.get(link).is(200, "Du har visat vem du är", `value="Johan Ek"`, "Tacka ja och logga in")
	b.post(link, url.Values{"name": {""}, "_key": {"k"}}).is(422, "Skriv ditt namn.")
	b.post(link, url.Values{"name": {"Nils Ny"}, "_key": {"k"}}).is(303)
	if got := b.get("/vem").body; !strings.HasPrefix(got, "coach|") || !strings.Contains(got, "Nils Ny") {
		t.Fatal(got)
	}
	b.get("/mina-inloggningar").is(200, "Chrome på Android", "Den här", "Sävsjö kommun", "Genom en länk från Eva Lund")
	// From now on the sign-in is enough, on every node.
	other := g.node(t)
	b = other.browser()
	b.through(g, kommun, "johan-1")
	if got := b.get("/vem").body; !strings.Contains(got, "Nils Ny") {
		t.Fatal(got)
	}
	// One sign-in belongs to one member.
	second := n.invite(g, n.eva(), newCoach)
	b.through(g, kommun+"&next="+url.QueryEscape(second), "johan-1")
	b.post(second, url.Values{"name": {"Nils Två"}, "_key": {"l"}}).is(409, "Din inloggning hör redan till ett konto")
	if o := n.browser().get(second); o.status != 200 {
		t.Fatalf("the link was used up: %d", o.status)
	}
}

func TestOfTwoInvitationsWithOneSignInOneWins(t *testing.T) {
	g := newGround(t)
	nodes := []*node{g.node(t), g.node(t)}
	nodes[0].staff(g)
	var won, lost atomic.Int32
	done := make(chan struct{})
	for i := range 8 {
		n := nodes[i%2]
		link := n.invite(g, halsocoach.System("test"), staff.Invitation{Role: halsocoach.RoleRegion})
		b := n.browser()
		b.through(g, kommun+"&next="+url.QueryEscape(link), "johan-1")
		go func() {
			defer func() { done <- struct{}{} }()
			switch p := b.post(link, url.Values{"name": {"Nils Ny"}, "_key": {"k"}}); p.status {
			case 303:
				won.Add(1)
			case 409:
				lost.Add(1)
			}
		}()
	}
	for range 8 {
		<-done
	}
	if won.Load() != 1 || lost.Load() != 7 {
		t.Fatalf("%d won, %d lost", won.Load(), lost.Load())
	}
}

func TestANewLinkOpensNoAccountByItself(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.staff(g)
	link := n.invite(g, n.eva(), staff.Invitation{Staff: "maria"})
	n.browser().post(link, url.Values{"_key": {"k"}}).is(403, "Visa vem du är")
	// The administrator's own sign-in is the administrator's.
	eva := n.browser()
	eva.through(g, siths+"&next="+url.QueryEscape(link), "eva-1")
	eva.post(link, url.Values{"_key": {"k"}}).is(409, "Din inloggning hör redan till ett konto")
	if got := eva.get("/vem").body; strings.Contains(got, "maria") {
		t.Fatalf("an administrator is %s", got)
	}
	// Maria's new card is tied to her; the old one stays until it is removed.
	maria := n.browser()
	maria.through(g, kommun+"&next="+url.QueryEscape(link), "johan-1")
	g.log.take()
	maria.post(link, url.Values{"_key": {"k"}}).is(303)
	if line := g.log.take(); !strings.Contains(line, "sign-in tied to a member") || !strings.Contains(line, "member=maria") || !strings.Contains(line, `"link by"=eva`) {
		t.Errorf("the log says %s", line)
	}
	page := eva.get("/personal/maria/inloggningar")
	page.is(200, "HSA-id SE2321000016-1111", "Personlig inloggning", "Genom en länk från Eva Lund")
	_, rest, _ := strings.Cut(page.body, `name="inloggning" value="`)
	old, _, _ := strings.Cut(rest, `"`)
	eva.post("/personal/maria/inloggningar", url.Values{"inloggning": {old}}).is(303)
	if line := g.log.take(); !strings.Contains(line, "sign-in removed from a member") || !strings.Contains(line, "by=eva") {
		t.Errorf("the log says %s", line)
	}
	if got := maria.get("/vem").body; got != "||||" {
		t.Fatalf("a session outlived the sign-in that was removed: %s", got)
	}
	again := n.browser()
	step := again.through(g, siths, "maria-1")
	again.get(g.provider.SignIn(t, step.where, "maria-1")).is(403, "Du finns inte i personalregistret än")
	again.through(g, kommun, "johan-1").is(303)
	for path, status := range map[string]int{"/personal/eva/inloggningar": 200, "/personal/finns-inte/inloggningar": 404} {
		eva.get(path).is(status)
	}
	eva.post("/personal/eva/inloggningar", url.Values{"inloggning": {old}}).is(409)
	again.get("/personal/maria/inloggningar").is(403)
}

func TestWhoHasLeftMayComeBackWithTheSameSignIn(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.staff(g)
	join := func(key string) string {
		link := n.invite(g, n.eva(), newCoach)
		b := n.browser()
		b.through(g, kommun+"&next="+url.QueryEscape(link), "johan-1")
		b.post(link, url.Values{"name": {"Nils Ny"}, "_key": {key}}).is(303)
		return strings.Split(b.get("/vem").body, "|")[1]
	}
	first := join("a")
	if _, err := n.members.End(g.Ctx(), n.eva(), first); err != nil {
		t.Fatal(err)
	}
	if second := join("b"); second == first {
		t.Fatal("the closed account was opened")
	}
}

func TestASignInOnOneNodeEndsOnTheOtherWithinFiveSeconds(t *testing.T) {
	g := newGround(t)
	here, there := g.node(t), g.node(t)
	b := here.browser()
	back := b.until(g, citizen, "elsa") // begun here, ended there
	b.node = there
	b.get(back).is(303)
	token := b.cookies["session"]
	who, err := here.auth.ActorOf(g.Ctx(), token)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	here.auth.Watch(who.Session, func() { close(ended) }) // an open socket
	began := time.Now()
	out := b.post("/logga-ut", nil)
	if out.status != 303 || !strings.HasPrefix(out.where, g.provider.URL+"/end_session?") || b.cookies["session"] != "" {
		t.Fatalf("%d to %s", out.status, out.where)
	}
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		t.Fatal("the open socket lives")
	}
	for _, err := here.auth.ActorOf(g.Ctx(), token); err == nil; _, err = here.auth.ActorOf(g.Ctx(), token) {
		if time.Since(began) > 5*time.Second {
			t.Fatal("the session lives on the other node")
		}
		time.Sleep(10 * time.Millisecond)
	}
	to, _ := url.Parse(out.where)
	if to.Query().Get("post_logout_redirect_uri") != public+"/utloggad" || to.Query().Get("id_token_hint") != "" {
		t.Fatalf("%v", to.Query())
	}
	b.get("/utloggad").is(303).to("/")
	stays := g.node(t, func(all []Provider) { all[0].StayAtProvider = true })
	b = stays.browser()
	b.through(g, citizen, "elsa")
	if p := b.post("/logga-ut", nil); p.where != "/" {
		t.Fatalf("to %s", p.where)
	}
}

func TestAProviderEndsWhatItBegan(t *testing.T) {
	g := newGround(t)
	n := g.node(t)
	n.staff(g)
	elsa, eva := n.browser(), n.browser()
	elsa.through(g, citizen, "elsa")
	eva.through(g, siths, "eva-1")
	send := func(raw string) int {
		return n.browser().post("/logga-ut/leverantor/bankid", url.Values{"logout_token": {raw}}).status
	}
	for name, raw := range map[string]string{
		"another issuer":  g.provider.LogoutToken("elsa", func(c map[string]any) { c["iss"] = "https://evil.example" }),
		"another service": g.provider.LogoutToken("elsa", func(c map[string]any) { c["aud"] = "another" }),
		"an old one":      g.provider.LogoutToken("elsa", func(c map[string]any) { c["iat"] = g.Clock.Now().Add(-time.Hour).Unix() }),
		"no event":        g.provider.LogoutToken("elsa", func(c map[string]any) { delete(c, "events") }),
		"an id token":     g.provider.LastToken(),
		"nothing":         "",
	} {
		if status := send(raw); status != 400 {
			t.Errorf("%s: %d", name, status)
		}
	}
	g.provider.Do(oidctest.Wrong{ForeignKey: true})
	if status := send(g.provider.LogoutToken("elsa", nil)); status != 400 {
		t.Errorf("an unknown key: %d", status)
	}
	g.provider.Do(oidctest.Wrong{})
	if got := elsa.get("/vem").body; !strings.HasPrefix(got, "citizen") {
		t.Fatalf("one of them ended it: %s", got)
	}
	if status := send(g.provider.LogoutToken("elsa", nil)); status != 200 {
		t.Fatalf("%d", status)
	}
	if got := elsa.get("/vem").body; got != "||||" {
		t.Fatal(got)
	}
	if status := send(g.provider.LogoutToken("eva-1", func(c map[string]any) { delete(c, "sid") })); status != 200 {
		t.Fatalf("%d", status)
	}
	if got := eva.get("/vem").body; got != "||||" {
		t.Fatalf("by subject: %s", got)
	}
}
