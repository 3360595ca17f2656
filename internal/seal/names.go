package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"halsocoach"
	"halsocoach/internal/store"
)

const (
	shortest    = 3  // letters of a beginning; a shorter word is found whole
	longest     = 24 // letters of a word that count
	mostWords   = 8  // words of a name
	mostFound   = 100
	mostMatched = 1000 // of the longest word, before the others are looked at
)

// IndexName makes the person findable by name at a centre: by each word of the
// name and its beginnings from three letters, as keyed hashes. It replaces the
// name that was there; "" takes the person out of the centre's search.
func (s *Sealer) IndexName(ctx context.Context, centre, person, name string) error {
	var hashes []string
	for _, w := range foldedWords(name) {
		for _, form := range []string{w, unmarked(w)} { // as a foreign keyboard writes it, too
			for _, b := range beginnings(form) {
				hashes = append(hashes, s.word(centre, b))
			}
		}
	}
	return s.index(ctx, halsocoach.IDFrom("name", centre, person), person, hashes)
}

// index makes the person findable by the hashes, or no more when there are none.
func (s *Sealer) index(ctx context.Context, id, person string, hashes []string) error {
	if len(hashes) == 0 {
		return s.unindex(ctx, id)
	}
	if err := s.alive(ctx, person); err != nil {
		return err
	}
	slices.Sort(hashes)
	doc := nameDoc{Person: person, Words: slices.Compact(hashes)}
	if _, err := s.names.Upsert(ctx, id, func(d *nameDoc) ([]halsocoach.Event, error) { *d = doc; return nil, nil }); err != nil {
		return fmt.Errorf("seal: index a person: %w", err)
	}
	return s.keepOnlyIfAlive(ctx, person, func() error { return s.unindex(ctx, id) })
}

func (s *Sealer) unindex(ctx context.Context, id string) error {
	if err := s.names.Delete(ctx, id, nil); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("seal: remove from the index of persons: %w", err)
	}
	return nil
}

// SearchName finds at most 100 persons of a centre each word of the query of
// whom begins a word of the name. "åsa" finds Åsa; "asa" finds Asa and Åsa. A
// word of fewer than three letters must be the whole word; a query without
// words finds nobody.
func (s *Sealer) SearchName(ctx context.Context, centre, query string) ([]string, error) {
	words := foldedWords(query)
	if len(words) == 0 {
		return nil, nil
	}
	// The longest word says most.
	slices.SortStableFunc(words, func(a, b string) int { return utf8.RuneCountInString(b) - utf8.RuneCountInString(a) })
	hashes := make([]string, len(words))
	for i, w := range words {
		hashes[i] = s.word(centre, w)
	}
	docs, _, err := s.names.Find(ctx, store.Query{Index: "word", Equal: []any{hashes[0]}, Limit: mostMatched})
	if err != nil {
		return nil, fmt.Errorf("seal: search name: %w", err)
	}
	var persons []string
	for _, d := range docs {
		all := true
		for _, h := range hashes[1:] {
			_, found := slices.BinarySearch(d.Words, h)
			all = all && found
		}
		if all && len(persons) < mostFound {
			persons = append(persons, d.Person)
		}
	}
	return persons, nil
}

func (s *Sealer) word(centre, w string) string { return keyed(s.hashes.names, 12, centre, w) }

// beginnings are the word and its beginnings from three letters.
func beginnings(word string) []string {
	out := []string{word}
	letters := 0
	for i := range word {
		if letters >= shortest {
			out = append(out, word[:i])
		}
		letters++
	}
	return out
}

// foldedWords are the words of a name in lower case. Å, ä and ö are letters of
// their own; other marks are taken off (é is e), and ø and æ are the Swedish
// letters that stand for them.
func foldedWords(name string) []string {
	var b strings.Builder
	for _, r := range norm.NFC.String(name) {
		r = unicode.ToLower(r)
		switch {
		case r == 'å' || r == 'ä' || r == 'ö':
			b.WriteRune(r)
		case r == 'ø':
			b.WriteRune('ö')
		case r == 'æ':
			b.WriteRune('ä')
		case r == 'ß':
			b.WriteString("ss")
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteString(unmarked(string(r)))
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’':
			// a mark left alone, or O'Brien: not a border of words
		default:
			b.WriteByte(' ')
		}
	}
	words := strings.Fields(b.String())
	words = words[:min(len(words), mostWords)]
	for i, w := range words {
		if r := []rune(w); len(r) > longest {
			words[i] = string(r[:longest])
		}
	}
	return words
}

// unmarked is the text without the marks of its letters.
func unmarked(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}
