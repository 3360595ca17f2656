// Package groups is the group activities: the programme, the occasions, their
// places and reserve lists, and who came.
//
// An Activity ("Gågrupp i Sävsjö") fans out into Occasions, one for each date.
// An occasion's document holds its places and its reserve list, so that the
// last place is claimed by one atomic write: occasion.go has the rules, as pure
// functions of the time and the actor. A date is published in steps (hold the
// leader's time, show the activity, write the occasions) that Activity.Pending
// remembers until all are done; what a stop in the middle leaves is finished or
// taken back (Unfinished). The public programme is kept in memory (programme.go),
// fed by nudges between the nodes and read anew every minute.
//
// A citizen is known here by opaque ids, several if they are one person. The name
// is sealed in the booking; whether it or an alias is shown is asked of package
// person when it is shown.
package groups
