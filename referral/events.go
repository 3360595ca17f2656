package referral

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
)

// The events this package writes. Subject is the recommendation's id.
const (
	EventReceived  = "referral.received"
	EventAccepted  = "referral.accepted"
	EventDeclined  = "referral.declined"
	EventForwarded = "referral.forwarded"
)

// The events of package citizen that it listens to. Their data name the
// recommendations that the enrolment was made from.
const (
	eventEnrolled = "citizen.enrolled"
	eventAgain    = "citizen.recommended_again" // taken in a second time: joined the enrolment there is
	eventStarted  = "citizen.started"
	eventEnded    = "citizen.ended"
)

// received is the event of a new recommendation, with the fact that is counted.
func received(r Referral, counted bool) halsocoach.Event {
	kommun := halsocoach.KommunOfCentre(r.Centre)
	e := halsocoach.Happened(EventReceived, r.Received, kommun, r.ID, nil)
	if !counted {
		return e
	}
	dims := halsocoach.Enrolment{Source: r.Sendings[0].Source, Topics: r.Topics(), Sex: r.Sex, AgeBand: r.AgeBand}.Dims()
	return e.Counting(halsocoach.Count(halsocoach.CountReferral, r.Received, kommun, r.Protected, dims))
}

// decidedEvent is the event of a decision.
func decidedEvent(r Referral, d Decision) halsocoach.Event {
	typ := map[Act]string{Accept: EventAccepted, Decline: EventDeclined, Forward: EventForwarded}[d.What]
	return halsocoach.Happened(typ, d.At, halsocoach.KommunOfCentre(r.Centre), r.ID, nil)
}

// Start listens to what follows a decision, and carries on what was left when
// the program last stopped. It returns when the consumers run.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	err := bus.Consume(ctx, "referral", []string{EventForwarded, eventEnrolled, eventAgain, eventStarted, eventEnded}, s.heard)
	if err != nil {
		return fmt.Errorf("referral: consume: %w", err)
	}
	return nil
}

// told is what package citizen says of an enrolment: which recommendations it
// was made from, and the class of its end.
type told struct {
	Referrals []string `json:"referrals"`
	Class     string   `json:"class"`
}

// heard does what an event asks for. Doing it again changes nothing.
func (s *Service) heard(ctx context.Context, e halsocoach.Event) error {
	if e.Type == EventForwarded {
		return s.bringOn(ctx, e.Subject)
	}
	var t told
	if err := json.Unmarshal(e.Data, &t); err != nil {
		return fmt.Errorf("referral: data of %s: %w", e.Type, err)
	}
	for _, id := range t.Referrals {
		err := s.follow(ctx, id, e.Type, t.Class)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("referral %s: %s: %w", id, e.Type, err)
		}
	}
	return nil
}

// follow moves a recommendation on with the enrolment that was made from it.
func (s *Service) follow(ctx context.Context, id, typ, class string) error {
	_, err := s.referrals.Update(ctx, id, func(r *Referral) ([]halsocoach.Event, error) {
		switch {
		case !r.State.TakenIn():
			return nil, nil
		case typ == eventStarted && r.State == Accepted:
			return nil, r.move(Start, halsocoach.RoleSystem)
		case typ == eventEnded && r.State != Ended:
			r.Ended = class
			return nil, r.move(End, halsocoach.RoleSystem)
		case typ == eventEnrolled, typ == eventAgain:
			r.Unenrolled = nil
		}
		return nil, nil
	})
	return err
}

// bringOn makes the new recommendation of one that was forwarded, unless it is
// made. Its id comes from the old one's and the new centre.
func (s *Service) bringOn(ctx context.Context, id string) error {
	old, err := s.referrals.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("forwarded %s: %w", id, err)
	}
	v := old.Verdict()
	if v == nil || v.What != Forward {
		return nil
	}
	if there, err := s.carriedFrom(ctx, old); err != nil || there {
		return err
	}
	next := Referral{ID: halsocoach.IDFrom("referral", old.ID, v.To), Person: old.Person, Centre: v.To, Received: v.At,
		Sex: old.Sex, AgeBand: old.AgeBand, Protected: old.Protected, From: old.ID}
	for _, x := range old.Sendings {
		x.Carried = old.ID
		next.Sendings = append(next.Sendings, x)
	}
	if next, err = s.promised(ctx, next); err != nil {
		return err
	}
	if _, _, err = s.receive(ctx, next, false); err != nil {
		return fmt.Errorf("bring %s on to %s: %w", old.ID, v.To, err)
	}
	return nil
}
