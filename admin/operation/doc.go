// Package operation is the operator's page: whether what the program stands on
// answers (store, keys, events), how many events wait or have been put aside,
// and which build runs since when. It holds nothing about any person, keeps no
// documents, and asks through small interfaces that cmd hands in; it shows no
// inner words of a fault, which are in the log. Figures over time are /metrics,
// on the operations address.
package operation
