package event

import (
	"context"
	"errors"
	"log/slog"

	"halsocoach"
	"halsocoach/internal/store"
)

// Bus is the connection to NATS. All methods are safe for concurrent use.
type Bus struct{}

var errClosed = errors.New("event: the bus is closed")

// Open starts the embedded server ("embedded:DIR") or connects to one by URL.
func Open(ctx context.Context, where string, log *slog.Logger) (*Bus, error) { return nil, errClosed }

// Consume runs do for every event of the types.
func (b *Bus) Consume(ctx context.Context, name string, types []string, do func(context.Context, halsocoach.Event) error) error {
	return errClosed
}

// ConsumeFacts runs do for every fact, in batches.
func (b *Bus) ConsumeFacts(ctx context.Context, name string, do func(context.Context, []halsocoach.Fact) error) error {
	return errClosed
}

// EachFact calls f for every fact that is kept.
func (b *Bus) EachFact(ctx context.Context, f func(halsocoach.Fact) error) error { return errClosed }

// PublishCounts publishes a kommun's counts of a month.
func (b *Bus) PublishCounts(ctx context.Context, kommun, month string, body []byte) error {
	return errClosed
}

// Nudge tells whoever listens on the topic; it may be lost and never blocks.
func (b *Bus) Nudge(topic string, body []byte) {}

// OnNudge runs do for every nudge on the topic until stop.
func (b *Bus) OnNudge(topic string, do func(body []byte)) (stop func(), err error) {
	return nil, errClosed
}

// Ready says whether events can be published now.
func (b *Bus) Ready() error { return errClosed }

// Close ends all consumers.
func (b *Bus) Close() error { return nil }

// Relay publishes what the store holds as pending, until ctx ends.
func Relay(ctx context.Context, s store.Store, b *Bus, log *slog.Logger) { <-ctx.Done() }
