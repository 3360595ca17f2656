package referral_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/referral"
)

// ground is a service on a real store, with its consumers running.
type ground struct {
	*testenv.Env
	svc *referral.Service
}

func open(t *testing.T) ground {
	t.Helper()
	env := testenv.New(t, referral.Kinds())
	g := ground{env, referral.New(referral.Config{Store: env.Store, Seal: env.Seal, Clock: env.Clock.Now, Settings: env.Terms,
		Registers: env.Registers, Staff: colleagues{env.Staff}, AccessLog: env.AccessLog})}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	if err := g.svc.Start(ctx, env.Bus); err != nil {
		t.Fatal(err)
	}
	return g
}

// colleagues are the personas and any coach whose id begins with "coach-".
type colleagues struct{ testenv.Staff }

func (c colleagues) Member(ctx context.Context, id string) (halsocoach.StaffMember, error) {
	if strings.HasPrefix(id, "coach-") {
		return halsocoach.StaffMember{ID: id, Name: "Kollega " + id, Role: halsocoach.RoleCoach, Centre: "0684"}, nil
	}
	return c.Staff.Member(ctx, id)
}

func key(k string) halsocoach.Request { return halsocoach.Request{Key: k} }

// sent recommends and returns the id.
func (g ground) sent(who halsocoach.Actor, k string, w referral.Wish) referral.Own {
	g.T.Helper()
	own, made, err := g.svc.Recommend(g.Ctx(), who, key(k), w)
	if err != nil || !made {
		g.T.Fatalf("made %v, %v", made, err)
	}
	return own
}

func (g ground) inbox(who halsocoach.Actor, state referral.State) []referral.Item {
	g.T.Helper()
	items, _, err := g.svc.Inbox(g.Ctx(), who, "", state, "")
	if err != nil {
		g.T.Fatal(err)
	}
	return items
}

func (g ground) decide(who halsocoach.Actor, k, id string, r referral.Ruling) error {
	_, _, err := g.svc.Decide(g.Ctx(), who, key(k), id, r)
	return err
}

func TestTheSameWishTwiceIsOneRecommendation(t *testing.T) {
	g := open(t)
	for _, number := range []string{testenv.ElsasNumber, ""} {
		w := wish()
		w.Personnummer = number
		first := g.sent(g.People.Vardcentral, "k"+number, w)
		again, made, err := g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("k"+number), w)
		if err != nil || made || again.ID != first.ID {
			t.Fatalf("again: made %v, %q against %q, %v", made, again.ID, first.ID, err)
		}
		w.Name = "Någon annan"
		if _, _, err := g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("k"+number), w); !errors.Is(err, halsocoach.ErrOtherWish) {
			t.Fatalf("the same key for something else: %v", err)
		}
	}
	if n := len(g.inbox(g.People.Maria, "")); n != 2 {
		t.Fatalf("%d in the inbox", n)
	}
}

func TestADoubleClickIsOneRecommendation(t *testing.T) {
	g := open(t)
	w := wish()
	w.Personnummer = "" // the harder case: each click would make a person of its own
	var wg sync.WaitGroup
	ids, made := make([]string, 8), make([]bool, 8)
	for i := range ids {
		wg.Go(func() {
			own, m, err := g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("dubbel"), w)
			if err != nil {
				t.Error(err)
			}
			ids[i], made[i] = own.ID, m
		})
	}
	wg.Wait()
	if len(slices.Compact(ids)) != 1 || len(g.inbox(g.People.Maria, "")) != 1 {
		t.Fatalf("ids %v", ids)
	}
	n := 0
	for _, m := range made {
		if m {
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%d were told that they made it", n)
	}
}

func TestASecondSenderJoinsWithoutSeeingTheFirst(t *testing.T) {
	g := open(t)
	first := wish()
	first.Note = "Från vårdcentralen"
	one := g.sent(g.People.Vardcentral, "a", first)
	g.Clock.Add(26 * time.Hour)
	second := wish()
	second.Name, second.Phone, second.Email, second.Topics, second.Note = "Elsa B", "", "elsa@berg.se", []halsocoach.Topic{"kultur och fritid"}, "Från föreningen"
	two := g.sent(g.People.Forening, "b", second)
	if two.ID != one.ID {
		t.Fatal("the second did not join the first")
	}
	if two.Name != "Elsa B" || !slices.Equal(two.Topics, second.Topics) || !two.Received.Equal(g.Clock.Now()) || two.Due.Sub(two.Received) != 7*24*time.Hour {
		t.Fatalf("the second sees %+v", two)
	}
	again, made, err := g.svc.Recommend(g.Ctx(), g.People.Forening, key("b"), second)
	if err != nil || made || again.Name != "Elsa B" {
		t.Fatalf("repeat of the joined: %+v, %v, %v", again, made, err)
	}
	if _, _, err := g.svc.Recommend(g.Ctx(), g.People.Forening, key("b"), first); !errors.Is(err, halsocoach.ErrOtherWish) {
		t.Fatalf("other wish of the joined: %v", err)
	}
	for _, who := range []halsocoach.Actor{g.People.Vardcentral, g.People.Forening} {
		list, _, err := g.svc.Sent(g.Ctx(), who, "", "")
		if err != nil || len(list) != 1 {
			t.Fatalf("%s has %d in the list, %v", who.Role, len(list), err)
		}
	}
	d, err := g.svc.Read(g.Ctx(), g.People.Maria, one.ID)
	if err != nil || len(d.Words) != 2 || d.Words[0].Note != "Från vårdcentralen" || d.Words[1].Note != "Från föreningen" || len(d.Topics) != 3 {
		t.Fatalf("the coach sees %+v, %v", d, err)
	}
	if len(g.inbox(g.People.Maria, "")) != 1 {
		t.Fatal("two in the inbox")
	}
}

func TestADeclinedOneNeverBlocksANewOne(t *testing.T) {
	g := open(t)
	for i := range 3 {
		own := g.sent(g.People.Vardcentral, fmt.Sprint("k", i), wish())
		if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "decline", Reason: "no_contact"}); err != nil {
			t.Fatal(err)
		}
	}
	list, _, err := g.svc.Sent(g.Ctx(), g.People.Vardcentral, referral.Declined, "")
	if err != nil || len(list) != 3 || list[0].Reason != referral.NoContact {
		t.Fatalf("%+v, %v", list, err)
	}
}

func TestOneOfFiftyCoachesDecides(t *testing.T) {
	g := open(t)
	for round := range testenv.Count(2, 10) {
		own := g.sent(g.People.Vardcentral, fmt.Sprint("k", round), wish())
		var wg sync.WaitGroup
		faults := make([]error, 50)
		for i := range faults {
			wg.Go(func() {
				coach := halsocoach.Actor{ID: fmt.Sprint("coach-", i), Role: halsocoach.RoleCoach, Name: "x", Kommun: "0684", Centre: "0684"}
				ruling := []referral.Ruling{{Decision: "decline", Reason: "full"}, {Decision: "accept"}}[i%2]
				faults[i] = g.decide(coach, "k", own.ID, ruling)
			})
		}
		wg.Wait()
		won := slices.IndexFunc(faults, func(err error) bool { return err == nil })
		for i, err := range faults {
			var first *referral.DecidedError
			switch {
			case i == won:
			case err == nil:
				t.Fatal("two have decided")
			case !errors.As(err, &first) || first.Name != fmt.Sprint("Kollega coach-", won) || !errors.Is(err, referral.ErrDecided):
				t.Fatalf("coach %d is told %v, and %d was first", i, err, won)
			}
		}
	}
}

func TestADecidedOneIsToldBeforeTheBodyIsJudged(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "accept"}); err != nil {
		t.Fatal(err)
	}
	err := g.decide(g.People.Maria, "later", own.ID, referral.Ruling{Decision: "nonsense", Centre: "9999"})
	if halsocoach.KindOf(err) != halsocoach.KindConflict || !strings.Contains(err.Error(), g.People.Maria.Name) {
		t.Fatal(err)
	}
	item, made, err := g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), own.ID, referral.Ruling{Decision: "accept"})
	if err != nil || made || item.State != referral.Accepted {
		t.Fatalf("the same decision again: %+v, %v, %v", item, made, err)
	}
	if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "decline", Reason: "full"}); !errors.Is(err, halsocoach.ErrOtherWish) {
		t.Fatalf("the same key for another decision: %v", err)
	}
}

func TestForwardingClosesItAndOpensOneAtTheOtherCentre(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	g.Clock.Add(3 * 24 * time.Hour)
	if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "forward", Centre: "0680"}); err != nil {
		t.Fatal(err)
	}
	g.Eventually("Johan has it", func() bool { return len(g.inbox(g.People.Johan, "")) == 1 })
	it := g.inbox(g.People.Johan, "")[0]
	if it.ID != halsocoach.IDFrom("referral", own.ID, "0680") || it.Name != "Elsa Berg" || !it.Due.Equal(g.Clock.Now().Add(7*24*time.Hour)) {
		t.Fatalf("%+v", it)
	}
	list, _, err := g.svc.Sent(g.Ctx(), g.People.Vardcentral, "", "")
	if err != nil || len(list) != 2 {
		t.Fatalf("the sender's list has %d, %v", len(list), err)
	}
	again, made, err := g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("k"), wish())
	if err != nil || made || again.ID != own.ID || again.State != referral.Forwarded {
		t.Fatalf("repeat: %+v, %v, %v", again, made, err)
	}
	if _, err := g.svc.Read(g.Ctx(), g.People.Maria, it.ID); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatalf("Maria opens the one at Jönköping: %v", err)
	}
}

func TestForwardingJoinsTheOneThatWaitsThere(t *testing.T) {
	g := open(t)
	there := wish()
	there.Centre = "0680"
	waits := g.sent(g.People.Forening, "a", there)
	own := g.sent(g.People.Vardcentral, "b", wish())
	if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "forward", Centre: "0680"}); err != nil {
		t.Fatal(err)
	}
	g.Eventually("it has joined", func() bool {
		items := g.inbox(g.People.Johan, "")
		return len(items) == 1 && items[0].ID == waits.ID && items[0].Senders == 2
	})
}

func TestEventsConsumedTwiceChangeNothing(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "forward", Centre: "0680"}); err != nil {
		t.Fatal(err)
	}
	g.Eventually("Johan has it", func() bool { return len(g.inbox(g.People.Johan, "")) == 1 })
	// Another consumer name hears the same events from the beginning.
	twin := referral.New(g.svc.Config)
	heard := 0
	err := g.Bus.Consume(g.Ctx(), "test-again", []string{referral.EventForwarded}, func(ctx context.Context, e halsocoach.Event) error {
		for range 2 {
			if err := twin.Heard(ctx, e); err != nil {
				return err
			}
		}
		heard++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	g.Eventually("heard again", func() bool { return heard > 0 })
	if items := g.inbox(g.People.Johan, ""); len(items) != 1 || items[0].Senders != 1 {
		t.Fatalf("%+v", items)
	}
}

func TestTheSenderFollowsItToItsEnd(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "accept"}); err != nil {
		t.Fatal(err)
	}
	if ids, err := g.svc.Unenrolled(g.Ctx(), 10); err != nil || !slices.Equal(ids, []string{own.ID}) {
		t.Fatalf("unenrolled %v, %v", ids, err)
	}
	tell := func(typ, class string) {
		e := halsocoach.Happened(typ, g.Clock.Now(), "0684", "enrolment", map[string]any{"referrals": []string{own.ID, "gone"}, "class": class})
		for range 2 {
			if err := g.svc.Heard(g.Ctx(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	state := func() referral.Own {
		got, err := g.svc.SentOne(g.Ctx(), g.People.Vardcentral, own.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	tell("citizen.enrolled", "")
	if ids, err := g.svc.Unenrolled(g.Ctx(), 10); err != nil || len(ids) != 0 {
		t.Fatalf("unenrolled %v, %v", ids, err)
	}
	tell("citizen.started", "")
	if s := state().State; s != referral.Started {
		t.Fatal(s)
	}
	tell("citizen.ended", "moved")
	if s := state(); s.State != referral.Ended || s.Ended != "moved" {
		t.Fatalf("%+v", s)
	}
	tell("citizen.started", "")
	if s := state(); s.State != referral.Ended {
		t.Fatalf("a late event opened it again: %+v", s)
	}
}

func TestSomebodyElsesIsNotFound(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	rows := len(g.AccessLog.Rows())
	if _, err := g.svc.Read(g.Ctx(), g.People.Johan, own.ID); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Errorf("another centre's coach reads: %v", err)
	}
	if err := g.decide(g.People.Johan, "d", own.ID, referral.Ruling{}); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Errorf("another centre's coach decides: %v", err)
	}
	if _, err := g.svc.SentOne(g.Ctx(), g.People.Forening, own.ID); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Errorf("another sender reads: %v", err)
	}
	if _, _, err := g.svc.Inbox(g.Ctx(), g.People.Maria, "0680", "", ""); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Errorf("another centre's inbox: %v", err)
	}
	if len(g.AccessLog.Rows()) != rows {
		t.Error("what was not shown is logged")
	}
	for _, who := range []halsocoach.Actor{g.People.Elsa, g.People.Kommun, g.People.Region, g.People.Family, g.People.Drift} {
		if _, err := g.svc.Read(g.Ctx(), who, own.ID); !errors.Is(err, halsocoach.ErrForbidden) {
			t.Errorf("%s reads: %v", who.Role, err)
		}
		if _, _, err := g.svc.Recommend(g.Ctx(), who, key("x"), wish()); !errors.Is(err, halsocoach.ErrForbidden) {
			t.Errorf("%s recommends: %v", who.Role, err)
		}
	}
	if _, _, err := g.svc.Recommend(g.Ctx(), halsocoach.Actor{}, key("x"), wish()); !errors.Is(err, halsocoach.ErrSignIn) {
		t.Errorf("nobody recommends: %v", err)
	}
}

func TestEveryReadByStaffIsLogged(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	g.inbox(g.People.Maria, "")
	if _, err := g.svc.Read(g.Ctx(), g.People.Maria, own.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.svc.Sent(g.Ctx(), g.People.Vardcentral, "", ""); err != nil {
		t.Fatal(err)
	}
	if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "accept"}); err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, r := range g.AccessLog.Rows() {
		if !slices.Equal(r.Persons, []string{g.People.Elsa.ID}) {
			t.Errorf("%s is about %v", r.Act, r.Persons)
		}
		acts = append(acts, r.Act)
	}
	if want := []string{"recommend", "read inbox", "read referral", "read own referrals", "decide referral"}; !slices.Equal(acts, want) {
		t.Fatalf("%v", acts)
	}
}

func TestProtectedPeopleShowToTheOneWhoTakesThemIn(t *testing.T) {
	g := open(t)
	w := wish()
	w.Protected, w.Note = true, "Hemligt"
	own := g.sent(g.People.Vardcentral, "k", w)
	if items := g.inbox(g.People.Maria, ""); len(items) != 1 || items[0].Name != "" || !items[0].Protected {
		t.Fatalf("%+v", items)
	}
	hidden := func(d referral.Detail, err error) {
		t.Helper()
		if err != nil || d.Shown || d.Name != "" || d.Words[0].Name+d.Words[0].Phone+d.Words[0].Note != "" {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	hidden(g.svc.Read(g.Ctx(), g.People.Maria, own.ID))
	if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "accept"}); err != nil {
		t.Fatal(err)
	}
	if d, err := g.svc.Read(g.Ctx(), g.People.Maria, own.ID); err != nil || d.Name != "Elsa Berg" || d.Words[0].Note != "Hemligt" {
		t.Fatalf("%+v, %v", d, err)
	}
	colleague := halsocoach.Actor{ID: "coach-2", Role: halsocoach.RoleCoach, Centre: "0684", Kommun: "0684"}
	if _, err := g.svc.Read(g.Ctx(), colleague, own.ID); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatalf("a colleague opens it: %v", err)
	}
	if items := g.inbox(colleague, referral.Accepted); len(items) != 0 {
		t.Fatalf("a colleague's list shows %+v", items)
	}
}

func TestWhatIsCountedIsNameless(t *testing.T) {
	g := open(t)
	g.sent(g.People.Vardcentral, "k", wish())
	hidden := wish()
	hidden.Protected, hidden.Personnummer = true, "200001252386"
	g.sent(g.People.Forening, "l", hidden)
	second := wish() // joins the first: the same person, counted once
	g.sent(g.People.Forening, "m", second)
	var facts []halsocoach.Fact
	g.Eventually("two facts", func() bool {
		facts = nil
		if err := g.Bus.EachFact(g.Ctx(), func(f halsocoach.Fact) error { facts = append(facts, f); return nil }); err != nil {
			t.Fatal(err)
		}
		return len(facts) == 2
	})
	slices.SortFunc(facts, func(a, b halsocoach.Fact) int { return strings.Compare(b.Kommun, a.Kommun) })
	f := facts[0]
	want := map[string]string{"source": "vårdcentral", "topic": "mat|sömn", "sex": "kvinna", "age": "18-29"}
	if f.Type != "recommendation" || f.Kommun != "0684" || f.Day != "2026-11-23" || fmt.Sprint(f.Dims) != fmt.Sprint(want) {
		t.Errorf("%+v", f)
	}
	f = facts[1]
	if f.Kommun != halsocoach.County || f.Dims["sex"] != "" || f.Dims["age"] != "" || f.Dims["source"] != "förening" {
		t.Errorf("protected: %+v", f)
	}
}

func TestNothingPersonalLiesOpenInTheStore(t *testing.T) {
	g := open(t)
	w := wish()
	w.Email, w.Note = "elsa@berg.se", "Vill komma igång igen"
	own := g.sent(g.People.Vardcentral, "k", w)
	docs, err := g.Store.Get(g.Ctx(), "referrals", own.ID)
	if err != nil || len(docs) != 1 {
		t.Fatal(err)
	}
	for _, secret := range []string{"Elsa", "Berg", "070", "elsa@", "Vill", "2003", "2389"} {
		if strings.Contains(string(docs[0].Body), secret) {
			t.Errorf("%q lies open", secret)
		}
	}
}

func TestTheInboxGoesByThePromiseAndByPages(t *testing.T) {
	g := open(t)
	for i := range 52 {
		w := wish()
		w.Personnummer = ""
		w.Name = fmt.Sprintf("Person %02d", i)
		g.sent(g.People.Vardcentral, fmt.Sprint("k", i), w)
		g.Clock.Add(time.Minute)
	}
	items, next, err := g.svc.Inbox(g.Ctx(), g.People.Maria, "0684", "", "")
	if err != nil || len(items) != 50 || items[0].Name != "Person 00" || next == "" {
		t.Fatalf("%d, %q, %v", len(items), next, err)
	}
	items, next, err = g.svc.Inbox(g.Ctx(), g.People.Maria, "", referral.Received, next)
	if err != nil || len(items) != 2 || items[1].Name != "Person 51" || next != "" {
		t.Fatalf("%d, %q, %v", len(items), next, err)
	}
	if _, _, err := g.svc.Inbox(g.Ctx(), g.People.Maria, "", "", "not a cursor"); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatalf("a made-up cursor: %v", err)
	}
	n, due, err := g.svc.Waiting(g.Ctx(), g.People.Maria)
	if err != nil || n != 52 || !due.Equal(testenv.Morning().Add(7*24*time.Hour)) {
		t.Fatalf("waiting %d, %v, %v", n, due, err)
	}
}

func TestAcceptedTellsWhatTheEnrolmentIsMadeFrom(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	if _, err := g.svc.Accepted(g.Ctx(), own.ID); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatalf("before it is: %v", err)
	}
	second := wish()
	second.Phone, second.Email, second.Topics = "", "elsa@berg.se", []halsocoach.Topic{"mat"}
	g.sent(g.People.Forening, "l", second)
	if err := g.decide(g.People.Maria, "d", own.ID, referral.Ruling{Decision: "accept"}); err != nil {
		t.Fatal(err)
	}
	a, err := g.svc.Accepted(g.Ctx(), own.ID)
	if err != nil || a.Person != g.People.Elsa.ID || a.Coach != "maria" || a.Name != "Elsa Berg" || a.Phone != "070-123 45 67" || a.Email != "elsa@berg.se" ||
		a.Source != halsocoach.FromCareCentre || len(a.Topics) != 2 || a.Sex != "kvinna" || a.AgeBand != "18-29" || !a.At.Equal(g.Clock.Now()) {
		t.Fatalf("%+v, %v", a, err)
	}
	all, err := g.svc.OfPerson(g.Ctx(), g.People.Elsa)
	if err != nil || len(all) != 1 || all[0].State != "antagen" || all[0].Centre != "0684" {
		t.Fatalf("%+v, %v", all, err)
	}
}

func TestEveryKindCanBeFoundByPerson(t *testing.T) {
	for _, k := range referral.Kinds() {
		if !slices.ContainsFunc(k.Indexes, func(i store.Index) bool { return i.Name == "person" && i.Fields[0].Path == "person" }) {
			t.Errorf("%s has no index person", k.Name)
		}
	}
}
