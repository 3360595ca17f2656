package main

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"

	"halsocoach/internal/testenv"
	"halsocoach/static"
)

// TestEveryLinkLeadsSomewhere: a place in the navigation has an icon and English,
// and its page is there for each of its roles.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	h, tokens := testApp(t)
	icons, err := fs.ReadFile(static.Files, "icons/sprite.svg")
	testenv.Must(t, err)
	catalogues, err := fs.Glob(static.Files, "lang/en/*.json")
	testenv.Must(t, err)
	english, routes := map[string]string{}, h.routes()
	for _, name := range catalogues {
		texts, err := fs.ReadFile(static.Files, name)
		testenv.Must(t, err)
		testenv.Must(t, json.Unmarshal(texts, &english))
	}
	for _, p := range parts() {
		for _, l := range p.nav {
			if !strings.Contains(string(icons), `id="`+l.Icon+`"`) {
				t.Errorf("%s: static/icons/sprite.svg has no icon %q", p.name, l.Icon)
			}
			if english[l.Text] == "" {
				t.Errorf("%s: static/lang/en has no English for %q", p.name, l.Text)
			}
			if !slices.Contains(routes, http.MethodGet+" "+l.Path) {
				t.Errorf("%s: no route is GET %s", p.name, l.Path)
				continue
			}
			for _, role := range l.roles {
				if got := ask(t, h, tokens[role], http.MethodGet, l.Path); got != "200" {
					t.Errorf("%s: GET %s answers %s to role %q", p.name, l.Path, got, role)
				}
			}
		}
	}
}
