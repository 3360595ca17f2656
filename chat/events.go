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

func contactMade(c Conversation, e halsocoach.Enrolment, at time.Time) halsocoach.Event {
	return halsocoach.Happened(ContactMade, at, c.Kommun, c.ID, map[string]halsocoach.Day{"day": halsocoach.DayOf(at)}).
		Counting(halsocoach.Count(halsocoach.CountChat, at, c.Kommun, c.Protected, e.Dims()))
}

const (
	// sweepEvery is how often what a node that died has not followed up is looked
	// for, on one node at a time.
	sweepEvery = 2 * time.Minute
	// meetEvery is how many times lost nudges are looked for between two looks
	// for conversations that a socket's person has come into.
	meetEvery = 6
)

// Start opens conversations for new enrolments, listens to other nodes and mends
// what a crash or a lost nudge left behind, until ctx ends or
// Drain is called.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	s.nudging.Lock()
	if s.nudges == nil {
		s.nudges = bus
	}
	nudges := s.nudges
	s.nudging.Unlock()
	if err := bus.Consume(ctx, "chat-enrolments", []string{"citizen.enrolled", "citizen.ended"}, s.enrolled); err != nil {
		return err
	}
	stop, err := nudges.OnNudge(topic, s.hear)
	if err != nil {
		return err
	}
	s.work.begin()
	go func() {
		defer s.work.end()
		defer stop()
		for n := 1; s.pause(ctx, s.cfg.Wire.MendEvery); n++ {
			if n%meetEvery == 0 {
				s.meet(ctx)
			}
			s.mendRooms(ctx)
		}
	}()
	s.work.begin()
	go func() {
		defer s.work.end()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-s.ended:
				cancel()
			case <-ctx.Done():
			}
		}()
		leases := store.Leases{Store: s.cfg.Store, Clock: s.cfg.Clock, Log: s.cfg.Log}
		leases.Every(ctx, "chat.sweep", sweepEvery, s.mendAll)
	}()
	return nil
}

func (s *Service) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-s.ended:
		return false
	case <-t.C:
		return true
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
	if err := s.archive.open(ctx, e, OpenFor(e, s.cfg.Clock())); err != nil {
		return err
	}
	s.changed(ctx, e.ID)
	return nil
}

// changed reads a conversation anew, so that those who are in it now get what is
// said from now on.
func (s *Service) changed(ctx context.Context, id string) {
	c, err := s.archive.conversations.Get(ctx, id)
	if err != nil {
		s.cfg.Log.Warn("chat: changed conversation not read", "conversation", id, "err", err)
		return
	}
	if s.rooms.get(id) != nil || s.hub.any(c.Members) {
		s.rooms.keep(c, s.cfg.Clock())
	}
}

// moveEvery is how often at most a conversation's document follows its messages.
const moveEvery = time.Second

// headLimit bounds what a room remembers until its document follows; beyond it
// the messages are read from the store.
const headLimit = 500

// followUp does in the background what a message brings with it.
func (s *Service) followUp(r *room, h Head) {
	s.tell(r.id, h.Seq)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heads) < headLimit {
		r.heads = append(r.heads, h)
	}
	s.schedule(r, 0)
}

// mark moves a side's read mark on in the background.
func (s *Service) mark(r *room, side halsocoach.Role, seq int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq > r.marks.Of(side) && seq > r.conv.Read.Of(side) {
		r.marks.set(side, seq)
		s.schedule(r, 0)
	}
}

// schedule lets the document follow: at once when it has been quiet, else when
// moveEvery has passed. r.mu is held.
func (s *Service) schedule(r *room, wait time.Duration) {
	if r.moving {
		return
	}
	r.moving = true
	s.work.begin()
	time.AfterFunc(max(wait, moveEvery-time.Since(r.moved)), func() {
		defer s.work.end()
		s.moveOn(r)
	})
}

func (s *Service) moveOn(r *room) {
	r.mu.Lock()
	heads, marks := r.heads, r.marks
	r.heads, r.marks = nil, Marks{}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := s.follow(ctx, r.id, heads, marks)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved, r.moving = time.Now(), false
	if err != nil {
		s.cfg.Log.Warn("chat: conversation not moved on", "conversation", r.id, "err", err)
		if halsocoach.KindOf(err) == halsocoach.KindNotFound {
			return
		}
		r.marks = Marks{Citizen: max(marks.Citizen, r.marks.Citizen), Coach: max(marks.Coach, r.marks.Coach)}
		s.schedule(r, 5*moveEvery)
		return
	}
	r.conv, r.read = c, s.cfg.Clock()
	if len(r.heads) > 0 || r.marks != (Marks{}) {
		s.schedule(r, 0)
	}
}

// follow moves the conversation's document on to its last message and to the
// read marks, and saves with it the contacts that are to be counted. heads are
// what is known to have been said; what lies before them is read. It may be
// repeated, by several nodes at once: a message is noted once.
func (s *Service) follow(ctx context.Context, id string, heads []Head, marks Marks) (Conversation, error) {
	var enrolment *halsocoach.Enrolment
	return s.archive.conversations.Update(ctx, id, func(c *Conversation) ([]halsocoach.Event, error) {
		if !whole(heads) || heads[0].Seq > c.Last+1 {
			if err := s.lacking(ctx, *c, &heads); err != nil {
				return nil, err
			}
		}
		var events []halsocoach.Event
		for _, h := range heads {
			if !c.Note(h) {
				continue
			}
			if enrolment == nil {
				e, err := s.cfg.Enrolments.Enrolment(ctx, id)
				if err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
					return nil, err
				}
				enrolment = &e
			}
			events = append(events, contactMade(*c, *enrolment, h.At))
		}
		return events, s.markRead(ctx, c, marks)
	})
}

// whole says whether heads are one unbroken stretch.
func whole(heads []Head) bool {
	n := len(heads)
	return n > 0 && n < headLimit && heads[n-1].Seq-heads[0].Seq == n-1
}

// lacking reads what was said after the document's last number.
func (s *Service) lacking(ctx context.Context, c Conversation, heads *[]Head) error {
	*heads = nil
	for last := c.Last; ; {
		found, err := s.archive.after(ctx, c, last, pageSize)
		if err != nil {
			return err
		}
		for _, m := range found {
			*heads = append(*heads, m.head())
		}
		if len(found) < pageSize {
			return nil
		}
		last = found[len(found)-1].Seq
	}
}

func (s *Service) markRead(ctx context.Context, c *Conversation, marks Marks) error {
	for _, side := range []halsocoach.Role{halsocoach.RoleCitizen, halsocoach.RoleCoach} {
		seq := marks.Of(side)
		if seq <= c.Read.Of(side) {
			continue
		}
		left := 0
		for last := seq; last < c.Last; {
			found, err := s.archive.after(ctx, *c, last, pageSize)
			if err != nil {
				return err
			}
			if len(found) == 0 {
				break
			}
			for _, m := range found {
				if last = m.Seq; m.Role != side && m.Seq <= c.Last {
					left++
				}
			}
		}
		c.MarkRead(side, seq, left)
	}
	return nil
}

// mendAll finds, by the next number's id, the conversations whose documents did
// not follow before a crash, and mends them.
func (s *Service) mendAll(ctx context.Context) error {
	known := map[string]int{}
	mend := func() error {
		late, err := s.archive.behind(ctx, known)
		if err != nil {
			return err
		}
		for _, id := range late {
			if _, err := s.follow(ctx, id, nil, Marks{}); err != nil {
				return err
			}
		}
		clear(known)
		return nil
	}
	err := s.archive.conversations.Each(ctx, func(id string, c Conversation) error {
		if known[id] = c.Last; len(known) < 500 {
			return nil
		}
		return mend()
	})
	if err != nil {
		return err
	}
	return mend()
}
