package seal

import (
	"context"
	"errors"

	"halsocoach"
	"halsocoach/internal/store"
)

// Sealed is a box: base64 in JSON, nil for "".
type Sealed []byte

// Box is a sealed text with what is needed to open it.
type Box struct {
	Person, Purpose string
	Sealed          Sealed
}

// Master is the key that wraps all others.
type Master struct{ secret [32]byte }

// Sealer seals and opens.
type Sealer struct{}

// Tokens seals small texts that are not personal, such as cursors.
type Tokens struct{}

var errNoKey = errors.New("seal: no key")

// Kinds are those of the key store.
func Kinds() []store.Kind { return nil }

// KeyFile reads the master key, and makes it when the file is missing.
func KeyFile(path string) (Master, error) { return Master{}, errNoKey }

// Open makes a Sealer over the key store.
func Open(ctx context.Context, keys store.Store, master Master, clock halsocoach.Clock) (*Sealer, error) {
	return nil, errNoKey
}

// Person finds or makes the person behind a number.
func (s *Sealer) Person(ctx context.Context, n halsocoach.Number) (string, error) {
	return "", errNoKey
}

// Lookup finds the person behind a number.
func (s *Sealer) Lookup(ctx context.Context, n halsocoach.Number) (person string, found bool, err error) {
	return "", false, errNoKey
}

// NewPerson makes a person without a number.
func (s *Sealer) NewPerson(ctx context.Context) (string, error) { return "", errNoKey }

// Link ties a number to a person.
func (s *Sealer) Link(ctx context.Context, person string, n halsocoach.Number) error {
	return errNoKey
}

// Seal closes a text for a person and a purpose.
func (s *Sealer) Seal(ctx context.Context, person, purpose, plain string) (Sealed, error) {
	return nil, errNoKey
}

// Open opens a box.
func (s *Sealer) Open(ctx context.Context, person, purpose string, box Sealed) (string, error) {
	return "", errNoKey
}

// OpenMany opens boxes with one question to the key store.
func (s *Sealer) OpenMany(ctx context.Context, boxes []Box) ([]string, error) { return nil, errNoKey }

// Destroy makes all that was sealed for the person unreadable.
func (s *Sealer) Destroy(ctx context.Context, person string) error { return errNoKey }

// IndexName makes the person findable by name at a centre.
func (s *Sealer) IndexName(ctx context.Context, centre, person, name string) error { return errNoKey }

// SearchName finds persons by the beginnings of their names' words.
func (s *Sealer) SearchName(ctx context.Context, centre, query string) ([]string, error) {
	return nil, errNoKey
}

// Token seals small texts that are not personal.
func (s *Sealer) Token(purpose string) Tokens { return Tokens{} }

// Encrypt closes plain; the token may stand in a URL.
func (t Tokens) Encrypt(plain []byte) string { return "" }

// Decrypt opens a token of the same purpose.
func (t Tokens) Decrypt(token string) ([]byte, error) { return nil, errNoKey }
