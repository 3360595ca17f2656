package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"halsocoach/internal/store"
)

// The fields that reading needs.
var wanted = bson.D{{Key: "v", Value: 1}, {Key: "body", Value: 1}}

// document reads {_id, v, body}; one that is gone has no body.
func document(raw bson.Raw) (d store.Document, ok bool) {
	_, body, ok := raw.Lookup("body").BinaryOK()
	if !ok {
		return d, false
	}
	d.ID, _ = raw.Lookup("_id").StringValueOK()
	d.Version, _ = raw.Lookup("v").StringValueOK()
	d.Body = append([]byte(nil), body...)
	return d, true
}

// Get satisfies store.Store.
func (s *Store) Get(ctx context.Context, kind string, ids ...string) ([]store.Document, error) {
	k, err := s.kind(kind)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}
	if len(ids) == 1 {
		filter = bson.D{{Key: "_id", Value: ids[0]}} // the way that every server knows best
	}
	met := make(map[string]store.Document, len(ids))
	err = s.run(ctx, "get "+kind, func(ctx context.Context) error {
		return k.each(ctx, filter, options.Find().SetProjection(wanted).SetBatchSize(int32(len(ids)+1)), func(d store.Document) bool {
			met[d.ID] = d
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	out := make([]store.Document, 0, len(met))
	for _, id := range ids {
		if d, ok := met[id]; ok {
			out = append(out, d)
		}
	}
	return out, nil
}

// Versions satisfies store.Store. The bodies come along: they tell which documents are
// gone.
func (s *Store) Versions(ctx context.Context, kind string, ids ...string) ([]store.Document, error) {
	return s.Get(ctx, kind, ids...)
}

// each calls f for the documents that filter finds until f says stop.
func (k *kind) each(ctx context.Context, filter bson.D, o *options.FindOptionsBuilder, f func(store.Document) (more bool)) error {
	rows, err := k.coll.Find(ctx, filter, o)
	if err != nil {
		return err
	}
	defer rows.Close(ctx)
	for rows.Next(ctx) {
		if d, ok := document(rows.Current); ok && !f(d) {
			return nil
		}
	}
	return rows.Err()
}

// Find satisfies store.Store.
func (s *Store) Find(ctx context.Context, kind string, q store.Query) (store.Page, error) {
	var page store.Page
	k, err := s.kind(kind)
	if err != nil {
		return page, err
	}
	plan, err := k.schema.Plan(q, s.cursors)
	if err != nil {
		return page, err
	}
	if err := k.mayFind(plan.Index); err != nil {
		return page, err
	}
	// A batch larger than the answer lets the server close the cursor at once.
	o := options.Find().SetProjection(wanted).SetLimit(int64(plan.Limit + 1)).SetBatchSize(int32(plan.Limit + 2))
	if order := k.sort(plan); len(order) > 0 { // some servers refuse an empty one
		o.SetSort(order)
	}
	more := false
	err = s.run(ctx, "find "+kind+" by "+q.Index, func(ctx context.Context) error {
		return k.each(ctx, k.filter(plan), o, func(d store.Document) bool {
			if more = len(page.Documents) == plan.Limit; !more {
				page.Documents = append(page.Documents, d)
			}
			return !more
		})
	})
	if err != nil {
		return store.Page{}, err
	}
	if more {
		page.Next, err = s.next(k, plan, page.Documents[len(page.Documents)-1])
	}
	return page, err
}

// next is the cursor after the last document of a page.
func (s *Store) next(k *kind, p store.Plan, last store.Document) (string, error) {
	entries, err := k.schema.ExtractIndex(last.Body)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if e.Index == p.Index {
			return k.schema.Cursor(s.cursors, p, e.Values[len(p.Equal):], last.ID), nil
		}
	}
	return "", fmt.Errorf("mongo: document %s of %s is found by an index that it is not in", last.ID, k.name)
}

// Each satisfies store.Store. A stretch ends at 256 documents or 4 MB.
func (s *Store) Each(ctx context.Context, kind string, f func(store.Document) error) error {
	k, err := s.kind(kind)
	if err != nil {
		return err
	}
	for after := ""; ; {
		docs, err := s.stretch(ctx, k, after)
		if err != nil {
			return err
		}
		if len(docs) == 0 {
			return nil
		}
		for _, d := range docs {
			if err := f(d); err != nil {
				return err
			}
			after = d.ID
		}
	}
}

const (
	stretchDocuments = 256
	stretchBytes     = 4 << 20
)

// stretch reads the documents after an id, until there are enough.
func (s *Store) stretch(ctx context.Context, k *kind, after string) (docs []store.Document, err error) {
	size := 0
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}, {Key: "gone", Value: bson.D{{Key: "$exists", Value: false}}}}
	o := options.Find().SetProjection(wanted).SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(stretchDocuments).SetBatchSize(stretchDocuments + 1)
	err = s.run(ctx, "each "+k.name, func(ctx context.Context) error {
		return k.each(ctx, filter, o, func(d store.Document) bool {
			docs = append(docs, d)
			size += len(d.Body)
			return size < stretchBytes
		})
	})
	return docs, err
}
