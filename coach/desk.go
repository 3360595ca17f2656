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
	Duties []Duty // what is due first comes first
	Today  DayView
	Ahead  []DayView // the coming days on which something is booked
	News   []News    // what citizens have changed lately, the latest first
}

// News is a talk that a citizen has booked, moved or called off.
type News struct {
	Booked
	Name string
}

const (
	markWithin = 31 // days for which the desk asks how talks went
	aheadShown = 7  // days ahead that the desk shows
	newsFor    = 36 * time.Hour
	newsShown  = 10
)

// Desk is the coach's desk, sorted by promise made.
func (s *Service) Desk(ctx context.Context, who halsocoach.Actor) (DeskView, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return DeskView{}, err
	}
	now := s.Clock()
	today := halsocoach.DayOf(now)
	terms, err := s.terms(ctx, who.Centre)
	if err != nil {
		return DeskView{}, err
	}
	days, err := s.shelves.ofCoach(ctx, who.ID, today.Plus(-markWithin), today.Plus(aheadOf(terms)+1))
	if err != nil {
		return DeskView{}, err
	}
	weeks, err := s.shelves.patterns(ctx, who.ID)
	if err != nil {
		return DeskView{}, err
	}
	shown := deskTalks(days, now)
	names, err := s.names(ctx, who, "read desk", shown)
	if err != nil {
		return DeskView{}, err
	}
	v := DeskView{Now: now, Today: DayView{Date: today}}
	if v.Duties, err = s.duties(ctx, who, terms); err != nil {
		return DeskView{}, err
	}
	cut, from := cutFor(terms, First), now.Add(margin)
	v.Today = viewOf(Day{Coach: who.ID, Date: today}, weeks[who.ID], cut, from, names)
	for _, d := range days {
		switch {
		case d.Date == today:
			v.Today = viewOf(d, weeks[who.ID], cut, from, names)
		case d.Date > today && d.Date <= today.Plus(aheadShown) && len(d.Talks)+len(d.Spans) > 0:
			v.Ahead = append(v.Ahead, viewOf(d, weeks[who.ID], cut, from, names))
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

// deskTalks are the talks whose persons the desk shows.
func deskTalks(days []Day, now time.Time) []Booked {
	today := halsocoach.DayOf(now)
	all := newest(bookedIn(days, func(Talk) bool { return true }))
	return slices.DeleteFunc(all, func(b Booked) bool {
		soon := b.Date >= today && b.Date <= today.Plus(aheadShown)
		return !soon && !b.Unmarked(now) && !isNews(b.Talk, now)
	})
}

func isNews(t Talk, now time.Time) bool {
	return t.ByCitizen && now.Sub(t.Changed) < newsFor && (t.Outcome == NotYet || t.Outcome == Cancelled) && t.Ends.After(now)
}

// duties are those that other parts of the service know of.
func (s *Service) duties(ctx context.Context, who halsocoach.Actor, terms halsocoach.Terms) ([]Duty, error) {
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
		due := unread.Oldest.Add(time.Duration(terms.UnansweredHours) * time.Hour)
		out = append(out, Duty{What: Unanswered, Due: due, Late: due.Before(now), Count: unread.Conversations, Path: unread.Path})
	}
	return out, nil
}
