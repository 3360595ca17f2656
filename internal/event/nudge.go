package event

import (
	"fmt"

	"github.com/nats-io/nats.go"
)

// nudgeQueue is how many nudges may wait to be written; more are dropped.
const nudgeQueue = 4096

// Nudge tells whoever listens on the topic ("conversation.<id>") that
// something is new in the store. It may be lost and never blocks; a nudge is
// never the only carrier of anything.
func (b *Bus) Nudge(topic string, body []byte) {
	select {
	case b.nudges <- &nats.Msg{Subject: nudgeSubject + tokens(topic), Data: body}:
	default:
	}
}

func (b *Bus) sendNudges() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case m := <-b.nudges:
			// Without a connection the nudge is lost, as the contract allows.
			_ = b.nc.PublishMsg(m)
		}
	}
}

// OnNudge runs do for every nudge on the topic, this process's own included,
// one at a time, until stop. do must be quick.
func (b *Bus) OnNudge(topic string, do func(body []byte)) (stop func(), err error) {
	if b.ctx.Err() != nil {
		return nil, ErrClosed
	}
	sub, err := b.nc.Subscribe(nudgeSubject+tokens(topic), func(m *nats.Msg) { do(m.Data) })
	if err != nil {
		return nil, fmt.Errorf("event: listen on %s: %w", topic, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil
}
