// Package mongo keeps the promises of package store in a MongoDB database that
// any number of nodes share.
//
// Each kind is a collection. A document is {_id, v, body, ix, ev, q, gone}: its
// version, its JSON bytes, the fields of its indexes (one subdocument per index
// that it is in), the batches of events that wait for a relay, its place in the
// queue for one, and whether it has been deleted. A save is one update of one
// document, so there are no transactions and a collection may be sharded by _id.
// A deleted document stays, without body and index fields, until its events have
// been relayed.
//
// Writes are acknowledged by a majority and its journals; events are only handed
// out once a majority holds them. A write whose answer is lost is repeated here
// and not by the driver, and done once (retry, insist). What goes wrong at the
// server becomes halsocoach.ErrBusy for the caller and one line in the log when it
// begins and one when it is over (health.go).
package mongo
