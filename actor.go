package halsocoach

import (
	"log/slog"
	"strings"
)

// Role is what a signed-in account may be. An account has one.
type Role string

// The roles of the service.
const (
	RoleCitizen     Role = "citizen"     // invånare
	RoleCoach       Role = "coach"       // hälsocoach at one centre
	RoleCareCentre  Role = "carecentre"  // staff of a vårdcentral, recommends
	RoleAssociation Role = "association" // leader of a förening, recommends
	RoleKommun      Role = "kommun"      // administrator of one kommun
	RoleRegion      Role = "region"      // administrator of the region
	RoleFamily      Role = "family"      // coordinator of the family centres
	RoleOperator    Role = "operator"    // drift
	RoleSystem      Role = "system"      // the program itself: consumers, sweeps, commands
)

// Roles are those that a person can have.
var Roles = []Role{RoleCitizen, RoleCoach, RoleCareCentre, RoleAssociation, RoleKommun, RoleRegion, RoleFamily, RoleOperator}

// Actor is who asks. Every service method takes one, and decides on the object
// whether this actor may. The zero Actor is nobody: a visitor who has not
// signed in.
type Actor struct {
	ID      string `json:"id"` // a citizen's opaque person id, or a staff id
	Role    Role   `json:"role"`
	Name    string `json:"name"` // shown to people, never logged
	Kommun  string `json:"kommun,omitempty"`
	Centre  string `json:"centre,omitempty"` // coach
	Unit    string `json:"unit,omitempty"`   // care centre or association
	Session string `json:"-"`
	// Via is the staff id of who made the sign-in link that began the session,
	// when it was somebody else's link to an account that was there already:
	// what is done in it may have been done by either.
	Via string `json:"-"`
	// Scope is what a machine's token was given, in the words of SMART
	// ("system/Task.ru"), with spaces between; "" for people.
	Scope string `json:"-"`
}

// Granted says whether somebody may use a right (one of c, r, u, d, s) on a kind
// of resource as far as the scope of their token goes. People have none and are
// not bound by it.
func (a Actor) Granted(resource string, right rune) bool {
	if a.Scope == "" {
		return true
	}
	for _, one := range strings.Fields(a.Scope) {
		if rights, ok := strings.CutPrefix(one, "system/"+resource+"."); ok && strings.ContainsRune(rights, right) {
			return true
		}
	}
	return false
}

// System is the program acting by itself; part names which part ("chat relay").
func System(part string) Actor { return Actor{ID: "system:" + part, Role: RoleSystem} }

// SignedIn says whether anybody is there.
func (a Actor) SignedIn() bool { return a.ID != "" }

// Is says whether the actor has one of the roles.
func (a Actor) Is(roles ...Role) bool {
	for _, r := range roles {
		if a.Role == r {
			return true
		}
	}
	return false
}

// Staff says whether the actor is somebody who works here: their reads of a
// person's data are logged.
func (a Actor) Staff() bool {
	return a.SignedIn() && a.Role != RoleCitizen && a.Role != RoleSystem
}

// LogValue masks the person: a log line holds role, kommun and staff id, and
// for a citizen the role alone.
func (a Actor) LogValue() slog.Value {
	if !a.SignedIn() {
		return slog.StringValue("nobody")
	}
	if a.Role == RoleCitizen {
		return slog.GroupValue(slog.String("role", string(a.Role)))
	}
	return slog.GroupValue(slog.String("role", string(a.Role)), slog.String("id", a.ID), slog.String("kommun", a.Kommun))
}
