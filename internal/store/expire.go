package store

import (
	"context"
	"errors"
	"time"
)

// Expire removes the documents whose index, of one time, lies before a time. One
// that is changed meanwhile stays: its time may be another now. It goes page by
// page and may be stopped and repeated.
func Expire[T any](ctx context.Context, docs Collection[T], index string, before time.Time) error {
	for q := (Query{Index: index, Before: before}); ; {
		page, err := docs.store.Find(ctx, docs.kind, q)
		if err != nil {
			return err
		}
		for _, d := range page.Documents {
			err := docs.store.Delete(ctx, docs.kind, d.ID, d.Version, nil)
			if err != nil && !errors.Is(err, ErrConflict) {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}
