package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

// twoWait is Elsa, recommended by the association without a number, and the same
// Elsa recommended by a nurse with one.
func (g ground) twoWait() (nameless, numbered string) {
	g.T.Helper()
	n := wish()
	n.Personnummer, n.Phone, n.Topics = "", "+46 70 174 06 05", []halsocoach.Topic{"återhämtning"}
	nameless = g.sent(g.People.Forening, "b", n)
	g.Clock.Add(time.Hour)
	return nameless, g.sent(g.People.Vardcentral, "a", wish())
}

// alike waits until somebody is found who may be the person.
func (g ground) alike(id string) {
	g.T.Helper()
	g.Eventually("both can be found", func() bool {
		v, err := g.svc.Same(g.Ctx(), g.People.Maria, id)
		return err == nil && len(v.Matches) == 1
	})
}

// joined are two who wait and are one by a coach's word.
func (g ground) joined() (nameless, numbered string) {
	g.T.Helper()
	nameless, numbered = g.twoWait()
	testenv.Must(g.T, g.Persons.Join(g.Ctx(), g.People.Maria, g.stored(nameless).Person, g.stored(numbered).Person))
	return nameless, numbered
}

// tracks fails unless the association and the nurse each see their own one in a
// state.
func (g ground) tracks(nameless, numbered string, want record.State) {
	g.T.Helper()
	for _, own := range []struct {
		who halsocoach.Actor
		id  string
	}{{g.People.Forening, nameless}, {g.People.Vardcentral, numbered}} {
		sent, _, err := g.sender.Sent(g.Ctx(), own.who, "", "")
		if err != nil || len(sent) != 1 || sent[0].ID != own.id || sent[0].State != want {
			g.T.Fatalf("%s sees %+v, %v; wanted %s in %s", own.who.Role, sent, err, own.id, want)
		}
	}
}

func TestACoachSaysThatTwoAreOneAndThatTheyAreNot(t *testing.T) {
	g := open(t)
	nameless, numbered := g.twoWait()
	g.alike(nameless)
	maria, at := g.app.As(g.People.Maria), "/inkorg/"+nameless
	maria.Get(at).Holds("En person här har samma namn")
	r := maria.Get(at + "/samma-person")
	for _, want := range []string{"Elsa Berg", "Samma namn, och samma telefon eller e-post.", "Har personnummer här.", `value="` + numbered + `"`} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(r.Body, testenv.ElsasNumber) || strings.Contains(r.Body, "174 06") || strings.Contains(r.Body, g.People.Elsa.ID) {
		t.Error("more is shown than what is needed")
	}
	for _, wrong := range []url.Values{{}, {"other": {numbered}}, {"sure": {"ja"}}} {
		maria.Post(at+"/samma-person", wrong).Is(422)
	}
	before := [2]record.Referral{g.stored(nameless), g.stored(numbered)}
	for range 2 {
		maria.Post(at+"/samma-person", url.Values{"other": {numbered}, "sure": {"ja"}}).Is(303).To(at)
	}
	g.tracks(nameless, numbered, record.Received)
	l, err := g.svc.List(g.Ctx(), g.People.Maria, record.InboxQuery{})
	if err != nil || len(l.Items) != 1 || l.Items[0].Senders != 2 || len(l.Items[0].Topics) != 3 || l.Items[0].ID != nameless {
		t.Fatalf("%+v, %v", l, err)
	}
	for _, id := range []string{nameless, numbered} {
		v, err := g.svc.Open(g.Ctx(), g.People.Maria, id)
		if err != nil || len(v.Words) != 2 || v.Words[0].Name != "Elsa Berg" || v.Words[1].Name != "Elsa Berg" || !v.Joined || v.Alike != 0 {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	if mine, err := g.self.AboutMe(g.Ctx(), g.People.Elsa); err != nil || len(mine) != 2 {
		t.Fatalf("Elsa sees %+v, %v", mine, err)
	}
	_, rest, _ := strings.Cut(maria.Get(at+"/samma-person").Body, `name="join" value="`)
	join, _, _ := strings.Cut(rest, `"`)
	g.app.As(g.People.Johan).Post(at+"/isar", url.Values{"join": {join}}).Is(404)
	maria.Post(at+"/isar", url.Values{"join": {join}}).Is(303)
	testenv.Wants(t, g.svc.Part(g.Ctx(), g.People.Maria, nameless, join), person.ErrNotJoined)
	g.tracks(nameless, numbered, record.Received)
	if got := g.list(g.People.Maria, record.InboxQuery{}); !slices.Equal(got, []string{nameless, numbered}) {
		t.Fatalf("%q", got)
	}
	if mine, err := g.self.AboutMe(g.Ctx(), g.People.Elsa); err != nil || len(mine) != 1 {
		t.Fatalf("Elsa sees %+v, %v", mine, err)
	}
	for i, id := range []string{nameless, numbered} {
		if now := g.stored(id); now.Person != before[i].Person || !now.Changed.Equal(before[i].Changed) {
			t.Fatalf("something was moved: %+v", now)
		}
	}
	var acts []halsocoach.Act
	for _, row := range g.AccessLog.Rows() {
		if strings.HasSuffix(string(row.Act), "persons") {
			acts = append(acts, row.Act)
		}
	}
	if !slices.Equal(acts, []halsocoach.Act{halsocoach.ActJoinPersons, halsocoach.ActPartPersons}) {
		t.Fatalf("%q", acts)
	}
}

func TestOnlyWhoIsShownAsAlikeIsJoined(t *testing.T) {
	g := open(t)
	nameless, numbered := g.twoWait()
	g.alike(nameless)
	n := wish()
	n.Name, n.Personnummer, n.Phone = "Nils Ek", "", "036-10 50 01"
	other := g.sent(g.People.Vardcentral, "c", n)
	if err := g.svc.Join(g.Ctx(), g.People.Maria, nameless, other, true); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatal(err)
	}
	testenv.Wants(t, g.svc.Join(g.Ctx(), g.People.Johan, nameless, numbered, true), halsocoach.ErrNotFound)
	// Two personnummer are two persons, whatever is written of name and telephone.
	n = wish()
	n.Personnummer = "196101182803"
	second := g.sent(g.People.Vardcentral, "d", n)
	g.Eventually("all are found", func() bool {
		v, err := g.svc.Same(g.Ctx(), g.People.Maria, second)
		return err == nil && len(v.Matches) == 2
	})
	testenv.Wants(t, g.svc.Join(g.Ctx(), g.People.Maria, second, numbered, true), person.ErrTwoNumbers)
}

func TestAPersonWithProtectedIdentityIsFoundByNobody(t *testing.T) {
	g := open(t)
	nameless, numbered := g.twoWait()
	g.alike(nameless)
	testenv.Must(g.T, g.Persons.Protect(g.Ctx(), g.People.Vardcentral, g.stored(numbered).Person, person.ByRecommending))
	if v, err := g.svc.Same(g.Ctx(), g.People.Maria, nameless); err != nil || len(v.Matches) != 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	testenv.Wants(t, g.svc.Join(g.Ctx(), g.People.Maria, nameless, numbered, true), halsocoach.ErrNotFound)
}

func TestWhoIsDeclinedIsFoundNoMore(t *testing.T) {
	g := open(t)
	nameless, numbered := g.twoWait()
	g.alike(nameless)
	testenv.Must(t, testenv.ErrOf(g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), numbered, inbox.Ruling{Decision: "decline", Reason: "full"})))
	g.Eventually("the second is gone", func() bool {
		v, err := g.svc.Same(g.Ctx(), g.People.Maria, nameless)
		return err == nil && len(v.Matches) == 0
	})
}

// What a coach does to one is done to those that stand together with it, whichever of
// them is asked for, and each sender sees it of their own.
func TestThoseWhoStandTogetherAreActedOnTogether(t *testing.T) {
	for _, first := range []bool{true, false} {
		g := open(t)
		nameless, numbered := g.joined()
		id := map[bool]string{true: nameless, false: numbered}[first]
		care := func(act record.Act, from string) {
			t.Helper()
			if err := g.svc.TakeCare(g.Ctx(), g.People.Maria, id, inbox.Care{Act: act, From: from}); err != nil {
				t.Fatal(act, err)
			}
		}
		care(record.Take, "")
		g.tracks(nameless, numbered, record.Taken)
		care(record.Hold, "maria")
		g.tracks(nameless, numbered, record.OnHold)
		care(record.Release, "maria")
		g.tracks(nameless, numbered, record.Received)
		for range 2 { // again is nothing
			testenv.Must(g.T, g.svc.Note(g.Ctx(), g.People.Maria, key("n"), id, inbox.Reach{How: "sms", Went: "reached", Note: "Prövade"}))
		}
		g.tracks(nameless, numbered, record.Taken)
		for _, each := range []string{nameless, numbered} {
			v, err := g.svc.Open(g.Ctx(), g.People.Maria, each)
			if err != nil || len(v.Tries) != 1 || v.Tries[0].Text != "Prövade" || !g.stored(each).Reached() {
				t.Fatalf("%+v, %v", v.Tries, err)
			}
		}
		item, made, err := g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), id, inbox.Ruling{Decision: "accept"})
		if err != nil || !made || item.ID != id || item.State != record.Accepted {
			t.Fatalf("%+v %v, %v", item, made, err)
		}
		g.tracks(nameless, numbered, record.Accepted)
		if _, made, err := g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), id, inbox.Ruling{Decision: "accept"}); err != nil || made {
			t.Fatal("again:", made, err)
		}
		var fault *inbox.DecidedError
		for _, each := range []string{nameless, numbered} {
			if _, _, err := g.svc.Decide(g.Ctx(), colleague(1), key("c"), each, inbox.Ruling{Decision: "decline", Reason: "full"}); !errors.As(err, &fault) || fault.Name != "Maria Holm" {
				t.Fatal(err)
			}
			if a, err := g.records.Accepted(g.Ctx(), each); err != nil || a.Person != g.stored(each).Person {
				t.Fatalf("%+v, %v", a, err)
			}
		}
	}
}

// A coach has one of them, and another comes, before they are one: then whoever acts
// next acts on both.
func TestWhatOneCoachHasIsTheirsWhenTheyBecomeOne(t *testing.T) {
	g := open(t)
	nameless, numbered := g.twoWait()
	for _, id := range []string{max(nameless, numbered)} {
		testenv.Must(g.T, g.svc.TakeCare(g.Ctx(), g.People.Maria, id, inbox.Care{Act: record.Take}))
	}
	testenv.Must(g.T, g.Persons.Join(g.Ctx(), g.People.Maria, g.stored(nameless).Person, g.stored(numbered).Person))
	var taken *inbox.TakenError
	if err := g.svc.TakeCare(g.Ctx(), colleague(1), nameless, inbox.Care{Act: record.Take}); !errors.As(err, &taken) || taken.Name != "Maria Holm" {
		t.Fatal(err)
	}
	testenv.Must(g.T, g.svc.TakeCare(g.Ctx(), g.People.Maria, nameless, inbox.Care{Act: record.Hold, From: "maria"}))
	g.tracks(nameless, numbered, record.OnHold)
}

func TestThoseWhoStandTogetherAreForwardedTogether(t *testing.T) {
	g := open(t)
	nameless, numbered := g.joined()
	testenv.Must(t, testenv.ErrOf(g.svc.Decide(g.Ctx(), g.People.Maria, key("f"), numbered, inbox.Ruling{Decision: "forward", Centre: "0680"})))
	g.Eventually("both are there, as one", func() bool {
		l, err := g.svc.List(g.Ctx(), g.People.Johan, record.InboxQuery{})
		return err == nil && len(l.Items) == 1 && l.Items[0].Senders == 2
	})
	for _, id := range []string{nameless, numbered} {
		g.Eventually("it is noted that it is sent on", func() bool { return g.stored(id).Unsent == nil })
	}
}

// faulty is a store whose n-th save from now fails, as at a crash. What was saved
// before is there.
type faulty struct {
	store.Store
	mu   sync.Mutex
	left int
}

var errCrash = errors.New("crash")

func (f *faulty) Save(ctx context.Context, kind string, doc store.Document, events []halsocoach.Event) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 {
		return "", errCrash
	}
	f.left--
	return f.Store.Save(ctx, kind, doc, events)
}

// After a crash at any write of an act, the act is whole once it is asked for again,
// or once the next one acts, or once the unfinished is swept: no two that stand
// together are decided in two ways.
func TestACrashAtAnyWriteLeavesNothingHalf(t *testing.T) {
	acts := map[string]func(g ground, id string) error{
		"accept": func(g ground, id string) error {
			_, _, err := g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), id, inbox.Ruling{Decision: "accept"})
			return err
		},
		"take": func(g ground, id string) error {
			return g.svc.TakeCare(g.Ctx(), g.People.Maria, id, inbox.Care{Act: record.Take})
		},
		"note": func(g ground, id string) error {
			return g.svc.Note(g.Ctx(), g.People.Maria, key("n"), id, inbox.Reach{How: "sms", Went: "reached"})
		},
	}
	mends := map[string]func(g ground, id string, act func(ground, string) error) error{
		"asked again": func(g ground, id string, act func(ground, string) error) error { return act(g, id) },
		"the sweep": func(g ground, id string, _ func(ground, string) error) error {
			return g.records.FinishTogether(g.Ctx(), id)
		},
	}
	for what, act := range acts {
		for how, mend := range mends {
			for n := range 4 {
				t.Run(fmt.Sprint(what, ", ", how, ", after ", n), func(t *testing.T) {
					env := testenv.New(t, record.Kinds())
					g := on(env, env.Store)
					nameless, numbered := g.joined()
					lead := min(nameless, numbered)
					crashed := act(on(env, &faulty{Store: env.Store, left: n}), numbered)
					if (n < 3) != (crashed != nil) {
						t.Fatalf("with %d writes: %v", n, crashed)
					}
					begun := g.stored(lead).State != record.Received
					if begun != (n > 0) {
						t.Fatalf("after %d writes the one that leads is in %s", n, g.stored(lead).State)
					}
					if how == "the sweep" && !begun {
						return // nothing was done, and nothing is to be
					}
					id := numbered
					if how == "the sweep" {
						id = lead
					}
					testenv.Must(t, mend(g, id, act))
					g.tracks(nameless, numbered, g.stored(lead).State)
					for _, each := range []string{nameless, numbered} {
						r := g.stored(each)
						if r.Leads != nil || r.State == record.Received || what == "note" && len(r.Attempts) != 1 || what == "accept" && len(r.Decisions) != 1 {
							t.Fatalf("%+v", r)
						}
					}
				})
			}
		}
	}
}

// Somebody else decides after a crash: what was left is finished first, and they are
// told who was before.
func TestWhoDecidesAfterACrashIsToldWhoWasFirst(t *testing.T) {
	env := testenv.New(t, record.Kinds())
	g := on(env, env.Store)
	nameless, numbered := g.joined()
	if _, _, err := on(env, &faulty{Store: env.Store, left: 1}).svc.Decide(g.Ctx(), g.People.Maria, key("d"), nameless, inbox.Ruling{Decision: "accept"}); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	var fault *inbox.DecidedError
	for _, id := range []string{nameless, numbered} {
		if _, _, err := g.svc.Decide(g.Ctx(), colleague(1), key("c"), id, inbox.Ruling{Decision: "decline", Reason: "full"}); !errors.As(err, &fault) {
			t.Fatal(err)
		}
	}
	g.tracks(nameless, numbered, record.Accepted)
}

// Of many who decide at once, each on whichever of the two, one wins both.
func TestOneOfManyDecidesBoth(t *testing.T) {
	g := open(t)
	nameless, numbered := g.joined()
	var all sync.WaitGroup
	faults := make([]error, 20)
	for i := range faults {
		all.Go(func() {
			ruling := []inbox.Ruling{{Decision: "accept"}, {Decision: "decline", Reason: "full"}}[i%2]
			_, _, faults[i] = g.svc.Decide(g.Ctx(), colleague(i), key("d"), []string{nameless, numbered}[i/2%2], ruling)
		})
	}
	all.Wait()
	won := 0
	for _, err := range faults {
		var fault *inbox.DecidedError
		if err == nil {
			won++
		} else if !errors.As(err, &fault) {
			t.Error(err)
		}
	}
	if a, b := g.stored(nameless), g.stored(numbered); won != 1 || a.State != b.State || a.Verdict().ID != b.Verdict().ID {
		t.Fatalf("%d won: %s and %s", won, a.State, b.State)
	}
}
