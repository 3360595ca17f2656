package auth

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"halsocoach"
)

// watchers are the open sockets' callbacks.
type watchers struct {
	mu  sync.Mutex
	all map[string]map[*watcher]struct{} // by session
}

type watcher struct {
	session string
	rights  halsocoach.Actor // when first looked at; the zero Actor until then
	ended   func()
}

// askAtOnce bounds the sessions in one question to the store.
const askAtOnce = 500

func newWatchers() *watchers { return &watchers{all: map[string]map[*watcher]struct{}{}} }

// Watch calls ended once, in a goroutine of its own, within five seconds of the
// session's end or of a change of what its person may do. A socket that comes
// back then signs in by what is true now.
func (s *Service) Watch(session string, ended func()) (stop func()) {
	ctx, cancel := context.WithTimeout(context.Background(), freshFor)
	defer cancel()
	w := &watcher{session: session, ended: ended}
	s.watchers.add(w)
	if h, err := s.session(ctx, session); errors.Is(err, halsocoach.ErrSignIn) {
		s.watchers.end(w)
	} else if err == nil {
		s.judge(session, h.doc, true, s.cfg.Clock())
	}
	return func() { s.watchers.remove(w) }
}

func (ws *watchers) add(w *watcher) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.all[w.session] == nil {
		ws.all[w.session] = map[*watcher]struct{}{}
	}
	ws.all[w.session][w] = struct{}{}
}

// remove says whether it was there: who removes it may call it.
func (ws *watchers) remove(w *watcher) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	_, ok := ws.all[w.session][w]
	delete(ws.all[w.session], w)
	if len(ws.all[w.session]) == 0 {
		delete(ws.all, w.session)
	}
	return ok
}

// end calls a watcher once.
func (ws *watchers) end(w *watcher) {
	if ws.remove(w) {
		go w.ended()
	}
}

func (ws *watchers) endSession(id string) {
	for _, w := range ws.of(id) {
		ws.end(w)
	}
}

func (ws *watchers) of(id string) []*watcher {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return slices.Collect(maps.Keys(ws.all[id]))
}

func (ws *watchers) sessions() []string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return slices.Collect(maps.Keys(ws.all))
}

// lookAfter asks for all watched sessions, some hundreds in one question. When
// the store does not answer the sockets stay open: what they do next will be
// refused there.
func (s *Service) lookAfter(ctx context.Context, ids []string) {
	ctx, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	for len(ids) > 0 {
		n := min(askAtOnce, len(ids))
		found, err := s.sessions.Many(ctx, ids[:n]...)
		if err != nil {
			if ctx.Err() == nil {
				s.cfg.Log.Warn("open sockets not looked after", "error", err)
			}
			return
		}
		docs := make(map[string]session, len(found))
		for _, d := range found {
			docs[d.ID] = d
		}
		now := s.cfg.Clock()
		for _, id := range ids[:n] {
			d, ok := docs[id]
			s.judge(id, d, ok, now)
		}
		ids = ids[n:]
	}
}

// judge ends the watchers of a session that is over or holds other rights than
// when the socket opened.
func (s *Service) judge(id string, d session, there bool, now time.Time) {
	who, err := s.actor(held{doc: d}, now)
	if !there || err != nil {
		s.cache.drop(id)
		s.watchers.endSession(id)
		return
	}
	who.Name = ""
	for _, w := range s.watchers.of(id) {
		s.watchers.mu.Lock()
		before := w.rights
		w.rights = who
		s.watchers.mu.Unlock()
		before.Name = ""
		if before.SignedIn() && before != who {
			s.watchers.end(w)
		}
	}
}

// changedStaff looks at the open sockets of somebody whose entry in the register
// has changed.
func (s *Service) changedStaff(id string) {
	if ids := s.watchers.ofPerson(id); len(ids) > 0 {
		s.lookAfter(context.Background(), ids)
	}
}

func (ws *watchers) ofPerson(id string) []string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var out []string
	for session, all := range ws.all {
		for w := range all {
			if w.rights.ID == id {
				out = append(out, session)
				break
			}
		}
	}
	return out
}
