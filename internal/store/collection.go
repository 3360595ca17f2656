package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	jsonv2 "github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"halsocoach"
)

// Collection is the typed use of one kind. T is a struct whose JSON the kind's
// indexes point into.
type Collection[T any] struct {
	store Store
	kind  string
}

// In opens the collection of kind, which must be one of those the store was
// opened with.
func In[T any](s Store, kind Kind) Collection[T] { return Collection[T]{s, kind.Name} }

// attempts bounds the retries of Update when others write the same document.
// Each lost attempt means that somebody else succeeded.
const attempts = 200

// Version is which state of a document was read. It is made anew at each save
// and never comes back.
type Version string

// Get reads one document, or ErrNotFound.
func (c Collection[T]) Get(ctx context.Context, id string) (T, error) {
	v, _, err := c.GetVersion(ctx, id)
	return v, err
}

// GetVersion is Get with the version that Replace and DeleteVersion ask for:
// for what decides over several documents before it writes one.
func (c Collection[T]) GetVersion(ctx context.Context, id string) (T, Version, error) {
	v, doc, err := c.read(ctx, id)
	if err == nil && doc.Version == "" {
		err = ErrNotFound
	}
	return v, Version(doc.Version), err
}

// read reads a document; one that does not exist has no version.
func (c Collection[T]) read(ctx context.Context, id string) (v T, doc Document, err error) {
	docs, err := c.store.Get(ctx, c.kind, id)
	if err != nil || len(docs) == 0 {
		return v, doc, err
	}
	if err := decode(docs[0].Body, &v); err != nil {
		return v, doc, fmt.Errorf("store: read %s: %w", c.kind, err)
	}
	return v, docs[0], nil
}

// Many reads several in one question, in the order of ids, without those that
// do not exist.
func (c Collection[T]) Many(ctx context.Context, ids ...string) ([]T, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	docs, err := c.store.Get(ctx, c.kind, ids...)
	if err != nil {
		return nil, err
	}
	return c.decode(docs)
}

// Insert writes a new document; ErrConflict if the id exists, ErrDuplicate if
// another holds a unique value.
func (c Collection[T]) Insert(ctx context.Context, id string, v T, events ...halsocoach.Event) error {
	return c.Replace(ctx, id, "", v, events...)
}

// Replace writes v in the place of the version that was read ("" = there was
// none); ErrConflict if another is stored by now.
func (c Collection[T]) Replace(ctx context.Context, id string, was Version, v T, events ...halsocoach.Event) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("store: marshal %s: %w", c.kind, err)
	}
	_, err = c.store.Save(ctx, c.kind, Document{ID: id, Version: string(was), Body: body}, events)
	return err
}

// Update reads the document, lets change work on it and saves it with the
// events that change returns; when somebody else was first it reads and asks
// again. An error from change ends it with nothing saved. A change that changes
// nothing and causes nothing writes nothing.
//
// change runs on the caller's own goroutine and may be asked several times, each
// time with the document as it is then. It may read the store; what it does to
// other documents is not undone when it is asked again. The changes of one
// document in one process go one at a time (Turns).
func (c Collection[T]) Update(ctx context.Context, id string, change func(*T) ([]halsocoach.Event, error)) (T, error) {
	return c.update(ctx, id, false, change)
}

// Upsert is Update that starts from the zero T when there is no document.
func (c Collection[T]) Upsert(ctx context.Context, id string, change func(*T) ([]halsocoach.Event, error)) (T, error) {
	return c.update(ctx, id, true, change)
}

func (c Collection[T]) update(ctx context.Context, id string, insert bool, change func(*T) ([]halsocoach.Event, error)) (T, error) {
	var zero T
	if s, ok := c.store.(interface{ turns() *Turns }); ok {
		giveUp, err := s.turns().take(ctx, turnKey{c.kind, id})
		if err != nil {
			return zero, err
		}
		defer giveUp()
	}
	for range attempts {
		v, was, err := c.read(ctx, id)
		if err != nil || was.Version == "" && !insert {
			return zero, cmp.Or(err, ErrNotFound)
		}
		events, err := change(&v)
		if err != nil {
			return zero, err
		}
		body, err := json.Marshal(v)
		if err != nil {
			return zero, fmt.Errorf("store: marshal %s: %w", c.kind, err)
		}
		if was.Version != "" && len(events) == 0 && bytes.Equal(body, was.Body) {
			return v, nil
		}
		_, err = c.store.Save(ctx, c.kind, Document{ID: id, Version: was.Version, Body: body}, events)
		if err == nil {
			return v, nil
		}
		if !errors.Is(err, ErrConflict) {
			return zero, err
		}
	}
	return zero, fmt.Errorf("store: change %s: %d attempts lost: %w", c.kind, attempts, halsocoach.ErrBusy)
}

// DeleteVersion removes the version that was read; ErrConflict if another is
// stored by now, or none.
func (c Collection[T]) DeleteVersion(ctx context.Context, id string, was Version, events ...halsocoach.Event) error {
	return c.store.Delete(ctx, c.kind, id, string(was), events)
}

// Delete removes the document after check has seen it and agreed; what does not
// exist is ErrNotFound.
func (c Collection[T]) Delete(ctx context.Context, id string, check func(T) ([]halsocoach.Event, error)) error {
	for range attempts {
		v, was, err := c.GetVersion(ctx, id)
		if err != nil {
			return err
		}
		var events []halsocoach.Event
		if check != nil {
			if events, err = check(v); err != nil {
				return err
			}
		}
		if err = c.DeleteVersion(ctx, id, was, events...); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("store: delete %s: %d attempts lost: %w", c.kind, attempts, halsocoach.ErrBusy)
}

// Find reads one page by an index.
func (c Collection[T]) Find(ctx context.Context, q Query) (items []T, next string, err error) {
	page, err := c.store.Find(ctx, c.kind, q)
	if err != nil {
		return nil, "", err
	}
	items, err = c.decode(page.Documents)
	return items, page.Next, err
}

// All is Find to the end, page by page. It is for what is bounded by nature, and for
// what nobody waits for. A fault comes once, as the last.
func (c Collection[T]) All(ctx context.Context, q Query) iter.Seq2[T, error] {
	return all(ctx, q, c.Find)
}

func all[T any](ctx context.Context, q Query, find func(context.Context, Query) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			items, next, err := find(ctx, q)
			for _, v := range items {
				if !yield(v, nil) {
					return
				}
			}
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if q.After = next; next == "" {
				return
			}
		}
	}
}

// IDs is Find for the ids alone.
func (c Collection[T]) IDs(ctx context.Context, q Query) (ids []string, next string, err error) {
	q.Bare = true
	page, err := c.store.Find(ctx, c.kind, q)
	for _, d := range page.Documents {
		ids = append(ids, d.ID)
	}
	return ids, page.Next, err
}

// Each calls f for every document, by id, in short reads.
func (c Collection[T]) Each(ctx context.Context, f func(id string, v T) error) error {
	return c.store.Each(ctx, c.kind, func(d Document) error {
		var v T
		if err := decode(d.Body, &v); err != nil {
			return fmt.Errorf("store: read %s: %w", c.kind, err)
		}
		return f(d.ID, v)
	})
}

func (c Collection[T]) decode(docs []Document) ([]T, error) {
	out := make([]T, len(docs))
	for i, d := range docs {
		if err := decode(d.Body, &out[i]); err != nil {
			return nil, fmt.Errorf("store: read %s: %w", c.kind, err)
		}
	}
	return out, nil
}

// asWritten makes the faster reader read what encoding/json has written.
var asWritten = jsonv2.JoinOptions(jsonv1.FormatBytesWithLegacySemantics(true), jsonv1.FormatDurationAsNano(true))

func decode(body []byte, v any) error { return jsonv2.Unmarshal(body, v, asWritten) }
