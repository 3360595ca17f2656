package main

import (
	"testing"

	"halsocoach/internal/web"
)

func TestEveryPersonaIsIntroducedInEnglishToo(t *testing.T) {
	en := web.InLanguage(t.Context(), web.English)
	for _, p := range personas() {
		if web.T(en, p.Title) == p.Title {
			t.Errorf("%s: no English for %q", p.Name, p.Title)
		}
	}
}
