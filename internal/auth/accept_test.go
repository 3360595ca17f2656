package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/accesslog"
	"halsocoach/internal/auth/limit"
	"halsocoach/internal/person"
	"halsocoach/internal/staff"
	"halsocoach/internal/testenv"
)

// token is the end of an invitation's link.
func token(t *testing.T, s *Service, who halsocoach.Actor, inv staff.Invitation) string {
	t.Helper()
	link, err := s.staff.Invite(t.Context(), who, inv)
	testenv.Must(t, err)
	tail, ok := strings.CutPrefix(link, s.cfg.PublicURL+"/inbjudan/")
	if !ok || len(tail) != 43 {
		t.Fatalf("link %s", link)
	}
	return tail
}

func TestAnInvitationMakesAMemberOnce(t *testing.T) {
	e, s := house(t)
	link := token(t, s, e.People.Kommun, staff.Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
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
		} else if !errors.Is(err, staff.ErrUsed) {
			t.Fatal(err)
		}
	}
	coaches, _ := s.staff.Coaches(e.Ctx(), "0684")
	if won != 1 || len(coaches) != 2 {
		t.Fatalf("%d came in, the centre has %d coaches", won, len(coaches))
	}
}

func TestADoubleClickOnAnInvitationIsOneWish(t *testing.T) {
	e, s := house(t)
	link := token(t, s, e.People.Region, staff.Invitation{Role: halsocoach.RoleRegion})
	first, err := s.accept(e.Ctx(), link, acceptance{Name: "Ny Kollega"}, halsocoach.Request{Key: "k"})
	testenv.Must(t, err)
	again, err := s.accept(e.Ctx(), link, acceptance{Name: "Ny Kollega"}, halsocoach.Request{Key: "k"})
	if err != nil || again.Actor.ID != first.Actor.ID {
		t.Fatalf("%+v, %v", again.Actor, err)
	}
	e.Clock.Add(10*time.Minute + time.Second)
	_, err = s.accept(e.Ctx(), link, acceptance{Name: "Ny Kollega"}, halsocoach.Request{Key: "k"})
	want(t, err, halsocoach.KindConflict)
}

func TestAnInvitationEndsAndIsStoredAsAHash(t *testing.T) {
	e, s := house(t)
	link := token(t, s, halsocoach.System("invite"), staff.Invitation{Role: halsocoach.RoleOperator})
	err := e.Store.Each(e.Ctx(), "invitation", eachHolds(t, link))
	testenv.Must(t, err)
	e.Clock.Add(7 * 24 * time.Hour)
	_, err = s.staff.Offer(e.Ctx(), link)
	if !errors.Is(err, staff.ErrInvitation) {
		t.Fatal(err)
	}
	_, err = s.accept(e.Ctx(), link, acceptance{Name: "Sen"}, halsocoach.Request{Key: "k"})
	if !errors.Is(err, staff.ErrInvitation) {
		t.Fatal(err)
	}
	_, err = s.staff.Offer(e.Ctx(), "x")
	if !errors.Is(err, staff.ErrInvitation) {
		t.Fatal(err)
	}
}

func TestANewLinkLetsAKnownMemberInAgain(t *testing.T) {
	e, s := house(t)
	link := token(t, s, e.People.Kommun, staff.Invitation{Staff: "maria"})
	signed, err := s.accept(e.Ctx(), link, acceptance{Name: "Någon Annan"}, halsocoach.Request{Key: "k"})
	if err != nil || signed.Actor.ID != "maria" || signed.Actor.Name != "Maria Holm" {
		t.Fatalf("%+v, %v", signed.Actor, err)
	}
	late := token(t, s, e.People.Kommun, staff.Invitation{Staff: "maria"})
	testenv.Must(t, testenv.ErrOf(s.staff.End(e.Ctx(), e.People.Kommun, "maria")))
	testenv.Wants(t, testenv.ErrOf(s.staff.Offer(e.Ctx(), late)), staff.ErrInvitation)
	if _, err = s.accept(e.Ctx(), late, acceptance{Name: ""}, halsocoach.Request{Key: "l"}); !errors.Is(err, staff.ErrInvitation) {
		t.Fatal(err)
	}
}

func TestWhatIsReadThroughAColleaguesLinkSaysWhoMadeIt(t *testing.T) {
	e, s := house(t)
	log := accesslog.New(accesslog.Config{Store: e.Store, Staff: s.staff, Persons: persons{e.Persons}, Clock: e.Clock.Now})
	anna, k := e.People.Anna, e.People.Kommun
	hire(t, s, staff.Member{ID: k.ID, Name: k.Name, Role: halsocoach.RoleKommun, Kommun: k.Kommun})
	in := func(maker halsocoach.Actor, inv staff.Invitation, key string) halsocoach.Actor {
		t.Helper()
		signed, err := s.accept(e.Ctx(), token(t, s, maker, inv), acceptance{Name: "Ny Coach"}, halsocoach.Request{Key: key})
		testenv.Must(t, err)
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
		{"a link by the administrator", k.ID, k.Name, in(k, staff.Invitation{Staff: "maria"}, "a")},
		{"a link by the program", "system:invite", "", in(halsocoach.System("invite"), staff.Invitation{Staff: "maria"}, "b")},
		{"an invitation", "", "", in(k, staff.Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}, "c")},
		{"one's own link", "", "", in(k, staff.Invitation{Staff: k.ID}, "d")},
		{"another door", "", "", signIn(t, s, Identity{Staff: "maria"}).Actor},
	} {
		e.Clock.Add(time.Second)
		testenv.Must(t, log.Saw(e.Ctx(), c.who, "read chat", "chatt", anna.ID))
		items, _, err := log.SeenBy(e.Ctx(), anna, "")
		if err != nil || items[0].Via != c.via || items[0].ViaName != c.viaName || items[0].Name != c.who.Name {
			t.Fatalf("%s: %+v, %v", c.name, items[0], err)
		}
	}
	b := open(t, e, s)
	log.Routes(b.app.Fiber())
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
	admin.get("/personal").is(200, "Maria Holm").lacks("Johan Ek")
	admin.post("/personal/bjud-in", url.Values{}).is(422, "Välj var personen arbetar.")
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
	admin.get("/personal/lank").is(303)
	guest.get(path).is(200, "Sävsjö vårdcentral", "Eva Lund")
	guest.post(path, url.Values{"name": {""}, "_key": {"k"}}).is(422)
	guest.post(path, url.Values{"name": {"Nils Ny"}, "_key": {"k"}}).is(303)
	if a := open(t, e, s).get(path); a.status != 409 || !strings.Contains(a.body, "Länken är redan använd") {
		t.Fatalf("used twice: %d", a.status)
	}
	who, err := s.ActorOf(e.Ctx(), guest.cookies["session"])
	if err != nil || who.Role != halsocoach.RoleCareCentre || who.Unit != "savsjo-vardcentral" || who.Kommun != "0684" {
		t.Fatalf("%+v, %v", who, err)
	}
	admin.get("/personal/"+who.ID+"/avsluta").is(200, "Nils Ny")
	admin.post("/personal/"+who.ID+"/avsluta", url.Values{}).is(303)
	guest.get("/blankett").is(303)
	admin.post("/personal/johan/avsluta", url.Values{}).is(404)
	guest.post("/personal/bjud-in", url.Values{}).is(303)
}

func TestGuessesAtInvitationsAreCountedPerAddress(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	link := "/inbjudan/" + token(t, s, e.People.Region, staff.Invitation{Role: halsocoach.RoleRegion})
	for range limit.AtMost {
		b.get("/inbjudan/" + halsocoach.NewID()).is(404)
	}
	b.get(link).is(503)
	for range limit.AtMost + 5 {
		b.be("anna")
	}
	e.Clock.Add(limit.Within)
	b.get(link).is(200)
}

func TestAWithdrawnLinkOpensNothing(t *testing.T) {
	e, s := house(t)
	b := open(t, e, s)
	b.be("kommun")
	link := token(t, s, e.People.Kommun, staff.Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	others := token(t, s, e.People.Region, staff.Invitation{Role: halsocoach.RoleCoach, Kommun: "0680", Centre: "0680"})
	used := token(t, s, e.People.Kommun, staff.Invitation{Staff: "maria"})
	testenv.Must(t, testenv.ErrOf(s.accept(e.Ctx(), used, acceptance{Name: ""}, halsocoach.Request{Key: "k"})))
	page := b.get("/personal")
	if page.status != 200 || !strings.Contains(page.body, "/personal/inbjudan/"+idOf(link)) || strings.Contains(page.body, idOf(others)) || strings.Contains(page.body, idOf(used)) {
		t.Fatalf("%d %s", page.status, page.body)
	}
	for _, x := range []string{link, link, others, used, "finns-inte"} {
		b.post("/personal/inbjudan/"+idOf(x), url.Values{}).is(303)
	}
	_, err := s.accept(e.Ctx(), link, acceptance{Name: "Ny Coach"}, halsocoach.Request{Key: "k"})
	if !errors.Is(err, staff.ErrInvitation) {
		t.Fatal(err)
	}
	if _, err := s.staff.Offer(e.Ctx(), others); err != nil {
		t.Fatalf("another kommun's was withdrawn: %v", err)
	}
	if o, err := s.staff.Offer(e.Ctx(), used); err != nil || !o.Used {
		t.Fatalf("a used one was: %v", err)
	}
	want(t, s.staff.Withdraw(e.Ctx(), e.People.Maria, idOf(others)), halsocoach.KindForbidden)
}

// idOf is the id under which the invitation of a link is stored.
func idOf(token string) string {
	sum := sha256.Sum256([]byte("invitation\x00" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// persons gives the ids of a person.
type persons struct{ *person.Service }

func (p persons) IDs(ctx context.Context, id string) ([]string, error) {
	one, err := p.Of(ctx, id)
	return one.IDs, err
}
