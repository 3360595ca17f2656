package settings

import (
	"slices"
	"strconv"
	"time"

	"halsocoach"
)

// document is all that a kommun or a centre has decided.
type document struct {
	ID     string `json:"id"`
	Kommun string `json:"kommun"`
	Centre string `json:"centre,omitempty"`

	PromiseDays       values[int]    `json:"promiseDays,omitempty"`
	OwnResidentsFirst values[int]    `json:"ownResidentsFirst,omitempty"`
	FirstTalkMinutes  values[int]    `json:"firstTalkMinutes,omitempty"`
	FollowUpMinutes   values[int]    `json:"followUpMinutes,omitempty"`
	BookAheadDays     values[int]    `json:"bookAheadDays,omitempty"`
	UnansweredHours   values[int]    `json:"unansweredHours,omitempty"`
	HideBelow         values[int]    `json:"hideBelow,omitempty"`
	BegunMonths       values[bool]   `json:"begunMonths,omitempty"`
	LegalFrame        values[string] `json:"legalFrame,omitempty"`
	MinAge            values[int]    `json:"minAge,omitempty"`
	MaxAge            values[int]    `json:"maxAge,omitempty"`
	OpenToCounty      values[bool]   `json:"openToCounty,omitempty"`
	FlagDays          values[int]    `json:"flagDays,omitempty"`

	Changed time.Time `json:"changed"`
}

// values are the decisions on one setting, in the order in which they were
// written.
type values[T any] []decided[T]

type decided[T any] struct {
	Value T `json:"value"`
	behind
}

// behind is what stands behind a value.
type behind struct {
	From     halsocoach.Day `json:"from"`
	At       time.Time      `json:"at"`
	By       string         `json:"by"`   // staff id
	Name     string         `json:"name"` // as it was then
	Decision string         `json:"decision"`
	Request  string         `json:"request"`
	Digest   string         `json:"digest"`
}

// on is the value in force on a day: the one that begins last, and of those that
// begin the same day the one written last.
func (v values[T]) on(day halsocoach.Day) (decided[T], bool) {
	var now decided[T]
	found := false
	for _, d := range v {
		if d.From <= day && (!found || d.From >= now.From) {
			now, found = d, true
		}
	}
	return now, found
}

// Entry is a decision as the pages show it: the value as the form writes it.
type Entry struct {
	Value string
	behind
}

// setting is one thing that can be decided.
type setting interface {
	key() string
	local() bool // a centre may decide by itself
	limits() (min, max int, choices []string)
	apply(doc *document, day halsocoach.Day, t *halsocoach.Terms)
	standard() string
	in(doc *document, day halsocoach.Day) (Entry, bool)
	history(doc *document) []Entry
	add(doc *document, value string, b behind) (wrong string)
}

// typed is a setting whose values are of type T.
type typed[T any] struct {
	name     string
	centres  bool
	min, max int
	choices  []string
	list     func(*document) *values[T]
	term     func(*halsocoach.Terms) *T
	read     func(s typed[T], text string) (v T, wrong string)
	write    func(T) string
}

func (s typed[T]) key() string { return s.name }
func (s typed[T]) local() bool { return s.centres }
func (s typed[T]) limits() (min, max int, choices []string) {
	return s.min, s.max, s.choices
}

func (s typed[T]) standard() string {
	t := halsocoach.DefaultTerms
	return s.write(*s.term(&t))
}

func (s typed[T]) apply(doc *document, day halsocoach.Day, t *halsocoach.Terms) {
	if d, ok := s.list(doc).on(day); ok {
		*s.term(t) = d.Value
	}
}

func (s typed[T]) in(doc *document, day halsocoach.Day) (Entry, bool) {
	d, ok := s.list(doc).on(day)
	return Entry{s.write(d.Value), d.behind}, ok
}

// history is all decisions, the one that begins last first.
func (s typed[T]) history(doc *document) []Entry {
	var out []Entry
	for _, d := range slices.Backward(*s.list(doc)) {
		out = append(out, Entry{s.write(d.Value), d.behind})
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return -compare(a.From, b.From) })
	return out
}

func (s typed[T]) add(doc *document, value string, b behind) (wrong string) {
	v, wrong := s.read(s, value)
	if wrong == "" {
		list := s.list(doc)
		*list = append(*list, decided[T]{v, b})
	}
	return wrong
}

func compare(a, b halsocoach.Day) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func number(name string, centres bool, min, max int, list func(*document) *values[int], term func(*halsocoach.Terms) *int) setting {
	return typed[int]{name: name, centres: centres, min: min, max: max, list: list, term: term, write: strconv.Itoa, read: readNumber}
}

func readNumber(s typed[int], text string) (int, string) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, "Skriv ett helt tal med siffror."
	}
	if n < s.min || n > s.max {
		return 0, "Talet är för stort eller för litet. Se vad som går att välja under frågan."
	}
	return n, ""
}

func yesNo(name string, centres bool, list func(*document) *values[bool], term func(*halsocoach.Terms) *bool) setting {
	return typed[bool]{name: name, centres: centres, choices: []string{"ja", "nej"}, list: list, term: term,
		write: func(v bool) string {
			if v {
				return "ja"
			}
			return "nej"
		},
		read: func(_ typed[bool], text string) (bool, string) {
			if text != "ja" && text != "nej" {
				return false, "Välj ett av alternativen."
			}
			return text == "ja", ""
		},
	}
}

func choice(name string, choices []string, list func(*document) *values[string], term func(*halsocoach.Terms) *string) setting {
	return typed[string]{name: name, choices: choices, list: list, term: term,
		write: func(v string) string { return v },
		read: func(s typed[string], text string) (string, string) {
			if !slices.Contains(s.choices, text) {
				return "", "Välj ett av alternativen."
			}
			return text, ""
		},
	}
}

// The names of the settings, as they stand in addresses.
const (
	promise     = "forsta-kontakt"
	ownFirst    = "egna-invanare-forst"
	firstTalk   = "inledande-samtal"
	followUp    = "uppfoljande-samtal"
	bookAhead   = "boka-framat"
	unanswered  = "obesvarade-meddelanden"
	minAge      = "lagsta-alder"
	maxAge      = "hogsta-alder"
	hideBelow   = "dolda-sma-tal"
	begunMonths = "paborjad-manad"
	legalFrame  = "rattslig-ram"
	openCounty  = "oppet-for-lanet"
	flagDays    = "orord-rekommendation"
)

// all are the settings in the order of the page.
var all = []setting{
	number(promise, true, 1, 60, func(d *document) *values[int] { return &d.PromiseDays }, func(t *halsocoach.Terms) *int { return &t.PromiseDays }),
	number(flagDays, true, 1, 90, func(d *document) *values[int] { return &d.FlagDays }, func(t *halsocoach.Terms) *int { return &t.FlagDays }),
	yesNo(openCounty, true, func(d *document) *values[bool] { return &d.OpenToCounty }, func(t *halsocoach.Terms) *bool { return &t.OpenToCounty }),
	number(unanswered, true, 1, 240, func(d *document) *values[int] { return &d.UnansweredHours }, func(t *halsocoach.Terms) *int { return &t.UnansweredHours }),
	number(firstTalk, true, 15, 180, func(d *document) *values[int] { return &d.FirstTalkMinutes }, func(t *halsocoach.Terms) *int { return &t.FirstTalkMinutes }),
	number(followUp, true, 15, 180, func(d *document) *values[int] { return &d.FollowUpMinutes }, func(t *halsocoach.Terms) *int { return &t.FollowUpMinutes }),
	number(bookAhead, true, 1, 180, func(d *document) *values[int] { return &d.BookAheadDays }, func(t *halsocoach.Terms) *int { return &t.BookAheadDays }),
	number(ownFirst, true, 0, 60, func(d *document) *values[int] { return &d.OwnResidentsFirst }, func(t *halsocoach.Terms) *int { return &t.OwnResidentsFirst }),
	number(minAge, false, 0, 120, func(d *document) *values[int] { return &d.MinAge }, func(t *halsocoach.Terms) *int { return &t.MinAge }),
	number(maxAge, false, 0, 120, func(d *document) *values[int] { return &d.MaxAge }, func(t *halsocoach.Terms) *int { return &t.MaxAge }),
	number(hideBelow, false, 5, 50, func(d *document) *values[int] { return &d.HideBelow }, func(t *halsocoach.Terms) *int { return &t.HideBelow }),
	yesNo(begunMonths, false, func(d *document) *values[bool] { return &d.BegunMonths }, func(t *halsocoach.Terms) *bool { return &t.BegunMonthsCounted }),
	choice(legalFrame, []string{"hsl", "kommunal"}, func(d *document) *values[string] { return &d.LegalFrame }, func(t *halsocoach.Terms) *string { return &t.LegalFrame }),
}

// find is the setting of a name.
func find(name string) (setting, bool) {
	i := slices.IndexFunc(all, func(s setting) bool { return s.key() == name })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// agesCross says whether the lowest age passes the highest on some day from now
// on.
func (d *document) agesCross(today halsocoach.Day) bool {
	days := []halsocoach.Day{today}
	for _, v := range []values[int]{d.MinAge, d.MaxAge} {
		for _, x := range v {
			days = append(days, max(x.From, today))
		}
	}
	return slices.ContainsFunc(days, func(day halsocoach.Day) bool {
		low, _ := d.MinAge.on(day)
		high, _ := d.MaxAge.on(day)
		return high.Value > 0 && low.Value > high.Value
	})
}
