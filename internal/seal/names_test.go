package seal

import (
	"strings"
	"testing"
)

func TestNameIsFoundByTheBeginningsOfItsWords(t *testing.T) {
	s := newHouse(t).node(t)
	people := map[string]string{}
	for _, name := range []string{"Åsa Öberg", "Asa Oberg", "Anna-Karin Lindström", "André Ek", "Ann Lind", "Søren Bjørk", "Bo Ek", "Siobhán O’Brien"} {
		p := must[string](t)(s.NewPerson(t.Context()))
		people[p] = name
		ok(t, s.IndexName(t.Context(), "0684", p, name))
	}
	for query, want := range map[string]string{
		"åsa": "Åsa Öberg", "asa": "Asa Oberg, Åsa Öberg", "ASA OBE": "Asa Oberg, Åsa Öberg", "Öberg åsa": "Åsa Öberg",
		"ann": "Ann Lind, Anna-Karin Lindström", "anna": "Anna-Karin Lindström", "kar lin": "Anna-Karin Lindström",
		"a\u030asa": "Åsa Öberg", "andre": "André Ek", "ANDRÉ": "André Ek", "ek": "André Ek, Bo Ek", "bo ek": "Bo Ek",
		"sören": "Søren Bjørk", "soren björk": "Søren Bjørk", "siobhan obr": "Siobhán O’Brien", "an": "", "li": "", "lindström ann": "Anna-Karin Lindström",
		"": "", "  - ": "", "indström": "", "%": "", "zzz": "", "ann zzz": "",
	} {
		var names []string
		for _, p := range must[[]string](t)(s.SearchName(t.Context(), "0684", query)) {
			names = append(names, people[p])
		}
		for i := range names { // order is the index's; compare as a set
			for j := range i {
				if names[j] > names[i] {
					names[i], names[j] = names[j], names[i]
				}
			}
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
		if found := must[[]string](t)(s.SearchName(t.Context(), "0680", query)); len(found) > 0 {
			t.Errorf("%q finds %d at another centre", query, len(found))
		}
	}
}

func TestNewNameReplacesTheOldOne(t *testing.T) {
	s := newHouse(t).node(t)
	p := must[string](t)(s.NewPerson(t.Context()))
	for _, name := range []string{"Anna Svensson", "Anna Karlsson"} {
		ok(t, s.IndexName(t.Context(), "0684", p, name))
	}
	if found := must[[]string](t)(s.SearchName(t.Context(), "0684", "svensson")); len(found) > 0 {
		t.Error("found by the old name")
	}
	if found := must[[]string](t)(s.SearchName(t.Context(), "0684", "karlsson")); len(found) != 1 {
		t.Error("not found by the new name")
	}
	ok(t, s.IndexName(t.Context(), "0684", p, ""))
	if found := must[[]string](t)(s.SearchName(t.Context(), "0684", "anna")); len(found) > 0 {
		t.Error("found after being taken out")
	}
}

func FuzzNameIndexTakesAnyName(f *testing.F) {
	f.Add("Åsa Öberg", "åsa")
	f.Add("\xff\xfe \u030a", "\u030a")
	f.Fuzz(func(t *testing.T, name, query string) {
		for _, w := range append(foldedWords(name), foldedWords(query)...) {
			if w == "" || len([]rune(w)) > longest || len(beginnings(w)) > longest || strings.ContainsAny(w, " \x00") {
				t.Errorf("%q gives the word %q", name, w)
			}
		}
	})
}
