package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
)

var (
	noteKind   = store.Kind{Name: "notes", NoPerson: true}
	effectKind = store.Kind{Name: "effects", NoPerson: true}
)

type note struct {
	N int `json:"n"`
}

func openStore(t testing.TB) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "data.db"), []store.Kind{noteKind, effectKind}, slog.New(slog.DiscardHandler))
	ok(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// relay runs a relay until the test, or stop, ends it.
func relay(t testing.TB, s store.Store, b *Bus) (stop func()) {
	return relayTelling(t, s, b, slog.New(slog.DiscardHandler))
}

func relayTelling(t testing.TB, s store.Store, b *Bus, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { Relay(ctx, s, b, log) })
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// write makes the documents' next versions, each with two events and a fact.
// What is counted is the events.
func write(t testing.TB, s store.Store, doc string, versions int) (events, facts int) {
	notes := store.In[note](s, noteKind)
	for range versions {
		_, err := notes.Upsert(context.Background(), doc, func(n *note) ([]halsocoach.Event, error) {
			n.N += 2
			at := time.Unix(1_700_000_000, 0)
			first := halsocoach.Happened("note.written", at, "0684", doc, note{n.N - 1})
			second := halsocoach.Happened("note.written", at, "0684", doc, note{n.N}).
				Counting(halsocoach.Count(halsocoach.CountChat, at, "0684", false, nil))
			return []halsocoach.Event{first, second}, nil
		})
		if err != nil {
			t.Error(err)
			return events, facts
		}
		events, facts = events+2, facts+1
	}
	return events, facts
}

// reader is a consumer as the domain packages write them: what an event causes
// is a document whose id is made from the event's.
type reader struct {
	effects store.Collection[note]
	mu      sync.Mutex
	last    map[string]int // by document: the number of its newest effect
	done    int
	again   int // deliveries that caused nothing
	wrong   []string
	facts   map[string]int
	after   map[int]func() // what the test does when so many effects are there
}

func read(t testing.TB, s store.Store, b *Bus) *reader {
	t.Helper()
	r := &reader{effects: store.In[note](s, effectKind), last: map[string]int{}, facts: map[string]int{}}
	ok(t, b.Consume(t.Context(), "reader", []string{"note.written"}, r.take))
	ok(t, b.ConsumeFacts(t.Context(), "folder", r.fold))
	return r
}

func (r *reader) take(ctx context.Context, e halsocoach.Event) error {
	var n note
	if err := json.Unmarshal(e.Data, &n); err != nil {
		return err
	}
	err := r.effects.Insert(ctx, halsocoach.IDFrom("effect", e.ID), n)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	if then := r.took(e, n, err != nil); then != nil {
		then()
	}
	return nil
}

// took notes an effect, or that there was none, and returns what the test does now.
func (r *reader) took(e halsocoach.Event, n note, again bool) (then func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if again {
		r.again++
		return nil
	}
	r.done++
	if n.N != r.last[e.Subject]+1 {
		r.wrong = append(r.wrong, fmt.Sprintf("%s: %d after %d", e.Subject, n.N, r.last[e.Subject]))
	}
	r.last[e.Subject] = n.N
	return r.after[r.done]
}

func (r *reader) fold(_ context.Context, facts []halsocoach.Fact) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range facts {
		r.facts[f.ID]++
	}
	return nil
}

func (r *reader) hasAll(events, facts int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done >= events && len(r.facts) >= facts
}

func (r *reader) check(t testing.TB, events, facts int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done != events || len(r.facts) != facts {
		t.Errorf("%d effects of %d events, %d facts of %d", r.done, events, len(r.facts), facts)
	}
	if len(r.wrong) > 0 {
		t.Errorf("%d out of order: %s", len(r.wrong), strings.Join(r.wrong[:min(5, len(r.wrong))], ", "))
	}
}

func pendingNone(s store.Store) func() bool {
	return func() bool {
		batches, err := s.Pending(context.Background(), 1)
		return err == nil && len(batches) == 0
	}
}

// twoNodes: two relays on one store, and a third bus that reads.
func twoNodes(t *testing.T, srv *outside, set settings) (store.Store, *reader) {
	s := openStore(t)
	relay(t, s, openBus(t, srv.url(), set))
	relay(t, s, openBus(t, srv.url(), set))
	return s, read(t, s, openBus(t, srv.url(), set))
}

func TestLostConnectionLosesNoEventAndDoublesNoEffect(t *testing.T) {
	for name, c := range map[string]struct {
		window, ackTimeout, outage time.Duration
	}{
		"within the duplicate window":               {2 * time.Minute, 5 * time.Second, 100 * time.Millisecond},
		"longer than that and than a publish waits": {100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			set := quick
			set.duplicates, set.ackTimeout = c.window, c.ackTimeout
			srv := startServer(t)
			s, r := twoNodes(t, srv, set)
			var events, facts atomic.Int64
			n := count(300, 10000)
			gone := make(chan bool)
			stop := func() { srv.stop(); gone <- true }
			r.mu.Lock()
			r.after = map[int]func(){n / 4: stop, n / 2: stop} // in the middle, twice
			r.mu.Unlock()
			var writers sync.WaitGroup
			for w := range 10 {
				writers.Go(func() {
					for v := range n / 20 / 3 {
						e, f := write(t, s, fmt.Sprintf("doc-%d-%d", w, v%3), 3)
						events.Add(int64(e))
						facts.Add(int64(f))
						time.Sleep(time.Millisecond)
					}
				})
			}
			for range r.after {
				<-gone
				time.Sleep(c.outage)
				srv.start(t)
			}
			writers.Wait()
			if int(events.Load()) != n {
				t.Fatalf("%d events were written", events.Load())
			}
			eventually(t, "every effect", func() bool { return r.hasAll(n, n/2) })
			eventually(t, "an empty outbox", pendingNone(s))
			r.check(t, n, n/2)
			t.Logf("%d deliveries were repeats", r.again)
		})
	}
}

// forgetful is a store on which the mark is lost: as when the node dies between
// the ack and the mark.
type forgetful struct {
	store.Store
	lost atomic.Int32
}

func (f *forgetful) Relayed(ctx context.Context, batches ...store.Batch) error {
	if f.lost.Add(-1) >= 0 {
		return errors.New("the power is gone")
	}
	return f.Store.Relayed(ctx, batches...)
}

func TestLateRepeatAfterTheDuplicateWindowDoublesNoEffect(t *testing.T) {
	set := quick
	set.duplicates = 100 * time.Millisecond
	b := openBus(t, "embedded:"+t.TempDir(), set)
	s := &forgetful{Store: openStore(t)}
	s.lost.Store(3)
	r := read(t, s, b)
	events, facts := write(t, s, "doc", 10)
	relay(t, s, b)
	eventually(t, "an empty outbox", pendingNone(s))
	eventually(t, "every effect", func() bool { return r.hasAll(events, facts) })
	eventually(t, "a repeat", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.again > 0 })
	r.check(t, events, facts)
}

func TestOutboxFromBeforeTheStartIsPublishedInOrder(t *testing.T) {
	b, s := embeddedBus(t), openStore(t)
	events, facts := 0, 0
	for i := range 20 {
		e, f := write(t, s, fmt.Sprint("doc-", i), count(6, 25))
		events, facts = events+e, facts+f
	}
	relay(t, s, b)
	relay(t, s, b)
	r := read(t, s, b)
	eventually(t, "every effect", func() bool { return r.hasAll(events, facts) })
	eventually(t, "an empty outbox", pendingNone(s))
	r.check(t, events, facts)
}

func TestFactLeavesWithoutATieToItsEvent(t *testing.T) {
	b, s := embeddedBus(t), openStore(t)
	relay(t, s, b)
	at := time.Unix(1_700_000_000, 0)
	fact := halsocoach.Count(halsocoach.CountFirstTalk, at, "0684", true, map[string]string{halsocoach.DimSex: "kvinna", halsocoach.DimSource: "förening"})
	e := halsocoach.Happened("note.written", at, "0684", "doc", nil).Counting(fact)
	ok(t, store.In[note](s, noteKind).Insert(t.Context(), "doc", note{}, e))
	eventually(t, "an empty outbox", pendingNone(s))
	for stream, want := range map[string][2]string{eventStream: {"halsocoach.event.0684.note.written", fact.ID}, factStream: {"halsocoach.fact.06.first_talk", e.ID}} {
		js, err := b.js.Stream(t.Context(), stream)
		ok(t, err)
		m, err := js.GetMsg(t.Context(), 1)
		ok(t, err)
		if m.Subject != want[0] || strings.Contains(string(m.Data), want[1]) || strings.Contains(fmt.Sprint(m.Header), want[1]) {
			t.Errorf("%s holds %s %s %s", stream, m.Subject, m.Header, m.Data)
		}
		for _, secret := range []string{"kvinna", "facts", "T", "22:13"} {
			if stream == factStream && strings.Contains(string(m.Data), `"`+secret) {
				t.Errorf("the fact holds %s: %s", secret, m.Data)
			}
		}
	}
}

func TestEventTooLargeForNATSStopsNobody(t *testing.T) {
	srv := startServer(t) // takes 1 MB
	s := openStore(t)
	b := openBus(t, srv.url(), quick)
	var got seen
	ok(t, b.Consume(t.Context(), "large", []string{"note.written"}, func(_ context.Context, e halsocoach.Event) error {
		if e.Subject == "large" && e.Data != nil {
			t.Error("it has its data")
		}
		got.add(e)
		return nil
	}))
	relay(t, s, b)
	at := time.Unix(1_700_000_000, 0)
	large := halsocoach.Happened("note.written", at, "0684", "large", strings.Repeat("x", 1<<20))
	next := halsocoach.Happened("note.written", at, "0684", "next", nil)
	ok(t, store.In[note](s, noteKind).Insert(t.Context(), "doc", note{}, large, next))
	eventually(t, "both", func() bool { return got.order() == "large next" })
}

// TestServerThatIsFullIsGivenTime: a server that has room for a few messages in
// hand refuses the rest; all of them arrive, in order, and the store keeps them
// until they do.
func TestServerThatIsFullIsGivenTime(t *testing.T) {
	srv := startServerWith(t, func(o *server.Options) { o.StreamMaxBufferedMsgs = 8 })
	set := quick
	set.ackTimeout = 100 * time.Millisecond
	b, s := openBus(t, srv.url(), set), openStore(t)
	events, facts := 0, 0
	for i := range count(120, 3000) {
		e, f := write(t, s, fmt.Sprint("doc-", i), 1)
		events, facts = events+e, facts+f
	}
	r := read(t, s, b)
	var lines lockedBuffer
	relayTelling(t, s, b, slog.New(slog.NewTextHandler(&lines, nil)))
	eventually(t, "every effect", func() bool { return r.hasAll(events, facts) })
	eventually(t, "an empty outbox", pendingNone(s))
	r.check(t, events, facts)
	if !strings.Contains(lines.String(), "events wait in the outbox") {
		t.Error("the server refused nothing")
	}
}

func BenchmarkRelay(b *testing.B) {
	s := openStore(b)
	bus, err := Open(b.Context(), "embedded:"+b.TempDir(), slog.New(slog.DiscardHandler))
	ok(b, err)
	b.Cleanup(func() { bus.Close() })
	var wg sync.WaitGroup
	for w := range 50 {
		wg.Go(func() { write(b, s, fmt.Sprint("doc-", w), max(b.N/100, 1)) })
	}
	wg.Wait()
	b.ResetTimer()
	ctx, cancel := context.WithCancel(b.Context())
	go Relay(ctx, s, bus, slog.New(slog.DiscardHandler))
	for !pendingNone(s)() {
		time.Sleep(time.Millisecond)
	}
	cancel()
	b.ReportMetric(float64(max(b.N/100, 1)*100)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkFromSaveToHandler(b *testing.B) {
	s := openStore(b)
	bus, err := Open(b.Context(), "embedded:"+b.TempDir(), slog.New(slog.DiscardHandler))
	ok(b, err)
	b.Cleanup(func() { bus.Close() })
	got := make(chan struct{}, 2)
	ok(b, bus.Consume(b.Context(), "bench", []string{"note.written"}, func(context.Context, halsocoach.Event) error {
		got <- struct{}{}
		return nil
	}))
	relay(b, s, bus)
	for b.Loop() {
		write(b, s, "doc", 1)
		<-got
		<-got
	}
}
