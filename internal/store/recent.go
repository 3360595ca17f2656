package store

import (
	"context"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"halsocoach"
)

// Watched is a store that knows what this process has changed, for Recent. It
// tells documents and answers of indexes apart by hashes: two that share one
// cost a working out too many, never one too few.
type Watched struct {
	Store
	schemas map[string]*Schema
	read    map[string]*atomic.Bool // kinds that a Recent has read
	seed    maphash.Seed
	now     atomic.Uint64
	changed [1 << 14]atomic.Uint64 // when, by the count of now
}

// Watch watches s, which was opened with the kinds.
func Watch(s Store, kinds []Kind) *Watched {
	w := &Watched{Store: s, schemas: map[string]*Schema{}, read: map[string]*atomic.Bool{}, seed: maphash.MakeSeed()}
	for _, k := range kinds {
		w.schemas[k.Name], w.read[k.Name] = NewSchema(k), &atomic.Bool{}
	}
	return w
}

// turns are those of the store that is watched, nil when it has none.
func (w *Watched) turns() *Turns {
	if s, ok := w.Store.(interface{ turns() *Turns }); ok {
		return s.turns()
	}
	return nil
}

// Save is the store's. What it may have changed counts as changed, also after a
// fault, which may have come after the commit.
func (w *Watched) Save(ctx context.Context, kind string, doc Document, events []halsocoach.Event) (string, error) {
	version, err := w.Store.Save(ctx, kind, doc, events)
	if w.isRead(kind) {
		w.touch(w.document(kind, doc.ID))
		if entries, err := w.schemas[kind].ExtractIndex(doc.Body); err == nil {
			for _, e := range entries {
				for n := range len(e.Values) + 1 {
					w.touch(w.answer(kind, e.Index, e.Values[:n]))
				}
			}
		}
	}
	return version, err
}

// Delete is the store's.
func (w *Watched) Delete(ctx context.Context, kind, id, version string, events []halsocoach.Event) error {
	err := w.Store.Delete(ctx, kind, id, version, events)
	if w.isRead(kind) {
		w.touch(w.document(kind, id))
	}
	return err
}

// Get is the store's.
func (w *Watched) Get(ctx context.Context, kind string, ids ...string) ([]Document, error) {
	if r := reading(ctx); r != nil {
		w.willRead(kind)
		for _, id := range ids {
			r.note(w.document(kind, id))
		}
	}
	return w.Store.Get(ctx, kind, ids...)
}

// Find is the store's.
func (w *Watched) Find(ctx context.Context, kind string, q Query) (Page, error) {
	r := reading(ctx)
	if r == nil {
		return w.Store.Find(ctx, kind, q)
	}
	w.willRead(kind)
	r.note(w.query(kind, q))
	page, err := w.Store.Find(ctx, kind, q)
	for _, d := range page.Documents {
		r.note(w.document(kind, d.ID))
	}
	return page, err
}

// Each is the store's. What was worked out from all of a kind is not remembered.
func (w *Watched) Each(ctx context.Context, kind string, f func(Document) error) error {
	if r := reading(ctx); r != nil {
		r.forget()
	}
	return w.Store.Each(ctx, kind, f)
}

// isRead says, after a commit, whether a Recent may have read the kind before it.
func (w *Watched) isRead(kind string) bool {
	read, ok := w.read[kind]
	return ok && read.Load()
}

func (w *Watched) willRead(kind string) {
	if read, ok := w.read[kind]; ok && !read.Load() {
		read.Store(true)
	}
}

// touch says that what has the hash is another from now on.
func (w *Watched) touch(hash uint64) {
	at, now := &w.changed[hash%uint64(len(w.changed))], w.now.Add(1)
	for was := at.Load(); was < now && !at.CompareAndSwap(was, now); was = at.Load() {
	}
}

func (w *Watched) document(kind, id string) uint64 {
	return maphash.Bytes(w.seed, AppendValue(AppendValue(make([]byte, 0, 96), kind), id))
}

// answer is the hash of all that an index holds under its first values.
func (w *Watched) answer(kind string, index int, values []any) uint64 {
	key := AppendValue(AppendValue(make([]byte, 0, 160), kind), int64(index))
	for _, v := range values {
		key = AppendValue(key, v)
	}
	return maphash.Bytes(w.seed, key)
}

// query is the hash of what a query asks for: an answer, of which it may take a
// part. A query that can not be asked is the adapter's to refuse.
func (w *Watched) query(kind string, q Query) uint64 {
	schema, ok := w.schemas[kind]
	if !ok {
		return 0
	}
	plan, err := schema.Plan(Query{Index: q.Index, Equal: q.Equal}, nil)
	if err != nil {
		return 0
	}
	return w.answer(kind, plan.Index, plan.Equal)
}

// readingKey is where a context holds the reads of one working out.
type readingKey struct{}

// reads are the hashes of what was read.
type reads struct {
	mu     sync.Mutex
	began  uint64
	hashes []uint64
	lost   bool
}

func reading(ctx context.Context) *reads {
	r, _ := ctx.Value(readingKey{}).(*reads)
	return r
}

func (r *reads) note(hash uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hashes = append(r.hashes, hash)
}

func (r *reads) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = true
}

// stand says whether nothing of it has changed since it was read.
func (w *Watched) stand(r *reads) bool {
	for _, hash := range r.hashes {
		if w.changed[hash%uint64(len(w.changed))].Load() > r.began {
			return false
		}
	}
	return !r.lost
}

// RecentFor is how long a Recent remembers at most: within it, what other nodes
// have changed is seen.
const RecentFor = 2 * time.Second

// recentMost bounds how many a Recent remembers.
const recentMost = 2000

// Recent remembers what pages show, by who opens them, so that a page that is
// opened again costs no reading while nothing of it has changed. What this
// process has changed since is always seen; what other nodes have changed, or a
// save that its caller no longer waited for, after RecentFor at most. It is for
// showing only: what decides something reads the store.
//
// What is remembered is shared, and must not be changed. What does not come from
// the store, as who is protected, is asked each time. The zero value is ready;
// on a store that is not Watched it remembers nothing.
type Recent[T any] struct {
	mu     sync.Mutex
	have   map[string]recent[T]
	forget *time.Timer // while something is remembered
}

type recent[T any] struct {
	value T
	reads *reads
	at    time.Time
}

// Get is what work makes of the store, remembered under key. All that work reads
// it must read with the context that it is given.
func (r *Recent[T]) Get(ctx context.Context, s Store, key string, work func(context.Context) (T, error)) (T, error) {
	w, ok := s.(*Watched)
	if !ok {
		return work(ctx)
	}
	r.mu.Lock()
	have, ok := r.have[key]
	r.mu.Unlock()
	if ok && time.Since(have.at) < RecentFor && w.stand(have.reads) {
		return have.value, nil
	}
	fresh := recent[T]{at: time.Now(), reads: &reads{began: w.now.Load()}}
	var err error
	if fresh.value, err = work(context.WithValue(ctx, readingKey{}, fresh.reads)); err != nil {
		return fresh.value, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.have) >= recentMost {
		clear(r.have)
	}
	if r.have == nil {
		r.have = map[string]recent[T]{}
	}
	r.have[key] = fresh
	if r.forget == nil {
		r.forget = time.AfterFunc(RecentFor, r.forgetOld)
	}
	return fresh.value, nil
}

// forgetOld drops what is too old: it may be personal.
func (r *Recent[T]) forgetOld() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, one := range r.have {
		if time.Since(one.at) >= RecentFor {
			delete(r.have, key)
		}
	}
	if r.forget = nil; len(r.have) > 0 {
		r.forget = time.AfterFunc(RecentFor, r.forgetOld)
	}
}
