package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// node is one step of the paths into the JSON.
type node struct {
	names []string
	next  []*node
	slot  int // of the path that ends here, or -1
}

// grow adds a path and returns its last node.
func (n *node) grow(path string) *node {
	for name := range strings.SplitSeq(path, ".") {
		i := slices.Index(n.names, name)
		if i < 0 {
			i = len(n.names)
			n.names, n.next = append(n.names, name), append(n.next, &node{slot: -1})
		}
		n = n.next[i]
	}
	return n
}

// Lift checks that body is JSON and gives its index entries. An array field
// gives one entry for each of its different texts. A value of another type than
// the index declares is an error: it would silently be missing from answers.
func (s *Schema) Lift(body []byte) ([]Entry, error) {
	if !json.Valid(body) {
		return nil, fmt.Errorf("store: the body of a document of %s is not JSON", s.Kind.Name)
	}
	if len(s.slots) == 0 {
		return nil, nil
	}
	var room [16]found
	w := walk{body: body, found: room[:0]}
	w.value(s.tree)
	entries := make([]Entry, 0, len(s.slots))
	var err error
	for i := range s.slots {
		if entries, err = s.entries(entries, i, w.found); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// entries appends those of index i.
func (s *Schema) entries(to []Entry, i int, all []found) ([]Entry, error) {
	x := s.Kind.Indexes[i]
	values, many, manyAt := make([]any, len(x.Fields)), []string(nil), -1
	for n, f := range x.Fields {
		for _, v := range all {
			if v.slot != s.slots[i][n] {
				continue
			}
			value, err := scalar(v.raw, f.Type)
			switch {
			case err != nil:
				return nil, fmt.Errorf("store: %s of %s: %w", f.Path, s.Kind.Name, err)
			case f.Type == Many:
				many, manyAt = append(many, value.(string)), n
			case values[n] != nil && values[n] != value:
				return nil, fmt.Errorf("store: %s of %s has several values and is not declared as Many", f.Path, s.Kind.Name)
			default:
				values[n] = value
			}
		}
		if values[n] == nil && (f.Type != Many || len(many) == 0) {
			return to, nil
		}
	}
	if manyAt < 0 {
		return append(to, Entry{i, values}), nil
	}
	slices.Sort(many)
	for _, text := range slices.Compact(many) {
		own := slices.Clone(values)
		own[manyAt] = text
		to = append(to, Entry{i, own})
	}
	return to, nil
}

// scalar reads one JSON scalar as the type.
func scalar(raw []byte, typ FieldType) (any, error) {
	switch typ {
	case Text, Many:
		if raw[0] != '"' {
			return nil, fmt.Errorf("%.20s is not a text", raw)
		}
		return text(raw), nil
	case Time:
		if raw[0] != '"' {
			return nil, fmt.Errorf("%.20s is not a time", raw)
		}
		t, err := time.Parse(time.RFC3339, text(raw))
		if err != nil {
			return nil, fmt.Errorf("%.40s is not a time", raw)
		}
		return Millis(t), nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%.20s is not a whole number", raw)
	}
	return n, nil
}

// text is the string of a JSON string.
func text(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is valid JSON
	return s
}

// found is one scalar that a path leads to.
type found struct {
	slot int
	raw  []byte
}

// walk goes through valid JSON once and keeps the scalars that paths lead to.
type walk struct {
	body  []byte
	at    int
	found []found
}

func (w *walk) space() {
	for w.at < len(w.body) {
		switch w.body[w.at] {
		case ' ', '\t', '\n', '\r':
			w.at++
		default:
			return
		}
	}
}

// value reads the value that n leads to; arrays on the way are walked.
func (w *walk) value(n *node) {
	w.space()
	switch w.body[w.at] {
	case '{':
		w.object(n)
	case '[':
		w.at++
		for {
			w.space()
			if w.body[w.at] == ']' {
				w.at++
				return
			}
			w.value(n)
			w.space()
			if w.body[w.at] == ',' {
				w.at++
			}
		}
	default:
		start := w.at
		w.skip()
		if raw := w.body[start:w.at]; n.slot >= 0 && raw[0] != 'n' {
			w.found = append(w.found, found{n.slot, raw})
		}
	}
}

func (w *walk) object(n *node) {
	start := w.at
	w.at++
	for {
		w.space()
		switch w.body[w.at] {
		case '}':
			w.at++
			if n.slot >= 0 { // an object where a scalar is declared
				w.found = append(w.found, found{n.slot, w.body[start:w.at]})
			}
			return
		case ',':
			w.at++
			continue
		}
		key := w.at
		w.string()
		next := n.child(w.body[key:w.at])
		w.space()
		w.at++ // the colon
		if next != nil {
			w.value(next)
		} else {
			w.space()
			w.skip()
		}
	}
}

// child is the step that a JSON key leads to, or nil.
func (n *node) child(key []byte) *node {
	inner := key[1 : len(key)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		inner = []byte(text(key))
	}
	for i, name := range n.names {
		if name == string(inner) {
			return n.next[i]
		}
	}
	return nil
}

// skip passes one value.
func (w *walk) skip() {
	depth := 0
	for w.at < len(w.body) {
		switch w.body[w.at] {
		case '"':
			w.string()
		case '{', '[':
			depth++
			w.at++
			continue
		case '}', ']':
			depth--
			w.at++
		default:
			if depth == 0 {
				w.word()
				return
			}
			w.at++
			continue
		}
		if depth == 0 {
			return
		}
	}
}

// string passes a string, from its first quote.
func (w *walk) string() {
	for w.at++; ; w.at++ {
		w.at += bytes.IndexByte(w.body[w.at:], '"')
		slashes := 0
		for w.body[w.at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			w.at++
			return
		}
	}
}

// word passes a number, true, false or null.
func (w *walk) word() {
	for w.at < len(w.body) {
		switch w.body[w.at] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return
		}
		w.at++
	}
}
