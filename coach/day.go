package coach

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"halsocoach"
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
}

// Span is time of a coach that something else has taken: a group they lead.
type Span struct {
	ID     string    `json:"id"`
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

// Open is the hours of the day: its own, or those of the pattern.
func (d Day) Open(w Weeks) []Hours {
	if d.Own {
		return d.Hours
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
