package waiting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"halsocoach"
	"halsocoach/internal/event"
)

// What it listens to. The first have a recommendation as subject, the next name
// recommendations in their data, the last name an enrolment there.
var (
	ofReferral = []string{
		"referral.received", "referral.accepted", "referral.declined", "referral.forwarded", "referral.withdrawn",
		"referral.erred", "referral.started", "referral.ended", "referral.changed",
	}
	ofEnrolment = []string{"citizen.enrolled", "citizen.recommended_again", "citizen.ended"}
	ofTalk      = []string{"coach.talk_held", "coach.talk_missed"}
)

// Start reads the sums into memory, keeps them fresh, and folds what happens,
// until ctx ends. It returns once the consumer runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := s.centres.Follow(ctx, bus, s.Clock, s.Log); err != nil {
		return fmt.Errorf("waiting: %w", err)
	}
	types := append(append(append([]string(nil), ofReferral...), ofEnrolment...), ofTalk...)
	if err := bus.Consume(ctx, "waiting", types, s.heard); err != nil {
		return fmt.Errorf("waiting: consume: %w", err)
	}
	return nil
}

// about is what the data of an event name.
type about struct {
	Referrals []string `json:"referrals"`
	Enrolment string   `json:"enrolment"`
}

// heard folds the recommendations that an event is about.
func (s *Service) heard(ctx context.Context, e halsocoach.Event) error {
	var a about
	if len(e.Data) > 0 {
		if err := json.Unmarshal(e.Data, &a); err != nil {
			return fmt.Errorf("waiting: data of %s: %w", e.Type, err)
		}
	}
	ids := a.Referrals
	switch {
	case a.Enrolment != "":
		from, err := s.Enrolments.Enrolment(ctx, a.Enrolment)
		if errors.Is(err, halsocoach.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("waiting: %s: %w", e.Type, err)
		}
		ids = []string{from.Referral}
	case len(ids) == 0:
		ids = []string{e.Subject}
	}
	for _, id := range ids {
		if err := s.fold(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
