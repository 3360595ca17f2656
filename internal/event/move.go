package event

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Waiting is how many events the consumers have not yet taken, those that fill
// the counts included, and how many are parked. Consumers of nodes that are
// stopped are asked too: what they are for waits as well.
func (b *Bus) Waiting(ctx context.Context) (waiting, parked int, err error) {
	for _, name := range []string{eventStream, factStream} {
		s, err := b.js.Stream(ctx, name)
		if err != nil {
			return 0, 0, fmt.Errorf("event: %s: %w", name, err)
		}
		list := s.ListConsumers(ctx)
		for c := range list.Info() {
			if c.Config.Durable != "" {
				waiting += int(c.NumPending) + c.NumAckPending
			}
		}
		if err := list.Err(); err != nil {
			return 0, 0, fmt.Errorf("event: %s: %w", name, err)
		}
	}
	s, err := b.js.Stream(ctx, parkedStream)
	if err != nil {
		return 0, 0, fmt.Errorf("event: %s: %w", parkedStream, err)
	}
	return waiting, int(s.CachedInfo().State.Msgs), nil
}

// ErrOtherFacts: the facts over there are not the beginning of ours.
var ErrOtherFacts = errors.New("event: the other NATS holds facts that are not a copy of these")

// copyWave is how many facts are on their way at one time: few enough for the
// last of them to be acknowledged in time by a server that syncs each.
const copyWave = 50

// CopyFacts copies the kept facts to another NATS, in order, and tells how many
// are there and how many there will be. Called again it goes on where it was
// stopped. Facts that arrive meanwhile may be left out: call it when nobody
// publishes.
func CopyFacts(ctx context.Context, from, to *Bus, progress func(done, total int)) error {
	source, err := from.js.Stream(ctx, factStream)
	if err != nil {
		return fmt.Errorf("event: read facts: %w", err)
	}
	target, err := to.js.Stream(ctx, factStream)
	if err != nil {
		return fmt.Errorf("event: write facts: %w", err)
	}
	total, done := source.CachedInfo().State.LastSeq, target.CachedInfo().State.LastSeq
	if err := sameFacts(ctx, source, target, total, done); err != nil {
		return err
	}
	progress(int(done), int(total))
	if done == total {
		return nil
	}
	it, err := factsFrom(ctx, source, done+1)
	if err != nil {
		return fmt.Errorf("event: read facts: %w", err)
	}
	defer it.Stop()
	for done < total {
		n := min(copyWave, int(total-done))
		if err := to.copyWave(ctx, it, n); err != nil {
			return err
		}
		done += uint64(n)
		progress(int(done), int(total))
	}
	if target, err = to.js.Stream(ctx, factStream); err != nil {
		return fmt.Errorf("event: write facts: %w", err)
	}
	return sameFacts(ctx, source, target, total, target.CachedInfo().State.LastSeq)
}

// copyWave copies the next n facts. What is on its way lands also when ctx ends,
// so that the next copying finds it there.
func (b *Bus) copyWave(ctx context.Context, from jetstream.MessagesContext, n int) error {
	var fault error
	sent := make([]unacked, 0, n)
	for range n {
		m, err := from.Next(jetstream.NextContext(ctx))
		if err != nil {
			fault = fmt.Errorf("event: read facts: %w", err)
			break
		}
		// Without its id: what we have counted ourselves is not a repeat.
		ack, err := b.js.PublishMsgAsync(&nats.Msg{Subject: m.Subject(), Data: m.Data()}, jetstream.WithStallWait(b.set.ackTimeout))
		if err != nil {
			fault = fmt.Errorf("event: write facts: %w", err)
			break
		}
		sent = append(sent, unacked{ack: ack})
	}
	for _, m := range sent {
		fault = errors.Join(fault, m.wait(context.WithoutCancel(ctx)))
	}
	return fault
}

// sameFacts compares the last of what is over there with ours of that number.
// The stream is never shortened, so numbers have no gaps.
func sameFacts(ctx context.Context, source, target jetstream.Stream, total, done uint64) error {
	if done == 0 {
		return nil
	}
	if done > total {
		return ErrOtherFacts
	}
	ours, err := source.GetMsg(ctx, done)
	if err != nil {
		return fmt.Errorf("event: read fact %d: %w", done, err)
	}
	theirs, err := target.GetMsg(ctx, done)
	if err != nil {
		return fmt.Errorf("event: read fact %d over there: %w", done, err)
	}
	if ours.Subject != theirs.Subject || !bytes.Equal(ours.Data, theirs.Data) {
		return ErrOtherFacts
	}
	return nil
}
