package auth

import (
	"context"
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
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/internal/web"
)

// Config lists what the service needs. Registers may be nil: then units are
// shown by their kommun only.
type Config struct {
	Store     store.Store
	Seal      *seal.Sealer
	Bus       *event.Bus
	Clock     halsocoach.Clock
	Log       *slog.Logger
	PublicURL string
	Demo      bool
	Registers Registers
	Limits    Limits // of sessions; zero = the defaults

	Personas []Persona                         // shown on the sign-in page under Demo
	Persona  func(name string) (Persona, bool) // finds "citizen:7" and "coach:3"; may be nil
	Home     func(halsocoach.Actor) string     // where one lands after sign-in; nil = "/min-halsa" for citizens, else "/"
}

// Registers are the places where staff work.
type Registers interface {
	halsocoach.Registers
	// Units are a kommun's care centres and associations that are still open.
	Units(ctx context.Context, kommun string) ([]halsocoach.Unit, error)
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
	Name      string // a citizen's name
	Protected bool
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

// The faults of the package.
var (
	ErrNoAccount  = halsocoach.Forbidden("Det finns inget öppet konto för dig här. Vänd dig till den som bjöd in dig.")
	ErrTooMany    = &halsocoach.Error{Kind: halsocoach.KindBusy, Code: "too_many", Text: "Det har varit många misslyckade försök härifrån. Vänta en kvart och försök igen."}
	ErrInvitation = halsocoach.NotFound("Länken gäller inte längre. Den som bjöd in dig kan göra en ny.")
	ErrUsed       = halsocoach.Conflict("used", "Länken har redan använts. Den som bjöd in dig kan göra en ny.")
)

// The topics of our nudges.
const (
	nudgeSession = "auth.session"
	nudgeStaff   = "auth.staff"
)

const (
	sweepEvery = 10 * time.Minute
)

// Service is the sign-in of the whole program.
type Service struct {
	cfg      Config
	cookie   string // name of the session cookie
	secure   bool
	tokens   *tokens
	cache    *cache
	watchers *watchers
	failures *limit.Failures
	visitors *limit.Failures // forms kept of those who had not signed in
	staff    *Mirror[Member]
	ways     Ways
	shelf    draft.Shelf
	machines func(client string) (halsocoach.Actor, bool) // may be nil

	sessions    store.Collection[session]
	members     store.Collection[Member]
	invitations store.Collection[invitation]
	rows        store.Collection[row]
	identities  store.Collection[identity]
	onces       store.Collection[once]
}

// Kinds are the package's documents.
func Kinds() []store.Kind {
	return []store.Kind{sessionKind, staffKind, invitationKind, accessKind, draft.Kind, identityKind, onceKind}
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
		cfg: cfg, secure: public.Scheme == "https", cookie: web.PlainCookie,
		tokens: newTokens(keys, cfg.Clock), cache: newCache(), watchers: newWatchers(), failures: limit.NewFailures(), visitors: limit.NewFailures(), ways: links{},
		sessions: store.In[session](cfg.Store, sessionKind), members: store.In[Member](cfg.Store, staffKind),
		invitations: store.In[invitation](cfg.Store, invitationKind), rows: store.In[row](cfg.Store, accessKind),
		identities: store.In[identity](cfg.Store, identityKind), onces: store.In[once](cfg.Store, onceKind),
		shelf: draft.On(cfg.Store, cfg.Clock),
	}
	if s.secure {
		s.cookie = web.SecureCookie
	}
	s.staff = NewMirror(s.members, nudgeStaff, func(m Member) (string, time.Time) { return m.ID, m.Changed })
	s.staff.OnChange(s.changedStaff)
	return s, nil
}

func home(who halsocoach.Actor) string {
	if who.Role == halsocoach.RoleCitizen {
		return "/min-halsa"
	}
	return "/"
}

// Start loads the register of staff, and keeps it and the sessions fresh until
// ctx ends. It returns once it runs.
func (s *Service) Start(ctx context.Context) error {
	stop, err := s.cfg.Bus.OnNudge(nudgeSession, func(body []byte) {
		id := string(body)
		s.cache.drop(id)
		if len(s.watchers.of(id)) > 0 {
			s.lookAfter(ctx, []string{id})
		}
	})
	if err != nil {
		return fmt.Errorf("auth: listen for ended sessions: %w", err)
	}
	if err := s.staff.Follow(ctx, s.cfg.Bus, s.cfg.Clock, s.cfg.Log); err != nil {
		stop()
		return fmt.Errorf("auth: %w", err)
	}
	go func() {
		defer stop()
		every(ctx, freshFor, func() { s.lookAfter(ctx, s.watchers.sessions()) })
	}()
	go s.tokens.keys.Follow(ctx, s.cfg.Log)
	leases := store.Leases{Store: s.cfg.Store, Clock: s.cfg.Clock, Log: s.cfg.Log}
	s.cfg.Bus.Go(ctx, func(ctx context.Context) { leases.Every(ctx, "auth.sweep", sweepEvery, s.sweep) })
	return nil
}

// sweep removes what has ended: sessions, kept answers, invitations.
func (s *Service) sweep(ctx context.Context) error {
	now := s.cfg.Clock()
	err := sweepKind(ctx, s.sessions, now, func(d session) string { return d.ID })
	if err == nil {
		err = sweepKind(ctx, s.shelf.Docs, now, func(d draft.Draft) string { return d.ID })
	}
	if err == nil {
		err = sweepKind(ctx, s.onces, now, func(d once) string { return d.ID })
	}
	if err == nil {
		err = sweepKind(ctx, s.invitations, now.Add(-keepInvitations), func(d invitation) string { return d.ID })
	}
	return err
}

func sweepKind[T any](ctx context.Context, docs store.Collection[T], before time.Time, id func(T) string) error {
	for {
		found, next, err := docs.Find(ctx, store.Query{Index: "ends", Before: before})
		if err != nil {
			return err
		}
		for _, d := range found {
			if err := docs.Delete(ctx, id(d), nil); err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
				return err
			}
		}
		if next == "" {
			return nil
		}
	}
}
