package citizen

import (
	"context"
	"time"

	"halsocoach"
)

// Accepted lets a test deliver an event once more.
func (s *Service) Accepted(ctx context.Context, e halsocoach.Event) error { return s.heard(ctx, e) }

// Claim is a rule without a store.
func (e *Enrolment) Claim(t Talk, now time.Time) (bool, error) { return e.claim(t, now) }

// StepFor is the next step of a start page.
func StepFor(enrolled *Enrolment, coming *halsocoach.Appointment, recommended []Recommended) NextStep {
	step, _ := stepOf(enrolled, coming, recommended)
	return step
}
