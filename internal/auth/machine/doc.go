// Package machine lets other systems sign in: the journal system of a care
// centre, by SMART Backend Services. A kommun's administrator or the region
// registers a client for a care centre with its public keys; the client signs an
// assertion with its own key, and gets a token for five minutes in its place.
//
// The clients of a care centre act as one account, so that a new client goes on
// where the one before it ended. What is seen by a token is decided by its scope
// and by the services.
package machine
