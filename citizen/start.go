package citizen

import (
	"context"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/holiday"
)

// Home is what the start page Min hälsa shows.
type Home struct {
	Step      NextStep
	Name      string
	Talk      *halsocoach.Appointment // the next one with a coach
	Groups    []halsocoach.Appointment
	Goals     []GoalView
	Unread    halsocoach.Unread
	Enrolled  bool
	CoachName string
	Centre    halsocoach.Centre   // where the person is enrolled, or recommended
	Due       time.Time           // a first contact is promised by then
	Told      halsocoach.Day      // and what the person is told: a working day
	Centres   []halsocoach.Centre // to get in touch with, for those nobody knows
}

// NextStep is the page's one clear next step.
type NextStep string

// The next steps, by where the person stands.
const (
	StepFirstTalk NextStep = "first_talk" // enrolled, nothing booked and never met
	StepTalk      NextStep = "talk"       // a talk is coming
	StepAgain     NextStep = "again"      // has met the coach, nothing booked
	StepWait      NextStep = "wait"       // recommended, a coach is to answer
	StepAccepted  NextStep = "accepted"   // accepted just now, the enrolment is being made
	StepContact   NextStep = "contact"    // nobody knows the person yet
)

// stepOf says which it is. coming are the person's talks, recommended the
// recommendations about them, newest first.
func stepOf(enrolled *Enrolment, coming *halsocoach.Appointment, recommended []Recommended) (NextStep, *Recommended) {
	switch {
	case enrolled != nil && coming != nil:
		return StepTalk, nil
	case enrolled != nil && enrolled.Started:
		return StepAgain, nil
	case enrolled != nil:
		return StepFirstTalk, nil
	}
	for _, r := range recommended {
		switch r.State {
		case "mottagen", "tagen", "vilande":
			return StepWait, &r
		}
	}
	for _, r := range recommended {
		if r.State == "antagen" {
			return StepAccepted, &r
		}
	}
	return StepContact, nil
}

// Home gathers the start page of the citizen who asks.
func (s *Service) Home(ctx context.Context, who halsocoach.Actor) (Home, error) {
	self, err := s.Persons.Self(ctx, who)
	if err != nil {
		return Home{}, err
	}
	h := Home{Name: who.Name}
	found, err := s.ofPerson(ctx, self)
	if err != nil {
		return Home{}, fmt.Errorf("enrolments of a person: %w", err)
	}
	if h.Talk, err = s.nextTalk(ctx, found); err != nil {
		return Home{}, err
	}
	if h.Groups, err = s.Groups.Coming(ctx, who); err != nil {
		return Home{}, fmt.Errorf("groups of a person: %w", err)
	}
	slices.SortStableFunc(h.Groups, func(a, b halsocoach.Appointment) int { return a.Starts.Compare(b.Starts) })
	if h.Goals, err = s.homeGoals(ctx, self); err != nil {
		return Home{}, err
	}
	if h.Unread, err = s.Messages.Unread(ctx, who); err != nil {
		return Home{}, fmt.Errorf("unread messages: %w", err)
	}
	var open *Enrolment
	if i := slices.IndexFunc(found, func(e Enrolment) bool { return e.Ended == nil }); i >= 0 {
		open = &found[i]
	}
	return s.advise(ctx, who, h, open)
}

// nextTalk is the next talk that any of a person's enrolments has coming.
func (s *Service) nextTalk(ctx context.Context, found []Enrolment) (*halsocoach.Appointment, error) {
	var next *halsocoach.Appointment
	for _, e := range found {
		talks, err := s.talks(ctx, e)
		if err != nil {
			return nil, err
		}
		if len(talks) > 0 && (next == nil || talks[0].Starts.Before(next.Starts)) {
			next = &talks[0]
		}
	}
	return next, nil
}

// advise finds the next step and what its words need.
func (s *Service) advise(ctx context.Context, who halsocoach.Actor, h Home, open *Enrolment) (Home, error) {
	var recommended []Recommended
	var err error
	if open == nil {
		if recommended, err = s.Referrals.OfPerson(ctx, who); err != nil {
			return Home{}, fmt.Errorf("recommendations of a person: %w", err)
		}
	}
	step, about := stepOf(open, h.Talk, recommended)
	h.Step, h.Enrolled = step, open != nil
	centre := ""
	switch {
	case open != nil:
		centre = open.Centre
		m, err := s.Staff.Member(ctx, open.Coach)
		if err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
			return Home{}, fmt.Errorf("coach %s: %w", open.Coach, err)
		}
		h.CoachName = m.Name
	case about != nil:
		centre, h.Due = about.Centre, about.Due
		h.Told = holiday.LastWorkingDay(halsocoach.DayOf(about.Received), halsocoach.DayOf(about.Due))
	default:
		h.Centres, err = s.Registers.Centres(ctx, "")
		return h, err
	}
	h.Centre, err = s.centre(ctx, centre)
	return h, err
}
