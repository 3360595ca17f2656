package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"halsocoach/internal/store"
)

// readers is a pool of read-only connections, opened when they are needed.
type readers struct {
	path string
	room chan struct{} // one token per connection that may be in use
	mu   sync.Mutex
	idle []*conn // the last used is used next: its cache is warm
	shut bool
}

func newReaders(path string, n int) *readers {
	return &readers{path: path, room: make(chan struct{}, n)}
}

// use lends f a connection. One whose use failed is not used again.
func (r *readers) use(ctx context.Context, f func(*conn) error) error {
	select {
	case r.room <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.room }()
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := r.take()
	if err != nil {
		return err
	}
	if err := f(c); err != nil {
		return errors.Join(err, c.close())
	}
	return r.give(c)
}

func (r *readers) take() (*conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shut {
		return nil, ErrClosed
	}
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return c, nil
	}
	return dial(r.path, "ro", "busy_timeout(10000)", "query_only(1)", "cache_size(-1024)")
}

func (r *readers) give(c *conn) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shut {
		return c.close()
	}
	r.idle = append(r.idle, c)
	return nil
}

func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shut = true
	var errs []error
	for _, c := range r.idle {
		errs = append(errs, c.close())
	}
	r.idle = nil
	return errors.Join(errs...)
}

// document reads a row of id, v, body.
func document(row []driver.Value) store.Document {
	id, _ := row[0].(string)
	v, _ := row[1].(string)
	body, _ := row[2].([]byte)
	return store.Document{ID: id, Version: v, Body: body}
}

// Get satisfies store.Store.
func (s *Store) Get(ctx context.Context, kind string, ids ...string) ([]store.Document, error) {
	return s.get(ctx, kind, `SELECT id, v, body FROM `, ids)
}

// Versions satisfies store.Store.
func (s *Store) Versions(ctx context.Context, kind string, ids ...string) ([]store.Document, error) {
	return s.get(ctx, kind, `SELECT id, v, NULL FROM `, ids)
}

func (s *Store) get(ctx context.Context, kind, what string, ids []string) ([]store.Document, error) {
	t, err := s.table(kind)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	var out []store.Document
	err = s.readers.use(ctx, func(c *conn) error {
		if len(ids) == 1 {
			return c.rows(func(row []driver.Value) bool {
				out = append(out, document(row))
				return false
			}, what+t.name+` WHERE id = ?`, ids[0])
		}
		list, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		met := make(map[string]store.Document, len(ids))
		err = c.rows(func(row []driver.Value) bool {
			d := document(row)
			met[d.ID] = d
			return true
		}, what+t.name+` WHERE id IN (SELECT value FROM json_each(?))`, string(list))
		for _, id := range ids {
			if d, ok := met[id]; ok {
				out = append(out, d)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: get %s: %w", kind, err)
	}
	return out, nil
}

// Find satisfies store.Store.
func (s *Store) Find(ctx context.Context, kind string, q store.Query) (store.Page, error) {
	t, err := s.table(kind)
	if err != nil {
		return store.Page{}, err
	}
	plan, err := t.schema.Plan(q, s.cursors)
	if err != nil {
		return store.Page{}, err
	}
	query, args := t.find(plan, q.Bare)
	page := store.Page{}
	var last []any
	more := false
	err = s.readers.use(ctx, func(c *conn) error {
		return c.rows(func(row []driver.Value) bool {
			if len(page.Documents) == plan.Limit {
				more = true
				return false
			}
			page.Documents = append(page.Documents, document(row))
			last = last[:0]
			for _, v := range row[3:] {
				last = append(last, v)
			}
			return true
		}, query, args...)
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("sqlite: find %s by %s: %w", kind, q.Index, err)
	}
	if more {
		page.Next = t.schema.Cursor(s.cursors, plan, last, page.Documents[len(page.Documents)-1].ID)
	}
	return page, nil
}

// question is what the text of a plan's question depends on.
type question struct {
	index, equal        int
	after, from, before bool
	back, bare          bool
}

// find gives the question of a plan and its values.
func (t *table) find(p store.Plan, bare bool) (string, []any) {
	q := question{index: p.Index, equal: len(p.Equal), from: p.From != nil, before: p.Before != nil, back: p.Back, bare: bare}
	// Where the cursor is inside the range it takes the bound's place, so that
	// the search begins at it.
	switch {
	case p.After == nil:
	case !p.Back && (p.From == nil || !less(p.After[0], p.From)):
		q.after, q.from = true, false
	case p.Back && (p.Before == nil || less(p.After[0], p.Before)):
		q.after, q.before = true, false
	}
	args := append(make([]any, 0, 12), p.Equal...)
	if q.after {
		args = append(args, p.After...)
	}
	if q.from {
		args = append(args, p.From)
	}
	if q.before {
		args = append(args, p.Before)
	}
	text, ok := t.questions.Load(q)
	if !ok {
		text, _ = t.questions.LoadOrStore(q, t.text(q))
	}
	return text.(string), append(args, p.Limit+1)
}

// text writes a question. The index table leads (CROSS JOIN keeps the order), so
// that no row is read that is not in the answer.
func (t *table) text(q question) string {
	x := t.indexes[q.index]
	rest := x.columns[q.equal:]
	var b strings.Builder
	body := `d.body`
	if q.bare {
		body = `NULL`
	}
	b.WriteString(`SELECT d.id, d.v, ` + body)
	for _, c := range rest {
		b.WriteString(`, x.` + c)
	}
	b.WriteString(` FROM ` + x.name + ` x CROSS JOIN ` + t.name + ` d ON d.id = x.id WHERE true`)
	for _, c := range x.columns[:q.equal] {
		b.WriteString(` AND x.` + c + ` = ?`)
	}
	way, beyond := "", ` > `
	if q.back {
		way, beyond = " DESC", ` < `
	}
	if q.after {
		b.WriteString(` AND (`)
		for _, c := range rest {
			b.WriteString(`x.` + c + `, `)
		}
		b.WriteString(`x.id)` + beyond + `(` + strings.Repeat(`?, `, len(rest)) + `?)`)
	}
	if q.from {
		b.WriteString(` AND x.` + rest[0] + ` >= ?`)
	}
	if q.before {
		b.WriteString(` AND x.` + rest[0] + ` < ?`)
	}
	b.WriteString(` ORDER BY `)
	for _, c := range rest {
		b.WriteString(`x.` + c + way + `, `)
	}
	// A bare "LIMIT ?" makes SQLite plan the question anew for every value.
	b.WriteString(`x.id` + way + ` LIMIT ? + 0`)
	return b.String()
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

// Each satisfies store.Store. A stretch ends at 256 documents or 4 MB.
func (s *Store) Each(ctx context.Context, kind string, f func(store.Document) error) error {
	t, err := s.table(kind)
	if err != nil {
		return err
	}
	for after := ""; ; {
		var docs []store.Document
		size := 0
		err := s.readers.use(ctx, func(c *conn) error {
			return c.rows(func(row []driver.Value) bool {
				d := document(row)
				docs = append(docs, d)
				size += len(d.Body)
				return size < 4<<20
			}, `SELECT id, v, body FROM `+t.name+` WHERE id > ? ORDER BY id LIMIT 256`, after)
		})
		if err != nil {
			return fmt.Errorf("sqlite: each %s: %w", kind, err)
		}
		if len(docs) == 0 {
			return nil
		}
		for _, d := range docs {
			if err := f(d); err != nil {
				return err
			}
			after = d.ID
		}
	}
}
