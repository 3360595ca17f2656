package counts

import (
	"slices"
	"strings"

	"halsocoach"
)

// key names one published number. What a table does not have is "".
type key struct {
	table  Table
	period Period
	kommun string // County for the county's
	kind   string
	source string
	topic  string
	sex    string
	age    string
}

// number is what may be said.
type number struct {
	n      int
	hidden bool
}

// places are the rows of the tables by kommun, and the county's own facts.
var places = func() []string {
	codes := make([]string, 0, len(halsocoach.Kommuner)+1)
	for _, k := range halsocoach.Kommuner {
		codes = append(codes, k.Code)
	}
	return append(codes, rest)
}()

// yearTables are all that is published of a calendar year, suppressed. Sums that
// a reader can form never leave the year, so that a year can be decided by
// itself.
type yearTables map[key]number

// builder makes the tables of a year in the order in which they are published:
// months, quarters, half-years, the year.
type builder struct {
	year     int
	months   int // published: those that are over, and the running one
	complete int // of them, those that are over
	tallies  map[string][12]tally
	k        int

	kinds map[placeMonth]map[string]int
	came  map[placeMonth][]counter // the recommendations
	out   yearTables
}

type placeMonth struct {
	place string
	month int
}

// sort puts the tallies as the tables ask for them.
func (b *builder) sort() {
	b.kinds, b.came = map[placeMonth]map[string]int{}, map[placeMonth][]counter{}
	for _, p := range places {
		for m := range b.months {
			at, kinds := placeMonth{p, m}, map[string]int{}
			for c, n := range b.tallies[p][m] {
				kinds[c.Kind] += n
				if c.Kind == halsocoach.CountReferral {
					b.came[at] = append(b.came[at], counter{c, n})
				}
			}
			b.kinds[at] = kinds
		}
	}
}

func (b *builder) build() yearTables {
	b.out = yearTables{}
	b.sort()
	for _, kind := range halsocoach.CountKinds {
		s := &sheetOf{sheet: sheet{k: b.k}, at: map[key]int{}}
		for m := range b.months {
			b.monthRow(s, m, kind)
		}
		if kind == halsocoach.CountReferral {
			b.quarters(s)
			b.halves(s)
		}
		if b.complete == 12 {
			b.yearRow(s, kind)
			if kind == halsocoach.CountReferral {
				b.yearSources(s)
				b.yearSexAge(s)
			}
			s.publish()
		}
		b.take(s)
	}
	b.topics()
	return b.out
}

func (b *builder) take(s *sheetOf) {
	for k, place := range s.at {
		if k.kommun != rest {
			n, hidden := s.shown(place)
			b.out[k] = number{n, hidden}
		}
	}
}

// sheetOf is a sheet whose cells have names.
type sheetOf struct {
	sheet
	at map[key]int
}

// put adds a named cell; what belongs to the rest is on no page.
func (s *sheetOf) put(k key, n int) int {
	if k.kommun == rest {
		s.at[k] = s.addUnseen(n)
	} else {
		s.at[k] = s.add(n)
	}
	return s.at[k]
}

// total adds a named cell that is the sum of parts.
func (s *sheetOf) total(k key, parts ...int) int {
	n := 0
	for _, p := range parts {
		n += s.cells[p].n
	}
	place := s.put(k, n)
	s.adds(place, parts...)
	return place
}

// find are the places of keys made from numbers below n.
func (s *sheetOf) find(n int, name func(i int) key) []int {
	out := make([]int, n)
	for i := range n {
		out[i] = s.at[name(i)]
	}
	return out
}

func (b *builder) monthRow(s *sheetOf, m int, kind string) {
	period := Period(monthAt(b.year, m))
	parts := make([]int, len(places))
	for i, p := range places {
		parts[i] = s.put(kindKey(period, p, kind), b.kinds[placeMonth{p, m}][kind])
	}
	s.total(kindKey(period, halsocoach.County, kind), parts...)
	s.publish()
}

// monthsOf are the cells of a kommun's months, from one on.
func (b *builder) monthsOf(s *sheetOf, kommun, kind string, from, n int) []int {
	return s.find(n, func(i int) key { return kindKey(Period(monthAt(b.year, from+i)), kommun, kind) })
}

func (b *builder) quarters(s *sheetOf) {
	for q := range b.complete / 3 {
		name := func(kommun, source string) key { return sourceKey(quarter(b.year, q), kommun, source) }
		for _, p := range places {
			parts := make([]int, len(Sources))
			n := b.by(p, 3*q, 3, func(c combo) []string { return []string{orUnknown(c.Source)} })
			for i, source := range Sources {
				parts[i] = s.put(name(p, source), n[source])
			}
			all := s.total(name(p, All), parts...)
			s.adds(all, b.monthsOf(s, p, halsocoach.CountReferral, 3*q, 3)...)
		}
		var county []int
		for _, source := range Sources {
			county = append(county, s.total(name(halsocoach.County, source), s.find(len(places), func(i int) key { return name(places[i], source) })...))
		}
		all := s.total(name(halsocoach.County, All), county...)
		s.adds(all, s.find(len(places), func(i int) key { return name(places[i], All) })...)
		s.adds(all, b.monthsOf(s, halsocoach.County, halsocoach.CountReferral, 3*q, 3)...)
		s.publish()
	}
}

// by counts the recommendations of a place in n months by what a counter is
// counted under; it may be several things.
func (b *builder) by(place string, from, n int, under func(combo) []string) map[string]int {
	out := map[string]int{}
	for m := from; m < from+n; m++ {
		for _, c := range b.came[placeMonth{place, m}] {
			for _, name := range under(c.combo) {
				out[name] += c.N
			}
		}
	}
	return out
}

// everywhere is by for the whole county.
func (b *builder) everywhere(from, n int, under func(combo) []string) map[string]int {
	out := map[string]int{}
	for _, p := range places {
		for name, m := range b.by(p, from, n, under) {
			out[name] += m
		}
	}
	return out
}

func sexAge(period Period, sex, age string) key {
	return key{table: BySexAge, period: period, kommun: halsocoach.County, sex: sex, age: age}
}

func (b *builder) halves(s *sheetOf) {
	for h := range b.complete / 6 {
		period := half(b.year, h)
		n := b.everywhere(6*h, 6, func(c combo) []string { return []string{orUnknown(c.Sex) + orUnknown(c.Age)} })
		for _, sex := range Sexes {
			for _, age := range Bands {
				s.put(sexAge(period, sex, age), n[sex+age])
			}
		}
		all := b.margins(s, period)
		s.at[sexAge(period, All, All)] = all
		s.adds(all, b.monthsOf(s, halsocoach.County, halsocoach.CountReferral, 6*h, 6)...)
		s.publish()
	}
}

// margins adds the sums by sex and by age to a period's cells, and their total.
func (b *builder) margins(s *sheetOf, period Period) int {
	var sexes, ages []int
	for _, sex := range Sexes {
		sexes = append(sexes, s.total(sexAge(period, sex, All), s.find(len(Bands), func(i int) key { return sexAge(period, sex, Bands[i]) })...))
	}
	for _, age := range Bands {
		ages = append(ages, s.total(sexAge(period, All, age), s.find(len(Sexes), func(i int) key { return sexAge(period, Sexes[i], age) })...))
	}
	if all, ok := s.at[sexAge(period, All, All)]; ok { // the year's is there already
		s.adds(all, sexes...)
		s.adds(all, ages...)
		return all
	}
	all := s.total(sexAge(period, All, All), sexes...)
	s.adds(all, ages...)
	return all
}

func (b *builder) yearRow(s *sheetOf, kind string) {
	name := func(kommun string) key { return kindKey(wholeYear(b.year), kommun, kind) }
	for _, p := range places {
		s.total(name(p), b.monthsOf(s, p, kind, 0, 12)...)
	}
	county := s.total(name(halsocoach.County), s.find(len(places), func(i int) key { return name(places[i]) })...)
	s.adds(county, b.monthsOf(s, halsocoach.County, kind, 0, 12)...)
}

func (b *builder) yearSources(s *sheetOf) {
	name, year := sourceKey, wholeYear(b.year)
	for _, p := range append(slices.Clone(places), halsocoach.County) {
		byQuarter := func(source string) []int {
			return s.find(4, func(q int) key { return name(quarter(b.year, q), p, source) })
		}
		all := s.at[kindKey(year, p, halsocoach.CountReferral)]
		s.at[name(year, p, All)] = all
		s.adds(all, byQuarter(All)...)
		for _, source := range Sources {
			s.total(name(year, p, source), byQuarter(source)...)
		}
		s.adds(all, s.find(len(Sources), func(i int) key { return name(year, p, Sources[i]) })...)
	}
	for _, source := range Sources {
		s.adds(s.at[name(year, halsocoach.County, source)], s.find(len(places), func(i int) key { return name(year, places[i], source) })...)
	}
}

func (b *builder) yearSexAge(s *sheetOf) {
	year := wholeYear(b.year)
	halves := func(sex, age string) []int {
		return s.find(2, func(h int) key { return sexAge(half(b.year, h), sex, age) })
	}
	for _, sex := range Sexes {
		for _, age := range Bands {
			s.total(sexAge(year, sex, age), halves(sex, age)...)
		}
	}
	all := s.at[kindKey(year, halsocoach.County, halsocoach.CountReferral)]
	s.at[sexAge(year, All, All)] = all
	b.margins(s, year)
	s.adds(all, halves(All, All)...)
	for _, sex := range Sexes {
		s.adds(s.at[sexAge(year, sex, All)], halves(sex, All)...)
	}
	for _, age := range Bands {
		s.adds(s.at[sexAge(year, All, age)], halves(All, age)...)
	}
}

// topics have no sum that is published, since one recommendation may name
// several; they are treated as if they had, for who guesses that each names
// one.
func (b *builder) topics() {
	s := &sheetOf{sheet: sheet{k: b.k}, at: map[key]int{}}
	names := make([]string, 0, len(halsocoach.Topics)+1)
	for _, t := range halsocoach.Topics {
		names = append(names, string(t))
	}
	names = append(names, Unknown)
	name := func(period Period, topic string) key {
		return key{table: ByTopic, period: period, kommun: halsocoach.County, topic: topic}
	}
	guess := func(period Period) {
		parts := s.find(len(names), func(i int) key { return name(period, names[i]) })
		n := 0
		for _, p := range parts {
			n += s.cells[p].n
		}
		s.adds(s.addUnseen(n), parts...)
	}
	for q := range b.complete / 3 {
		n := b.everywhere(3*q, 3, func(c combo) []string { return strings.Split(orUnknown(c.Topic), "|") })
		for _, topic := range names {
			s.put(name(quarter(b.year, q), topic), n[topic])
		}
		guess(quarter(b.year, q))
		s.publish()
	}
	if b.complete == 12 {
		for _, topic := range names {
			s.total(name(wholeYear(b.year), topic), s.find(4, func(q int) key { return name(quarter(b.year, q), topic) })...)
		}
		guess(wholeYear(b.year))
		s.publish()
	}
	b.take(s)
}
