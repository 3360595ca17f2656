package web

import (
	"context"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"halsocoach/static"
)

// Field is how one question of a form looks. Texts are already in the reader's
// language.
type Field struct {
	Name, Label, Hint string
	Type              string // of the input; "" = text
	Autocomplete      string
	InputMode         string
	Width             string // "short" (a year, a code), "half" (a number, a name); "" = full
	Rows              int    // of a text area; 0 = 5
	MaxLength         int
	Optional          bool // says "valfritt" beside the label
	LabelHidden       bool // for a search field beside its button
	Autofocus         bool // the first of a form that is filled in many times a day
}

// Choice is one radio, checkbox or option.
type Choice struct {
	Value, Label, Hint string
	Disabled           bool
}

// SlotDay is a day with its free times. Where several can be met on a day, each has
// a SlotDay of that day, one after the other.
type SlotDay struct {
	ID    string // of the day on the page, "" = none
	Title string // Date(ctx, …)
	With  string // whom one meets; "" where that is said already
	Slots []Choice
}

// label is what a screen reader is told of a group of times.
func (d SlotDay) label() string {
	if d.With == "" {
		return d.Title
	}
	return d.Title + ", " + d.With
}

// newDay says whether the d:th begins another day than the one before.
func newDay(days []SlotDay, d int) bool { return d == 0 || days[d-1].Title != days[d].Title }

// Step is one step of a way through something.
type Step struct {
	Title, Text string
	Done        bool
	Now         bool
}

// Bar is one bar of a chart. Hidden is a number that is not shown, since it is
// small or since it would give a small one away; which of the two is not told, or
// the small one could be worked out.
type Bar struct {
	Label  string
	Value  int
	Hidden bool
}

// Say is one message of a conversation.
type Say struct {
	ID   string // "m42"; the chat's script finds messages by data-seq
	Seq  string
	From string
	At   string // ClockTime or DateTime
	Time string // RFC 3339
	Text string
	Mine bool
}

func inputID(name string) string { return "f-" + strings.ReplaceAll(name, " ", "-") }
func hintID(name string) string  { return inputID(name) + "-hint" }
func errorID(name string) string { return inputID(name) + "-error" }

// describedBy ties hint and error to the input.
func describedBy(f *Form, field Field) string {
	var ids []string
	if field.Hint != "" {
		ids = append(ids, hintID(field.Name))
	}
	if f.Error(field.Name) != "" {
		ids = append(ids, errorID(field.Name))
	}
	return strings.Join(ids, " ")
}

// attrs are those of an input that are there only when they say something.
func attrs(f *Form, field Field) templ.Attributes {
	a := templ.Attributes{}
	if field.Autocomplete != "" {
		a["autocomplete"] = field.Autocomplete
	}
	if field.InputMode != "" {
		a["inputmode"] = field.InputMode
	}
	if field.MaxLength > 0 {
		a["maxlength"] = itoa(field.MaxLength)
	}
	if ids := describedBy(f, field); ids != "" {
		a["aria-describedby"] = ids
	}
	if f.Error(field.Name) != "" {
		a["aria-invalid"] = "true"
	}
	if field.Autofocus {
		a["autofocus"] = true
	}
	return a
}

// group are the attributes of a fieldset.
func group(f *Form, field Field) templ.Attributes {
	a := templ.Attributes{}
	if ids := describedBy(f, field); ids != "" {
		a["aria-describedby"] = ids
	}
	return a
}

// choiceID: the first choice has the field's own id, so that the error summary
// leads to it.
func choiceID(name string, i int) string {
	if i == 0 {
		return inputID(name)
	}
	return inputID(name) + "-" + itoa(i)
}

// percent of max, 0 to 100.
func percent(value, max int) int {
	switch {
	case max <= 0 || value <= 0:
		return 0
	case value >= max:
		return 100
	}
	return value * 100 / max
}

func highest(bars []Bar) int {
	max := 1
	for _, b := range bars {
		if !b.Hidden && b.Value > max {
			max = b.Value
		}
	}
	return max
}

func slotID(name string, day, i int) string {
	if day == 0 && i == 0 {
		return inputID(name)
	}
	return inputID(name) + "-" + itoa(day) + "-" + itoa(i)
}

func noticeIcon(kind string) string {
	switch kind {
	case "done":
		return "check"
	case "warn", "wrong":
		return "warning"
	}
	return "info"
}

func stepHere(now bool) templ.Attributes {
	if now {
		return templ.Attributes{"aria-current": "step"}
	}
	return nil
}

// here marks the link to the page one is on.
func here(yes bool) templ.Attributes {
	if yes {
		return templ.Attributes{"aria-current": "page"}
	}
	return nil
}

// class is the attribute with those of the names that are not "", or none. It
// costs a quarter of what an expression in class= does, and stands in every row.
func class(names ...string) templ.Attributer {
	all := ""
	for _, name := range names {
		switch {
		case name == "":
		case all == "":
			all = name
		default:
			all += " " + name
		}
	}
	if all == "" {
		return templ.OrderedAttributes{}
	}
	return templ.OrderedAttributes{{Key: "class", Value: all}}
}

// when is the name, or nothing.
func when(name string, yes bool) string {
	if yes {
		return name
	}
	return ""
}

// named gives an element its id, if it has one.
func named(id string) templ.Attributes {
	if id == "" {
		return nil
	}
	return templ.Attributes{"id": id}
}

func wide(yes bool) templ.Attributes {
	if yes {
		return templ.Attributes{"class": "wide"}
	}
	return nil
}

// The bars of a Trend: from one to the next, and the space between.
const (
	trendStep = 16
	trendGap  = 4
)

// trendTall is how tall a bar of a Trend is, of 32. A hidden number is as tall as
// any other hidden one, and a nought is a line.
func trendTall(bars []Bar, b Bar) int {
	if b.Hidden {
		return 4
	}
	return max(1, percent(b.Value, highest(bars))*32/100)
}

// moves says whether two of the numbers are shown and one of them is not nought.
func moves(bars []Bar) bool {
	shown, more := 0, false
	for _, b := range bars {
		if !b.Hidden {
			shown, more = shown+1, more || b.Value > 0
		}
	}
	return shown > 1 && more
}

func trendText(ctx context.Context, label string, bars []Bar) string {
	said := make([]string, len(bars))
	for i, b := range bars {
		said[i] = b.Label + " " + BarText(ctx, b)
	}
	return label + ": " + strings.Join(said, ", ")
}

// BarText is a bar's number in words.
func BarText(ctx context.Context, b Bar) string {
	if b.Hidden {
		return T(ctx, "dolt")
	}
	return Number(b.Value)
}

// Number is a whole number as it is read: a hard space between thousands.
func Number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "\u00a0" + text[i:]
	}
	return text
}

func anyHidden(bars []Bar) bool {
	return slices.ContainsFunc(bars, func(b Bar) bool { return b.Hidden })
}

func itoa(n int) string { return strconv.Itoa(n) }

// Icon is one of the drawn icons, for beside a text. Names are those of
// static/icons/sprite.svg, shown at /stil; an unknown name draws nothing.
func Icon(name string) templ.Component {
	if icon, ok := icons()[name]; ok {
		return icon
	}
	return templ.NopComponent
}

// icons are made once, since a page draws dozens.
var icons = sync.OnceValue(func() map[string]templ.Component {
	all := map[string]templ.Component{}
	for _, name := range iconNames() {
		all[name] = templ.Raw(`<svg class="icon" width="24" height="24" aria-hidden="true" focusable="false"><use href="` + Asset("icons/sprite.svg") + "#" + name + `"></use></svg>`)
	}
	return all
})

var symbolID = regexp.MustCompile(`<symbol id="([^"]+)"`)

// iconNames are those of the sprite.
var iconNames = sync.OnceValue(func() []string {
	body, err := fs.ReadFile(static.Files, "icons/sprite.svg")
	if err != nil {
		panic("web: icons: " + err.Error())
	}
	var names []string
	for _, m := range symbolID.FindAllStringSubmatch(string(body), -1) {
		names = append(names, m[1])
	}
	return names
})
