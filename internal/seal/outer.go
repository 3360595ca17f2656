package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"halsocoach"
	"halsocoach/internal/store"
)

// outer is the outer keys as this node knows them. Which of them wraps is said
// by the key store, not by the file: so all nodes change at one time, after all
// of them have the key.
type outer struct {
	rings store.Collection[ringDoc]
	clock halsocoach.Clock
	now   atomic.Pointer[ring]

	mu     sync.Mutex // who looks
	master Master
	looked time.Time
}

// ring is what there was at one look.
type ring struct {
	keys  map[string]tink.AEAD
	knows []string // ids of the file, the first first
	uses  string   // the one that wraps
}

const ringID = "ring"

// current is the key that wraps.
func (d ringDoc) current() string { return d.Keys[len(d.Keys)-1].ID }

func (d ringDoc) find(id string) *outerDoc {
	if i := slices.IndexFunc(d.Keys, func(k outerDoc) bool { return k.ID == id }); i >= 0 {
		return &d.Keys[i]
	}
	return nil
}

// take makes doc and the keys of the file the ring. A file without a key that
// may be needed is ErrOtherMaster.
func (o *outer) take(m Master, doc ringDoc) error {
	for _, k := range doc.Keys {
		if k.Retired == nil && !m.has(k.ID) {
			return fmt.Errorf("%w: it lacks the outer key %s", ErrOtherMaster, k.ID)
		}
	}
	r := &ring{keys: map[string]tink.AEAD{}, knows: m.ids(), uses: doc.current()}
	for _, k := range m.outer {
		w, err := k.wrapper()
		if err != nil {
			return err
		}
		r.keys[k.id] = w
	}
	o.master = m
	o.now.Store(r)
	return nil
}

// look reads the key file and the key store again. A file that can not be read,
// or is not the right one, changes nothing.
func (o *outer) look(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lookAgain(ctx)
}

func (o *outer) lookAgain(ctx context.Context) error {
	doc, err := o.rings.Get(ctx, ringID)
	if err != nil {
		return fmt.Errorf("seal: read the outer keys: %w", err)
	}
	o.looked = time.Now()
	m, ferr := readKeyFile(o.master.path)
	if ferr == nil {
		ferr = o.take(m, doc)
	}
	if ferr == nil {
		return nil
	}
	return errors.Join(ferr, o.take(o.master, doc)) // with the keys of before
}

// key is an outer key, looked for in the file when it is new here. Looking is
// done at most once a second.
func (o *outer) key(ctx context.Context, id string) (tink.AEAD, error) {
	if k := o.now.Load().keys[id]; k != nil {
		return k, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var err error
	if k := o.now.Load().keys[id]; k == nil && time.Since(o.looked) >= time.Second {
		err = o.lookAgain(ctx)
	}
	if k := o.now.Load().keys[id]; k != nil {
		return k, nil
	}
	return nil, errors.Join(fmt.Errorf("seal: the key file lacks the outer key %s", id), err)
}

// wrap closes a key with the outer key that wraps now.
func (o *outer) wrap(key []byte, bound string) (box []byte, id string, err error) {
	r := o.now.Load()
	if box, err = r.keys[r.uses].Encrypt(key, []byte(bound)); err != nil {
		return nil, "", fmt.Errorf("seal: %w", err)
	}
	return box, r.uses, nil
}

// unwrap opens what wrap has closed.
func (o *outer) unwrap(ctx context.Context, id string, box []byte, bound string) ([]byte, error) {
	k, err := o.key(ctx, id)
	if err != nil {
		return nil, err
	}
	return opened(k, box, bound)
}

// unwrapKnown is unwrap without looking for a key that is not known here.
func (o *outer) unwrapKnown(id string, box []byte, bound string) ([]byte, error) {
	k := o.now.Load().keys[id]
	if k == nil {
		return nil, fmt.Errorf("seal: the key file lacks the outer key %s", id)
	}
	return opened(k, box, bound)
}

func opened(k tink.AEAD, box []byte, bound string) ([]byte, error) {
	plain, err := k.Decrypt(box, []byte(bound))
	if err != nil {
		return nil, fmt.Errorf("seal: the key of %s does not unwrap", bound)
	}
	return plain, nil
}

// file is the key file as it was last read.
func (o *outer) file() Master {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.master
}

// open reads which outer keys the key store was made with, or writes the file's
// first into a new one.
func (o *outer) open(ctx context.Context) error {
	if len(o.master.outer) == 0 {
		return errors.New("seal: no master key")
	}
	doc := ringDoc{Keys: []outerDoc{{ID: o.master.outer[0].id, Since: o.clock().UTC()}}}
	err := o.rings.Insert(ctx, ringID, doc)
	if errors.Is(err, store.ErrConflict) {
		doc, err = o.rings.Get(ctx, ringID)
	}
	if err != nil {
		return fmt.Errorf("seal: open the key store: %w", err)
	}
	return o.take(o.master, doc)
}
