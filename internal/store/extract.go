package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
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

// ExtractIndex checks that body is JSON and gives its index entries. An array
// field gives one entry for each of its different texts. A value of another type
// than the index declares is an error: it would silently be missing from answers.
func (s *Schema) ExtractIndex(body []byte) ([]Entry, error) {
	var room [16]found
	w := walk{body: body, found: room[:0]}
	if err := w.all(s.tree); err != nil {
		return nil, fmt.Errorf("store: the body of a document of %s is not JSON: %w", s.Kind.Name, err)
	}
	if len(s.slots) == 0 {
		return nil, nil
	}
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
	s, _ := jsontext.AppendUnquote(nil, raw) // bad UTF-8 is replaced, as encoding/json does
	return string(s)
}

// found is one scalar that a path leads to.
type found struct {
	slot int
	raw  []byte
}

// walk goes through JSON once and keeps the scalars that paths lead to.
type walk struct {
	body  []byte
	from  bytes.Buffer
	json  *jsontext.Decoder
	found []found
}

// decoders are kept for use again.
var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

func (w *walk) all(n *node) error {
	w.json = decoders.Get().(*jsontext.Decoder)
	defer decoders.Put(w.json)
	w.from = *bytes.NewBuffer(w.body)
	w.json.Reset(&w.from, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := w.value(n); err != nil {
		return err
	}
	if _, err := w.json.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("more comes after it")
	}
	return nil
}

// value reads the value that n leads to; arrays on the way are walked.
func (w *walk) value(n *node) error {
	switch w.json.PeekKind() {
	case '[':
		return w.inside(func() error { return w.value(n) })
	case '{':
		if n.slot >= 0 { // where a scalar is declared
			w.found = append(w.found, found{n.slot, []byte("{}")})
		}
		return w.inside(func() error {
			name, err := w.raw()
			if err != nil {
				return err
			}
			next := n.child(name)
			if next == nil {
				return w.json.SkipValue()
			}
			return w.value(next)
		})
	case 'n':
		return w.json.SkipValue()
	}
	raw, err := w.raw()
	if err == nil && n.slot >= 0 {
		w.found = append(w.found, found{n.slot, raw})
	}
	return err
}

// raw reads a value and gives its bytes in the body.
func (w *walk) raw() ([]byte, error) {
	v, err := w.json.ReadValue()
	if err != nil {
		return nil, err
	}
	end := w.json.InputOffset()
	return w.body[end-int64(len(v)) : end], nil
}

// inside reads what an array or object holds, with each as often as it must.
func (w *walk) inside(each func() error) error {
	if _, err := w.json.ReadToken(); err != nil {
		return err
	}
	for {
		switch w.json.PeekKind() {
		case ']', '}':
			_, err := w.json.ReadToken()
			return err
		}
		if err := each(); err != nil {
			return err
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
