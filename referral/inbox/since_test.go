package inbox_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/referral"
	"halsocoach/referral/inbox"
)

// forward sends a recommendation on to Jönköping.
func (g ground) forward(id string) {
	g.T.Helper()
	if _, _, err := g.refs.Decide(g.Ctx(), g.People.Maria, key("f"), id, referral.Ruling{Decision: "forward", Centre: "0680"}); err != nil {
		g.T.Fatal(err)
	}
}

// there is what has come to Jönköping.
func (g ground) there() referral.Referral {
	g.T.Helper()
	var ids []string
	g.Eventually("it has come there", func() bool {
		ids = g.list(g.People.Johan, referral.Asked{})
		return len(ids) == 1
	})
	r, err := g.refs.ByEvent(g.Ctx(), ids[0])
	if err != nil {
		g.T.Fatal(err)
	}
	return r
}

// listen lets what is forwarded be brought on.
func (n *nodes) listen() {
	ctx, stop := context.WithCancel(context.Background())
	n.T.Cleanup(stop)
	n.ok(n.refs.Start(ctx, n.Bus))
}

// mergeOf is the merge into the person of a recommendation, as its page offers to undo.
func (g ground) mergeOf(id string) string {
	g.T.Helper()
	v, err := g.svc.Same(g.Ctx(), g.People.Maria, id)
	if err != nil || len(v.Merges) != 1 {
		g.T.Fatalf("%+v, %v", v.Merges, err)
	}
	return v.Merges[0].ID
}

// TestWhatHasBeenForwardedSinceIsNotGivenBack: what came of it at the other centre would
// stay with the one who stayed.
func TestWhatHasBeenForwardedSinceIsNotGivenBack(t *testing.T) {
	for name, before := range map[string]func(g ground, numbered string){
		"joined":   func(ground, string) {},
		"in place": accepted,
	} {
		t.Run(name, func(t *testing.T) {
			g := open(t)
			numbered, nameless := twoWait(g)
			before(g, numbered)
			at, err := g.svc.Join(g.Ctx(), g.People.Maria, nameless, numbered)
			if err != nil {
				t.Fatal(err)
			}
			g.forward(at)
			there := g.there()
			if err := g.svc.Part(g.Ctx(), g.People.Maria, numbered, g.mergeOf(numbered)); !errors.Is(err, inbox.ErrSince) {
				t.Fatal(err)
			}
			if a, b := g.stored(at), g.there(); a.Person != g.People.Elsa.ID || b.Person != a.Person || b.ID != there.ID {
				t.Fatalf("%+v and %+v", a, b)
			}
		})
	}
}

func accepted(g ground, id string) {
	if _, _, err := g.refs.Decide(g.Ctx(), g.People.Maria, key("a"), id, referral.Ruling{Decision: "accept"}); err != nil {
		g.T.Fatal(err)
	}
}

// TestWhatIsForwardedInTheMomentOfTheWayBackStaysWhole: between the look and the giving
// back of the last; what had been given back by then is merged anew.
func TestWhatIsForwardedInTheMomentOfTheWayBackStaysWhole(t *testing.T) {
	n := openNodes(t)
	n.listen()
	for _, place := range []string{"joined", "in place"} {
		for _, moment := range []string{"once it is noted", "as it is given back"} {
			t.Run(place+" "+moment, func(t *testing.T) {
				n.T = t
				p := n.pair()
				me := halsocoach.Actor{ID: p.absent, Role: halsocoach.RoleCitizen}
				w := nameless("Elsa Berg")
				w.Centre, w.Phone = "0680", "070-174 06 05"
				_, _, err := p.refs.Contact(p.Ctx(), me, key("c"), w)
				p.ok(err)
				at := p.a
				if place == "in place" {
					accepted(p.ground, p.a)
					at = p.b
				}
				p.ok(p.join())
				forward := func() { p.forward(at) }
				if moment == "once it is noted" {
					p.once("after", "save", "merges", p.merge, forward)
				} else {
					p.once("before", "save", "referrals", at, forward)
				}
				if err := p.svc.Part(p.Ctx(), p.People.Maria, p.a, p.merge); !errors.Is(err, inbox.ErrSince) {
					t.Fatal(err)
				}
				p.Eventually("it has come there", func() bool {
					about, err := p.refs.About(p.Ctx(), p.person)
					p.ok(err)
					return slices.ContainsFunc(about, func(r referral.Referral) bool {
						return slices.ContainsFunc(r.Sendings, func(x referral.Sending) bool { return x.Carried == at })
					})
				})
				for range 2 { // and no node thinks otherwise
					p.oneNow()
					if r := p.found(p.b); r.Centre != "0680" {
						t.Fatalf("%+v", r)
					}
					if r := p.found(key("c").ID(me, "referrals")); r.Person != p.person {
						t.Fatalf("%+v", r)
					}
					p.ok(p.other.Heard(p.Ctx(), halsocoach.Event{Type: inbox.EventUnmerged, Subject: p.merge}))
					p.ok(p.other.Heard(p.Ctx(), halsocoach.Event{Type: inbox.EventMerged, Subject: p.merge}))
				}
				if err := p.other.Part(p.Ctx(), p.People.Maria, p.a, p.merge); !errors.Is(err, inbox.ErrSince) {
					t.Fatal(err)
				}
			})
		}
	}
}

// TestWhatIsForwardedAfterTheWayBackIsTheOnesWhoseItIs: the way back is gone first.
func TestWhatIsForwardedAfterTheWayBackIsTheOnesWhoseItIs(t *testing.T) {
	g := open(t)
	numbered, nameless := twoWait(g)
	accepted(g, numbered)
	person := g.stored(nameless).Person
	if _, err := g.svc.Join(g.Ctx(), g.People.Maria, nameless, numbered); err != nil {
		t.Fatal(err)
	}
	if err := g.svc.Part(g.Ctx(), g.People.Maria, numbered, g.mergeOf(numbered)); err != nil {
		t.Fatal(err)
	}
	g.forward(nameless)
	if there := g.there(); there.Person != person {
		t.Fatalf("%+v", there)
	}
}

// TestWhatWasForwardedBeforeAndBroughtOnSinceIsNotGivenBack: its event was heard after
// the two had been merged.
func TestWhatWasForwardedBeforeAndBroughtOnSinceIsNotGivenBack(t *testing.T) {
	n := openNodes(t)
	p := n.pair()
	p.forward(p.b)
	p.Clock.Add(time.Minute)
	p.ok(p.join())
	n.listen()
	if there := p.there(); there.Person != p.person {
		t.Fatalf("%+v", there)
	}
	if err := p.undo(); !errors.Is(err, inbox.ErrSince) {
		t.Fatal(err)
	}
	p.oneNow()
}

// TestWhatWasForwardedHitherSinceIsNotGivenAway: a recommendation of the one who stays
// comes from another centre and joins what was moved.
func TestWhatWasForwardedHitherSinceIsNotGivenAway(t *testing.T) {
	g := open(t)
	numbered, nameless := twoWait(g)
	accepted(g, numbered)
	w := wish()
	w.Centre = "0680"
	elsewhere := g.sent(g.People.Vardcentral, "c", w)
	if _, err := g.svc.Join(g.Ctx(), g.People.Maria, nameless, numbered); err != nil {
		t.Fatal(err)
	}
	g.Clock.Add(time.Hour)
	if _, _, err := g.refs.Decide(g.Ctx(), g.People.Johan, key("f"), elsewhere, referral.Ruling{Decision: "forward", Centre: "0684"}); err != nil {
		t.Fatal(err)
	}
	g.Eventually("it has come hither", func() bool { return len(g.stored(nameless).Sendings) == 2 })
	if err := g.svc.Part(g.Ctx(), g.People.Maria, numbered, g.mergeOf(numbered)); !errors.Is(err, inbox.ErrSince) {
		t.Fatal(err)
	}
}
