package chat

import (
	"context"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// flushEvery is how often at most a conversation's document follows its messages.
const flushEvery = time.Second

// headLimit bounds what a room remembers until its document follows; beyond it
// the messages are read from the store.
const headLimit = 500

// followUp does in the background what a message brings with it.
func (s *Service) followUp(r *room, h Head) {
	s.announce(r.id, h.Seq)
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
// flushEvery has passed. r.mu is held.
func (s *Service) schedule(r *room, wait time.Duration) {
	if r.flushing {
		return
	}
	r.flushing = true
	s.work.begin()
	time.AfterFunc(max(wait, flushEvery-time.Since(r.flushed)), func() {
		defer s.work.end()
		s.flushConversation(r)
	})
}

func (s *Service) flushConversation(r *room) {
	r.mu.Lock()
	heads, marks := r.heads, r.marks
	r.heads, r.marks = nil, Marks{}
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := s.follow(ctx, r.id, heads, marks)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flushed, r.flushing = time.Now(), false
	if err != nil {
		s.cfg.Log.Warn("chat: conversation not moved on", "conversation", r.id, "err", err)
		if halsocoach.KindOf(err) == halsocoach.KindNotFound {
			return
		}
		r.marks = Marks{Citizen: max(marks.Citizen, r.marks.Citizen), Coach: max(marks.Coach, r.marks.Coach)}
		s.schedule(r, 5*flushEvery)
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
	return s.docs.conversations.Update(ctx, id, func(c *Conversation) ([]halsocoach.Event, error) {
		if !whole(heads) || heads[0].Seq > c.Last+1 {
			found, err := s.docs.rest(ctx, *c, c.Last)
			if err != nil {
				return nil, err
			}
			heads = nil
			for _, m := range found {
				heads = append(heads, m.head())
			}
		}
		var contacts []time.Time
		for _, h := range heads {
			if c.Note(h) {
				contacts = append(contacts, h.At)
			}
		}
		if err := s.markRead(ctx, c, marks); err != nil {
			return nil, err
		}
		return s.contactsMade(ctx, *c, contacts)
	})
}

// contactsMade are the events of contacts, counted by what is known of the person
// now.
func (s *Service) contactsMade(ctx context.Context, c Conversation, at []time.Time) (events []halsocoach.Event, err error) {
	if len(at) == 0 {
		return nil, nil
	}
	e, err := s.cfg.Enrolments.Enrolment(ctx, c.ID)
	if err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
		return nil, err
	}
	protected, err := s.cfg.Persons.Protected(ctx, c.Person)
	if err != nil {
		return nil, err
	}
	for _, t := range at {
		events = append(events, contactMade(c, e, protected, t))
	}
	return events, nil
}

// whole says whether heads are one unbroken stretch.
func whole(heads []Head) bool {
	n := len(heads)
	return n > 0 && n < headLimit && heads[n-1].Seq-heads[0].Seq == n-1
}

func (s *Service) markRead(ctx context.Context, c *Conversation, marks Marks) error {
	for _, side := range []halsocoach.Role{halsocoach.RoleCitizen, halsocoach.RoleCoach} {
		seq := marks.Of(side)
		if seq <= c.Read.Of(side) {
			continue
		}
		found, err := s.docs.rest(ctx, *c, seq)
		if err != nil {
			return err
		}
		left := 0
		for _, m := range found {
			if m.Role != side && m.Seq <= c.Last {
				left++
			}
		}
		c.MarkRead(side, seq, left)
	}
	return nil
}

// followWithin is how long whoever said something may take to follow it up.
const followWithin = 10 * time.Second

// unfinished are conversations whose documents did not follow before a node died:
// among those that are open, the ones that have a message after their last number.
func (s *Service) unfinished() store.Unfinished {
	return store.Unfinished{Name: "chat.conversations", Patience: followWithin, Find: s.findBehind, Finish: func(ctx context.Context, id string) error {
		_, err := s.follow(ctx, id, nil, Marks{})
		return err
	}}
}

// findBehind looks at a page of the open conversations; one is behind since the
// first message that it does not know of.
func (s *Service) findBehind(ctx context.Context, from, before time.Time, after string) (ids []string, next string, err error) {
	page, next, err := s.docs.open(ctx, after)
	if err != nil {
		return nil, "", err
	}
	last := make(map[string]int, len(page))
	for _, c := range page {
		last[c.ID] = c.Last
	}
	late, err := s.docs.behind(ctx, last)
	for _, m := range late {
		if !m.At.Before(from) && m.At.Before(before) {
			ids = append(ids, m.In)
		}
	}
	return ids, next, err
}
