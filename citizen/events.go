package citizen

import (
	"context"
	"errors"
	"fmt"
	"time"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
)

// The events this package writes. Subject is the enrolment's id.
const (
	EventEnrolled = "citizen.enrolled"
	EventAgain    = "citizen.recommended_again" // a recommendation joined an open enrolment
	EventStarted  = "citizen.started"           // the first talk has been booked
	EventEnded    = "citizen.ended"
)

// What it listens to.
const (
	eventAccepted = "referral.accepted"
	eventErred    = "referral.erred" // sent by mistake, says the one who recommended
)

// About is the data of the events.
type About struct {
	Referrals []string `json:"referrals"`       // those that the event says something about
	Class     Class    `json:"class,omitempty"` // of the end
}

func happened(typ string, e Enrolment, at time.Time, referrals ...string) halsocoach.Event {
	about := About{Referrals: referrals}
	if e.Ended != nil {
		about.Class = e.Ended.Class
	}
	return halsocoach.Happened(typ, at, halsocoach.KommunOfCentre(e.Centre), e.ID, about)
}

// Start takes in those whom a coach accepts, and finishes what is left of those
// who were accepted while nobody listened. It returns when the consumer runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := bus.Consume(ctx, "citizen", []string{eventAccepted, eventErred}, s.heard); err != nil {
		return fmt.Errorf("citizen: consume: %w", err)
	}
	leases := store.Leases{Store: s.Store, Clock: s.Clock, Log: s.Log}
	bus.Go(ctx, func(ctx context.Context) { leases.Finish(ctx, s.Unfinished()) })
	return nil
}

// Unfinished are those who were accepted and have no enrolment.
func (s *Service) Unfinished() store.Unfinished {
	return store.Unfinished{Name: "citizen.enrolments", Patience: 30 * time.Second, Find: s.Referrals.Unenrolled, Finish: s.takeIn}
}

func (s *Service) heard(ctx context.Context, e halsocoach.Event) error {
	if e.Type == eventErred {
		return s.noteMistake(ctx, e)
	}
	return s.takeIn(ctx, e.Subject)
}

// noteMistake lets the coach see that a recommendation was sent by mistake.
func (s *Service) noteMistake(ctx context.Context, e halsocoach.Event) error {
	led, err := s.one(ctx, "referral", e.Subject)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		_, err = s.enrolments.Update(ctx, led.ID, func(n *Enrolment) ([]halsocoach.Event, error) {
			if n.Mistaken == nil {
				n.Mistaken = &e.At
			}
			return nil, nil
		})
	}
	if err != nil {
		return fmt.Errorf("%s of referral %s: %w", e.Type, e.Subject, err)
	}
	return nil
}

// takeIn makes the enrolment that a recommendation leads to.
func (s *Service) takeIn(ctx context.Context, referral string) error {
	a, err := s.Referrals.Accepted(ctx, referral)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return nil // not accepted after all, or erased since
	}
	if err != nil {
		return fmt.Errorf("take in from referral %s: %w", referral, err)
	}
	_, err = s.Enrol(ctx, a)
	return err
}
