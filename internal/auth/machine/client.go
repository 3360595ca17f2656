package machine

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/internal/store"
)

// Client is a system that may ask for tokens. It acts for one care centre.
type Client struct {
	ID      string     `json:"id"`
	Unit    string     `json:"unit"`
	Kommun  string     `json:"kommun"`
	Name    string     `json:"name"`
	JWKS    string     `json:"jwks"` // its public keys, as they were given
	Scopes  []string   `json:"scopes"`
	By      string     `json:"by"` // staff id of who registered it
	Made    time.Time  `json:"made"`
	Changed time.Time  `json:"changed"`
	Ended   *time.Time `json:"ended,omitempty"`
}

var clientKind = store.Kind{Name: "machine_client", NoPerson: true, Indexes: []store.Index{
	{Name: "changed", Fields: []store.Field{store.D("changed")}},
}}

// Kinds are the package's documents.
func Kinds() []store.Kind { return []store.Kind{clientKind} }

// Scopes are all that a client can be given. They are those of SMART 2: c, r and
// u are to create, read and update.
var Scopes = []string{"system/ServiceRequest.cru", "system/Task.ru"}

// Account is the id under which the clients of a care centre act.
func Account(unit string) string { return "machine:" + unit }

// actor is who the client acts as.
func (c Client) actor() halsocoach.Actor {
	return halsocoach.Actor{ID: Account(c.Unit), Role: halsocoach.RoleCareCentre, Name: c.Name, Kommun: c.Kommun, Unit: c.Unit}
}

const (
	nameLimit = 80
	jwksLimit = 16 << 10
	keysLimit = 8
)

// NewClient is what an administrator writes of a client.
type NewClient struct {
	Unit, Name, JWKS string
	Scopes           []string
}

// judge is each answer to mend, in the form's order. Whether the unit exists is
// for the service.
func (w NewClient) judge() error {
	var bad halsocoach.Faults
	bad.When(w.Unit == "", "unit", "Välj vilken vårdcentral systemet hör till.")
	bad.When(w.Name == "", "name", "Skriv vad systemet heter.")
	bad.When(utf8.RuneCountInString(w.Name) > nameLimit, "name", "Namnet får vara högst 80 tecken.")
	if _, err := parseKeys(w.JWKS); err != nil {
		bad.When(true, "jwks", err.Error())
	}
	unknown := slices.ContainsFunc(w.Scopes, func(s string) bool { return !slices.Contains(Scopes, s) })
	bad.When(len(w.Scopes) == 0 || unknown, "scopes", "Välj vad systemet får göra.")
	return halsocoach.Invalid(bad...)
}

// granted is what a token for the asked scopes is given: each must lie within one
// of the client's. Nothing asked is all.
func (c Client) granted(asked string) (string, bool) {
	all := strings.Fields(asked)
	if len(all) == 0 {
		return strings.Join(c.Scopes, " "), true
	}
	for _, one := range all {
		if !slices.ContainsFunc(c.Scopes, func(has string) bool { return within(one, has) }) {
			return "", false
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " "), true
}

// within says whether a scope asks for a part of another: the same resource, and
// some of its rights in their order.
func within(asked, has string) bool {
	resource, rights, ok := strings.Cut(asked, ".")
	all, mine, _ := strings.Cut(has, ".")
	if !ok || resource != all || rights == "" {
		return false
	}
	for _, r := range rights {
		i := strings.IndexRune(mine, r)
		if i < 0 {
			return false
		}
		mine = mine[i+1:]
	}
	return true
}
