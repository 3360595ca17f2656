package person

import (
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Person is what has been said of one id.
type Person struct {
	ID        string      `json:"id"`
	Protected *Protection `json:"protected,omitempty"`
	Same      *Join       `json:"same,omitempty"`
	Joined    []string    `json:"joined,omitempty"` // ids that may point here with Same
}

// near are the ids that may be the same person.
func (p Person) near() []string {
	if p.Same == nil {
		return p.Joined
	}
	return append(slices.Clone(p.Joined), p.Same.To)
}

// Protection is that a person has protected identity.
type Protection struct {
	Since time.Time `json:"since"`
	By    string    `json:"by"` // staff id, or the person's own id
	Where Where     `json:"where"`
}

// Where is the way in which protected identity became known.
type Where string

// The ways.
const (
	AtSignIn       Where = "sign-in"        // the provider's claim
	ByRecommending Where = "recommendation" // the sender, the citizen or a FHIR label says so
	ByStaff        Where = "staff"          // a coach or an administrator
	ByCitizen      Where = "citizen"        // the person's own word on a page
)

// Join is that an id is the same person as another one.
type Join struct {
	To string    `json:"to"`
	At time.Time `json:"at"`
	By string    `json:"by"` // staff id
}

// Identity is one person as others may know them.
type Identity struct {
	// IDs are all ids of the person, the one that was asked about among them, in
	// order. What is about the person may be stored under any of them.
	IDs []string
	// Protected says that the person has protected identity, under any of the ids.
	Protected bool
	// Joins are what made the ids one, the latest first.
	Joins []Joined
}

// Joined is one Join with the id that it can be parted by.
type Joined struct {
	ID string
	Join
}

// Has says whether id is one of the person's.
func (i Identity) Has(id string) bool { return slices.Contains(i.IDs, id) }

// Key is the same for all ids of one person, and another for another person.
func (i Identity) Key() string { return i.IDs[0] }

// MostIDs bounds how many ids one person can have.
const MostIDs = 8

var kind = store.Kind{Name: "persons", Indexes: []store.Index{{Name: "person", Fields: []store.Field{store.T("id")}}}}

// Kinds are those of the package.
func Kinds() []store.Kind { return []store.Kind{kind} }

// The faults of the package.
var (
	ErrTwoNumbers = halsocoach.Conflict("two_numbers", "Båda har personnummer, och då är de två olika personer.")
	ErrTooManyIDs = halsocoach.Conflict("too_many_ids", "Personen är redan ihopförd med så många andra som går.")
	ErrNotJoined  = halsocoach.NotFound("De är inte ihopförda.")
)

// EventChanged says that somebody is protected or no longer is, or is one with
// another id or no longer is. It names nobody, and neither does its subject: whoever
// keeps numbers looks at all of whom something has been said.
const EventChanged = "person.changed"

func changed(at time.Time) []halsocoach.Event {
	return []halsocoach.Event{halsocoach.Happened(EventChanged, at, halsocoach.County, halsocoach.NewID(), nil)}
}

// identities reads who is who among the documents of docs: for each of ids, all
// ids that hang together with it.
func identities(docs map[string]Person, ids []string) map[string]Identity {
	out := make(map[string]Identity, len(ids))
	for _, id := range ids {
		if _, done := out[id]; done {
			continue
		}
		one := together(docs, id)
		for _, member := range one.IDs {
			out[member] = one
		}
	}
	return out
}

// together is the person whom id belongs to.
func together(docs map[string]Person, id string) Identity {
	one := Identity{IDs: []string{id}}
	for at := 0; at < len(one.IDs); at++ {
		p := docs[one.IDs[at]]
		if p.Same != nil {
			one.Joins = append(one.Joins, Joined{ID: p.ID, Join: *p.Same})
		}
		for _, other := range p.near() {
			if !one.Has(other) && linked(docs, p.ID, other) {
				one.IDs = append(one.IDs, other)
			}
		}
		one.Protected = one.Protected || p.Protected != nil
	}
	slices.Sort(one.IDs)
	slices.SortFunc(one.Joins, func(a, b Joined) int { return b.At.Compare(a.At) })
	return one
}

// linked says whether one of the two points at the other.
func linked(docs map[string]Person, a, b string) bool {
	pa, pb := docs[a], docs[b]
	return pa.Same != nil && pa.Same.To == b || pb.Same != nil && pb.Same.To == a
}

// root is the id of the person that points at no other.
func (i Identity) root() string {
	for _, id := range i.IDs {
		if !slices.ContainsFunc(i.Joins, func(j Joined) bool { return j.ID == id }) {
			return id
		}
	}
	return i.IDs[0]
}
