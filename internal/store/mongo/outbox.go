package mongo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"halsocoach/internal/store"
)

// Pending satisfies store.Store. Those collections are asked that this process
// has saved events to or found some in; all are asked, which costs, at most five
// times a second and a fifth of the time. What this process saves itself is
// never overlooked.
func (s *Store) Pending(ctx context.Context, limit int) (out []store.Batch, err error) {
	if limit <= 0 {
		return nil, nil
	}
	err = s.run(ctx, "pending", func(ctx context.Context) error {
		began, due := time.Now(), s.askAll.Load()
		all := due == nil || began.After(*due)
		var kinds []*kind
		for _, k := range s.order {
			if k.warm.Swap(false) || all {
				kinds = append(kinds, k)
			}
		}
		if out, err = ask(ctx, kinds, limit); err == nil && all {
			took := time.Since(began)
			next := began.Add(took + min(max(4*took, 200*time.Millisecond), time.Second))
			s.askAll.Store(&next)
		}
		return err
	})
	return out, err
}

// askedAtOnce is how many collections are asked side by side.
const askedAtOnce = 4

// ask gives the oldest batches of the kinds' documents. A kind that has any, or
// does not answer, is warm: there may be more.
func ask(ctx context.Context, kinds []*kind, limit int) ([]store.Batch, error) {
	found := make([][]store.Batch, len(kinds))
	var asking errgroup.Group
	asking.SetLimit(askedAtOnce)
	for i, k := range kinds {
		asking.Go(func() (err error) {
			found[i], err = k.pending(ctx, limit)
			if err != nil || len(found[i]) > 0 {
				k.warm.Store(true)
			}
			return err
		})
	}
	if err := asking.Wait(); err != nil {
		return nil, err
	}
	out := slices.Concat(found...)
	return out[:min(len(out), limit)], nil
}

// pending reads the first batch of the kind's documents, those first that have
// waited longest. Only what a majority holds is told to the world.
func (k *kind) pending(ctx context.Context, limit int) ([]store.Batch, error) {
	fields := bson.D{{Key: "ev", Value: bson.D{{Key: "$slice", Value: 1}}}, {Key: "_id", Value: 1}}
	rows, err := k.durable.Find(ctx, bson.D{{Key: waits, Value: bson.D{{Key: "$gt", Value: int64(0)}}}},
		options.Find().SetSort(bson.D{{Key: waits, Value: 1}}).SetLimit(int64(limit)).SetBatchSize(int32(limit+1)).SetProjection(fields))
	if err != nil {
		return nil, err
	}
	defer rows.Close(ctx)
	var out []store.Batch
	for rows.Next(ctx) {
		id, _ := rows.Current.Lookup("_id").StringValueOK()
		name, _ := rows.Current.Lookup("ev", "0", "b").StringValueOK()
		_, body, _ := rows.Current.Lookup("ev", "0", "e").BinaryOK()
		events, err := store.DecodeEvents(body)
		if err != nil {
			return nil, fmt.Errorf("%w: document %s of %s", err, id, k.name)
		}
		out = append(out, store.Batch{Ref: ref{name, k.name, id}.text(), Events: events})
	}
	return out, rows.Err()
}

// relayedAtOnce is how many batches one command marks.
const relayedAtOnce = 50

// Relayed satisfies store.Store.
func (s *Store) Relayed(ctx context.Context, batches ...store.Batch) error {
	of := map[string][]ref{}
	for _, b := range batches {
		r, err := s.refOf(b.Ref)
		if err != nil {
			return err
		}
		of[r.kind] = append(of[r.kind], r)
	}
	for kind, refs := range of {
		for some := range slices.Chunk(refs, relayedAtOnce) {
			if err := s.run(ctx, "relayed", func(ctx context.Context) error {
				return retry(ctx, func() error { return s.kinds[kind].relayed(ctx, some) })
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// ref says which batch: its name, and the document's kind and id.
type ref struct{ name, kind, id string }

func (r ref) text() string { return r.name + " " + r.kind + " " + r.id }

func (s *Store) refOf(text string) (ref, error) {
	parts := strings.SplitN(text, " ", 3)
	if len(parts) != 3 || s.kinds[parts[1]] == nil {
		return ref{}, fmt.Errorf("mongo: %q is not a batch of this store", text)
	}
	return ref{parts[0], parts[1], parts[2]}, nil
}

// relayed takes batches off their documents, each only while it is the first.
// With a document's last batch goes what says that events wait, and the document
// itself when it is gone. What another relay has taken stays as it is.
func (k *kind) relayed(ctx context.Context, refs []ref) error {
	var take, remove []driver.WriteModel
	for _, r := range refs {
		first := func(others bool, more ...bson.E) bson.D {
			return append(bson.D{{Key: "_id", Value: r.id}, {Key: "ev.0.b", Value: r.name}, {Key: "ev.1", Value: bson.D{{Key: "$exists", Value: others}}}}, more...)
		}
		take = append(take,
			driver.NewUpdateOneModel().SetFilter(first(false, bson.E{Key: "gone", Value: bson.D{{Key: "$exists", Value: false}}})).
				SetUpdate(bson.D{{Key: "$unset", Value: bson.D{{Key: "ev", Value: ""}, {Key: waits, Value: ""}}}}),
			// The first of several: the document goes to the end of the queue.
			driver.NewUpdateOneModel().SetFilter(first(true)).
				SetUpdate(bson.D{{Key: "$pop", Value: bson.D{{Key: "ev", Value: -1}}}, {Key: "$set", Value: bson.D{{Key: waits, Value: time.Now().UnixNano()}}}}))
		remove = append(remove, driver.NewDeleteOneModel().SetFilter(first(false, bson.E{Key: "gone", Value: true})))
	}
	done, err := k.coll.BulkWrite(ctx, take, options.BulkWrite().SetOrdered(true))
	if err != nil || done.MatchedCount == int64(len(refs)) {
		return err
	}
	_, err = k.coll.BulkWrite(ctx, remove, options.BulkWrite().SetOrdered(false))
	return err
}
