// Package inbox is the coach's side of the recommendation: the list of who waits
// at a centre, who takes care of whom, the attempts to reach people, the decision
// with a first talk booked in the same breath, and the people who turn out to be
// one. Its room is above it: package referral has the document and its rules.
package inbox
