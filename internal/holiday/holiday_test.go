package holiday

import (
	"testing"

	"halsocoach"
)

func TestTheDaysOnWhichPeopleAreFreeTogether(t *testing.T) {
	for day, want := range map[halsocoach.Day]string{
		"2026-12-24": "Julafton", "2026-12-25": "Juldagen", "2026-12-26": "Annandag jul", "2026-12-31": "Nyårsafton", "2027-01-01": "Nyårsdagen",
		"2027-01-06": "Trettondedag jul", "2027-03-26": "Långfredagen", "2027-03-27": "Påskafton", "2027-03-28": "Påskdagen", "2027-03-29": "Annandag påsk",
		"2027-05-01": "Första maj", "2027-05-06": "Kristi himmelsfärdsdag", "2027-05-15": "Pingstafton", "2027-05-16": "Pingstdagen",
		"2027-06-06": "Sveriges nationaldag", "2027-06-25": "Midsommarafton", "2027-06-26": "Midsommardagen", "2026-10-31": "Alla helgons dag",
		"2027-11-06": "Alla helgons dag", "2024-06-21": "Midsommarafton", "2026-12-23": "", "2026-11-29": "", "2027-05-17": "", "in a while": "", "": "",
	} {
		if got := Name(day); got != want {
			t.Errorf("%s is %q, want %q", day, got, want)
		}
	}
}

// TestAYearHasAllOfThem: 18 days, one fewer where two fall together (Ascension
// Day and the first of May in 2008).
func TestAYearHasAllOfThem(t *testing.T) {
	for year := 2020; year < 2060; year++ {
		if n := len(of(year)); n < 17 || n > len(kept) {
			t.Errorf("%d has %d days", year, n)
		}
	}
	if Name("2008-05-01") == "" {
		t.Error("two names on one day are none")
	}
}

func BenchmarkName(b *testing.B) {
	for b.Loop() {
		Name("2026-12-24")
	}
}

func TestTheLastWorkingDay(t *testing.T) {
	for _, c := range []struct{ first, last, want halsocoach.Day }{
		{"2026-11-23", "2026-11-30", "2026-11-30"}, // a Monday
		{"2026-11-22", "2026-11-29", "2026-11-27"}, // a Sunday
		{"2026-11-21", "2026-11-28", "2026-11-27"},
		{"2026-12-18", "2026-12-25", "2026-12-23"}, // Christmas
		{"2026-11-21", "2026-11-22", "2026-11-22"}, // none there
	} {
		if got := LastWorkingDay(c.first, c.last); got != c.want {
			t.Errorf("%s to %s is %s, want %s", c.first, c.last, got, c.want)
		}
	}
}
