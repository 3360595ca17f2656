package mongo

import (
	"context"
	"encoding/json"
	"errors"
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
	bounded, cancel, err := s.begin(ctx, ctx)
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
			found[i], errs[i] = s.pending(ctx, k, limit)
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
func (s *Store) pending(ctx context.Context, k *kind, limit int) ([]store.Batch, error) {
	out, err := k.pending(ctx, limit, s.uncut.Load())
	var server driver.ServerError
	if errors.As(err, &server) && (server.HasErrorCode(codeNotImplemented) || server.HasErrorCode(codeUnknownExpression)) {
		// A server that can not cut an array gives it whole.
		s.uncut.Store(true)
		return k.pending(ctx, limit, true)
	}
	return out, err
}

const (
	codeNotImplemented    = 238
	codeUnknownExpression = 31325
)

func (k *kind) pending(ctx context.Context, limit int, uncut bool) ([]store.Batch, error) {
	fields := bson.D{{Key: "ev", Value: bson.D{{Key: "$slice", Value: 2}}}, {Key: "_id", Value: 1}}
	if uncut {
		fields[0].Value = 1
	}
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
		events, err := decodeEvents(body)
		if err != nil {
			return nil, fmt.Errorf("%w: document %s of %s", err, id, k.name)
		}
		r := ref{id: id, name: name}
		_, err = rows.Current.LookupErr("ev", "1")
		r.more = err == nil
		out = append(out, store.Batch{Ref: r.in(k), Events: events})
	}
	return out, rows.Err()
}

// relayedAtOnce is how many batches one command marks.
const relayedAtOnce = 50

// Relayed satisfies store.Store.
func (s *Store) Relayed(ctx context.Context, batches ...store.Batch) error {
	of := map[*kind][]ref{}
	for _, b := range batches {
		k, r, err := s.refOf(b.Ref)
		if err != nil {
			return err
		}
		of[k] = append(of[k], r)
	}
	began := time.Now()
	for k, refs := range of {
		for len(refs) > 0 {
			n := min(len(refs), relayedAtOnce)
			bounded, cancel, err := s.begin(ctx, ctx)
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

// ref is the batch name of the document id. More says that when it was read it
// was not the document's only one.
type ref struct {
	id, name string
	more     bool
}

// in is the ref as text: more, name, kind, id.
func (r ref) in(k *kind) string { return fmt.Sprintf("%t %s %s %s", r.more, r.name, k.name, r.id) }

func (s *Store) refOf(text string) (*kind, ref, error) {
	parts := strings.SplitN(text, " ", 4)
	if len(parts) != 4 || s.kinds[parts[2]] == nil {
		return nil, ref{}, fmt.Errorf("mongo: %q is not a batch of this store", text)
	}
	return s.kinds[parts[2]], ref{id: parts[3], name: parts[1], more: parts[0] == "true"}, nil
}

// first finds the document while the batch is its first, and whether others
// wait behind it, as it should be.
func (r ref) first(more, gone bool) bson.D {
	is := bson.D{{Key: "_id", Value: r.id}, {Key: "ev.0.b", Value: r.name}, {Key: "ev.1", Value: bson.D{{Key: "$exists", Value: more}}}}
	switch {
	case gone:
		is = append(is, bson.E{Key: "gone", Value: true})
	case !more:
		is = append(is, bson.E{Key: "gone", Value: bson.D{{Key: "$exists", Value: false}}})
	}
	return is
}

// last takes a document's only batch, and with it what says that it waits.
func (r ref) last() driver.WriteModel {
	return driver.NewUpdateOneModel().SetFilter(r.first(false, false)).
		SetUpdate(bson.D{{Key: "$unset", Value: bson.D{{Key: "ev", Value: ""}, {Key: waits, Value: ""}}}})
}

// next takes the first of several; the document goes to the end of the queue.
func (r ref) next() driver.WriteModel {
	return driver.NewUpdateOneModel().SetFilter(r.first(true, false)).SetUpdate(bson.D{
		{Key: "$pop", Value: bson.D{{Key: "ev", Value: -1}}}, {Key: "$set", Value: bson.D{{Key: waits, Value: time.Now().UnixNano()}}}})
}

// relayed takes batches off their documents, each only while it is the first. A
// document that is gone is removed with its last one. What has changed since it
// was read is tried again in every way; what another relay has taken stays as it
// is.
func (k *kind) relayed(ctx context.Context, refs []ref) error {
	var likely, all, gone []driver.WriteModel
	for _, r := range refs {
		if r.more {
			likely = append(likely, r.next())
		} else {
			likely = append(likely, r.last())
		}
		all = append(all, r.last(), r.next())
		gone = append(gone, driver.NewDeleteOneModel().SetFilter(r.first(false, true)))
	}
	done, err := k.coll.BulkWrite(ctx, likely, options.BulkWrite().SetOrdered(true))
	if err != nil || done.MatchedCount >= int64(len(refs)) {
		return err
	}
	if _, err := k.coll.BulkWrite(ctx, gone, options.BulkWrite().SetOrdered(false)); err != nil {
		return err
	}
	_, err = k.coll.BulkWrite(ctx, all, options.BulkWrite().SetOrdered(true))
	return err
}
