package chat

import (
	"context"
	"maps"
	"slices"
	"sync"

	"halsocoach"
)

// hub knows whose sockets are open on this node.
type hub struct {
	mu     sync.RWMutex
	people map[string][]*socket // never changed in place: readers keep a slice
	open   map[*socket]struct{}
	down   bool
}

func newHub() hub {
	return hub{people: map[string][]*socket{}, open: map[*socket]struct{}{}}
}

// of are the person's sockets; the slice must not be changed.
func (h *hub) of(person string) []*socket {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.people[person]
}

// any says whether one of the persons has a socket here.
func (h *hub) any(persons []string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.ContainsFunc(persons, func(p string) bool { return len(h.people[p]) > 0 })
}

// everybody are the persons who have a socket here.
func (h *hub) everybody() []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Collect(maps.Keys(h.people))
}

func (h *hub) empty() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.open) == 0
}

// join takes a socket in, or says how to close it: when the node is going down,
// or when the person has so many open already.
func (h *hub) join(k *socket, most int) (code int, reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.people[k.who.ID]
	switch {
	case h.down:
		return closeRestart, "restart"
	case len(old) >= most:
		return closeSlow, "too many sockets"
	}
	h.open[k] = struct{}{}
	h.people[k.who.ID] = append(old[:len(old):len(old)], k)
	return 0, ""
}

func (h *hub) leave(k *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, k)
	left := slices.DeleteFunc(slices.Clone(h.people[k.who.ID]), func(o *socket) bool { return o == k })
	if h.people[k.who.ID] = left; len(left) == 0 {
		delete(h.people, k.who.ID)
	}
}

// shutdown refuses sockets from now on and gives those that are open.
func (h *hub) shutdown() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = true
	return slices.Collect(maps.Keys(h.open))
}

// Sockets is how many are open on this node.
func (s *Service) Sockets() int {
	s.hub.mu.RLock()
	defer s.hub.mu.RUnlock()
	return len(s.hub.open)
}

// Drain tells every socket to come back later (1012), takes no new ones, and
// waits until they are gone and what they said is followed up; when ctx ends
// first it cuts them off. Call it when the program goes down, before the store is
// closed.
func (s *Service) Drain(ctx context.Context) error {
	s.stop()
	for _, k := range s.hub.shutdown() {
		k.close(closeRestart, "restart")
	}
	err := s.work.wait(ctx)
	if err != nil {
		for _, k := range s.hub.shutdown() {
			_ = k.raw.Close()
		}
		moment, done := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Wire.Linger)
		defer done()
		_ = s.work.wait(moment)
	}
	return err
}

// tasks counts what runs in the background, open sockets too.
type tasks struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n falls to 0; nil when nobody waits
}

func (t *tasks) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
}

func (t *tasks) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// run runs do in the background.
func (t *tasks) run(do func()) {
	t.begin()
	go func() {
		defer t.end()
		do()
	}()
}

func (t *tasks) wait(ctx context.Context) error {
	t.mu.Lock()
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	idle, n := t.idle, t.n
	t.mu.Unlock()
	if n == 0 {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return halsocoach.ErrBusy
	}
}
