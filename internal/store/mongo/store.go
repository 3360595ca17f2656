package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"

	"halsocoach/internal/store"
)

// ErrClosed is the answer of a store that has been closed.
var ErrClosed = errors.New("mongo: the store is closed")

// Store is one MongoDB database. All methods are safe for concurrent use.
type Store struct {
	store.Turns
	set     Settings
	log     *slog.Logger
	client  *driver.Client
	db      *driver.Database
	durable *driver.Database // reads only what a majority holds; db where there is no replica set
	meta    *driver.Collection
	kinds   map[string]*kind
	order   []*kind // as they were given
	cursors *store.Cursors
	saved   chan struct{}
	health  health
	askAll  atomic.Pointer[time.Time] // when every collection is to be asked for events again

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	running sync.WaitGroup
}

var _ store.Store = (*Store)(nil)

// Settings are the store's choices. A zero field is the choice made here.
type Settings struct {
	// Bound is the longest that one operation may take; a caller's context may
	// make it shorter. 10 s, or the address's timeoutMS.
	Bound time.Duration
	// Choose is how long to look for a server that takes writes. 4 s: an
	// orderly change of primary is over by then, and a person still waits.
	Choose time.Duration
	// Watch is how often the server is looked after. 1 s.
	Watch time.Duration
}

// Open opens the database that url names (mongodb://host/database), and makes
// its collections and indexes when they are missing. Indexes that are declared
// otherwise than they were are rebuilt, while others write. A database of a newer
// schema is store.ErrNewer, one of an earlier schema store.ErrOlder.
func Open(ctx context.Context, url string, kinds []store.Kind, log *slog.Logger) (*Store, error) {
	return Settings{}.Open(ctx, url, kinds, log)
}

// Open is Open with other choices.
func (set Settings) Open(ctx context.Context, url string, kinds []store.Kind, log *slog.Logger) (*Store, error) {
	if err := store.CheckKinds(kinds); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := set.connect(ctx, url, log)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds {
		own := newKind(k, s.db, s.durable)
		s.kinds[k.Name] = own
		s.order = append(s.order, own)
	}
	late, err := s.prepare(ctx)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.running.Go(s.watch)
	if len(late) > 0 {
		s.running.Go(func() { s.reindexLate(late) })
	}
	return s, nil
}

// connect dials the server and asks what it is.
func (set Settings) connect(ctx context.Context, url string, log *slog.Logger) (*Store, error) {
	name, err := databaseOf(url)
	if err != nil {
		return nil, err
	}
	client, err := driver.Connect(set.client(url))
	if err != nil {
		return nil, fmt.Errorf("mongo: the address is not one of MongoDB: %w", err)
	}
	s := &Store{set: set, log: log, client: client, db: client.Database(name), kinds: map[string]*kind{}, saved: make(chan struct{}, 1)}
	s.meta, s.durable = s.db.Collection(metaName), s.db
	s.health = health{log: log, server: hostsOf(url)}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	alone, err := s.hello(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mongo: %s: %w", s.health.server, err), s.Close())
	}
	if alone {
		log.Warn("MongoDB runs without a replica set: what is acknowledged lies on one machine, and nothing takes over when it fails", "server", s.health.server)
	} else {
		s.durable = client.Database(name, options.Database().SetReadConcern(readconcern.Majority()))
	}
	return s, nil
}

// hello asks what the server is, and says whether it is alone: no replica set
// and no router of one.
func (s *Store) hello(ctx context.Context) (alone bool, err error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	var is struct {
		SetName string `bson:"setName"`
		Msg     string `bson:"msg"`
	}
	if err := s.db.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&is); err != nil {
		return false, err
	}
	return is.SetName == "" && is.Msg != "isdbgrid", nil
}

func (s *Store) kind(name string) (*kind, error) {
	k, ok := s.kinds[name]
	if !ok {
		return nil, fmt.Errorf("mongo: the store was opened without the kind %q", name)
	}
	return k, nil
}

// run does one operation within the time that it may take, and turns its faults
// into those of the port. It refuses a caller whose context has ended.
func (s *Store) run(ctx context.Context, what string, operation func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.ctx.Err() != nil {
		return ErrClosed
	}
	began := time.Now()
	bounded, cancel := s.bound(ctx)
	defer cancel()
	return s.fault(ctx, what, began, operation(bounded))
}

// bound is ctx for the longest time that one operation may take. While no server
// takes writes that is short, so that people are told soon. A server that is only
// slow must get its time, or it would never be heard.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	d := s.set.Bound
	if t := s.health.now(); t == unreachable || t == noPrimary {
		d = min(d, 2*time.Second)
	}
	return context.WithTimeout(ctx, d)
}

// Saved satisfies store.Store.
func (s *Store) Saved() <-chan struct{} { return s.saved }

// Ping satisfies store.Store: it writes to a document and waits until a majority
// holds it. It fails on a server that is read-only, or not the primary.
func (s *Store) Ping(ctx context.Context) error { return s.run(ctx, "ping", s.touch) }

// touch writes the time into the schema's document, which every database has.
func (s *Store) touch(ctx context.Context) error {
	return retry(ctx, func() error {
		res, err := s.meta.UpdateOne(ctx, schemaID, bson.D{{Key: "$set", Value: bson.D{{Key: "pinged", Value: time.Now().UnixNano()}}}})
		if err == nil && res.MatchedCount == 0 {
			err = errors.New("the database is empty: somebody has dropped it")
		}
		return err
	})
}

// Close waits for what the store does by itself and closes the connections.
func (s *Store) Close() error {
	if s.ctx.Err() != nil {
		return nil
	}
	s.stop()
	s.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.client.Disconnect(ctx); err != nil {
		return fmt.Errorf("mongo: close: %w", err)
	}
	return nil
}
