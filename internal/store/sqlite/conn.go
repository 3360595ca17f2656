package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"modernc.org/sqlite"
)

// conn is one connection with its prepared statements. It goes round
// database/sql, whose locks and conversions cost as much as a small insert. A
// conn is used by one goroutine at a time.
type conn struct {
	raw   driver.Conn
	stmts map[string]stmt
	args  []driver.NamedValue
}

// stmt is what the driver's statements can do.
type stmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// dial opens a connection. The settings are name(value) pragmas.
func dial(path, mode string, pragmas ...string) (*conn, error) {
	q := url.Values{"mode": {mode}, "_pragma": pragmas}
	connector, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	raw, err := connector.Connect(context.Background())
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	return &conn{raw: raw, stmts: map[string]stmt{}}, nil
}

func (c *conn) prepare(query string) (stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.raw.Prepare(query)
	if err != nil {
		return nil, fmt.Errorf("sqlite: prepare %q: %w", query, err)
	}
	ready, ok := s.(stmt)
	if !ok {
		return nil, errors.New("sqlite: the driver's statements take no context")
	}
	c.stmts[query] = ready
	return ready, nil
}

// bind puts args into the room that the connection keeps for them.
func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, v := range args {
		if n, ok := v.(int); ok {
			v = int64(n)
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return c.args
}

// exec runs a statement and tells how many rows it changed.
func (c *conn) exec(query string, args ...any) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	done, err := s.ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

// script runs statements that are not kept prepared.
func (c *conn) script(query string) error {
	s, err := c.raw.Prepare(query)
	if err != nil {
		return fmt.Errorf("sqlite: prepare %q: %w", query, err)
	}
	defer s.Close()
	if _, err = s.(stmt).ExecContext(context.Background(), nil); err != nil {
		return fmt.Errorf("sqlite: %q: %w", query, err)
	}
	return nil
}

// rows calls f for each row of the answer until f says stop. The slice is used
// again for the next row; texts and blobs in it may be kept.
func (c *conn) rows(f func(row []driver.Value) (more bool), query string, args ...any) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if !f(row) {
			return nil
		}
	}
}

// one reads the only row into row, and says whether there was one.
func (c *conn) one(row []driver.Value, query string, args ...any) (bool, error) {
	found := false
	err := c.rows(func(r []driver.Value) bool {
		copy(row, r)
		found = true
		return false
	}, query, args...)
	return found, err
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		_ = s.Close()
	}
	return c.raw.Close()
}

// busy says whether err is another connection's lock.
func busy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == 5 // SQLITE_BUSY
}
