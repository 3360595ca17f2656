package record_test

import (
	"errors"
	"slices"
	"testing"

	"halsocoach"
	"halsocoach/referral/record"
)

// moves is the table of domain.md section 8 written out by hand: from, act, the
// roles that may, to. What is not here can not happen.
var moves = []struct {
	from record.State
	act  record.Act
	by   string // "receiver", "sender", "sender and citizen" or "system"
	to   record.State
}{
	{record.Received, record.Take, "receiver", record.Taken},
	{record.Received, record.Accept, "receiver", record.Accepted},
	{record.Received, record.Decline, "receiver", record.Declined},
	{record.Received, record.Forward, "receiver", record.Forwarded},
	{record.Received, record.Withdraw, "sender and citizen", record.Withdrawn},
	{record.Received, record.Err, "sender", record.Erred},

	{record.Taken, record.Take, "receiver", record.Taken},
	{record.Taken, record.Release, "receiver", record.Received},
	{record.Taken, record.Hold, "receiver", record.OnHold},
	{record.Taken, record.Accept, "receiver", record.Accepted},
	{record.Taken, record.Decline, "receiver", record.Declined},
	{record.Taken, record.Forward, "receiver", record.Forwarded},
	{record.Taken, record.Withdraw, "sender and citizen", record.Withdrawn},
	{record.Taken, record.Err, "sender", record.Erred},

	{record.OnHold, record.Take, "receiver", record.Taken},
	{record.OnHold, record.Release, "receiver", record.Received},
	{record.OnHold, record.Resume, "receiver", record.Taken},
	{record.OnHold, record.Accept, "receiver", record.Accepted},
	{record.OnHold, record.Decline, "receiver", record.Declined},
	{record.OnHold, record.Forward, "receiver", record.Forwarded},
	{record.OnHold, record.Withdraw, "sender and citizen", record.Withdrawn},
	{record.OnHold, record.Err, "sender", record.Erred},

	{record.Accepted, record.Start, "system", record.Started},
	{record.Accepted, record.End, "system", record.Ended},
	{record.Accepted, record.Err, "sender", record.Erred},

	{record.Started, record.End, "system", record.Ended},
	{record.Started, record.Err, "sender", record.Erred},

	{record.Declined, record.Err, "sender", record.Erred},
	{record.Ended, record.Err, "sender", record.Erred},
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
	owners := map[record.Act][]halsocoach.Role{}
	for _, m := range moves {
		owners[m.act] = append(owners[m.act], parts[m.by]...)
	}
	seen := 0
	for _, from := range record.States {
		for _, act := range record.Acts {
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
func whyNot(s record.State) error {
	switch s {
	case record.Withdrawn:
		return record.ErrWithdrawn
	case record.Erred:
		return record.ErrErred
	case record.Received, record.Taken, record.OnHold:
		return record.ErrNotTaken
	}
	return record.ErrDecided
}

func TestOnlyOneThatIsUndecidedStandsInTheWay(t *testing.T) {
	undecided := []record.State{record.Received, record.Taken, record.OnHold}
	for _, s := range record.States {
		if s.Open() != slices.Contains(undecided, s) {
			t.Errorf("%s is open: %v", s, s.Open())
		}
	}
}

func TestEveryStateHasItsTaskStatusAndBusinessStatus(t *testing.T) {
	for _, c := range []struct {
		state  record.State
		first  record.FirstTalk
		status string
		code   string
	}{
		{record.Received, "", "requested", "2.0"},
		{record.Taken, "", "received", "2.0"},
		{record.OnHold, "", "on-hold", "2.0"},
		{record.Accepted, "", "accepted", "3.0"},
		{record.Declined, "", "rejected", "4.0"},
		{record.Forwarded, "", "cancelled", "4.0"},
		{record.Started, "", "in-progress", ""},
		{record.Started, record.TalkBooked, "in-progress", "5.1.1"},
		{record.Started, record.TalkMissed, "in-progress", "5.1.2"},
		{record.Started, record.TalkCancelled, "in-progress", "5.1.3"},
		{record.Started, record.TalkHeld, "in-progress", "5.1.4"},
		{record.Ended, record.TalkHeld, "completed", "7.0"},
		{record.Withdrawn, "", "cancelled", ""},
		{record.Erred, record.TalkHeld, "entered-in-error", ""},
	} {
		if s, b := c.state.TaskStatus(), c.state.BusinessStatus(c.first); s != c.status || b != c.code {
			t.Errorf("%s, first talk %q: %s %q; want %s %q", c.state, c.first, s, b, c.status, c.code)
		}
	}
}

func TestASenderSeesTheFirstTalkOnlyWhenThePersonHasSaidSo(t *testing.T) {
	for _, first := range record.FirstTalks {
		if record.ScopeState.Shows(first) != "" || record.Scope("").Shows(first) != "" || record.ScopeTalks.Shows(first) != first {
			t.Errorf("%s is shown to the wrong one", first)
		}
	}
}

func TestASenderMaySetTwoTaskStatuses(t *testing.T) {
	for status, want := range map[string]record.Act{"cancelled": record.Withdraw, "entered-in-error": record.Err, "accepted": "", "draft": "", "": ""} {
		if act, ok := record.ActOf(status); act != want || ok != (want != "") {
			t.Errorf("%q: %s, %v", status, act, ok)
		}
	}
}
