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
	eventErred    = "referral.erred"    // sent by mistake, says the one who recommended
	eventShielded = "referral.shielded" // the person has protected identity, which was not known
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

const (
	sweepSize  = 1000 // what is mended at one time
	sweepEvery = 10 * time.Minute
)

// Start takes in those whom a coach accepts, and soon and then now and again, on
// one node at a time, those who were accepted while nobody listened. It returns
// when the consumer runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := bus.Consume(ctx, "citizen", []string{eventAccepted, eventErred, eventShielded}, s.heard); err != nil {
		return fmt.Errorf("citizen: consume: %w", err)
	}
	leases := store.Leases{Store: s.Store, Clock: s.Clock, Log: s.Log}
	bus.Go(ctx, func(ctx context.Context) { leases.Every(ctx, "citizen.sweep", sweepEvery, s.sweep) })
	return nil
}

func (s *Service) sweep(ctx context.Context) error {
	n, err := s.Sweep(ctx)
	if n > 0 {
		s.Log.Info("people were taken in after an interruption", "n", n)
	}
	return err
}

func (s *Service) heard(ctx context.Context, e halsocoach.Event) error {
	switch e.Type {
	case eventErred: // the coach is to see it
		return s.note(ctx, e, func(n *Enrolment) {
			if n.Mistaken == nil {
				n.Mistaken = &e.At
			}
		})
	case eventShielded:
		return s.note(ctx, e, func(n *Enrolment) { n.Protected = true })
	}
	return s.takeIn(ctx, e.Subject)
}

// note changes the enrolment that the recommendation of an event led to, if it did.
func (s *Service) note(ctx context.Context, e halsocoach.Event, change func(*Enrolment)) error {
	led, err := s.one(ctx, "referral", e.Subject)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		_, err = s.enrolments.Update(ctx, led.ID, func(n *Enrolment) ([]halsocoach.Event, error) {
			change(n)
			return nil, nil
		})
	}
	if err != nil {
		return fmt.Errorf("%s of referral %s: %w", e.Type, e.Subject, err)
	}
	return nil
}

func (s *Service) takeIn(ctx context.Context, referral string) error {
	a, err := s.Referrals.Accepted(ctx, referral)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return nil // not accepted after all, or erased since
	}
	if err != nil {
		return fmt.Errorf("take in from referral %s: %w", referral, err)
	}
	if _, err = s.Enrol(ctx, a); err != nil || a.Protected {
		return err
	}
	// It may have become known while the enrolment was made.
	if a, err = s.Referrals.Accepted(ctx, referral); err != nil || !a.Protected {
		if halsocoach.KindOf(err) == halsocoach.KindNotFound {
			err = nil // erased since
		}
		return err
	}
	return s.note(ctx, halsocoach.Event{Type: eventShielded, Subject: referral}, func(n *Enrolment) { n.Protected = true })
}

// Sweep takes in those who were accepted and have no enrolment, and says how
// many. One who can not be taken in holds up nobody else.
func (s *Service) Sweep(ctx context.Context) (n int, err error) {
	ids, err := s.Referrals.Unenrolled(ctx, sweepSize)
	if err != nil {
		return 0, fmt.Errorf("citizen: sweep: %w", err)
	}
	var faults []error
	for _, id := range ids {
		if err := s.takeIn(ctx, id); err != nil {
			faults = append(faults, err)
			continue
		}
		n++
	}
	return n, errors.Join(faults...)
}
