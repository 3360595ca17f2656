package coach

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/store"
)

// Kinds are the documents of the package.
func Kinds() []store.Kind { return []store.Kind{daysKind(), weeksKind(), operationsKind()} }

// daysKind holds Day by DayID: what is booked with a coach on a date.
func daysKind() store.Kind {
	return store.Kind{Name: "coach_days", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.M("talks.person"), store.T("day")}},
		{Name: "enrolment", Fields: []store.Field{store.M("talks.enrolment"), store.T("day")}},
		{Name: "talk", Fields: []store.Field{store.M("talks.id")}},
		{Name: "coach", Fields: []store.Field{store.T("coach"), store.T("day")}},
		{Name: "unmarked", Fields: []store.Field{store.T("unmarked"), store.T("day")}},
		{Name: "news", Fields: []store.Field{store.T("coach"), store.D("news")}},
	}}
}

// weeksKind holds Weeks by the coach's staff id.
func weeksKind() store.Kind { return store.Kind{Name: "coach_weeks", NoPerson: true} }

// operationsKind holds operation by enrolment.
func operationsKind() store.Kind {
	return store.Kind{Name: "coach_operations", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.T("person")}},
		{Name: "at", Fields: []store.Field{store.D("at")}},
	}}
}

// docs are the package's collections and the questions asked of them.
type docs struct {
	days       *store.Shared[Day]
	weeks      store.Collection[Weeks]
	operations store.Collection[operation]
}

func open(s store.Store) docs {
	return docs{store.In[Day](s, daysKind()).Shared(1000), store.In[Weeks](s, weeksKind()), store.In[operation](s, operationsKind())}
}

// Booked is a talk with the day it stands in.
type Booked struct {
	Coach string
	Date  halsocoach.Day
	Talk
}

func bookedIn(days []Day, keep func(Talk) bool) []Booked {
	var out []Booked
	for _, d := range days {
		for _, t := range d.Talks {
			if keep(t) {
				out = append(out, Booked{d.Coach, d.Date, t})
			}
		}
	}
	return out
}

// newest keeps one place of each talk, that of its last move, by time: a talk
// on its way between two days stands in both for a moment.
func newest(all []Booked) []Booked {
	best := map[string]Booked{}
	for _, b := range all {
		if have, ok := best[b.ID]; !ok || b.Move > have.Move || b.Move == have.Move && b.Date < have.Date {
			best[b.ID] = b
		}
	}
	out := make([]Booked, 0, len(best))
	for _, b := range best {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b Booked) int { return cmp.Or(a.Starts.Compare(b.Starts), strings.Compare(a.ID, b.ID)) })
	return out
}

// all reads a query to its end. It is for what is bounded by nature: a person's
// talks, a coach's days between two dates.
func (s docs) all(ctx context.Context, q store.Query) ([]Day, error) {
	q.Limit = 1000
	var out []Day
	for day, err := range s.days.All(ctx, q) {
		if err != nil {
			return nil, err
		}
		out = append(out, day)
	}
	return out, nil
}

// places are the days in which a talk stands: one, or two in the middle of a
// move.
func (s docs) places(ctx context.Context, talk string) ([]Booked, error) {
	days, err := s.all(ctx, store.Query{Index: "talk", Equal: []any{talk}})
	return bookedIn(days, func(t Talk) bool { return t.ID == talk }), err
}

// talk finds a talk by its id.
func (s docs) talk(ctx context.Context, id string) (Booked, error) {
	places, err := s.places(ctx, id)
	if err != nil {
		return Booked{}, err
	}
	if len(places) == 0 {
		return Booked{}, halsocoach.ErrNotFound
	}
	return newest(places)[0], nil
}

// ofPerson are a person's talks from a day on ("" = all), under all their ids.
func (s docs) ofPerson(ctx context.Context, who person.Identity, from halsocoach.Day) ([]Booked, error) {
	var days []Day
	for _, id := range who.IDs {
		some, err := s.all(ctx, store.Query{Index: "person", Equal: []any{id}, From: string(from)})
		if err != nil {
			return nil, err
		}
		days = append(days, some...)
	}
	return newest(bookedIn(days, func(t Talk) bool { return who.Has(t.Person) })), nil
}

// ofEnrolment are the talks of an enrolment from a day on.
func (s docs) ofEnrolment(ctx context.Context, enrolment string, from halsocoach.Day) ([]Booked, error) {
	days, err := s.all(ctx, store.Query{Index: "enrolment", Equal: []any{enrolment}, From: string(from)})
	return newest(bookedIn(days, func(t Talk) bool { return t.Enrolment == enrolment })), err
}

// unmarked are a coach's days from a day to another, not included, on which a
// talk stands of which nobody has said how it went.
func (s docs) unmarked(ctx context.Context, coach string, from, before halsocoach.Day) ([]Day, error) {
	return s.all(ctx, store.Query{Index: "unmarked", Equal: []any{coach}, From: string(from), Before: string(before)})
}

// coming are a coach's day today, if it holds anything, and the next n days before
// another on which something is booked.
func (s docs) coming(ctx context.Context, coach string, today, before halsocoach.Day, n int) ([]Day, error) {
	var out []Day
	q := store.Query{Index: "coach", Equal: []any{coach}, From: string(today), Before: string(before), Limit: n + 1}
	for d, err := range s.days.All(ctx, q) {
		if err != nil {
			return nil, err
		}
		switch {
		case d.Date == today:
			out = append(out, d)
		case len(d.Talks)+len(d.Spans) > 0:
			out, n = append(out, d), n-1
		}
		if n == 0 {
			break
		}
	}
	return out, nil
}

// news are the n of a coach's days that citizens have changed last, since a time.
func (s docs) news(ctx context.Context, coach string, since time.Time, n int) ([]Day, error) {
	days, _, err := s.days.Find(ctx, store.Query{Index: "news", Equal: []any{coach}, From: since, Back: true, Limit: n})
	return days, err
}

// ofCoach are a coach's days that hold anything, from a day to another, which
// is not included.
func (s docs) ofCoach(ctx context.Context, coach string, from, before halsocoach.Day) ([]Day, error) {
	return s.all(ctx, store.Query{Index: "coach", Equal: []any{coach}, From: string(from), Before: string(before)})
}

// calendar is the days of several coaches, n of them from a day on, in one
// question. Days that hold nothing are there too.
func (s docs) calendar(ctx context.Context, coaches []string, from halsocoach.Day, n int) (map[string][]Day, error) {
	var ids []string
	for _, c := range coaches {
		for i := range n {
			ids = append(ids, DayID(c, from.Plus(i)))
		}
	}
	kept, err := s.days.Many(ctx, ids...)
	if err != nil {
		return nil, err
	}
	at := map[string]Day{}
	for _, d := range kept {
		at[DayID(d.Coach, d.Date)] = d
	}
	out := map[string][]Day{}
	for _, c := range coaches {
		for i := range n {
			d := at[DayID(c, from.Plus(i))]
			d.Coach, d.Date = c, from.Plus(i)
			out[c] = append(out[c], d)
		}
	}
	return out, nil
}

// patterns are the weeks of several coaches in one question.
func (s docs) patterns(ctx context.Context, coaches ...string) (map[string]Weeks, error) {
	kept, err := s.weeks.Many(ctx, coaches...)
	out := map[string]Weeks{}
	for _, w := range kept {
		out[w.Coach] = w
	}
	return out, err
}

// day reads one day with the pattern that stands behind it.
func (s docs) day(ctx context.Context, coach string, date halsocoach.Day) (Day, Weeks, error) {
	days, err := s.calendar(ctx, []string{coach}, date, 1)
	if err != nil {
		return Day{}, Weeks{}, err
	}
	weeks, err := s.patterns(ctx, coach)
	return days[coach][0], weeks[coach], err
}

// change changes a day, which begins when it first holds something.
func (s docs) change(ctx context.Context, coach string, date halsocoach.Day, change func(*Day) ([]halsocoach.Event, error)) error {
	_, err := s.days.Upsert(ctx, DayID(coach, date), func(d *Day) ([]halsocoach.Event, error) {
		d.Coach, d.Date = coach, date
		events, err := change(d)
		d.note()
		return events, err
	})
	return err
}

// changeKept changes a day that holds something; store.ErrNotFound when it does
// not.
func (s docs) changeKept(ctx context.Context, coach string, date halsocoach.Day, change func(*Day) ([]halsocoach.Event, error)) error {
	_, err := s.days.Update(ctx, DayID(coach, date), func(d *Day) ([]halsocoach.Event, error) {
		events, err := change(d)
		d.note()
		return events, err
	})
	return err
}
