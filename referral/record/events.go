package record

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

// Changed is the event of what a follower must know.
func Changed(r Referral, at time.Time) halsocoach.Event { return happened(EventChanged, r, at) }

// received is the event of a new recommendation, with the fact if it is counted.
func received(r Referral, counted, protected bool) halsocoach.Event {
	e := happened(EventReceived, r, r.Received)
	if !counted {
		return e
	}
	return e.Counting(Counting(r, r.Received, protected))
}

// Counting is the fact of a recommendation, by the way in which the person came.
func Counting(r Referral, at time.Time, protected bool) halsocoach.Fact {
	dims := halsocoach.Enrolment{Source: r.Sendings[0].Source, Topics: r.Topics(), Sex: r.Sex, AgeBand: r.AgeBand}.Dims()
	return halsocoach.Count(halsocoach.CountReferral, at, halsocoach.KommunOfCentre(r.Centre), protected, dims)
}

// Start listens to what follows a decision, and carries on what was left when
// the program last stopped. It returns when the consumers run.
func (s *Records) Start(ctx context.Context, bus *event.Bus) error {
	types := []string{EventForwarded, eventEnrolled, eventAgain, eventStarted, eventEnded}
	types = append(types, slices.Sorted(maps.Keys(eventTalks))...)
	if err := bus.Consume(ctx, "referral", types, s.Heard); err != nil {
		return fmt.Errorf("referral: consume: %w", err)
	}
	leases := store.Leases{Store: s.Store, Clock: s.Clock, Log: s.Log}
	for _, u := range s.unfinished() {
		bus.Go(ctx, func(ctx context.Context) { leases.Finish(ctx, u) })
	}
	return nil
}

// patience is how long whoever began may still be at it.
const patience = time.Minute

// unfinished is the work that a crash may leave in the middle.
func (s *Records) unfinished() []store.Unfinished {
	return []store.Unfinished{
		{Name: "referral.forwarded", Patience: patience, Find: s.referrals.Since("unsent"), Finish: s.bringOn},
		{Name: "referral.together", Patience: patience, Find: s.referrals.Since("leads"), Finish: s.FinishTogether},
	}
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

// Heard does what an event asks for. Doing it again changes nothing.
func (s *Records) Heard(ctx context.Context, e halsocoach.Event) error {
	if e.Type == EventForwarded {
		return s.bringOn(ctx, e.Subject)
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
func (s *Records) follow(ctx context.Context, id string, e halsocoach.Event, class string) error {
	_, err := s.Change(ctx, id, func(r *Referral, _ time.Time) ([]halsocoach.Event, error) {
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
func (s *Records) firstTalk(ctx context.Context, enrolment string, first FirstTalk, at time.Time) error {
	found, err := s.ofEnrolment(ctx, enrolment)
	if err != nil {
		return fmt.Errorf("referrals of enrolment %s: %w", enrolment, err)
	}
	for _, r := range found {
		_, err := s.Change(ctx, r.ID, func(r *Referral, _ time.Time) ([]halsocoach.Event, error) {
			over := r.First == TalkHeld && (first == TalkBooked || first == TalkCancelled)
			if r.First == first || over || r.FirstAt != nil && at.Before(*r.FirstAt) {
				return nil, nil
			}
			r.First, r.FirstAt = first, &at
			return []halsocoach.Event{Changed(*r, at)}, nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("first talk of referral %s: %w", r.ID, err)
		}
	}
	return nil
}
