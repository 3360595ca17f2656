package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/referral/record"
)

// ErrAsked says that the caller has been asked already.
var ErrAsked = halsocoach.Conflict("asked", "Någon har redan pratat med personen och skrivit in vad hen vill.")

// Complete is a coach who has asked a caller what they want: what is written
// replaces what the caller wrote. From then on it is a recommendation like others,
// and counted.
func (s *Service) Complete(ctx context.Context, who halsocoach.Actor, id string, n record.NewReferral) error {
	r, one, err := s.of(ctx, who, id)
	if err != nil {
		return fmt.Errorf("complete %s: %w", id, err)
	}
	if r.CallMe == "" {
		return ErrAsked
	}
	n = n.Trimmed()
	n.Centre, n.ConsentOn, n.Scope, n.Note = r.Centre, "", "", ""
	number, err := n.Validate(who, s.now())
	if err != nil {
		return err
	}
	if err := s.link(ctx, one, r.Person, number); err != nil {
		return err
	}
	if n.Protected {
		if err := s.Records.Persons.Protect(ctx, who, r.Person, person.ByStaff); err != nil {
			return fmt.Errorf("complete %s: %w", id, err)
		}
		one.Protected = true
	}
	var asked record.Sending
	if err := s.Records.Fill(ctx, r.Person, &asked, n); err != nil {
		return fmt.Errorf("complete %s: %w", id, err)
	}
	after, err := s.Records.Change(ctx, r.ID, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		i := slices.IndexFunc(r.Sendings, func(x record.Sending) bool { return x.Sender == "" })
		if r.CallMe == "" || i < 0 {
			return nil, ErrAsked
		}
		x := &r.Sendings[i]
		x.Name, x.Phone, x.Email, x.Wants = asked.Name, asked.Phone, asked.Email, asked.Wants
		x.Topics, x.Kommun, x.Language, x.Interpret, x.SaidProtected = n.Topics, n.Kommun, n.Language, n.Interpreter, n.Protected
		x.Consent = record.Consent{Given: true, Asked: who.ID, On: halsocoach.DayOf(now), Scope: record.ScopeState}
		r.Attempts = append(r.Attempts, met(r.ID, record.ByPhone, who, now))
		r.Sex, r.AgeBand = number.Sex(), halsocoach.AgeBand(number.Age(halsocoach.DayOf(now)))
		return []halsocoach.Event{record.Changed(*r, now).Counting(record.Counting(*r, now, one.Protected))}, nil
	})
	if err != nil {
		return fmt.Errorf("complete %s: %w", id, err)
	}
	return s.Records.Saw(ctx, who, halsocoach.ActCompleteReferral, after)
}

// link lets a number lead to the person, unless it leads to them already.
func (s *Service) link(ctx context.Context, one person.Identity, id string, number halsocoach.Number) error {
	if number.IsZero() {
		return nil
	}
	err := s.Records.Seal.Link(ctx, id, number)
	if !errors.Is(err, seal.ErrTied) {
		return err
	}
	owner, found, err := s.Records.Seal.Lookup(ctx, number)
	if err == nil && !(found && one.Has(owner)) {
		err = halsocoach.Invalid(halsocoach.Field{Name: "personnummer", Text: "Numret hör till någon som redan finns här. Lämna det tomt, och slå ihop personerna sedan."})
	}
	return err
}

// Visit is a coach who writes in somebody who stands before them: an own contact
// that the coach has taken. One who waits at the centre already joins what waits.
func (s *Service) Visit(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, n record.NewReferral) (id string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return "", err
	}
	n.Centre, n.ConsentOn, n.Scope, n.Placer, n.Note = who.Centre, "", "", "", ""
	doc, _, _, err := s.Records.Receive(ctx, who, req, n)
	if err != nil {
		return "", err
	}
	all, err := s.settled(ctx, doc)
	if err != nil {
		return "", fmt.Errorf("take the visitor %s: %w", doc.ID, err)
	}
	after, err := s.Records.Act(ctx, all, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		at := met(doc.ID, record.InPerson, who, now)
		at.Together = len(all) > 1
		if !r.State.Open() || slices.ContainsFunc(r.Attempts, func(a record.Attempt) bool { return a.ID == at.ID }) {
			return nil, nil // decided, or by the same request before
		}
		r.Attempts = append(r.Attempts, at)
		if r.State != record.Received {
			return []halsocoach.Event{record.Changed(*r, now)}, nil // a colleague has it
		}
		r.Taken = &record.Holder{By: who.ID, At: now}
		return r.Move(record.Take, now)
	})
	if err != nil {
		return "", fmt.Errorf("take the visitor %s: %w", doc.ID, err)
	}
	return doc.ID, s.Records.Saw(ctx, who, halsocoach.ActCompleteReferral, after...)
}

// met is that a coach has talked with the person, when what they want was written
// in.
func met(referral string, how record.Way, who halsocoach.Actor, now time.Time) record.Attempt {
	return record.Attempt{ID: halsocoach.IDFrom("met", referral, who.ID), How: how, Went: record.Reached, By: who.ID, At: now}
}
