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
	if w.ix, err = k.lift(doc.Body); err != nil {
		return "", err
	}
	if w.events, err = encodeEvents(events); err != nil {
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
	if w.events, err = encodeEvents(events); err != nil {
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
	began := time.Now()
	own, cancel, err := s.begin(context.WithoutCancel(ctx), ctx)
	if err != nil {
		return err
	}
	defer cancel()
	err = s.insist(own, w)
	if w.events != nil {
		w.kind.warm.Store(true)
		select {
		case s.saved <- struct{}{}:
		default:
		}
	}
	return s.fault(own, w.what, began, err)
}

// How often a write is tried again when the server failed, and the first pause.
const (
	tries = 5
	pause = 20 * time.Millisecond
)

// errUnknown is the cause of an ErrBusy whose write may have been done.
var errUnknown = errors.New("the answer was lost and others have written since: whether it was saved is not known")

// insist tries the write until it is done or refused. A try whose answer was
// lost may have been done all the same; then the next one is refused, and what
// is stored tells which it was. Versions are random, so it can not be mistaken.
func (s *Store) insist(ctx context.Context, w *write) error {
	lost := false
	for try := 0; ; try++ {
		err := w.once(ctx)
		var dup *store.ErrDuplicate
		if refused := errors.Is(err, store.ErrConflict) || errors.As(err, &dup); refused && lost {
			err = w.settle(ctx, err)
		}
		if err == nil {
			return nil
		}
		t, landed := troubleOf(err)
		if t == "" && !errors.Is(err, errNotYet) {
			return err
		}
		lost = lost || landed
		if errors.Is(err, errNotYet) {
			err = busy(w.what, err)
		}
		if ctx.Err() != nil || try == tries-1 || t == refuses || notChosen(err) {
			return err // as ErrBusy, which says that it may have been done
		}
		select {
		case <-time.After(pause << try):
		case <-ctx.Done():
			return err
		}
	}
}

// errNotYet: a majority does not hold the write yet.
var errNotYet = errors.New("mongo: not yet settled")

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

// once is one try.
func (w *write) once(ctx context.Context) error {
	switch {
	case w.remove:
		return w.delete(ctx)
	case w.old == "":
		return w.insert(ctx)
	}
	return w.replace(ctx, bson.D{{Key: "_id", Value: w.id}, {Key: "v", Value: w.old}})
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

// replace gives the document that filter finds the new version.
func (w *write) replace(ctx context.Context, filter bson.D) error {
	set := bson.D{{Key: "v", Value: w.version}, {Key: "body", Value: w.body}, {Key: "ix", Value: w.ix}}
	var unset bson.D
	if w.old == "" {
		unset = bson.D{{Key: "gone", Value: ""}}
	}
	for range tries {
		res, err := w.kind.coll.UpdateOne(ctx, filter, w.changes(set, unset))
		if err == nil && res.MatchedCount == 0 {
			return store.ErrConflict
		}
		if err == nil || !w.kind.maybeDuplicate(err) {
			return err
		}
		if held := w.held(ctx, err); held != nil {
			return held
		}
	}
	return busy(w.what, errComesAndGoes)
}

// errComesAndGoes: each time the unique value was asked for, nobody held it.
var errComesAndGoes = errors.New("a unique value is being moved by others")

// insert makes the document, or revives one that is gone.
func (w *write) insert(ctx context.Context) error {
	doc := bson.D{{Key: "_id", Value: w.id}, {Key: "v", Value: w.version}, {Key: "body", Value: w.body}, {Key: "ix", Value: w.ix}}
	if w.events != nil {
		doc = append(doc, bson.E{Key: "ev", Value: bson.A{w.batch()}}, bson.E{Key: waits, Value: time.Now().UnixNano()})
	}
	for range tries {
		_, err := w.kind.coll.InsertOne(ctx, doc)
		if err == nil || !driver.IsDuplicateKeyError(err) {
			return err
		}
		at, ferr := w.kind.at(ctx, w.kind.coll, w.id)
		switch {
		case ferr != nil:
			return ferr
		case at.Version == "":
			if held := w.held(ctx, err); held != nil {
				return held
			}
		case !at.Gone:
			return store.ErrConflict
		default:
			err = w.replace(ctx, bson.D{{Key: "_id", Value: w.id}, {Key: "v", Value: at.Version}, {Key: "gone", Value: true}})
			if !errors.Is(err, store.ErrConflict) {
				return err
			}
		}
	}
	return busy(w.what, errComesAndGoes)
}

// delete removes the document at once when nothing waits for the relay; else it
// leaves what the relay needs.
func (w *write) delete(ctx context.Context) error {
	filter := bson.D{{Key: "_id", Value: w.id}, {Key: "v", Value: w.old}}
	if w.events == nil {
		res, err := w.kind.coll.DeleteOne(ctx, append(filter, bson.E{Key: waits, Value: bson.D{{Key: "$exists", Value: false}}}))
		if err != nil || res.DeletedCount == 1 {
			return err
		}
	}
	res, err := w.kind.coll.UpdateOne(ctx, filter, w.changes(
		bson.D{{Key: "v", Value: w.version}, {Key: "gone", Value: true}}, bson.D{{Key: "body", Value: ""}, {Key: "ix", Value: ""}}))
	if err == nil && res.MatchedCount == 0 {
		return store.ErrConflict
	}
	return err
}

// maybeDuplicate says whether an error may come from a unique index. Not every
// server that speaks MongoDB's language says so in an update.
func (k *kind) maybeDuplicate(err error) bool {
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
