package web

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestWritingWithOurCookieComesFromOurOrigin(t *testing.T) {
	a := testApp(t)
	for _, c := range []struct {
		name  string
		heads []string
		want  int
	}{
		{"no cookie, no origin", nil, 200},
		{"no cookie, foreign origin", []string{"Origin: https://evil.example"}, 200},
		{"bearer, foreign origin", []string{"Authorization: Bearer x", "Origin: https://evil.example"}, 200},
		{"cookie, same origin by fetch metadata", []string{"Cookie: session=x", "Sec-Fetch-Site: same-origin"}, 200},
		{"cookie, typed by the person", []string{"Cookie: session=x", "Sec-Fetch-Site: none"}, 200},
		{"cookie, cross site", []string{"Cookie: session=x", "Sec-Fetch-Site: cross-site"}, 403},
		{"cookie, a sister host", []string{"Cookie: session=x", "Sec-Fetch-Site: same-site"}, 403},
		{"fetch metadata goes before origin", []string{"Cookie: session=x", "Sec-Fetch-Site: cross-site", "Origin: https://halsocoach.example"}, 403},
		{"secure cookie, cross site", []string{"Cookie: __Host-session=x", "Sec-Fetch-Site: cross-site"}, 403},
		{"cookie, origin is the host", []string{"Cookie: session=x", "Host: 127.0.0.1:8080", "Origin: http://127.0.0.1:8080"}, 200},
		{"cookie, origin is the host on another port", []string{"Cookie: session=x", "Host: 127.0.0.1:8080", "Origin: http://127.0.0.1:9090"}, 403},
		{"cookie, origin is the public address", []string{"Cookie: session=x", "Host: inner:8080", "Origin: https://halsocoach.example"}, 200},
		{"cookie, the public host without TLS", []string{"Cookie: session=x", "Host: inner:8080", "Origin: http://halsocoach.example"}, 403},
		{"cookie, foreign origin", []string{"Cookie: session=x", "Origin: https://evil.example"}, 403},
		{"cookie, an origin that begins as ours", []string{"Cookie: session=x", "Origin: https://halsocoach.example.evil.example"}, 403},
		{"cookie, null origin", []string{"Cookie: session=x", "Origin: null"}, 403},
		{"cookie, nothing said", []string{"Cookie: session=x"}, 403},
		{"other cookies do not count", []string{"Cookie: sprak=en; xsession=y", "Origin: https://evil.example"}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"/form", "/api/v1/eko"} {
				if got := ask(t, a, "POST", path, "namn=x", c.heads...); got.status != c.want {
					t.Errorf("%s: %d, want %d", path, got.status, c.want)
				}
			}
			if got := ask(t, a, "GET", "/sida", "", c.heads...); got.status != 200 {
				t.Errorf("reading: %d", got.status)
			}
		})
	}
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	a := testApp(t)
	for _, path := range []string{"/", "/sida", "/fel/ours", "/finns-inte", "/api/v1/fel/ours", Asset("css/app.css"), "/healthz"} {
		got := ask(t, a, "GET", path, "")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.header.Get(name))
			}
		}
		csp := got.header.Get("Content-Security-Policy")
		if strings.Contains(csp, "unsafe") || !strings.HasPrefix(csp, "default-src 'none'") || !strings.Contains(csp, "connect-src 'self' wss://halsocoach.example;") {
			t.Errorf("%s: %s", path, csp)
		}
		if got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no request id", path)
		}
	}
}

func TestSignedInPagesAreNotKept(t *testing.T) {
	a := testApp(t)
	for _, path := range []string{"/", "/sida", "/tillganglighet"} {
		if got := ask(t, a, "GET", path, "", "X-Who: elsa", "Cookie: session=x"); got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %q", path, got.header.Get("Cache-Control"))
		}
	}
}

var inline = regexp.MustCompile(`(?i)<style|\sstyle\s*=|<script(?:\s[^>]*)?>[^<]|\son[a-z]+\s*=|javascript:`)

func TestPagesHoldNoInlineScriptOrStyle(t *testing.T) {
	a := testApp(t)
	pages := []answer{
		ask(t, a, "GET", "/", ""), ask(t, a, "GET", "/", "", "X-Who: elsa"), ask(t, a, "GET", "/tillganglighet", ""),
		ask(t, a, "GET", "/stil", "", "X-Who: maria"), ask(t, a, "POST", "/stil", "namn="), ask(t, a, "GET", "/finns-inte", ""), ask(t, a, "GET", "/fel/ours", ""),
	}
	for i, p := range pages {
		if found := inline.FindString(p.body); found != "" {
			t.Errorf("page %d holds %q", i, found)
		}
		if !strings.Contains(p.body, "<!doctype html>") && !strings.Contains(p.body, "<!DOCTYPE html>") {
			t.Errorf("page %d: %.80s", i, p.body)
		}
	}
}

func TestABodyTooLargeIsAnsweredByItsOwnDoor(t *testing.T) {
	url := serve(t, testApp(t))
	client := &http.Client{Timeout: 20 * time.Second}
	for _, c := range []struct {
		path    string
		size    int
		status  int
		problem bool
	}{
		{"/form", 60 << 10, 200, false},
		{"/form", 65 << 10, 413, false},
		{"/form", 1 << 20, 413, false},
		{"/finns-inte", 1 << 20, 413, false},
		{"/api/v1/eko", 1000 << 10, 200, false},
		{"/api/v1/eko", 1100 << 10, 413, true},
		{"/fhir/eko", 5 << 20, 200, false},
		{"/fhir/eko", 7 << 20, 413, true},
	} {
		body := "namn=a&x=" + strings.Repeat("a", c.size-9)
		req, err := http.NewRequest(http.MethodPost, url+c.path+"?q=1", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer x")
		res, err := client.Do(req)
		if err != nil {
			t.Errorf("%s with %d bytes: the answer did not arrive: %v", c.path, c.size, err)
			continue
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != c.status {
			t.Errorf("%s with %d bytes: %d (%v), want %d", c.path, c.size, res.StatusCode, err, c.status)
		}
		if isProblem := res.Header.Get("Content-Type") == problemType; c.status == 413 && isProblem != c.problem {
			t.Errorf("%s with %d bytes answers with %s", c.path, c.size, res.Header.Get("Content-Type"))
		}
		if c.status == 413 && !c.problem && !bytes.Contains(answer, []byte("Det var för mycket")) {
			t.Errorf("%s: %s", c.path, answer)
		}
	}
}

// TestWhoSaysNothingOfThemselvesGetsLittleRoom: large bodies are for those who
// are signed in, at every door.
func TestWhoSaysNothingOfThemselvesGetsLittleRoom(t *testing.T) {
	url := serve(t, testApp(t))
	for path, status := range map[string]int{"/api/v1/eko": 413, "/fhir/eko": 413, "/form": 413, "/x/bilagor": 413} {
		res, err := http.Post(url+path, "application/json", strings.NewReader(strings.Repeat("a", 65<<10)))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

// TestAPackedBodyIsRefused: a few kilobytes may unpack to gigabytes.
func TestAPackedBodyIsRefused(t *testing.T) {
	url := serve(t, testApp(t))
	for _, packing := range []string{"gzip", "br", "deflate", "identity, gzip"} {
		for _, path := range []string{"/form", "/api/v1/eko", "/fhir/eko"} {
			req, err := http.NewRequest(http.MethodPost, url+path, strings.NewReader("namn=a"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Content-Encoding", packing)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 415 {
				t.Errorf("%s to %s: %d", packing, path, res.StatusCode)
			}
		}
	}
}

func TestHeadersTooLargeHaveAPage(t *testing.T) {
	url := serve(t, testApp(t))
	get := func(size int) (int, string) {
		req, err := http.NewRequest(http.MethodGet, url+"/sida", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Long", strings.Repeat("a", size))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body)
	}
	if status, _ := get(7 << 10); status != 200 {
		t.Errorf("7 kB of headers: %d", status)
	}
	if status, body := get(12 << 10); status != 431 || !strings.Contains(body, "Webbläsaren skickade för mycket") {
		t.Errorf("12 kB of headers: %d %s", status, body)
	}
}
