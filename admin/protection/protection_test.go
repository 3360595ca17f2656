package protection

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

const why = "Besked från Skatteverket 10 november 2026"

type room struct {
	*testenv.Env
	app *testenv.App
}

func newRoom(t *testing.T) *room {
	e := testenv.New(t)
	s := New(Config{Numbers: e.Seal, Persons: e.Persons, Clock: e.Clock.Now})
	return &room{e, e.App(func(a *web.App) { s.Routes(a.Fiber()) })}
}

func (r *room) lift(who halsocoach.Actor, number, why string) testenv.Response {
	return r.app.As(who).Post(path, url.Values{"number": {number}, "why": {why}})
}

func (r *room) protected() bool {
	r.T.Helper()
	is, err := r.Persons.Protected(r.Ctx(), r.People.Elsa.ID)
	testenv.Must(r.T, err)
	return is
}

func (r *room) protect() {
	r.T.Helper()
	testenv.Must(r.T, r.Persons.Protect(r.Ctx(), r.People.Vardcentral, r.People.Elsa.ID, person.ByRecommending))
}

func TestTheRegionLiftsProtectionAndItIsLogged(t *testing.T) {
	r := newRoom(t)
	r.protect()
	if a := r.lift(r.People.Region, testenv.ElsasNumber, why); a.Status != 303 || a.Header.Get("Location") != path {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if r.protected() {
		t.Error("still protected")
	}
	rows := r.AccessLog.Rows()
	last := rows[len(rows)-1]
	if last.Act != halsocoach.ActUnprotectPerson || last.Who.ID != r.People.Region.ID || last.Why != why || last.Persons[0] != r.People.Elsa.ID {
		t.Errorf("%+v", last)
	}
}

// TestTheAnswerTellsNobodyApart: protected, not protected and unknown here are
// answered with the same sentence.
func TestTheAnswerTellsNobodyApart(t *testing.T) {
	r := newRoom(t)
	r.protect()
	sentence := base64.RawURLEncoding.EncodeToString([]byte("Om numret hör till någon här som hade skyddade personuppgifter gäller de inte längre."))
	for _, number := range []string{testenv.ElsasNumber, testenv.ElsasNumber, "196101182803"} {
		a := r.lift(r.People.Region, number, why)
		if a.Status != 303 || a.Header.Get("Location") != path || a.Body != "" || !strings.Contains(a.Header.Get("Set-Cookie"), "="+sentence+";") {
			t.Errorf("%d %v %s", a.Status, a.Header, a.Body)
		}
	}
}

func TestABadAnswerStandsAtItsFieldAndIsKept(t *testing.T) {
	r := newRoom(t)
	r.protect()
	for _, c := range []struct{ name, number, why, says string }{
		{"a digit wrong", "200302022388", why, "Numret stämmer inte."},
		{"no number", "", why, "Numret stämmer inte."},
		{"no reason", testenv.ElsasNumber, "  ", "Skriv vad beslutet bygger på."},
		{"a long reason", testenv.ElsasNumber, strings.Repeat("å", whyLimit+1), "Texten får vara högst 200 tecken."},
		{"a number in the reason", testenv.ElsasNumber, "Beslut om 20030202-2389.", "Skriv inget personnummer här."},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := r.lift(r.People.Region, c.number, c.why)
			kept := c.number
			if kept == "" {
				kept = c.why
			}
			if a.Status != 422 || !strings.Contains(a.Body, c.says) || !strings.Contains(a.Body, `value="`+kept+`"`) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
	if !r.protected() {
		t.Error("lifted by a bad answer")
	}
}

func TestOnlyTheRegionLiftsProtection(t *testing.T) {
	r := newRoom(t)
	r.protect()
	p := r.People
	for _, who := range []halsocoach.Actor{p.Anna, p.Maria, p.Vardcentral, p.Forening, p.Kommun, p.Family, p.Drift, p.Visitor} {
		want := 403
		if !who.SignedIn() {
			want = 303
		}
		r.app.As(who).Get(path).Is(want)
		if post := r.lift(who, testenv.ElsasNumber, why); post.Status != want {
			t.Errorf("%q lifts: %d", who.Role, post.Status)
		}
	}
	if !r.protected() {
		t.Error("lifted by another than the region")
	}
}
