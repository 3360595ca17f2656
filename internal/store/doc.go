// Package store is the port to the database: documents of named kinds, each
// saved together with the events it caused, found by declared indexes. Two
// adapters keep its promises, store/sqlite (default) and store/mongo; storetest
// holds one named test for each promise.
//
// A contested thing lives in one document, or is claimed by one insert with a
// unique key; there are no transactions over several documents. Use the typed
// Collection; only adapters and tests touch Store directly.
package store
