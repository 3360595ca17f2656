package referral_test

import (
	"errors"
	"slices"
	"testing"

	"halsocoach"
	"halsocoach/referral"
)

// moves is the table of domain.md section 8 written out by hand: from, act, the
// roles that may, to. What is not here can not happen.
var moves = []struct {
	from referral.State
	act  referral.Act
	by   string // "receiver", "sender", "sender and citizen" or "system"
	to   referral.State
}{
	{referral.Received, referral.Take, "receiver", referral.Taken},
	{referral.Received, referral.Accept, "receiver", referral.Accepted},
	{referral.Received, referral.Decline, "receiver", referral.Declined},
	{referral.Received, referral.Forward, "receiver", referral.Forwarded},
	{referral.Received, referral.Withdraw, "sender and citizen", referral.Withdrawn},
	{referral.Received, referral.Err, "sender", referral.Erred},

	{referral.Taken, referral.Take, "receiver", referral.Taken},
	{referral.Taken, referral.Release, "receiver", referral.Received},
	{referral.Taken, referral.Hold, "receiver", referral.OnHold},
	{referral.Taken, referral.Accept, "receiver", referral.Accepted},
	{referral.Taken, referral.Decline, "receiver", referral.Declined},
	{referral.Taken, referral.Forward, "receiver", referral.Forwarded},
	{referral.Taken, referral.Withdraw, "sender and citizen", referral.Withdrawn},
	{referral.Taken, referral.Err, "sender", referral.Erred},

	{referral.OnHold, referral.Take, "receiver", referral.Taken},
	{referral.OnHold, referral.Release, "receiver", referral.Received},
	{referral.OnHold, referral.Resume, "receiver", referral.Taken},
	{referral.OnHold, referral.Accept, "receiver", referral.Accepted},
	{referral.OnHold, referral.Decline, "receiver", referral.Declined},
	{referral.OnHold, referral.Forward, "receiver", referral.Forwarded},
	{referral.OnHold, referral.Withdraw, "sender and citizen", referral.Withdrawn},
	{referral.OnHold, referral.Err, "sender", referral.Erred},

	{referral.Accepted, referral.Start, "system", referral.Started},
	{referral.Accepted, referral.End, "system", referral.Ended},
	{referral.Accepted, referral.Err, "sender", referral.Erred},

	{referral.Started, referral.End, "system", referral.Ended},
	{referral.Started, referral.Err, "sender", referral.Erred},

	{referral.Declined, referral.Err, "sender", referral.Erred},
	{referral.Ended, referral.Err, "sender", referral.Erred},
}

var parts = map[string][]halsocoach.Role{
	"receiver":           {halsocoach.RoleCoach},
	"sender":             {halsocoach.RoleCareCentre, halsocoach.RoleAssociation},
	"sender and citizen": {halsocoach.RoleCareCentre, halsocoach.RoleAssociation, halsocoach.RoleCitizen},
	"system":             {halsocoach.RoleSystem},
}

// TestOnlyTheseMovesExist walks every state, act and role: what is not in the
// table is refused, as forbidden when the act is another role's and else with
// the words that fit where the recommendation stands.
func TestOnlyTheseMovesExist(t *testing.T) {
	owners := map[referral.Act][]halsocoach.Role{}
	for _, m := range moves {
		owners[m.act] = append(owners[m.act], parts[m.by]...)
	}
	seen := 0
	for _, from := range referral.States {
		for _, act := range referral.Acts {
			for _, by := range append([]halsocoach.Role{halsocoach.RoleSystem, ""}, halsocoach.Roles...) {
				seen++
				got, err := from.After(act, by)
				want, refused := from, error(halsocoach.ErrForbidden)
				if slices.Contains(owners[act], by) {
					refused = whyNot(from)
				}
				for _, m := range moves {
					if m.from == from && m.act == act && slices.Contains(parts[m.by], by) {
						want, refused = m.to, nil
					}
				}
				if got != want || !errors.Is(err, refused) {
					t.Errorf("%s, %s by %q: %s, %v; want %s, %v", from, act, by, got, err, want, refused)
				}
			}
		}
	}
	t.Logf("%d combinations of state, act and role; %d moves", seen, len(moves))
}

// whyNot is what somebody is told whose act does not fit the state.
func whyNot(s referral.State) error {
	switch s {
	case referral.Withdrawn:
		return referral.ErrWithdrawn
	case referral.Erred:
		return referral.ErrErred
	case referral.Received, referral.Taken, referral.OnHold:
		return referral.ErrNotTaken
	}
	return referral.ErrDecided
}

func TestOnlyOneThatIsUndecidedStandsInTheWay(t *testing.T) {
	undecided := []referral.State{referral.Received, referral.Taken, referral.OnHold}
	for _, s := range referral.States {
		if s.Open() != slices.Contains(undecided, s) {
			t.Errorf("%s is open: %v", s, s.Open())
		}
	}
}

func TestEveryStateHasItsTaskStatusAndBusinessStatus(t *testing.T) {
	for _, c := range []struct {
		state  referral.State
		first  referral.FirstTalk
		status string
		code   string
	}{
		{referral.Received, "", "requested", "2.0"},
		{referral.Taken, "", "received", "2.0"},
		{referral.OnHold, "", "on-hold", "2.0"},
		{referral.Accepted, "", "accepted", "3.0"},
		{referral.Declined, "", "rejected", "4.0"},
		{referral.Forwarded, "", "cancelled", "4.0"},
		{referral.Started, "", "in-progress", ""},
		{referral.Started, referral.TalkBooked, "in-progress", "5.1.1"},
		{referral.Started, referral.TalkMissed, "in-progress", "5.1.2"},
		{referral.Started, referral.TalkCancelled, "in-progress", "5.1.3"},
		{referral.Started, referral.TalkHeld, "in-progress", "5.1.4"},
		{referral.Ended, referral.TalkHeld, "completed", "7.0"},
		{referral.Withdrawn, "", "cancelled", ""},
		{referral.Erred, referral.TalkHeld, "entered-in-error", ""},
	} {
		if s, b := c.state.TaskStatus(), c.state.BusinessStatus(c.first); s != c.status || b != c.code {
			t.Errorf("%s, first talk %q: %s %q; want %s %q", c.state, c.first, s, b, c.status, c.code)
		}
	}
}

func TestASenderSeesTheFirstTalkOnlyWhenThePersonHasSaidSo(t *testing.T) {
	for _, first := range referral.FirstTalks {
		if referral.ScopeState.Shows(first) != "" || referral.Scope("").Shows(first) != "" || referral.ScopeTalks.Shows(first) != first {
			t.Errorf("%s is shown to the wrong one", first)
		}
	}
}

func TestASenderMaySetTwoTaskStatuses(t *testing.T) {
	for status, want := range map[string]referral.Act{"cancelled": referral.Withdraw, "entered-in-error": referral.Err, "accepted": "", "draft": "", "": ""} {
		if act, ok := referral.ActOf(status); act != want || ok != (want != "") {
			t.Errorf("%q: %s, %v", status, act, ok)
		}
	}
}
