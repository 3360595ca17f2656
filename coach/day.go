package coach

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/holiday"
)

// Day is a coach's day, from local midnight to midnight: 23 to 25 hours, and
// nothing crosses its ends. What it holds never overlaps.
type Day struct {
	Coach string         `json:"coach"`
	Date  halsocoach.Day `json:"day"`
	// Own is set when the coach has decided Hours for this day alone; else the
	// weekly pattern stands.
	Own   bool    `json:"own,omitempty"`
	Hours []Hours `json:"hours,omitempty"`
	Talks []Talk  `json:"talks,omitempty"`
	Spans []Span  `json:"spans,omitempty"`
	// For the desk's questions, kept by note: the coach, while a talk has no
	// outcome, and when a citizen last changed something.
	Unmarked string     `json:"unmarked,omitempty"`
	News     *time.Time `json:"news,omitempty"`
}

// note keeps the fields that the desk finds days by.
func (d *Day) note() {
	d.Unmarked, d.News = "", nil
	for _, t := range d.Talks {
		if t.Outcome == NotYet {
			d.Unmarked = d.Coach
		}
		if t.ByCitizen && (d.News == nil || t.Changed.After(*d.News)) {
			d.News = &t.Changed
		}
	}
}

// Span is time of a coach that something else has taken: a group they lead.
type Span struct {
	ID     string    `json:"id"`
	Title  string    `json:"title,omitempty"` // of the group
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends"`
}

// Slot is a time that can be booked.
type Slot struct {
	Coach  string
	Starts time.Time
	Ends   time.Time
	Form   Form
}

// DayID is the id of a coach's day.
func DayID(coach string, date halsocoach.Day) string { return coach + "/" + string(date) }

// Open is the hours of the day: its own, or those of the pattern, which does not
// stand on holidays and eves.
func (d Day) Open(w Weeks) []Hours {
	if d.Own {
		return d.Hours
	}
	if holiday.Name(d.Date) != "" {
		return nil
	}
	return w.On(d.Date)[weekday(d.Date)]
}

// Cut is how open hours become times to book: one begins each Every, and takes
// For.
type Cut struct{ Every, For time.Duration }

// Free is the times that can be booked from a moment on: the open hours cut in
// slots, minus what is taken. except is a talk that may be counted as gone,
// since it is to be moved.
func (d Day) Free(w Weeks, cut Cut, from time.Time, except string) []Slot {
	var out []Slot
	for _, h := range d.Open(w) {
		starts, ends := h.on(d.Date)
		for at := starts; !at.Add(cut.For).After(ends); at = at.Add(cut.Every) {
			if !at.Before(from) && !d.taken(at, at.Add(cut.For), except) {
				out = append(out, Slot{d.Coach, at, at.Add(cut.For), h.Form})
			}
		}
	}
	return out
}

// offers says whether a slot can be booked, and if not, why.
func (d Day) offers(w Weeks, cut Cut, from time.Time, want Slot, except string) error {
	for _, s := range d.Free(w, cut, from, except) {
		if s.Starts.Equal(want.Starts) && s.Form == want.Form {
			return nil
		}
	}
	if d.taken(want.Starts, want.Ends, except) {
		return ErrTaken
	}
	return ErrNotOffered
}

// taken says whether anything but except has the time or a part of it. What is
// cancelled takes no time.
func (d Day) taken(starts, ends time.Time, except string) bool {
	for _, t := range d.Talks {
		if t.ID != except && t.Outcome != Cancelled && t.Starts.Before(ends) && starts.Before(t.Ends) {
			return true
		}
	}
	for _, s := range d.Spans {
		if s.ID != except && s.Starts.Before(ends) && starts.Before(s.Ends) {
			return true
		}
	}
	return false
}

// holds says whether a time lies within the day.
func (d Day) holds(starts, ends time.Time) bool {
	return starts.Before(ends) && !starts.Before(d.Date.Start()) && !ends.After(d.Date.Plus(1).Start())
}

// Talk finds a talk of the day.
func (d *Day) Talk(id string) *Talk {
	for i := range d.Talks {
		if d.Talks[i].ID == id {
			return &d.Talks[i]
		}
	}
	return nil
}

// Take puts a talk into the day, instead of an earlier place of the same talk,
// if nothing else has its time.
func (d *Day) Take(t Talk) error {
	if !d.holds(t.Starts, t.Ends) {
		return ErrNotOffered
	}
	if d.taken(t.Starts, t.Ends, t.ID) {
		return ErrTaken
	}
	d.Drop(t.ID)
	d.Talks = append(d.Talks, t)
	slices.SortStableFunc(d.Talks, func(a, b Talk) int {
		return cmp.Or(a.Starts.Compare(b.Starts), strings.Compare(a.ID, b.ID))
	})
	return nil
}

// Drop removes a talk, which has its place elsewhere now.
func (d *Day) Drop(id string) {
	d.Talks = slices.DeleteFunc(d.Talks, func(t Talk) bool { return t.ID == id })
}

// cancelledKept is how many called-off talks of one person a day remembers, so
// that calling off again and again does not fill it.
const cancelledKept = 10

// forget drops the person's oldest called-off talks over cancelledKept.
func (d *Day) forget(person string) {
	var gone []Talk
	for _, t := range d.Talks {
		if t.Person == person && t.Outcome == Cancelled {
			gone = append(gone, t)
		}
	}
	slices.SortFunc(gone, func(a, b Talk) int { return b.Changed.Compare(a.Changed) })
	for i := cancelledKept; i < len(gone); i++ {
		d.Drop(gone[i].ID)
	}
}

// Hold takes a span for something else, in place of an earlier span with the
// same id. The same again changes nothing.
func (d *Day) Hold(s Span) error {
	if !d.holds(s.Starts, s.Ends) {
		return halsocoach.Invalid(halsocoach.Field{Name: "starts", Text: "Tiden behöver börja och sluta samma dag."})
	}
	if d.taken(s.Starts, s.Ends, s.ID) {
		return ErrSpanTaken
	}
	d.Release(s.ID)
	d.Spans = append(d.Spans, s)
	slices.SortFunc(d.Spans, func(a, b Span) int { return cmp.Or(a.Starts.Compare(b.Starts), strings.Compare(a.ID, b.ID)) })
	return nil
}

// Release frees a span.
func (d *Day) Release(id string) {
	d.Spans = slices.DeleteFunc(d.Spans, func(s Span) bool { return s.ID == id })
}

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
// day until the next. The past keeps the hours it had. The link to the video room
// stands beside it.
type Weeks struct {
	Coach    string        `json:"coach"`
	Versions []WeekVersion `json:"versions"`
	Video    string        `json:"video,omitempty"` // link to the coach's video room
}

// WeekVersion is a weekly pattern and the day it begins to stand.
type WeekVersion struct {
	From halsocoach.Day `json:"from"`
	Week Week           `json:"week"`
}

// On is the pattern that stands on a day; the zero Week before the first.
func (w Weeks) On(d halsocoach.Day) Week { return w.at(d).Week }

func (w Weeks) at(d halsocoach.Day) WeekVersion {
	for _, v := range slices.Backward(w.Versions) {
		if v.From <= d {
			return v
		}
	}
	return WeekVersion{}
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
