// Package testenv gives tests what the program runs on: a real store on disk, a
// real key store, a real NATS server in process with its relay, a clock that can
// be moved, and people. Only _test.go files import it.
//
// Counts are short by default and as the hard suite wants them when
// HALSOCOACH_HARD=1: use Count.
package testenv
