package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Bus is the connection to NATS. All methods are safe for concurrent use.
type Bus struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	server *embedded // nil when NATS is reached by URL
	log    *slog.Logger
	set    settings

	ctx    context.Context // ends with the bus
	end    context.CancelFunc
	work   sync.WaitGroup // consumers, background work and the nudge writer
	nudges chan *nats.Msg
	close  sync.Once

	down atomic.Int32 // consumers that do not run at the moment
}

// settings are what tests shorten, and what an Option sets.
type settings struct {
	duplicates time.Duration   // how long JetStream remembers a message id
	retries    []time.Duration // waits before each new try; after the last the event is parked
	parked     []time.Duration // waits before each new try of a parked event; the last one stays
	handle     time.Duration   // how long one try may take
	ackWait    time.Duration   // after which an unanswered delivery is given to someone else
	heartbeat  time.Duration   // how often the server says that it still has our question
	connect    time.Duration   // how long Open waits for a server
	ackTimeout time.Duration   // how long a publish waits for its ack
	unsynced   bool            // see Unsynced
}

var defaults = settings{
	duplicates: 2 * time.Minute,
	retries:    []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 1500 * time.Millisecond},
	parked:     []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour},
	handle:     20 * time.Second,
	ackWait:    5 * time.Second,
	heartbeat:  10 * time.Second,
	connect:    10 * time.Second,
	ackTimeout: 10 * time.Second,
}

// The faults of the bus.
var (
	ErrClosed    = errors.New("event: the bus is closed")
	ErrNoContact = errors.New("event: no contact with NATS")
	ErrDown      = errors.New("event: consumers that do not run")
)

// Open starts the embedded server on a folder ("embedded:DIR") or connects to
// one by URL ("nats://host:4222"; several with commas), and makes the streams
// that are missing. The embedded folder has one owner: for a second start the
// error names the process that holds it. Server and client say what they have to
// say through log and nowhere else: whoever draws on the terminal decides there
// what is shown.
func Open(ctx context.Context, where string, log *slog.Logger, opts ...Option) (*Bus, error) {
	set := defaults
	for _, o := range opts {
		o(&set)
	}
	return open(ctx, where, log, set)
}

// Option is what the bus may be opened with.
type Option func(*settings)

// Unsynced leaves syncing of the embedded server's folder to the one who opened it:
// a power cut before that may leave nothing of use. It is for what is made anew in
// that case.
func Unsynced() Option { return func(s *settings) { s.unsynced = true } }

func open(ctx context.Context, where string, log *slog.Logger, set settings) (*Bus, error) {
	b := &Bus{log: log.With("part", "event"), set: set, nudges: make(chan *nats.Msg, nudgeQueue)}
	b.ctx, b.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := b.connect(ctx, where); err != nil {
		b.Close()
		return nil, err
	}
	if err := b.streams(ctx); err != nil {
		b.Close()
		return nil, err
	}
	b.work.Go(b.sendNudges)
	return b, nil
}

func (b *Bus) connect(ctx context.Context, where string) error {
	opts := []nats.Option{
		nats.Name("halsocoach"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(200 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 200*time.Millisecond),
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		// What is published without a connection fails at once and stays in
		// the outbox; nothing waits in memory.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if b.ctx.Err() == nil {
				b.log.Warn("contact with NATS is lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { b.log.Info("contact with NATS is restored") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Warn("NATS reports a fault", "error", err)
		}),
	}
	dir, inProcess := strings.CutPrefix(where, "embedded:")
	var err error
	if inProcess {
		if b.server, err = startEmbedded(dir, !b.set.unsynced, b.log); err != nil {
			return err
		}
		b.nc, err = nats.Connect("", append(opts, nats.InProcessServer(b.server.nats))...)
	} else {
		b.nc, err = b.dial(ctx, where, opts)
	}
	if err != nil {
		return err
	}
	b.js, err = jetstream.New(b.nc,
		jetstream.WithDefaultTimeout(b.set.ackTimeout),
		jetstream.WithPublishAsyncTimeout(b.set.ackTimeout),
		jetstream.WithPublishAsyncMaxPending(maxUnacked))
	return err
}

// dial tries until a server answers, for as long as Open may take.
func (b *Bus) dial(ctx context.Context, where string, opts []nats.Option) (*nats.Conn, error) {
	for _, one := range strings.Split(where, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || (u.Scheme != "nats" && u.Scheme != "tls") {
			return nil, errors.New("event: NATS is given as embedded:DIR or nats://host:4222 (or tls://)")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, b.set.connect)
	defer cancel()
	for {
		nc, err := nats.Connect(where, append(opts, nats.Timeout(2*time.Second))...)
		if err == nil {
			return nc, nil
		}
		if errors.Is(err, nats.ErrAuthorization) || !pause(ctx, 250*time.Millisecond) {
			return nil, fmt.Errorf("%w at %s: %w", ErrNoContact, redacted(where), err)
		}
	}
}

// redacted is the address without the password.
func redacted(where string) string {
	parts := strings.Split(where, ",")
	for i, p := range parts {
		if u, err := url.Parse(strings.TrimSpace(p)); err == nil {
			parts[i] = u.Redacted()
		}
	}
	return strings.Join(parts, ",")
}

// Ready says whether events can be published now and all consumers run; nil is
// yes.
func (b *Bus) Ready() error {
	if b.ctx.Err() != nil {
		return ErrClosed
	}
	if !b.nc.IsConnected() {
		return ErrNoContact
	}
	ctx, cancel := context.WithTimeout(b.ctx, time.Second)
	defer cancel()
	if _, err := b.js.Stream(ctx, eventStream); err != nil {
		return fmt.Errorf("%w: %w", ErrNoContact, err)
	}
	if n := b.down.Load(); n > 0 {
		return fmt.Errorf("%w: %d", ErrDown, n)
	}
	return nil
}

// Go runs work in the background until it returns; its context ends with ctx or
// the bus, and Close waits for it.
func (b *Bus) Go(ctx context.Context, work func(context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(b.ctx, cancel)
	b.work.Go(func() {
		defer stop()
		defer cancel()
		work(ctx)
	})
}

// Close ends the consumers and the background work after what they have in
// hand, then the connection and the embedded server.
func (b *Bus) Close() error {
	b.close.Do(func() {
		b.end()
		b.work.Wait()
		if b.nc != nil {
			b.nc.Close()
		}
		if b.server != nil {
			b.server.stop()
		}
	})
	return nil
}

// pause waits and says whether ctx is still on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
