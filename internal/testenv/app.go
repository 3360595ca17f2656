package testenv

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// App is a web app whose sign-in is a header that only tests can set.
type App struct {
	env    *Env
	Web    *web.App
	people sync.Map // Session of a Visitor → halsocoach.Actor
}

const actorHeader = "X-Test-Actor"

// App makes a web app and lets mount put routes on it.
func (e *Env) App(mount func(*web.App)) *App {
	e.T.Helper()
	a := &App{env: e}
	a.Web = web.New(web.Config{
		PublicURL: "http://example.test", Demo: true, Log: e.Log, Clock: e.Clock.Now,
		Actor: func(c *fiber.Ctx) (halsocoach.Actor, error) {
			who, _ := a.people.Load(c.Get(actorHeader))
			actor, _ := who.(halsocoach.Actor)
			return actor, nil
		},
	})
	mount(a.Web)
	return a
}

// As is the app as one person sees it; the zero Actor is a visitor.
func (a *App) As(who halsocoach.Actor) *Visitor { return &Visitor{app: a, who: who} }

// Visitor sends requests as one person.
type Visitor struct {
	app *App
	who halsocoach.Actor
	key string
}

// Response is what came back.
type Response struct {
	Status int
	Header http.Header
	Body   string

	t     testing.TB
	asked string // method and address
}

// Is fails unless the answer has this status and holds these texts.
func (r Response) Is(status int, holds ...string) Response {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("%s is %d, want %d: %s", r.asked, r.Status, status, r.Body)
	}
	return r.Holds(holds...)
}

// Holds fails unless the body holds these texts.
func (r Response) Holds(texts ...string) Response {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.Body, text) {
			r.t.Fatalf("%s lacks %q: %s", r.asked, text, r.Body)
		}
	}
	return r
}

// Lacks fails if the body holds any of these texts.
func (r Response) Lacks(texts ...string) Response {
	r.t.Helper()
	for _, text := range texts {
		if strings.Contains(r.Body, text) {
			r.t.Fatalf("%s holds %q: %s", r.asked, text, r.Body)
		}
	}
	return r
}

// To fails unless the answer leads to this address.
func (r Response) To(address string) {
	r.t.Helper()
	if got := r.Header.Get("Location"); got != address {
		r.t.Fatalf("%s leads to %q, want %q", r.asked, got, address)
	}
}

// Into reads a JSON body.
func (r Response) Into(v any) error { return json.Unmarshal([]byte(r.Body), v) }

// WithKey sends the Idempotency-Key with what follows.
func (v *Visitor) WithKey(key string) *Visitor { return &Visitor{v.app, v.who, key} }

// Get reads a page.
func (v *Visitor) Get(path string) Response {
	v.app.env.T.Helper()
	return v.send(httptest.NewRequest(http.MethodGet, path, nil))
}

// Post sends a form as a browser does.
func (v *Visitor) Post(path string, form url.Values) Response {
	v.app.env.T.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(r)
}

// JSON calls the API; path is from the root ("/api/v1/goals").
func (v *Visitor) JSON(method, path string, body any) Response {
	v.app.env.T.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			v.app.env.T.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	r := httptest.NewRequest(method, path, in)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	return v.send(r)
}

func (v *Visitor) send(r *http.Request) Response {
	t := v.app.env.T
	t.Helper()
	if v.who.SignedIn() {
		who := v.who
		if who.Session == "" {
			who.Session = "session-" + who.ID
		}
		v.app.people.Store(who.Session, who)
		r.Header.Set(actorHeader, who.Session)
		r.Header.Set("Authorization", "Bearer "+who.Session) // which the doors go by for how much may be sent
	}
	if v.key != "" {
		r.Header.Set("Idempotency-Key", v.key)
	}
	r.Host = "example.test"
	res, err := v.app.Web.Fiber().Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Response{res.StatusCode, res.Header, string(b), t, r.Method + " " + r.URL.String()}
}
