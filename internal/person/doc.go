// Package person says who is who. It is the one home of two things that must
// never be copied: that a person has protected identity, and that two opaque ids
// are one person. Whoever lists, shows, notifies, counts or exports asks here.
//
// A person has a document only when one of the two has been said. Ids form a
// tree: a joined id points at another with Same, always at one that sorts
// before it, so that no circle can arise. Same is the truth and is one write;
// the other's Joined only says where to look, and is written first. Nothing that
// was written with an id is ever moved: it keeps its id, and whoever reads by
// person asks for all of them (Identity.IDs).
//
// Answers are kept in memory for at most freshFor, and dropped on all nodes by
// a nudge that names nobody.
package person
