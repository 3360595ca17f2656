package auth

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Member is one of the staff.
type Member struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Role       halsocoach.Role `json:"role"`
	Kommun     string          `json:"kommun,omitempty"`
	Centre     string          `json:"centre,omitempty"` // of a coach
	Unit       string          `json:"unit,omitempty"`   // of who recommends
	Ended      halsocoach.Day  `json:"ended,omitempty"`  // "" = works here
	Identities []string        `json:"identities,omitempty"`
	Changed    time.Time       `json:"changed"`
}

var staffKind = store.Kind{Name: "staff", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("id")}},
	{Name: "changed", Fields: []store.Field{store.D("changed")}},
	{Name: "identity", Fields: []store.Field{store.M("identities")}},
}}

const nameLimit = 80

// check says what is wrong with a member as a form or command gave it.
func (m Member) check() (fields []halsocoach.Field) {
	if m.Name == "" {
		fields = append(fields, halsocoach.Field{Name: "name", Text: "Skriv ditt namn."})
	} else if len([]rune(m.Name)) > nameLimit {
		fields = append(fields, halsocoach.Field{Name: "name", Text: "Namnet får vara högst 80 tecken."})
	}
	return fields
}

// mayManage says whether the actor decides over members with this role in this
// kommun. A kommun's administrator decides over the kommun's own; only the
// program itself makes operators.
func mayManage(who halsocoach.Actor, role halsocoach.Role, kommun string) bool {
	switch who.Role {
	case halsocoach.RoleSystem:
		return role != halsocoach.RoleSystem && role != halsocoach.RoleCitizen && slices.Contains(halsocoach.Roles, role)
	case halsocoach.RoleRegion:
		return local(role) || role == halsocoach.RoleRegion || role == halsocoach.RoleFamily
	case halsocoach.RoleKommun:
		return local(role) && kommun == who.Kommun
	}
	return false
}

// local says whether the role belongs to one kommun.
func local(role halsocoach.Role) bool {
	switch role {
	case halsocoach.RoleCoach, halsocoach.RoleCareCentre, halsocoach.RoleAssociation, halsocoach.RoleKommun:
		return true
	}
	return false
}

// asStaff is the member as other packages see them.
func (m Member) asStaff() halsocoach.StaffMember {
	return halsocoach.StaffMember{ID: m.ID, Name: m.Name, Role: m.Role, Kommun: m.Kommun, Centre: m.Centre, Ended: m.Ended != ""}
}

// Member satisfies halsocoach.Staff; it also knows those who have left.
func (s *Service) Member(_ context.Context, id string) (halsocoach.StaffMember, error) {
	m, ok := s.staff.Get(id)
	if !ok {
		return halsocoach.StaffMember{}, halsocoach.ErrNotFound
	}
	return m.asStaff(), nil
}

// Coaches are those who work at the centre now, by name. It satisfies
// halsocoach.Staff.
func (s *Service) Coaches(_ context.Context, centre string) ([]halsocoach.StaffMember, error) {
	found := s.staff.All(func(m Member) bool {
		return m.Role == halsocoach.RoleCoach && m.Centre == centre && m.Ended == ""
	})
	out := make([]halsocoach.StaffMember, len(found))
	for i, m := range byName(found) {
		out[i] = m.asStaff()
	}
	return out, nil
}

// byName sorts as Swedish does, and by id between namesakes.
func byName(members []Member) []Member {
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(strings.Compare(alphabet(a.Name), alphabet(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return members
}

// alphabet makes å, ä and ö come after z, in that order.
func alphabet(name string) string {
	return strings.NewReplacer("å", "{", "ä", "|", "ö", "}", "é", "e", "ü", "y").Replace(strings.ToLower(name))
}

// Load reads the register of staff once, for a command that runs beside the service.
func (s *Service) Load(ctx context.Context) error { return s.staff.Load(ctx) }

// StaffOf are the members of a kommun, or of the county for halsocoach.County,
// those who work here first.
func (s *Service) StaffOf(_ context.Context, who halsocoach.Actor, kommun string) ([]Member, error) {
	if err := s.allowStaffOf(who, kommun); err != nil {
		return nil, err
	}
	members := byName(s.staff.All(func(m Member) bool { return halsocoach.CountyOr(m.Kommun) == kommun }))
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
	if err := s.allowMember(who, id); err != nil {
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

func (s *Service) allowMember(who halsocoach.Actor, id string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion, halsocoach.RoleSystem); err != nil {
		return err
	}
	m, ok := s.staff.Get(id)
	if !ok || !mayManage(who, m.Role, m.Kommun) {
		return halsocoach.ErrNotFound
	}
	return nil
}

// change saves a member's entry with its events, and lets it bite: here before it
// returns, on the other nodes by nudge or within five seconds.
func (s *Service) change(ctx context.Context, id string, insert bool, do func(*Member) error, also ...halsocoach.Event) (Member, error) {
	write := s.members.Update
	if insert {
		write = s.members.Upsert
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
		m.Changed = Later(now, before.Changed)
		return append([]halsocoach.Event{halsocoach.Happened("auth.staff_changed", now, m.Kommun, id, nil)}, also...), nil
	})
	if err != nil {
		return Member{}, fmt.Errorf("change the staff register: %w", err)
	}
	if changed {
		s.staff.Put(s.cfg.Bus, m)
	} else {
		s.staff.take(m)
	}
	return m, nil
}

// same compares all but the time of the change.
func same(a, b Member) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Role == b.Role && a.Kommun == b.Kommun && a.Centre == b.Centre &&
		a.Unit == b.Unit && a.Ended == b.Ended && slices.Equal(a.Identities, b.Identities)
}
