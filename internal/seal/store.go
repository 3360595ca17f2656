package seal

import "halsocoach/internal/store"

// The kinds of the key store. A key's id is the person's; a number's id is its
// keyed hash, so that the insert itself is the claim on it.
var (
	keyKind    = store.Kind{Name: "keys", Indexes: []store.Index{byPerson}}
	numberKind = store.Kind{Name: "numbers", Indexes: []store.Index{byPerson}}
	nameKind   = store.Kind{Name: "names", Indexes: []store.Index{byPerson, {Name: "word", Fields: []store.Field{store.M("words")}}}}
	checkKind  = store.Kind{Name: "check", NoPerson: true}

	byPerson = store.Index{Name: "person", Fields: []store.Field{store.T("person")}}
)

// Kinds are those of the key store, which is apart from the data.
func Kinds() []store.Kind { return []store.Kind{keyKind, numberKind, nameKind, checkKind} }

// keyDoc is a person's data key, wrapped. Once destroyed the document stays
// without it, so that the id is never taken for a living one.
type keyDoc struct {
	Person string `json:"person"`
	Key    []byte `json:"key,omitempty"`
}

// numberDoc ties the keyed hash of a number to a person.
type numberDoc struct {
	Person string `json:"person"`
}

// nameDoc holds the keyed hashes of a name's words and their beginnings, for
// one person at one centre.
type nameDoc struct {
	Person string   `json:"person"`
	Words  []string `json:"words"`
}

// checkDoc tells whether the master key is the right one.
type checkDoc struct {
	Box []byte `json:"box"`
}
