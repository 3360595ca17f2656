package seal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"halsocoach"
	"halsocoach/internal/store"
)

// IndexContact makes the person findable within a scope by each of the contacts,
// phone numbers and e-mail addresses, as keyed hashes. It replaces what was there;
// without contacts the person is found no more.
func (s *Sealer) IndexContact(ctx context.Context, scope, person string, contacts ...string) error {
	return s.index(ctx, halsocoach.IDFrom("contact", scope, person), person, s.contactWords(scope, contacts))
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
	return out
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
