package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/auth/draft"
	"halsocoach/internal/auth/limit"
	"halsocoach/internal/auth/signing"
	"halsocoach/internal/event"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/staff"
	"halsocoach/internal/store"
	"halsocoach/internal/web"
)

// Config lists what the service needs.
type Config struct {
	Store     store.Store
	Seal      *seal.Sealer
	Bus       *event.Bus
	Clock     halsocoach.Clock
	Log       *slog.Logger
	PublicURL string
	Demo      bool
	Staff     *staff.Service
	Persons   Persons
	Limits    Limits // of sessions; zero = the defaults

	Personas []Persona                         // shown on the sign-in page under Demo
	Persona  func(name string) (Persona, bool) // finds "citizen:7" and "coach:3"; may be nil
	Home     func(halsocoach.Actor) string     // where one lands after sign-in; nil = "/min-halsa" for citizens, else "/"
}

// Persons is told what a sign-in says of somebody. Package person satisfies it.
type Persons interface {
	Protect(ctx context.Context, who halsocoach.Actor, id string, where person.Where) error
}

// Persona is somebody one can be in the demo. One of Number, Person and Staff
// says who it is.
type Persona struct {
	Name        string // "elsa": what the form sends
	Title       string // who they are, in Swedish, for the card
	Number      string // a citizen with a published test number
	Person      string // a made-up citizen's opaque id
	Staff       string // a staff id
	DisplayName string
	Protected   bool
	Kommun      string // where a citizen lives, as a sign-in may say
}

// Identity is somebody whose sign-in has been proved. One of Number, Person,
// Staff and Machine says who.
type Identity struct {
	Number    halsocoach.Number
	Person    string
	Staff     string
	Name      string   // a citizen's name
	Protected bool     // the provider says that the person has protected identity
	Kommun    string   // where a citizen lives, when the sign-in says it
	Device    string   // see deviceOf
	Provider  string   // id of the provider that proved it, "" for others
	Bonds     []string // see session.Bonds
	Machine   string   // a client's id, for a token of MachineLasts
	Scope     string   // of the machine's token

	via string // see Actor.Via
}

// Signed is a session that has begun.
type Signed struct {
	Token string
	Actor halsocoach.Actor
	Ends  time.Time
}

// ErrTooMany: an address has failed too often.
var (
	ErrTooMany = &halsocoach.Error{Kind: halsocoach.KindBusy, Code: "too_many", Text: "Det har varit många misslyckade försök härifrån. Vänta en kvart och försök igen."}
)

const (
	nudgeSession = "auth.session"
	sweepEvery   = 10 * time.Minute
)

// Service is the sign-in of the whole program.
type Service struct {
	cfg      Config
	cookies  web.Cookies
	tokens   *tokens
	cache    *cache
	watchers *watchers
	failures *limit.Failures
	visitors *limit.Failures // forms kept of those who had not signed in
	staff    *staff.Service
	ways     Ways
	shelf    draft.Shelf
	machines func(client string) (halsocoach.Actor, bool) // may be nil

	sessions   store.Collection[session]
	identities store.Collection[identity]
	onces      store.Collection[once]
}

// Kinds are the package's documents.
func Kinds() []store.Kind {
	return []store.Kind{sessionKind, draft.Kind, identityKind, onceKind}
}

// New reads the signing keys from the key store, and makes the first one in an empty one.
func New(cfg Config) (*Service, error) {
	public, err := url.Parse(cfg.PublicURL)
	if err != nil || public.Host == "" {
		return nil, fmt.Errorf("auth: the public address %q is not like https://halsocoach.example", cfg.PublicURL)
	}
	keys, err := signing.Open(context.Background(), cfg.Seal, cfg.Clock, longestOfAll)
	if err != nil {
		return nil, err
	}
	if cfg.Persona == nil {
		cfg.Persona = func(string) (Persona, bool) { return Persona{}, false }
	}
	if cfg.Home == nil {
		cfg.Home = home
	}
	cfg.Limits = cfg.Limits.orDefaults()
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	s := &Service{
		cfg: cfg, cookies: web.Cookies{Secure: public.Scheme == "https"}, staff: cfg.Staff,
		tokens: newTokens(keys, cfg.Clock), cache: newCache(), watchers: newWatchers(), failures: limit.NewFailures(), visitors: limit.NewFailures(), ways: links{},
		sessions: store.In[session](cfg.Store, sessionKind), identities: store.In[identity](cfg.Store, identityKind),
		onces: store.In[once](cfg.Store, onceKind),
		shelf: draft.On(cfg.Store, cfg.Clock),
	}
	s.staff.OnChange(s.changedStaff)
	return s, nil
}

func home(who halsocoach.Actor) string {
	if who.Role == halsocoach.RoleCitizen {
		return "/min-halsa"
	}
	return "/"
}

// Start keeps the sessions fresh until ctx ends. It returns once it runs. The
// register of staff is started before it.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	stop, err := bus.OnNudge(nudgeSession, func(body []byte) {
		id := string(body)
		s.cache.drop(id)
		if len(s.watchers.of(id)) > 0 {
			s.lookAfter(ctx, []string{id})
		}
	})
	if err != nil {
		return fmt.Errorf("auth: listen for ended sessions: %w", err)
	}
	go func() {
		defer stop()
		tick := time.NewTicker(freshFor)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				s.lookAfter(ctx, s.watchers.sessions())
			}
		}
	}()
	go s.tokens.keys.Follow(ctx, s.cfg.Log)
	leases := store.Leases{Store: s.cfg.Store, Clock: s.cfg.Clock, Log: s.cfg.Log}
	bus.Go(ctx, func(ctx context.Context) { leases.Every(ctx, "auth.sweep", sweepEvery, s.sweep) })
	return nil
}

// sweep removes what has ended: sessions, kept answers, what happens once.
func (s *Service) sweep(ctx context.Context) error {
	now := s.cfg.Clock()
	return errors.Join(
		store.Expire(ctx, s.sessions, "ends", now),
		store.Expire(ctx, s.shelf.Docs, "ends", now),
		store.Expire(ctx, s.onces, "ends", now),
	)
}
