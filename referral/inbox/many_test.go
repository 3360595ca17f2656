package inbox_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/referral"
	"halsocoach/referral/inbox"
)

// TestManyAtOnceLoseNothing: everything for real, on the consumers' goroutines too.
func TestManyAtOnceLoseNothing(t *testing.T) {
	g := open(t)
	for round := range testenv.Count(4, 40) {
		w := nameless("Elsa Berg")
		w.Phone = fmt.Sprintf("070-174 %05d", round)
		n := &nodes{ground: g, other: g.svc}
		p := pair{nodes: n, a: g.sent(g.People.Vardcentral, fmt.Sprint("a", round), w)}
		g.Clock.Add(time.Minute)
		p.b = g.sent(g.People.Forening, fmt.Sprint("b", round), w)
		p.person, p.absent = g.stored(p.a).Person, g.stored(p.b).Person
		p.merge = inbox.MergeOf(p.absent)
		g.Eventually("they are alike", func() bool {
			v, err := g.svc.Same(g.Ctx(), g.People.Maria, p.b)
			return err == nil && slices.ContainsFunc(v.Matches, func(m inbox.Match) bool { return m.Referral == p.a })
		})
		me := halsocoach.Actor{ID: p.absent, Role: halsocoach.RoleCitizen}
		var wg sync.WaitGroup
		var joined, called, contacted, noted, declined error
		start := make(chan struct{})
		for _, do := range []func(){
			func() { _, joined = g.svc.Join(g.Ctx(), g.People.Maria, p.b, p.a) },
			func() { _, _ = g.svc.Join(g.Ctx(), colleague(2), p.a, p.b) },
			func() { _, called = g.refs.Withdraw(g.Ctx(), g.People.Forening, p.b) },
			func() { _, _, contacted = g.refs.Contact(g.Ctx(), me, key(fmt.Sprint("c", round)), w) },
			func() {
				_, noted = g.svc.Note(g.Ctx(), colleague(1), key("n"), p.b, inbox.Reach{How: "sms", Went: "reached", Note: "Svarade"})
			},
			func() {
				if round%2 == 0 {
					_, _, declined = g.refs.Decide(g.Ctx(), colleague(3), key("d"), p.a, referral.Ruling{Decision: "decline", Reason: "full"})
				}
			},
		} {
			wg.Go(func() { <-start; do() })
		}
		close(start)
		wg.Wait()
		t.Logf("round %d: joined %v, called back %v, contact %v, noted %v, declined %v", round, joined, called, contacted, noted, declined)
		m, err := g.svc.Merge(g.Ctx(), p.merge)
		if errors.Is(err, store.ErrNotFound) {
			p.found(p.a)
			p.found(p.b)
			continue // something was first that made them unlike
		}
		p.ok(err)
		g.Eventually("all is the staying one's", func() bool {
			about, err := g.refs.About(g.Ctx(), p.absent)
			p.ok(err)
			m, err = g.svc.Merge(g.Ctx(), p.merge)
			p.ok(err)
			return len(about) == 0 && !slices.ContainsFunc(m.Moved, func(x inbox.Moved) bool { return x.Doc != nil && !x.Done })
		})
		p.oneNow()
		if x := p.sending(p.b); called == nil && x.Gone == nil {
			t.Fatal("what was called back is not")
		}
		if contacted == nil {
			if r := p.found(key(fmt.Sprint("c", round)).ID(me, "referrals")); r.Person != p.person {
				t.Fatalf("%+v", r)
			}
		}
		if r := p.found(p.b); noted == nil && len(r.Attempts) != 1 {
			t.Fatalf("an attempt is lost: %+v", r)
		}
	}
}
