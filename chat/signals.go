package chat

import (
	"context"

	"halsocoach"
)

// MarkRead moves the actor's read mark on to a number.
func (s *Service) MarkRead(ctx context.Context, who halsocoach.Actor, id string, seq int) error {
	return s.hasRead(ctx, who, id, seq, nil)
}

// hasRead moves the actor's read mark on and tells the others.
func (s *Service) hasRead(ctx context.Context, who halsocoach.Actor, in string, seq int, from *socket) error {
	r, c, side, err := s.entered(ctx, who, in)
	if err != nil || seq <= 0 {
		return err
	}
	s.mark(r, side, seq)
	if seq = min(seq, max(c.Last, r.said())); seq > 0 { // others are told of what there is
		s.tell(c, side, seq, from)
	}
	return nil
}

// markLatest is for pages: what is shown is read.
func (s *Service) markLatest(r *room, c known, side halsocoach.Role, seq int) {
	if seq > c.Read.Of(side) {
		s.mark(r, side, seq)
		s.tell(c, side, seq, nil)
	}
	if seq > c.Last { // the document has not followed yet; see that it does
		r.mu.Lock()
		defer r.mu.Unlock()
		s.schedule(r, 0)
	}
}

// types tells the others that the actor is writing.
func (s *Service) types(ctx context.Context, who halsocoach.Actor, in string, from *socket) error {
	_, c, side, err := s.entered(ctx, who, in)
	if err != nil || c.Ended {
		return err
	}
	s.tell(c, side, 0, from)
	return nil
}

// tell hands "has read" (seq > 0) or "is typing" to the members' sockets here and
// on the other nodes.
func (s *Service) tell(c known, by halsocoach.Role, seq int, except *socket) {
	if !c.citizen.Protected {
		s.signal(c, by, seq, except)
		s.nudge(word{In: c.ID, By: by, Read: seq})
	}
}

// signal tells the sockets of this node. In a conversation with a person of
// protected identity nobody is told.
func (s *Service) signal(c known, by halsocoach.Role, seq int, except *socket) {
	if c.citizen.Protected {
		return
	}
	what, to := "typing", c.devices(other(by)) // one's own other devices need not know that one types
	if seq > 0 {
		what, to = "read", c.everybody()
	}
	frame := rare(what, signalled{c.ID, c.id(by), seq})
	for _, id := range to {
		for _, k := range s.hub.of(id) {
			if k != except {
				k.send(frame)
			}
		}
	}
}
