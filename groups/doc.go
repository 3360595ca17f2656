// Package groups is the group activities: the programme, the occasions, their
// places and reserve lists, and who came.
//
// An Activity ("Gågrupp i Sävsjö") fans out into Occasions, one for each date.
// An occasion's document holds its places and its reserve list, so that the
// last place is claimed by one atomic write: occasion.go has the rules, as pure
// functions of the time and the actor. A date is published in steps (hold the
// leader's time, show the activity, write the occasions) that Activity.Pending
// remembers until all are done; the sweep in events.go finishes or takes back
// what a stop in the middle left. The public programme is kept in memory
// (programme.go), fed by this package's own events.
//
// A citizen is known here by an opaque id. The name is sealed in the booking;
// a person with protected identity has an alias instead.
package groups
