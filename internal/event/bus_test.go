package event

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	ackTimeout: time.Second,
}

func count(short, hard int) int {
	if os.Getenv("HALSOCOACH_HARD") == "1" {
		return hard
	}
	return short
}

func openBus(t *testing.T, where string, set settings) *Bus {
	t.Helper()
	b, err := open(t.Context(), where, slog.New(slog.DiscardHandler), set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func embeddedBus(t *testing.T) *Bus { return openBus(t, "embedded:"+t.TempDir(), quick) }

func eventually(t *testing.T, what string, ok func() bool) {
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

func TestEventReachesItsConsumerAsItWasWritten(t *testing.T) {
	b := embeddedBus(t)
	got := make(chan halsocoach.Event, 8)
	if err := b.Consume(t.Context(), "citizen.enrol", []string{"referral.accepted"}, func(_ context.Context, e halsocoach.Event) error {
		got <- e
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := happened("referral.accepted", 7)
	other := happened("referral.accepted_again", 8)
	county := halsocoach.Happened("referral.accepted", want.At, "nowhere", "x", nil)
	put(t, b, other, want, county)
	for _, w := range []halsocoach.Event{want, county} {
		select {
		case e := <-got:
			if e.ID != w.ID || e.Type != w.Type || !e.At.Equal(w.At) || e.Kommun != w.Kommun || e.Subject != w.Subject || !bytes.Equal(e.Data, w.Data) {
				t.Errorf("got %+v, want %+v", e, w)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the event did not come")
		}
	}
	if len(got) > 0 {
		t.Errorf("an event of another type came: %+v", <-got)
	}
}

func TestSubjectsAreSafeWhateverTheTypeIs(t *testing.T) {
	for typ, want := range map[string]string{
		"groups.place_booked": "halsocoach.event.0684.groups.place_booked",
		"a b.>":               "halsocoach.event.0684.a_b._",
		"*":                   "halsocoach.event.0684._",
		"":                    "halsocoach.event.0684._",
		"..x...y.":            "halsocoach.event.0684.x.y",
		"citizen.åter":        "halsocoach.event.0684.citizen._ter",
	} {
		if got := subjectOf(halsocoach.Event{Type: typ, Kommun: "0684"}); got != want {
			t.Errorf("%q gives %q, want %q", typ, got, want)
		}
	}
	if got := subjectOfFact(halsocoach.Fact{Type: "first_talk", Kommun: "9999"}); got != "halsocoach.fact.06.first_talk" {
		t.Error(got)
	}
}

func TestBacklogFromBeforeTheConsumerWasBornArrives(t *testing.T) {
	dir := t.TempDir()
	b := openBus(t, "embedded:"+dir, quick)
	const n = 50
	for i := range n {
		put(t, b, happened("groups.published", i))
	}
	b.Close()
	b = openBus(t, "embedded:"+dir, quick)
	var s seen
	if err := b.Consume(t.Context(), "late", []string{"groups.published"}, func(_ context.Context, e halsocoach.Event) error {
		s.add(e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the whole backlog", func() bool { return s.distinct() == n })
	for i, subject := range strings.Fields(s.order()) {
		if subject != fmt.Sprintf("doc-%d", i) {
			t.Fatalf("out of order: %s", s.order())
		}
	}
}

func TestConsumerGoesOnWhereItWasAfterARestart(t *testing.T) {
	dir := t.TempDir()
	var s seen
	do := func(_ context.Context, e halsocoach.Event) error { s.add(e); return nil }
	b := openBus(t, "embedded:"+dir, quick)
	if err := b.Consume(t.Context(), "keeps", []string{"chat.contact_made"}, do); err != nil {
		t.Fatal(err)
	}
	put(t, b, happened("chat.contact_made", 1))
	eventually(t, "the first", func() bool { return s.distinct() == 1 })
	b.Close()
	b = openBus(t, "embedded:"+dir, quick)
	put(t, b, happened("chat.contact_made", 2))
	if err := b.Consume(t.Context(), "keeps", []string{"chat.contact_made"}, do); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second", func() bool { return s.distinct() == 2 })
	if s.order() != "doc-1 doc-2" {
		t.Errorf("got %s", s.order())
	}
}

func TestFailedEventHoldsTheOrderUntilItSucceeds(t *testing.T) {
	b := embeddedBus(t)
	var s seen
	var tries atomic.Int32
	if err := b.Consume(t.Context(), "order", []string{"groups.published"}, func(_ context.Context, e halsocoach.Event) error {
		if e.Subject == "doc-1" && tries.Add(1) < 3 {
			if tries.Load() == 2 {
				panic("a handler may panic")
			}
			return errors.New("not yet")
		}
		s.add(e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	put(t, b, happened("groups.published", 0), happened("groups.published", 1), happened("groups.published", 2))
	eventually(t, "all three", func() bool { return s.distinct() == 3 })
	if s.order() != "doc-0 doc-1 doc-2" {
		t.Errorf("order is %s", s.order())
	}
}

func TestPoisonEventIsParkedAndBlocksNobody(t *testing.T) {
	var lines lockedBuffer
	b, err := open(t.Context(), "embedded:"+t.TempDir(), slog.New(slog.NewTextHandler(&lines, nil)), quick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	var s seen
	var poisoned atomic.Bool
	poisoned.Store(true)
	if err := b.Consume(t.Context(), "poison", []string{"groups.published"}, func(_ context.Context, e halsocoach.Event) error {
		if e.Subject == "doc-0" && poisoned.Load() {
			return errors.New("can not be done")
		}
		s.add(e)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	put(t, b, happened("groups.published", 0), happened("groups.published", 1), happened("groups.published", 2))
	eventually(t, "the two behind the poison", func() bool { return s.distinct() == 2 })
	if got := strings.Count(lines.String(), "event is parked"); got != 1 || !strings.Contains(lines.String(), "level=ERROR") {
		t.Errorf("%d error lines of parking:\n%s", got, lines.String())
	}
	poisoned.Store(false)
	eventually(t, "the parked one, once it can be done", func() bool { return s.distinct() == 3 })
	if s.order() != "doc-1 doc-2 doc-0" {
		t.Errorf("order is %s", s.order())
	}
}

func TestTwoNodesShareAConsumerInOrder(t *testing.T) {
	where := startServer(t, t.TempDir(), -1)
	var s seen
	var at atomic.Int32
	for range 2 {
		b := openBus(t, where.url(), quick)
		if err := b.Consume(t.Context(), "shared", []string{"groups.published"}, func(_ context.Context, e halsocoach.Event) error {
			if at.Add(1) != 1 {
				t.Error("two nodes work on the consumer at one time")
			}
			s.add(e)
			at.Add(-1)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	b := openBus(t, where.url(), quick)
	var want []string
	for i := range 200 {
		put(t, b, happened("groups.published", i))
		want = append(want, fmt.Sprintf("doc-%d", i))
	}
	eventually(t, "all", func() bool { return s.distinct() == 200 })
	if s.order() != strings.Join(want, " ") {
		t.Errorf("order is %s", s.order())
	}
}

func TestEveryFactIsKeptAndReadFromTheStart(t *testing.T) {
	b := embeddedBus(t)
	if err := b.EachFact(t.Context(), func(halsocoach.Fact) error { return errors.New("there is none") }); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	at := time.Unix(1_700_000_000, 0)
	n := count(2500, 20000)
	for i := 0; i < n; i += 10 {
		e := happened("coach.talk_held", i)
		for range 10 {
			f := halsocoach.Count(halsocoach.CountFirstTalk, at, "0684", false, map[string]string{halsocoach.DimSource: "förening"})
			want[f.ID] = true
			e = e.Counting(f)
		}
		put(t, b, e)
	}
	read := func() map[string]bool {
		got := map[string]bool{}
		if err := b.EachFact(t.Context(), func(f halsocoach.Fact) error {
			if f.Kommun != "0684" || f.Day != halsocoach.DayOf(at) || f.Dims[halsocoach.DimSource] != "förening" {
				return fmt.Errorf("not the fact that was written: %+v", f)
			}
			got[f.ID] = true
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for range 2 {
		if got := read(); len(got) != len(want) {
			t.Fatalf("read %d facts of %d", len(got), len(want))
		}
	}
	var mu sync.Mutex
	got, biggest := map[string]bool{}, 0
	if err := b.ConsumeFacts(t.Context(), "counts", func(_ context.Context, facts []halsocoach.Fact) error {
		mu.Lock()
		defer mu.Unlock()
		biggest = max(biggest, len(facts))
		for _, f := range facts {
			got[f.ID] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all facts consumed", func() bool { mu.Lock(); defer mu.Unlock(); return len(got) == len(want) })
	if biggest < 100 {
		t.Errorf("the largest batch of %d facts held %d", n, biggest)
	}
}

func TestBadFactHoldsUpNoOther(t *testing.T) {
	b := embeddedBus(t)
	e := happened("coach.talk_held", 0)
	var bad string
	for i := range 20 {
		f := halsocoach.Count(halsocoach.CountFirstTalk, e.At, "0684", false, nil)
		if i == 7 {
			bad = f.ID
		}
		e = e.Counting(f)
	}
	put(t, b, e)
	var mu sync.Mutex
	got := map[string]bool{}
	if err := b.ConsumeFacts(t.Context(), "counts", func(_ context.Context, facts []halsocoach.Fact) error {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range facts {
			if f.ID == bad {
				return errors.New("bad fact")
			}
		}
		for _, f := range facts {
			got[f.ID] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the nineteen good ones", func() bool { mu.Lock(); defer mu.Unlock(); return len(got) == 19 })
}

func TestNudgeReachesListenersOnEveryNode(t *testing.T) {
	where := startServer(t, t.TempDir(), -1)
	a, b := openBus(t, where.url(), quick), openBus(t, where.url(), quick)
	var n atomic.Int32
	for _, bus := range []*Bus{a, b} {
		stop, err := bus.OnNudge("conversation.å4", func(body []byte) {
			if string(body) == "42" {
				n.Add(1)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
	}
	eventually(t, "both listeners nudged", func() bool {
		a.Nudge("conversation.å4", []byte("42"))
		a.Nudge("conversation.other", []byte("42"))
		return n.Load() >= 2
	})
}

func TestNudgeNeverBlocksWhenNATSIsGone(t *testing.T) {
	srv := startServer(t, t.TempDir(), -1)
	b := openBus(t, srv.url(), quick)
	srv.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 10 * nudgeQueue {
			b.Nudge("settings", []byte("x"))
		}
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("Nudge blocked")
	}
	eventually(t, "not ready", func() bool { return errors.Is(b.Ready(), ErrNoContact) })
	srv.start(t)
	eventually(t, "ready again", func() bool { return b.Ready() == nil })
}

func TestLastCountsOfEachMonthAreKept(t *testing.T) {
	b := embeddedBus(t)
	for i := range 5 {
		if err := b.PublishCounts(t.Context(), "0684", "2026-11", []byte(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.PublishCounts(t.Context(), "06", "2026-11", []byte("county")); err != nil {
		t.Fatal(err)
	}
	s, err := b.js.Stream(t.Context(), countStream)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(t.Context(), "halsocoach.counts.0684.2026-11")
	if err != nil || string(m.Data) != "4" || s.CachedInfo().State.Msgs != 2 {
		t.Errorf("kept %v %q of %d, %v", m, m.Data, s.CachedInfo().State.Msgs, err)
	}
	for _, bad := range [][2]string{{"0684", "2026-13"}, {"0684", "2026-1"}, {"9999", "2026-11"}, {">", "2026-11"}} {
		if b.PublishCounts(t.Context(), bad[0], bad[1], nil) == nil {
			t.Errorf("published under %v", bad)
		}
	}
}

func TestSecondOwnerOfTheFolderIsToldWho(t *testing.T) {
	dir := t.TempDir()
	if os.Getenv("EVENT_TEST_OWN") != "" {
		_, err := Open(t.Context(), "embedded:"+os.Getenv("EVENT_TEST_OWN"), slog.New(slog.DiscardHandler))
		fmt.Println("SECOND:", err)
		return
	}
	b := openBus(t, "embedded:"+dir, quick)
	second := exec.Command(os.Args[0], "-test.run=^TestSecondOwnerOfTheFolderIsToldWho$", "-test.v")
	second.Env = append(os.Environ(), "EVENT_TEST_OWN="+dir)
	out, _ := second.CombinedOutput()
	if !strings.Contains(string(out), fmt.Sprintf("process %d runs on %s", os.Getpid(), dir)) {
		t.Errorf("the second start said: %s", out)
	}
	if _, err := Open(t.Context(), "embedded:"+dir, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrOwned) {
		t.Errorf("a second start in this process: %v", err)
	}
	b.Close()
	openBus(t, "embedded:"+dir, quick)
}

func TestEmbeddedServerOpensNoPort(t *testing.T) {
	b := embeddedBus(t)
	if addr := b.server.nats.Addr(); addr != nil {
		t.Errorf("it listens on %v", addr)
	}
	info, err := os.Stat(filepath.Join(b.server.lock.Name()))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestBadAddressIsRefusedWithoutThePassword(t *testing.T) {
	set := quick
	set.connect = 300 * time.Millisecond
	for _, where := range []string{"", "embedded:", "http://127.0.0.1", "nats:", "nats://user:hemlig@127.0.0.1:1"} {
		_, err := open(t.Context(), where, slog.New(slog.DiscardHandler), set)
		if err == nil || strings.Contains(err.Error(), "hemlig") {
			t.Errorf("%q: %v", where, err)
		}
	}
}

func TestEverythingAfterCloseIsRefused(t *testing.T) {
	b := embeddedBus(t)
	b.Close()
	b.Close()
	if err := b.Ready(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := b.Consume(t.Context(), "x", []string{"a.b"}, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := b.OnNudge("x", nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := b.EachFact(t.Context(), nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	b.Nudge("x", nil)
}

// outside is a NATS server on a TCP port that can be stopped and started on
// the same port and folder.
type outside struct {
	dir  string
	port int
	nats *server.Server
}

func startServer(t *testing.T, dir string, port int) *outside {
	o := &outside{dir: dir, port: port}
	o.start(t)
	t.Cleanup(o.stop)
	return o
}

func (o *outside) start(t *testing.T) {
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
