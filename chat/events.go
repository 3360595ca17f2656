package chat

import (
	"context"
	"time"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
)

// ContactMade: somebody has written in a conversation, for the first time that
// day. Subject is the conversation.
const ContactMade = "chat.contact_made"

func contactMade(c Conversation, e halsocoach.Enrolment, protected bool, at time.Time) halsocoach.Event {
	return halsocoach.Happened(ContactMade, at, c.Kommun, c.ID, map[string]halsocoach.Day{"day": halsocoach.DayOf(at)}).
		Counting(halsocoach.Count(halsocoach.CountChat, at, c.Kommun, protected, e.Dims()))
}

// refreshEvery is how many times lost nudges are looked for between two looks for
// conversations that a socket's person has come into.
const refreshEvery = 6

// Start opens conversations for new enrolments, listens to other nodes and mends
// what a crash or a lost nudge left behind, until ctx ends or Drain is called.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := bus.Consume(ctx, "chat-enrolments", []string{"citizen.enrolled", "citizen.ended"}, s.enrolled); err != nil {
		return err
	}
	stop, err := s.cfg.Nudges.OnNudge(topic, s.onPeerMessage)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(s.ctx, cancel)
	s.work.run(func() {
		defer stop()
		s.mend(ctx)
	})
	leases := store.Leases{Store: s.cfg.Store, Clock: s.cfg.Clock, Log: s.cfg.Log}
	s.work.run(func() { leases.Finish(ctx, s.unfinished()) })
	return nil
}

// mend looks for what lost nudges should have told of, until ctx ends.
func (s *Service) mend(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Wire.MendEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n%refreshEvery == 0 {
			s.refreshMembership(ctx)
		}
		s.mendRooms(ctx)
	}
}

// enrolled opens the conversation of an enrolment, or follows what the enrolment
// says now. It may be repeated.
func (s *Service) enrolled(ctx context.Context, ev halsocoach.Event) error {
	e, err := s.cfg.Enrolments.Enrolment(ctx, ev.Subject)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return nil // erased since
	}
	if err != nil {
		return err
	}
	if err := s.Open(ctx, halsocoach.System("chat"), e); err != nil {
		return err
	}
	s.nudge(word{Changed: e.ID})
	return nil
}

// Open opens the conversation of an enrolment, or takes over its coach and end.
// Only the program itself does that.
func (s *Service) Open(ctx context.Context, who halsocoach.Actor, e halsocoach.Enrolment) error {
	if err := halsocoach.Allow(who, halsocoach.RoleSystem); err != nil {
		return err
	}
	if err := s.docs.follow(ctx, e, OpenFor(e, s.cfg.Clock())); err != nil {
		return err
	}
	s.changed(ctx, e.ID)
	return nil
}

// changed reads a conversation anew, so that those who are in it now get what is
// said from now on.
func (s *Service) changed(ctx context.Context, id string) {
	found, err := s.docs.conversations.Get(ctx, id)
	var c []known
	if err == nil {
		c, err = s.know(ctx, found)
	}
	if err != nil {
		s.cfg.Log.Warn("chat: changed conversation not read", "conversation", id, "err", err)
		return
	}
	if s.rooms.get(id) != nil || s.hub.any(c[0].everybody()) {
		s.rooms.keep(found, s.cfg.Clock())
	}
}
