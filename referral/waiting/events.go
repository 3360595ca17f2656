package waiting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/person"
)

// listens are the events that can move a number. The first have a recommendation
// as subject, the next name recommendations in their data, the last name an
// enrolment there. Who is taken in and enrolled goes on waiting.
var listens = []string{
	"referral.received", "referral.declined", "referral.forwarded", "referral.withdrawn", "referral.erred", "referral.ended", "referral.changed",
	"citizen.recommended_again", "citizen.ended",
	"coach.talk_held", "coach.talk_missed",
	person.EventChanged,
}

// followUp is the kind of talk that ends no wait.
const followUp = "followup"

// Start reads the sums into memory, keeps them fresh, and folds what happens,
// until ctx ends. It returns once the consumer runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := s.centres.Follow(ctx, bus, s.Clock, s.Log); err != nil {
		return fmt.Errorf("waiting: %w", err)
	}
	if err := bus.Consume(ctx, "waiting", listens, s.heard); err != nil {
		return fmt.Errorf("waiting: consume: %w", err)
	}
	return nil
}

// about is what the data of an event name.
type about struct {
	Referrals []string `json:"referrals"`
	Enrolment string   `json:"enrolment"`
	Kind      string   `json:"kind"` // of the talk
}

// heard folds the recommendations that an event is about.
func (s *Service) heard(ctx context.Context, e halsocoach.Event) error {
	if e.Type == person.EventChanged {
		return s.refoldPersons(ctx)
	}
	var a about
	if len(e.Data) > 0 {
		if err := json.Unmarshal(e.Data, &a); err != nil {
			return fmt.Errorf("waiting: data of %s: %w", e.Type, err)
		}
	}
	ids, enrolment := a.Referrals, a.Enrolment
	switch {
	case a.Kind == followUp:
		return nil
	case enrolment != "":
	case len(ids) > 0: // what joins an enrolment may hide the person who was counted with it
		enrolment = e.Subject
	default:
		ids = []string{e.Subject}
	}
	if enrolment != "" {
		from, err := s.Enrolments.Enrolment(ctx, enrolment)
		if err != nil && !errors.Is(err, halsocoach.ErrNotFound) {
			return fmt.Errorf("waiting: %s: %w", e.Type, err)
		}
		if err == nil && !slices.Contains(ids, from.Referral) {
			ids = append(ids, from.Referral)
		}
	}
	for _, id := range ids {
		if err := s.fold(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// refoldPersons folds anew all that there is about those of whom something has been
// said: who has protected identity is in no number, and who no longer has is. They
// are few, and the event says of none of them.
func (s *Service) refoldPersons(ctx context.Context) error {
	return s.Persons.Each(ctx, func(id string) error {
		ids, err := s.Recommendations.IDsAbout(ctx, id)
		if err != nil {
			return fmt.Errorf("waiting: %w", err)
		}
		for _, referral := range ids {
			if err := s.fold(ctx, referral); err != nil {
				return err
			}
		}
		return nil
	})
}
