package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/staff"
	"halsocoach/internal/store"
)

// Limits are how long a session may last.
type Limits struct {
	Idle    time.Duration `name:"session-idle" env:"HALSOCOACH_SESSION_IDLE" default:"60m" help:"How long a sign-in lasts that is not used."`
	Longest time.Duration `name:"session-longest" env:"HALSOCOACH_SESSION_LONGEST" default:"12h" help:"How long a sign-in lasts at the longest."`
}

// The defaults, and what an installation may choose.
const (
	idleLimit     = 60 * time.Minute
	absoluteLimit = 12 * time.Hour
	shortest      = time.Minute
	longestOfAll  = 24 * time.Hour
)

// Check says in one line what is wrong with the limits and how to mend it.
func (l Limits) Check() error {
	l = l.orDefaults()
	switch {
	case l.Idle < shortest || l.Idle > longestOfAll:
		return fmt.Errorf("HALSOCOACH_SESSION_IDLE is %q: give from 1m to 24h, for example 60m", l.Idle)
	case l.Longest < l.Idle || l.Longest > longestOfAll:
		return fmt.Errorf("HALSOCOACH_SESSION_LONGEST is %q: give from HALSOCOACH_SESSION_IDLE (%s) to 24h, for example 12h", l.Longest, l.Idle)
	}
	return nil
}

func (l Limits) orDefaults() Limits {
	return Limits{cmp.Or(l.Idle, idleLimit), cmp.Or(l.Longest, absoluteLimit)}
}

// touchEvery is how often at most the use of a session is written, so a session
// may end that much before its idle limit.
func (l Limits) touchEvery() time.Duration { return l.Idle / 12 }

const (
	// freshFor is how long a node trusts what it has read. With the time of a
	// read it stays below five seconds.
	freshFor = 4 * time.Second
	// cached bounds the sessions that a node holds in memory.
	cached = 1 << 16
)

// session is the document of one sign-in. It is removed when it ends.
type session struct {
	ID       string      `json:"id"`
	Person   string      `json:"person"` // opaque person id, or staff id
	Staff    bool        `json:"staff,omitempty"`
	Name     seal.Sealed `json:"name,omitempty"` // of a citizen
	Began    time.Time   `json:"began"`
	Used     time.Time   `json:"used"`
	Ends     time.Time   `json:"ends"`
	Via      string      `json:"via,omitempty"`    // see Actor.Via
	Kommun   string      `json:"kommun,omitempty"` // of a citizen
	Device   string      `json:"device,omitempty"` // see deviceOf
	Provider string      `json:"provider,omitempty"`
	// Bonds are hashes of the provider's own session and subject, by which it
	// can end what it began.
	Bonds []string `json:"bonds,omitempty"`
	// Machine is the client whose token it is, and Scope what it was given.
	Machine string `json:"machine,omitempty"`
	Scope   string `json:"scope,omitempty"`
}

const namePurpose = "session.name"

var sessionKind = store.Kind{Name: "session", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person"), store.D("began")}},
	{Name: "ends", Fields: []store.Field{store.D("ends")}},
	{Name: "bond", Fields: []store.Field{store.M("bonds")}},
}}

// over says whether the session has passed one of its limits.
func (d session) over(now time.Time, l Limits) bool {
	return !now.Before(d.Ends) || now.Sub(d.Used) >= l.Idle
}

// SignInAs begins a session for somebody whose sign-in has been proved.
func (s *Service) SignInAs(ctx context.Context, id Identity) (Signed, error) {
	now := s.cfg.Clock().UTC()
	d := session{
		ID: halsocoach.NewID(), Person: id.Person, Began: now, Used: now, Ends: now.Add(s.cfg.Limits.Longest),
		Kommun: id.Kommun, Device: id.Device, Provider: id.Provider, Bonds: id.Bonds,
	}
	var err error
	switch {
	case id.Machine != "":
		d.Person, d.Staff, d.Machine, d.Scope, d.Ends = id.Machine, true, id.Machine, id.Scope, now.Add(MachineLasts)
	case id.Staff != "":
		d.Person, d.Staff, d.Kommun, d.Via = id.Staff, true, "", id.via
		if m, ok := s.staff.Get(id.Staff); !ok || m.Ended != "" {
			return Signed{}, staff.ErrNoAccount
		}
	case !id.Number.IsZero():
		if d.Person, err = s.cfg.Seal.Person(ctx, id.Number); err != nil {
			return Signed{}, fmt.Errorf("sign in: %w", err)
		}
	case id.Person == "":
		return Signed{}, staff.ErrNoAccount
	}
	if !d.Staff {
		if id.Protected {
			err = s.cfg.Persons.Protect(ctx, halsocoach.System("sign-in"), d.Person, person.AtSignIn)
		}
		if err == nil {
			d.Name, err = s.cfg.Seal.Seal(ctx, d.Person, namePurpose, id.Name)
		}
		if err != nil {
			return Signed{}, fmt.Errorf("sign in: %w", err)
		}
	}
	token, err := s.tokens.sign(d.ID, d.Person, now, d.Ends)
	if err != nil {
		return Signed{}, err
	}
	if err := s.sessions.Insert(ctx, d.ID, d); err != nil {
		return Signed{}, fmt.Errorf("sign in: %w", err)
	}
	h := held{doc: d, name: id.Name, read: now}
	s.cache.put(d.ID, h, s.cache.epoch())
	who, err := s.actor(h, now)
	return Signed{token, who, d.Ends}, err
}

// SignOut ends a session here at once, and on the other nodes within five
// seconds. Ending it twice does nothing.
func (s *Service) SignOut(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	err := s.sessions.Delete(ctx, id, nil)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("sign out: %w", err)
	}
	s.cache.drop(id)
	s.cfg.Bus.Nudge(nudgeSession, []byte(id))
	s.watchers.endSession(id)
	return nil
}

// Actor is who sends the request: the zero Actor for nobody, ErrSignIn when the
// session has ended or the token is not ours. A Bearer token comes before the
// cookie.
func (s *Service) Actor(c *fiber.Ctx) (halsocoach.Actor, error) {
	token := bearer(c.Get(fiber.HeaderAuthorization))
	if token == "" {
		token = s.cookies.Get(c, sessionCookie)
	}
	if token == "" {
		return halsocoach.Actor{}, nil
	}
	who, err := s.ActorOf(c.UserContext(), token)
	if err == nil && !mayGo(who, c.Method(), c.Path()) {
		return halsocoach.Actor{}, errScope
	}
	return who, err
}

// ActorOf is whose token it is, or ErrSignIn.
func (s *Service) ActorOf(ctx context.Context, token string) (halsocoach.Actor, error) {
	v, ok := s.tokens.verify(token)
	if !ok {
		return halsocoach.Actor{}, halsocoach.ErrSignIn
	}
	return s.use(ctx, v.session, v.person)
}

// Used says that a session is in use by other means than requests, as an open
// socket on which somebody writes, so that it does not end as idle.
func (s *Service) Used(ctx context.Context, id string) error {
	_, err := s.use(ctx, id, "")
	return err
}

// use is who the session is, marked as used; person is whose it has to be, unless
// it is "".
func (s *Service) use(ctx context.Context, id, person string) (halsocoach.Actor, error) {
	h, err := s.session(ctx, id)
	if err != nil {
		return halsocoach.Actor{}, err
	}
	if person != "" && h.doc.Person != person {
		return halsocoach.Actor{}, halsocoach.ErrSignIn
	}
	now := s.cfg.Clock()
	who, err := s.actor(h, now)
	if err == nil && now.Sub(h.doc.Used) >= s.cfg.Limits.touchEvery() {
		s.touch(ctx, id, now)
	}
	return who, err
}

// session reads the document, from memory for as long as it is fresh.
func (s *Service) session(ctx context.Context, id string) (held, error) {
	now := s.cfg.Clock()
	if h, ok := s.cache.get(id); ok && h.fresh(now) {
		if h.gone {
			return held{}, halsocoach.ErrSignIn
		}
		return h, nil
	}
	epoch := s.cache.epoch()
	d, err := s.sessions.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		s.cache.put(id, held{gone: true, read: now}, epoch)
		return held{}, halsocoach.ErrSignIn
	}
	if err != nil {
		return held{}, fmt.Errorf("read the session: %w", err)
	}
	h := held{doc: d, read: now}
	if !d.Staff {
		if h.name, err = s.cfg.Seal.Open(ctx, d.Person, namePurpose, d.Name); err != nil {
			return held{}, fmt.Errorf("read the session: %w", err)
		}
	}
	s.cache.put(id, h, epoch)
	return h, nil
}

// actor is who the session is now: what a member of staff may do is read from
// the register at each request.
func (s *Service) actor(h held, now time.Time) (halsocoach.Actor, error) {
	if h.doc.over(now, s.cfg.Limits) {
		return halsocoach.Actor{}, halsocoach.ErrSignIn
	}
	if !h.doc.Staff {
		return halsocoach.Actor{ID: h.doc.Person, Role: halsocoach.RoleCitizen, Name: h.name, Kommun: h.doc.Kommun, Session: h.doc.ID}, nil
	}
	if h.doc.Machine != "" {
		return s.machine(h.doc)
	}
	m, ok := s.staff.Get(h.doc.Person)
	if !ok || m.Ended != "" {
		return halsocoach.Actor{}, halsocoach.ErrSignIn
	}
	return halsocoach.Actor{ID: m.ID, Role: m.Role, Name: m.Name, Kommun: m.Kommun, Centre: m.Centre, Unit: m.Unit, Session: h.doc.ID, Via: h.doc.Via}, nil
}

// touch notes that the session is in use. That it fails is no reason to refuse
// the request.
func (s *Service) touch(ctx context.Context, id string, now time.Time) {
	epoch := s.cache.epoch()
	d, err := s.sessions.Update(ctx, id, func(d *session) ([]halsocoach.Event, error) {
		if now.After(d.Used) {
			d.Used = now.UTC()
		}
		return nil, nil
	})
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) {
			s.cfg.Log.Warn("session not marked as used", "error", err)
		}
		return
	}
	if h, ok := s.cache.get(id); ok && !h.gone {
		h.doc = d
		s.cache.put(id, h, epoch)
	}
}

// held is a session in memory.
type held struct {
	doc  session
	name string
	gone bool
	read time.Time
}

func (h held) fresh(now time.Time) bool {
	age := now.Sub(h.read)
	return age >= 0 && age < freshFor
}

// cache holds sessions. A read that began before a drop is not kept, so that
// what was dropped does not come back.
type cache struct {
	mu    sync.RWMutex
	held  map[string]held
	drops uint64
}

func newCache() *cache { return &cache{held: map[string]held{}} }

func (c *cache) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.drops
}

func (c *cache) get(id string) (held, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	h, ok := c.held[id]
	return h, ok
}

func (c *cache) put(id string, h held, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.drops {
		return
	}
	for old := range c.held {
		if len(c.held) < cached {
			break
		}
		delete(c.held, old)
	}
	c.held[id] = h
}

func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	delete(c.held, id)
}
