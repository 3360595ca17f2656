package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
)

// Referrals are asked who has recommended: staff ids.
type Referrals interface {
	Senders(ctx context.Context, referral string) ([]string, error)
}

// Booking is what is to be known of a talk that somebody has booked.
type Booking = struct {
	Person                 string
	First, ByCoach, Coming bool
}

// Talks are asked whom a talk was booked for, and by whom.
type Talks interface {
	Booking(ctx context.Context, talk string) (Booking, error)
}

// Unread is what waits for a citizen in a conversation: since the last word in
// it, zero when nothing does.
type Unread = struct {
	Person string
	Since  time.Time
}

// Conversations are asked what waits in them.
type Conversations interface {
	WaitsFor(ctx context.Context, conversation string) (Unread, error)
}

// What it listens to.
const (
	eventBooked  = "coach.talk_booked"
	eventContact = "chat.contact_made"
)

// ofReferral are the changes of which the sender is told: those that others than
// the sender make.
var ofReferral = []string{"referral.accepted", "referral.declined", "referral.forwarded", "referral.withdrawn", "referral.started", "referral.ended"}

const (
	unreadFor = 24 * time.Hour     // how long a message waits before the one it is for is told
	newsFor   = 2 * 24 * time.Hour // what is older is no news any more
	tidyEvery = 6 * time.Hour
)

// Start listens to what people want to be told of, and sends what is due, on one
// node at a time, until ctx ends. Without a mail server it does nothing.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if !s.On() {
		return nil
	}
	if err := bus.Consume(ctx, "notify", append([]string{eventBooked, eventContact}, ofReferral...), s.heard); err != nil {
		return fmt.Errorf("notify: consume: %w", err)
	}
	leases := store.Leases{Store: s.Store, Clock: s.Clock, Log: s.Log}
	bus.Go(ctx, func(ctx context.Context) { leases.Every(ctx, "notify.send", s.Every, s.SendDue) })
	bus.Go(ctx, func(ctx context.Context) { leases.Every(ctx, "notify.tidy", tidyEvery, s.tidy) })
	return nil
}

// heard makes the notices that an event asks for.
func (s *Service) heard(ctx context.Context, e halsocoach.Event) error {
	if s.Clock().Sub(e.At) > newsFor {
		return nil
	}
	var err error
	switch e.Type {
	case eventBooked:
		err = s.booked(ctx, e)
	case eventContact:
		err = s.written(ctx, e)
	default:
		err = s.moved(ctx, e)
	}
	if errors.Is(err, halsocoach.ErrNotFound) {
		return nil // erased since
	}
	return err
}

// moved: a recommendation has come to another state.
func (s *Service) moved(ctx context.Context, e halsocoach.Event) error {
	senders, err := s.Referrals.Senders(ctx, e.Subject)
	if err != nil {
		return err
	}
	for _, to := range senders {
		if err := s.Tell(ctx, News{Cause: e.ID, To: to, Template: Changed, At: e.At}); err != nil {
			return err
		}
	}
	return nil
}

// booked: a coach has booked a first talk for somebody.
func (s *Service) booked(ctx context.Context, e halsocoach.Event) error {
	b, err := s.Talks.Booking(ctx, e.Subject)
	if err != nil || !b.First || !b.ByCoach || !b.Coming {
		return err
	}
	return s.Tell(ctx, News{Cause: e.ID, To: b.Person, Template: Changed, At: e.At})
}

// written: somebody has written in a conversation, for the first time that day.
// A day later it is looked at again.
func (s *Service) written(ctx context.Context, e halsocoach.Event) error {
	u, err := s.Conversations.WaitsFor(ctx, e.Subject)
	if err != nil {
		return err
	}
	return s.Tell(ctx, News{Cause: e.ID, To: u.Person, Template: Waiting, At: e.At, Due: e.At.Add(unreadFor), About: e.Subject})
}

// stillWaits says whether something waits in the notice's conversation, and from
// when on it has waited long enough. What was last written on a later day has a
// notice of its own.
func (s *Service) stillWaits(ctx context.Context, n notice) (until time.Time, waits bool, err error) {
	u, err := s.Conversations.WaitsFor(ctx, n.About)
	if errors.Is(err, halsocoach.ErrNotFound) || err == nil && u.Since.IsZero() {
		return time.Time{}, false, nil
	}
	return u.Since.Add(unreadFor), halsocoach.DayOf(u.Since) <= halsocoach.DayOf(n.At), err
}
