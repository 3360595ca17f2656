package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"halsocoach"
)

// factBatch is how many facts a handler gets at most; factWindow is how long
// the first of them waits for more.
const (
	factBatch  = 1000
	factWindow = 5 * time.Millisecond
)

// Consume runs do for every event of the types, one at a time and in order,
// also when several nodes run the same consumer. Delivery is at least once: do
// is idempotent by the event's id.
//
// An event that do can not take (an error or a panic) is tried three more times
// within two seconds, while the ones after it wait. Then it is parked: an error
// stands in the log, Waiting counts it, the ones after it go on in their order,
// and it is tried beside them after 5 s, and then ever more seldom, for a month.
// A try that takes more than 20 s is the last before that. So a parked event is
// overtaken by those after it, of its own document too: a handler that minds
// reads the document as it is now.
//
// Consume returns when the consumer runs; it ends with ctx or the bus.
func (b *Bus) Consume(ctx context.Context, name string, types []string, do func(context.Context, halsocoach.Event) error) error {
	if len(types) == 0 {
		return fmt.Errorf("event: consumer %s asks for no types", name)
	}
	subjects := make([]string, len(types))
	for i, t := range types {
		subjects[i] = eventSubject + "*." + tokens(t)
	}
	if len(subjects) > 1 && !b.manyFilters() {
		subjects = []string{eventSubject + ">"} // what is not asked for is let by below
	}
	c := &consumer{bus: b, name: name, batch: 1, turn: &sync.Mutex{}, do: func(ctx context.Context, msgs []jetstream.Msg) error {
		var e halsocoach.Event
		if err := json.Unmarshal(msgs[0].Data(), &e); err != nil {
			return err
		}
		if !slices.Contains(types, e.Type) {
			return nil
		}
		return do(ctx, e)
	}}
	return c.run(ctx, eventStream, subjects, 1)
}

// ConsumeFacts runs do for every fact, in batches. Delivery is at least once
// and in no promised order: do is idempotent by each fact's id. When a batch
// fails its facts come back one by one, so that a bad one holds up nobody; it is
// parked as a bad event is.
func (b *Bus) ConsumeFacts(ctx context.Context, name string, do func(context.Context, []halsocoach.Fact) error) error {
	c := &consumer{bus: b, name: name, batch: factBatch, turn: &sync.Mutex{}, do: func(ctx context.Context, msgs []jetstream.Msg) error {
		facts := make([]halsocoach.Fact, len(msgs))
		for i, m := range msgs {
			if err := json.Unmarshal(m.Data(), &facts[i]); err != nil {
				return err
			}
		}
		return do(ctx, facts)
	}}
	return c.run(ctx, factStream, []string{factSubject + ">"}, 4*factBatch)
}

// consumer is one durable consumer as it runs on this node.
type consumer struct {
	bus   *Bus
	name  string
	batch int
	do    func(context.Context, []jetstream.Msg) error

	turn   *sync.Mutex // held by the handler: parked events wait for it too
	parked sync.Mutex
	again  bool // parked events are tried again on this node
}

// durableOf is how JetStream keeps our consumers.
func (c *consumer) durableOf(name string, subjects []string, inFlight int) jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		Durable: name, DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: c.bus.set.ackWait, MaxDeliver: -1, MaxAckPending: inFlight,
	}
	if len(subjects) == 1 {
		cfg.FilterSubject = subjects[0]
	} else {
		cfg.FilterSubjects = subjects
	}
	return cfg
}

// manyFilters says whether the server takes several subjects for one consumer,
// as it does from 2.10 on.
func (b *Bus) manyFilters() bool {
	var major, minor int
	if _, err := fmt.Sscanf(b.nc.ConnectedServerVersion(), "%d.%d", &major, &minor); err != nil {
		return true
	}
	return major > 2 || major == 2 && minor >= 10
}

func (c *consumer) run(ctx context.Context, stream string, subjects []string, inFlight int) error {
	b := c.bus
	if b.ctx.Err() != nil {
		return ErrClosed
	}
	var err error
	if c.name, err = durable(c.name); err != nil {
		return err
	}
	if err := c.start(ctx, stream, c.durableOf(c.name, subjects, inFlight), c.take); err != nil {
		return err
	}
	_, err = b.js.Consumer(ctx, parkedStream, parkedPrefix+c.name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) { // nothing was ever parked
		return nil
	}
	return c.tryParked(ctx)
}

const parkedPrefix = "parked-"

// tryParked has the parked events tried again, from now on. The consumer is
// made with the first that is parked: most never are.
func (c *consumer) tryParked(ctx context.Context) error {
	c.parked.Lock()
	defer c.parked.Unlock()
	if c.again {
		return nil
	}
	retry := &consumer{bus: c.bus, name: c.name, batch: 1, do: c.do, turn: c.turn}
	err := retry.start(ctx, parkedStream, c.durableOf(parkedPrefix+c.name, []string{parkedSubject + c.name}, factBatch), retry.takeParked)
	c.again = err == nil
	return err
}

// start makes the consumer and reads it until ctx or the bus ends.
func (c *consumer) start(ctx context.Context, stream string, cfg jetstream.ConsumerConfig, take func(context.Context, []jetstream.Msg)) error {
	from, err := c.bus.consumer(ctx, stream, cfg)
	if err != nil {
		return fmt.Errorf("event: consumer %s: %w", c.name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.bus.ctx, cancel)
	c.bus.work.Go(func() {
		defer stop()
		defer cancel()
		c.loop(ctx, from, stream, cfg, take)
	})
	return nil
}

// consumer finds the consumer, and writes it only when it is missing or other
// than wanted: a start then costs no sync.
func (b *Bus) consumer(ctx context.Context, stream string, want jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	found, err := b.js.Consumer(ctx, stream, want.Durable)
	if err == nil {
		is := found.CachedInfo().Config
		same := is.FilterSubject == want.FilterSubject && slices.Equal(is.FilterSubjects, want.FilterSubjects)
		if same && is.AckWait == want.AckWait && is.MaxDeliver == want.MaxDeliver && is.MaxAckPending == want.MaxAckPending {
			return found, nil
		}
	}
	return b.js.CreateOrUpdateConsumer(ctx, stream, want)
}

// loop reads until ctx ends. The iterator mends itself after a lost connection;
// if it ends, it is made anew. A server that misses two heartbeats is busy rather
// than gone: the consumer asks again and counts as running.
func (c *consumer) loop(ctx context.Context, from jetstream.Consumer, stream string, cfg jetstream.ConsumerConfig, take func(context.Context, []jetstream.Msg)) {
	for ctx.Err() == nil {
		err := c.read(ctx, from, take)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			if found, ferr := c.bus.js.Consumer(ctx, stream, cfg.Durable); ferr == nil {
				c.bus.log.Info("consumer asks again", "consumer", c.name)
				from = found
				continue
			}
		}
		c.bus.log.Warn("consumer begins anew", "consumer", c.name, "error", err)
		c.bus.down.Add(1)
		for pause(ctx, time.Second) {
			made, err := c.bus.js.CreateOrUpdateConsumer(ctx, stream, cfg)
			if err == nil {
				from = made
				break
			}
		}
		c.bus.down.Add(-1)
	}
}

func (c *consumer) read(ctx context.Context, from jetstream.Consumer, take func(context.Context, []jetstream.Msg)) error {
	beat := c.bus.set.heartbeat
	it, err := from.Messages(jetstream.PullMaxMessages(max(c.batch, 16)), jetstream.PullExpiry(3*beat), jetstream.PullHeartbeat(beat))
	if err != nil {
		return err
	}
	defer it.Stop()
	for {
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		msgs := []jetstream.Msg{m}
		for len(msgs) < c.batch {
			m, err := it.Next(jetstream.NextMaxWait(factWindow))
			if err != nil {
				break // the next round meets the same fault, if it is one
			}
			msgs = append(msgs, m)
		}
		take(ctx, msgs)
	}
}

// take hands the messages to the handler and answers for each of them.
func (c *consumer) take(ctx context.Context, msgs []jetstream.Msg) {
	var again []jetstream.Msg
	if len(msgs) > 1 {
		// What has failed before is tried by itself.
		fresh := msgs[:0:0]
		for _, m := range msgs {
			if delivered(m) > 1 {
				again = append(again, m)
			} else {
				fresh = append(fresh, m)
			}
		}
		msgs = fresh
	}
	if len(msgs) > 0 {
		c.try(ctx, msgs)
	}
	for _, m := range again {
		c.try(ctx, []jetstream.Msg{m})
	}
}

func (c *consumer) try(ctx context.Context, msgs []jetstream.Msg) {
	err := c.handle(ctx, msgs)
	if err == nil {
		c.ack(ctx, msgs)
		return
	}
	if ctx.Err() != nil { // we are stopping: somebody else's turn, at once
		for _, m := range msgs {
			_ = m.Nak()
		}
		return
	}
	for _, m := range msgs {
		n := delivered(m)
		if n <= len(c.bus.set.retries) && !errors.Is(err, errTooLong) {
			c.bus.log.Warn("event is tried again", "consumer", c.name, "subject", m.Subject(), "try", n, "error", err)
			_ = m.NakWithDelay(c.bus.set.retries[n-1])
			continue
		}
		c.park(ctx, m, n, err)
	}
}

// park sets the event aside and goes on.
func (c *consumer) park(ctx context.Context, m jetstream.Msg, tries int, why error) {
	id := m.Headers().Get(nats.MsgIdHdr)
	err := c.tryParked(ctx) // first, so that it is there when the event is
	if err == nil {
		_, err = c.bus.js.Publish(ctx, parkedSubject+c.name, m.Data(), jetstream.WithMsgID(c.name+"/"+id))
	}
	if err != nil {
		c.bus.log.Warn("event could not be parked", "consumer", c.name, "event", id, "error", err)
		_ = m.NakWithDelay(c.bus.set.retries[len(c.bus.set.retries)-1])
		return
	}
	c.bus.log.Error("event is parked", "consumer", c.name, "event", id, "subject", m.Subject(), "tries", tries, "error", why)
	c.ack(ctx, []jetstream.Msg{m})
}

func (c *consumer) takeParked(ctx context.Context, msgs []jetstream.Msg) {
	m := msgs[0]
	waits := c.bus.set.parked
	if delivered(m) == 1 { // it has just failed
		_ = m.NakWithDelay(waits[0])
		return
	}
	if err := c.handle(ctx, msgs); err != nil {
		n := min(delivered(m)-1, len(waits)-1)
		c.bus.log.Warn("parked event failed again", "consumer", c.name, "event", m.Headers().Get(nats.MsgIdHdr), "error", err)
		_ = m.NakWithDelay(waits[n])
		return
	}
	c.bus.log.Info("parked event is done", "consumer", c.name, "event", m.Headers().Get(nats.MsgIdHdr))
	c.ack(ctx, msgs)
}

// handle runs the handler when it is its turn. Meanwhile the server is told that
// somebody works, and gives the messages to nobody else.
func (c *consumer) handle(ctx context.Context, msgs []jetstream.Msg) (err error) {
	done := make(chan struct{})
	defer close(done)
	go func() {
		tick := time.NewTicker(c.bus.set.ackWait / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				for _, m := range msgs {
					_ = m.InProgress()
				}
			}
		}
	}()
	c.turn.Lock()
	defer c.turn.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, c.bus.set.handle, errTooLong)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			// The stack says where; the panic's value may hold what a log must not.
			c.bus.log.Error("consumer panicked", "consumer", c.name, "stack", string(debug.Stack()))
			err = fmt.Errorf("event: consumer %s panicked with %T", c.name, p)
		}
	}()
	if err = c.do(ctx, msgs); err != nil && errors.Is(context.Cause(ctx), errTooLong) {
		err = fmt.Errorf("%w: %w", errTooLong, err)
	}
	return err
}

// errTooLong: a handler did not do its work within settings.handle.
var errTooLong = errors.New("event: the handler took too long")

// ack answers for messages that are done. The last one waits for the server's
// word, and with it for those before. An answer that is lost brings them back,
// which the handler's idempotence bears.
func (c *consumer) ack(ctx context.Context, msgs []jetstream.Msg) {
	for _, m := range msgs[:len(msgs)-1] {
		_ = m.Ack()
	}
	last := msgs[len(msgs)-1]
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.bus.set.ackWait)
	defer cancel()
	for {
		tctx, tcancel := context.WithTimeout(ctx, time.Second)
		err := last.DoubleAck(tctx)
		tcancel()
		if err == nil || errors.Is(err, jetstream.ErrMsgAlreadyAckd) || !pause(ctx, 100*time.Millisecond) {
			return
		}
	}
}

// delivered is how many times the message has been handed out, from 1.
func delivered(m jetstream.Msg) int {
	meta, err := m.Metadata()
	if err != nil {
		return 1
	}
	return int(max(meta.NumDelivered, 1))
}
