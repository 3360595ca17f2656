package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
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
	KeyDir    string // folder of the signing keys, mode 0700
	Registers halsocoach.Registers

	Personas []Persona                         // shown on the sign-in page under Demo
	Persona  func(name string) (Persona, bool) // finds "citizen:7", "coach:3"; may be nil
	Home     func(halsocoach.Actor) string     // where a person lands after sign-in; nil = "/min-halsa" or "/"
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
}

// Identity is somebody whose sign-in has been proved. One of Number, Person and
// Staff says who.
type Identity struct {
	Number    halsocoach.Number
	Person    string
	Staff     string
	Name      string // a citizen's name
	Protected bool
}

// Signed is a session that has begun.
type Signed struct {
	Token string
	Actor halsocoach.Actor
	Ends  time.Time
}

// Member is one of the staff.
type Member struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Role       halsocoach.Role `json:"role"`
	Kommun     string          `json:"kommun,omitempty"`
	Centre     string          `json:"centre,omitempty"`
	Unit       string          `json:"unit,omitempty"`
	Ended      bool            `json:"ended,omitempty"`
	Identities []string        `json:"identities,omitempty"` // claims that sign this member in
	Changed    time.Time       `json:"changed"`
}

// Invitation is what a new colleague is offered, or with Staff a new way in for
// one who is in the register already.
type Invitation struct {
	Role                 halsocoach.Role
	Kommun, Centre, Unit string
	Staff                string
}

// Service is the sign-in of the whole program.
type Service struct{ cfg Config }

var errNotYet = errors.New("auth: not started")

// Kinds are the package's documents.
func Kinds() []store.Kind { return nil }

// New reads the signing keys, and makes the first one in an empty folder.
func New(cfg Config) (*Service, error) { return &Service{cfg: cfg}, nil }

// Start loads the register of staff and keeps it and the sessions fresh until
// ctx ends.
func (s *Service) Start(ctx context.Context) error { return errNotYet }

// Routes are the pages.
func (s *Service) Routes(r fiber.Router) {}

// Actor is who sends the request: the zero Actor for nobody, ErrSignIn when the
// session has ended or the token is not ours.
func (s *Service) Actor(c *fiber.Ctx) (halsocoach.Actor, error) {
	return halsocoach.Actor{}, errNotYet
}

// ActorOf is whose token it is, or ErrSignIn.
func (s *Service) ActorOf(ctx context.Context, token string) (halsocoach.Actor, error) {
	return halsocoach.Actor{}, errNotYet
}

// Watch calls ended once, within five seconds of the session's end or of a
// change of what its person may do.
func (s *Service) Watch(session string, ended func()) (stop func()) { return func() {} }

// Saw saves one row of the access log; it satisfies halsocoach.AccessLog.
func (s *Service) Saw(ctx context.Context, who halsocoach.Actor, act, why string, persons ...string) error {
	return errNotYet
}

// Member and Coaches satisfy halsocoach.Staff.
func (s *Service) Member(ctx context.Context, id string) (halsocoach.StaffMember, error) {
	return halsocoach.StaffMember{}, errNotYet
}

// Coaches are those who work at the centre now, by name.
func (s *Service) Coaches(ctx context.Context, centre string) ([]halsocoach.StaffMember, error) {
	return nil, errNotYet
}

// Hire puts a member into the register; the same member again changes nothing.
func (s *Service) Hire(ctx context.Context, who halsocoach.Actor, m Member) (Member, error) {
	return m, errNotYet
}

// Invite makes a single-use link by which somebody joins the staff.
func (s *Service) Invite(ctx context.Context, who halsocoach.Actor, inv Invitation) (link string, err error) {
	return "", errNotYet
}

// SignInAs begins a session for somebody whose sign-in has been proved.
func (s *Service) SignInAs(ctx context.Context, id Identity) (Signed, error) {
	return Signed{}, errNotYet
}

// SignOut ends a session.
func (s *Service) SignOut(ctx context.Context, session string) error { return errNotYet }

// Keep seals the answers of a form whose session has ended; Take gives them back
// to the same person. They satisfy web.Drafts.
func (s *Service) Keep(c *fiber.Ctx, path string, values map[string][]string) error {
	return errNotYet
}

// Take gives kept answers once.
func (s *Service) Take(c *fiber.Ctx, path string) (map[string][]string, bool) { return nil, false }
