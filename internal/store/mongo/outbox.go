package mongo

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"halsocoach"
	"halsocoach/internal/store"
)

// happened is an event as a batch keeps it: with its facts, which do not leave
// the house in the event's own JSON.
type happened struct {
	halsocoach.Event
	Facts []halsocoach.Fact `json:"facts,omitempty"`
}

// encodeEvents is nil for no events.
func encodeEvents(events []halsocoach.Event) ([]byte, error) {
	if len(events) == 0 {
		return nil, nil
	}
	rows := make([]happened, len(events))
	for i, e := range events {
		rows[i] = happened{e, e.Facts}
	}
	out, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("mongo: events: %w", err)
	}
	return out, nil
}

func decodeEvents(from []byte) ([]halsocoach.Event, error) {
	var rows []happened
	if err := json.Unmarshal(from, &rows); err != nil {
		return nil, fmt.Errorf("mongo: events of a batch: %w", err)
	}
	out := make([]halsocoach.Event, len(rows))
	for i, r := range rows {
		out[i] = r.Event
		out[i].Facts = r.Facts
	}
	return out, nil
}

// quiet remembers that nothing waited anywhere. To ask every collection costs;
// an empty answer is good for four times as long as it took to get, at most a
// second, so that asking takes a fifth of the time at most. What this process
// saves itself is never overlooked.
type quiet struct {
	mu    sync.Mutex
	until time.Time
	asked time.Time // when every collection was last asked
}

func (q *quiet) now() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Now().Before(q.until)
}

// recently says whether every collection has been asked in the last while.
func (q *quiet) recently() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return time.Since(q.asked) < 250*time.Millisecond
}

func (q *quiet) note(began time.Time, empty bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked = time.Now()
	q.until = time.Time{}
	if empty {
		q.until = q.asked.Add(min(4*q.asked.Sub(began), time.Second))
	}
}

// Pending satisfies store.Store. The collections that this process has saved
// events to are asked first; an empty answer is only given when all were asked.
func (s *Store) Pending(ctx context.Context, limit int) ([]store.Batch, error) {
	if limit <= 0 {
		return nil, nil
	}
	began := time.Now()
	bounded, cancel, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	var warm []*kind
	for _, k := range s.order {
		if k.warm.Swap(false) {
			warm = append(warm, k)
		}
	}
	if len(warm) == 0 && s.quiet.now() {
		return nil, nil
	}
	out, err := s.ask(bounded, warm, limit)
	if err == nil && len(out) > 0 && s.quiet.recently() {
		return out, nil
	}
	if err == nil && len(out) < limit {
		var rest []*kind
		for _, k := range s.order {
			if !k.warm.Load() { // those with batches have been warmed again
				rest = append(rest, k)
			}
		}
		var more []store.Batch
		more, err = s.ask(bounded, rest, limit-len(out))
		out = append(out, more...)
	}
	if err != nil {
		for _, k := range warm {
			k.warm.Store(true)
		}
		return nil, s.fault(ctx, "pending", began, err)
	}
	s.quiet.note(began, len(out) == 0)
	return out, nil
}

// askedAtOnce is how many collections are asked side by side.
const askedAtOnce = 4

// ask gives the oldest batches of the kinds' documents. A kind that has any is
// warm: there may be more.
func (s *Store) ask(ctx context.Context, kinds []*kind, limit int) ([]store.Batch, error) {
	found, errs := make([][]store.Batch, len(kinds)), make([]error, len(kinds))
	var running sync.WaitGroup
	room := make(chan struct{}, askedAtOnce)
	for i, k := range kinds {
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			found[i], errs[i] = k.pending(ctx, limit)
		})
	}
	running.Wait()
	var out []store.Batch
	for i, k := range kinds {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if len(found[i]) > 0 {
			k.warm.Store(true)
		}
		out = append(out, found[i]...)
	}
	return out[:min(len(out), limit)], nil
}

// pending reads the first batch of the kind's documents, those first that have
// waited longest. Only what a majority holds is told to the world.
func (k *kind) pending(ctx context.Context, limit int) ([]store.Batch, error) {
	// The condition on ev.b is for the projection: ev.$ is the first that fits.
	filter := bson.D{{Key: waits, Value: bson.D{{Key: "$gt", Value: int64(0)}}}, {Key: "ev.b", Value: bson.D{{Key: "$gt", Value: ""}}}}
	rows, err := k.durable.Find(ctx, filter, options.Find().SetSort(bson.D{{Key: waits, Value: 1}}).SetLimit(int64(limit)).
		SetBatchSize(int32(limit+1)).SetProjection(bson.D{{Key: "ev.$", Value: 1}}))
	if err != nil {
		return nil, err
	}
	defer rows.Close(ctx)
	var out []store.Batch
	for rows.Next(ctx) {
		id, _ := rows.Current.Lookup("_id").StringValueOK()
		name, _ := rows.Current.Lookup("ev", "0", "b").StringValueOK()
		_, body, _ := rows.Current.Lookup("ev", "0", "e").BinaryOK()
		events, err := decodeEvents(body)
		if err != nil {
			return nil, err
		}
		out = append(out, store.Batch{Ref: name + " " + k.name + " " + id, Events: events})
	}
	return out, rows.Err()
}

// relayedAtOnce is how many batches one command marks.
const relayedAtOnce = 250

// Relayed satisfies store.Store.
func (s *Store) Relayed(ctx context.Context, batches ...store.Batch) error {
	of := map[*kind][]ref{}
	for _, b := range batches {
		parts := strings.SplitN(b.Ref, " ", 3)
		if len(parts) != 3 || s.kinds[parts[1]] == nil {
			return fmt.Errorf("mongo: %q is not a batch of this store", b.Ref)
		}
		k := s.kinds[parts[1]]
		of[k] = append(of[k], ref{parts[2], parts[0]})
	}
	began := time.Now()
	for k, refs := range of {
		for len(refs) > 0 {
			n := min(len(refs), relayedAtOnce)
			bounded, cancel, err := s.begin(ctx)
			if err != nil {
				return err
			}
			err = k.relayed(bounded, refs[:n])
			cancel()
			if err != nil {
				return s.fault(ctx, "relayed", began, err)
			}
			refs = refs[n:]
		}
	}
	return nil
}

// ref is the batch name of the document id.
type ref struct{ id, name string }

// relayed takes batches off their documents, each only while it is the first. A
// document's last batch takes along what says that it waits, and the document
// itself if that is gone.
func (k *kind) relayed(ctx context.Context, refs []ref) error {
	exists := func(field string, is bool) bson.E {
		return bson.E{Key: field, Value: bson.D{{Key: "$exists", Value: is}}}
	}
	var updates, deletes []driver.WriteModel
	for _, r := range refs {
		first := bson.D{{Key: "_id", Value: r.id}, {Key: "ev.0.b", Value: r.name}}
		only := append(first[:2:2], exists("ev.1", false))
		updates = append(updates,
			driver.NewUpdateOneModel().SetFilter(append(only[:3:3], exists("gone", false))).
				SetUpdate(bson.D{{Key: "$unset", Value: bson.D{{Key: "ev", Value: ""}, {Key: waits, Value: ""}}}}),
			driver.NewUpdateOneModel().SetFilter(append(first[:2:2], exists("ev.1", true))).
				SetUpdate(bson.D{{Key: "$pop", Value: bson.D{{Key: "ev", Value: -1}}}}))
		deletes = append(deletes, driver.NewDeleteOneModel().SetFilter(append(only[:3:3], bson.E{Key: "gone", Value: true})))
	}
	done, err := k.coll.BulkWrite(ctx, updates, options.BulkWrite().SetOrdered(true))
	if err != nil || done.MatchedCount >= int64(len(refs)) {
		return err
	}
	_, err = k.coll.BulkWrite(ctx, deletes, options.BulkWrite().SetOrdered(false))
	return err
}
