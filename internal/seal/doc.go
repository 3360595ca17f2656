// Package seal keeps what is personal unreadable without a key: each person
// has a data key of their own, wrapped by an outer key and kept in a store
// apart from the data. Documents hold the person's opaque id and sealed boxes,
// never a number or a hash. To destroy the key is to destroy what it sealed, in
// every document and every backup.
//
// The rule of order: key first, then document. A box opens only for its person
// and purpose. Numbers and the beginnings of name words are found by keyed
// hashes, which lie with the keys. The key store also holds the installation's
// own secrets, wrapped in the same way.
//
// Outer keys are in a file and nowhere else. They are changed while nodes run,
// see Rotation: the key store says which of them wraps.
package seal
