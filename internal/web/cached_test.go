package web

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/andybalholm/brotli"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

// cachedApp has /program, which counts how often it is rendered.
func cachedApp(t testing.TB) (a *App, version *string, rendered *int) {
	a = testApp(t)
	version, rendered = new(string), new(int)
	*version = "1"
	pages := NewCached(2)
	a.Fiber().Get("/program", func(c *fiber.Ctx) error {
		return pages.Show(c, *version, Page{Title: "Start", Public: true}, func() (templ.Component, error) {
			if c.Query("fel") != "" {
				return nil, halsocoach.ErrNotFound
			}
			if c.Query("trasig") != "" {
				return nil, errors.New("broken")
			}
			*rendered++
			return templ.Raw(fmt.Sprintf("<p>version %s %s %s</p>", *version, c.Query("kommun"), strings.Repeat("ord ", 200))), nil
		})
	})
	return a, version, rendered
}

func TestAPublicPageIsRenderedOncePerVersion(t *testing.T) {
	a, version, rendered := cachedApp(t)
	first := ask(t, a, "GET", "/program", "")
	second := ask(t, a, "GET", "/program", "")
	if *rendered != 1 || first.body != second.body || !strings.Contains(first.body, "version 1") {
		t.Fatalf("rendered %d times", *rendered)
	}
	tag := first.header.Get("ETag")
	if got := ask(t, a, "GET", "/program", "", "If-None-Match: "+tag); got.status != 304 || got.body != "" || got.header.Get("ETag") != tag {
		t.Errorf("unchanged: %d with %d bytes", got.status, len(got.body))
	}
	br := ask(t, a, "GET", "/program", "", "Accept-Encoding: br")
	if plain, err := io.ReadAll(brotli.NewReader(strings.NewReader(br.body))); err != nil || string(plain) != first.body {
		t.Errorf("brotli: %v", err)
	}
	*version = "2"
	got := ask(t, a, "GET", "/program", "", "If-None-Match: "+tag)
	if got.status != 200 || !strings.Contains(got.body, "version 2") || got.header.Get("ETag") == tag || *rendered != 2 {
		t.Errorf("changed: %d, rendered %d times", got.status, *rendered)
	}
	if got.header.Get("Cache-Control") != "private, no-cache" || !strings.Contains(got.header.Get("Vary"), "Cookie") {
		t.Errorf("%v", got.header)
	}
}

func TestAKeptPageIsNobodysOwn(t *testing.T) {
	a, _, rendered := cachedApp(t)
	ask(t, a, "GET", "/program", "")
	for name, heads := range map[string][]string{
		"signed in":    {"X-Who: elsa", "Cookie: session=x"},
		"with bearer":  {"X-Who: elsa", "Authorization: Bearer x"},
		"with notice":  {"Cookie: __Host-besked=UGxhdHNlbiDDpHIgZGluLg"},
		"old sessions": {"X-Who: ended", "Cookie: __Host-session=x"},
	} {
		before := *rendered
		got := ask(t, a, "GET", "/program", "", heads...)
		if *rendered != before+1 || got.header.Get("ETag") != "" || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", name, got.header)
		}
	}
	if got := ask(t, a, "GET", "/program", ""); strings.Contains(got.body, "Elsa") || strings.Contains(got.body, "Platsen är din") {
		t.Error("somebody's page is shown to others")
	}
	if got := ask(t, a, "GET", "/program", "", "Accept-Language: en"); !strings.Contains(got.body, `lang="en"`) {
		t.Error("another language's page")
	}
	if got := ask(t, a, "GET", "/program?kommun=0684", ""); !strings.Contains(got.body, "0684") {
		t.Error("another address's page")
	}
}

func TestKeptPagesAreFewAndFaultsAreNotKept(t *testing.T) {
	a, _, rendered := cachedApp(t)
	for _, path := range []string{"/program?fel=1", "/program?fel=1"} {
		if got := ask(t, a, "GET", path, ""); got.status != 404 {
			t.Errorf("%d", got.status)
		}
	}
	if got := ask(t, a, "GET", "/program?trasig=1", ""); got.status != 500 {
		t.Errorf("%d", got.status)
	}
	for _, path := range []string{"/program?a", "/program?b", "/program?a", "/program?c", "/program?a"} {
		ask(t, a, "GET", path, "")
	}
	if *rendered != 3 {
		t.Errorf("rendered %d times: the page used last should stay", *rendered)
	}
	ask(t, a, "GET", "/program?b", "")
	if *rendered != 4 {
		t.Errorf("rendered %d times: only two are kept", *rendered)
	}
}
