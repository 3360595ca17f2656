package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"halsocoach"
	"halsocoach/internal/store"
)

// write is one save or delete.
type write struct {
	kind    *kind
	what    string // for errors: "save message"
	id      string
	old     string // the version that was read; "" = must not exist
	version string // the new one; also the name of the batch
	body    []byte
	ix      bson.D
	events  []byte // nil = none
	remove  bool
}

// Save satisfies store.Store.
func (s *Store) Save(ctx context.Context, kind string, doc store.Document, events []halsocoach.Event) (string, error) {
	k, err := s.kind(kind)
	if err != nil {
		return "", err
	}
	if doc.ID == "" {
		return "", fmt.Errorf("mongo: a document of %s without an id", kind)
	}
	w := &write{kind: k, what: "save " + kind, id: doc.ID, old: doc.Version, version: halsocoach.NewID(), body: doc.Body}
	if w.ix, err = k.extractIndex(doc.Body); err != nil {
		return "", err
	}
	if w.events, err = store.EncodeEvents(events); err != nil {
		return "", err
	}
	if err := s.do(ctx, w); err != nil {
		return "", err
	}
	return w.version, nil
}

// Delete satisfies store.Store.
func (s *Store) Delete(ctx context.Context, kind, id, version string, events []halsocoach.Event) error {
	k, err := s.kind(kind)
	if err != nil {
		return err
	}
	w := &write{kind: k, what: "delete " + kind, id: id, old: version, version: halsocoach.NewID(), remove: true}
	if w.events, err = store.EncodeEvents(events); err != nil {
		return err
	}
	if version == "" {
		return store.ErrConflict
	}
	return s.do(ctx, w)
}

// do makes the write and, when it carries events, tells the relay. A caller who
// leaves when it is on its way does not stop it: it would not be known what
// became of it.
func (s *Store) do(ctx context.Context, w *write) error {
	if err := w.kind.mayWrite(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	own := context.WithoutCancel(ctx)
	if until, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		own, cancel = context.WithDeadline(own, until)
		defer cancel()
	}
	err := s.run(own, w.what, w.insist)
	if w.events != nil {
		w.kind.warm.Store(true)
		select {
		case s.saved <- struct{}{}:
		default:
		}
	}
	return err
}

// How often a write is tried again when the server failed, and the first pause.
const (
	tries = 5
	pause = 20 * time.Millisecond
)

// retry tries until it is done or refused. Every write goes through it, since the
// driver's own way is off. A try whose answer was lost may have been done all
// the same, so what is tried must bear to be done again: it says which state it
// changes, and finds that state no more once it has been done.
func retry(ctx context.Context, try func() error) error {
	var said error // what a server without a primary said, before the driver gave it up
	for n := 0; ; n++ {
		err := try()
		t, _ := troubleOf(err)
		if said != nil && notChosen(err) {
			return said
		}
		if t == "" || t == readOnly || notChosen(err) || ctx.Err() != nil || n == tries-1 {
			return err
		}
		if t == noPrimary {
			said = err
		}
		select {
		case <-time.After(pause << n):
		case <-ctx.Done():
			return err
		}
	}
}

var (
	// errUnknown is the cause of an ErrBusy whose write may have been done.
	errUnknown = errors.New("the answer was lost and others have written since: whether it was saved is not known")
	// errNotYet: a majority does not hold the write yet.
	errNotYet = errors.New("a majority does not hold it yet")
	// errComesAndGoes: each time the unique value was asked for, nobody held it.
	errComesAndGoes = errors.New("a unique value is being moved by others")
)

// insist retries the write. When an answer was lost and the next try is refused,
// what is stored tells which of them it was: versions are random, so it can not
// be mistaken.
func (w *write) insist(ctx context.Context) error {
	lost := false
	return retry(ctx, func() error {
		err := w.once(ctx)
		var dup *store.ErrDuplicate
		if lost && (errors.Is(err, store.ErrConflict) || errors.As(err, &dup)) {
			err = w.settle(ctx, err)
		}
		if _, landed := troubleOf(err); landed {
			lost = true
		}
		return err
	})
}

// settle says what became of a write whose answer was lost, after a second try
// has been refused.
func (w *write) settle(ctx context.Context, refused error) error {
	at, err := w.kind.at(ctx, w.kind.durable, w.id)
	var dup *store.ErrDuplicate
	switch {
	case err != nil:
		return err
	case at.Version == w.version, w.events != nil && at.holds(w.version):
		return nil
	case errors.As(refused, &dup) && at.Version == w.old:
		return refused
	case at.Version == "" && w.remove && w.events == nil:
		return nil // it is gone, and nothing else was asked for
	case at.Version == w.old:
		return errNotYet
	}
	return busy(w.what, errUnknown)
}

// once is one try. Where a unique index may have refused it, the indexes are
// asked which; when nobody holds the value any more it is sent again.
func (w *write) once(ctx context.Context) error {
	for range tries {
		err := w.send(ctx)
		if err == nil || !maybeDuplicate(err) {
			return err
		}
		if err = w.held(ctx, err); err != nil {
			return err
		}
	}
	return busy(w.what, errComesAndGoes)
}

func (w *write) send(ctx context.Context) error {
	switch {
	case w.remove:
		return w.delete(ctx)
	case w.old == "":
		return w.insert(ctx)
	}
	return w.update(ctx, bson.D{{Key: "_id", Value: w.id}, {Key: "v", Value: w.old}})
}

// changes is the update of a document: what is set, what is removed, and the
// batch that is pushed.
func (w *write) changes(set, unset bson.D) bson.D {
	out := bson.D{{Key: "$set", Value: set}}
	if len(unset) > 0 {
		out = append(out, bson.E{Key: "$unset", Value: unset})
	}
	if w.events != nil {
		out = append(out, bson.E{Key: "$push", Value: bson.D{{Key: "ev", Value: w.batch()}}},
			bson.E{Key: "$min", Value: bson.D{{Key: waits, Value: time.Now().UnixNano()}}})
	}
	return out
}

func (w *write) batch() bson.D {
	return bson.D{{Key: "b", Value: w.version}, {Key: "e", Value: w.events}}
}

// update gives the document that filter finds the new version.
func (w *write) update(ctx context.Context, filter bson.D) error {
	set := bson.D{{Key: "v", Value: w.version}, {Key: "body", Value: w.body}, {Key: "ix", Value: w.ix}}
	var unset bson.D
	if w.old == "" {
		unset = bson.D{{Key: "gone", Value: ""}}
	}
	return w.change(ctx, filter, w.changes(set, unset))
}

// change changes the document that filter finds.
func (w *write) change(ctx context.Context, filter, changes bson.D) error {
	res, err := w.kind.coll.UpdateOne(ctx, filter, changes)
	if err == nil && res.MatchedCount == 0 {
		return store.ErrConflict
	}
	return err
}

// insert makes the document, or revives one that is gone. It never asks for both
// at once (an upsert): where the server does not keep two of them apart, one is
// lost.
func (w *write) insert(ctx context.Context) error {
	doc := bson.D{{Key: "_id", Value: w.id}, {Key: "v", Value: w.version}, {Key: "body", Value: w.body}, {Key: "ix", Value: w.ix}}
	if w.events != nil {
		doc = append(doc, bson.E{Key: "ev", Value: bson.A{w.batch()}}, bson.E{Key: waits, Value: time.Now().UnixNano()})
	}
	_, err := w.kind.coll.InsertOne(ctx, doc)
	if err == nil || !maybeDuplicate(err) {
		return err
	}
	at, rerr := w.kind.at(ctx, w.kind.coll, w.id)
	switch {
	case rerr != nil:
		return rerr
	case at.Gone:
		revived := w.update(ctx, bson.D{{Key: "_id", Value: w.id}, {Key: "gone", Value: true}})
		if !errors.Is(revived, store.ErrConflict) {
			return revived
		}
		// It has been removed or revived since.
	case at.Version != "":
		return store.ErrConflict
	}
	return err
}

// delete removes the document at once when nothing waits for the relay; else it
// leaves what the relay needs.
func (w *write) delete(ctx context.Context) error {
	own := bson.D{{Key: "_id", Value: w.id}, {Key: "v", Value: w.old}}
	queued := func(is bool) bson.D {
		return append(own[:2:2], bson.E{Key: waits, Value: bson.D{{Key: "$exists", Value: is}}})
	}
	gone := w.changes(bson.D{{Key: "v", Value: w.version}, {Key: "gone", Value: true}}, bson.D{{Key: "body", Value: ""}, {Key: "ix", Value: ""}})
	if w.events != nil {
		return w.change(ctx, own, gone)
	}
	// The relay may take the last batch in between. Nobody would remove what is
	// left then, so each step says whether it is for a document that waits.
	for range 2 {
		res, err := w.kind.coll.DeleteOne(ctx, queued(false))
		if err != nil || res.DeletedCount == 1 {
			return err
		}
		if err := w.change(ctx, queued(true), gone); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return store.ErrConflict
}

// maybeDuplicate says whether an error may come from a unique index. Not every
// server that speaks MongoDB's language says so by MongoDB's code.
func maybeDuplicate(err error) bool {
	if driver.IsDuplicateKeyError(err) {
		return true
	}
	var server driver.ServerError
	t, _ := troubleOf(err)
	return t == "" && errors.As(err, &server)
}

// held asks the unique indexes which of them another document holds. It is nil
// when none does any more, or what went wrong.
func (w *write) held(ctx context.Context, cause error) error {
	for i, x := range w.kind.schema.Kind.Indexes {
		value, ok := valueOf(w.ix, w.kind.fields[i])
		if !x.Unique || !ok {
			continue
		}
		other, err := w.kind.coll.FindOne(ctx, bson.D{{Key: w.kind.path(i, 0), Value: value}}, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Raw()
		switch {
		case errors.Is(err, driver.ErrNoDocuments):
		case err != nil:
			return err
		case other.Lookup("_id").StringValue() != w.id:
			return &store.ErrDuplicate{Kind: w.kind.name, Index: x.Name}
		}
	}
	if driver.IsDuplicateKeyError(cause) {
		return nil
	}
	return cause
}

// valueOf is the first field of an index in ix.
func valueOf(ix bson.D, field string) (any, bool) {
	for _, e := range ix {
		if e.Key == field {
			return e.Value.(bson.D)[0].Value, true
		}
	}
	return nil, false
}

// position is where a document stands; Version is "" when there is none.
type position struct {
	Version string `bson:"v"`
	Gone    bool   `bson:"gone"`
	Batches []struct {
		Name string `bson:"b"`
	} `bson:"ev"`
}

func (p position) holds(batch string) bool {
	for _, b := range p.Batches {
		if b.Name == batch {
			return true
		}
	}
	return false
}

// at reads where a document stands.
func (k *kind) at(ctx context.Context, from *driver.Collection, id string) (position, error) {
	var p position
	err := from.FindOne(ctx, bson.D{{Key: "_id", Value: id}},
		options.FindOne().SetProjection(bson.D{{Key: "v", Value: 1}, {Key: "gone", Value: 1}, {Key: "ev.b", Value: 1}})).Decode(&p)
	if errors.Is(err, driver.ErrNoDocuments) {
		return position{}, nil
	}
	return p, err
}
