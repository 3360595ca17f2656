package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/cmd/halsocoach/demo"
	"halsocoach/internal/auth"
	"halsocoach/internal/testenv"
)

// emptyGround is a folder without data.
func emptyGround(t testing.TB) dataConfig {
	dir := t.TempDir()
	return dataConfig{Store: "sqlite:" + filepath.Join(dir, "halsocoach.db"), NATS: "embedded:" + filepath.Join(dir, "nats"), Keys: filepath.Join(dir, "keys")}
}

// openFor opens the program for a test, on an empty ground where cfg names none.
func openFor(t testing.TB, cfg appConfig) *app {
	t.Helper()
	if cfg.Store == "" {
		cfg.dataConfig = emptyGround(t)
	}
	cfg.PublicURL, cfg.Demo = "http://example.test", true
	if cfg.Log == nil {
		cfg.Log = testenv.Log(t, slog.LevelWarn)
	}
	a, err := openApp(t.Context(), cfg)
	testenv.Must(t, err)
	t.Cleanup(a.close)
	return a
}

// startFor starts the program with the kommuner's centres and the demo's staff.
func startFor(t testing.TB, cfg appConfig) *app {
	t.Helper()
	a := openFor(t, cfg)
	testenv.Must(t, a.start(t.Context()))
	testenv.Must(t, a.registers.Seed(t.Context()))
	for _, m := range demo.Staff() {
		_, err := a.staff.Hire(t.Context(), halsocoach.System("test"), m)
		testenv.Must(t, err)
	}
	return a
}

// testApp is the whole program on an empty ground, with one of each role. Its
// warnings are many where every door is tried, so only its faults are shown.
func testApp(t testing.TB) (*app, map[halsocoach.Role]string) {
	t.Helper()
	a := startFor(t, appConfig{Log: testenv.Log(t, slog.LevelError)})
	units := []halsocoach.Unit{
		{ID: "vardcentral-0684", Kind: "vårdcentral", Kommun: "0684", Name: "Sävsjö vårdcentral", Centre: "0684"},
		{ID: "forening-0684", Kind: "förening", Kommun: "0684", Name: "Sävsjö friluftsförening", Centre: "0684"},
	}
	testenv.Must(t, a.registers.Enter(t.Context(), nil, units))
	tokens := map[halsocoach.Role]string{}
	for _, m := range demo.Staff() {
		if tokens[m.Role] == "" {
			tokens[m.Role] = a.tokenOf(t, auth.Identity{Staff: m.ID})
		}
	}
	person, err := a.seal.NewPerson(t.Context())
	testenv.Must(t, err)
	tokens[halsocoach.RoleCitizen] = a.tokenOf(t, auth.Identity{Person: person, Name: "Elsa Berg"})
	return a, tokens
}

func (a *app) tokenOf(t testing.TB, id auth.Identity) string {
	t.Helper()
	in, err := a.auth.SignInAs(t.Context(), id)
	testenv.Must(t, err)
	return in.Token
}

// aDemo is a demo with few people.
func aDemo(t *testing.T, at time.Time, cfg appConfig) *app {
	t.Helper()
	d := demo.New(demo.Size{People: 60, Days: 35, Messages: 2, Staff: 1}, demo.ClockAt(at))
	cfg.Clock, cfg.Kinds = d.Clock.Now, demo.Kinds()
	a := openFor(t, cfg)
	testenv.Must(t, d.Fill(t.Context(), a.forDemo(&screen{out: io.Discard})))
	return a
}

type reply struct {
	status int
	header http.Header
	body   string
}

// send asks as the one with the token, in a browser or, by the JSON doors, as a
// program. A body is a form, JSON that is written already, or something to write as
// JSON.
func (a *app) send(t testing.TB, token, method, path string, body any) reply {
	t.Helper()
	var in io.Reader
	kind := fiber.MIMEApplicationJSON
	switch body := body.(type) {
	case nil:
	case url.Values:
		in, kind = strings.NewReader(body.Encode()), fiber.MIMEApplicationForm
	case string:
		in = strings.NewReader(body)
	default:
		b, err := json.Marshal(body)
		testenv.Must(t, err)
		in = bytes.NewReader(b)
	}
	r := httptest.NewRequest(method, path, in)
	r.Host = "example.test"
	r.Header.Set("Content-Type", kind)
	api := strings.HasPrefix(path, "/api/")
	if api {
		r.Header.Set("Accept", fiber.MIMEApplicationJSON)
	} else {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if token != "" && (api || strings.HasPrefix(path, "/fhir")) {
		r.Header.Set("Authorization", "Bearer "+token)
	} else if token != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: token})
	}
	res, err := a.web.Fiber().Test(r, -1)
	testenv.Must(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	testenv.Must(t, err)
	return reply{res.StatusCode, res.Header, string(b)}
}
