package event

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"halsocoach"
)

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

func TestNudgeReachesListenersOnEveryNode(t *testing.T) {
	where := startServer(t)
	a, b := openBus(t, where.url(), quick), openBus(t, where.url(), quick)
	var n atomic.Int32
	for _, bus := range []*Bus{a, b} {
		stop, err := bus.OnNudge("conversation.å4", func(body []byte) {
			if string(body) == "42" {
				n.Add(1)
			}
		})
		ok(t, err)
		defer stop()
	}
	eventually(t, "both listeners nudged", func() bool {
		a.Nudge("conversation.å4", []byte("42"))
		a.Nudge("conversation.other", []byte("42"))
		return n.Load() >= 2
	})
}

func TestNudgeNeverBlocksWhenNATSIsGone(t *testing.T) {
	srv := startServer(t)
	b := openBus(t, srv.url(), quick)
	srv.stop()
	for range 10 * nudgeQueue {
		b.Nudge("settings", []byte("x")) // one that blocks never returns
	}
	eventually(t, "not ready", func() bool { return errors.Is(b.Ready(), ErrNoContact) })
	srv.start(t)
	eventually(t, "ready again", func() bool { return b.Ready() == nil })
}

func TestLastCountsOfEachMonthAreKept(t *testing.T) {
	b := embeddedBus(t)
	for i := range 5 {
		ok(t, b.PublishCounts(t.Context(), "0684", "2026-11", []byte(strconv.Itoa(i))))
	}
	ok(t, b.PublishCounts(t.Context(), "06", "2026-11", []byte("county")))
	s, err := b.js.Stream(t.Context(), countStream)
	ok(t, err)
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
