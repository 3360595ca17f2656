package signing

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
)

// Ring is the set of signing keys, which lie in the key store as secrets of
// the installation, so that all nodes have the same. All of them verify; the one
// that was last to begin signs. A new one begins when every node has read it.
type Ring struct {
	seal    *seal.Sealer
	clock   halsocoach.Clock
	longest time.Duration // that a session may last

	reading sync.Mutex // one reads at a time, and who waits has its answer
	asked   time.Time  // when that was last done for an unknown key
	mu      sync.RWMutex
	keys    []key // by the time they begin
}

// key is a key and when it signs.
type key struct {
	kid  string
	made time.Time
	from time.Time
	key  ed25519.PrivateKey
}

// keyForm is how a signing key lies in its box.
type keyForm struct {
	Made time.Time `json:"made"`
	From time.Time `json:"from"`
	Seed []byte    `json:"seed"`
}

// Key is what an operator sees of one.
type Key struct {
	ID    string
	Made  time.Time
	From  time.Time // signs from here on
	Until time.Time // verifies until then, and is removed; zero while none comes after it
	Signs bool      // now
}

const (
	keyGroup = "signing"
	// readEvery is how often a node reads the keys: a revoked one is refused
	// everywhere within five seconds.
	readEvery = 4 * time.Second
	// publishFor is how long a new key is in the key store before it signs.
	publishFor = 2 * time.Minute
	// rereadEvery bounds how often tokens with unknown key ids make a node ask.
	rereadEvery = 5 * time.Second
	// margin is what a key verifies beyond the last session that it may have
	// signed: for clocks that differ, and the answers of interrupted forms.
	margin    = time.Hour
	readLimit = 5 * time.Second
)

// Open reads the keys, and makes the first one in an empty key store: the
// same one, however many nodes start. Longest is the longest session that any
// node may begin.
func Open(ctx context.Context, sealer *seal.Sealer, clock halsocoach.Clock, longest time.Duration) (*Ring, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*readLimit)
	defer cancel()
	k := &Ring{seal: sealer, clock: clock, longest: longest}
	if err := k.Reload(ctx); err != nil {
		return nil, err
	}
	if len(k.keys) > 0 {
		return k, nil
	}
	now := clock()
	if err := k.add(ctx, "first", now, now); err != nil {
		return nil, err
	}
	return k, k.Reload(ctx)
}

// add puts a new key into the key store, unless one of its id is there.
func (k *Ring) add(ctx context.Context, kid string, made, from time.Time) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err == nil {
		var body []byte
		if body, err = json.Marshal(keyForm{made.UTC(), from.UTC(), private.Seed()}); err == nil {
			_, err = k.seal.KeepSecret(ctx, keyGroup, kid, body)
		}
	}
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	return nil
}

// newKid begins with the time, so that a list of keys reads well.
func newKid(now time.Time) string {
	var tail [4]byte
	rand.Read(tail[:])
	return now.UTC().Format(kidTime) + "-" + hex.EncodeToString(tail[:])
}

const kidTime = "20060102T150405.000Z"

// Reload reads the keys, and removes those that have served.
func (k *Ring) Reload(ctx context.Context) error {
	k.reading.Lock()
	defer k.reading.Unlock()
	return k.read(ctx)
}

func (k *Ring) read(ctx context.Context) error {
	now := k.clock()
	secrets, err := k.seal.Secrets(ctx, keyGroup)
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	var keys []key
	for kid, body := range secrets {
		var f keyForm
		if err := json.Unmarshal(body, &f); err != nil || len(f.Seed) != ed25519.SeedSize {
			return fmt.Errorf("read the signing keys: %s is not one", kid)
		}
		keys = append(keys, key{kid, f.Made, f.From, ed25519.NewKeyFromSeed(f.Seed)})
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(a.from.Compare(b.from), strings.Compare(a.kid, b.kid)) })
	for len(keys) > 1 && now.After(k.served(keys[1])) {
		if err := k.seal.DropSecret(ctx, keyGroup, keys[0].kid); err != nil {
			return err
		}
		keys = keys[1:]
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = keys
	return nil
}

// served is when the key before next has verified its last session.
func (k *Ring) served(next key) time.Time { return next.from.Add(k.longest + margin) }

// Signer is the key that signs now.
func (k *Ring) Signer() (kid string, key ed25519.PrivateKey) {
	now := k.clock()
	k.mu.RLock()
	defer k.mu.RUnlock()
	s := k.keys[signing(k.keys, now)]
	return s.kid, s.key
}

// signing is the place of the last key that has begun.
func signing(keys []key, now time.Time) int {
	for i := len(keys) - 1; i > 0; i-- {
		if !keys[i].from.After(now) {
			return i
		}
	}
	return 0
}

func (k *Ring) find(kid string) (key, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	i := slices.IndexFunc(k.keys, func(s key) bool { return s.kid == kid })
	if i < 0 {
		return key{}, false
	}
	return k.keys[i], true
}

// Has says whether the key is still in the set.
func (k *Ring) Has(kid string) bool {
	_, ok := k.find(kid)
	return ok
}

// Public finds the key of a token, and asks the key store for one that another
// node may have made.
func (k *Ring) Public(kid string) (ed25519.PublicKey, bool) {
	key, ok := k.find(kid)
	if !ok && k.readFor(kid) {
		key, ok = k.find(kid)
	}
	if !ok {
		return nil, false
	}
	return key.key.Public().(ed25519.PublicKey), true
}

// readFor reads again, unless that was done a moment ago or while this waited.
func (k *Ring) readFor(kid string) bool {
	k.reading.Lock()
	defer k.reading.Unlock()
	if k.Has(kid) {
		return true
	}
	now := k.clock()
	if age := now.Sub(k.asked); age >= 0 && age < rereadEvery {
		return false
	}
	k.asked = now
	ctx, cancel := context.WithTimeout(context.Background(), readLimit)
	defer cancel()
	return k.read(ctx) == nil
}

// Follow reads the keys again every few seconds until ctx ends.
func (k *Ring) Follow(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		once, cancel := context.WithTimeout(ctx, readLimit)
		err := k.Reload(once)
		cancel()
		if err != nil && !failing && ctx.Err() == nil {
			log.Error("signing keys not read again; those of before are used", "error", err)
		}
		failing = err != nil
	}
}

// List are all keys that verify, those that began first first.
func (k *Ring) List(ctx context.Context) ([]Key, error) {
	if err := k.Reload(ctx); err != nil {
		return nil, err
	}
	now := k.clock()
	k.mu.RLock()
	defer k.mu.RUnlock()
	out := make([]Key, len(k.keys))
	for i, s := range k.keys {
		out[i] = Key{ID: s.kid, Made: s.made, From: s.from, Signs: i == signing(k.keys, now)}
		if i+1 < len(k.keys) {
			out[i].Until = k.served(k.keys[i+1])
		}
	}
	return out, nil
}

// Add makes a new key, which signs when all nodes have read it, in two minutes.
func (k *Ring) Add(ctx context.Context) (Key, error) { return k.addFrom(ctx, publishFor) }

// AddNow makes a new key that signs at once. A node that does not know it yet
// asks for it, but at most every five seconds.
func (k *Ring) AddNow(ctx context.Context) (Key, error) { return k.addFrom(ctx, 0) }

func (k *Ring) addFrom(ctx context.Context, later time.Duration) (Key, error) {
	now := k.clock().UTC()
	out := Key{ID: newKid(now), Made: now, From: now.Add(later)}
	if err := k.add(ctx, out.ID, out.Made, out.From); err != nil {
		return Key{}, err
	}
	return out, k.Reload(ctx)
}

// Drop removes a key at once. What it has signed is refused from then on.
func (k *Ring) Drop(ctx context.Context, kid string) error {
	if err := k.seal.DropSecret(ctx, keyGroup, kid); err != nil {
		return err
	}
	return k.Reload(ctx)
}
