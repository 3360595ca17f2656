package mongo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"halsocoach/internal/store"
)

// kind is a collection and how its documents' index fields are made.
type kind struct {
	schema  *store.Schema
	name    string
	coll    *driver.Collection
	durable *driver.Collection // as Store.durable
	fields  []string           // by index: its field in ix
	stamp   string             // of all of them: which indexes a document's ix was made for
	// others is set when another program has declared the kind's indexes
	// otherwise: the fields that it keeps.
	others atomic.Pointer[[]string]
	// warm says that this process may have saved events that still wait.
	warm atomic.Bool
}

// The fields of an index in ix are letters, in their order.
const letters = "abcdefghijklmnopqrstuvwxyz"

func newKind(declared store.Kind, db, durable *driver.Database) *kind {
	k := &kind{schema: store.NewSchema(declared), name: declared.Name, coll: db.Collection(declared.Name), durable: durable.Collection(declared.Name)}
	for _, x := range declared.Indexes {
		k.fields = append(k.fields, fieldOf(x))
	}
	k.stamp = digest(strings.Join(k.fields, "\n"))
	return k
}

// fieldOf names an index after its definition too, so that a program which knows
// another definition finds nothing rather than wrong answers.
func fieldOf(x store.Index) string {
	return strings.ReplaceAll(x.Name, ".", "_") + "_" + digest(x.Name+"\n"+x.Definition())
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// path leads to field n of index i.
func (k *kind) path(i, n int) string { return "ix." + k.fields[i] + "." + letters[n:n+1] }

// extractIndex makes the field ix of a body.
func (k *kind) extractIndex(body []byte) (bson.D, error) {
	entries, err := k.schema.ExtractIndex(body)
	if err != nil {
		return nil, err
	}
	ix := make(bson.D, 1, len(k.fields)+1)
	ix[0] = bson.E{Key: "d", Value: k.stamp}
	for len(entries) > 0 {
		e, same := entries[0], 1
		for same < len(entries) && entries[same].Index == e.Index {
			same++
		}
		values := make(bson.D, len(e.Values))
		for n, v := range e.Values {
			values[n] = bson.E{Key: letters[n : n+1], Value: v}
			if k.schema.Kind.Indexes[e.Index].Fields[n].Type == store.Many {
				texts := make(bson.A, same)
				for i := range texts {
					texts[i] = entries[i].Values[n]
				}
				values[n].Value = texts
			}
		}
		ix = append(ix, bson.E{Key: k.fields[e.Index], Value: values})
		entries = entries[same:]
	}
	return ix, nil
}

// mayWrite refuses when another program has declared the kind's indexes
// otherwise: this one can no longer keep them.
func (k *kind) mayWrite() error {
	if k.others.Load() != nil {
		return fmt.Errorf("%w: the indexes of %s have been declared anew; use the version of halsocoach that did", store.ErrNewer, k.name)
	}
	return nil
}

// mayFind refuses an index that another program has declared otherwise.
func (k *kind) mayFind(i int) error {
	if kept := k.others.Load(); kept != nil && !slices.Contains(*kept, k.fields[i]) {
		return k.mayWrite()
	}
	return nil
}

// filter writes the question of a plan. An entry is in the index with all its
// fields or not at all, so one condition is enough to ask for what is in it.
func (k *kind) filter(p store.Plan) bson.D {
	fields := k.schema.Kind.Indexes[p.Index].Fields
	rest := len(p.Equal)
	out := bson.D{}
	for n, v := range p.Equal {
		out = append(out, bson.E{Key: k.path(p.Index, n), Value: v})
	}
	if rest < len(fields) {
		from, before := p.From, p.Before
		if from == nil && rest == 0 {
			from = least(fields[0])
		}
		// Where the cursor is inside the range it narrows it, so that the
		// search begins at it.
		if p.After != nil && !p.Back && (from == nil || less(from, p.After[0])) {
			from = p.After[0]
		}
		bounds := bson.D{}
		if from != nil {
			bounds = append(bounds, bson.E{Key: "$gte", Value: from})
		}
		if before != nil {
			bounds = append(bounds, bson.E{Key: "$lt", Value: before})
		}
		if p.After != nil && p.Back {
			bounds = append(bounds, bson.E{Key: "$lte", Value: p.After[0]})
		}
		if len(bounds) > 0 {
			out = append(out, bson.E{Key: k.path(p.Index, rest), Value: bounds})
		}
	}
	if p.After != nil {
		out = append(out, k.after(p)...)
	}
	return out
}

// after is what comes after the cursor: one of the fields is further on, and
// those before it are the same.
func (k *kind) after(p store.Plan) bson.D {
	op := "$gt"
	if p.Back {
		op = "$lt"
	}
	var paths []string
	for n := range p.After[1:] {
		paths = append(paths, k.path(p.Index, len(p.Equal)+n))
	}
	paths = append(paths, "_id")
	var ways bson.A
	for n, v := range p.After {
		way := bson.D{}
		for m := range n {
			way = append(way, bson.E{Key: paths[m], Value: p.After[m]})
		}
		ways = append(ways, append(way, bson.E{Key: paths[n], Value: bson.D{{Key: op, Value: v}}}))
	}
	if len(ways) == 1 {
		return ways[0].(bson.D)
	}
	return bson.D{{Key: "$or", Value: ways}}
}

// sort is the order of a plan's answer: the index and then the id. A unique
// index needs no id, and none at all when its field is asked for by equality.
func (k *kind) sort(p store.Plan) bson.D {
	way := 1
	if p.Back {
		way = -1
	}
	x := k.schema.Kind.Indexes[p.Index]
	out := bson.D{}
	for n := len(p.Equal); n < len(x.Fields); n++ {
		out = append(out, bson.E{Key: k.path(p.Index, n), Value: way})
	}
	if !x.Unique {
		out = append(out, bson.E{Key: "_id", Value: way})
	}
	return out
}

// least is the smallest value of a field's type.
func least(f store.Field) any {
	if f.Type == store.Int || f.Type == store.Time {
		return int64(math.MinInt64)
	}
	return ""
}

// less compares two index values of the same type.
func less(a, b any) bool {
	switch x := a.(type) {
	case string:
		y, _ := b.(string)
		return x < y
	case int64:
		y, _ := b.(int64)
		return x < y
	}
	return false
}
