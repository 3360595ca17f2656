// Package sqlite keeps the promises of package store in one SQLite file.
//
// Each kind has a table of documents, and each of its indexes a table of its
// own whose primary key is the indexed values and the id. A document's row also
// holds its index entries as they were written, so that a save compares them
// without reading the old body. Events wait in the outbox, in the same
// transaction as the document.
//
// All writes of a process go through one goroutine (writer.go) that takes what
// is queued, at most 256, into one commit and never waits for more: while it
// commits, the next group gathers. SQLite syncs the commit (synchronous=FULL)
// before any connection or process can read it. Reads go to a pool of read-only
// connections. Several processes may open the file; what they must agree on lies
// in it.
package sqlite
