package record

import (
	"slices"

	"halsocoach"
)

// State is where a recommendation stands. The values are the service's own words
// and go over the wire. What is being written and has not been sent is no state:
// it is not stored.
type State string

// The states.
const (
	Received  State = "mottagen"   // nobody at the centre has taken it yet
	Taken     State = "tagen"      // a coach has taken it and is to decide
	OnHold    State = "vilande"    // taken, and waits because the person asked for it
	Accepted  State = "antagen"    // the person is taken in
	Declined  State = "avvisad"    // with a reason class
	Forwarded State = "vidaresänd" // closed here, and a new one at another centre
	Started   State = "påbörjad"   // a first talk has been booked
	Ended     State = "avslutad"   // with a class of end
	Withdrawn State = "återkallad" // by the one who sent it or by the person, before it was decided
	Erred     State = "felaktig"   // sent by mistake, says the one who sent it
)

// States in the order of a recommendation's life.
var States = []State{Received, Taken, OnHold, Accepted, Declined, Forwarded, Started, Ended, Withdrawn, Erred}

// Act is what moves a recommendation on.
type Act string

// The acts. Accept, Decline and Forward are a coach's decisions, and their values
// go over the wire; Start and End follow from what happens to the enrolment.
const (
	Take     Act = "take" // also when a colleague hands it over to another
	Release  Act = "release"
	Hold     Act = "hold"
	Resume   Act = "resume"
	Accept   Act = "accept"
	Decline  Act = "decline"
	Forward  Act = "forward"
	Start    Act = "start"
	End      Act = "end"
	Withdraw Act = "withdraw"
	Err      Act = "err"
)

// Acts in order.
var Acts = []Act{Take, Release, Hold, Resume, Accept, Decline, Forward, Start, End, Withdraw, Err}

// Decisions are the acts of a coach that settle a recommendation.
var Decisions = []Act{Accept, Decline, Forward}

// Senders may recommend, and call back what they have sent.
var Senders = []halsocoach.Role{halsocoach.RoleCareCentre, halsocoach.RoleAssociation}

// Who may do what. The sender of an own contact is the citizen; what the sender
// calls back, the person whom it is about may call back too.
var (
	receiver = []halsocoach.Role{halsocoach.RoleCoach}
	senderMe = []halsocoach.Role{halsocoach.RoleCareCentre, halsocoach.RoleAssociation, halsocoach.RoleCitizen}
	system   = []halsocoach.Role{halsocoach.RoleSystem}
)

var doneBy = map[Act][]halsocoach.Role{
	Take: receiver, Release: receiver, Hold: receiver, Resume: receiver, Accept: receiver, Decline: receiver, Forward: receiver,
	Start: system, End: system, Withdraw: senderMe, Err: Senders,
}

// moves is the whole state machine: from a state an act leads to another state.
// What is not in it can not happen.
var moves = map[State]map[Act]State{
	Received: {Take: Taken, Accept: Accepted, Decline: Declined, Forward: Forwarded, Withdraw: Withdrawn, Err: Erred},
	Taken: {Take: Taken, Release: Received, Hold: OnHold, Accept: Accepted, Decline: Declined, Forward: Forwarded,
		Withdraw: Withdrawn, Err: Erred},
	OnHold: {Take: Taken, Release: Received, Resume: Taken, Accept: Accepted, Decline: Declined, Forward: Forwarded,
		Withdraw: Withdrawn, Err: Erred},
	Accepted: {Start: Started, End: Ended, Err: Erred},
	Started:  {End: Ended, Err: Erred},
	Declined: {Err: Erred},
	Ended:    {Err: Erred},
}

// The faults of a move.
var (
	// ErrDecided says that somebody has decided already. The service answers with
	// its like that names who.
	ErrDecided   = halsocoach.Conflict("decided", "Rekommendationen är redan avgjord.")
	ErrWithdrawn = halsocoach.Conflict("withdrawn", "Rekommendationen är återkallad.")
	ErrErred     = halsocoach.Conflict("entered_in_error", "Rekommendationen skickades av misstag och gäller inte.")
	ErrNotTaken  = halsocoach.Conflict("not_taken", "Ingen har tagit hand om rekommendationen än.")
)

// After is the state that act by role leads to: ErrForbidden when the act is
// another role's, else the fault that says why it can not be done from here.
func (s State) After(act Act, by halsocoach.Role) (State, error) {
	if !slices.Contains(doneBy[act], by) {
		return s, halsocoach.ErrForbidden
	}
	if next, ok := moves[s][act]; ok {
		return next, nil
	}
	switch {
	case s == Withdrawn:
		return s, ErrWithdrawn
	case s == Erred:
		return s, ErrErred
	case s.Open():
		return s, ErrNotTaken
	}
	return s, ErrDecided
}

// Open says whether a coach is still to decide. Only then does the
// recommendation stand in the way of another about the same person at the same
// centre: that one joins it.
func (s State) Open() bool { return s == Received || s == Taken || s == OnHold }

// TakenIn says whether the person was accepted, whatever came after.
func (s State) TakenIn() bool { return s == Accepted || s == Started || s == Ended }

// Known says whether s is one of States.
func (s State) Known() bool { return slices.Contains(States, s) }

// FirstTalk is how it stands with the first talk of a person who was taken in.
type FirstTalk string

// The values; "" is that none has been booked.
const (
	TalkBooked    FirstTalk = "bokat"
	TalkMissed    FirstTalk = "uteblev"
	TalkCancelled FirstTalk = "avbokat"
	TalkHeld      FirstTalk = "hållet"
)

// FirstTalks in the order of business statuses.
var FirstTalks = []FirstTalk{TalkBooked, TalkMissed, TalkCancelled, TalkHeld}

// TaskStatus is the state as FHIR R4 Task.status says it. One that was forwarded, with
// a new one at the other centre, is cancelled.
func (s State) TaskStatus() string { return taskStatuses[s] }

var taskStatuses = map[State]string{
	Received: "requested", Taken: "received", OnHold: "on-hold", Accepted: "accepted", Declined: "rejected", Started: "in-progress",
	Ended: "completed", Erred: "entered-in-error", Forwarded: "cancelled", Withdrawn: "cancelled",
}

// BusinessStatus is the state and the first talk as Task.businessStatus codes
// them, "" where the table has no code. Give first as the reader may see it: by
// Scope.Shows.
func (s State) BusinessStatus(first FirstTalk) string {
	if s == Started {
		return talkCodes[first]
	}
	return stateCodes[s]
}

var (
	stateCodes = map[State]string{Received: "2.0", Taken: "2.0", OnHold: "2.0", Accepted: "3.0", Declined: "4.0", Forwarded: "4.0", Ended: "7.0"}
	talkCodes  = map[FirstTalk]string{TalkBooked: "5.1.1", TalkMissed: "5.1.2", TalkCancelled: "5.1.3", TalkHeld: "5.1.4"}
)

// ActOf is the act that a sender who sets Task.status asks for.
func ActOf(taskStatus string) (Act, bool) {
	switch taskStatus {
	case "cancelled":
		return Withdraw, true
	case "entered-in-error":
		return Err, true
	}
	return "", false
}

// Scope is what the person has let the one who recommended see afterwards.
type Scope string

// The scopes. The values go over the wire.
const (
	ScopeState Scope = "state" // the state, with the classes of decline and end
	ScopeTalks Scope = "talks" // also how it stands with the first talk
)

// Scopes, the narrowest first: it is what holds when nobody has chosen.
var Scopes = []Scope{ScopeState, ScopeTalks}

// Known says whether s is one of Scopes.
func (s Scope) Known() bool { return slices.Contains(Scopes, s) }

// Shows is the first talk as one with this scope may see it.
func (s Scope) Shows(first FirstTalk) FirstTalk {
	if s == ScopeTalks {
		return first
	}
	return ""
}

// Reason is the class of why a recommendation was declined. The sender sees the
// class and no more.
type Reason string

// The reason classes. The values go over the wire.
const (
	Full           Reason = "full"
	NotTargetGroup Reason = "not_target_group"
	NoContact      Reason = "no_contact"
	NotWanted      Reason = "not_wanted"
	Other          Reason = "other"
)

// Reasons in the order in which a coach chooses among them.
var Reasons = []Reason{NoContact, NotWanted, NotTargetGroup, Full, Other}

// Known says whether r is one of Reasons.
func (r Reason) Known() bool { return slices.Contains(Reasons, r) }
