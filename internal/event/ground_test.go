package event

import (
	"bytes"
	"log/slog"
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
	ackWait:    time.Second,
	connect:    5 * time.Second,
	ackTimeout: 5 * time.Second,
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
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func embeddedBus(t testing.TB) *Bus { return openBus(t, "embedded:"+t.TempDir(), quick) }

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("did not happen: %s", what)
}

// put publishes straight to JetStream, as a relay would.
func put(t *testing.T, b *Bus, events ...halsocoach.Event) {
	t.Helper()
	for _, e := range events {
		flights, err := b.send(0, e)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range flights {
			if err := f.land(t.Context()); err != nil {
				t.Fatal(err)
			}
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
	dir  string
	port int
	nats *server.Server
}

func startServer(t testing.TB, dir string, port int) *outside {
	o := &outside{dir: dir, port: port}
	o.start(t)
	t.Cleanup(o.stop)
	return o
}

func (o *outside) start(t testing.TB) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: o.port, JetStream: true, StoreDir: o.dir, SyncAlways: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	o.nats = s
	if o.port == -1 {
		_, port, _ := strings.Cut(s.Addr().String(), ":")
		o.port, _ = strconv.Atoi(port)
	}
}

func (o *outside) stop() {
	o.nats.Shutdown()
	o.nats.WaitForShutdown()
}

func (o *outside) url() string { return "nats://127.0.0.1:" + strconv.Itoa(o.port) }

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
