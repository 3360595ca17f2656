package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"halsocoach"
	"halsocoach/internal/store"
)

const (
	relayBatches = 256                    // documents per round, when all is well
	fewBatches   = 4                      // and after faults
	maxUnacked   = 512                    // messages on their way at one time
	relayTick    = 250 * time.Millisecond // for what other processes have saved
	relayRest    = 2 * time.Second        // the longest rest after a fault
	relayLast    = time.Second            // for what is pending when the program stops
)

// Relay publishes what the store holds as pending and marks it after the ack,
// until ctx ends; then what is still pending goes, if it does so quickly: what
// does not waits in the outbox for another node or the next start. Any number of
// relays may run on one store: the order of a document's events holds, and what
// is published twice has the same id.
//
// No more is on its way than a server can have in hand: maxUnacked messages.
// When one is refused or not acknowledged in time, everything of its document
// stays in the outbox, the next round comes after a growing rest and is a quarter
// of the size; each good round doubles it again. Nothing is dropped.
func Relay(ctx context.Context, s store.Store, b *Bus, log *slog.Logger) {
	defer b.lastRounds(ctx, s)
	tick := time.NewTicker(relayTick)
	defer tick.Stop()
	rest, size := time.Duration(0), relayBatches
	for ctx.Err() == nil && b.ctx.Err() == nil {
		n, err := b.relayOnce(ctx, s, size)
		switch {
		case ctx.Err() != nil || b.ctx.Err() != nil:
			return
		case err != nil:
			if rest == 0 {
				log.Warn("events wait in the outbox", "error", err)
			}
			rest = min(max(2*rest, 100*time.Millisecond), relayRest)
			size = max(size/4, fewBatches)
			pause(ctx, rest)
			continue
		case rest > 0:
			log.Info("events leave the outbox again")
			rest = 0
		}
		size = min(2*size, relayBatches)
		if n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-b.ctx.Done():
		case <-s.Saved():
		case <-tick.C:
		}
	}
}

func (b *Bus) lastRounds(ctx context.Context, s store.Store) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), relayLast)
	defer cancel()
	for b.ctx.Err() == nil {
		if n, err := b.relayOnce(ctx, s, relayBatches); n == 0 || err != nil {
			return
		}
	}
}

// relayOnce publishes one round of at most so many batches and returns how many
// it marked.
func (b *Bus) relayOnce(ctx context.Context, s store.Store, size int) (int, error) {
	if !b.nc.IsConnected() {
		return 0, ErrNoContact
	}
	batches, err := s.Pending(ctx, size)
	if err != nil || len(batches) == 0 {
		return 0, err
	}
	done, err := b.publish(ctx, batches)
	if len(done) > 0 {
		if merr := s.Relayed(ctx, done...); merr != nil {
			return 0, fmt.Errorf("event: mark as relayed: %w", merr)
		}
	}
	return len(done), err
}

// publish sends the batches in waves: first the first event of each, and when
// those are acknowledged the second. So a document's events keep their order
// also when one of them is lost on the way. It returns the batches of which
// everything was acknowledged.
func (b *Bus) publish(ctx context.Context, batches []store.Batch) (done []store.Batch, err error) {
	failed := make([]bool, len(batches))
	stalled := false
	for wave, more := 0, true; more; wave++ {
		more = false
		var sent []unacked
		for i, batch := range batches {
			if failed[i] || wave >= len(batch.Events) {
				continue
			}
			if stalled { // the server takes no more at the moment
				failed[i] = true
				continue
			}
			more = true
			of, serr := b.send(i, batch.Events[wave])
			sent = append(sent, of...)
			if serr != nil {
				failed[i], err = true, serr
				stalled = errors.Is(serr, jetstream.ErrTooManyStalledMsgs)
			}
		}
		for _, m := range sent {
			if merr := m.wait(ctx); merr != nil {
				failed[m.batch], err = true, merr
			}
		}
	}
	for i, batch := range batches {
		if !failed[i] {
			done = append(done, batch)
		}
	}
	return done, err
}

// unacked is a message that is on its way.
type unacked struct {
	batch int
	ack   jetstream.PubAckFuture
}

func (m unacked) wait(ctx context.Context) error {
	select {
	case <-m.ack.Ok():
		return nil
	case err := <-m.ack.Err():
		return fmt.Errorf("event: publish: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send puts an event and its facts on their way.
func (b *Bus) send(batch int, e halsocoach.Event) ([]unacked, error) {
	sent := make([]unacked, 0, 1+len(e.Facts))
	one := func(subject, id string, v any) error {
		body, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("event: %s is not JSON: %w", id, err)
		}
		ack, err := b.js.PublishMsgAsync(&nats.Msg{Subject: subject, Data: body},
			jetstream.WithMsgID(id), jetstream.WithStallWait(b.set.ackTimeout))
		if err != nil {
			return fmt.Errorf("event: publish %s: %w", id, err)
		}
		sent = append(sent, unacked{batch, ack})
		return nil
	}
	err := one(subjectOf(e), e.ID, e)
	if errors.Is(err, nats.ErrMaxPayload) {
		// It would stop its document's events for ever. Who listens asks the
		// owner for what it needs, so the event goes without its data.
		b.log.Error("event is too large, published without its data", "id", e.ID, "type", e.Type, "bytes", len(e.Data))
		e.Data = nil
		err = one(subjectOf(e), e.ID, e)
	}
	for i := 0; err == nil && i < len(e.Facts); i++ {
		err = one(subjectOfFact(e.Facts[i]), e.Facts[i].ID, e.Facts[i])
	}
	return sent, err
}
