package staff

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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

var memberKind = store.Kind{Name: "staff", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("id")}},
	{Name: "changed", Fields: []store.Field{store.D("changed")}},
	{Name: "identity", Fields: []store.Field{store.M("identities")}},
}}

// NameLimit is how many letters a name may have.
const NameLimit = 80

// check says what is wrong with a member as a form or command gave it.
func (m Member) check() (bad halsocoach.Faults) {
	bad.When(m.Name == "", "name", "Skriv ditt namn.")
	bad.When(utf8.RuneCountInString(m.Name) > NameLimit, "name", "Namnet får vara högst 80 tecken.")
	return bad
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

// same compares all but the time of the change.
func same(a, b Member) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Role == b.Role && a.Kommun == b.Kommun && a.Centre == b.Centre &&
		a.Unit == b.Unit && a.Ended == b.Ended && slices.Equal(a.Identities, b.Identities)
}
