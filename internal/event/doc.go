// Package event carries what has happened from one part of the service to the
// others. A document and its events are saved together (internal/store); Relay
// publishes them to JetStream and marks them; durable consumers take them up,
// each at least once, in order, and are idempotent by the event's id. Facts go
// beside the events, in a stream of their own that is kept for ever.
//
// NATS runs inside the process ("embedded:DIR", one owner of the folder) or is
// reached by URL, which several nodes need. The outbox in the store is the
// durable copy; nudges go over core NATS and may be lost.
package event
