package counts

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"halsocoach"
)

// Table is one of the fixed list of tables that are published. Each is also
// published by year.
type Table string

// The tables. All but ByKind count recommendations, which are the persons who
// come; one that names several topics is counted under each.
const (
	ByKind   Table = "kommun,kind"   // month
	BySource Table = "kommun,source" // quarter
	ByTopic  Table = "topic"         // quarter, county
	BySexAge Table = "sex,age"       // half-year, county
)

// tables by the names of their dimensions, sorted.
var tables = map[string]Table{"kind,kommun": ByKind, "kommun,source": BySource, "topic": ByTopic, "age,sex": BySexAge, "county,topic": ByTopic, "age,county,sex": BySexAge}

// own is each table's own period, by the name it may be asked for.
var own = map[Table]string{ByKind: "month", BySource: "quarter", ByTopic: "quarter", BySexAge: "half"}

// tableOf finds the table with these dimensions, in whatever order. The period
// may be among them: the table's own, or "year" for whole years.
func tableOf(by string) (t Table, yearly, ok bool) {
	var names []string
	period := ""
	for name := range strings.SplitSeq(by, ",") {
		switch name = strings.TrimSpace(name); {
		case name != "month" && name != "quarter" && name != "half" && name != "year":
			names = append(names, name)
		case period != "":
			return "", false, false
		default:
			period = name
		}
	}
	slices.Sort(names)
	t, ok = tables[strings.Join(names, ",")]
	if !ok || period != "" && period != "year" && period != own[t] {
		return "", false, false
	}
	return t, period == "year", true
}

// The values of the dimensions that are not in a fact.
const (
	Unknown = "saknas" // the fact does not say; protected persons have no sex and age
	All     = "alla"   // a sum over the dimension

	rest = "rest" // the county's own facts beside the kommuner: on no page
)

// longestChannel bounds what a fact may make of the document it is folded into.
const longestChannel = 24

// Bands and Sexes are those of the published table.
var (
	Bands   = []string{"0-17", "18-29", "30-44", "45-64", "65-79", "80-", Unknown}
	Sexes   = []string{"kvinna", "man", Unknown}
	Sources = []string{string(halsocoach.FromCareCentre), string(halsocoach.FromAssociation), string(halsocoach.FromSelf), Unknown}
)

// Month is a calendar month, "2026-11". Months sort as text.
type Month string

var monthShape = regexp.MustCompile(`^20\d\d-(0[1-9]|1[0-2])$`)

// Valid says whether m is a month of this century.
func (m Month) Valid() bool { return monthShape.MatchString(string(m)) }

func (m Month) year() int  { n, _ := strconv.Atoi(string(m[:4])); return n }
func (m Month) index() int { n, _ := strconv.Atoi(string(m[5:])); return n - 1 }

func monthAt(year, index int) Month {
	year, index = year+index/12, index%12
	if index < 0 {
		year, index = year-1, index+12
	}
	return Month(fmt.Sprintf("%04d-%02d", year, index+1))
}

// plus is the month n months later.
func (m Month) plus(n int) Month { return monthAt(m.year(), m.index()+n) }

func (m Month) first() halsocoach.Day { return halsocoach.Day(m + "-01") }
func (m Month) last() halsocoach.Day  { return m.plus(1).first().Plus(-1) }

// Period is a month, quarter, half-year or year: "2026-11", "2026-Q4",
// "2026-H2", "2026".
type Period string

func quarter(year, i int) Period { return Period(fmt.Sprintf("%04d-Q%d", year, i+1)) }
func half(year, i int) Period    { return Period(fmt.Sprintf("%04d-H%d", year, i+1)) }
func wholeYear(year int) Period  { return Period(fmt.Sprintf("%04d", year)) }

func yearOf(p Period) int { n, _ := strconv.Atoi(string(p[:4])); return n }

// months are the first and the last month of the period.
func (p Period) months() (first, last Month) {
	year := yearOf(p)
	switch {
	case len(p) == 4:
		return monthAt(year, 0), monthAt(year, 11)
	case p[5] == 'Q':
		i := int(p[6]-'1') * 3
		return monthAt(year, i), monthAt(year, i+2)
	case p[5] == 'H':
		i := int(p[6]-'1') * 6
		return monthAt(year, i), monthAt(year, i+5)
	}
	return Month(p), Month(p)
}

// combo is what a counter counts.
type combo struct {
	Kind    string `json:"kind"`
	Source  string `json:"source,omitempty"`
	Topic   string `json:"topic,omitempty"` // joined with "|", in the order of the agreement
	Sex     string `json:"sex,omitempty"`
	Age     string `json:"age,omitempty"`
	Channel string `json:"channel,omitempty"`
}

func (c combo) compare(o combo) int {
	return cmp.Or(cmp.Compare(c.Kind, o.Kind), cmp.Compare(c.Source, o.Source), cmp.Compare(c.Topic, o.Topic),
		cmp.Compare(c.Sex, o.Sex), cmp.Compare(c.Age, o.Age), cmp.Compare(c.Channel, o.Channel))
}

// counter is a number of one combo, as it is stored.
type counter struct {
	combo
	N int `json:"n"`
}

// tally is the numbers of a kommun and a stretch of time.
type tally map[combo]int

func (t tally) add(counters []counter, sign int) {
	for _, c := range counters {
		if t[c.combo] += sign * c.N; t[c.combo] == 0 {
			delete(t, c.combo)
		}
	}
}

// counters are the tally as it is stored: in one order, so that the same
// numbers are the same bytes.
func (t tally) counters() []counter {
	out := make([]counter, 0, len(t))
	for c, n := range t {
		out = append(out, counter{c, n})
	}
	slices.SortFunc(out, func(a, b counter) int { return a.compare(b.combo) })
	return out
}

// comboOf is what a fact counts as. Values that are not of the fixed lists are
// left out, and so are sex and age where there is no kommun.
func comboOf(f halsocoach.Fact) combo {
	known := func(name string, list []string) string {
		if v := f.Dims[name]; v != Unknown && slices.Contains(list, v) {
			return v
		}
		return ""
	}
	c := combo{Kind: f.Type, Source: known(halsocoach.DimSource, Sources), Channel: f.Dims[halsocoach.DimChannel]}
	if len(c.Channel) > longestChannel {
		c.Channel = ""
	}
	if halsocoach.CountyOr(f.Kommun) != halsocoach.County {
		c.Sex, c.Age = known(halsocoach.DimSex, Sexes), known(halsocoach.DimAge, Bands)
	}
	var topics []string
	named := strings.Split(f.Dims[halsocoach.DimTopic], "|")
	for _, t := range halsocoach.Topics {
		if slices.Contains(named, string(t)) {
			topics = append(topics, string(t))
		}
	}
	c.Topic = strings.Join(topics, "|")
	return c
}

func orUnknown(v string) string {
	if v == "" {
		return Unknown
	}
	return v
}
