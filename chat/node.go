package chat

import (
	"context"
	"encoding/json"
	"time"

	"halsocoach"
)

// What nodes tell each other.
const topic = "chat"

// word is one nudge. It may be lost; the truth is in the store.
type word struct {
	Node    string          `json:"node"`
	News    map[string]int  `json:"news,omitempty"`    // conversation → number
	Changed string          `json:"changed,omitempty"` // a conversation has new members or has ended
	In      string          `json:"in,omitempty"`      // with By: somebody reads or types
	By      halsocoach.Role `json:"by,omitempty"`
	Read    int             `json:"read,omitempty"` // 0 = types
}

func (s *Service) nudge(w word) {
	s.nudging.Lock()
	nudges := s.nudges
	s.nudging.Unlock()
	if nudges == nil {
		return
	}
	w.Node = s.node
	body, err := json.Marshal(w)
	if err != nil {
		panic("chat: a nudge that is not JSON: " + err.Error())
	}
	nudges.Nudge(topic, body)
}

// tell lets other nodes know that a conversation has a number: at once when it
// is quiet, gathered when much is said.
func (s *Service) tell(id string, seq int) {
	s.nudging.Lock()
	defer s.nudging.Unlock()
	if s.nudges == nil {
		return
	}
	s.news[id] = max(s.news[id], seq)
	if s.telling {
		return
	}
	s.telling = true
	s.work.begin()
	go s.tellAll()
}

func (s *Service) tellAll() {
	defer s.work.end()
	for {
		s.nudging.Lock()
		news := s.news
		if len(news) == 0 {
			s.telling = false
			s.nudging.Unlock()
			return
		}
		s.news = map[string]int{}
		s.nudging.Unlock()
		s.nudge(word{News: news})
		time.Sleep(2 * time.Millisecond)
	}
}

// hear takes up what another node tells. It never waits.
func (s *Service) hear(body []byte) {
	var w word
	if err := json.Unmarshal(body, &w); err != nil || w.Node == s.node || s.hub.empty() {
		return
	}
	if len(w.News) > 0 {
		s.hearing.Lock()
		for id, seq := range w.News {
			s.heard[id] = max(s.heard[id], seq)
		}
		begin := !s.listening
		s.listening = true
		s.hearing.Unlock()
		if begin {
			s.work.begin()
			go s.listen()
		}
		return
	}
	s.work.begin()
	go func() {
		defer s.work.end()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if w.Changed != "" {
			s.changed(ctx, w.Changed)
			return
		}
		if r, err := s.room(ctx, w.In); err == nil {
			s.signal(r.now(), w.By, w.Read, nil)
		}
	}()
}

// listen finds the rooms of what was heard and lets each be looked after.
func (s *Service) listen() {
	defer s.work.end()
	for {
		s.hearing.Lock()
		heard := s.heard
		if len(heard) == 0 {
			s.listening = false
			s.hearing.Unlock()
			return
		}
		s.heard = map[string]int{}
		s.hearing.Unlock()
		for id, seq := range heard {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			r := s.rooms.get(id)
			if r == nil { // a conversation that was opened after the socket
				if c, err := s.archive.conversations.Get(ctx, id); err == nil {
					c.Last = min(c.Last, seq-1)
					r = s.rooms.keep(c, s.cfg.Clock())
				}
			}
			cancel()
			if r != nil {
				s.lookAfter(r, seq)
			}
		}
	}
}

// lookAfter hands out what others have said, up to a number.
func (s *Service) lookAfter(r *room, seq int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = max(r.wanted, seq)
	if r.looking {
		return
	}
	r.looking = true
	s.work.begin()
	go s.look(r)
}

func (s *Service) look(r *room) {
	defer s.work.end()
	for done := 0; ; {
		r.mu.Lock()
		wanted := r.wanted
		if wanted == done {
			r.looking = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if _, err := s.room(ctx, r.id); err == nil && r.take(ctx) == nil {
			s.handOut(ctx, r, r.now(), wanted)
			r.give()
		}
		cancel()
		done = wanted
	}
}

// mendRooms hands out what lost nudges should have told of, in conversations
// that somebody here listens to, and forgets what nobody uses.
func (s *Service) mendRooms(ctx context.Context) {
	known := map[string]int{}
	mend := func() {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		late, err := s.archive.behind(ctx, known)
		if err != nil {
			s.cfg.Log.Warn("chat: rooms not mended", "err", err)
		}
		for _, id := range late {
			if r := s.rooms.get(id); r != nil {
				if top, err := s.archive.top(ctx, r.now()); err == nil {
					s.lookAfter(r, top)
				}
			}
		}
		clear(known)
	}
	now := s.cfg.Clock()
	for _, r := range s.rooms.all() {
		if !s.hub.any(r.now().Members) {
			s.rooms.forget(r, now)
			continue
		}
		known[r.id] = r.said()
		if len(known) == 500 {
			mend()
		}
	}
	if len(known) > 0 {
		mend()
	}
}

// meet looks at whom a socket's person talks with now, when the nudges that told
// of a new or changed conversation were lost. What was said in a new one is
// handed out from its beginning.
func (s *Service) meet(ctx context.Context) {
	now := s.cfg.Clock()
	for _, person := range s.hub.everybody() {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		found, _, err := s.archive.mine(ctx, person, "", listSize)
		cancel()
		if err != nil {
			s.cfg.Log.Warn("chat: conversations not looked for", "err", err)
			return
		}
		for _, c := range found {
			if s.rooms.get(c.ID) == nil && now.Sub(c.Opened) < 2*meetEvery*s.cfg.Wire.MendEvery {
				c.Last = 0
			}
			s.rooms.keep(c, now)
		}
	}
}

// signal hands "has read" (seq > 0) or "is typing" to the members' sockets. In a
// conversation with a person of protected identity nobody is told either.
func (s *Service) signal(c Conversation, by halsocoach.Role, seq int, except *socket) {
	if c.Protected {
		return
	}
	id := c.Person
	if by == halsocoach.RoleCoach {
		id = c.Coach
	}
	frame := typingFrame(c.ID, id)
	if seq > 0 {
		frame = readFrame(c.ID, id, seq)
	}
	for _, member := range c.Members {
		if seq == 0 && member == id {
			continue // one's own other devices need not know that one types
		}
		for _, k := range s.hub.of(member) {
			if k != except {
				k.send(frame)
			}
		}
	}
}
