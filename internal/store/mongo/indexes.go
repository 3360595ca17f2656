package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"halsocoach"
	"halsocoach/internal/store"
)

// The field and index by which the relay finds documents with events: the field
// exists only while there are any.
const (
	waits       = "q"
	eventsIndex = "events"
)

// indexes are those that the collection is to have. A document is in one when
// it has its subdocument in ix; the unique ones are sparse, so that documents
// without the field do not stand in each other's way.
func (k *kind) indexes() []driver.IndexModel {
	out := []driver.IndexModel{{Keys: bson.D{{Key: waits, Value: 1}}, Options: options.Index().SetName(eventsIndex).SetSparse(true)}}
	for i, x := range k.schema.Kind.Indexes {
		var keys bson.D
		for n := range x.Fields {
			keys = append(keys, bson.E{Key: k.path(i, n), Value: 1})
		}
		o := options.Index().SetName(k.fields[i])
		if x.Unique {
			o.SetUnique(true).SetSparse(true)
		} else {
			keys = append(keys, bson.E{Key: "_id", Value: 1})
		}
		out = append(out, driver.IndexModel{Keys: keys, Options: o})
	}
	return out
}

// declared is what the database's programs have last declared, by kind.
type declared struct {
	raw     bson.Raw // the document; nil when nobody has declared anything
	version string
	Kinds   map[string]declaredKind
}

type declaredKind struct {
	Fields   []string `json:"fields"`   // of the indexes, as they stand in ix
	Complete bool     `json:"complete"` // every document has its ix by them
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
	d.raw, d.version = raw, doc.Version
	return d, json.Unmarshal(doc.Body, &d.Kinds)
}

// declare changes what is declared, together with other nodes that do so.
func (s *Store) declare(ctx context.Context, change func(map[string]declaredKind)) error {
	meta := &kind{name: metaName, schema: &store.Schema{}, coll: s.meta}
	for range 100 {
		err := retry(ctx, func() error {
			d, err := s.declared(ctx)
			if err != nil {
				return err
			}
			before := maps.Clone(d.Kinds)
			change(d.Kinds)
			if reflect.DeepEqual(d.Kinds, before) {
				return nil
			}
			w := &write{kind: meta, what: "declare indexes", id: "declared", old: d.version, version: halsocoach.NewID(), ix: bson.D{}}
			if w.body, err = json.Marshal(d.Kinds); err != nil {
				return err
			}
			return w.once(ctx)
		})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return errors.New("mongo: too many nodes declare their indexes at once")
}

// declareAll makes the indexes, and the index fields of documents anew whose
// indexes are declared otherwise than they were. MongoDB builds indexes while
// others write.
func (s *Store) declareAll(ctx context.Context) (late []*kind, err error) {
	var had map[string]declaredKind
	if err := s.declare(ctx, func(all map[string]declaredKind) {
		had = maps.Clone(all)
		for _, k := range s.order {
			if h, ok := all[k.name]; !ok || !slices.Equal(h.Fields, k.fields) {
				all[k.name] = declaredKind{Fields: k.fields, Complete: !ok}
			}
		}
	}); err != nil {
		return nil, fmt.Errorf("mongo: declare indexes: %w", err)
	}
	var building errgroup.Group
	building.SetLimit(askedAtOnce)
	for _, k := range s.order {
		building.Go(func() error {
			if err := retry(ctx, func() error { return k.makeIndexes(ctx) }); err != nil {
				return fmt.Errorf("mongo: indexes of %s: %w", k.name, err)
			}
			return nil
		})
	}
	if err := building.Wait(); err != nil {
		return nil, err
	}
	for _, k := range s.order {
		h, ok := had[k.name]
		if !ok || h.Complete && slices.Equal(h.Fields, k.fields) {
			continue
		}
		n, err := k.reindex(ctx)
		if err != nil {
			return nil, fmt.Errorf("mongo: indexes of %s: %w", k.name, err)
		}
		s.log.Info("indexes declared anew", "kind", k.name, "documents", n)
		if err := retry(ctx, func() error { return k.dropOthers(ctx) }); err != nil {
			return nil, fmt.Errorf("mongo: indexes of %s: %w", k.name, err)
		}
		late = append(late, k)
	}
	return late, nil
}

// longestBuild is how long a collection's indexes may take to build. Without a
// limit of its own the command would have that of a single write.
const longestBuild = time.Hour

// makeIndexes makes those that the collection lacks.
func (k *kind) makeIndexes(ctx context.Context) error {
	has, err := k.builtIndexes(ctx)
	if err != nil {
		return err
	}
	names := append([]string{eventsIndex}, k.fields...)
	var missing []driver.IndexModel
	for i, model := range k.indexes() {
		if !slices.Contains(has, names[i]) {
			missing = append(missing, model)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, longestBuild)
	defer cancel()
	_, err = k.coll.Indexes().CreateMany(ctx, missing)
	return err
}

// dropOthers drops the indexes that are declared no more.
func (k *kind) dropOthers(ctx context.Context) error {
	has, err := k.builtIndexes(ctx)
	for _, name := range has {
		if err == nil && name != "_id_" && name != eventsIndex && !slices.Contains(k.fields, name) {
			err = k.coll.Indexes().DropOne(ctx, name)
		}
	}
	return err
}

func (k *kind) builtIndexes(ctx context.Context) (names []string, err error) {
	all, err := k.coll.Indexes().ListSpecifications(ctx)
	var server driver.ServerError
	if errors.As(err, &server) && server.HasErrorCode(codeNoCollection) {
		return nil, nil
	}
	for _, x := range all {
		names = append(names, x.Name)
	}
	return names, err
}

const codeNoCollection = 26

// reindexedAtOnce is how many documents one command gives their ix anew.
const reindexedAtOnce = 50

// reindex makes the ix anew of those documents that have it by other indexes. Who
// saves one meanwhile makes it too, so only the version that was read is touched.
func (k *kind) reindex(ctx context.Context) (n int, err error) {
	if len(k.fields) == 0 {
		return 0, nil
	}
	filter := func(after string) bson.D {
		return bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}, {Key: "ix.d", Value: bson.D{{Key: "$ne", Value: k.stamp}}},
			{Key: "gone", Value: bson.D{{Key: "$exists", Value: false}}}}
	}
	o := options.Find().SetProjection(wanted).SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(reindexedAtOnce).SetBatchSize(reindexedAtOnce + 1)
	for after := ""; ; {
		var updates []driver.WriteModel
		var fault error
		size, from := 0, after
		err := k.each(ctx, filter(from), o, func(d store.Document) bool {
			ix, err := k.extractIndex(d.Body)
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
		if err := retry(ctx, func() error {
			_, err := k.coll.BulkWrite(ctx, updates, options.BulkWrite().SetOrdered(false))
			return err
		}); err != nil {
			return n, err
		}
		n += len(updates)
	}
}

// reindexLate reindexes once more what older programs have saved until they saw
// that the indexes are declared anew.
func (s *Store) reindexLate(late []*kind) {
	select {
	case <-s.ctx.Done():
		return
	case <-time.After(s.set.Bound + 2*s.set.Watch):
	}
	for _, k := range late {
		if _, err := k.reindex(s.ctx); err != nil {
			if s.ctx.Err() == nil {
				s.log.Error("indexes declared anew: a document could not be read; restart to try again", "kind", k.name, "error", err)
			}
			return
		}
	}
	err := s.declare(s.ctx, func(all map[string]declaredKind) {
		for _, k := range late {
			if h := all[k.name]; slices.Equal(h.Fields, k.fields) {
				all[k.name] = declaredKind{Fields: k.fields, Complete: true}
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
