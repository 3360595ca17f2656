package event

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"halsocoach"
)

// TestWhatIsPendingGoesWhenTheRelayStops: a stop sends what was saved last.
func TestWhatIsPendingGoesWhenTheRelayStops(t *testing.T) {
	b, s := embeddedBus(t), openStore(t)
	events, _ := write(t, s, "doc", 5)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	Relay(stopped, s, b, slog.New(slog.DiscardHandler))
	if left, err := s.Pending(t.Context(), 10); err != nil || len(left) != 0 {
		t.Fatalf("%d documents wait, %v", len(left), err)
	}
	var got seen
	ok(t, b.Consume(t.Context(), "reader", []string{"note.written"}, got.take))
	eventually(t, "all of them", func() bool { return got.distinct() == events })
}

// TestAStopWithoutNATSLeavesWhatIsPending, and does not wait for it.
func TestAStopWithoutNATSLeavesWhatIsPending(t *testing.T) {
	srv := startServer(t)
	b, s := openBus(t, srv.url(), quick), openStore(t)
	srv.stop()
	eventually(t, "no contact", func() bool { return !b.nc.IsConnected() })
	write(t, s, "doc", 1)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	Relay(stopped, s, b, slog.New(slog.DiscardHandler))
	if left, err := s.Pending(t.Context(), 10); err != nil || len(left) != 1 {
		t.Fatalf("%d documents wait, %v", len(left), err)
	}
}

// TestABusWhoseConsumersDoNotRunIsNotReady takes a running consumer away.
func TestABusWhoseConsumersDoNotRunIsNotReady(t *testing.T) {
	b := embeddedBus(t)
	ok(t, b.Consume(t.Context(), "down", []string{"note.written"}, func(context.Context, halsocoach.Event) error { return nil }))
	ok(t, b.Ready())
	ok(t, b.js.DeleteConsumer(t.Context(), eventStream, "down"))
	eventually(t, "not ready", func() bool { return errors.Is(b.Ready(), ErrDown) })
	eventually(t, "made anew and ready", func() bool { return b.Ready() == nil })
}

// TestCloseWaitsForBackgroundWork, whose context has ended by then.
func TestCloseWaitsForBackgroundWork(t *testing.T) {
	b := openBus(t, "embedded:"+t.TempDir(), quick)
	var done atomic.Bool
	b.Go(context.Background(), func(ctx context.Context) {
		<-ctx.Done()
		time.Sleep(50 * time.Millisecond) // longer than a Close that does not wait
		done.Store(true)
	})
	if err := b.Close(); err != nil || !done.Load() {
		t.Errorf("closed before the work had ended: %v", err)
	}
}
