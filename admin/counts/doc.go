// Package counts is what the region and the kommuner steer by: how much was
// done, where, when and for whom, without anybody being seen in it.
//
// Facts (nameless, from the event stream) are folded into one document per
// kommun and day, with the ids already folded beside the counters, so that a
// fact which comes twice, late or out of order changes nothing. A month is the
// sum of its days. What is published is a fixed list of tables, and numbers
// leave the store only through the rules in suppress.go, which hide what is too
// small and what would give it away. Everything can be rebuilt from the facts.
package counts
