package referral

import (
	"slices"

	"halsocoach"
)

// State is where a recommendation stands. The values are the service's own words
// and go over the wire.
type State string

// The states, with the FHIR Task.status each is shown as.
const (
	Received  State = "mottagen"   // requested: a coach is to decide
	Accepted  State = "antagen"    // accepted
	Declined  State = "avvisad"    // rejected, with a reason class
	Forwarded State = "vidaresänd" // cancelled here, and a new one at another centre
	Started   State = "påbörjad"   // in-progress: a first talk is booked or held
	Ended     State = "avslutad"   // completed
)

// States in the order of a recommendation's life.
var States = []State{Received, Accepted, Declined, Forwarded, Started, Ended}

// Act is what moves a recommendation on.
type Act string

// The acts. The first three are a coach's decisions, and their values go over
// the wire; the others follow from what happens to the enrolment.
const (
	Accept  Act = "accept"
	Decline Act = "decline"
	Forward Act = "forward"
	Start   Act = "start"
	End     Act = "end"
)

// Acts in order.
var Acts = []Act{Accept, Decline, Forward, Start, End}

// Decisions are the acts of a coach.
var Decisions = []Act{Accept, Decline, Forward}

// moves is the whole state machine: from a state, an act by a role leads to
// another state. What is not in it can not happen.
var moves = map[State]map[Act]struct {
	by halsocoach.Role
	to State
}{
	Received: {
		Accept:  {halsocoach.RoleCoach, Accepted},
		Decline: {halsocoach.RoleCoach, Declined},
		Forward: {halsocoach.RoleCoach, Forwarded},
	},
	Accepted: {
		Start: {halsocoach.RoleSystem, Started},
		End:   {halsocoach.RoleSystem, Ended},
	},
	Started: {
		End: {halsocoach.RoleSystem, Ended},
	},
}

// After is the state that act by role leads to. ErrDecided says that the
// recommendation has left the state in which act can be done, or has not come to
// it; ErrForbidden that the act is another role's.
func (s State) After(act Act, by halsocoach.Role) (State, error) {
	if !act.of(by) {
		return s, halsocoach.ErrForbidden
	}
	move, ok := moves[s][act]
	if !ok {
		return s, ErrDecided
	}
	return move.to, nil
}

// of says whether act is one of the role's at all.
func (a Act) of(role halsocoach.Role) bool {
	for _, acts := range moves {
		if m, ok := acts[a]; ok && m.by == role {
			return true
		}
	}
	return false
}

// Open says whether a coach is still to decide. Only then does the
// recommendation stand in the way of another about the same person at the same
// centre: that one joins it.
func (s State) Open() bool { return s == Received }

// TakenIn says whether the person was accepted, whatever came after.
func (s State) TakenIn() bool { return s == Accepted || s == Started || s == Ended }

// Known says whether s is one of States.
func (s State) Known() bool { return slices.Contains(States, s) }

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
