package auth

import (
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/auth/limit"
	"halsocoach/internal/testenv"
)

func TestWhoMayManageWhom(t *testing.T) {
	p := struct{ system, region, kommun, coach, drift, citizen halsocoach.Actor }{
		halsocoach.System("invite"), halsocoach.Actor{ID: "r", Role: halsocoach.RoleRegion},
		halsocoach.Actor{ID: "k", Role: halsocoach.RoleKommun, Kommun: "0684"}, halsocoach.Actor{ID: "c", Role: halsocoach.RoleCoach, Kommun: "0684"},
		halsocoach.Actor{ID: "d", Role: halsocoach.RoleOperator}, halsocoach.Actor{ID: "p", Role: halsocoach.RoleCitizen},
	}
	for _, c := range []struct {
		name   string
		who    halsocoach.Actor
		role   halsocoach.Role
		kommun string
		want   bool
	}{
		{"the program makes operators", p.system, halsocoach.RoleOperator, "", true},
		{"the program makes no citizens", p.system, halsocoach.RoleCitizen, "", false},
		{"the program makes no programs", p.system, halsocoach.RoleSystem, "", false},
		{"the region makes coaches anywhere", p.region, halsocoach.RoleCoach, "0680", true},
		{"the region makes its own", p.region, halsocoach.RoleRegion, "", true},
		{"the region makes no operators", p.region, halsocoach.RoleOperator, "", false},
		{"a kommun makes its coaches", p.kommun, halsocoach.RoleCoach, "0684", true},
		{"a kommun makes its administrators", p.kommun, halsocoach.RoleKommun, "0684", true},
		{"not another's", p.kommun, halsocoach.RoleCoach, "0680", false},
		{"no region", p.kommun, halsocoach.RoleRegion, "0684", false},
		{"no family coordinators", p.kommun, halsocoach.RoleFamily, "0684", false},
		{"a coach makes nobody", p.coach, halsocoach.RoleCoach, "0684", false},
		{"an operator makes nobody", p.drift, halsocoach.RoleCoach, "0684", false},
		{"a citizen makes nobody", p.citizen, halsocoach.RoleCoach, "0684", false},
	} {
		if got := mayManage(c.who, c.role, c.kommun); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestTheRegisterAnswersFromMemory(t *testing.T) {
	e, s := house(t)
	hire(t, s, Member{ID: "asa", Name: "Åsa Öst", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	hire(t, s, Member{ID: "ake", Name: "Äke Ost", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	if _, err := s.End(e.Ctx(), e.People.Kommun, "ake"); err != nil {
		t.Fatal(err)
	}
	coaches, err := s.Coaches(e.Ctx(), "0684")
	if err != nil || len(coaches) != 2 || coaches[0].ID != "maria" || coaches[1].ID != "asa" {
		t.Fatalf("%+v, %v", coaches, err)
	}
	if _, err := s.Member(e.Ctx(), "nobody"); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatal(err)
	}
	before, _ := s.staff.Get("asa")
	again := hire(t, s, Member{ID: "asa", Name: "Åsa Öst", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	if !again.Changed.Equal(before.Changed) {
		t.Fatal("hiring the same member again changed the register")
	}
}

func TestAKommunSeesAndEndsItsOwnStaffOnly(t *testing.T) {
	e, s := house(t)
	_, err := s.StaffOf(e.Ctx(), e.People.Kommun, "0680")
	want(t, err, halsocoach.KindNotFound)
	_, err = s.StaffOf(e.Ctx(), e.People.Maria, "0684")
	want(t, err, halsocoach.KindForbidden)
	_, err = s.StaffOf(e.Ctx(), halsocoach.Actor{}, "0684")
	want(t, err, halsocoach.KindSignIn)
	_, err = s.End(e.Ctx(), e.People.Kommun, "johan")
	want(t, err, halsocoach.KindNotFound)
	_, err = s.End(e.Ctx(), e.People.Kommun, "region")
	want(t, err, halsocoach.KindNotFound)
	_, err = s.End(e.Ctx(), e.People.Kommun, "kommun")
	want(t, err, halsocoach.KindConflict)
	_, err = s.Hire(e.Ctx(), e.People.Kommun, Member{ID: "johan", Name: "Johan", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	want(t, err, halsocoach.KindNotFound)
	own, err := s.StaffOf(e.Ctx(), e.People.Kommun, "0684")
	if err != nil || len(own) != 4 {
		t.Fatalf("%d, %v", len(own), err)
	}
}

// token is the end of an invitation's link.
func token(t *testing.T, s *Service, who halsocoach.Actor, inv Invitation) string {
	t.Helper()
	link, err := s.Invite(t.Context(), who, inv)
	if err != nil {
		t.Fatal(err)
	}
	tail, ok := strings.CutPrefix(link, s.cfg.PublicURL+"/inbjudan/")
	if !ok || len(tail) != 43 {
		t.Fatalf("link %s", link)
	}
	return tail
}

func TestAnInvitationMakesAMemberOnce(t *testing.T) {
	e, s := house(t)
	link := token(t, s, e.People.Kommun, Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	_, err := s.accept(e.Ctx(), link, acceptance{Name: "  "}, halsocoach.Request{Key: "a"})
	want(t, err, halsocoach.KindInvalid)
	n := testenv.Count(8, 100)
	var wg sync.WaitGroup
	results := make([]error, n)
	for i := range n {
		wg.Go(func() {
			_, results[i] = s.accept(e.Ctx(), link, acceptance{Name: "Ny Coach"}, halsocoach.Request{Key: halsocoach.NewID()})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrUsed) {
			t.Fatal(err)
		}
	}
	coaches, _ := s.Coaches(e.Ctx(), "0684")
	if won != 1 || len(coaches) != 2 {
		t.Fatalf("%d came in, the centre has %d coaches", won, len(coaches))
	}
}

func TestADoubleClickOnAnInvitationIsOneWish(t *testing.T) {
	e, s := house(t)
	link := token(t, s, e.People.Region, Invitation{Role: halsocoach.RoleRegion})
	first, err := s.accept(e.Ctx(), link, acceptance{Name: "Ny Kollega"}, halsocoach.Request{Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.accept(e.Ctx(), link, acceptance{Name: "Ny Kollega"}, halsocoach.Request{Key: "k"})
	if err != nil || again.Actor.ID != first.Actor.ID {
		t.Fatalf("%+v, %v", again.Actor, err)
	}
	e.Clock.Add(acceptAgain + time.Second)
	_, err = s.accept(e.Ctx(), link, acceptance{Name: "Ny Kollega"}, halsocoach.Request{Key: "k"})
	want(t, err, halsocoach.KindConflict)
}

func TestAnInvitationEndsAndIsStoredAsAHash(t *testing.T) {
	e, s := house(t)
	link := token(t, s, halsocoach.System("invite"), Invitation{Role: halsocoach.RoleOperator})
	err := e.Store.Each(e.Ctx(), invitationKind.Name, eachHolds(t, link))
	if err != nil {
		t.Fatal(err)
	}
	e.Clock.Add(invitationLasts)
	_, err = s.offer(e.Ctx(), link)
	if !errors.Is(err, ErrInvitation) {
		t.Fatal(err)
	}
	_, err = s.accept(e.Ctx(), link, acceptance{Name: "Sen"}, halsocoach.Request{Key: "k"})
	if !errors.Is(err, ErrInvitation) {
		t.Fatal(err)
	}
	_, err = s.offer(e.Ctx(), "x")
	if !errors.Is(err, ErrInvitation) {
		t.Fatal(err)
	}
}

func TestInvitationsKeepWithinWhatTheInviterDecides(t *testing.T) {
	e, s := house(t)
	p := e.People
	for _, c := range []struct {
		name string
		who  halsocoach.Actor
		inv  Invitation
		want halsocoach.ErrorKind
	}{
		{"own coach", p.Kommun, Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}, ""},
		{"own care centre", p.Kommun, Invitation{Role: halsocoach.RoleCareCentre, Kommun: "0684", Unit: "savsjo-vardcentral"}, ""},
		{"an association as care centre", p.Kommun, Invitation{Role: halsocoach.RoleCareCentre, Kommun: "0684", Unit: "savsjo-friluft"}, halsocoach.KindInvalid},
		{"another's centre", p.Kommun, Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0680"}, halsocoach.KindInvalid},
		{"another's kommun", p.Kommun, Invitation{Role: halsocoach.RoleCoach, Kommun: "0680", Centre: "0680"}, halsocoach.KindForbidden},
		{"a region's administrator", p.Kommun, Invitation{Role: halsocoach.RoleRegion}, halsocoach.KindForbidden},
		{"a citizen", p.Region, Invitation{Role: halsocoach.RoleCitizen}, halsocoach.KindInvalid},
		{"an operator", p.Region, Invitation{Role: halsocoach.RoleOperator}, halsocoach.KindForbidden},
		{"no such kommun", p.Region, Invitation{Role: halsocoach.RoleKommun, Kommun: "9999"}, halsocoach.KindInvalid},
		{"by a coach", p.Maria, Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}, halsocoach.KindForbidden},
		{"by nobody", halsocoach.Actor{}, Invitation{Role: halsocoach.RoleCoach}, halsocoach.KindSignIn},
		{"a link for another's coach", p.Kommun, Invitation{Staff: "johan"}, halsocoach.KindNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Invite(e.Ctx(), c.who, c.inv)
			want(t, err, c.want)
		})
	}
}

func TestANewLinkLetsAKnownMemberInAgain(t *testing.T) {
	e, s := house(t)
	link := token(t, s, e.People.Kommun, Invitation{Staff: "maria"})
	signed, err := s.accept(e.Ctx(), link, acceptance{Name: "Någon Annan"}, halsocoach.Request{Key: "k"})
	if err != nil || signed.Actor.ID != "maria" || signed.Actor.Name != "Maria Holm" {
		t.Fatalf("%+v, %v", signed.Actor, err)
	}
	late := token(t, s, e.People.Kommun, Invitation{Staff: "maria"})
	if _, err := s.End(e.Ctx(), e.People.Kommun, "maria"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.offer(e.Ctx(), late); !errors.Is(err, ErrInvitation) {
		t.Fatalf("a link for a closed account: %v", err)
	}
	if _, err = s.accept(e.Ctx(), late, acceptance{Name: ""}, halsocoach.Request{Key: "l"}); !errors.Is(err, ErrInvitation) {
		t.Fatal(err)
	}
}

func TestWhatIsReadThroughAColleaguesLinkSaysWhoMadeIt(t *testing.T) {
	e, s := house(t)
	anna, k := e.People.Anna, e.People.Kommun
	hire(t, s, Member{ID: k.ID, Name: k.Name, Role: halsocoach.RoleKommun, Kommun: k.Kommun})
	in := func(maker halsocoach.Actor, inv Invitation, key string) halsocoach.Actor {
		t.Helper()
		signed, err := s.accept(e.Ctx(), token(t, s, maker, inv), acceptance{Name: "Ny Coach"}, halsocoach.Request{Key: key})
		if err != nil {
			t.Fatal(err)
		}
		s.cache.drop(signed.Actor.Session) // as stored
		who, err := s.ActorOf(e.Ctx(), signed.Token)
		if err != nil || who.Via != signed.Actor.Via {
			t.Fatalf("%+v, %v", who, err)
		}
		return who
	}
	for _, c := range []struct {
		name, via, viaName string
		who                halsocoach.Actor
	}{
		{"a link by the administrator", k.ID, k.Name, in(k, Invitation{Staff: "maria"}, "a")},
		{"a link by the program", "system:invite", "", in(halsocoach.System("invite"), Invitation{Staff: "maria"}, "b")},
		{"an invitation", "", "", in(k, Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}, "c")},
		{"one's own link", "", "", in(k, Invitation{Staff: k.ID}, "d")},
		{"another door", "", "", signIn(t, s, Identity{Staff: "maria"}).Actor},
	} {
		e.Clock.Add(time.Second)
		if err := s.Saw(e.Ctx(), c.who, "read chat", "chatt", anna.ID); err != nil {
			t.Fatal(err)
		}
		items, _, err := s.SeenBy(e.Ctx(), anna, "")
		if err != nil || items[0].Via != c.via || items[0].ViaName != c.viaName || items[0].Name != c.who.Name {
			t.Fatalf("%s: %+v, %v", c.name, items[0], err)
		}
	}
	b := open(t, e, s)
	b.be("anna")
	page := b.get("/min-halsa/logg").body
	if strings.Count(page, "via inloggningslänk från") != 2 || !strings.Contains(page, "via inloggningslänk från "+k.Name) || !strings.Contains(page, "via inloggningslänk från driften") {
		t.Fatal(page)
	}
}

func TestThePersonnelPagesInviteAndEnd(t *testing.T) {
	e, s := house(t)
	admin, guest := open(t, e, s), open(t, e, s)
	admin.be("kommun")
	if a := admin.get("/personal"); a.status != 200 || !strings.Contains(a.body, "Maria Holm") || strings.Contains(a.body, "Johan Ek") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := admin.post("/personal/bjud-in", url.Values{}); a.status != 422 || !strings.Contains(a.body, "Välj var personen arbetar.") {
		t.Fatalf("no place: %d", a.status)
	}
	a := admin.post("/personal/bjud-in", url.Values{"place": {"vårdcentral:savsjo-vardcentral"}, "kommun": {"0680"}})
	if a.status != 303 || a.header.Get("Location") != "/personal/lank" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	shown := admin.get("/personal/lank")
	_, rest, ok := strings.Cut(shown.body, "http://example.test/inbjudan/")
	if !ok {
		t.Fatalf("no link on %s", shown.body)
	}
	path := "/inbjudan/" + rest[:43]
	if again := admin.get("/personal/lank"); again.status != 303 {
		t.Fatalf("the link is shown twice: %d", again.status)
	}
	if a := guest.get(path); a.status != 200 || !strings.Contains(a.body, "Sävsjö vårdcentral") || !strings.Contains(a.body, "Eva Lund") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := guest.post(path, url.Values{"name": {""}, "_key": {"k"}}); a.status != 422 {
		t.Fatalf("no name: %d", a.status)
	}
	if a := guest.post(path, url.Values{"name": {"Nils Ny"}, "_key": {"k"}}); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := open(t, e, s).get(path); a.status != 409 || !strings.Contains(a.body, "Länken är redan använd") {
		t.Fatalf("used twice: %d", a.status)
	}
	who, err := s.ActorOf(e.Ctx(), guest.cookies["session"])
	if err != nil || who.Role != halsocoach.RoleCareCentre || who.Unit != "savsjo-vardcentral" || who.Kommun != "0684" {
		t.Fatalf("%+v, %v", who, err)
	}
	if a := admin.get("/personal/" + who.ID + "/avsluta"); a.status != 200 || !strings.Contains(a.body, "Nils Ny") {
		t.Fatalf("%d", a.status)
	}
	if a := admin.post("/personal/"+who.ID+"/avsluta", url.Values{}); a.status != 303 {
		t.Fatalf("%d", a.status)
	}
	if a := guest.get("/blankett"); a.status != 303 {
		t.Fatalf("an ended member is still in: %d", a.status)
	}
	if a := admin.post("/personal/johan/avsluta", url.Values{}); a.status != 404 {
		t.Fatalf("another kommun's coach: %d", a.status)
	}
	if a := guest.post("/personal/bjud-in", url.Values{}); a.status != 303 {
		t.Fatalf("a visitor invites: %d", a.status)
	}
}

func TestGuessesAtInvitationsAreCountedPerAddress(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	link := "/inbjudan/" + token(t, s, e.People.Region, Invitation{Role: halsocoach.RoleRegion})
	for range limit.AtMost {
		if a := b.get("/inbjudan/" + halsocoach.NewID()); a.status != 404 {
			t.Fatalf("%d", a.status)
		}
	}
	if a := b.get(link); a.status != 503 {
		t.Fatalf("the next is answered %d", a.status)
	}
	for range limit.AtMost + 5 {
		b.be("anna")
	}
	e.Clock.Add(limit.Within)
	if a := b.get(link); a.status != 200 {
		t.Fatalf("after the wait: %d", a.status)
	}
}

func TestAWithdrawnLinkOpensNothing(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	b.be("kommun")
	link := token(t, s, e.People.Kommun, Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	others := token(t, s, e.People.Region, Invitation{Role: halsocoach.RoleCoach, Kommun: "0680", Centre: "0680"})
	used := token(t, s, e.People.Kommun, Invitation{Staff: "maria"})
	if _, err := s.accept(e.Ctx(), used, acceptance{Name: ""}, halsocoach.Request{Key: "k"}); err != nil {
		t.Fatal(err)
	}
	page := b.get("/personal")
	if page.status != 200 || !strings.Contains(page.body, "/personal/inbjudan/"+hashOf(link)) || strings.Contains(page.body, hashOf(others)) || strings.Contains(page.body, hashOf(used)) {
		t.Fatalf("%d %s", page.status, page.body)
	}
	for _, x := range []string{link, link, others, used, "finns-inte"} {
		if a := b.post("/personal/inbjudan/"+hashOf(x), url.Values{}); a.status != 303 {
			t.Fatalf("%d", a.status)
		}
	}
	_, err := s.accept(e.Ctx(), link, acceptance{Name: "Ny Coach"}, halsocoach.Request{Key: "k"})
	if !errors.Is(err, ErrInvitation) {
		t.Fatal(err)
	}
	if _, err := s.offer(e.Ctx(), others); err != nil {
		t.Fatalf("another kommun's was withdrawn: %v", err)
	}
	if o, err := s.offer(e.Ctx(), used); err != nil || !o.Used {
		t.Fatalf("a used one was: %v", err)
	}
	want(t, s.withdraw(e.Ctx(), e.People.Maria, hashOf(others)), halsocoach.KindForbidden)
}
