package seal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/tink"

	"halsocoach"
	"halsocoach/internal/store"
)

// Person finds the person behind a number, or makes one with a data key. Any
// number of concurrent calls for one number give one person.
func (s *Sealer) Person(ctx context.Context, n halsocoach.Number) (string, error) {
	for range 10 {
		person, found, err := s.Lookup(ctx, n)
		if err != nil || found {
			return person, err
		}
		if person, err = s.NewPerson(ctx); err != nil {
			return "", err
		}
		err = s.numbers.Insert(ctx, s.hash(n), numberDoc{Person: person, Coordination: n.Coordination()})
		if err == nil {
			return person, nil
		}
		// Somebody else was first (or the store fails): our key has sealed
		// nothing and goes away again.
		s.cache.forget(person)
		if derr := s.keys.Delete(ctx, person, nil); derr != nil && !errors.Is(err, store.ErrConflict) {
			return "", fmt.Errorf("seal: find person: %w", errors.Join(err, derr))
		}
		if !errors.Is(err, store.ErrConflict) {
			return "", fmt.Errorf("seal: find person: %w", err)
		}
	}
	return "", fmt.Errorf("seal: find person: %w", halsocoach.ErrBusy)
}

// Lookup finds the person behind a number.
func (s *Sealer) Lookup(ctx context.Context, n halsocoach.Number) (person string, found bool, err error) {
	if n.IsZero() {
		return "", false, errors.New("seal: no number")
	}
	id := s.hash(n)
	doc, err := s.numbers.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("seal: look up number: %w", err)
	}
	_, err = s.key(ctx, doc.Person)
	if errors.Is(err, ErrGone) {
		return "", false, s.untie(ctx, id, doc.Person)
	}
	if err != nil {
		return "", false, err
	}
	return doc.Person, true, nil
}

// mostNumbers bounds how many numbers one person has.
const mostNumbers = 50

// Numbered says whether any number leads to the person, and whether one of them is
// lasting: a personnummer, which nobody gets another of, and not a
// samordningsnummer.
func (s *Sealer) Numbered(ctx context.Context, person string) (has, lasting bool, err error) {
	docs, _, err := s.numbers.Find(ctx, store.Query{Index: byPerson.Name, Equal: []any{person}, Limit: mostNumbers})
	if err != nil {
		return false, false, fmt.Errorf("seal: numbers of a person: %w", err)
	}
	for _, d := range docs {
		lasting = lasting || !d.Coordination
	}
	return len(docs) > 0, lasting, nil
}

// NewPerson makes a person without a number, with a data key.
func (s *Sealer) NewPerson(ctx context.Context) (string, error) {
	person := halsocoach.NewID()
	var key [32]byte
	rand.Read(key[:])
	opened, err := dataKey(key[:])
	if err != nil {
		return "", err
	}
	wrapped, by, err := s.outer.wrap(key[:], person)
	if err != nil {
		return "", err
	}
	now := s.cache.clock()
	if err := s.keys.Insert(ctx, person, keyDoc{Person: person, Key: wrapped, Outer: by}); err != nil {
		return "", fmt.Errorf("seal: new person: %w", err)
	}
	s.cache.put(person, opened, now)
	return person, nil
}

// Link ties a number to a person; it may already be. ErrTied if it is another
// living person's.
func (s *Sealer) Link(ctx context.Context, person string, n halsocoach.Number) error {
	if n.IsZero() {
		return errors.New("seal: no number")
	}
	if err := s.alive(ctx, person); err != nil {
		return err
	}
	id := s.hash(n)
	for range 10 {
		err := s.numbers.Insert(ctx, id, numberDoc{Person: person, Coordination: n.Coordination()})
		if err == nil {
			return s.keepOnlyIfAlive(ctx, person, func() error { return s.untie(ctx, id, person) })
		}
		if !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("seal: link number: %w", err)
		}
		owner, found, err := s.Lookup(ctx, n) // unties it from who is gone
		switch {
		case err != nil:
			return err
		case found && owner == person:
			return nil
		case found:
			return ErrTied
		}
	}
	return fmt.Errorf("seal: link number: %w", halsocoach.ErrBusy)
}

// Destroy makes all that was sealed for the person unreadable: at once on this
// node, within the cache time (a minute) on others if no note of OnDestroy has
// reached them before, and in every backup that is restored with the keys of
// today. Numbers and names no longer lead anywhere. It may be repeated, and
// should be if it fails.
func (s *Sealer) Destroy(ctx context.Context, person string) error {
	s.cache.forget(person)
	_, err := s.keys.Update(ctx, person, func(d *keyDoc) ([]halsocoach.Event, error) {
		d.Key, d.Outer = nil, ""
		return nil, nil
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("seal: destroy key: %w", err)
	}
	s.cache.forget(person)
	if s.onDestroy != nil {
		s.onDestroy(person)
	}
	err = s.forgetPerson(ctx, person)
	s.scrub(ctx)
	return err
}

// OnDestroy is called after each Destroy, so that other nodes can be told. It
// is set before the Sealer is used.
func (s *Sealer) OnDestroy(tell func(person string)) { s.onDestroy = tell }

// Forget drops a person's key from this node's memory, since another node has
// destroyed it.
func (s *Sealer) Forget(person string) { s.cache.forget(person) }

// scrub has the store forget the bytes of what was just removed. When it can
// not, as while a backup reads, Follow tries again.
func (s *Sealer) scrub(ctx context.Context) {
	if c, ok := s.docs.(interface{ Scrub(context.Context) error }); ok {
		s.dirty.Store(c.Scrub(ctx) != nil)
	}
}

// forgetPerson deletes what leads to a person.
func (s *Sealer) forgetPerson(ctx context.Context, person string) error {
	err := forget(ctx, s.numbers, person, func(id string) error { return s.untie(ctx, id, person) })
	if err != nil {
		return err
	}
	return forget(ctx, s.names, person, func(id string) error { return s.unindex(ctx, id) })
}

// forget takes a person's documents away page by page: what is deleted leaves the
// index.
func forget[T any](ctx context.Context, docs store.Collection[T], person string, takeAway func(id string) error) error {
	for {
		ids, _, err := docs.IDs(ctx, store.Query{Index: byPerson.Name, Equal: []any{person}})
		if err != nil {
			return fmt.Errorf("seal: what leads to a person: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		for _, id := range ids {
			if err := takeAway(id); err != nil {
				return err
			}
		}
	}
}

// untie removes a number from a person who is gone. It may be another's by now.
func (s *Sealer) untie(ctx context.Context, id, person string) error {
	err := s.numbers.Delete(ctx, id, func(d numberDoc) ([]halsocoach.Event, error) {
		if d.Person != person {
			return nil, store.ErrNotFound
		}
		return nil, nil
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("seal: untie number: %w", err)
	}
	return nil
}

// alive asks the store itself, not the memory, whether the person has a key.
func (s *Sealer) alive(ctx context.Context, person string) error {
	doc, err := s.keys.Get(ctx, person)
	if errors.Is(err, store.ErrNotFound) || (err == nil && len(doc.Key) == 0) {
		return ErrGone
	}
	if err != nil {
		return fmt.Errorf("seal: read key: %w", err)
	}
	return nil
}

// keepOnlyIfAlive undoes what was just written when the person was destroyed
// meanwhile, so that Destroy leaves nothing behind.
func (s *Sealer) keepOnlyIfAlive(ctx context.Context, person string, undo func() error) error {
	err := s.alive(ctx, person)
	if errors.Is(err, ErrGone) {
		return errors.Join(ErrGone, undo())
	}
	return err
}

func (s *Sealer) hash(n halsocoach.Number) string { return keyed(s.hashes.numbers, 32, n.Digits()) }

// key is a person's data key, from memory or the key store.
func (s *Sealer) key(ctx context.Context, person string) (tink.AEAD, error) {
	keys, err := s.keysOf(ctx, []string{person})
	if err != nil {
		return nil, err
	}
	if keys[person] == nil {
		return nil, ErrGone
	}
	return keys[person], nil
}

// keysOf are the keys of persons, those that are gone left out, with one
// question for all that are not in memory.
func (s *Sealer) keysOf(ctx context.Context, persons []string) (map[string]tink.AEAD, error) {
	have, missing := s.cache.get(persons)
	if len(missing) == 0 {
		return have, nil
	}
	now := s.cache.clock()
	docs, err := s.keys.Many(ctx, missing...)
	if err != nil {
		return nil, fmt.Errorf("seal: read keys: %w", err)
	}
	for _, d := range docs {
		if len(d.Key) == 0 {
			continue
		}
		raw, err := s.outer.unwrap(ctx, d.Outer, d.Key, d.Person)
		if err != nil {
			return nil, err
		}
		opened, err := dataKey(raw)
		clear(raw)
		if err != nil {
			return nil, err
		}
		have[d.Person] = opened
		s.cache.put(d.Person, opened, now)
	}
	return have, nil
}
