package e2e

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// The paths that other programs rely on and that exist so far.
var promised = map[string][]string{
	"/kommuner":                    {"get"},
	"/activities":                  {"get"},
	"/occasions/{id}/bookings":     {"post"},
	"/bookings/{id}":               {"delete"},
	"/referrals":                   {"get", "post"},
	"/referrals/{id}/decision":     {"post"},
	"/talks/free":                  {"get"},
	"/talks":                       {"post"},
	"/talks/{id}":                  {"delete"},
	"/conversations":               {"get"},
	"/conversations/{id}/messages": {"get", "post"},
	"/goals":                       {"get", "post"},
	"/goals/{id}/checkins":         {"post"},
	"/counts":                      {"get"},
}

type operation struct{ Responses map[string]any }

// answers are the statuses that a program has to reckon with: a POST may be
// refused, and one that makes something may be a repeat.
func answers(method string, described map[string]any) []string {
	switch {
	case method != "post":
		return nil
	case described["201"] != nil:
		return []string{"200", "401", "409", "422"}
	}
	return []string{"401", "409", "422"}
}

func TestTheAPIDescribesItself(t *testing.T) {
	d := Start(t, monday)
	var doc struct {
		OpenAPI string
		Servers []struct{ URL string }
		Paths   map[string]map[string]*operation
	}
	status, body, err := (&Client{demo: d}).Call(t.Context(), http.MethodGet, "/api/v1/openapi.json", "", nil, &doc)
	if err != nil || status != 200 {
		t.Fatalf("%d %v", status, err)
	}
	check := exec.Command("node", "openapi.mjs")
	check.Stdin = strings.NewReader(body)
	out, err := check.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%s with %d paths", strings.TrimSpace(string(out)), len(doc.Paths))
	base := ""
	for _, s := range doc.Servers {
		if strings.HasSuffix(s.URL, "/api/v1") {
			base = "/api/v1"
		}
	}
	for path, methods := range promised {
		for _, m := range methods {
			full := path
			if base == "" {
				full = "/api/v1" + path
			}
			op := doc.Paths[full][m]
			if op == nil {
				t.Errorf("%s %s is not described", strings.ToUpper(m), full)
				continue
			}
			for _, status := range answers(m, op.Responses) {
				if op.Responses[status] == nil {
					t.Errorf("%s %s does not describe %s", strings.ToUpper(m), full, status)
				}
			}
		}
	}
	if !json.Valid([]byte(body)) {
		t.Fatal("not JSON")
	}
}
