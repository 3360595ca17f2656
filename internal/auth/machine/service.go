package machine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/auth"
	"halsocoach/internal/event"
	"halsocoach/internal/staff"
	"halsocoach/internal/store"
)

// Config is what the service needs.
type Config struct {
	Store     store.Store
	Auth      *auth.Service
	Bus       *event.Bus
	Registers staff.Registers
	Clock     halsocoach.Clock
	Log       *slog.Logger
	PublicURL string
}

// Service is the register of clients, and gives tokens.
type Service struct {
	cfg     Config
	docs    store.Collection[Client]
	clients *store.Mirror[Client]
}

// nudgeClients tells other nodes that a client has changed.
const nudgeClients = "machine.client"

// New makes the service and lets sign-in ask it for clients.
func New(cfg Config) *Service {
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	s := &Service{cfg: cfg, docs: store.In[Client](cfg.Store, clientKind)}
	s.clients = store.NewMirror(s.docs, nudgeClients, func(c Client) (string, time.Time) { return c.ID, c.Changed })
	cfg.Auth.Machines(func(id string) (halsocoach.Actor, bool) {
		c, ok := s.clients.Get(id)
		if !ok || c.Ended != nil {
			return halsocoach.Actor{}, false
		}
		return c.actor(), true
	})
	return s
}

// Start loads the register and keeps it fresh until ctx ends. It returns once it
// runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	return s.clients.Follow(ctx, bus, s.cfg.Clock, s.cfg.Log)
}

// tokenURL is where tokens are asked for, and what an assertion is for.
func (s *Service) tokenURL() string { return s.cfg.PublicURL + "/oauth/token" }

// Clients are those of the administrator's kommun, or of the county for the
// region; those that are open first.
func (s *Service) Clients(_ context.Context, who halsocoach.Actor) ([]Client, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion); err != nil {
		return nil, err
	}
	all := s.clients.All(func(c Client) bool { return mayManage(who, c.Kommun) })
	slices.SortFunc(all, func(a, b Client) int {
		if (a.Ended == nil) != (b.Ended == nil) {
			return map[bool]int{true: -1, false: 1}[a.Ended == nil]
		}
		return cmp.Or(strings.Compare(a.Kommun, b.Kommun), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}

// mayManage: the kommun's own administrator and the region.
func mayManage(who halsocoach.Actor, kommun string) bool {
	return who.Is(halsocoach.RoleRegion, halsocoach.RoleSystem) || who.Role == halsocoach.RoleKommun && who.Kommun == kommun
}

// Client is one of them.
func (s *Service) Client(_ context.Context, who halsocoach.Actor, id string) (Client, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion, halsocoach.RoleSystem); err != nil {
		return Client{}, err
	}
	c, ok := s.clients.Get(id)
	if !ok || !mayManage(who, c.Kommun) {
		return Client{}, halsocoach.ErrNotFound
	}
	return c, nil
}

// Register takes a client into the register. The same request again is the same
// client.
func (s *Service) Register(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, w NewClient) (Client, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion); err != nil {
		return Client{}, err
	}
	return s.enter(ctx, who, req.ID(who, "machines"), w)
}

// Enter is Register under an id that the program itself has chosen, as the demo
// does.
func (s *Service) Enter(ctx context.Context, id string, w NewClient) (Client, error) {
	return s.enter(ctx, halsocoach.System("demo"), id, w)
}

func (s *Service) enter(ctx context.Context, who halsocoach.Actor, id string, w NewClient) (Client, error) {
	w.Name, w.JWKS = strings.TrimSpace(halsocoach.Plain(w.Name)), strings.TrimSpace(w.JWKS)
	if err := w.judge(); err != nil {
		return Client{}, err
	}
	u, err := s.cfg.Registers.Unit(ctx, w.Unit)
	if err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
		return Client{}, err
	}
	if err != nil || u.Kind != "vårdcentral" || !mayManage(who, u.Kommun) {
		return Client{}, halsocoach.Invalid(halsocoach.Field{Name: "unit", Text: "Välj en av vårdcentralerna i listan."})
	}
	now := store.Later(s.cfg.Clock(), time.Time{})
	c := Client{ID: id, Unit: u.ID, Kommun: u.Kommun, Name: w.Name, JWKS: w.JWKS, Scopes: w.Scopes, By: who.ID, Made: now, Changed: now}
	err = s.docs.Insert(ctx, id, c)
	if errors.Is(err, store.ErrConflict) {
		return s.docs.Get(ctx, id)
	}
	if err != nil {
		return Client{}, fmt.Errorf("register a client: %w", err)
	}
	s.clients.Put(s.cfg.Bus, c)
	return c, nil
}

// Rekey gives a client other keys; what was signed with those before is refused
// at once, and tokens that were given run out within five minutes.
func (s *Service) Rekey(ctx context.Context, who halsocoach.Actor, id, jwks string) (Client, error) {
	if _, err := s.Client(ctx, who, id); err != nil {
		return Client{}, err
	}
	jwks = strings.TrimSpace(jwks)
	if _, err := parseKeys(jwks); err != nil {
		return Client{}, halsocoach.Invalid(halsocoach.Field{Name: "jwks", Text: err.Error()})
	}
	return s.change(ctx, who, id, func(c *Client, _ time.Time) error {
		if c.Ended != nil {
			return ErrEnded
		}
		c.JWKS = jwks
		return nil
	})
}

// ErrEnded says that the client may no longer ask for tokens.
var ErrEnded = halsocoach.Conflict("ended", "Systemet är redan bortkopplat.")

// End closes a client: no more tokens, and those that it has are refused at once.
// Again is nothing.
func (s *Service) End(ctx context.Context, who halsocoach.Actor, id string) (Client, error) {
	return s.change(ctx, who, id, func(c *Client, now time.Time) error {
		if c.Ended == nil {
			c.Ended = &now
		}
		return nil
	})
}

func (s *Service) change(ctx context.Context, who halsocoach.Actor, id string, do func(c *Client, now time.Time) error) (Client, error) {
	if _, err := s.Client(ctx, who, id); err != nil {
		return Client{}, err
	}
	c, err := s.docs.Update(ctx, id, func(c *Client) ([]halsocoach.Event, error) {
		now := store.Later(s.cfg.Clock(), c.Changed)
		if err := do(c, now); err != nil {
			return nil, err
		}
		c.Changed = now
		return nil, nil
	})
	if err != nil {
		return Client{}, fmt.Errorf("client %s: %w", id, err)
	}
	s.clients.Put(s.cfg.Bus, c)
	return c, nil
}

// Token is what a client gets for an assertion.
type Token struct {
	Token string `json:"access_token"`
	Type  string `json:"token_type"`
	Lasts int    `json:"expires_in"` // seconds
	Scope string `json:"scope"`
}

// Token gives a token for a signed assertion, once. Every fault of the asker's is
// a *Fault.
func (s *Service) Token(ctx context.Context, signed, scope string) (Token, error) {
	now := s.cfg.Clock()
	a, err := verify(signed, s.tokenURL(), now, s.clients.Get)
	if err != nil {
		return Token{}, err
	}
	granted, ok := a.client.granted(scope)
	if !ok {
		return Token{}, &Fault{Status: 400, Code: "invalid_scope", Description: "the client has not been given this scope"}
	}
	err = s.cfg.Auth.Once(ctx, halsocoach.IDFrom("jti", a.client.ID, a.jti), a.ends.Add(time.Minute))
	if errors.Is(err, auth.ErrAgain) {
		return Token{}, badClient("the assertion has been used; make a new one with a new jti", err)
	}
	if err != nil {
		return Token{}, err
	}
	in, err := s.cfg.Auth.SignInAs(ctx, auth.Identity{Machine: a.client.ID, Scope: granted})
	if err != nil {
		return Token{}, err
	}
	s.cfg.Log.Info("token given to a machine", "client", a.client.ID, "unit", a.client.Unit)
	return Token{Token: in.Token, Type: "bearer", Lasts: int(auth.MachineLasts / time.Second), Scope: granted}, nil
}
