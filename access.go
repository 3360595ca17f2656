package halsocoach

import "context"

// Act is what staff did with what is known of a person, as the access log keeps
// it. Each has a sentence that the person reads.
type Act string

// The acts of the access log.
const (
	ActRecommend       Act = "recommend"
	ActReadSent        Act = "read own referrals" // a sender's own
	ActMendContact     Act = "mend contact"
	ActWithdraw        Act = "withdraw referral"
	ActEnteredInError  Act = "referral entered in error"
	ActWithdrawConsent Act = "consent taken back"

	ActReadInbox        Act = "read inbox"
	ActReadReferral     Act = "read referral"
	ActTakeReferral     Act = "take referral"
	ActReleaseReferral  Act = "release referral"
	ActHoldReferral     Act = "hold referral"
	ActResumeReferral   Act = "resume referral"
	ActNoteAttempt      Act = "note attempt"
	ActCompleteReferral Act = "complete referral"
	ActDecideReferral   Act = "decide referral"
	ActReadMatches      Act = "read matches"

	ActJoinPersons     Act = "join persons"
	ActPartPersons     Act = "part persons"
	ActProtectPerson   Act = "protect person"
	ActUnprotectPerson Act = "unprotect person"

	ActReadCaseload  Act = "read caseload"
	ActSearch        Act = "search" // among the people of a centre
	ActReadEnrolment Act = "read enrolment"
	ActRevealContact Act = "reveal contact"
	ActEndEnrolment  Act = "end enrolment"

	ActReadDesk     Act = "read desk"
	ActReadCalendar Act = "read calendar"
	ActReadTalks    Act = "read talks"
	ActBookTalk     Act = "book talk"
	ActMoveTalk     Act = "move talk"
	ActCancelTalk   Act = "cancel talk"
	ActMarkTalk     Act = "mark talk"

	ActReadChats  Act = "read list of chats"
	ActReadChat   Act = "read chat"
	ActFollowChat Act = "followed chat"
	ActWriteChat  Act = "wrote in chat"

	ActReadParticipants Act = "read participants"
	ActNoteAttendance   Act = "note attendance"
	ActGiveReservePlace Act = "give reserve place"
	ActCallOffOccasion  Act = "call off occasion"
)

// Acts are all of them, in the order above.
var Acts = []Act{
	ActRecommend, ActReadSent, ActMendContact, ActWithdraw, ActEnteredInError, ActWithdrawConsent,
	ActReadInbox, ActReadReferral, ActTakeReferral, ActReleaseReferral, ActHoldReferral, ActResumeReferral,
	ActNoteAttempt, ActCompleteReferral, ActDecideReferral, ActReadMatches,
	ActJoinPersons, ActPartPersons, ActProtectPerson, ActUnprotectPerson,
	ActReadCaseload, ActSearch, ActReadEnrolment, ActRevealContact, ActEndEnrolment,
	ActReadDesk, ActReadCalendar, ActReadTalks, ActBookTalk, ActMoveTalk, ActCancelTalk, ActMarkTalk,
	ActReadChats, ActReadChat, ActFollowChat, ActWriteChat,
	ActReadParticipants, ActNoteAttendance, ActGiveReservePlace, ActCallOffOccasion,
}

// AccessLog keeps who saw what about whom. Every read and write of a person's
// data by staff saves one row before the answer leaves; a list saves one row
// with the ids it showed. Citizens who read their own data are not logged.
type AccessLog interface {
	// Saw records that who did act on the persons, by their opaque ids, and why
	// ("inkorg", "akut", …).
	Saw(ctx context.Context, who Actor, act Act, why string, persons ...string) error
}
