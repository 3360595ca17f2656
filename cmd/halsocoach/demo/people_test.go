package demo

import (
	"testing"

	"halsocoach/internal/web"
)

func TestEveryPersonaIsIntroducedInEnglishToo(t *testing.T) {
	en := web.InLanguage(t.Context(), web.English)
	for _, p := range Personas() {
		if web.T(en, p.Title) == p.Title {
			t.Errorf("%s: no English for %q", p.Name, p.Title)
		}
	}
}

func TestWorkingDaysOfTheDemo(t *testing.T) {
	p := &past{first: "2026-12-21", days: 7} // a Monday; today is the one after
	for _, c := range []struct{ from, later, want int }{
		{0, 0, 0}, {0, 2, 2}, {2, 1, 7}, {3, 0, 7}, {5, 1, 8}, {9, 1, 14}, // Christmas, New Year
	} {
		if got := p.working(c.from, c.later); got != c.want {
			t.Errorf("%d working days after %s: %s, want %s", c.later, p.first.Plus(c.from), p.first.Plus(got), p.first.Plus(c.want))
		}
	}
	for n, want := range []int{7, 2, 1, 0, -3} {
		if got := p.back(n); got != want {
			t.Errorf("%d working days before %s: %s, want %s", n, p.first.Plus(p.days), p.first.Plus(got), p.first.Plus(want))
		}
	}
}

func TestTheDemosPeopleAreSharedAmongTheCentres(t *testing.T) {
	come := map[string]int{}
	for n := range 1000 {
		come[kommunOf(n+1).Code]++
	}
	for code, p := range paces {
		if come[code] != 10*p.share {
			t.Errorf("%d of 1000 come to %s, want %d", come[code], code, 10*p.share)
		}
		if p.coaches == 0 || p.share == 0 && p.anew == 0 {
			t.Errorf("nobody works at or comes to %s", code)
		}
	}
	for _, s := range Sizes {
		names := map[string]int{}
		for _, m := range s.colleagues() {
			names[m.ID]++
		}
		for id, n := range names {
			if n != 1 || ActorOf(id).ID != id {
				t.Errorf("%s works here %d times", id, n)
			}
		}
	}
}
