package coach

import (
	"context"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
)

// What the package writes. Subject is the talk's id.
const (
	EventBooked    = "coach.talk_booked" // also when a talk is moved
	EventCancelled = "coach.talk_cancelled"
	EventHeld      = "coach.talk_held"
	EventMissed    = "coach.talk_missed"
)

// What it listens to.
const eventEnded = "citizen.ended"

// About is the data of its events.
type About struct {
	Enrolment string `json:"enrolment"`
	Kind      Kind   `json:"kind"`
	Move      int    `json:"move,omitempty"`
}

func (s *Service) happened(typ string, t Talk) halsocoach.Event {
	return halsocoach.Happened(typ, s.Clock(), halsocoach.KommunOfCentre(t.Centre), t.ID, About{t.Enrolment, t.Kind, t.Move})
}

// fact is what a talk that was held adds to the counts, on the day it was held.
func fact(t Talk, e halsocoach.Enrolment, protected bool) halsocoach.Fact {
	dims := e.Dims()
	dims[halsocoach.DimChannel] = string(t.Form)
	kind := halsocoach.CountFirstTalk
	if t.Kind == FollowUp {
		kind = halsocoach.CountFollowUp
	}
	return halsocoach.Count(kind, t.Starts, halsocoach.KommunOfCentre(t.Centre), protected, dims)
}

// Start runs the consumer, and finishes operations that are left behind, until
// ctx ends.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := bus.Consume(ctx, "coach", []string{eventEnded}, s.left); err != nil {
		return err
	}
	leases := store.Leases{Store: s.Store, Clock: s.Clock, Log: s.Log}
	bus.Go(ctx, func(ctx context.Context) { leases.Finish(ctx, s.Unfinished()) })
	return nil
}

// left calls off what a person who has left had ahead.
func (s *Service) left(ctx context.Context, e halsocoach.Event) error {
	talks, err := s.docs.ofEnrolment(ctx, e.Subject, halsocoach.DayOf(s.Clock()))
	if err != nil {
		return err
	}
	for _, b := range talks {
		if b.Outcome != NotYet || b.Begun(s.Clock()) {
			continue
		}
		err := s.operate(ctx, b.Talk, func() (agree bool, err error) {
			err = s.cancel(ctx, b.ID, false)
			return err != nil, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
