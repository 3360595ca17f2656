package coach

import (
	"context"
	"errors"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/holiday"
	"halsocoach/internal/store"
)

// Entry is one line of a day: a talk or a group.
type Entry struct {
	Starts, Ends time.Time
	Talk         *Talk  // nil for a group
	Name         string // the person's, of a talk
	Span         string // the group date's id
	Title        string // and the group's
}

// DayView is a coach's day as the coach sees it.
type DayView struct {
	Date    halsocoach.Day
	Own     bool   // hours decided for this day alone
	Holiday string // the day's name, on which the weekly hours do not stand
	Hours   []Hours
	Entries []Entry
	Free    int // times that citizens can book
}

// WeekView is a coach's week.
type WeekView struct {
	Monday halsocoach.Day
	Today  halsocoach.Day
	Days   []DayView
	Video  string // the coach's link
}

// NeedsVideo says whether the week has hours or talks by video while there is no
// link to them.
func (v WeekView) NeedsVideo() bool {
	return v.Video == "" && slices.ContainsFunc(v.Days, func(d DayView) bool {
		return slices.ContainsFunc(d.Hours, func(h Hours) bool { return h.Form == ByVideo }) ||
			slices.ContainsFunc(d.Entries, func(e Entry) bool { return e.Talk != nil && e.Talk.Form == ByVideo && e.Talk.Outcome == NotYet })
	})
}

// Open says whether any day of the week has hours for talks.
func (v WeekView) Open() bool {
	return slices.ContainsFunc(v.Days, func(d DayView) bool { return len(d.Hours) > 0 })
}

// left says whether anything of the week is still to come: what is booked, or
// times that can be.
func (v WeekView) left(now time.Time) bool {
	return slices.ContainsFunc(v.Days, func(d DayView) bool {
		return d.Free > 0 || slices.ContainsFunc(d.Entries, func(e Entry) bool {
			return e.Ends.After(now) && (e.Talk == nil || e.Talk.Outcome == NotYet)
		})
	})
}

// Calendar is the coach's own week that a day is in; without a day it is this
// week, or the next when nothing of this one is left. The persons it shows are
// logged in one row.
func (s *Service) Calendar(ctx context.Context, who halsocoach.Actor, day halsocoach.Day) (WeekView, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return WeekView{}, err
	}
	v := WeekView{Monday: Monday(day), Today: halsocoach.DayOf(s.Clock())}
	var err error
	if !day.Valid() {
		if v.Monday, err = s.openingWeek(ctx, who, v.Today); err != nil {
			return v, err
		}
	}
	if v.Days, err = s.views(ctx, who, v.Monday, 7); err != nil {
		return v, err
	}
	v.Video, err = s.Video(ctx, who)
	return v, err
}

// openingWeek is the Monday of the week that the calendar opens on. It is asked
// before any name is read.
func (s *Service) openingWeek(ctx context.Context, who halsocoach.Actor, today halsocoach.Day) (halsocoach.Day, error) {
	monday := Monday(today)
	if weekday(today) < 5 {
		return monday, nil
	}
	days, err := s.plain(ctx, who, monday, 7)
	if err != nil || (WeekView{Days: days}).left(s.Clock()) {
		return monday, err
	}
	return monday.Plus(7), nil
}

// CalendarDay is one day of the coach's own.
func (s *Service) CalendarDay(ctx context.Context, who halsocoach.Actor, day halsocoach.Day) (DayView, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return DayView{}, err
	}
	if !day.Valid() {
		return DayView{}, halsocoach.ErrNotFound
	}
	days, err := s.views(ctx, who, day, 1)
	if err != nil {
		return DayView{}, err
	}
	return days[0], nil
}

// views are n days of the coach's own, with names, which is logged.
func (s *Service) views(ctx context.Context, who halsocoach.Actor, from halsocoach.Day, n int) ([]DayView, error) {
	out, err := s.plain(ctx, who, from, n)
	if err != nil {
		return nil, err
	}
	var talks []Booked
	for _, d := range out {
		for _, e := range d.Entries {
			if e.Talk != nil {
				talks = append(talks, Booked{who.ID, d.Date, *e.Talk})
			}
		}
	}
	names, err := s.names(ctx, who, halsocoach.ActReadCalendar, talks)
	if err != nil {
		return nil, err
	}
	for _, d := range out {
		for i, e := range d.Entries {
			if e.Talk != nil {
				d.Entries[i].Name = names[e.Talk.Enrolment]
			}
		}
	}
	return out, nil
}

// plain are n days of the coach's own, without a name.
func (s *Service) plain(ctx context.Context, who halsocoach.Actor, from halsocoach.Day, n int) ([]DayView, error) {
	calendar, err := s.docs.calendar(ctx, []string{who.ID}, from, n)
	if err != nil {
		return nil, err
	}
	weeks, err := s.docs.patterns(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	terms, err := s.terms(ctx, who.Centre)
	if err != nil {
		return nil, err
	}
	out := make([]DayView, n)
	for i, d := range calendar[who.ID] {
		free := d.Free(weeks[who.ID], cutFor(terms, First), s.Clock().Add(margin), "")
		out[i] = DayView{
			Date: d.Date, Own: d.Own, Holiday: holiday.Name(d.Date), Hours: d.Open(weeks[who.ID]),
			Free: len(free), Entries: entriesOf(d, nil),
		}
	}
	return out, nil
}

// entriesOf are the lines of a day, with the names that are known.
func entriesOf(d Day, names map[string]string) []Entry {
	out := make([]Entry, 0, len(d.Talks)+len(d.Spans))
	for _, t := range d.Talks {
		out = append(out, Entry{Starts: t.Starts, Ends: t.Ends, Talk: &t, Name: names[t.Enrolment]})
	}
	for _, s := range d.Spans {
		out = append(out, Entry{Starts: s.Starts, Ends: s.Ends, Span: s.ID, Title: s.Title})
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return a.Starts.Compare(b.Starts) })
	return out
}

// names are the persons' names by enrolment, with one row in the access log for
// all of them. Talks at a centre where the coach no longer works stay nameless.
func (s *Service) names(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, talks []Booked) (map[string]string, error) {
	var ids, persons []string
	for _, b := range talks {
		if b.Centre == who.Centre {
			ids, persons = append(ids, b.Enrolment), append(persons, b.Person)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	slices.Sort(persons)
	if err := s.AccessLog.Saw(ctx, who, act, "kalender", slices.Compact(persons)...); err != nil {
		return nil, err
	}
	return s.Enrolments.Names(ctx, slices.Compact(ids)...)
}

// Pattern is the weekly hours of a coach that stand on a day, and the day they
// began; "" when there are none.
func (s *Service) Pattern(ctx context.Context, who halsocoach.Actor, day halsocoach.Day) (Week, halsocoach.Day, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return Week{}, "", err
	}
	weeks, err := s.docs.patterns(ctx, who.ID)
	if err != nil {
		return Week{}, "", err
	}
	v := weeks[who.ID].at(day)
	return v.Week, v.From, nil
}

// SetWeek decides the coach's weekly hours from a day on, today at the
// earliest. Talks that are booked stay where they are.
func (s *Service) SetWeek(ctx context.Context, who halsocoach.Actor, from halsocoach.Day, week Week) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return err
	}
	faults := s.checkDay("from", from)
	for i, hours := range week {
		faults = append(faults, checkHours("dag"+string(rune('1'+i)), hours)...)
	}
	if err := halsocoach.Invalid(faults...); err != nil {
		return err
	}
	_, err := s.docs.weeks.Upsert(ctx, who.ID, func(w *Weeks) ([]halsocoach.Event, error) {
		w.Coach = who.ID
		w.Set(from, week)
		return nil, nil
	})
	return err
}

// Video is the link to the coach's own video room; "" when there is none.
func (s *Service) Video(ctx context.Context, who halsocoach.Actor) (string, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return "", err
	}
	weeks, err := s.docs.patterns(ctx, who.ID)
	return weeks[who.ID].Video, err
}

// SetVideo decides the link, for all the coach's talks by video that are to come;
// "" takes it away.
func (s *Service) SetVideo(ctx context.Context, who halsocoach.Actor, link string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return err
	}
	link, err := videoLink(link)
	if err != nil {
		return err
	}
	_, err = s.docs.weeks.Upsert(ctx, who.ID, func(w *Weeks) ([]halsocoach.Event, error) {
		w.Coach, w.Video = who.ID, link
		return nil, nil
	})
	return err
}

// checkDay: hours are decided from today on and a year ahead.
func (s *Service) checkDay(name string, day halsocoach.Day) []halsocoach.Field {
	today := halsocoach.DayOf(s.Clock())
	switch {
	case !day.Valid():
		return []halsocoach.Field{{Name: name, Text: "Skriv datum som åååå-mm-dd."}}
	case day < today:
		return []halsocoach.Field{{Name: name, Text: "Välj i dag eller en dag som kommer."}}
	case day > today.Plus(ownAhead):
		return []halsocoach.Field{{Name: name, Text: "Välj en dag inom ett år."}}
	}
	return nil
}

// SetDay decides the coach's hours for one day alone; no hours at all is a day
// off for talks. Talks that are booked stay.
func (s *Service) SetDay(ctx context.Context, who halsocoach.Actor, day halsocoach.Day, hours []Hours) error {
	return s.changeHours(ctx, who, day, func([]Hours) ([]Hours, error) {
		return sortHours(hours), halsocoach.Invalid(checkHours("from", hours)...)
	})
}

// OpenHours adds hours to one day, for that day alone.
func (s *Service) OpenHours(ctx context.Context, who halsocoach.Actor, day halsocoach.Day, h Hours) error {
	return s.changeHours(ctx, who, day, func(have []Hours) ([]Hours, error) {
		if slices.Contains(have, h) {
			return have, nil // the same form twice
		}
		hours := sortHours(append(slices.Clone(have), h))
		return hours, halsocoach.Invalid(checkHours("from", hours)...)
	})
}

// CloseHours takes hours from one day, for that day alone.
func (s *Service) CloseHours(ctx context.Context, who halsocoach.Actor, day halsocoach.Day, h Hours) error {
	return s.changeHours(ctx, who, day, func(have []Hours) ([]Hours, error) {
		return slices.DeleteFunc(slices.Clone(have), func(x Hours) bool { return x == h }), nil
	})
}

func (s *Service) changeHours(ctx context.Context, who halsocoach.Actor, day halsocoach.Day, change func([]Hours) ([]Hours, error)) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return err
	}
	if err := halsocoach.Invalid(s.checkDay("dag", day)...); err != nil {
		return err
	}
	weeks, err := s.docs.patterns(ctx, who.ID)
	if err != nil {
		return err
	}
	return s.docs.change(ctx, who.ID, day, func(d *Day) ([]halsocoach.Event, error) {
		hours, err := change(d.Open(weeks[who.ID]))
		if err != nil {
			return nil, err
		}
		d.Own, d.Hours = true, hours
		return nil, nil
	})
}

// ResetDay lets the weekly hours stand for a day again.
func (s *Service) ResetDay(ctx context.Context, who halsocoach.Actor, day halsocoach.Day) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return err
	}
	err := s.docs.changeKept(ctx, who.ID, day, func(d *Day) ([]halsocoach.Event, error) {
		d.Own, d.Hours = false, nil
		return nil, nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
