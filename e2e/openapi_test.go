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

func TestTheAPIDescribesItself(t *testing.T) {
	d := Start(t, t.TempDir(), "")
	var doc struct {
		OpenAPI string
		Servers []struct{ URL string }
		Paths   map[string]map[string]any
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
			if doc.Paths[full][m] == nil {
				t.Errorf("%s %s is not described", strings.ToUpper(m), full)
			}
		}
	}
	if !json.Valid([]byte(body)) {
		t.Fatal("not JSON")
	}
}
