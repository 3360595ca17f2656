package seal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/tink"

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

// The faults of sealing.
var (
	// ErrGone: the person's key has been destroyed, or there never was one.
	ErrGone error = halsocoach.NotFound("Uppgifterna om personen är borttagna.")
	// ErrTied: the number belongs to another person.
	ErrTied error = halsocoach.Conflict("number_tied", "Identitetsnumret hör redan till en annan person.")
	// ErrBox: the box is not whole, or is another person's or purpose's.
	ErrBox = errors.New("seal: the box does not open")
	// ErrOtherMaster: the key store was made with another master key.
	ErrOtherMaster = errors.New("seal: the key file is not the one that the key store was made with")
	// ErrToken: not a token of this purpose.
	ErrToken = errors.New("seal: not a token of this purpose")
)

// Sealer seals and opens. All methods are safe for concurrent use.
type Sealer struct {
	outer   outer
	hashes  hashes
	cache   *cache
	dirty   atomic.Bool // destroyed keys may linger in the store's log
	docs    store.Store
	keys    store.Collection[keyDoc]
	numbers store.Collection[numberDoc]
	names   store.Collection[nameDoc]
	secrets store.Collection[secretDoc]
	nodes   store.Collection[nodeDoc]
	saying  sync.Mutex
	node    nodeDoc // as it was last said

	onDestroy func(person string)
}

// Open makes a Sealer over the key store, which must have been opened with
// Kinds. A key store that was made with another master key is ErrOtherMaster:
// better at the start than at the first name.
func Open(ctx context.Context, keys store.Store, master Master, clock halsocoach.Clock) (*Sealer, error) {
	s := &Sealer{
		cache: newCache(clock, cacheTime, cacheSize), docs: keys, node: newNode(),
		keys: store.In[keyDoc](keys, keyKind), numbers: store.In[numberDoc](keys, numberKind), names: store.In[nameDoc](keys, nameKind),
		secrets: store.In[secretDoc](keys, secretKind), nodes: store.In[nodeDoc](keys, nodeKind),
	}
	s.outer.rings, s.outer.clock, s.outer.master = store.In[ringDoc](keys, outerKind), clock, master
	if err := s.outer.open(ctx); err != nil {
		return nil, err
	}
	if err := s.openHashes(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// boxVersion is the first byte of a box: AES-256-GCM with the person's data
// key, bound to person and purpose.
const boxVersion = 1

// Seal closes plain for the person, bound to a purpose ("referral.name"): the
// box opens with the same person and purpose only. Without a key it is ErrGone.
func (s *Sealer) Seal(ctx context.Context, person, purpose, plain string) (Sealed, error) {
	if plain == "" {
		return nil, nil
	}
	key, err := s.key(ctx, person)
	if err != nil {
		return nil, err
	}
	box, err := key.Encrypt([]byte(plain), bound(person, purpose))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return append(Sealed{boxVersion}, box...), nil
}

// Open opens a box. A destroyed key is ErrGone, anything else that does not fit
// is ErrBox.
func (s *Sealer) Open(ctx context.Context, person, purpose string, box Sealed) (string, error) {
	if len(box) == 0 {
		return "", nil
	}
	key, err := s.key(ctx, person)
	if err != nil {
		return "", err
	}
	return unbox(key, person, purpose, box)
}

// OpenMany opens boxes with at most one question to the key store, in their
// order; "" for an empty box and for a destroyed key.
func (s *Sealer) OpenMany(ctx context.Context, boxes []Box) ([]string, error) {
	persons := make([]string, 0, len(boxes))
	for _, b := range boxes {
		if len(b.Sealed) > 0 {
			persons = append(persons, b.Person)
		}
	}
	keys, err := s.keysOf(ctx, persons)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(boxes))
	for i, b := range boxes {
		key := keys[b.Person]
		if len(b.Sealed) == 0 || key == nil {
			continue
		}
		if out[i], err = unbox(key, b.Person, b.Purpose, b.Sealed); err != nil {
			return nil, fmt.Errorf("box %d (%s): %w", i, b.Purpose, err)
		}
	}
	return out, nil
}

func unbox(key tink.AEAD, person, purpose string, box Sealed) (string, error) {
	if box[0] != boxVersion {
		return "", fmt.Errorf("%w: version %d", ErrBox, box[0])
	}
	plain, err := key.Decrypt(box[1:], bound(person, purpose))
	if err != nil {
		return "", ErrBox
	}
	return string(plain), nil
}

// bound is the associated data of a box. The length keeps the two from running
// into each other.
func bound(person, purpose string) []byte {
	b := binary.AppendUvarint(make([]byte, 0, 2+len(person)+len(purpose)), uint64(len(person)))
	return append(append(b, person...), purpose...)
}
