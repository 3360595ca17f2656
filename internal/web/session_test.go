package web

import (
	"strings"
	"testing"
	"time"

	"halsocoach"
)

// TestThePageKnowsWhenItsSessionEnds: the warning is there for who has signed
// in, with the time that is left, and for nobody else.
func TestThePageKnowsWhenItsSessionEnds(t *testing.T) {
	a := testApp(t, func(c *Config) {
		c.Session = func(halsocoach.Actor) (idle, longest time.Duration) { return 10 * time.Minute, 2 * time.Hour }
	})
	if body := ask(t, a, "GET", "/sida", "").body; strings.Contains(body, "session-guard") {
		t.Fatal("a visitor is warned")
	}
	body := ask(t, a, "GET", "/sida", "", "X-Who: elsa").body
	for _, part := range []string{`id="session-guard"`, `data-idle="600"`, `data-longest="7200"`, `data-who="` + SessionOwner(elsa) + `"`, "/static/js/session."} {
		if !strings.Contains(body, part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
	if body := ask(t, testApp(t), "GET", "/sida", "", "X-Who: elsa").body; strings.Contains(body, "session-guard") {
		t.Fatal("a warning without a time")
	}
}
