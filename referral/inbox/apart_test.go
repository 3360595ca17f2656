package inbox_test

import (
	"slices"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/referral"
	"halsocoach/referral/inbox"
)

// TestACallerIsACallerAgainOnceParted: whoever has been asked nothing is asked, and
// only then taken in; whichever of the two stayed.
func TestACallerIsACallerAgainOnceParted(t *testing.T) {
	for name, callerFirst := range map[string]bool{"the caller stays": true, "the caller goes": false} {
		t.Run(name, func(t *testing.T) {
			g := open(t)
			w := nameless("Elsa Berg")
			sent := func() string { return g.sent(g.People.Forening, "b", w) }
			called := func() string {
				if err := g.refs.CallMe(g.Ctx(), key("c"), "Elsa Berg", "070-174 06 05", "0684", ""); err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(g.list(g.People.Maria, referral.Asked{}), func(id string) bool { return g.stored(id).CallMe != "" })
				return g.list(g.People.Maria, referral.Asked{})[i]
			}
			var caller, other string
			if callerFirst {
				caller = called()
				g.Clock.Add(time.Hour)
				other = sent()
			} else {
				other = sent()
				g.Clock.Add(time.Hour)
				caller = called()
			}
			g.alike(other)
			at, err := g.svc.Join(g.Ctx(), g.People.Maria, other, caller)
			if err != nil || (at == caller) != callerFirst || g.stored(at).CallMe != "" {
				t.Fatalf("%+v, %v", g.stored(at), err)
			}
			if err := g.svc.Part(g.Ctx(), g.People.Maria, at, g.mergeOf(at)); err != nil {
				t.Fatal(err)
			}
			if a, b := g.stored(caller), g.stored(other); a.CallMe != "0684" || len(a.Topics()) != 0 || b.CallMe != "" || len(b.Topics()) == 0 {
				t.Fatalf("%+v and %+v", a, b)
			}
			accept := func(k string) error {
				_, _, err := g.refs.Decide(g.Ctx(), g.People.Maria, key(k), caller, referral.Ruling{Decision: "accept"})
				return err
			}
			if err := accept("early"); halsocoach.KindOf(err) != halsocoach.KindInvalid {
				t.Fatal(err)
			}
			if err := g.refs.Complete(g.Ctx(), g.People.Maria, caller, w); err != nil {
				t.Fatal(err)
			}
			if err := accept("asked"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestWhoSentSomethingElseSeesNoChangeWhenTheyAreParted: a third sender's version stays
// when what came before it is taken out.
func TestWhoSentSomethingElseSeesNoChangeWhenTheyAreParted(t *testing.T) {
	g := open(t)
	numbered, nameless := twoWait(g)
	if _, err := g.svc.Join(g.Ctx(), g.People.Maria, nameless, numbered); err != nil {
		t.Fatal(err)
	}
	if err := g.svc.TakeCare(g.Ctx(), g.People.Maria, numbered, inbox.Care{Act: referral.Take}); err != nil {
		t.Fatal(err)
	}
	g.Clock.Add(time.Hour)
	third := halsocoach.Actor{ID: "nurse-3", Role: halsocoach.RoleCareCentre, Name: "N", Kommun: "0684", Unit: g.People.Vardcentral.Unit}
	before, _, err := g.refs.Recommend(g.Ctx(), third, key("t"), wish())
	if err != nil {
		t.Fatal(err)
	}
	g.Clock.Add(time.Hour)
	if err := g.svc.Part(g.Ctx(), g.People.Maria, numbered, g.mergeOf(numbered)); err != nil {
		t.Fatal(err)
	}
	after, err := g.refs.SentOne(g.Ctx(), third, before.ID)
	if err != nil || after.Seen != before.Seen || !after.Changed.Equal(before.Changed) {
		t.Fatalf("%+v, before %+v, %v", after, before, err)
	}
}

// TestWhoHasWaitedLongestIsStillFirst: the promise and the wait are of the one who came
// first, whichever stays, and each one's own again when they are parted.
func TestWhoHasWaitedLongestIsStillFirst(t *testing.T) {
	for name, numberedFirst := range map[string]bool{"the first stays": true, "the first goes": false} {
		t.Run(name, func(t *testing.T) {
			g := open(t)
			send := map[bool]func() string{
				true:  func() string { return g.sent(g.People.Vardcentral, "a", wish()) },
				false: func() string { return g.sent(g.People.Forening, "b", nameless("Elsa Berg")) },
			}
			first := send[numberedFirst]()
			g.Clock.Add(20 * 24 * time.Hour)
			second := send[!numberedFirst]()
			g.alike(second)
			was := [2]referral.Referral{g.stored(first), g.stored(second)}
			due := func(who halsocoach.Actor) time.Time {
				sent, _, err := g.refs.Sent(g.Ctx(), who, "", "")
				if err != nil || len(sent) != 1 {
					t.Fatal(sent, err)
				}
				return sent[0].Due
			}
			told := [2]time.Time{due(g.People.Vardcentral), due(g.People.Forening)}
			at, err := g.svc.Join(g.Ctx(), g.People.Maria, second, first)
			if err != nil {
				t.Fatal(err)
			}
			if r := g.stored(at); len(r.Sendings) != 2 || !r.Received.Equal(was[0].Received) || !r.Due.Equal(was[0].Due) {
				t.Fatalf("received %s, due %s, not %s and %s", r.Received, r.Due, was[0].Received, was[0].Due)
			}
			if late, err := g.refs.Untouched(g.Ctx(), g.People.Maria); err != nil || late != 1 {
				t.Fatal(late, err)
			}
			if now := [2]time.Time{due(g.People.Vardcentral), due(g.People.Forening)}; now != told {
				t.Fatalf("the senders are told %s, not %s", now, told)
			}
			if err := g.svc.Part(g.Ctx(), g.People.Maria, at, g.mergeOf(at)); err != nil {
				t.Fatal(err)
			}
			for i, id := range []string{first, second} {
				if r := g.stored(id); !r.Received.Equal(was[i].Received) || !r.Due.Equal(was[i].Due) || len(r.Sendings) != 1 {
					t.Fatalf("received %s, due %s, not %s and %s", r.Received, r.Due, was[i].Received, was[i].Due)
				}
			}
		})
	}
}

// TestAnAttemptSentAgainAfterAMergeIsTheSame: the page on which it was written has the
// id from before.
func TestAnAttemptSentAgainAfterAMergeIsTheSame(t *testing.T) {
	g := open(t)
	numbered, nameless := twoWait(g)
	note := func() referral.Referral {
		r, err := g.svc.Note(g.Ctx(), g.People.Maria, key("n"), nameless, inbox.Reach{How: "phone", Went: "not_reached"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := note()
	if _, err := g.svc.Join(g.Ctx(), g.People.Maria, nameless, numbered); err != nil {
		t.Fatal(err)
	}
	if again := note(); again.ID != numbered || len(again.Attempts) != 1 || again.Attempts[0].ID != first.Attempts[0].ID {
		t.Fatalf("%+v", again.Attempts)
	}
}

// TestWhatIsMovedToAProtectedPersonIsProtected: colleagues see neither name nor contact
// of it, and no count has it, until the two are parted.
func TestWhatIsMovedToAProtectedPersonIsProtected(t *testing.T) {
	for name, again := range map[string]bool{"in place": false, "joined": true} {
		t.Run(name, func(t *testing.T) {
			g := open(t)
			w := wish()
			w.Protected = true
			numbered := g.sent(g.People.Vardcentral, "a", w)
			accepted(g, numbered)
			if again { // and one that waits, whose sender did not say so
				g.sent(g.People.Vardcentral, "again", wish())
			}
			g.Clock.Add(time.Hour)
			other := g.sent(g.People.Forening, "b", nameless("Elsa Berg"))
			g.Eventually("the other is found", func() bool {
				v, err := g.svc.Same(g.Ctx(), g.People.Maria, numbered)
				return err == nil && len(v.Matches) == 1
			})
			counted := func() int {
				n, err := g.refs.UntouchedIn(g.Ctx(), "0684", g.Clock.Now().Add(time.Hour))
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			before := counted()
			at, err := g.svc.Join(g.Ctx(), g.People.Maria, numbered, other)
			if err != nil || (len(g.stored(at).Sendings) == 2) != again {
				t.Fatal(err)
			}
			d, err := g.refs.Read(g.Ctx(), colleague(3), at)
			if err != nil || !d.Protected || d.Shown || d.Name != "" || slices.ContainsFunc(d.Words, func(w referral.Words) bool { return w.Phone != "" }) {
				t.Fatalf("a colleague sees %+v, %v", d, err)
			}
			if n := counted(); n != 0 || before == 0 {
				t.Fatal("the kommun counts ", n, " of ", before)
			}
			if err := g.svc.Part(g.Ctx(), g.People.Maria, numbered, g.mergeOf(numbered)); err != nil {
				t.Fatal(err)
			}
			if r := g.stored(other); r.Protected || r.Person == g.People.Elsa.ID || r.Untouched == "" {
				t.Fatalf("%+v", r)
			}
		})
	}
}
