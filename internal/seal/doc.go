// Package seal keeps what is personal unreadable without a key: each person
// has a data key of their own, wrapped by the master key and kept in a store
// apart from the data. Documents hold the person's opaque id and sealed boxes,
// never a number or a hash. To destroy the key is to destroy what it sealed, in
// every document and every backup.
//
// The rule of order: key first, then document. A box opens only for its person
// and purpose. Numbers and the beginnings of name words are found by keyed
// hashes, which lie with the keys.
package seal
