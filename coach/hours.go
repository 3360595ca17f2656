package coach

import (
	"cmp"
	"slices"
	"time"

	"halsocoach"
)

// Form is how a talk is held. The values go over the wire.
type Form string

// The forms a coach may offer.
const (
	OnSite  Form = "på plats"
	ByPhone Form = "telefon"
	ByVideo Form = "video"
)

// Forms in the order in which they are shown.
var Forms = []Form{OnSite, ByPhone, ByVideo}

// Known says whether f is one of Forms.
func (f Form) Known() bool { return slices.Contains(Forms, f) }

// Hours is a stretch of a day that is open for talks, in minutes after midnight
// by the clock on the wall: 24 × 60 is the end of the day.
type Hours struct {
	From int  `json:"from"`
	To   int  `json:"to"`
	Form Form `json:"form"`
}

// on is when the hours begin and end on a date. Where the clock is moved they
// are an hour shorter or longer, as the working day is.
func (h Hours) on(date halsocoach.Day) (starts, ends time.Time) {
	return wall(date, h.From), wall(date, h.To)
}

// wall is when a clock on the wall shows the minutes. A time that the clock
// jumps over in spring is the moment of the jump, so that later by the clock is
// never earlier in time.
func wall(date halsocoach.Day, minutes int) time.Time {
	t := date.At(minutes)
	shown := t.Hour()*60 + t.Minute()
	if shown == minutes%wholeDay {
		return t
	}
	before, after := t.ZoneBounds()
	if shown > minutes {
		return before.In(halsocoach.Stockholm())
	}
	return after.In(halsocoach.Stockholm())
}

const (
	wholeDay    = 24 * 60
	hoursPerDay = 6  // spans a coach may open on one day
	weeksKept   = 40 // versions of a coach's week
)

// checkHours says what is wrong with the open hours of one day: the rule for
// weekdays and for single days alike. name is the form field.
func checkHours(name string, hours []Hours) []halsocoach.Field {
	if len(hours) > hoursPerDay {
		return []halsocoach.Field{{Name: name, Text: "En dag kan ha högst sex pass."}}
	}
	sorted := sortHours(hours)
	for i, h := range sorted {
		switch {
		case h.From < 0 || h.To > wholeDay || h.From >= h.To:
			return []halsocoach.Field{{Name: name, Text: "Passet behöver börja innan det slutar, inom samma dag."}}
		case !h.Form.Known():
			return []halsocoach.Field{{Name: name, Text: "Välj på plats, telefon eller video."}}
		case i > 0 && sorted[i-1].To > h.From:
			return []halsocoach.Field{{Name: name, Text: "Två pass går in i varandra."}}
		}
	}
	return nil
}

func sortHours(hours []Hours) []Hours {
	return slices.SortedFunc(slices.Values(hours), func(a, b Hours) int { return cmp.Compare(a.From, b.From) })
}

// Week is the open hours of each weekday, Monday first.
type Week [7][]Hours

// weekday of a date, 0 for Monday.
func weekday(d halsocoach.Day) int { return (int(d.At(12*60).Weekday()) + 6) % 7 }

// Monday is the first day of the week that d is in.
func Monday(d halsocoach.Day) halsocoach.Day { return d.Plus(-weekday(d)) }

// Weeks is a coach's weekly pattern through time: each version stands from its
// day until the next. The past keeps the hours it had.
type Weeks struct {
	Coach    string        `json:"coach"`
	Versions []WeekVersion `json:"versions"`
}

// WeekVersion is a weekly pattern and the day it begins to stand.
type WeekVersion struct {
	From halsocoach.Day `json:"from"`
	Week Week           `json:"week"`
}

// On is the pattern that stands on a day; the zero Week before the first.
func (w Weeks) On(d halsocoach.Day) Week {
	for _, v := range slices.Backward(w.Versions) {
		if v.From <= d {
			return v.Week
		}
	}
	return Week{}
}

// Set lets a pattern stand from a day on. It replaces what was planned to begin
// then or later.
func (w *Weeks) Set(from halsocoach.Day, week Week) {
	for i := range week {
		week[i] = sortHours(week[i])
	}
	w.Versions = slices.DeleteFunc(w.Versions, func(v WeekVersion) bool { return v.From >= from })
	w.Versions = append(w.Versions, WeekVersion{from, week})
	if n := len(w.Versions) - weeksKept; n > 0 {
		w.Versions = slices.Delete(w.Versions, 0, n)
	}
}
