// Package record keeps the recommendations. A recommendation is one document: the
// person's opaque id, the centre, the state, and what each sender has said, sealed
// with the person's key. The rooms beside this package act on it: sender, inbox,
// selfreferral, fhir and waiting. They import record and never each other.
//
// Here lie the rules that hold for all rooms. They are pure functions on the
// document: who may move it from which state (state.go), what a sender may see of
// it (SeenBy), whether a coach may open it and see the person (MayOpen,
// ShowsPerson), what may be sent (new.go). Records stores what the rules allow; a
// room decides first whether the one who asks may.
//
// Package citizen makes the enrolment when it hears referral.accepted, and tells
// back when the person has begun and when the work has ended. Protected identity,
// and which ids are one person, are never stored here: package person is asked.
package record
