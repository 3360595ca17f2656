package chat

import (
	"context"
	"sync"

	"halsocoach"
)

// hub knows whose sockets are open on this node.
type hub struct {
	mu     sync.RWMutex
	people map[string][]*socket // never changed in place: readers keep a slice
	open   map[*socket]struct{}
	down   bool
	gone   *sync.Cond // a socket has ended; of mu
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
	for _, p := range persons {
		if len(h.people[p]) > 0 {
			return true
		}
	}
	return false
}

// everybody are the persons who have a socket here.
func (h *hub) everybody() []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	all := make([]string, 0, len(h.people))
	for id := range h.people {
		all = append(all, id)
	}
	return all
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
	var left []*socket
	for _, o := range h.people[k.who.ID] {
		if o != k {
			left = append(left, o)
		}
	}
	if len(left) == 0 {
		delete(h.people, k.who.ID)
	} else {
		h.people[k.who.ID] = left
	}
	if h.gone != nil {
		h.gone.Broadcast()
	}
}

// shutdown refuses sockets from now on and gives those that are open.
func (h *hub) shutdown() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = true
	if h.gone == nil {
		h.gone = sync.NewCond(&h.mu)
	}
	all := make([]*socket, 0, len(h.open))
	for k := range h.open {
		all = append(all, k)
	}
	return all
}

// await waits until all sockets have ended, or ctx has.
func (h *hub) await(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.gone.Broadcast()
	})
	defer stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.open) > 0 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		h.gone.Wait()
	}
	return nil
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
	s.drain.Do(func() { close(s.ended) })
	for _, k := range s.hub.shutdown() {
		k.close(closeRestart, "restart")
	}
	err := s.hub.await(ctx)
	if err != nil {
		for _, k := range s.hub.shutdown() {
			_ = k.raw.Close()
		}
		_ = s.hub.await(context.WithoutCancel(ctx))
	}
	if e := s.work.wait(ctx); err == nil {
		err = e
	}
	return err
}

// tasks counts what runs in the background.
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

func (t *tasks) wait(ctx context.Context) error {
	t.mu.Lock()
	if t.n == 0 {
		t.mu.Unlock()
		return nil
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return halsocoach.ErrBusy
	}
}
