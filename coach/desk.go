package coach

import (
	"context"
	"slices"
	"time"

	"halsocoach"
)

// Duty is one thing a coach has promised, or that waits for them.
type Duty struct {
	What  DutyKind
	Due   time.Time
	Late  bool
	Count int // recommendations, conversations
	Path  string
	Talk  *Booked // a talk of which nobody has said how it went
	Name  string
}

// DutyKind is what kind of duty it is.
type DutyKind int

// The kinds.
const (
	FirstContact DutyKind = iota // recommendations to answer
	Unanswered                   // messages to answer
	ToMark                       // talks to mark as held or missed
)

// DeskView is what meets a coach in the morning.
type DeskView struct {
	Now    time.Time
	Duties []Duty    // what is due first comes first
	Today  DayView   // without hours and free times, as those ahead
	Ahead  []DayView // the coming days on which something is booked
	News   []News    // what citizens have changed lately, the latest first
}

// News is a talk that a citizen has booked, moved or called off.
type News struct {
	Booked
	Name string
}

const (
	markWithin  = 31 // days for which the desk asks how talks went
	aheadWithin = 7  // days ahead that the desk looks
	aheadShown  = 2  // of those, days with something booked that it shows; the calendar has the rest
	newsFor     = 36 * time.Hour
	newsShown   = 10
)

// Desk is the coach's desk, sorted by promise made.
func (s *Service) Desk(ctx context.Context, who halsocoach.Actor) (DeskView, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return DeskView{}, err
	}
	now := s.Clock()
	today := halsocoach.DayOf(now)
	days, changed, err := s.deskDays(ctx, who, today, now)
	if err != nil {
		return DeskView{}, err
	}
	shown := newest(slices.DeleteFunc(bookedIn(append(slices.Clone(days), changed...), func(Talk) bool { return true }), func(b Booked) bool {
		return b.Date < today && !b.Unmarked(now) || b.Date > days[len(days)-1].Date && !isNews(b.Talk, now)
	}))
	names, err := s.names(ctx, who, halsocoach.ActReadDesk, shown)
	if err != nil {
		return DeskView{}, err
	}
	v := DeskView{Now: now}
	if v.Duties, err = s.duties(ctx, who); err != nil {
		return DeskView{}, err
	}
	for _, d := range days {
		switch {
		case d.Date == today:
			v.Today = DayView{Date: today, Entries: entriesOf(d, names)}
		case d.Date > today:
			v.Ahead = append(v.Ahead, DayView{Date: d.Date, Entries: entriesOf(d, names)})
		}
	}
	for _, b := range shown {
		if b.Unmarked(now) {
			v.Duties = append(v.Duties, Duty{What: ToMark, Due: b.Ends, Late: b.Ends.Before(now), Path: talkPath(b.ID), Talk: &b, Name: names[b.Enrolment]})
		}
		if isNews(b.Talk, now) {
			v.News = append(v.News, News{b, names[b.Enrolment]})
		}
	}
	slices.SortStableFunc(v.Duties, func(a, b Duty) int { return a.Due.Compare(b.Due) })
	slices.SortStableFunc(v.News, func(a, b News) int { return b.Changed.Compare(a.Changed) })
	v.News = v.News[:min(len(v.News), newsShown)]
	return v, nil
}

// deskDays are the days of the desk, by date: those on which a talk stands that
// nobody has marked, today, and the next ones with something booked. changed are
// the days that citizens have changed lately.
func (s *Service) deskDays(ctx context.Context, who halsocoach.Actor, today halsocoach.Day, now time.Time) (days, changed []Day, err error) {
	if days, err = s.docs.unmarked(ctx, who.ID, today.Plus(-markWithin), today); err != nil {
		return nil, nil, err
	}
	coming, err := s.docs.coming(ctx, who.ID, today, today.Plus(aheadWithin+1), aheadShown)
	if err != nil {
		return nil, nil, err
	}
	if len(coming) == 0 || coming[0].Date != today {
		days = append(days, Day{Coach: who.ID, Date: today})
	}
	days = append(days, coming...)
	changed, err = s.docs.news(ctx, who.ID, now.Add(-newsFor), newsShown)
	return days, changed, err
}

func isNews(t Talk, now time.Time) bool {
	return t.ByCitizen && now.Sub(t.Changed) < newsFor && (t.Outcome == NotYet || t.Outcome == Cancelled) && t.Ends.After(now)
}

// duties are those that other parts of the service know of.
func (s *Service) duties(ctx context.Context, who halsocoach.Actor) ([]Duty, error) {
	var out []Duty
	now := s.Clock()
	n, due, err := s.Inbox.Waiting(ctx, who)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		out = append(out, Duty{What: FirstContact, Due: due, Late: due.Before(now), Count: n, Path: "/inkorg"})
	}
	unread, err := s.Messages.Unread(ctx, who)
	if err != nil {
		return nil, err
	}
	if unread.Conversations > 0 {
		terms, err := s.terms(ctx, who.Centre)
		if err != nil {
			return nil, err
		}
		due := unread.Oldest.Add(time.Duration(terms.UnansweredHours) * time.Hour)
		out = append(out, Duty{What: Unanswered, Due: due, Late: due.Before(now), Count: unread.Conversations, Path: unread.Path})
	}
	return out, nil
}
