package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"halsocoach/internal/store"
)

// metaName is the collection of what the database says about itself. No kind
// can have the name. Its documents: schema, declared, ping.
const metaName = "_store"

// Step brings a database from one version of the schema to the next. Nodes may
// take it side by side, and one may die in the middle, so it can be repeated.
type Step func(context.Context, *driver.Database) error

// steps are those of this program; a database's version is how many it has
// taken. A step is never changed once it has been released; a new one is added.
var steps = []Step{
	func(ctx context.Context, db *driver.Database) error {
		_, err := db.Collection(metaName).UpdateOne(ctx, bson.D{{Key: "_id", Value: "schema"}, {Key: "cursor", Value: bson.D{{Key: "$exists", Value: false}}}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "cursor", Value: store.NewCursorKey()}}}})
		return err
	},
}

// schema is the document of that name.
type schema struct {
	Version int    `bson:"version"`
	Program string `bson:"program"` // the version of halsocoach that made it so
	Cursor  []byte `bson:"cursor"`
}

// prepare brings the database to this program's schema and indexes. It returns
// the kinds that an older program may still be writing to.
func (s *Store) prepare(ctx context.Context) (late []*kind, err error) {
	had, err := s.migrate(ctx, append(slices.Clone(steps), s.set.Later...))
	if err != nil {
		return nil, err
	}
	if s.cursors, err = store.NewCursors(had.Cursor); err != nil {
		return nil, err
	}
	return s.declareAll(ctx)
}

func (s *Store) migrate(ctx context.Context, steps []Step) (schema, error) {
	var is schema
	id := bson.D{{Key: "_id", Value: "schema"}}
	_, err := s.meta.InsertOne(ctx, append(id, bson.E{Key: "version", Value: 0}, bson.E{Key: "program", Value: program()}))
	if err != nil && !driver.IsDuplicateKeyError(err) {
		return is, fmt.Errorf("mongo: schema: %w", err)
	}
	for range 100 { // several nodes may be taking the same steps
		if err := s.meta.FindOne(ctx, id).Decode(&is); err != nil {
			return is, fmt.Errorf("mongo: schema: %w", err)
		}
		if is.Version > len(steps) {
			return is, fmt.Errorf("%w: the database has schema %d and this program, %s, knows %d: use halsocoach %s or a later one",
				store.ErrNewer, is.Version, program(), len(steps), is.Program)
		}
		if is.Version == len(steps) {
			return is, nil
		}
		next := is.Version + 1
		if err := steps[is.Version](ctx, s.db); err != nil {
			return is, fmt.Errorf("mongo: migrate to schema %d: %w", next, err)
		}
		_, err := s.meta.UpdateOne(ctx, bson.D{{Key: "_id", Value: "schema"}, {Key: "version", Value: is.Version}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: next}, {Key: "program", Value: program()}}}})
		if err != nil {
			return is, fmt.Errorf("mongo: migrate to schema %d: %w", next, err)
		}
	}
	return is, errors.New("mongo: the schema's version does not stay as it is set")
}

// program is the version that this binary was built as.
func program() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// declared is what the database's programs have last declared, by kind.
type declared struct {
	v     string
	Kinds map[string]declaredKind
}

type declaredKind struct {
	Fields []string `json:"fields"` // of the indexes, as they stand in ix
	Lifted bool     `json:"lifted"` // every document has been lifted by them
}

func (s *Store) declared(ctx context.Context) (declared, error) {
	d := declared{Kinds: map[string]declaredKind{}}
	raw, err := s.meta.FindOne(ctx, bson.D{{Key: "_id", Value: "declared"}}).Raw()
	if errors.Is(err, driver.ErrNoDocuments) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	doc, _ := document(raw)
	d.v = doc.Version
	return d, json.Unmarshal(doc.Body, &d.Kinds)
}

// declare changes what is declared, together with other nodes that do so.
func (s *Store) declare(ctx context.Context, change func(map[string]declaredKind)) error {
	for range 100 {
		d, err := s.declared(ctx)
		if err != nil {
			return err
		}
		before, _ := json.Marshal(d.Kinds)
		change(d.Kinds)
		body, err := json.Marshal(d.Kinds)
		if err != nil || string(body) == string(before) {
			return err
		}
		v := store.NewCursorKey() // random
		set := bson.D{{Key: "v", Value: fmt.Sprintf("%x", v)}, {Key: "body", Value: body}}
		if d.v == "" {
			_, err = s.meta.InsertOne(ctx, append(bson.D{{Key: "_id", Value: "declared"}}, set...))
			if err == nil || !driver.IsDuplicateKeyError(err) {
				return err
			}
			continue
		}
		res, err := s.meta.UpdateOne(ctx, bson.D{{Key: "_id", Value: "declared"}, {Key: "v", Value: d.v}}, bson.D{{Key: "$set", Value: set}})
		if err != nil || res.MatchedCount == 1 {
			return err
		}
	}
	return errors.New("mongo: too many nodes declare their indexes at once")
}

// declareAll makes the indexes and lifts documents again whose indexes are
// declared otherwise than they were. MongoDB builds indexes while others write.
func (s *Store) declareAll(ctx context.Context) (late []*kind, err error) {
	var had map[string]declaredKind
	if err := s.declare(ctx, func(all map[string]declaredKind) {
		had = maps.Clone(all)
		for _, k := range s.order {
			if h, ok := all[k.name]; !ok || !slices.Equal(h.Fields, k.fields) {
				all[k.name] = declaredKind{Fields: k.fields, Lifted: !ok}
			}
		}
	}); err != nil {
		return nil, fmt.Errorf("mongo: declare indexes: %w", err)
	}
	errs := make([]error, len(s.order))
	var running sync.WaitGroup
	room := make(chan struct{}, askedAtOnce)
	for i, k := range s.order {
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			if err := k.makeIndexes(ctx); err != nil {
				errs[i] = fmt.Errorf("mongo: indexes of %s: %w", k.name, err)
			}
		})
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, k := range s.order {
		h, ok := had[k.name]
		if !ok || h.Lifted && slices.Equal(h.Fields, k.fields) {
			continue
		}
		n, err := k.liftAll(ctx)
		if err != nil {
			return nil, fmt.Errorf("mongo: indexes of %s: %w", k.name, err)
		}
		s.log.Info("indexes declared anew", "kind", k.name, "documents", n)
		if err := k.dropOthers(ctx); err != nil {
			return nil, fmt.Errorf("mongo: indexes of %s: %w", k.name, err)
		}
		late = append(late, k)
	}
	return late, nil
}

// makeIndexes makes those that the collection lacks.
func (k *kind) makeIndexes(ctx context.Context) error {
	all, err := k.coll.Indexes().ListSpecifications(ctx)
	var server driver.ServerError
	if err != nil && !(errors.As(err, &server) && server.HasErrorCode(codeNoCollection)) {
		return err
	}
	has := map[string]bool{}
	for _, x := range all {
		has[x.Name] = true
	}
	var missing []driver.IndexModel
	for i, model := range k.indexes() {
		if i == 0 && !has[eventsIndex] || i > 0 && !has[k.fields[i-1]] {
			missing = append(missing, model)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = k.coll.Indexes().CreateMany(ctx, missing)
	return err
}

const codeNoCollection = 26

// liftedAtOnce is how many documents one command lifts again.
const liftedAtOnce = 50

// liftAll lifts those documents again that were lifted by other indexes. Who
// saves one meanwhile lifts it too, so only the version that was read is touched.
func (k *kind) liftAll(ctx context.Context) (n int, err error) {
	if len(k.fields) == 0 {
		return 0, nil
	}
	filter := func(after string) bson.D {
		return bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}, {Key: "ix.d", Value: bson.D{{Key: "$ne", Value: k.stamp}}},
			{Key: "gone", Value: bson.D{{Key: "$exists", Value: false}}}}
	}
	o := options.Find().SetProjection(wanted).SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(liftedAtOnce).SetBatchSize(liftedAtOnce + 1)
	for after := ""; ; {
		var updates []driver.WriteModel
		var fault error
		size, from := 0, after
		err := k.each(ctx, filter(from), o, func(d store.Document) bool {
			ix, err := k.lift(d.Body)
			if err != nil {
				fault = fmt.Errorf("document %s: %w", d.ID, err)
				return false
			}
			updates = append(updates, driver.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: d.ID}, {Key: "v", Value: d.Version}}).
				SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "ix", Value: ix}}}}))
			after = d.ID
			size += len(d.Body)
			return size < stretchBytes
		})
		if err = errors.Join(err, fault); err != nil || len(updates) == 0 {
			return n, err
		}
		if _, err := k.coll.BulkWrite(ctx, updates, options.BulkWrite().SetOrdered(false)); err != nil {
			return n, err
		}
		n += len(updates)
	}
}

// dropOthers drops the indexes that are declared no more.
func (k *kind) dropOthers(ctx context.Context) error {
	all, err := k.coll.Indexes().ListSpecifications(ctx)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.Name == "_id_" || x.Name == eventsIndex || slices.Contains(k.fields, x.Name) {
			continue
		}
		if err := k.coll.Indexes().DropOne(ctx, x.Name); err != nil {
			return err
		}
	}
	return nil
}

// liftLate lifts once more what older programs have saved until they saw that
// the indexes are declared anew.
func (s *Store) liftLate(late []*kind) {
	select {
	case <-s.ctx.Done():
		return
	case <-time.After(s.set.Bound + 2*s.set.Watch):
	}
	for _, k := range late {
		if _, err := k.liftAll(s.ctx); err != nil {
			if s.ctx.Err() == nil {
				s.log.Error("indexes declared anew: a document could not be lifted; restart to try again", "kind", k.name, "error", err)
			}
			return
		}
	}
	err := s.declare(s.ctx, func(all map[string]declaredKind) {
		for _, k := range late {
			if h := all[k.name]; slices.Equal(h.Fields, k.fields) {
				all[k.name] = declaredKind{Fields: k.fields, Lifted: true}
			}
		}
	})
	if err != nil && s.ctx.Err() == nil {
		s.log.Warn("indexes declared anew: not noted as done; the next start looks again", "error", err)
	}
}

// look marks the kinds whose indexes another program has declared otherwise.
func (s *Store) look(ctx context.Context) error {
	d, err := s.declared(ctx)
	if err != nil {
		return err
	}
	for _, k := range s.order {
		h, ok := d.Kinds[k.name]
		if !ok || slices.Equal(h.Fields, k.fields) {
			k.others.Store(nil)
		} else {
			k.others.Store(&h.Fields)
		}
	}
	return nil
}
