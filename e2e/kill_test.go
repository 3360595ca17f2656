package e2e

import (
	"math/rand/v2"
	"testing"
	"time"

	"halsocoach/internal/testenv"
)

// TestNothingAcknowledgedIsLostByAKill: everything is in one process, which is
// killed in the middle of what people do, and started again.
func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	f := &fleet{t: t, dir: filled(t, today), nodes: make([]*Demo, 1)}
	f.start(0)
	f.keepsAll(testenv.Count(2, 20), f.at, func(round int, _ *load) {
		f.node(round).Kill()
		f.start(round)
	})
}

// TestAKilledNodeLosesNothing: those who were on it go on with the other.
func TestAKilledNodeLosesNothing(t *testing.T) {
	f := startFleet(t)
	f.keepsAll(testenv.Count(2, 20), f.at, func(round int, l *load) {
		f.node(round).Kill()
		l.more(t, 20)
		f.start(round)
	})
}

// keepsAll has people talk and book by an address while something happens in each
// round. No client may see a fault, and all that was acknowledged must be there.
func (f *fleet) keepsAll(rounds int, at func(i int) string, happens func(round int, l *load)) *load {
	t := f.t
	t.Helper()
	l := f.begin(8, at)
	for round := range rounds {
		l.more(t, 20)
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
		happens(round, l)
	}
	l.more(t, 20)
	messages, places := l.check(t, f)
	l.faults.Range(func(what, _ any) bool { t.Error(what); return true })
	t.Logf("%d rounds: %d messages each with both sides once and in order, %d bookings stand", rounds, messages, places)
	if messages == 0 || places == 0 {
		t.Fatal("the test has tested nothing")
	}
	return l
}
