package chat

import (
	"context"
	"fmt"
	"time"

	"halsocoach"
)

// NewMessage is a message to be said. The key makes a resend the same message.
type NewMessage struct{ In, Key, Text string }

// Said is the receipt of a message that is stored. Again is set when the key had
// been said before.
type Said struct {
	In    string
	Key   string
	Seq   int
	At    time.Time
	Again bool
}

// Say stores a message under the next number of its conversation and hands it to
// everybody's sockets. When it returns, the message survives a power cut. The
// same key again gives the first receipt; with another text it is ErrKeyReused.
func (s *Service) Say(ctx context.Context, who halsocoach.Actor, w NewMessage) (Said, error) {
	d, c, err := s.say(ctx, who, w, nil)
	if err != nil {
		return Said{}, fmt.Errorf("say in conversation %s: %w", w.In, err)
	}
	return d, s.saw(ctx, who, halsocoach.ActWriteChat, c.Person)
}

// say is Say for one of our own sockets too, which gets its receipt before
// anything that is said later.
func (s *Service) say(ctx context.Context, who halsocoach.Actor, w NewMessage, from *socket) (Said, known, error) {
	r, c, side, err := s.entered(ctx, who, w.In)
	if err != nil {
		return Said{}, c, err
	}
	if from != nil && !from.covers(c) { // what staff write is logged before their receipt
		return Said{}, c, halsocoach.ErrBusy
	}
	if err := checkKey(w.Key); err != nil {
		return Said{}, c, err
	}
	if w.Text, err = checkText(w.Text); err != nil {
		return Said{}, c, err
	}
	by, err := s.sender(ctx, r, c, c.id(side), side)
	if err != nil {
		return Said{}, c, err
	}
	m := Message{In: c.ID, Key: w.Key, Once: once(c.ID, w.Key), Person: c.Person, From: c.id(side), Role: side}
	if m.Text, err = s.docs.seal.Seal(ctx, c.Person, purpose, w.Text); err != nil {
		return Said{}, c, err
	}
	if err := r.take(ctx); err != nil {
		return Said{}, c, err
	}
	defer r.give()
	first, again, err := s.number(ctx, r, c, &m)
	if err != nil {
		return Said{}, c, err
	}
	if again {
		d, err := s.same(ctx, first, m.From, w.Text)
		if err == nil && from != nil {
			from.send(saidFrame(d))
		}
		return d, c, err
	}
	d := Said{In: m.In, Key: m.Key, Seq: m.Seq, At: m.At}
	if m.Seq > r.said()+1 { // another node has said something that we have not heard of yet
		s.handOut(ctx, r, c, m.Seq-1)
	}
	if from != nil {
		from.send(saidFrame(d))
	}
	if m.Seq > r.said()+1 { // that could not be read now: this one comes after it, or not before
		s.followUp(r, m.head())
		s.catchUp(r, m.Seq)
		return d, c, nil
	}
	s.deliver(r, c, m, func() []byte { return messageFrame(m, by.json, w.Text) }, from)
	s.followUp(r, m.head())
	return d, c, nil
}

// numberTries bounds how often a number may be lost to other nodes. Each loss
// means that another message was said.
const numberTries = 100

// number stores m under the next number; the turn is held. A number is tried
// only when the one before it is known to be stored, so that there is no gap.
// Where something else has the number or the key, the key is looked for first:
// again is true when it was said before.
func (s *Service) number(ctx context.Context, r *room, c known, m *Message) (first Message, again bool, err error) {
	if c.Ended {
		first, again, err = s.docs.byKey(ctx, m.In, m.Key)
		if err == nil && !again {
			err = ErrEnded
		}
		return first, again, err
	}
	next := r.said() + 1
	for range numberTries {
		m.Seq, m.At = next, s.cfg.Clock().UTC().Truncate(time.Millisecond)
		taken, err := s.docs.put(ctx, *m)
		if err != nil {
			return first, false, err
		}
		if !taken {
			return first, false, nil
		}
		if first, again, err = s.docs.byKey(ctx, m.In, m.Key); err != nil || again {
			return first, again, err
		}
		top, err := s.docs.top(ctx, c.Conversation)
		if err != nil {
			return first, false, err
		}
		next = top + 1
	}
	return first, false, halsocoach.ErrBusy
}

// same is the receipt of what was said before, if it is the same message.
func (s *Service) same(ctx context.Context, first Message, from, text string) (Said, error) {
	texts, err := s.docs.texts(ctx, []Message{first})
	if err != nil {
		return Said{}, err
	}
	if first.From != from || texts[0] != text {
		return Said{}, halsocoach.ErrKeyReused
	}
	return Said{In: first.In, Key: first.Key, Seq: first.Seq, At: first.At, Again: true}, nil
}

// deliver hands one message to the sockets of the conversation's members, except
// the one that said it; the turn is held.
func (s *Service) deliver(r *room, c known, m Message, frame func() []byte, except *socket) {
	r.last.Store(int64(max(r.said(), m.Seq)))
	var bytes []byte
	for _, id := range c.everybody() {
		for _, k := range s.hub.of(id) {
			if k == except || k.busyWith(c.ID) || !k.covers(c) {
				continue
			}
			if bytes == nil {
				bytes = frame()
			}
			k.send(bytes)
		}
	}
}

// handOut reads what other nodes have said, up to a number, and hands it to our
// sockets in order; the turn is held. What can not be read now is caught up with
// by the mending sweep or by the clients.
func (s *Service) handOut(ctx context.Context, r *room, c known, upTo int) {
	for r.said() < upTo {
		if !s.hub.any(c.everybody()) {
			r.last.Store(int64(upTo))
			return
		}
		found, err := s.docs.after(ctx, c.Conversation, r.said(), min(upTo-r.said(), pageSize))
		if err != nil || len(found) == 0 {
			s.cfg.Log.Warn("chat: messages of another node not read", "conversation", c.ID, "err", err)
			return
		}
		lines, err := s.lines(ctx, r, c, found)
		if err != nil {
			s.cfg.Log.Warn("chat: messages of another node not opened", "conversation", c.ID, "err", err)
			return
		}
		for i, m := range found {
			s.deliver(r, c, m, func() []byte { return messageFrame(m, lines[i].by.json, lines[i].text) }, nil)
		}
	}
}

// line is a message as people read it.
type line struct {
	Message
	by   named
	text string
}

// lines opens messages and names their senders.
func (s *Service) lines(ctx context.Context, r *room, c known, messages []Message) ([]line, error) {
	texts, err := s.docs.texts(ctx, messages)
	if err != nil {
		return nil, err
	}
	lines := make([]line, len(messages))
	for i, m := range messages {
		by, err := s.sender(ctx, r, c, m.From, m.Role)
		if err != nil {
			return nil, err
		}
		lines[i] = line{m, by, texts[i]}
	}
	return lines, nil
}
