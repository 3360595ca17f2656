package store

import (
	"context"
	"iter"
	"sync"
)

// Shared reads a collection for pages that are looked at often. It keeps documents
// decoded, by their versions, and asks the store for the bodies of those only that it
// does not know. A version never comes back, so what it gives is never old. It is
// shared with other readers and must not be changed.
type Shared[T any] struct {
	Collection[T] // for what is not a list: each read is its own
	half          int

	mu         sync.Mutex
	young, old map[string]T // by version; the old ones go when the young are half of all
}

// Shared keeps at most so many documents decoded.
func (c Collection[T]) Shared(most int) *Shared[T] {
	return &Shared[T]{Collection: c, half: most / 2, young: map[string]T{}}
}

// Find is Collection.Find.
func (s *Shared[T]) Find(ctx context.Context, q Query) (items []T, next string, err error) {
	q.Bare = true
	page, err := s.store.Find(ctx, s.kind, q)
	if err != nil {
		return nil, "", err
	}
	items, known := s.known(page.Documents)
	if known {
		return items, page.Next, nil
	}
	if q.Bare = false; page.Documents[0].Body == nil { // all is asked anew, so that the answer is of one moment
		if page, err = s.store.Find(ctx, s.kind, q); err != nil {
			return nil, "", err
		}
	}
	items, err = s.decode(page.Documents)
	return items, page.Next, err
}

// All is Collection.All.
func (s *Shared[T]) All(ctx context.Context, q Query) iter.Seq2[T, error] { return all(ctx, q, s.Find) }

// Many is Collection.Many.
func (s *Shared[T]) Many(ctx context.Context, ids ...string) ([]T, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	docs, err := s.store.Versions(ctx, s.kind, ids...)
	if err != nil {
		return nil, err
	}
	if items, all := s.known(docs); all {
		return items, nil
	}
	if docs[0].Body == nil {
		if docs, err = s.store.Get(ctx, s.kind, ids...); err != nil {
			return nil, err
		}
	}
	return s.decode(docs)
}

// known are the documents, if all of them are known.
func (s *Shared[T]) known(docs []Document) ([]T, bool) {
	items := make([]T, len(docs))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, d := range docs {
		var ok bool
		if items[i], ok = s.get(d.Version); !ok {
			return nil, false
		}
	}
	return items, true
}

// get is for those that hold mu.
func (s *Shared[T]) get(version string) (v T, ok bool) {
	if v, ok = s.young[version]; ok {
		return v, true
	}
	if v, ok = s.old[version]; ok {
		s.keep(version, v)
	}
	return v, ok
}

func (s *Shared[T]) keep(version string, v T) {
	if len(s.young) >= s.half {
		s.young, s.old = make(map[string]T, s.half), s.young
	}
	s.young[version] = v
}

// decode reads the documents and keeps them.
func (s *Shared[T]) decode(docs []Document) ([]T, error) {
	items, err := s.Collection.decode(docs)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, d := range docs {
		s.keep(d.Version, items[i])
	}
	return items, nil
}
