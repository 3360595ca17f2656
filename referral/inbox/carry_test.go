package inbox_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/referral"
	"halsocoach/referral/inbox"
)

// The moments of a merge at which others do something.
var moments = map[string]func(p pair, do func()){
	"as it begins": func(p pair, do func()) { p.once("after", "save", "merges", p.merge, do) },
	"as it is kept": func(p pair, do func()) {
		saves := 0
		p.hook.before = func(_, kind, _ string) error {
			if kind == "merges" {
				if saves++; saves == 2 { // the first began it
					do()
				}
			}
			return nil
		}
	},
	"once it is kept":              func(p pair, do func()) { p.once("before", "delete", "referrals", p.b, do) },
	"once it is taken away":        func(p pair, do func()) { p.once("after", "delete", "referrals", p.b, do) },
	"as it is handed over":         func(p pair, do func()) { p.once("before", "save", "referrals", p.a, do) },
	"once it has been handed over": func(p pair, do func()) { p.once("after", "save", "referrals", p.a, do) },
}

// TestWhatIsSaidInTheMomentOfAMergeIsNotLost: somebody does something at each of the
// moments. What is acknowledged is there afterwards, and what could not be done is
// answered so.
func TestWhatIsSaidInTheMomentOfAMergeIsNotLost(t *testing.T) {
	n := openNodes(t)
	me := func(p pair) halsocoach.Actor { return halsocoach.Actor{ID: p.absent, Role: halsocoach.RoleCitizen} }
	for name, x := range map[string]struct {
		do  func(p pair) error
		see func(p pair)
	}{
		"the sender calls it back": {
			func(p pair) error { _, err := p.refs.Withdraw(p.Ctx(), p.People.Forening, p.b); return err },
			func(p pair) {
				if x := p.sending(p.b); x.Gone == nil || x.Gone.How != referral.Withdraw {
					p.T.Fatalf("%+v", x)
				}
			}},
		"the consent is taken back": {
			func(p pair) error { _, err := p.refs.ConsentBack(p.Ctx(), p.People.Forening, p.b); return err },
			func(p pair) {
				if x := p.sending(p.b); x.Gone == nil || x.Consent.Back == nil {
					p.T.Fatalf("%+v", x)
				}
			}},
		"the person calls it back": {
			func(p pair) error { return p.refs.WithdrawMine(p.Ctx(), me(p), p.b) },
			func(p pair) {
				if x := p.sending(p.b); x.Gone == nil || x.Gone.By != p.person {
					p.T.Fatalf("%+v", x.Gone)
				}
			}},
		"the person gets in touch": {
			func(p pair) error {
				w := nameless("Elsa Berg")
				_, _, err := p.refs.Contact(p.Ctx(), me(p), key("c"), w)
				return err
			},
			func(p pair) {
				id := key("c").ID(me(p), "referrals")
				if r := p.found(id); r.Person != p.person || !r.State.Open() || p.sending(id).Sender != p.person {
					p.T.Fatalf("%+v", r)
				}
			}},
		"a coach tries to reach the person": {
			func(p pair) error {
				_, err := p.other.Note(p.Ctx(), colleague(1), key("n"), p.b, inbox.Reach{How: "sms", Went: "reached", Note: "Svarade"})
				return err
			},
			func(p pair) {
				r := p.found(p.b)
				v, err := p.other.Open(p.Ctx(), p.People.Maria, r.ID)
				if err != nil || len(v.Tries) != 1 || v.Tries[0].Text != "Svarade" || r.Taken == nil || r.Taken.By != "coach-1" {
					p.T.Fatalf("%+v, %v", r, err)
				}
			}},
		"a coach takes it": {
			func(p pair) error {
				return p.other.TakeCare(p.Ctx(), colleague(1), p.b, inbox.Care{Act: referral.Take})
			},
			func(p pair) {
				if r := p.found(p.b); r.Taken == nil || r.Taken.By != "coach-1" || r.State != referral.Taken {
					p.T.Fatalf("%+v", r)
				}
			}},
		"a coach declines the one that goes": {
			func(p pair) error { return p.decide(p.b, "decline") },
			func(p pair) {
				if r := p.found(p.b); r.State != referral.Declined {
					p.T.Fatalf("%+v", r)
				}
			}},
		"a coach declines the one that stays": {
			func(p pair) error { return p.decide(p.a, "decline") },
			func(p pair) {
				if r := p.found(p.a); r.State != referral.Declined {
					p.T.Fatalf("%+v", r)
				}
			}},
		"a coach accepts the one that stays": {
			func(p pair) error { return p.decide(p.a, "accept") },
			func(p pair) {
				if r := p.found(p.a); r.State != referral.Accepted {
					p.T.Fatalf("%+v", r)
				}
			}},
		"another node does the same": {
			func(p pair) error { return p.other.CarryOut(p.Ctx(), p.merge) },
			func(pair) {}},
	} {
		for moment, at := range moments {
			t.Run(name+" "+moment, func(t *testing.T) {
				n.T = t
				p := n.pair()
				var done, told bool
				at(p, func() {
					told = true
					switch err := x.do(p); {
					case err == nil:
						done = true
					case halsocoach.KindOf(err) != halsocoach.KindNotFound && halsocoach.KindOf(err) != halsocoach.KindConflict:
						t.Error(err)
					}
				})
				if err := p.join(); err != nil {
					t.Fatal(err)
				}
				about, err := p.refs.About(p.Ctx(), p.absent) // what came last is heard of
				p.ok(err)
				for _, r := range about {
					p.ok(p.other.Heard(p.Ctx(), halsocoach.Event{Type: referral.EventReceived, Subject: r.ID}))
				}
				p.oneNow()
				if done {
					x.see(p)
				}
				if !told && moment != "as it is handed over" && moment != "once it has been handed over" {
					t.Error("it was not done in the middle")
				}
			})
		}
	}
}

func (p pair) decide(id, decision string) error {
	_, _, err := p.refs.Decide(p.Ctx(), p.People.Maria, key("d"), id, referral.Ruling{Decision: decision, Reason: "full"})
	return err
}

// TestWhatIsDecidedMeanwhileIsNotJoined: what was taken away comes back as one of the
// staying one's own, which can be worked on, and undone.
func TestWhatIsDecidedMeanwhileIsNotJoined(t *testing.T) {
	p := openNodes(t).pair()
	p.once("after", "delete", "referrals", p.b, func() { p.ok(p.decide(p.a, "decline")) })
	id, err := p.svc.Join(p.Ctx(), p.People.Maria, p.b, p.a)
	p.ok(err)
	p.oneNow()
	r := p.found(p.b)
	if r.ID != id || r.State != referral.Received || len(r.Sendings) != 1 || !slices.Equal(p.list(p.People.Maria, referral.Asked{}), []string{id}) {
		t.Fatalf("%s: %+v", id, r)
	}
	sent, err := p.refs.SentOne(p.Ctx(), p.People.Forening, p.b)
	if err != nil || sent.State != referral.Received {
		t.Fatalf("%+v, %v", sent, err)
	}
	p.ok(p.undo())
	p.twoNow()
}

// TestAMergeIsCarriedOnAfterACrashAtAnyStep: the node dies at each of its writes in
// turn, before it is done or just after; another carries on.
func TestAMergeIsCarriedOnAfterACrashAtAnyStep(t *testing.T) {
	n := openNodes(t)
	crash := errors.New("the node has died")
	for name, x := range map[string]struct {
		meanwhile func(p pair) // once it is taken away
		sweep     bool
	}{
		"joined":           {func(pair) {}, false},
		"joined, by sweep": {func(pair) {}, true},
		"come back":        {func(p pair) { p.ok(p.decide(p.a, "decline")) }, false},
	} {
		for _, when := range []string{"before", "after"} {
			for step := 1; ; step++ {
				p := n.pair()
				writes, dead := 0, false
				p.hook.before = func(string, string, string) error {
					if writes++; when == "before" && writes == step {
						dead = true
					}
					if dead {
						return crash
					}
					return nil
				}
				p.hook.after = func(op, _, _ string) error {
					if op == "delete" {
						x.meanwhile(p)
					}
					if dead = writes == step; dead {
						return crash
					}
					return nil
				}
				err := p.join()
				p.hook.before, p.hook.after = quiet, quiet
				if err == nil {
					if step < 4 {
						t.Fatal("there were so few writes:", step)
					}
					break
				}
				if !errors.Is(err, crash) {
					t.Fatal(err)
				}
				m, err := p.other.Merge(p.Ctx(), p.merge)
				if errors.Is(err, store.ErrNotFound) {
					continue // it had not begun
				}
				p.ok(err)
				if x.sweep && slices.ContainsFunc(m.Moved, func(x inbox.Moved) bool { return x.Doc != nil && !x.Done }) {
					p.ok(p.other.Sweep(p.Ctx()))
				} else {
					p.ok(p.other.CarryOut(p.Ctx(), p.merge))
				}
				t.Logf("%s: %s write %d", name, when, step)
				p.oneNow()
			}
		}
	}
}

// TestWhatWasReadLastIsKept: one node has read it when something is said, and another
// node reads that, keeps it, takes it away and dies.
func TestWhatWasReadLastIsKept(t *testing.T) {
	p := openNodes(t).pair()
	died := errors.New("the node has died")
	dies := &hooked{p.Store, quiet, quiet}
	dies.after = func(op, _, _ string) error {
		if op != "delete" {
			return nil
		}
		dies.before = func(string, string, string) error { return died }
		return died
	}
	_, third := p.node(dies)
	moments["as it is kept"](p, func() {
		_, err := p.other.Note(p.Ctx(), colleague(1), key("n"), p.b, inbox.Reach{How: "sms", Went: "reached", Note: "Svarade"})
		p.ok(err)
		if err := third.CarryOut(p.Ctx(), p.merge); !errors.Is(err, died) {
			t.Fatal(err)
		}
	})
	p.ok(p.join())
	p.oneNow()
	if r := p.found(p.b); len(r.Attempts) != 1 || r.Taken == nil {
		t.Fatalf("%+v", r)
	}
	p.ok(p.undo())
	p.twoNow()
	if r := p.found(p.b); len(r.Attempts) != 1 {
		t.Fatalf("%+v", r)
	}
}

// TestASendingThatComesAsItIsMovedIsReadable: what is about to join the one that goes
// is sealed for them, and that one becomes the other's.
func TestASendingThatComesAsItIsMovedIsReadable(t *testing.T) {
	p := openNodes(t).pair()
	p.ok(p.decide(p.a, "accept"))
	st := &hooked{p.Store, quiet, quiet}
	refs, _ := p.node(st)
	var first sync.Once
	st.before = func(_, kind, id string) error {
		if kind == "referrals" && id == p.b {
			first.Do(func() { p.ok(p.join()) })
		}
		return nil
	}
	me := halsocoach.Actor{ID: p.absent, Role: halsocoach.RoleCitizen}
	_, _, err := refs.Contact(p.Ctx(), me, key("c"), nameless("Elsa Berg"))
	if err != nil && !errors.Is(err, seal.ErrBox) {
		t.Fatal(err)
	}
	id := key("c").ID(me, "referrals")
	for _, subject := range []string{id, p.b} {
		p.ok(p.other.Heard(p.Ctx(), halsocoach.Event{Type: referral.EventChanged, Subject: subject}))
	}
	p.oneNow()
	if r := p.found(id); r.Person != p.person || r.ID != p.b || p.sending(id).Sender != p.person {
		t.Fatalf("%+v", r)
	}
}

// TestOnlyWhoIsShownCanBeMerged: the page offers those who are alike, and no other
// goes.
func TestOnlyWhoIsShownCanBeMerged(t *testing.T) {
	n := openNodes(t)
	p, q := n.pair(), nameless("Någon Annan")
	q.Phone = "036-10 50 00"
	other := n.sent(n.People.Forening, "q", q)
	n.ok(n.other.Heard(n.Ctx(), halsocoach.Event{Type: referral.EventReceived, Subject: other}))
	var fault *halsocoach.Error
	if _, err := p.svc.Join(p.Ctx(), p.People.Maria, p.a, other); !errors.As(err, &fault) || len(fault.Fields) != 1 || fault.Fields[0].Name != "other" {
		t.Fatal(err)
	}
	p.ok(p.join())
	p.oneNow()
	if _, err := p.svc.Join(p.Ctx(), p.People.Maria, p.b, p.a); err != nil {
		t.Fatal("the same again: ", err)
	}
}

// TestASecondMergeWithAnotherIsRefused: two coaches say that one person is two others.
func TestASecondMergeWithAnotherIsRefused(t *testing.T) {
	p := openNodes(t).pair()
	w := nameless("Elsa Berg")
	w.Phone = "070-174 00001"
	p.Clock.Add(-time.Hour)
	first := p.sent(p.People.Vardcentral, "first", w)
	p.Clock.Add(time.Hour)
	p.ok(p.other.Heard(p.Ctx(), halsocoach.Event{Type: referral.EventReceived, Subject: first}))
	p.once("before", "save", "merges", p.merge, func() {
		_, err := p.other.Join(p.Ctx(), colleague(1), p.b, first)
		p.ok(err)
	})
	if err := p.join(); !errors.Is(err, inbox.ErrOther) {
		t.Fatal(err)
	}
	if r := p.found(p.b); r.ID != first {
		t.Fatalf("%+v", r)
	}
}
