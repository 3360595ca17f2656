package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"halsocoach/internal/store"
)

// meta is what the file says about itself.
type meta struct {
	cursorKey  []byte
	generation int64 // counts how often indexes were declared anew
}

// prepare makes the tables of a new file and brings the indexes to what this
// program declares, in one transaction: all of it, or nothing.
func prepare(c *conn, tables map[string]*table, log *slog.Logger) (meta, error) {
	if _, err := c.exec(`BEGIN IMMEDIATE`); err != nil {
		return meta{}, fmt.Errorf("sqlite: prepare: %w", err)
	}
	m, err := declareAll(c, tables, log)
	if err == nil {
		_, err = c.exec(`COMMIT`)
	}
	if err != nil {
		_, undo := c.exec(`ROLLBACK`)
		return m, errors.Join(err, undo)
	}
	return m, nil
}

func declareAll(c *conn, tables map[string]*table, log *slog.Logger) (m meta, err error) {
	version, err := schemaVersion(c)
	if err == nil && version == 0 {
		err = createTables(c)
	} else if err == nil {
		err = store.CheckSchema(version)
	}
	if err != nil {
		return m, err
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if err := declare(c, tables[name], log); err != nil {
			return m, fmt.Errorf("sqlite: indexes of %s: %w", name, err)
		}
	}
	var row [1]driver.Value
	if _, err := c.one(row[:], `SELECT value FROM meta WHERE name = 'cursor key'`); err != nil {
		return m, err
	}
	m.cursorKey, _ = row[0].([]byte)
	m.generation, err = generation(c)
	return m, err
}

// schemaVersion is 0 for a new file.
func schemaVersion(c *conn) (int, error) {
	version, err := number(c, `PRAGMA user_version`)
	if err != nil {
		return 0, fmt.Errorf("sqlite: schema version: %w", err)
	}
	return int(version), nil
}

// number is the whole number that is the answer's first.
func number(c *conn, query string) (int64, error) {
	var row [1]driver.Value
	_, err := c.one(row[:], query)
	n, _ := row[0].(int64)
	return n, err
}

// createTables makes what a file has beside the kinds.
func createTables(c *conn) error {
	for _, query := range []string{
		`CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID`,
		`CREATE TABLE declared(kind TEXT NOT NULL, ix TEXT NOT NULL, definition TEXT NOT NULL, PRIMARY KEY(kind, ix)) WITHOUT ROWID`,
		`CREATE TABLE outbox(seq INTEGER PRIMARY KEY, doc TEXT NOT NULL, ref TEXT NOT NULL, events BLOB NOT NULL)`,
		`INSERT INTO meta(name, value) VALUES('generation', 0)`,
		fmt.Sprintf(`PRAGMA user_version = %d`, store.SchemaVersion),
	} {
		if err := c.script(query); err != nil {
			return err
		}
	}
	_, err := c.exec(`INSERT INTO meta(name, value) VALUES('cursor key', ?)`, store.NewCursorKey())
	return err
}

func generation(c *conn) (int64, error) {
	return number(c, `SELECT value FROM meta WHERE name = 'generation'`)
}

// declared reads the definitions that the file's indexes of a kind have.
func declared(c *conn, kind string) (map[string]string, error) {
	have := map[string]string{}
	err := c.rows(func(row []driver.Value) bool {
		name, _ := row[0].(string)
		have[name], _ = row[1].(string)
		return true
	}, `SELECT ix, definition FROM declared WHERE kind = ?`, kind)
	return have, err
}

func (t *table) wanted() map[string]string {
	want := map[string]string{}
	for _, x := range t.indexes {
		want[x.Name] = x.Definition()
	}
	return want
}

// declare makes the tables of a kind, and those of its indexes anew that are
// declared otherwise than they were.
func declare(c *conn, t *table, log *slog.Logger) error {
	kind := t.schema.Kind.Name
	if err := c.script(`CREATE TABLE IF NOT EXISTS ` + t.name + `(id TEXT NOT NULL UNIQUE, v TEXT NOT NULL, ix BLOB, body BLOB NOT NULL)`); err != nil {
		return err
	}
	have, err := declared(c, kind)
	if err != nil {
		return err
	}
	want := t.wanted()
	if maps.Equal(have, want) {
		return nil
	}
	for name, old := range have {
		if want[name] == old {
			continue
		}
		if err := c.script(`DROP TABLE ` + indexTable(kind, name, old)); err != nil {
			return err
		}
		if _, err := c.exec(`DELETE FROM declared WHERE kind = ? AND ix = ?`, kind, name); err != nil {
			return err
		}
	}
	fresh := map[int]bool{}
	for i, x := range t.indexes {
		if have[x.Name] == want[x.Name] {
			continue
		}
		fresh[i] = true
		if err := c.script(x.create()); err != nil {
			return err
		}
		if _, err := c.exec(`INSERT INTO declared(kind, ix, definition) VALUES(?, ?, ?)`, kind, x.Name, want[x.Name]); err != nil {
			return err
		}
	}
	n, err := rebuild(c, t, fresh)
	if err != nil {
		return err
	}
	if n > 0 {
		log.Info("indexes declared anew", "kind", kind, "documents", n)
	}
	_, err = c.exec(`UPDATE meta SET value = value + 1 WHERE name = 'generation'`)
	return err
}

// rebuild extracts the entries of all documents again and writes those of the
// fresh indexes.
func rebuild(c *conn, t *table, fresh map[int]bool) (n int, err error) {
	type stored struct {
		rowid int64
		id    string
		body  []byte
	}
	for after := int64(0); ; {
		var docs []stored
		size := 0
		err := c.rows(func(row []driver.Value) bool {
			d := stored{}
			d.rowid, _ = row[0].(int64)
			d.id, _ = row[1].(string)
			d.body, _ = row[2].([]byte)
			docs = append(docs, d)
			size += len(d.body)
			return size < 4<<20
		}, `SELECT rowid, id, body FROM `+t.name+` WHERE rowid > ? ORDER BY rowid LIMIT 256`, after)
		if err != nil || len(docs) == 0 {
			return n, err
		}
		for _, d := range docs {
			after = d.rowid
			n++
			entries, err := t.schema.ExtractIndex(d.body)
			if err != nil {
				return n, fmt.Errorf("document %s: %w", d.id, err)
			}
			if _, err := c.exec(`UPDATE `+t.name+` SET ix = ? WHERE rowid = ?`, t.encode(entries), d.rowid); err != nil {
				return n, err
			}
			entries = slices.DeleteFunc(entries, func(e store.Entry) bool { return !fresh[e.Index] })
			if err := t.free(c, entries); err != nil {
				return n, err
			}
			for _, e := range entries {
				if err := t.write(c, t.indexes[e.Index].insert, e, d.id); err != nil {
					return n, err
				}
			}
		}
	}
}

// check marks the kinds whose indexes another program has declared otherwise.
func check(c *conn, tables map[string]*table) error {
	for name, t := range tables {
		have, err := declared(c, name)
		if err != nil {
			return err
		}
		t.stale = !maps.Equal(have, t.wanted())
	}
	return nil
}
