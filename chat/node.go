package chat

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
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
	w.Node = s.node
	body, err := json.Marshal(w)
	if err != nil {
		panic("chat: a nudge that is not JSON: " + err.Error())
	}
	s.cfg.Nudges.Nudge(topic, body)
}

// announce lets other nodes know that a conversation has a number: at once when it
// is quiet, gathered when much is said.
func (s *Service) announce(id string, seq int) {
	s.news.add(s, map[string]int{id: seq}, func(news map[string]int) {
		s.nudge(word{News: news})
		time.Sleep(2 * time.Millisecond)
	})
}

// numbers are the highest numbers of conversations that wait to be worked off.
type numbers struct {
	mu   sync.Mutex
	wait map[string]int
	busy bool // a goroutine works them off
}

// add lets do work off more numbers in the background, together with those that
// come meanwhile. It never waits.
func (n *numbers) add(s *Service, more map[string]int, do func(map[string]int)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wait == nil {
		n.wait = map[string]int{}
	}
	for id, seq := range more {
		n.wait[id] = max(n.wait[id], seq)
	}
	if n.busy {
		return
	}
	n.busy = true
	s.work.run(func() {
		for all := n.take(); len(all) > 0; all = n.take() {
			do(all)
		}
	})
}

func (n *numbers) take() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.wait
	n.wait, n.busy = nil, len(all) > 0
	return all
}

// onPeerMessage takes up what another node tells. It never waits.
func (s *Service) onPeerMessage(body []byte) {
	var w word
	if err := json.Unmarshal(body, &w); err != nil || w.Node == s.node || s.hub.empty() {
		return
	}
	if len(w.News) > 0 {
		s.heard.add(s, w.News, s.listen)
		return
	}
	s.work.run(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if w.Changed != "" {
			s.changed(ctx, w.Changed)
			return
		}
		if _, c, err := s.room(ctx, w.In); err == nil {
			s.signal(c, w.By, w.Read, nil)
		}
	})
}

// listen finds the rooms of what other nodes have told of and lets each catch up.
func (s *Service) listen(heard map[string]int) {
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

// catchUp hands out what others have said, up to a number.
func (s *Service) catchUp(r *room, seq int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = max(r.wanted, seq)
	if r.catching {
		return
	}
	r.catching = true
	s.work.run(func() { s.catchUpNow(r) })
}

func (s *Service) catchUpNow(r *room) {
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
