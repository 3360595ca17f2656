package inbox_test

import (
	"context"
	"errors"
	"testing"

	"halsocoach"
	"halsocoach/referral"
	"halsocoach/referral/inbox"
)

// TestAMergeIsUndoneAfterACrashAtAnyStep: the same of the way back.
func TestAMergeIsUndoneAfterACrashAtAnyStep(t *testing.T) {
	n := openNodes(t)
	crash := errors.New("the node has died")
	for step := 1; ; step++ {
		p := n.pair()
		p.ok(p.join())
		writes := 0
		p.hook.before = func(string, string, string) error {
			if writes++; writes >= step {
				return crash
			}
			return nil
		}
		err := p.svc.Part(p.Ctx(), p.People.Maria, p.a, p.merge)
		if err == nil {
			if step < 3 {
				t.Fatal("there were so few writes:", step)
			}
			p.twoNow()
			break
		}
		if m, err := p.other.Merge(p.Ctx(), p.merge); err == nil && m.Undone == nil {
			continue // it had not begun
		}
		p.ok(p.other.CarryBack(p.Ctx(), p.merge))
		p.twoNow()
	}
}

// TestWhatIsCalledBackAsItIsUndoneStaysCalledBack: between the look and the taking out.
func TestWhatIsCalledBackAsItIsUndoneStaysCalledBack(t *testing.T) {
	n := openNodes(t)
	for _, when := range []struct{ when, kind string }{{"after", "merges"}, {"before", "referrals"}} {
		p := n.pair()
		p.ok(p.join())
		id := p.merge
		if when.kind == "referrals" {
			id = p.a
		}
		p.once(when.when, "save", when.kind, id, func() {
			_, err := p.refs.Withdraw(p.Ctx(), p.People.Forening, p.b)
			p.ok(err)
		})
		p.ok(p.svc.Part(p.Ctx(), p.People.Maria, p.a, p.merge))
		p.twoNow()
		if r := p.found(p.b); r.State != referral.Withdrawn || r.Sendings[0].Gone == nil {
			t.Fatalf("%+v", r)
		}
		if r := p.found(p.a); r.State != referral.Received {
			t.Fatalf("%+v", r)
		}
	}
}

// TestAMergeThatIsUndoneInTheMiddleStaysUndone: one node is at it when a coach undoes
// it at another, at each of its writes in turn.
func TestAMergeThatIsUndoneInTheMiddleStaysUndone(t *testing.T) {
	n := openNodes(t)
	for step := 2; ; step++ { // the first one begins it
		p := n.pair()
		writes, undone := 0, false
		p.hook.before = func(string, string, string) error {
			if writes++; writes == step {
				undone = true
				p.ok(p.other.CarryOut(p.Ctx(), p.merge))
				p.ok(p.undo())
			}
			return nil
		}
		err := p.join()
		if !undone {
			p.ok(err)
			break
		}
		if !errors.Is(err, inbox.ErrMeanwhile) {
			t.Fatal("the coach is not told: ", err)
		}
		p.twoNow()
	}
}

// TestWhatIsMendedAfterAMergeIsMendedWhenItIsUndone: the sender writes another phone
// number in between.
func TestWhatIsMendedAfterAMergeIsMendedWhenItIsUndone(t *testing.T) {
	p := openNodes(t).pair()
	p.ok(p.join())
	mend := func(phone string) {
		_, err := p.refs.Reach(p.Ctx(), p.People.Forening, p.b, referral.Contact{Phone: phone})
		p.ok(err)
	}
	mend("036-10 50 01")
	p.once("before", "save", "referrals", p.a, func() { mend("036-10 50 02") }) // as it is taken out
	p.ok(p.svc.Part(p.Ctx(), p.People.Maria, p.a, p.merge))
	p.twoNow()
	if said, err := p.refs.Said(p.Ctx(), p.found(p.b)); err != nil || said[0].Phone != "036-10 50 02" {
		t.Fatalf("%+v, %v", said, err)
	}
}

// leaves does something as somebody is signed out, which is after the first look at
// what they hold.
type leaves struct {
	*logins
	do func()
}

func (l *leaves) EndLogins(ctx context.Context, person string) error {
	if do := l.do; do != nil {
		l.do = nil
		do()
	}
	return l.logins.EndLogins(ctx, person)
}

// TestAMergeIsGivenUpWhenTheOtherIsTakenInMeanwhile: at each moment up to that in which
// it is taken away, by a coach's decision or by something else that is held.
func TestAMergeIsGivenUpWhenTheOtherIsTakenInMeanwhile(t *testing.T) {
	n := openNodes(t)
	out := &leaves{logins: n.out}
	n.svc.Logins = out
	for name, x := range map[string]struct {
		at    func(p pair, do func())
		do    func(p pair)
		fault error
	}{
		"accepted as it begins":    {func(p pair, do func()) { p.once("after", "save", "merges", p.merge, do) }, func(p pair) { p.ok(p.decide(p.b, "accept")) }, inbox.ErrMeanwhile},
		"accepted at sign-out":     {func(p pair, do func()) { out.do = do }, func(p pair) { p.ok(p.decide(p.b, "accept")) }, inbox.ErrMeanwhile},
		"accepted once it is kept": {moments["once it is kept"], func(p pair) { p.ok(p.decide(p.b, "accept")) }, inbox.ErrMeanwhile},
		"both are":                 {moments["once it is kept"], func(p pair) { p.ok(p.decide(p.b, "accept")); p.holders[p.person] = true }, inbox.ErrBothHold},
		"a place as it is moved":   {moments["once it is taken away"], func(p pair) { p.holders[p.absent] = true }, inbox.ErrMeanwhile},
	} {
		t.Run(name, func(t *testing.T) {
			n.T = t
			p := n.pair()
			x.at(p, func() { x.do(p) })
			if err := p.join(); !errors.Is(err, x.fault) {
				t.Fatal(err)
			}
			p.twoNow()
			if name != "a place as it is moved" && p.found(p.b).State != referral.Accepted {
				t.Fatalf("%+v", p.found(p.b))
			}
			if p.found(p.a).State != referral.Received {
				t.Fatalf("%+v", p.found(p.a))
			}
			p.ok(p.other.Heard(p.Ctx(), halsocoach.Event{Type: inbox.EventMerged, Subject: p.merge}))
			p.ok(p.other.Heard(p.Ctx(), halsocoach.Event{Type: referral.EventAccepted, Subject: p.b}))
			p.twoNow()
		})
	}
}

// TestBothTakenInMeanwhileAreLeftAsTheyAre: what can be neither carried out nor undone
// is told, and nothing is moved.
func TestBothTakenInMeanwhileAreLeftAsTheyAre(t *testing.T) {
	p := openNodes(t).pair()
	p.once("before", "save", "referrals", p.a, func() {
		p.holders[p.absent] = true
		p.once("after", "save", "referrals", p.a, func() { p.ok(p.decide(p.a, "accept")) })
	})
	if err := p.join(); !errors.Is(err, inbox.ErrBothHold) {
		t.Fatal(err)
	}
	if a := p.found(p.a); a.State != referral.Accepted || len(a.Sendings) != 2 {
		t.Fatalf("%+v", a)
	}
}

// TestWhatIsForwardedAsAMergeIsGivenUpIsLeftAsItIs: the other holds something, and what
// was joined is forwarded before it is taken out.
func TestWhatIsForwardedAsAMergeIsGivenUpIsLeftAsItIs(t *testing.T) {
	n := openNodes(t)
	n.listen()
	p := n.pair()
	saves := 0
	p.hook.after = func(op, _, id string) error {
		if op == "delete" && id == p.b {
			p.holders[p.absent] = true
		}
		return nil
	}
	p.hook.before = func(op, kind, id string) error {
		if op == "save" && kind == "referrals" && id == p.a {
			if saves++; saves == 2 { // the first joined it
				p.forward(p.a)
			}
		}
		return nil
	}
	if err := p.join(); !errors.Is(err, inbox.ErrBothHold) {
		t.Fatal(err)
	}
	if there := p.there(); there.Person != p.person || len(there.Sendings) != 2 {
		t.Fatalf("%+v", there)
	}
	p.oneNow()
	p.ok(p.other.CarryOut(p.Ctx(), p.merge))
	p.oneNow()
}

// TestAWayBackThatIsNotGoneIsCarriedOnAfterACrash: it has been forwarded in that moment,
// and the node dies at each of its writes in turn.
func TestAWayBackThatIsNotGoneIsCarriedOnAfterACrash(t *testing.T) {
	n := openNodes(t)
	n.listen()
	crash := errors.New("the node has died")
	for step := 2; ; step++ { // the first one notes it
		p := n.pair()
		p.ok(p.join())
		writes := 0
		p.hook.before = func(string, string, string) error {
			if writes++; writes >= step {
				return crash
			}
			return nil
		}
		p.once("after", "save", "merges", p.merge, func() { p.forward(p.a) })
		err := p.svc.Part(p.Ctx(), p.People.Maria, p.a, p.merge)
		p.Eventually("it has come there", func() bool {
			about, err := p.refs.About(p.Ctx(), p.person)
			p.ok(err)
			return len(about) == 2
		})
		p.ok(p.other.Heard(p.Ctx(), halsocoach.Event{Type: inbox.EventUnmerged, Subject: p.merge}))
		p.oneNow()
		if !errors.Is(err, crash) {
			if step < 4 || !errors.Is(err, inbox.ErrSince) {
				t.Fatal(step, err)
			}
			break
		}
	}
}
