// Package referral is the recommendation: from the one at a vårdcentral or in an
// association who recommends a person to a Hälsocenter, to the coach's decision
// and on to its end.
//
// A recommendation is one document. Each sender's own words lie in it as a
// sending, sealed with the person's key; a second sender about the same person
// joins the one that waits and sees only what is theirs. The states and who may
// move them are pure rules in state.go. What was decided is kept in the document,
// so that of many coaches who decide at once one wins and the others are told
// who. What each sender may see of it is one function, Referral.SeenBy. Package
// citizen makes the enrolment when it hears referral.accepted, and tells back
// when the person has begun and when the work has ended. Room own holds the pages
// of people who come on their own.
package referral
