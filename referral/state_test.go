package referral_test

import (
	"errors"
	"testing"

	"halsocoach"
	"halsocoach/referral"
)

// TestOnlyTheseMovesExist walks every state, act and role: what is not in the
// table is refused, as forbidden when the act is another role's and as decided
// when the state is not the right one.
func TestOnlyTheseMovesExist(t *testing.T) {
	type move struct {
		from referral.State
		act  referral.Act
		by   halsocoach.Role
	}
	coach, system := halsocoach.RoleCoach, halsocoach.RoleSystem
	allowed := map[move]referral.State{
		{referral.Received, referral.Accept, coach}:  referral.Accepted,
		{referral.Received, referral.Decline, coach}: referral.Declined,
		{referral.Received, referral.Forward, coach}: referral.Forwarded,
		{referral.Accepted, referral.Start, system}:  referral.Started,
		{referral.Accepted, referral.End, system}:    referral.Ended,
		{referral.Started, referral.End, system}:     referral.Ended,
	}
	owner := map[referral.Act]halsocoach.Role{
		referral.Accept: coach, referral.Decline: coach, referral.Forward: coach, referral.Start: system, referral.End: system,
	}
	for _, from := range referral.States {
		for _, act := range referral.Acts {
			for _, by := range append([]halsocoach.Role{system}, halsocoach.Roles...) {
				got, err := from.After(act, by)
				want, ok := allowed[move{from, act, by}]
				switch {
				case ok && (err != nil || got != want):
					t.Errorf("%s, %s by %s: %s, %v; want %s", from, act, by, got, err, want)
				case !ok && owner[act] != by && !errors.Is(err, halsocoach.ErrForbidden):
					t.Errorf("%s, %s by %s: %v; want forbidden", from, act, by, err)
				case !ok && owner[act] == by && !errors.Is(err, referral.ErrDecided):
					t.Errorf("%s, %s by %s: %v; want decided", from, act, by, err)
				case !ok && got != from:
					t.Errorf("%s, %s by %s moved to %s", from, act, by, got)
				}
			}
		}
	}
}

func TestOnlyOneThatWaitsStandsInTheWay(t *testing.T) {
	for _, s := range referral.States {
		if s.Open() != (s == referral.Received) {
			t.Errorf("%s is open: %v", s, s.Open())
		}
	}
}
