package store

import (
	"fmt"
	"reflect"
	"time"
)

// Schema is a kind made ready for use by an adapter: it extracts index entries
// of bodies and checks queries. It is read only and safe for concurrent use.
type Schema struct {
	Kind  Kind
	tree  *node
	slots [][]int // per index and field: which path it is
}

// NewSchema makes a kind ready. The kind must have passed CheckKinds.
func NewSchema(k Kind) *Schema {
	s := &Schema{Kind: k, tree: &node{slot: -1}}
	paths := 0
	for _, x := range k.Indexes {
		slots := make([]int, len(x.Fields))
		for i, f := range x.Fields {
			end := s.tree.grow(f.Path)
			if end.slot < 0 {
				end.slot = paths
				paths++
			}
			slots[i] = end.slot
		}
		s.slots = append(s.slots, slots)
	}
	return s
}

// Entry is one row of an index: the values of its fields, each a string or an
// int64.
type Entry struct {
	Index  int // position in Kind.Indexes
	Values []any
}

// Plan is a checked query: its values are string or int64, as an index holds them.
type Plan struct {
	Index        int
	Equal        []any
	From, Before any // of the field after Equal; nil = open
	Back         bool
	Limit        int
	// After is where to continue: the fields after Equal, and then the id.
	After []any
}

// Plan checks a query against the declared indexes, and its cursor.
func (s *Schema) Plan(q Query, cursors *Cursors) (Plan, error) {
	p := Plan{Index: -1, Back: q.Back, Limit: q.Limit}
	for i, x := range s.Kind.Indexes {
		if x.Name == q.Index {
			p.Index = i
		}
	}
	if p.Index < 0 {
		return p, s.noIndex(q, "no such index")
	}
	fields := s.Kind.Indexes[p.Index].Fields
	if len(q.Equal) > len(fields) {
		return p, s.noIndex(q, "more values than fields")
	}
	for i, v := range q.Equal {
		value, ok := indexValue(fields[i], v)
		if !ok {
			return p, s.noIndex(q, fmt.Sprintf("%T does not fit %s", v, fields[i].Path))
		}
		p.Equal = append(p.Equal, value)
	}
	rest := fields[len(q.Equal):]
	for _, f := range rest {
		if f.Type == Many {
			return p, s.noIndex(q, f.Path+" must be asked by equality")
		}
	}
	for _, bound := range []struct {
		in  any
		out *any
	}{{q.From, &p.From}, {q.Before, &p.Before}} {
		if bound.in == nil {
			continue
		}
		if len(rest) == 0 {
			return p, s.noIndex(q, "no field left for the range")
		}
		value, ok := indexValue(rest[0], bound.in)
		if !ok {
			return p, s.noIndex(q, fmt.Sprintf("%T does not fit %s", bound.in, rest[0].Path))
		}
		*bound.out = value
	}
	if p.Limit <= 0 {
		p.Limit = 100
	}
	p.Limit = min(p.Limit, 1000)
	if q.After == "" {
		return p, nil
	}
	var err error
	p.After, err = cursors.open(s, p, q.After)
	return p, err
}

// Cursor is the Query.After that continues plan after the entry and id.
func (s *Schema) Cursor(cursors *Cursors, p Plan, values []any, id string) string {
	return cursors.seal(s, p, append(append([]any(nil), values...), id))
}

func (s *Schema) noIndex(q Query, why string) error {
	return fmt.Errorf("%w: %s by %s: %s", ErrNoIndex, s.Kind.Name, q.Index, why)
}

// indexValue turns a value of a query into what the index holds.
func indexValue(f Field, v any) (any, bool) {
	switch x := v.(type) {
	case string:
		return x, f.Type == Text || f.Type == Many
	case time.Time:
		return Millis(x), f.Type == Time
	case int:
		return int64(x), f.Type == Int
	case int64:
		return x, f.Type == Int
	}
	switch r := reflect.ValueOf(v); r.Kind() { // named types, as halsocoach.Day
	case reflect.String:
		return r.String(), f.Type == Text || f.Type == Many
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int(), f.Type == Int
	}
	return nil, false
}
