package protection

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
)

// Numbers finds the person behind an identity number. The sealer satisfies it.
type Numbers interface {
	Lookup(ctx context.Context, n halsocoach.Number) (person string, found bool, err error)
}

// Persons lift protected identity. Package person satisfies it.
type Persons interface {
	Unprotect(ctx context.Context, who halsocoach.Actor, id, why string) error
}

// Config lists what the service needs.
type Config struct {
	Numbers Numbers
	Persons Persons
	Clock   halsocoach.Clock
}

// Service lifts protected identity.
type Service struct{ Config }

// New makes the service.
func New(cfg Config) *Service { return &Service{cfg} }

// Decision is whom it is about and what it rests on.
type Decision struct{ Number, Why string }

// whyLimit bounds what the access log keeps of a decision, in characters.
const whyLimit = 200

// validate gives the number, and each answer to mend.
func (d Decision) validate(now time.Time) (n halsocoach.Number, err error) {
	var bad halsocoach.Faults
	n, err = halsocoach.ParseNumber(d.Number, now)
	bad.When(err != nil, "number", "Numret stämmer inte. Skriv det med tolv siffror, till exempel 20030202-2389.")
	long := utf8.RuneCountInString(d.Why) > whyLimit
	bad.When(d.Why == "", "why", "Skriv vad beslutet bygger på.")
	bad.When(long, "why", "Texten får vara högst 200 tecken.")
	bad.When(!long && holdsNumber(d.Why, now), "why", "Skriv inget personnummer här. Texten sparas i loggen.")
	return n, halsocoach.Invalid(bad...)
}

// holdsNumber says whether one of the words is an identity number.
func holdsNumber(text string, now time.Time) bool {
	for word := range strings.FieldsSeq(text) {
		if _, err := halsocoach.ParseNumber(strings.Trim(word, ".,;:()"), now); err == nil {
			return true
		}
	}
	return false
}

// Lift says that the person behind a number has protected identity no more. Only
// the region may. Nobody learns whether the number leads to anybody.
func (s *Service) Lift(ctx context.Context, who halsocoach.Actor, d Decision) error {
	if err := halsocoach.Allow(who, halsocoach.RoleRegion); err != nil {
		return err
	}
	d.Why = strings.TrimSpace(halsocoach.Plain(d.Why))
	n, err := d.validate(s.Clock())
	if err != nil {
		return err
	}
	id, found, err := s.Numbers.Lookup(ctx, n)
	if err == nil && found {
		err = s.Persons.Unprotect(ctx, who, id, d.Why)
	}
	if err != nil {
		return fmt.Errorf("lift protection: %w", err)
	}
	return nil
}
