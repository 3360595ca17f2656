// Package ferret is what makes FerretDB on SQLite a stand-in for a MongoDB server,
// for tests and for a look at the program on MongoDB where no server can be
// installed: a relay that lets one command through at a time. So it looks from
// outside as a server does that changes each document as one. The relay also
// refuses what servers differ on: an upsert, an empty sort. It has no replica set,
// scans for what is not asked by _id, and keeps nobody out: it is no place for
// data. FerretDB itself runs in the program in cmd, which the tests build and
// start without the race detector: it is another's, and slow under it.
package ferret
