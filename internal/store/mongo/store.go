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

	"halsocoach/internal/store"
)

// ErrClosed is the answer of a store that has been closed.
var ErrClosed = errors.New("mongo: the store is closed")

// Store is one MongoDB database. All methods are safe for concurrent use.
type Store struct {
	store.Lanes
	set     Settings
	log     *slog.Logger
	client  *driver.Client
	db      *driver.Database
	meta    *driver.Collection
	kinds   map[string]*kind
	order   []*kind // as they were given
	cursors *store.Cursors
	saved   chan struct{}
	health  health
	quiet   quiet
	alone   bool        // no replica set
	uncut   atomic.Bool // the server can not cut an array

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
	// Later are steps of the schema after those of this program: how a coming
	// version finds what this one has written.
	Later []Step
}

// Open opens the database that url names (mongodb://host/database), and makes
// its collections and indexes when they are missing. Indexes that are declared
// otherwise than they were are rebuilt, while others write. A database written
// by a newer program is store.ErrNewer.
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
		own := newKind(k, s.db)
		if !s.alone {
			own.readMajority(s.db)
		}
		s.kinds[k.Name] = own
		s.order = append(s.order, own)
	}
	late, err := s.prepare(ctx)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.running.Go(s.watch)
	if len(late) > 0 {
		s.running.Go(func() { s.liftLate(late) })
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
	s.meta = s.db.Collection(metaName)
	s.health = health{log: log, server: hostsOf(url)}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	alone, err := s.hello(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mongo: %s: %w", s.health.server, err), s.Close())
	}
	if alone {
		log.Warn("MongoDB runs without a replica set: what is acknowledged lies on one machine, and nothing takes over when it fails", "server", s.health.server)
	}
	s.alone = alone
	return s, nil
}

// hello asks what the server is, and says whether it is alone: no replica set
// and no router of one.
func (s *Store) hello(ctx context.Context) (alone bool, err error) {
	ctx, cancel := s.bound(ctx, ctx)
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

// begin is what every operation does first: it refuses a caller whose context
// has ended and a closed store, and bounds the time that ctx has.
func (s *Store) begin(ctx, caller context.Context) (context.Context, context.CancelFunc, error) {
	if err := caller.Err(); err != nil {
		return nil, nil, err
	}
	if s.ctx.Err() != nil {
		return nil, nil, ErrClosed
	}
	ctx, cancel := s.bound(ctx, caller)
	return ctx, cancel, nil
}

// bound is ctx until the caller's deadline, or for the longest time that one
// operation may take. While no server is there that is short, so that people are
// told soon.
func (s *Store) bound(ctx, caller context.Context) (context.Context, context.CancelFunc) {
	d := s.set.Bound
	if s.health.hopeless() {
		d = min(d, 2*time.Second)
	}
	until := time.Now().Add(d)
	if its, ok := caller.Deadline(); ok && its.Before(until) {
		until = its
	}
	return context.WithDeadline(ctx, until)
}

// Saved satisfies store.Store.
func (s *Store) Saved() <-chan struct{} { return s.saved }

// Ping satisfies store.Store: it writes a document and waits until a majority
// holds it. It fails on a server that is read-only, or not the primary.
func (s *Store) Ping(ctx context.Context) error {
	began := time.Now()
	ctx, cancel, err := s.begin(ctx, ctx)
	if err != nil {
		return err
	}
	defer cancel()
	return s.fault(ctx, "ping", began, s.touch(ctx))
}

// touch writes the ping's document.
func (s *Store) touch(ctx context.Context) error {
	_, err := s.meta.UpdateOne(ctx, bson.D{{Key: "_id", Value: "ping"}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "at", Value: time.Now().UnixNano()}}}}, options.UpdateOne().SetUpsert(true))
	if driver.IsDuplicateKeyError(err) {
		return nil // another node was first to make it, so writes are taken
	}
	return err
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
