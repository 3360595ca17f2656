package counts

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"halsocoach"
	"halsocoach/internal/event"
)

func TestCountsForOtherSystemsAreSuppressedAndFollowTheNumbers(t *testing.T) {
	e := newEnv(t)
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(srv.Shutdown)
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("no server")
	}
	bus, err := event.Open(t.Context(), srv.ClientURL(), e.Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Close() })
	other, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	js, err := jetstream.New(other)
	if err != nil {
		t.Fatal(err)
	}
	last := func(kommun string) (p Published) {
		stream, err := js.Stream(t.Context(), "HALSOCOACH_COUNTS")
		if err != nil {
			t.Fatal(err)
		}
		m, err := stream.GetLastMsgForSubject(t.Context(), "halsocoach.counts."+kommun+".2026-11")
		if err == nil {
			err = json.Unmarshal(m.Data, &p)
		}
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Fatal(err)
		}
		return p
	}
	s := New(Config{Store: e.Store, Bus: bus, Settings: e.Terms, Clock: e.Clock.Now, Log: e.Log, Live: true})
	if err := s.Start(t.Context(), bus); err != nil {
		t.Fatal(err)
	}
	fold := func(kommun string, n int) {
		months, err := s.fold(t.Context(), many(n, halsocoach.CountReferral, e.Clock.Now(), kommun, false, nil))
		if err != nil {
			t.Fatal(err)
		}
		s.changed(months...)
	}
	is := func(kommun string, want int) func() bool {
		return func() bool {
			p := last(kommun)
			n, ok := p.Counts[halsocoach.CountReferral]
			return ok && p.Kommun == kommun && p.Running && p.HideBelow == 5 && (want < 0 && n == nil || n != nil && *n == want)
		}
	}
	e.Eventually("noughts at the start", is("0684", 0))
	fold("0684", 3)
	fold("0680", 20)
	fold("0687", 30)
	e.Eventually("three hidden", is("0684", -1))
	e.Eventually("its cover hidden", is("0680", -1))
	e.Eventually("the county open", is("06", 53))
	e.Eventually("another open", is("0687", 30))
	fold("0684", 2)
	e.Eventually("five open", is("0684", 5))
}
