// Package signing holds the keys that sign session tokens. They lie in the key
// store as secrets of the installation, so that all nodes on all machines have
// the same.
//
// A rotation signs nobody out: a new key is there for some minutes before it
// signs, and those before it verify until the last session that they may have
// signed is over; then a node removes them. Nodes read the keys every few
// seconds, so that a key that is revoked is refused everywhere at once.
package signing
