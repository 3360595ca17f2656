package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

var (
	elsa  = halsocoach.Actor{ID: "person-elsa", Role: halsocoach.RoleCitizen, Name: "Elsa Berg"}
	maria = halsocoach.Actor{ID: "maria", Role: halsocoach.RoleCoach, Name: "Maria Holm", Kommun: "0684", Centre: "0684"}
)

// drafts remembers what was kept.
type drafts struct {
	path   string
	values map[string][]string
}

func (d *drafts) Keep(_ *fiber.Ctx, path string, values map[string][]string) error {
	d.path, d.values = path, values
	return nil
}

func (d *drafts) Take(_ *fiber.Ctx, path string) (map[string][]string, bool) {
	if path != d.path {
		return nil, false
	}
	return d.values, true
}

// testApp has people by the header X-Who, and one route for each fault.
func testApp(t testing.TB, change ...func(*Config)) *App {
	t.Helper()
	cfg := Config{
		PublicURL: "https://halsocoach.example", Demo: true,
		Clock: func() time.Time { return time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC) },
		Actor: func(c *fiber.Ctx) (halsocoach.Actor, error) {
			switch c.Get("X-Who") {
			case "elsa":
				return elsa, nil
			case "maria":
				return maria, nil
			case "ended":
				return halsocoach.Actor{}, halsocoach.ErrSignIn
			case "broken":
				return halsocoach.Actor{}, errors.New("the store is away: secret words")
			}
			return halsocoach.Actor{}, nil
		},
		Nav: func(who halsocoach.Actor) []Link {
			if who.SignedIn() {
				return []Link{{Path: "/min-halsa", Text: "Start", Icon: "home", Count: 2}}
			}
			return nil
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	a := New(cfg)
	faults := map[string]error{
		"invalid":  halsocoach.Invalid(halsocoach.Field{Name: "namn", Text: "Skriv ett namn."}),
		"signin":   halsocoach.ErrSignIn,
		"forbid":   halsocoach.ErrForbidden,
		"missing":  fmt.Errorf("read x: %w", halsocoach.ErrNotFound),
		"conflict": halsocoach.Conflict("full", "Fullbokad"),
		"busy":     halsocoach.ErrBusy,
		"ours":     errors.New("a table with secret words"),
		"slow":     fmt.Errorf("ask the store: %w", context.DeadlineExceeded),
	}
	fail := func(c *fiber.Ctx) error {
		if c.Params("kind") == "panic" {
			panic("secret words")
		}
		return faults[c.Params("kind")]
	}
	for _, root := range []string{"/fel", "/api/v1/fel", "/fhir/fel", "/oauth/fel"} {
		a.Fiber().Get(root+"/:kind", fail)
		a.Fiber().Post(root+"/:kind", fail)
	}
	a.Fiber().Get("/sida", func(c *fiber.Ctx) error {
		return Show(c, Page{Title: "Start", Active: "/min-halsa"}, templ.Raw("<h1>"+Who(c).Name+"</h1>"))
	})
	a.Fiber().Get("/form", func(c *fiber.Ctx) error {
		return Show(c, Page{Title: "Namn"}, TextField(NewForm(c), Field{Name: "namn", Label: "Namn"}))
	})
	echo := func(c *fiber.Ctx) error { return c.SendString("tack " + ReadForm(c).Get("namn")) }
	a.Fiber().Post("/form", echo)
	a.Fiber().Post("/api/v1/eko", echo)
	a.Fiber().Post("/fhir/eko", echo)
	return a
}

type answer struct {
	status int
	body   string
	header http.Header
}

// ask sends a request; heads are "Name: value".
func ask(t testing.TB, a *App, method, path, body string, heads ...string) answer {
	t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range heads {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	res, err := a.Fiber().Test(req, -1)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, string(b), res.Header}
}

func TestEachFaultIsOnePageAndOneProblem(t *testing.T) {
	a := testApp(t)
	for _, c := range []struct {
		kind   string
		status int
		says   string
	}{
		{"invalid", 422, "Några svar behöver rättas till"},
		{"forbid", 403, "Ditt konto har inte tillgång"},
		{"missing", 404, "Vi hittar inte det du söker"},
		{"conflict", 409, "Fullbokad"},
		{"busy", 503, "Försök igen om en liten stund"},
		{"slow", 503, "Försök igen om en liten stund"},
		{"ours", 500, "Något gick fel hos oss"},
		{"panic", 500, "Något gick fel hos oss"},
		{"signin", 401, ""},
	} {
		t.Run(c.kind, func(t *testing.T) {
			page := ask(t, a, "GET", "/fel/"+c.kind, "")
			if c.kind == "signin" {
				if page.status != 303 || page.header.Get("Location") != "/logga-in?next=%2Ffel%2Fsignin" {
					t.Fatalf("page: %d to %q", page.status, page.header.Get("Location"))
				}
			} else if page.status != c.status || !strings.Contains(page.body, c.says) || !strings.Contains(page.body, "<main") {
				t.Errorf("page: %d %s", page.status, page.body)
			}
			for _, path := range []string{"/api/v1/fel/", "/fhir/fel/", "/oauth/fel/"} {
				checkProblem(t, ask(t, a, "GET", path+c.kind, ""), c.status)
			}
			checkProblem(t, ask(t, a, "GET", "/fel/"+c.kind, "", "Accept: application/json"), c.status)
			if strings.Contains(page.body, "secret") {
				t.Error("inner words reach people")
			}
		})
	}
}

func checkProblem(t *testing.T, got answer, status int) {
	t.Helper()
	var p Problem
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatalf("not a problem: %v: %s", err, got.body)
	}
	if got.status != status || p.Status != status || p.Title == "" || p.Detail == "" || p.Type == "" || p.Request == "" {
		t.Errorf("%d with %+v, want %d", got.status, p, status)
	}
	if got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("content type %q", got.header.Get("Content-Type"))
	}
	if strings.Contains(got.body, "secret") {
		t.Error("inner words reach machines")
	}
	if status == 401 && got.header.Get("WWW-Authenticate") != "Bearer" {
		t.Error("401 without WWW-Authenticate")
	}
	if status == 503 && got.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	if status == 422 && (len(p.Fields) != 1 || p.Fields[0].Name != "namn") {
		t.Errorf("fields %v", p.Fields)
	}
	if status == 409 && (p.Code != "full" || p.Type != "urn:halsocoach:problem:full") {
		t.Errorf("code %q type %q", p.Code, p.Type)
	}
}

func TestAFaultOfOursIsLoggedWithTheNumberThatIsShown(t *testing.T) {
	var log bytes.Buffer
	a := testApp(t, func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	got := ask(t, a, "GET", "/fel/ours", "")
	id := got.header.Get("X-Request-Id")
	if id == "" || !strings.Contains(got.body, id) {
		t.Fatalf("the page does not show the request id %q", id)
	}
	if !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "a table with secret words") {
		t.Errorf("log: %s", log.String())
	}
}

func TestTheAccessLineHoldsNoPersonalData(t *testing.T) {
	var log bytes.Buffer
	a := testApp(t, func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	ask(t, a, "GET", "/sida?namn=Hemlig", "", "X-Who: elsa")
	ask(t, a, "GET", "/fel/missing?x=Hemlig", "", "X-Who: maria")
	ask(t, a, "GET", "/Hemlig/20030202-2389", "")
	ask(t, a, "PUT", "/form/Hemlig", "")
	line := log.String()
	for _, secret := range []string{"Hemlig", "2389", "Elsa", "Maria", "person-elsa"} {
		if strings.Contains(line, secret) {
			t.Errorf("the log holds %q: %s", secret, line)
		}
	}
	for _, want := range []string{`"route":"/sida"`, `"route":"/fel/:kind"`, `"route":"-"`, `"status":404`, `"role":"citizen"`, `"id":"maria"`, `"ms":`} {
		if !strings.Contains(line, want) {
			t.Errorf("the log lacks %s: %s", want, line)
		}
	}
}

func TestUnknownAddressesAndMethodsHavePages(t *testing.T) {
	a := testApp(t)
	if got := ask(t, a, "GET", "/finns-inte", ""); got.status != 404 || !strings.Contains(got.body, "Sidan finns inte") {
		t.Errorf("404: %d %s", got.status, got.body)
	}
	if got := ask(t, a, "DELETE", "/sida", ""); got.status != 405 || !strings.Contains(got.body, "Det går inte så") || got.header.Get("Allow") == "" {
		t.Errorf("405: %d %v", got.status, got.header)
	}
	checkProblem(t, ask(t, a, "GET", "/api/v1/finns-inte", ""), 404)
}

func TestEndedSessionsSignInAndComeBack(t *testing.T) {
	kept := &drafts{}
	a := testApp(t, func(c *Config) { c.Drafts = kept })
	got := ask(t, a, "GET", "/fel/signin?kommun=0684&after=x", "", "X-Who: ended")
	if next, _ := url.QueryUnescape(strings.TrimPrefix(got.header.Get("Location"), "/logga-in?next=")); next != "/fel/signin?kommun=0684&after=x" {
		t.Errorf("comes back to %q", next)
	}
	got = ask(t, a, "POST", "/fel/signin", "namn=+Åsa+&om=mat&om=s%C3%B6mn&_key=k1")
	if got.status != 303 || got.header.Get("Location") != "/logga-in?next=%2Ffel%2Fsignin" {
		t.Fatalf("%d to %q", got.status, got.header.Get("Location"))
	}
	if kept.path != "/fel/signin" || kept.values["namn"][0] != "Åsa" || len(kept.values["om"]) != 2 {
		t.Errorf("kept %q %v", kept.path, kept.values)
	}
	kept.path = "/form"
	if got = ask(t, a, "GET", "/form", "", "X-Who: elsa"); !strings.Contains(got.body, `value="Åsa"`) {
		t.Errorf("the answers are gone: %s", got.body)
	}
	kept.path = ""
	ask(t, a, "POST", "/fel/signin", "namn=Ond", "Sec-Fetch-Site: cross-site")
	if kept.path != "" {
		t.Error("another site's form was kept")
	}
}

func TestWhoCanNotBeToldIsOurFaultAndNotASignIn(t *testing.T) {
	a := testApp(t)
	if got := ask(t, a, "GET", "/fel/signin", "", "X-Who: broken"); got.status != 500 {
		t.Errorf("page: %d", got.status)
	}
	checkProblem(t, ask(t, a, "GET", "/api/v1/fel/signin", "", "X-Who: broken"), 500)
	if got := ask(t, a, "GET", "/sida", "", "X-Who: broken"); got.status != 200 {
		t.Errorf("a public page: %d", got.status)
	}
}

func TestTheActorIsAskedForOnce(t *testing.T) {
	asked := 0
	a := testApp(t, func(c *Config) {
		inner := c.Actor
		c.Actor = func(fc *fiber.Ctx) (halsocoach.Actor, error) { asked++; return inner(fc) }
	})
	a.Fiber().Get("/flera", func(c *fiber.Ctx) error {
		Who(c)
		Who(c)
		return Show(c, Page{Title: "Start"}, templ.Raw(""))
	})
	ask(t, a, "GET", "/flera", "", "X-Who: elsa")
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	ask(t, a, "GET", Asset("css/app.css"), "")
	ask(t, a, "GET", "/healthz", "")
	if asked != 1 {
		t.Error("asked for a file")
	}
}

func TestHealthAndReadiness(t *testing.T) {
	var fault error
	a := testApp(t, func(c *Config) { c.Ready = func(context.Context) error { return fault } })
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := ask(t, a, "GET", path, ""); got.status != 200 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	fault = errors.New("the store is away")
	if got := ask(t, a, "GET", "/readyz", ""); got.status != 503 || strings.Contains(got.body, "store") {
		t.Errorf("readyz: %d %s", got.status, got.body)
	}
	if got := ask(t, a, "GET", "/healthz", ""); got.status != 200 {
		t.Errorf("healthz: %d", got.status)
	}
}

func TestServicesGetFiveSeconds(t *testing.T) {
	a := testApp(t)
	var left time.Duration
	var after context.Context
	a.Fiber().Get("/tid", func(c *fiber.Ctx) error {
		after = Ctx(c)
		end, _ := after.Deadline()
		left = time.Until(end)
		return nil
	})
	ask(t, a, "GET", "/tid", "")
	if left <= 4*time.Second || left > 5*time.Second {
		t.Errorf("%v", left)
	}
	if after.Err() == nil {
		t.Error("the context outlives its request")
	}
}

// serve runs the app on a port of its own.
func serve(t testing.TB, a *App) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go a.Serve(ln) //nolint:errcheck // ends with Shutdown
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := a.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}
