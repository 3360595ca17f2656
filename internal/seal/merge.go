package seal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"halsocoach"
	"halsocoach/internal/store"
)

// Merge makes two persons who turned out to be one the same to all that go by a
// number: the numbers of from lead to into, until Unmerge. What was sealed for from
// stays readable with from's own key, which goes when into's does. Again is
// nothing.
func (s *Sealer) Merge(ctx context.Context, from, into string) error {
	if from == into {
		return errors.New("seal: a person merged with themselves")
	}
	for _, person := range []string{from, into} {
		if err := s.alive(ctx, person); err != nil {
			return err
		}
	}
	if gone, err := s.keys.Get(ctx, from); err != nil {
		return fmt.Errorf("seal: merge: %w", err)
	} else if slices.Contains(gone.Merged, into) {
		return errors.New("seal: two persons merged with each other")
	}
	_, err := s.keys.Update(ctx, into, func(d *keyDoc) ([]halsocoach.Event, error) {
		if !slices.Contains(d.Merged, from) {
			d.Merged = append(d.Merged, from)
		}
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("seal: merge: %w", err)
	}
	return s.retie(ctx, from, func(d *numberDoc) bool {
		if d.Person != from {
			return false
		}
		d.Person, d.Was = into, append(d.Was, from)
		return true
	})
}

// Unmerge lets the numbers that Merge moved lead to from again. Again is nothing.
func (s *Sealer) Unmerge(ctx context.Context, from, into string) error {
	err := s.retie(ctx, into, func(d *numberDoc) bool {
		last := len(d.Was) - 1
		if d.Person != into || last < 0 || d.Was[last] != from {
			return false
		}
		d.Person, d.Was = from, d.Was[:last]
		return true
	})
	if err != nil {
		return err
	}
	_, err = s.keys.Update(ctx, into, func(d *keyDoc) ([]halsocoach.Event, error) {
		d.Merged = slices.DeleteFunc(d.Merged, func(p string) bool { return p == from })
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("seal: unmerge: %w", err)
	}
	return nil
}

// mostNumbers bounds how many numbers one person has.
const mostNumbers = 50

// retie changes the numbers of a person.
func (s *Sealer) retie(ctx context.Context, person string, change func(*numberDoc) bool) error {
	page, err := s.docs.Find(ctx, numberKind.Name, store.Query{Index: byPerson.Name, Equal: []any{person}, Limit: mostNumbers})
	if err != nil {
		return fmt.Errorf("seal: numbers of a person: %w", err)
	}
	for _, doc := range page.Documents {
		_, err := s.numbers.Update(ctx, doc.ID, func(d *numberDoc) ([]halsocoach.Event, error) {
			change(d)
			return nil, nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("seal: tie number: %w", err)
		}
	}
	return nil
}

// Numbered says whether any number leads to the person, and whether one of them is
// lasting: a personnummer, which nobody gets another of, and not a
// samordningsnummer.
func (s *Sealer) Numbered(ctx context.Context, person string) (has, lasting bool, err error) {
	page, err := s.docs.Find(ctx, numberKind.Name, store.Query{Index: byPerson.Name, Equal: []any{person}, Limit: mostNumbers})
	if err != nil {
		return false, false, fmt.Errorf("seal: numbers of a person: %w", err)
	}
	for _, doc := range page.Documents {
		var d numberDoc
		if err := json.Unmarshal(doc.Body, &d); err != nil {
			return false, false, fmt.Errorf("seal: numbers of a person: %w", err)
		}
		lasting = lasting || !d.Coordination
	}
	return len(page.Documents) > 0, lasting, nil
}

// IndexContact makes the person findable within a scope by each of the contacts,
// phone numbers and e-mail addresses, as keyed hashes. It replaces what was there;
// without contacts the person is found no more.
func (s *Sealer) IndexContact(ctx context.Context, scope, person string, contacts ...string) error {
	id := halsocoach.IDFrom("contact", scope, person)
	remove := func() error {
		if err := s.names.Delete(ctx, id, nil); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("seal: remove contact: %w", err)
		}
		return nil
	}
	doc := nameDoc{Person: person, Words: s.contactWords(scope, contacts)}
	if len(doc.Words) == 0 {
		return remove()
	}
	if err := s.alive(ctx, person); err != nil {
		return err
	}
	if _, err := s.names.Upsert(ctx, id, func(d *nameDoc) ([]halsocoach.Event, error) { *d = doc; return nil, nil }); err != nil {
		return fmt.Errorf("seal: index contact: %w", err)
	}
	return s.keepOnlyIfAlive(ctx, person, remove)
}

// SearchContact finds at most 100 persons of a scope who have one of the contacts.
func (s *Sealer) SearchContact(ctx context.Context, scope string, contacts ...string) ([]string, error) {
	var persons []string
	for _, word := range s.contactWords(scope, contacts) {
		docs, _, err := s.names.Find(ctx, store.Query{Index: "word", Equal: []any{word}, Limit: mostFound})
		if err != nil {
			return nil, fmt.Errorf("seal: search contact: %w", err)
		}
		for _, d := range docs {
			if !slices.Contains(persons, d.Person) {
				persons = append(persons, d.Person)
			}
		}
	}
	return persons, nil
}

// contactWords are the hashes of contacts in one way of writing. No word of a name
// is like them.
func (s *Sealer) contactWords(scope string, contacts []string) []string {
	var out []string
	for _, c := range contacts {
		if c = plainContact(c); c != "" {
			out = append(out, s.word(scope, c))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// plainContact is an e-mail address in small letters, or the digits of a phone
// number as they are dialled at home; "" for what is neither.
func plainContact(c string) string {
	c = strings.ToLower(strings.TrimSpace(c))
	if strings.Contains(c, "@") {
		return "@" + c
	}
	plus := strings.HasPrefix(c, "+")
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, c)
	switch {
	case plus && strings.HasPrefix(digits, "46"):
		digits = "0" + strings.TrimPrefix(strings.TrimPrefix(digits, "46"), "0")
	case plus:
		digits = "00" + digits
	case strings.HasPrefix(digits, "0046"):
		digits = "0" + strings.TrimPrefix(strings.TrimPrefix(digits, "0046"), "0")
	}
	if len(digits) < 5 {
		return ""
	}
	return "+" + digits
}
