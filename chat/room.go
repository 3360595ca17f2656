package chat

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"halsocoach"
)

// How long a node believes what it remembers.
const (
	memberFor = 5 * time.Second  // who is in a conversation
	nameFor   = 60 * time.Second // what they are called; as long as a key is kept
	idleFor   = 10 * time.Minute // a room that nobody uses
)

// room is what this node remembers of a conversation.
type room struct {
	id string
	// turn is held by the one who gives the next number or hands messages out,
	// so that both go in order.
	turn chan struct{}
	last atomic.Int64 // the highest number handed out here; moved by turn

	mu       sync.Mutex
	conv     Conversation // as it was at read
	read     time.Time
	used     time.Time
	senders  map[string]named
	heads    []Head // said here since the document was last moved on
	marks    Marks  // read marks that the document does not have yet
	flushing bool
	flushed  time.Time
	wanted   int // the highest number another node has told of
	catching bool
}

// named is what somebody is called, as long as nothing has been said since of
// protected identity.
type named struct {
	json      []byte
	name      string
	protected bool
	until     time.Time
}

// take waits for the turn.
func (r *room) take(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return halsocoach.ErrBusy
	}
}

func (r *room) give() { <-r.turn }

// said is the highest number that was handed out here.
func (r *room) said() int { return int(r.last.Load()) }

// now is the conversation as it was last read, which is at most memberFor ago
// for whoever got the room from rooms.of.
func (r *room) now() Conversation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conv
}

func (r *room) fresh(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used = now
	return now.Sub(r.read) < memberFor && !now.Before(r.read)
}

// rooms are those that this node remembers.
type rooms struct {
	mu sync.RWMutex
	m  map[string]*room
}

func (rs *rooms) get(id string) *room {
	rs.mu.RLock()
	defer rs.mu.RUnlock()
	return rs.m[id]
}

// keep remembers what was just read from the store.
func (rs *rooms) keep(c Conversation, now time.Time) *room {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.m[c.ID]
	if r == nil {
		r = &room{id: c.ID, turn: make(chan struct{}, 1)}
		r.last.Store(int64(c.Last))
		rs.m[c.ID] = r
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conv, r.read, r.used = c, now, now
	return r
}

func (rs *rooms) all() []*room {
	rs.mu.RLock()
	defer rs.mu.RUnlock()
	return slices.Collect(maps.Values(rs.m))
}

// forget drops a room that nobody has used for long and that has nothing to
// follow up.
func (rs *rooms) forget(r *room, now time.Time) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.used) > idleFor && !r.flushing && !r.catching && len(r.heads) == 0 && len(r.turn) == 0 {
		delete(rs.m, r.id)
	}
}

// room finds a conversation in memory, or reads it when what is remembered is
// old. Who its citizen is, is asked each time: package person keeps that fresh.
func (s *Service) room(ctx context.Context, id string) (*room, known, error) {
	now := s.cfg.Clock()
	r := s.rooms.get(id)
	if r == nil || !r.fresh(now) {
		c, err := s.docs.conversations.Get(ctx, id)
		if err != nil {
			return nil, known{}, err
		}
		r = s.rooms.keep(c, now)
	}
	c := r.now()
	citizen, err := s.cfg.Persons.Of(ctx, c.Person)
	return r, known{c, citizen}, err
}

// entered is the room of a conversation in which the actor takes part, and on
// which side; everybody else gets ErrNotFound.
func (s *Service) entered(ctx context.Context, who halsocoach.Actor, id string) (*room, known, halsocoach.Role, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen, halsocoach.RoleCoach); err != nil {
		return nil, known{}, "", err
	}
	r, c, err := s.room(ctx, id)
	if err != nil {
		return nil, known{}, "", err
	}
	side, in := c.side(who)
	if !in {
		return nil, known{}, "", halsocoach.ErrNotFound
	}
	return r, c, side, nil
}

// sender is who said a message, with the name that citizen's package or the
// register of staff has for them now.
func (s *Service) sender(ctx context.Context, r *room, c known, id string, role halsocoach.Role) (named, error) {
	now := s.cfg.Clock()
	r.mu.Lock()
	n, ok := r.senders[id]
	r.mu.Unlock()
	if ok && now.Before(n.until) && n.protected == c.citizen.Protected {
		return n, nil
	}
	name, err := s.name(ctx, r.id, id, role)
	if err != nil {
		return named{}, err
	}
	n = named{json: senderJSON(sender{id, name, role}), name: name, protected: c.citizen.Protected, until: now.Add(nameFor)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.senders == nil {
		r.senders = map[string]named{}
	}
	r.senders[id] = n
	return n, nil
}

// What people are called whose name is no longer known.
const (
	someCitizen = "Invånare"
	someCoach   = "Hälsocoach"
)

func (s *Service) name(ctx context.Context, conversation, id string, role halsocoach.Role) (string, error) {
	if role == halsocoach.RoleCoach {
		m, err := s.cfg.Staff.Member(ctx, id)
		return nameOr(m.Name, someCoach, err)
	}
	names, err := s.cfg.Enrolments.Names(ctx, conversation)
	return nameOr(names[conversation], someCitizen, err)
}

func nameOr(name, instead string, err error) (string, error) {
	if err == nil && name == "" || halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return instead, nil
	}
	return name, err
}
