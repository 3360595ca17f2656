package event

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"halsocoach"
)

// quick shortens every wait.
var quick = settings{
	duplicates: 2 * time.Minute,
	retries:    []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond},
	parked:     []time.Duration{100 * time.Millisecond, 200 * time.Millisecond},
	handle:     defaults.handle,
	ackWait:    time.Second,
	heartbeat:  time.Second,
	connect:    5 * time.Second,
	ackTimeout: 5 * time.Second,
}

// ok ends the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func count(short, hard int) int {
	if os.Getenv("HALSOCOACH_HARD") == "1" {
		return hard
	}
	return short
}

func openBus(t testing.TB, where string, set settings) *Bus {
	t.Helper()
	b, err := open(t.Context(), where, slog.New(slog.DiscardHandler), set)
	ok(t, err)
	t.Cleanup(func() { b.Close() })
	return b
}

func embeddedBus(t testing.TB) *Bus { return openBus(t, "embedded:"+t.TempDir(), quick) }

// eventually waits until it is so. The end is only for what never comes about.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not happen: %s", what)
		}
	}
}

// put publishes straight to JetStream, as a relay would.
func put(t *testing.T, b *Bus, events ...halsocoach.Event) {
	t.Helper()
	for _, e := range events {
		sent, err := b.send(0, e)
		ok(t, err)
		for _, m := range sent {
			ok(t, m.wait(t.Context()))
		}
	}
}

func happened(typ string, n int) halsocoach.Event {
	return halsocoach.Happened(typ, time.Unix(1_700_000_000, 0), "0684", "doc-"+strconv.Itoa(n), map[string]int{"n": n})
}

// seen collects what a handler got.
type seen struct {
	mu       sync.Mutex
	subjects []string
	ids      map[string]int
}

func (s *seen) add(e halsocoach.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string]int{}
	}
	s.ids[e.ID]++
	s.subjects = append(s.subjects, e.Subject)
}

// take is a handler.
func (s *seen) take(_ context.Context, e halsocoach.Event) error {
	s.add(e)
	return nil
}

func (s *seen) distinct() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ids)
}

func (s *seen) order() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.subjects, " ")
}

// outside is a NATS server on a TCP port that can be stopped and started on
// the same port and folder.
type outside struct {
	with server.Options
	nats *server.Server
}

func startServer(t testing.TB) *outside {
	return startServerWith(t, func(*server.Options) {})
}

func startServerWith(t testing.TB, change func(*server.Options)) *outside {
	o := &outside{with: server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, NoSigs: true, NoLog: true}}
	change(&o.with)
	o.start(t)
	t.Cleanup(o.stop)
	return o
}

func (o *outside) start(t testing.TB) {
	t.Helper()
	with := o.with // the server writes in its options
	s, err := server.NewServer(&with)
	ok(t, err)
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	o.nats = s
	o.with.Port = s.Addr().(*net.TCPAddr).Port // the same after a restart
}

func (o *outside) stop() {
	o.nats.Shutdown()
	o.nats.WaitForShutdown()
}

func (o *outside) url() string { return "nats://127.0.0.1:" + strconv.Itoa(o.with.Port) }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
