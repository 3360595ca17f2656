package staff

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"halsocoach"
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
	Registers Registers
	Proven    bool // staff sign in by a provider, so that a member has sign-ins to look at
}

// Registers are the places where staff work.
type Registers interface {
	halsocoach.Registers
	// Units are a kommun's care centres and associations that are still open.
	Units(ctx context.Context, kommun string) ([]halsocoach.Unit, error)
}

// Service is the register of staff; it satisfies halsocoach.Staff.
type Service struct {
	cfg         Config
	cookies     web.Cookies
	members     *store.Mirror[Member]
	docs        store.Collection[Member]
	invitations store.Collection[invitation]
}

// Kinds are the package's documents.
func Kinds() []store.Kind { return []store.Kind{memberKind, invitationKind} }

const (
	nudgeStaff = "staff.member"
	sweepEvery = 10 * time.Minute
)

// New is empty until Start or Load.
func New(cfg Config) *Service {
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	s := &Service{
		cfg: cfg, cookies: web.Cookies{Secure: strings.HasPrefix(cfg.PublicURL, "https:")},
		docs: store.In[Member](cfg.Store, memberKind), invitations: store.In[invitation](cfg.Store, invitationKind),
	}
	s.members = store.NewMirror(s.docs, nudgeStaff, func(m Member) (string, time.Time) { return m.ID, m.Changed })
	return s
}

// OnChange is called after each change of a member, on whatever node it was made.
// Set it before Start.
func (s *Service) OnChange(told func(id string)) { s.members.OnChange(told) }

// Start loads the register, keeps it fresh until ctx ends, and removes old
// invitations. It returns once it runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	if err := s.members.Follow(ctx, bus, s.cfg.Clock, s.cfg.Log); err != nil {
		return err
	}
	leases := store.Leases{Store: s.cfg.Store, Clock: s.cfg.Clock, Log: s.cfg.Log}
	bus.Go(ctx, func(ctx context.Context) { leases.Every(ctx, "staff.sweep", sweepEvery, s.sweep) })
	return nil
}

func (s *Service) sweep(ctx context.Context) error {
	return store.Expire(ctx, s.invitations, "ends", s.cfg.Clock().Add(-keepInvitations))
}

// Get is a member by their id, those who have left too.
func (s *Service) Get(id string) (Member, bool) { return s.members.Get(id) }

// With are the members who sign in by a proven identity, those who have left too.
func (s *Service) With(identity string) []Member {
	return s.members.All(func(m Member) bool { return slices.Contains(m.Identities, identity) })
}

// Member satisfies halsocoach.Staff; it also knows those who have left.
func (s *Service) Member(_ context.Context, id string) (halsocoach.StaffMember, error) {
	m, ok := s.members.Get(id)
	if !ok {
		return halsocoach.StaffMember{}, halsocoach.ErrNotFound
	}
	return m.asStaff(), nil
}

// Coaches are those who work at the centre now, by name. It satisfies
// halsocoach.Staff.
func (s *Service) Coaches(_ context.Context, centre string) ([]halsocoach.StaffMember, error) {
	found := s.members.All(func(m Member) bool {
		return m.Role == halsocoach.RoleCoach && m.Centre == centre && m.Ended == ""
	})
	out := make([]halsocoach.StaffMember, len(found))
	for i, m := range byName(found) {
		out[i] = m.asStaff()
	}
	return out, nil
}

// Load reads the register of staff once, for a command that runs beside the service.
func (s *Service) Load(ctx context.Context) error { return s.members.Load(ctx) }

// StaffOf are the members of a kommun, or of the county for halsocoach.County,
// those who work here first.
func (s *Service) StaffOf(_ context.Context, who halsocoach.Actor, kommun string) ([]Member, error) {
	if err := s.allowStaffOf(who, kommun); err != nil {
		return nil, err
	}
	members := byName(s.members.All(func(m Member) bool { return halsocoach.CountyOr(m.Kommun) == kommun }))
	slices.SortStableFunc(members, func(a, b Member) int { return strings.Compare(string(a.Ended), string(b.Ended)) })
	return members, nil
}

// allowStaffOf: a kommun's administrator sees the kommun's own staff, the region
// everybody's.
func (s *Service) allowStaffOf(who halsocoach.Actor, kommun string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion, halsocoach.RoleSystem); err != nil {
		return err
	}
	if who.Role == halsocoach.RoleKommun && who.Kommun != kommun {
		return halsocoach.ErrNotFound
	}
	return nil
}

// Hire puts a member into the register, with the id it has or a new one. The
// same member again changes nothing; a member with other rights is changed and
// those bite at once.
func (s *Service) Hire(ctx context.Context, who halsocoach.Actor, m Member) (Member, error) {
	if !who.SignedIn() {
		return Member{}, halsocoach.ErrSignIn
	}
	if !mayManage(who, m.Role, m.Kommun) {
		return Member{}, halsocoach.ErrForbidden
	}
	if m.ID == "" {
		m.ID = halsocoach.NewID()
	}
	m.Name = strings.TrimSpace(m.Name)
	if err := halsocoach.Invalid(m.check()...); err != nil {
		return Member{}, err
	}
	return s.change(ctx, m.ID, true, func(have *Member) error {
		if have.ID != "" && !mayManage(who, have.Role, have.Kommun) {
			return halsocoach.ErrNotFound
		}
		m.Changed = have.Changed
		if m.Identities == nil {
			m.Identities = have.Identities
		}
		*have = m
		return nil
	})
}

// End closes a member's account: sessions end at once, and so do the links for
// the member and by them. The entry stays, so that the access log can still say
// who it was.
func (s *Service) End(ctx context.Context, who halsocoach.Actor, id string) (Member, error) {
	if err := s.AllowMember(who, id); err != nil {
		return Member{}, err
	}
	if who.ID == id {
		return Member{}, ErrYourself
	}
	m, err := s.change(ctx, id, false, func(m *Member) error {
		if m.Ended == "" {
			m.Ended = halsocoach.DayOf(s.cfg.Clock())
		}
		return nil
	})
	if err != nil {
		return Member{}, err
	}
	return m, s.forget(ctx, id, true)
}

// ErrYourself: somebody else has to close an administrator's own account.
var ErrYourself = halsocoach.Conflict("yourself", "Du kan inte avsluta ditt eget konto. Be en annan administratör.")

// AllowMember: an administrator decides over their own staff; others are not there.
func (s *Service) AllowMember(who halsocoach.Actor, id string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion, halsocoach.RoleSystem); err != nil {
		return err
	}
	m, ok := s.members.Get(id)
	if !ok || !mayManage(who, m.Role, m.Kommun) {
		return halsocoach.ErrNotFound
	}
	return nil
}

// change saves a member's entry with its events, and lets it bite: here before it
// returns, on the other nodes by nudge or within five seconds.
func (s *Service) change(ctx context.Context, id string, insert bool, do func(*Member) error, also ...halsocoach.Event) (Member, error) {
	write := s.docs.Update
	if insert {
		write = s.docs.Upsert
	}
	var changed bool
	m, err := write(ctx, id, func(m *Member) ([]halsocoach.Event, error) {
		before := *m
		if err := do(m); err != nil {
			return nil, err
		}
		if changed = !same(before, *m); !changed {
			return nil, nil
		}
		now := s.cfg.Clock()
		m.Changed = store.Later(now, before.Changed)
		return append([]halsocoach.Event{halsocoach.Happened("staff.changed", now, m.Kommun, id, nil)}, also...), nil
	})
	if err != nil {
		return Member{}, fmt.Errorf("change the staff register: %w", err)
	}
	if changed {
		s.members.Put(s.cfg.Bus, m)
	} else {
		s.members.Take(m)
	}
	return m, nil
}

// Tie lets the member sign in by a proven identity.
func (s *Service) Tie(ctx context.Context, id, identity string) error {
	m, _ := s.members.Get(id)
	_, err := s.change(ctx, id, false, func(m *Member) error {
		if !slices.Contains(m.Identities, identity) {
			m.Identities = append(slices.Clone(m.Identities), identity)
		}
		return nil
	}, halsocoach.Happened("staff.identity_tied", s.cfg.Clock(), m.Kommun, id, nil))
	return err
}

// Untie takes a proven identity from the member.
func (s *Service) Untie(ctx context.Context, id, identity string) error {
	m, _ := s.members.Get(id)
	_, err := s.change(ctx, id, false, func(m *Member) error {
		m.Identities = slices.DeleteFunc(slices.Clone(m.Identities), func(x string) bool { return x == identity })
		return nil
	}, halsocoach.Happened("staff.identity_untied", s.cfg.Clock(), m.Kommun, id, nil))
	return err
}

// Workplace is the name of the actor's unit or centre; "" when the register does
// not say.
func (s *Service) Workplace(ctx context.Context, who halsocoach.Actor) string {
	if s.cfg.Registers == nil {
		return ""
	}
	if who.Unit != "" {
		if u, err := s.cfg.Registers.Unit(ctx, who.Unit); err == nil {
			return u.Name
		}
	}
	if who.Centre != "" {
		if c, err := s.cfg.Registers.Centre(ctx, who.Centre); err == nil {
			return c.Name
		}
	}
	return ""
}
