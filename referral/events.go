package referral

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

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
	EventWithdrawn = "referral.withdrawn" // called back before it was decided
	EventErred     = "referral.erred"     // sent by mistake, says the sender; perhaps after it was decided
	EventStarted   = "referral.started"
	EventEnded     = "referral.ended"
	EventChanged   = "referral.changed" // something that a follower must know: taken, the first talk, a consent
	// EventShielded: it has become known that the person has protected identity.
	EventShielded = "referral.shielded"
)

// The events of package citizen that it listens to. Their data name the
// recommendations that the enrolment was made from.
const (
	eventEnrolled = "citizen.enrolled"
	eventAgain    = "citizen.recommended_again" // taken in a second time: joined the enrolment there is
	eventStarted  = "citizen.started"
	eventEnded    = "citizen.ended"
)

// The events of package coach that it listens to, with what they say of the
// first talk. Their data name the enrolment.
var eventTalks = map[string]FirstTalk{
	"coach.talk_booked": TalkBooked, "coach.talk_missed": TalkMissed, "coach.talk_cancelled": TalkCancelled, "coach.talk_held": TalkHeld,
}

func happened(typ string, r Referral, at time.Time) halsocoach.Event {
	return halsocoach.Happened(typ, at, halsocoach.KommunOfCentre(r.Centre), r.ID, nil)
}

// changed is the event of what a follower must know.
func changed(r Referral, at time.Time) halsocoach.Event { return happened(EventChanged, r, at) }

// received is the event of a new recommendation, with the fact that is counted.
func received(r Referral, counted bool) halsocoach.Event {
	e := happened(EventReceived, r, r.Received)
	if !counted {
		return e
	}
	return e.Counting(counting(r, r.Received))
}

// counting is the fact of a recommendation, by the way in which the person came.
func counting(r Referral, at time.Time) halsocoach.Fact {
	dims := halsocoach.Enrolment{Source: r.Sendings[0].Source, Topics: r.Topics(), Sex: r.Sex, AgeBand: r.AgeBand}.Dims()
	return halsocoach.Count(halsocoach.CountReferral, at, halsocoach.KommunOfCentre(r.Centre), r.Protected, dims)
}

// decidedEvent is the event of a decision.
func decidedEvent(r Referral, d Decision) halsocoach.Event {
	typ := map[Act]string{Accept: EventAccepted, Decline: EventDeclined, Forward: EventForwarded}[d.What]
	return happened(typ, r, d.At)
}

// Start listens to what follows a decision, and carries on what was left when
// the program last stopped. It returns when the consumers run.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	types := []string{EventReceived, EventShielded, EventForwarded, eventEnrolled, eventAgain, eventStarted, eventEnded}
	types = append(types, slices.Sorted(maps.Keys(eventTalks))...)
	err := bus.Consume(ctx, "referral", types, s.heard)
	if err != nil {
		return fmt.Errorf("referral: consume: %w", err)
	}
	return nil
}

// told is what packages citizen and coach say: which recommendations an
// enrolment was made from and the class of its end; which enrolment a talk
// belongs to and of what kind it is.
type told struct {
	Referrals []string `json:"referrals"`
	Class     string   `json:"class"`
	Enrolment string   `json:"enrolment"`
	Kind      string   `json:"kind"`
}

// heard does what an event asks for. Doing it again changes nothing.
func (s *Service) heard(ctx context.Context, e halsocoach.Event) error {
	switch e.Type {
	case EventForwarded:
		return s.bringOn(ctx, e.Subject)
	case EventReceived, EventShielded:
		return s.shield(ctx, e.Subject)
	}
	var t told
	if err := json.Unmarshal(e.Data, &t); err != nil {
		return fmt.Errorf("referral: data of %s: %w", e.Type, err)
	}
	if first, ok := eventTalks[e.Type]; ok {
		if t.Kind != "first" {
			return nil
		}
		return s.firstTalk(ctx, t.Enrolment, first, e.At)
	}
	for _, id := range t.Referrals {
		err := s.follow(ctx, id, e, t.Class)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("referral %s: %s: %w", id, e.Type, err)
		}
	}
	return nil
}

// follow moves a recommendation on with the enrolment that was made from it.
func (s *Service) follow(ctx context.Context, id string, e halsocoach.Event, class string) error {
	_, err := s.change(ctx, id, func(r *Referral, _ time.Time) ([]halsocoach.Event, error) {
		switch {
		case e.Type == eventEnrolled || e.Type == eventAgain:
			r.Unenrolled, r.Enrolment = nil, e.Subject
		case !r.State.TakenIn():
		case e.Type == eventStarted && r.State == Accepted:
			if err := r.move(Start, halsocoach.RoleSystem); err != nil {
				return nil, err
			}
			return []halsocoach.Event{happened(EventStarted, *r, e.At)}, nil
		case e.Type == eventEnded && r.State != Ended:
			if err := r.move(End, halsocoach.RoleSystem); err != nil {
				return nil, err
			}
			r.Ended = class
			return []halsocoach.Event{happened(EventEnded, *r, e.At)}, nil
		}
		return nil, nil
	})
	return err
}

// firstTalk notes how it stands with the first talk, in those that the enrolment
// was made from.
func (s *Service) firstTalk(ctx context.Context, enrolment string, first FirstTalk, at time.Time) error {
	found, err := s.ofEnrolment(ctx, enrolment)
	if err != nil {
		return fmt.Errorf("referrals of enrolment %s: %w", enrolment, err)
	}
	for _, r := range found {
		_, err := s.change(ctx, r.ID, func(r *Referral, _ time.Time) ([]halsocoach.Event, error) {
			over := r.First == TalkHeld && (first == TalkBooked || first == TalkCancelled)
			if r.First == first || over || r.FirstAt != nil && at.Before(*r.FirstAt) {
				return nil, nil
			}
			r.First, r.FirstAt = first, &at
			return []halsocoach.Event{changed(*r, at)}, nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("first talk of referral %s: %w", r.ID, err)
		}
	}
	return nil
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
	next := Referral{ID: halsocoach.IDFrom("referral", old.ID, v.To), Person: old.Person, Centre: v.To, Received: v.At,
		Sex: old.Sex, AgeBand: old.AgeBand, Protected: old.Protected, From: old.ID}
	for _, x := range old.holding() {
		if x.calledOff() {
			continue
		}
		x.Carried, x.Came, x.Changed, x.Mine = old.ID, v.At, time.Time{}, ""
		next.Sendings = append(next.Sendings, x)
	}
	if len(next.Sendings) == 0 {
		return nil
	}
	if _, err := s.carriedTo(ctx, old.ID, next.Sendings[0].ID); !errors.Is(err, store.ErrNotFound) {
		if err == nil {
			err = s.followBack(ctx, old.ID) // perhaps the program stopped before it had
		}
		return err
	}
	if next, err = s.promised(ctx, next); err != nil {
		return err
	}
	if _, _, err = s.receive(ctx, next, false); err != nil {
		return fmt.Errorf("bring %s on to %s: %w", old.ID, v.To, err)
	}
	return s.followBack(ctx, old.ID) // what was said while it was brought on
}

// shield lets all that there is about a person be protected as soon as anything
// is: it is the person who has protected identity, not one recommendation. Doing
// it again changes nothing.
func (s *Service) shield(ctx context.Context, id string) error {
	r, err := s.referrals.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // erased since, or joined to another
	}
	if err != nil {
		return fmt.Errorf("shield %s: %w", id, err)
	}
	about, err := s.aboutPerson(ctx, r.Person)
	if err != nil {
		return fmt.Errorf("shield %s: %w", id, err)
	}
	about = append(about, r)
	if !protected(about) {
		return nil
	}
	for _, o := range about {
		if o.Protected {
			continue
		}
		_, err := s.change(ctx, o.ID, func(o *Referral, now time.Time) ([]halsocoach.Event, error) {
			if o.Protected || o.Person != r.Person {
				return nil, nil
			}
			o.Protected = true
			return []halsocoach.Event{changed(*o, now)}, nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("shield %s: %w", o.ID, err)
		}
	}
	return nil
}

func protected(about []Referral) bool {
	return slices.ContainsFunc(about, func(r Referral) bool { return r.Protected })
}

// Shielded says whether anything there is about the person says that they have
// protected identity; for the rooms of this package.
func (s *Service) Shielded(ctx context.Context, person string) (bool, error) {
	about, err := s.aboutPerson(ctx, person)
	return protected(about), err
}
