package event

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"halsocoach"
)

// EachFact calls f for every fact that was kept when it began, oldest first. A
// fact may come twice, under the same id: a late repeat of the relay is kept as
// well. Facts that still wait in the outbox are not among them.
func (b *Bus) EachFact(ctx context.Context, f func(halsocoach.Fact) error) error {
	if b.ctx.Err() != nil {
		return ErrClosed
	}
	stream, err := b.js.Stream(ctx, factStream)
	if err != nil {
		return fmt.Errorf("event: read facts: %w", err)
	}
	state := stream.CachedInfo().State
	if state.Msgs == 0 {
		return nil
	}
	it, err := factsFrom(ctx, stream, 1)
	if err != nil {
		return fmt.Errorf("event: read facts: %w", err)
	}
	defer it.Stop()
	for {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("event: read facts: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("event: read facts: %w", err)
		}
		var fact halsocoach.Fact
		if err := json.Unmarshal(m.Data(), &fact); err != nil {
			return fmt.Errorf("event: fact %d: %w", meta.Sequence.Stream, err)
		}
		if err := f(fact); err != nil {
			return err
		}
		if meta.Sequence.Stream >= state.LastSeq {
			return nil
		}
	}
}

// factsFrom reads the facts in order, beginning with the one of the number.
func factsFrom(ctx context.Context, stream jetstream.Stream, number uint64) (jetstream.MessagesContext, error) {
	from, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: number})
	if err != nil {
		return nil, err
	}
	return from.Messages()
}
