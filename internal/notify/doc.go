// Package notify tells people outside the service that something has changed:
// by e-mail, in words that say neither what nor about whom nor where, only that
// it is time to sign in. Nobody gets anything who has not chosen it on their own
// page, and nobody with protected identity gets anything at all.
//
// A notice is a document, made by what has happened under an id that the cause
// gives, so that an event that comes again makes no second one. Sending is
// background work of one node at a time: a notice is claimed before it is sent
// and marked when it is, so that a node that dies in between costs at most a
// repeat, which has the same Message-ID. What can not be sent is tried again
// after growing waits, and given up after some days with a line in the log and a
// row for the operator. Addresses are sealed, and opened for the sending alone.
package notify
