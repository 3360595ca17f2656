package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"

	"halsocoach/internal/store"
)

const (
	insertBatch = `INSERT INTO outbox(doc, ref, events) VALUES(?, ?, ?)`
	deleteBatch = `DELETE FROM outbox WHERE seq = ? AND ref = ?`
	readBatches = `SELECT seq, doc, ref, events FROM outbox ORDER BY seq`
)

// Pending satisfies store.Store. It reads from the oldest batch on and passes
// by those of documents that it has already met.
func (s *Store) Pending(ctx context.Context, limit int) ([]store.Batch, error) {
	if limit <= 0 {
		return nil, nil
	}
	var out []store.Batch
	err := s.readers.use(ctx, func(c *conn) error {
		met := map[string]bool{}
		var fault error
		err := c.rows(func(row []driver.Value) bool {
			doc, _ := row[1].(string)
			if met[doc] {
				return true
			}
			met[doc] = true
			seq, _ := row[0].(int64)
			ref, _ := row[2].(string)
			body, _ := row[3].([]byte)
			events, err := store.DecodeEvents(body)
			if err != nil {
				fault = err
				return false
			}
			out = append(out, store.Batch{Ref: strconv.FormatInt(seq, 10) + "." + ref, Events: events})
			return len(out) < limit
		}, readBatches)
		if err == nil {
			err = fault
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: pending: %w", err)
	}
	return out, nil
}

// Relayed satisfies store.Store. A batch's number may be used again when the
// outbox has been empty, so its random part is asked for too.
func (s *Store) Relayed(ctx context.Context, batches ...store.Batch) error {
	if len(batches) == 0 {
		return nil
	}
	type key struct {
		seq int64
		ref string
	}
	keys := make([]key, len(batches))
	for i, b := range batches {
		seq, ref, ok := strings.Cut(b.Ref, ".")
		n, err := strconv.ParseInt(seq, 10, 64)
		if !ok || err != nil {
			return fmt.Errorf("sqlite: %q is not a batch of this store", b.Ref)
		}
		keys[i] = key{n, ref}
	}
	return s.writer.do(ctx, &op{act: func(c *conn, _ *op) error {
		for _, k := range keys {
			if _, err := c.exec(deleteBatch, k.seq, k.ref); err != nil {
				return err
			}
		}
		return nil
	}})
}
