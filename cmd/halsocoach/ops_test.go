package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// TestMetricsTellTheStatusThatWasAnswered: faults are counted as what they
// became, by pattern, and nothing that stood in an address is among the labels.
func TestMetricsTellTheStatusThatWasAnswered(t *testing.T) {
	h, tokens := testApp(t)
	for _, role := range everybody {
		ask(t, h, tokens[role], http.MethodGet, "/api/v1/goals")
		ask(t, h, tokens[role], http.MethodGet, "/min-halsa")
	}
	ask(t, h, "", http.MethodGet, "/200302022389")
	w := httptest.NewRecorder()
	promhttp.HandlerFor(h.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body := w.Body.String()
	for _, want := range []string{
		`route="/api/v1/goals",status="200"`, `route="/api/v1/goals",status="401"`, `route="/api/v1/goals",status="403"`,
		`route="/min-halsa",status="303"`, `route="/min-halsa",status="403"`, `route="-",status="404"`,
		"\nhalsocoach_events_waiting ", "\nhalsocoach_events_parked 0",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, "200302022389") {
		t.Error("an address is among the labels")
	}
}
