package chat

import (
	"context"
	"encoding/json"
	"slices"
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

// announce lets other nodes know that a conversation has a number: at once when it
// is quiet, gathered when much is said.
func (s *Service) announce(id string, seq int) {
	s.nudging.Lock()
	defer s.nudging.Unlock()
	if s.nudges == nil {
		return
	}
	s.news[id] = max(s.news[id], seq)
	if s.announcing {
		return
	}
	s.announcing = true
	s.work.begin()
	go s.announceAll()
}

func (s *Service) announceAll() {
	defer s.work.end()
	for {
		s.nudging.Lock()
		news := s.news
		if len(news) == 0 {
			s.announcing = false
			s.nudging.Unlock()
			return
		}
		s.news = map[string]int{}
		s.nudging.Unlock()
		s.nudge(word{News: news})
		time.Sleep(2 * time.Millisecond)
	}
}

// onPeerMessage takes up what another node tells. It never waits.
func (s *Service) onPeerMessage(body []byte) {
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
		if _, c, err := s.room(ctx, w.In); err == nil {
			s.signal(c, w.By, w.Read, nil)
		}
	}()
}

// listen finds the rooms of what other nodes have told of and lets each catch up.
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
				if c, err := s.docs.conversations.Get(ctx, id); err == nil {
					c.Last = min(c.Last, seq-1)
					r = s.rooms.keep(c, s.cfg.Clock())
				}
			}
			cancel()
			if r != nil {
				s.catchUp(r, seq)
			}
		}
	}
}

// catchUp hands out what others have said, up to a number.
func (s *Service) catchUp(r *room, seq int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = max(r.wanted, seq)
	if r.catching {
		return
	}
	r.catching = true
	s.work.begin()
	go s.catchUpNow(r)
}

func (s *Service) catchUpNow(r *room) {
	defer s.work.end()
	for done := 0; ; {
		r.mu.Lock()
		wanted := r.wanted
		if wanted == done {
			r.catching = false
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		if _, c, err := s.room(ctx, r.id); err == nil && r.take(ctx) == nil {
			s.handOut(ctx, r, c, wanted)
			r.give()
		}
		cancel()
		done = wanted
	}
}

// mendRooms hands out what lost nudges should have told of, in conversations
// that somebody here listens to, and forgets what nobody uses.
func (s *Service) mendRooms(ctx context.Context) {
	rooms, now := s.rooms.all(), s.cfg.Clock()
	for stretch := range slices.Chunk(rooms, 500) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		if err := s.mendSome(ctx, stretch, now); err != nil {
			s.cfg.Log.Warn("chat: rooms not mended", "err", err)
		}
		cancel()
	}
}

func (s *Service) mendSome(ctx context.Context, rooms []*room, now time.Time) error {
	talks := make([]Conversation, len(rooms))
	for i, r := range rooms {
		talks[i] = r.now()
	}
	all, err := s.know(ctx, talks...)
	if err != nil {
		return err
	}
	said := map[string]int{}
	for i, r := range rooms {
		if s.hub.any(all[i].everybody()) {
			said[r.id] = r.said()
		} else {
			s.rooms.forget(r, now)
		}
	}
	if len(said) == 0 {
		return nil
	}
	late, err := s.docs.behind(ctx, said)
	for _, m := range late {
		r := s.rooms.get(m.In)
		if r == nil {
			continue
		}
		top, err := s.docs.top(ctx, r.now())
		if err != nil {
			return err
		}
		s.catchUp(r, top)
	}
	return err
}

// refreshMembership looks at whom a socket's person talks with now, when the
// nudges that told of a new or changed conversation were lost. What was said in a
// new one is handed out from its beginning.
func (s *Service) refreshMembership(ctx context.Context) {
	now := s.cfg.Clock()
	for _, person := range s.hub.everybody() {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		found, _, err := s.mine(ctx, person, "", listSize)
		cancel()
		if err != nil {
			s.cfg.Log.Warn("chat: conversations not looked for", "err", err)
			return
		}
		for _, c := range found {
			if s.rooms.get(c.ID) == nil && now.Sub(c.Opened) < 2*refreshEvery*s.cfg.Wire.MendEvery {
				c.Last = 0
			}
			s.rooms.keep(c.Conversation, now)
		}
	}
}
