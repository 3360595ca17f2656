package counts

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
)

// madeUp is a year of facts as tallies: how busy, and how unevenly.
func madeUp(seed uint64, busy int) map[string][12]tally {
	rng := rand.New(rand.NewPCG(seed, 2))
	out := map[string][12]tally{}
	for i, p := range places {
		var row [12]tally
		for m := range row {
			t := tally{}
			for _, kind := range halsocoach.CountKinds {
				for range rng.IntN(busy*(1+i%5)/3 + 1) {
					c := combo{Kind: kind, Source: pick(rng, Sources), Topic: pick(rng, []string{"mat", "sömn", "mat|sömn", "kultur och fritid", ""})}
					if p != rest {
						c.Sex, c.Age = pick(rng, Sexes), pick(rng, Bands)
					}
					t[c]++
				}
			}
			row[m] = t
		}
		out[p] = row
	}
	return out
}

func pick(rng *rand.Rand, list []string) string {
	v := list[rng.IntN(len(list))]
	if v == Unknown {
		return ""
	}
	return v
}

func tablesOf(tallies map[string][12]tally, months, complete, k int) yearTables {
	b := builder{year: 2026, months: months, complete: complete, k: k, tallies: tallies}
	return b.build()
}

// plain counts without the code under test.
func plain(tallies map[string][12]tally, k key) int {
	first, last := k.period.months()
	n := 0
	for _, p := range places {
		if k.kommun != halsocoach.County && k.kommun != p {
			continue
		}
		for m := first.index(); m <= last.index(); m++ {
			for c, v := range tallies[p][m] {
				is := func(want, have string) bool {
					return want == "" || want == All || want == have || want == Unknown && have == ""
				}
				kind := k.kind
				if k.table != ByKind {
					kind = halsocoach.CountReferral
				}
				if c.Kind == kind && is(k.source, c.Source) && is(k.sex, c.Sex) && is(k.age, c.Age) && (k.topic == "" || k.topic == Unknown && c.Topic == "" || strings.Contains("|"+c.Topic+"|", "|"+k.topic+"|")) {
					n += v
				}
			}
		}
	}
	return n
}

func TestEveryOpenNumberIsTheTrueOneAndEverySmallOneIsHidden(t *testing.T) {
	for seed := range uint64(6) {
		tallies := madeUp(seed, []int{1, 4, 15, 60, 200, 0}[seed])
		tables := tablesOf(tallies, 12, 12, 5)
		hidden := 0
		for k, n := range tables {
			want := plain(tallies, k)
			switch {
			case n.hidden && n.n != 0:
				t.Errorf("%+v is hidden and yet says %d", k, n.n)
			case n.hidden:
				hidden++
			case n.n != want:
				t.Errorf("%+v says %d, is %d", k, n.n, want)
			case want > 0 && want < 5:
				t.Errorf("%+v shows %d", k, want)
			}
		}
		// 12 months, and the year, of 14 places and 8 kinds; 4 quarters and the
		// year of 14 places and 5 sources; 5 of 7 topics; 3 of 4 × 8 sex and age.
		if want := 13*14*8 + 5*14*5 + 5*7 + 3*32; len(tables) != want {
			t.Errorf("%d numbers are published, want %d", len(tables), want)
		}
		t.Logf("%d of %d hidden", hidden, len(tables))
	}
}

// reader is somebody who has read every published number of the year, and adds
// and subtracts: every sum there is over the published cells.
func reader(tallies map[string][12]tally, tables yearTables, k int) *sheet {
	s := &sheet{k: k}
	at := map[key]int{}
	truth := tablesOf(tallies, 12, 12, 0)
	cell := func(k key) int {
		if p, ok := at[k]; ok {
			return p
		}
		value, known := truth[k]
		if !known {
			value.n = plain(tallies, k)
		}
		p := s.add(value.n)
		n, published := tables[k]
		s.cells[p].hidden = !published || n.hidden
		at[k] = p
		return p
	}
	sum := func(total key, n int, part func(i int) key) {
		parts := make([]int, n)
		for i := range parts {
			parts[i] = cell(part(i))
		}
		s.adds(cell(total), parts...)
	}
	everywhere := append([]string{halsocoach.County}, places...)
	var periods []Period
	for m := range 12 {
		periods = append(periods, Period(monthAt(2026, m)))
	}
	periods = append(periods, "2026")
	for _, kind := range halsocoach.CountKinds {
		name := func(p Period, kommun string) key { return key{table: ByKind, period: p, kommun: kommun, kind: kind} }
		for _, p := range periods {
			sum(name(p, halsocoach.County), len(places), func(i int) key { return name(p, places[i]) })
		}
		for _, kommun := range everywhere {
			sum(name("2026", kommun), 12, func(i int) key { return name(periods[i], kommun) })
		}
	}
	ref := func(p Period, kommun string) key {
		return key{table: ByKind, period: p, kommun: kommun, kind: halsocoach.CountReferral}
	}
	src := func(p Period, kommun, source string) key {
		if len(p) == 4 && source == All {
			return ref(p, kommun)
		}
		return key{table: BySource, period: p, kommun: kommun, source: source}
	}
	for _, p := range []Period{"2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4", "2026"} {
		for _, kommun := range everywhere {
			sum(src(p, kommun, All), len(Sources), func(i int) key { return src(p, kommun, Sources[i]) })
			if len(p) > 4 {
				first, _ := p.months()
				sum(src(p, kommun, All), 3, func(i int) key { return ref(Period(first.plus(i)), kommun) })
			}
		}
		for _, source := range append([]string{All}, Sources...) {
			sum(src(p, halsocoach.County, source), len(places), func(i int) key { return src(p, places[i], source) })
		}
	}
	for _, kommun := range everywhere {
		for _, source := range append([]string{All}, Sources...) {
			sum(src("2026", kommun, source), 4, func(i int) key { return src(quarter(2026, i), kommun, source) })
		}
	}
	sa := func(p Period, sex, age string) key {
		if len(p) == 4 && sex == All && age == All {
			return ref(p, halsocoach.County)
		}
		return sexAge(p, sex, age)
	}
	for _, p := range []Period{"2026-H1", "2026-H2", "2026"} {
		for _, sex := range append([]string{All}, Sexes...) {
			sum(sa(p, sex, All), len(Bands), func(i int) key { return sa(p, sex, Bands[i]) })
		}
		for _, age := range append([]string{All}, Bands...) {
			sum(sa(p, All, age), len(Sexes), func(i int) key { return sa(p, Sexes[i], age) })
		}
		if len(p) > 4 {
			first, _ := p.months()
			sum(sa(p, All, All), 6, func(i int) key { return ref(Period(first.plus(i)), halsocoach.County) })
		}
	}
	for _, sex := range append([]string{All}, Sexes...) {
		for _, age := range append([]string{All}, Bands...) {
			sum(sa("2026", sex, age), 2, func(i int) key { return sa(half(2026, i), sex, age) })
		}
	}
	return s
}

func TestWhoReadsEveryTableCanNotWorkOutASmallNumber(t *testing.T) {
	for seed := range uint64(testenv.Count(15, 500)) {
		tallies := madeUp(seed, int(seed%80))
		s := reader(tallies, tablesOf(tallies, 12, 12, 5), 5)
		// The county's own facts are on no page: a reader who could work a small
		// number of them out would have learnt it all the same.
		if given := s.givenAway(); len(given) > 0 {
			t.Errorf("seed %d: %d small numbers can be worked out, such as %d", seed, len(given), s.cells[given[0]].n)
		}
	}
}

func TestWhatIsPublishedStaysAsTheYearGoesOn(t *testing.T) {
	for _, busy := range []int{2, 12, 50} {
		tallies := madeUp(uint64(busy), busy)
		before := yearTables{}
		for month := 1; month <= 12; month++ {
			now := tablesOf(tallies, month, month, 5)
			for k, n := range before {
				if now[k] != n {
					t.Errorf("busy %d, after month %d: %+v was %v and became %v", busy, month, k, n, now[k])
				}
			}
			before = now
		}
	}
}

func TestRunningMonthShowsKommunAndKindOnly(t *testing.T) {
	tables := tablesOf(madeUp(1, 30), 6, 5, 5)
	for k := range tables {
		_, last := k.period.months()
		if last >= "2026-06" && (k.table != ByKind || k.period != "2026-06") {
			t.Errorf("published before it is over: %+v", k)
		}
	}
	if _, ok := tables[key{table: ByKind, period: "2026-06", kommun: "0684", kind: halsocoach.CountReferral}]; !ok {
		t.Error("the running month is not there")
	}
	if _, ok := tables[key{table: BySource, period: "2026-Q1", kommun: "0684", source: All}]; !ok {
		t.Error("the first quarter is not there")
	}
}

func TestOnlyTheFixedListOfTablesIsPublished(t *testing.T) {
	for by, want := range map[string]Table{
		"kommun,kind": ByKind, "kind,kommun": ByKind, " kommun , source": BySource, "topic": ByTopic, "county,topic": ByTopic,
		"sex,age": BySexAge, "age,sex,county": BySexAge, "": "", "kommun": "", "kommun,topic": "", "kommun,sex": "", "kommun,age,sex": "",
		"source": "", "kommun,kind,source": "", "day": "", "kommun,kommun": "",
		"month,kommun,kind": ByKind, "kommun,year,kind": ByKind, "quarter,kommun,kind": "", "quarter,topic": ByTopic, "half,sex,age": BySexAge,
		"month,sex,age": "", "year,month,kommun,kind": "", "year,year,topic": "", "year": "", "kommun,kind,": "", "channel": "",
	} {
		if got, yearly, ok := tableOf(by); got != want || ok != (want != "") || yearly != (ok && strings.Contains(by, "year")) {
			t.Errorf("%q gives %q, %v, %v", by, got, yearly, ok)
		}
	}
}

func TestPeriodsHaveTheirMonths(t *testing.T) {
	for p, want := range map[Period]string{"2026": "2026-01 2026-12", "2026-Q1": "2026-01 2026-03", "2026-Q4": "2026-10 2026-12", "2026-H1": "2026-01 2026-06", "2026-H2": "2026-07 2026-12", "2026-02": "2026-02 2026-02"} {
		if first, last := p.months(); fmt.Sprint(first, " ", last) != want {
			t.Errorf("%s is %s to %s", p, first, last)
		}
	}
	if m := Month("2026-01"); m.plus(-1) != "2025-12" || m.plus(12) != "2027-01" || m.last() != "2026-01-31" || Month("2028-02").last() != "2028-02-29" {
		t.Error(m.plus(-1), m.plus(12), m.last())
	}
}

func BenchmarkYearWithManySmallNumbers(b *testing.B) {
	tallies := madeUp(10, 10)
	for b.Loop() {
		tablesOf(tallies, 12, 12, 5)
	}
}

func BenchmarkYearOfACountyAtWork(b *testing.B) {
	tallies := madeUp(30, 60)
	for b.Loop() {
		tablesOf(tallies, 11, 10, 5)
	}
}
