// Package citizen is the invånare: the enrolment that is made when a coach has
// accepted a recommendation, the start page Min hälsa, and the person's own goals
// with their check-ins.
//
// An enrolment belongs to one person and one centre; a person has at most one
// open at a centre, which a unique field holds. It carries the person's coming
// talks, so that nobody gets two first talks or two things at one time: package
// coach claims a talk here before it takes the time in a coach's day. Name and
// contact are sealed with the person's key. A person with protected identity is
// opened by the named coach only, is called by an alias in lists, and their
// contact is shown for a reason that is logged.
//
// Goals are the person's own. The coach of the enrolment may read them, which is
// logged; nobody but the person writes them.
package citizen
