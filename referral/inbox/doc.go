// Package inbox is the coach's side of the recommendation: the list of who waits at
// a centre, who takes care of whom, the attempts to reach people, the decision with a
// first talk booked in the same breath, and the people who turn out to be one.
//
// Recommendations that stand together, since their ids are one person, are one item
// here and are acted on together (record/together.go).
package inbox
