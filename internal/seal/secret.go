package seal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"halsocoach"
	"halsocoach/internal/store"
)

// hashes are the keys that must stay what they are while outer keys come and go:
// what they have made lies in documents and addresses.
type hashes struct{ numbers, names, tokens, digests []byte }

// ownSecrets is the group of the package's own.
const ownSecrets = "seal"

func secretID(group, name string) string { return group + "/" + name }

// KeepSecret stores a secret of the installation (a signing key, not a person's)
// in the key store, wrapped. Group and name are not secret. If there is one of
// that name it stays, and is what is returned: of many nodes that start at one
// time all get the same.
func (s *Sealer) KeepSecret(ctx context.Context, group, name string, secret []byte) ([]byte, error) {
	id := secretID(group, name)
	for range 3 {
		doc, err := s.secrets.Get(ctx, id)
		if err == nil {
			return s.outer.unwrap(ctx, doc.Outer, doc.Key, "secret/"+id)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("seal: read secret %s: %w", id, err)
		}
		box, by, err := s.outer.wrap(secret, "secret/"+id)
		if err != nil {
			return nil, err
		}
		err = s.secrets.Insert(ctx, id, secretDoc{Group: group, Name: name, Key: box, Outer: by})
		if err == nil {
			return secret, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return nil, fmt.Errorf("seal: keep secret %s: %w", id, err)
		}
	}
	return nil, fmt.Errorf("seal: keep secret %s: %w", id, halsocoach.ErrBusy)
}

// Secrets are those of a group, by name.
func (s *Sealer) Secrets(ctx context.Context, group string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for d, err := range s.secrets.All(ctx, store.Query{Index: byGroup.Name, Equal: []any{group}}) {
		if err != nil {
			return nil, fmt.Errorf("seal: read secrets of %s: %w", group, err)
		}
		plain, err := s.outer.unwrap(ctx, d.Outer, d.Key, "secret/"+secretID(d.Group, d.Name))
		if err != nil {
			return nil, err
		}
		out[d.Name] = plain
	}
	return out, nil
}

// DropSecret removes a secret for good; what is not there is gone already.
func (s *Sealer) DropSecret(ctx context.Context, group, name string) error {
	err := s.secrets.Delete(ctx, secretID(group, name), nil)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("seal: drop secret %s: %w", secretID(group, name), err)
	}
	s.scrub(ctx)
	return nil
}

// openHashes reads the keys of the hashes, and makes those that are missing.
func (s *Sealer) openHashes(ctx context.Context) error {
	have, err := s.Secrets(ctx, ownSecrets)
	if err != nil {
		return err
	}
	for use, into := range map[string]*[]byte{"numbers": &s.hashes.numbers, "names": &s.hashes.names, "tokens": &s.hashes.tokens, "digests": &s.hashes.digests} {
		if *into = have[use]; *into != nil {
			continue
		}
		key := make([]byte, 32)
		rand.Read(key)
		if *into, err = s.KeepSecret(ctx, ownSecrets, use, key); err != nil {
			return err
		}
	}
	return nil
}

// Digest is a keyed hash of what is stored to be compared with later. Who has the
// store and not the keys can not try out what it was made of.
func (s *Sealer) Digest(text string) string { return keyed(s.hashes.digests, 12, text) }
