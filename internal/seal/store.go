package seal

import (
	"time"

	"halsocoach/internal/store"
)

// The kinds of the key store. A key's id is the person's; a number's id is its
// keyed hash, so that the insert itself is the claim on it.
var (
	keyKind    = store.Kind{Name: "keys", Indexes: []store.Index{byPerson}}
	numberKind = store.Kind{Name: "numbers", Indexes: []store.Index{byPerson}}
	nameKind   = store.Kind{Name: "names", Indexes: []store.Index{byPerson, {Name: "word", Fields: []store.Field{store.M("words")}}}}
	secretKind = store.Kind{Name: "secrets", NoPerson: true, Indexes: []store.Index{byGroup}}
	outerKind  = store.Kind{Name: "outer", NoPerson: true}
	nodeKind   = store.Kind{Name: NodeKind, NoPerson: true}

	byPerson = store.Index{Name: "person", Fields: []store.Field{store.T("person")}}
	byGroup  = store.Index{Name: "group", Fields: []store.Field{store.T("group")}}
)

// NodeKind is the kind of what the running nodes say of themselves: of no use in
// a copy.
const NodeKind = "nodes"

// Kinds are those of the key store, which is apart from the data.
func Kinds() []store.Kind {
	return []store.Kind{keyKind, numberKind, nameKind, secretKind, outerKind, nodeKind}
}

// keyDoc is a person's data key, wrapped. Once destroyed the document stays
// without it, so that the id is never taken for a living one.
type keyDoc struct {
	Person string `json:"person"`
	Key    []byte `json:"key,omitempty"`
	Outer  string `json:"outer,omitempty"` // what it is wrapped by
}

// numberDoc ties the keyed hash of a number to a person.
type numberDoc struct {
	Person string `json:"person"`
	// Coordination is set for a samordningsnummer, which another number may follow.
	Coordination bool `json:"coordination,omitempty"`
}

// nameDoc holds the keyed hashes of a name's words and their beginnings, for
// one person at one centre.
type nameDoc struct {
	Person string   `json:"person"`
	Words  []string `json:"words"`
}

// secretDoc is a secret of the installation itself, wrapped.
type secretDoc struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	Key   []byte `json:"key"`
	Outer string `json:"outer"`
}

// ringDoc, id "ring", says which outer keys have been used, in that order.
type ringDoc struct {
	Keys []outerDoc `json:"keys"`
}

// outerDoc is one of them. The key itself is in the key file only.
type outerDoc struct {
	ID      string     `json:"id"`
	Made    *time.Time `json:"made,omitempty"`
	Since   time.Time  `json:"since"` // it wraps from here on, until the next one does
	Retired *time.Time `json:"retired,omitempty"`
}

// nodeDoc is what a running program says of itself about once a minute.
type nodeDoc struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"` // of the machine, and the process
	Knows []string  `json:"knows"`
	Uses  string    `json:"uses"`
	Seen  time.Time `json:"seen"`
}
