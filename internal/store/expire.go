package store

import (
	"context"
	"errors"
	"time"
)

// Expire removes the documents whose index "ends" lies before a time. id is the
// document's own. It goes page by page and may be stopped and repeated.
func Expire[T any](ctx context.Context, docs Collection[T], before time.Time, id func(T) string) error {
	for {
		found, next, err := docs.Find(ctx, Query{Index: "ends", Before: before})
		if err != nil {
			return err
		}
		for _, d := range found {
			if err := docs.Delete(ctx, id(d), nil); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		if next == "" {
			return nil
		}
	}
}
