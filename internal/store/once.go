package store

import (
	"context"
	"errors"

	"halsocoach"
)

// InsertOnce is the document of a request that may come twice: the stored one of
// id, or else what make gives, inserted with its events. made says that it was
// inserted now. When the stored one was made by another request with the same key,
// which same tells by its digest, the answer is ErrKeyReused.
func (c Collection[T]) InsertOnce(ctx context.Context, id string, same func(T) bool, make func() (T, []halsocoach.Event, error)) (v T, made bool, err error) {
	if v, err = c.Get(ctx, id); errors.Is(err, ErrNotFound) {
		var events []halsocoach.Event
		if v, events, err = make(); err != nil {
			return v, false, err
		}
		if err = c.Insert(ctx, id, v, events...); err == nil {
			return v, true, nil
		}
		if errors.Is(err, ErrConflict) { // the same request, sent at the same time
			v, err = c.Get(ctx, id)
		}
	}
	if err == nil && !same(v) {
		err = halsocoach.ErrKeyReused
	}
	return v, false, err
}
