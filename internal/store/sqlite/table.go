package sqlite

import (
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"halsocoach/internal/store"
)

// table is a kind's documents and indexes, with the statements that write them.
type table struct {
	schema  *store.Schema
	name    string // quoted
	indexes []index
	// stale is set by the writer when another program has declared the kind's
	// indexes otherwise: this one can no longer keep them.
	stale bool

	insert, update, delete, read string
	questions                    sync.Map // question → its text
}

// index is the table of one index.
type index struct {
	store.Index
	name    string   // quoted
	columns []string // of the fields; the id comes after them

	insert, delete, holder string
}

func quoted(parts ...string) string { return `"` + strings.Join(parts, ":") + `"` }

func newTable(k store.Kind) *table {
	t := &table{schema: store.NewSchema(k), name: quoted("doc", k.Name)}
	t.insert = `INSERT INTO ` + t.name + `(id, v, ix, body) VALUES(?, ?, ?, ?) ON CONFLICT(id) DO NOTHING`
	t.update = `UPDATE ` + t.name + ` SET v = ?, ix = ?, body = ? WHERE rowid = ?`
	t.delete = `DELETE FROM ` + t.name + ` WHERE rowid = ?`
	t.read = `SELECT rowid, v, ix FROM ` + t.name + ` WHERE id = ?`
	for _, x := range k.Indexes {
		t.indexes = append(t.indexes, newIndex(k.Name, x))
	}
	return t
}

func newIndex(kind string, x store.Index) index {
	out := index{Index: x, name: indexTable(kind, x.Name, x.Definition())}
	for i := range x.Fields {
		out.columns = append(out.columns, fmt.Sprintf("f%d", i))
	}
	all := append(slices.Clone(out.columns), "id")
	out.insert = `INSERT INTO ` + out.name + `(` + strings.Join(all, ", ") + `) VALUES(` + strings.Repeat("?, ", len(all)-1) + `?)`
	out.delete = `DELETE FROM ` + out.name + ` WHERE ` + strings.Join(all, " = ? AND ") + ` = ?`
	out.holder = `SELECT id FROM ` + out.name + ` WHERE f0 = ?`
	return out
}

// create is the statement that makes the index's table.
func (x index) create() string {
	var b strings.Builder
	b.WriteString(`CREATE TABLE ` + x.name + `(`)
	for i, f := range x.Fields {
		typ := "TEXT"
		if f.Type == store.Int || f.Type == store.Time {
			typ = "INTEGER"
		}
		b.WriteString(x.columns[i] + ` ` + typ + ` NOT NULL, `)
	}
	key := strings.Join(x.columns, ", ")
	if !x.Unique {
		key += ", id"
	}
	b.WriteString(`id TEXT NOT NULL, PRIMARY KEY(` + key + `)) WITHOUT ROWID`)
	return b.String()
}

// indexTable names an index's table after its definition too, so that a program
// which knows another definition finds no table rather than wrong answers.
func indexTable(kind, name, definition string) string {
	sum := sha256.Sum256([]byte(definition))
	return quoted("ix", kind, name, hex.EncodeToString(sum[:4]))
}

// encode writes index entries as a document's row keeps them: each with its
// length, its index's name and its values.
func (t *table) encode(entries []store.Entry) []byte {
	var to, own []byte
	for _, e := range entries {
		own = store.AppendValue(own[:0], t.indexes[e.Index].Name)
		for _, v := range e.Values {
			own = store.AppendValue(own, v)
		}
		to = append(binary.AppendUvarint(to, uint64(len(own))), own...)
	}
	return to
}

var errRow = errors.New("sqlite: a document's row holds no readable index entries")

// kept is one entry of a document's row, with the bytes that it was.
type kept struct {
	bytes string
	store.Entry
}

// decode reads what encode wrote. Entries of indexes that are declared no more
// are left out.
func (t *table) decode(from []byte) ([]kept, error) {
	var out []kept
	for len(from) > 0 {
		n, used := binary.Uvarint(from)
		if used <= 0 || n > uint64(len(from)-used) {
			return nil, errRow
		}
		own := from[used : used+int(n)]
		from = from[used+int(n):]
		name, rest, err := store.CutValue(own)
		if err != nil {
			return nil, errRow
		}
		i := slices.IndexFunc(t.indexes, func(x index) bool { return x.Name == name })
		if i < 0 {
			continue
		}
		k := kept{bytes: string(own), Entry: store.Entry{Index: i}}
		for len(rest) > 0 {
			var v any
			if v, rest, err = store.CutValue(rest); err != nil {
				return nil, errRow
			}
			k.Values = append(k.Values, v)
		}
		out = append(out, k)
	}
	return out, nil
}

// save is the op of Store.Save. It refuses (ErrConflict, ErrDuplicate) before
// it has written anything.
func (t *table) save(c *conn, o *op) error {
	if t.stale {
		return store.ErrNewer
	}
	if o.old == "" {
		return t.first(c, o)
	}
	rowid, ix, err := t.stored(c, o)
	if err != nil {
		return err
	}
	gone, come := []kept(nil), []store.Entry(nil)
	if string(ix) != string(o.index) {
		if gone, come, err = t.compare(ix, o); err != nil {
			return err
		}
	}
	if err := t.free(c, come); err != nil {
		return err
	}
	if _, err := c.exec(t.update, o.version, o.index, o.body, rowid); err != nil {
		return err
	}
	for _, e := range gone {
		if err := t.write(c, t.indexes[e.Index].delete, e.Entry, o.id); err != nil {
			return err
		}
	}
	return t.finish(c, o, come)
}

// first saves a document that must not exist.
func (t *table) first(c *conn, o *op) error {
	if err := t.free(c, o.entries); err != nil {
		// Of two that insert the same document, the second has a conflict.
		var row [3]driver.Value
		if exists, err := c.one(row[:], t.read, o.id); err != nil {
			return err
		} else if exists {
			return store.ErrConflict
		}
		return err
	}
	n, err := c.exec(t.insert, o.id, o.version, o.index, o.body)
	if err != nil {
		return err
	}
	if n == 0 {
		return store.ErrConflict
	}
	return t.finish(c, o, o.entries)
}

// remove is the op of Store.Delete.
func (t *table) remove(c *conn, o *op) error {
	if t.stale {
		return store.ErrNewer
	}
	rowid, ix, err := t.stored(c, o)
	if err != nil {
		return err
	}
	gone, err := t.decode(ix)
	if err != nil {
		return err
	}
	if _, err := c.exec(t.delete, rowid); err != nil {
		return err
	}
	for _, e := range gone {
		if err := t.write(c, t.indexes[e.Index].delete, e.Entry, o.id); err != nil {
			return err
		}
	}
	return t.finish(c, o, nil)
}

// stored reads the row that the op is about, if it is still the one it read.
func (t *table) stored(c *conn, o *op) (rowid int64, ix []byte, err error) {
	var row [3]driver.Value
	found, err := c.one(row[:], t.read, o.id)
	if err != nil {
		return 0, nil, err
	}
	if !found || row[1] != o.old {
		return 0, nil, store.ErrConflict
	}
	rowid, _ = row[0].(int64)
	ix, _ = row[2].([]byte)
	return rowid, ix, nil
}

// compare tells which entries the row had and loses, and which it gets.
func (t *table) compare(ix []byte, o *op) (gone []kept, come []store.Entry, err error) {
	old, err := t.decode(ix)
	if err != nil {
		return nil, nil, err
	}
	now, err := t.decode(o.index)
	if err != nil {
		return nil, nil, err
	}
	stays := make(map[string]bool, len(now))
	for _, k := range now {
		stays[k.bytes] = true
	}
	had := make(map[string]bool, len(old))
	for _, k := range old {
		had[k.bytes] = true
		if !stays[k.bytes] {
			gone = append(gone, k)
		}
	}
	for _, k := range now {
		if !had[k.bytes] {
			come = append(come, k.Entry)
		}
	}
	return gone, come, nil
}

// free checks that nobody else holds the unique values among the entries.
func (t *table) free(c *conn, entries []store.Entry) error {
	for _, e := range entries {
		x := &t.indexes[e.Index]
		if !x.Unique {
			continue
		}
		var row [1]driver.Value
		taken, err := c.one(row[:], x.holder, e.Values[0])
		if err != nil {
			return err
		}
		if taken {
			return &store.ErrDuplicate{Kind: t.schema.Kind.Name, Index: x.Name}
		}
	}
	return nil
}

// finish writes what comes with the document: new entries, and its events.
func (t *table) finish(c *conn, o *op, come []store.Entry) error {
	for _, e := range come {
		if err := t.write(c, t.indexes[e.Index].insert, e, o.id); err != nil {
			return err
		}
	}
	if o.events == nil {
		return nil
	}
	_, err := c.exec(insertBatch, t.schema.Kind.Name+"/"+o.id, o.version, o.events)
	return err
}

// write runs a statement over an entry and the id.
func (t *table) write(c *conn, statement string, e store.Entry, id string) error {
	var room [8]any
	_, err := c.exec(statement, append(append(room[:0], e.Values...), id)...)
	return err
}
