package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
)

// visitor is nobody.
const visitor halsocoach.Role = "visitor"

// everybody in the order of the table's columns.
var everybody = append([]halsocoach.Role{visitor}, halsocoach.Roles...)

// bodies are of the right shape, so that it is the access that answers.
var bodies = map[string]string{
	"/api/v1/conversations/:id/messages": `{"key":"2f1f6a3e-7a40-4f6b-9f3e-0d4d6c1f8a11","text":"hej"}`,
	"/api/v1/conversations/:id/read":     `{"seq":1}`,
	"/api/v1/talks":                      `{"coach":"nobody","starts":"2026-11-24T10:00:00+01:00","form":"telefon"}`,
	"/api/v1/talks/:id/move":             `{"coach":"nobody","starts":"2026-11-24T10:00:00+01:00","form":"telefon"}`,
	"/api/v1/talks/:id/outcome":          `{"outcome":"held"}`,
}

// ask sends a request to a route as a role and says what came of it: the status,
// and for a redirect to the sign-in page "in".
func ask(t *testing.T, h *app, token, method, path string) string {
	t.Helper()
	var body any
	if strings.HasPrefix(path, "/api/") && method != http.MethodGet {
		body = cmp.Or(bodies[path], "{}")
	} else if method != http.MethodGet {
		body = url.Values{"x": {"y"}}
	}
	for _, part := range strings.Split(path, "/") {
		if strings.HasPrefix(part, ":") || part == "*" {
			path = strings.Replace(path, part, "0", 1)
		}
	}
	res := h.send(t, token, method, path, body)
	if res.status == http.StatusSeeOther && strings.HasPrefix(res.header.Get("Location"), "/logga-in") {
		return "in"
	}
	return fmt.Sprint(res.status)
}

// routes of the app, without the HEAD twins that Fiber adds.
func (a *app) routes() []string {
	seen := map[string]bool{}
	var all []string
	for _, r := range a.web.Fiber().GetRoutes(true) {
		row := r.Method + " " + r.Path
		if r.Method == http.MethodHead || seen[row] {
			continue
		}
		seen[row] = true
		all = append(all, row)
	}
	sort.Strings(all)
	return all
}

// TestAccess walks every route as every role. A row that differs from the table
// in testdata/access.txt fails, and so does a route without a row or a row
// without a route. What is new is written down by hand, after thinking about it.
func TestAccess(t *testing.T) {
	h, tokens := testApp(t)
	src, err := os.ReadFile("testdata/access.txt")
	testenv.Must(t, err)
	want := map[string]string{}
	for _, line := range strings.Split(string(src), "\n") {
		if f := strings.Fields(line); len(f) == 2+len(everybody) && !strings.HasPrefix(line, "#") {
			want[f[0]+" "+f[1]] = strings.Join(f[2:], " ")
		}
	}
	for _, row := range h.routes() {
		method, path, _ := strings.Cut(row, " ")
		if path == "/logga-ut" || path == "/demo/sign-in" {
			delete(want, row) // they change who asks; package auth tests them
			continue
		}
		var got []string
		for _, role := range everybody {
			got = append(got, ask(t, h, tokens[role], method, path))
		}
		if is := strings.Join(got, " "); want[row] != is {
			t.Errorf("%-48s %s\nthe table has %39s", row, is, want[row])
		}
		delete(want, row)
	}
	for row := range want {
		t.Errorf("%s is in the table and not in the program", row)
	}
}
