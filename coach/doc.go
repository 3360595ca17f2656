// Package coach is the coach's desk: hours open for talks, the calendar, the
// talks themselves, and the list of what was promised and is due.
//
// A coach's day is one document (Day, id coach/date) that holds the day's talks
// and the spans of groups the coach leads, so that two things can never take
// the same time. Open hours come from the coach's weekly pattern in force that
// day (Weeks), unless the coach has decided other hours for the day alone. Free
// times are computed from both (Day.Free); nothing is stored for them.
//
// A booking claims the person's enrolment first, so that one person never gets
// two first talks or two things at one time, and then the day. An operation
// (operation.go) says that this goes on, so that what a crash left is finished:
// the day is the truth, and the enrolment is made to agree with it.
//
// Other packages hold and free group spans (HoldSpan, FreeSpan) and ask what is
// coming (Coming, ComingOf).
package coach
