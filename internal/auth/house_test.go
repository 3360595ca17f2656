package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/accesslog"
	"halsocoach/internal/staff"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

// places are the test registers with a list of units.
type places struct{ testenv.Registers }

func (p places) Units(ctx context.Context, kommun string) ([]halsocoach.Unit, error) {
	var out []halsocoach.Unit
	for _, id := range []string{"savsjo-friluft", "savsjo-vardcentral"} {
		if u, err := p.Unit(ctx, id); err == nil && u.Kommun == kommun {
			out = append(out, u)
		}
	}
	return out, nil
}

// personas are some of the demo's.
func personas(e *testenv.Env) []Persona {
	return []Persona{
		{Name: "anna", Title: "Invånare i Sävsjö", Person: e.People.Anna.ID, DisplayName: "Anna Lind"},
		{Name: "elsa", Title: "Invånare i Sävsjö", Number: testenv.ElsasNumber, DisplayName: "Elsa Berg"},
		{Name: "skyddad", Title: "Invånare", Person: e.People.Omar.ID, DisplayName: "Omar Said", Protected: true},
		{Name: "maria", Title: "Hälsocoach i Sävsjö", Staff: "maria", DisplayName: "Maria Holm"},
		{Name: "kommun", Title: "Administratör", Staff: "kommun", DisplayName: "Eva Lund"},
		{Name: "region", Title: "Administratör", Staff: "region", DisplayName: "Per Sjö"},
	}
}

// config is that of a node of the test's house.
func config(e *testenv.Env) Config {
	return Config{
		Store: e.Store, Seal: e.Seal, Bus: e.Bus, Clock: e.Clock.Now, Log: e.Log, PublicURL: "http://example.test", Demo: true,
		Persons: e.Persons, Personas: personas(e),
		Persona: func(name string) (Persona, bool) {
			return Persona{Name: name, Person: e.People.Omar.ID, DisplayName: "Påhittad"}, strings.HasPrefix(name, "citizen:")
		},
	}
}

// node is a service that does not listen to the others: what it learns late it
// learns by its own clock.
func node(t *testing.T, e *testenv.Env, change ...func(*Config)) *Service {
	t.Helper()
	cfg := config(e)
	for _, c := range change {
		c(&cfg)
	}
	cfg.Staff = staff.New(staff.Config{
		Store: cfg.Store, Seal: cfg.Seal, Bus: cfg.Bus, Clock: cfg.Clock, Log: cfg.Log, PublicURL: cfg.PublicURL, Registers: places{e.Registers},
	})
	s, err := New(cfg)
	testenv.Must(t, err)
	testenv.Must(t, s.staff.Load(e.Ctx()))
	return s
}

// house is the ground, one running node, and the staff.
func house(t *testing.T) (*testenv.Env, *Service) {
	t.Helper()
	e := testenv.New(t, Kinds(), staff.Kinds(), accesslog.Kinds())
	s := node(t, e)
	start(t, e, s)
	p := e.People
	for _, a := range []halsocoach.Actor{p.Maria, p.Johan, p.Vardcentral, p.Forening, p.Kommun, p.Region, p.Drift} {
		hire(t, s, staff.Member{ID: a.ID, Name: a.Name, Role: a.Role, Kommun: a.Kommun, Centre: a.Centre, Unit: a.Unit})
	}
	return e, s
}

// start lets a node listen to the others.
func start(t *testing.T, e *testenv.Env, s *Service) {
	t.Helper()
	testenv.Must(t, errors.Join(s.staff.Start(e.Ctx(), e.Bus), s.Start(e.Ctx(), e.Bus)))
}

func hire(t *testing.T, s *Service, m staff.Member) staff.Member {
	t.Helper()
	m, err := s.staff.Hire(t.Context(), halsocoach.System("test"), m)
	testenv.Must(t, err)
	return m
}

func signIn(t *testing.T, s *Service, id Identity) Signed {
	t.Helper()
	signed, err := s.SignInAs(t.Context(), id)
	testenv.Must(t, err)
	return signed
}

// browser keeps cookies as browsers do.
type browser struct {
	t       *testing.T
	app     *web.App
	cookies map[string]string
	headers map[string]string
}

type answer struct {
	status int
	body   string
	header http.Header
	t      *testing.T
	asked  string // method and address
}

// is fails unless the answer has this status and holds these texts.
func (a answer) is(status int, holds ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s is %d, want %d: %s", a.asked, a.status, status, a.body)
	}
	for _, text := range holds {
		if !strings.Contains(a.body, text) {
			a.t.Fatalf("%s lacks %q: %s", a.asked, text, a.body)
		}
	}
	return a
}

// lacks fails if the body holds the text.
func (a answer) lacks(text string) answer {
	a.t.Helper()
	if strings.Contains(a.body, text) {
		a.t.Fatalf("%s holds %q: %s", a.asked, text, a.body)
	}
	return a
}

// to fails unless the answer leads to this address.
func (a answer) to(address string) {
	a.t.Helper()
	if got := a.header.Get("Location"); got != address {
		a.t.Fatalf("%s leads to %q, want %q", a.asked, got, address)
	}
}

// open is a web app of the node, with a form that only a coach may send.
func open(t *testing.T, e *testenv.Env, s *Service) *browser {
	t.Helper()
	app := web.New(web.Config{PublicURL: s.cfg.PublicURL, Demo: s.cfg.Demo, Log: e.Log, Clock: e.Clock.Now, Actor: s.Actor, Drafts: s})
	s.Routes(app.Fiber())
	s.staff.Routes(app.Fiber())
	form := func(c *fiber.Ctx) error {
		if who := web.Who(c); !who.SignedIn() {
			return halsocoach.ErrSignIn
		}
		if c.Method() == fiber.MethodPost {
			return web.Redirect(c, "/", "")
		}
		return c.SendString(fmt.Sprint(web.NewForm(c).Get("why"), "|", web.Who(c).Name))
	}
	app.Fiber().Get("/blankett", form)
	app.Fiber().Post("/blankett", form)
	return &browser{t: t, app: app, cookies: map[string]string{}, headers: map[string]string{"Sec-Fetch-Site": "same-origin"}}
}

func (b *browser) send(method, path string, form url.Values, headers ...string) answer {
	b.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range b.headers {
		r.Header.Set(k, v)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	r.Host = "example.test"
	res, err := b.app.Fiber().Test(r, -1)
	testenv.Must(b.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	testenv.Must(b.t, err)
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return answer{res.StatusCode, string(body), res.Header, b.t, method + " " + path}
}

func (b *browser) get(path string) answer { b.t.Helper(); return b.send(http.MethodGet, path, nil) }

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	return b.send(http.MethodPost, path, form)
}

func (b *browser) be(persona string) {
	b.t.Helper()
	if a := b.post("/demo/sign-in", url.Values{"persona": {persona}}); a.status != 303 {
		b.t.Fatalf("sign in as %s: %d %s", persona, a.status, a.body)
	}
}

func want(t *testing.T, err error, kind halsocoach.ErrorKind) {
	t.Helper()
	if halsocoach.KindOf(err) != kind {
		t.Fatalf("got %v, want %q", err, kind)
	}
}
