package sender_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

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
		testenv.Wants(t, testenv.ErrOf(g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("k"+number), w)), halsocoach.ErrKeyReused)
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

func TestAWishIsKeptWithoutControlCharacters(t *testing.T) {
	g := open(t)
	w := wish()
	w.Name, w.Phone, w.Email, w.Note = "El\x00sa Berg\x1b", "070-123\x00 45 67", "elsa@\x00berg.se", "Ont\r\ni knäna\x07"
	one := g.sent(g.People.Vardcentral, "a", w)
	d, err := g.coach.Open(g.Ctx(), g.People.Maria, one.ID)
	if err != nil || d.Name != "Elsa Berg" || d.Words[0].Phone != "070-123 45 67" || d.Words[0].Email != "elsa@berg.se" || d.Words[0].Note != "Ont\ni knäna" {
		t.Fatalf("%+v, %v", d, err)
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
	two := g.sent(sara, "b", second)
	if two.ID == one.ID || two.ID != key("b").ID(sara, "referrals") {
		t.Fatalf("the second got %s, the first %s: the id tells that somebody was before", two.ID, one.ID)
	}
	for _, c := range []struct {
		who         halsocoach.Actor
		own, others string
	}{{g.People.Vardcentral, one.ID, two.ID}, {sara, two.ID, one.ID}} {
		if got, err := g.svc.SentOne(g.Ctx(), c.who, c.own); err != nil || got.ID != c.own {
			t.Fatalf("%s reads their own: %+v, %v", c.who.Role, got, err)
		}
		testenv.Wants(t, testenv.ErrOf(g.svc.SentOne(g.Ctx(), c.who, c.others)), halsocoach.ErrNotFound)
	}
	if two.Name != "Elsa B" || !slices.Equal(two.Topics, second.Topics) || !two.Received.Equal(g.Clock.Now()) || two.Due.Sub(two.Received) != 7*24*time.Hour {
		t.Fatalf("the second sees %+v", two)
	}
	again, made, err := g.svc.Recommend(g.Ctx(), sara, key("b"), second)
	if err != nil || made || again.Name != "Elsa B" {
		t.Fatalf("repeat of the joined: %+v, %v, %v", again, made, err)
	}
	testenv.Wants(t, testenv.ErrOf(g.svc.Recommend(g.Ctx(), sara, key("b"), first)), halsocoach.ErrKeyReused)
	for _, who := range []halsocoach.Actor{g.People.Vardcentral, sara} {
		list, _, err := g.svc.Sent(g.Ctx(), who, "", "")
		if err != nil || len(list) != 1 {
			t.Fatalf("%s has %d in the list, %v", who.Role, len(list), err)
		}
	}
	d, err := g.coach.Open(g.Ctx(), g.People.Maria, one.ID)
	if err != nil || len(d.Words) != 2 || d.Words[0].Note != "Från vårdcentralen" || d.Words[1].Note != "Från föreningen" || len(d.Topics) != 3 {
		t.Fatalf("the coach sees %+v, %v", d, err)
	}
	if len(g.inbox(g.People.Maria, "")) != 1 {
		t.Fatal("two in the inbox")
	}
	if err := g.decide(g.People.Maria, "d", two.ID, inbox.Ruling{Decision: "accept"}); err != nil {
		t.Fatalf("the coach decides by the second's id: %v", err)
	}
	for who, id := range map[*halsocoach.Actor]string{&g.People.Vardcentral: one.ID, &sara: two.ID} {
		if got, err := g.svc.SentOne(g.Ctx(), *who, id); err != nil || got.State != record.Accepted {
			t.Fatalf("%s sees %+v, %v", who.Role, got, err)
		}
	}
}

func TestTheOrderOfOnesOwnTellsNothingOfOthers(t *testing.T) {
	g := open(t)
	g.sent(g.People.Vardcentral, "a", wish())
	g.Clock.Add(time.Hour)
	other := wish()
	other.Personnummer = ""
	before := g.sent(sara, "b", other)
	g.Clock.Add(time.Hour)
	joined := g.sent(sara, "c", wish())
	list, _, err := g.svc.Sent(g.Ctx(), sara, "", "")
	if err != nil || len(list) != 2 || list[0].ID != joined.ID || list[1].ID != before.ID {
		t.Fatalf("%+v, %v: the newest of one's own comes first", list, err)
	}
}

func TestAForwardedOneIsReadByEachSenderUnderTheirOwnIDs(t *testing.T) {
	g := open(t)
	one := g.sent(g.People.Vardcentral, "a", wish())
	two := g.sent(sara, "b", wish())
	testenv.Must(g.T, g.decide(g.People.Maria, "f", one.ID, inbox.Ruling{Decision: "forward", Centre: "0680"}))
	seen := map[string]bool{}
	for _, who := range []halsocoach.Actor{g.People.Vardcentral, sara} {
		var list []record.SenderView
		g.Eventually("the forwarded one is there", func() bool {
			list, _, _ = g.svc.Sent(g.Ctx(), who, "", "")
			return len(list) == 2
		})
		for _, o := range list {
			if got, err := g.svc.SentOne(g.Ctx(), who, o.ID); err != nil || got.Centre != o.Centre || got.State != o.State || seen[o.ID] {
				t.Fatalf("%s reads %+v as %+v, %v", who.Role, o, got, err)
			}
			seen[o.ID] = true
		}
	}
	if !seen[one.ID] || !seen[two.ID] || len(seen) != 4 {
		t.Fatalf("ids %v", seen)
	}
}

func TestAMillionTopicsAreRefusedAtOnce(t *testing.T) {
	g := open(t)
	w := wish()
	w.Topics = nil
	for i := range 1_000_000 {
		w.Topics = append(w.Topics, halsocoach.Topic(strconv.Itoa(i)))
	}
	_, _, err := g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("m"), w)
	if halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatal(err)
	}
}

func TestSomebodyElsesIsNotFound(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	rows := len(g.AccessLog.Rows())
	if _, err := g.coach.Open(g.Ctx(), g.People.Johan, own.ID); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Errorf("another centre's coach reads: %v", err)
	}
	if err := g.decide(g.People.Johan, "d", own.ID, inbox.Ruling{}); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Errorf("another centre's coach decides: %v", err)
	}
	if _, err := g.svc.SentOne(g.Ctx(), sara, own.ID); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Errorf("another sender reads: %v", err)
	}
	if _, _, err := g.coach.Inbox(g.Ctx(), g.People.Maria, "0680", "", ""); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Errorf("another centre's inbox: %v", err)
	}
	if len(g.AccessLog.Rows()) != rows {
		t.Error("what was not shown is logged")
	}
	for _, who := range []halsocoach.Actor{g.People.Elsa, g.People.Kommun, g.People.Region, g.People.Family, g.People.Drift} {
		if _, err := g.coach.Open(g.Ctx(), who, own.ID); !errors.Is(err, halsocoach.ErrForbidden) {
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
	testenv.Must(t, testenv.ErrOf(g.coach.Open(g.Ctx(), g.People.Maria, own.ID)))
	testenv.Must(t, testenv.ErrOf(g.svc.Sent(g.Ctx(), g.People.Vardcentral, "", "")))
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "accept"}))
	var acts []halsocoach.Act
	for _, r := range g.AccessLog.Rows() {
		if !slices.Equal(r.Persons, []string{g.People.Elsa.ID}) {
			t.Errorf("%s is about %v", r.Act, r.Persons)
		}
		acts = append(acts, r.Act)
	}
	if want := []halsocoach.Act{"recommend", "read inbox", "read referral", halsocoach.ActReadSent, "decide referral"}; !slices.Equal(acts, want) {
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
	hidden := func(d inbox.View, err error) {
		t.Helper()
		if err != nil || d.Shown || d.Name != "" || d.Words[0].Name+d.Words[0].Phone+d.Words[0].Note != "" {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	hidden(g.coach.Open(g.Ctx(), g.People.Maria, own.ID))
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "accept"}))
	if d, err := g.coach.Open(g.Ctx(), g.People.Maria, own.ID); err != nil || d.Name != "Elsa Berg" || d.Words[0].Note != "Hemligt" {
		t.Fatalf("%+v, %v", d, err)
	}
	colleague := halsocoach.Actor{ID: "coach-2", Role: halsocoach.RoleCoach, Centre: "0684", Kommun: "0684"}
	testenv.Wants(t, testenv.ErrOf(g.coach.Open(g.Ctx(), colleague, own.ID)), halsocoach.ErrNotFound)
	if items := g.inbox(colleague, record.Accepted); len(items) != 0 {
		t.Fatalf("a colleague's list shows %+v", items)
	}
}

func TestWhatIsCountedIsNameless(t *testing.T) {
	g := open(t)
	g.sent(g.People.Vardcentral, "k", wish())
	hidden := wish()
	hidden.Protected, hidden.Personnummer = true, ""
	g.sent(g.People.Forening, "l", hidden)
	second := wish() // joins the first: the same person, counted once
	g.sent(sara, "m", second)
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
	for _, secret := range []string{"Elsa Berg", "070-123", "elsa@berg.se", "komma igång", testenv.ElsasNumber} {
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
	items, next, err := g.coach.Inbox(g.Ctx(), g.People.Maria, "0684", "", "")
	if err != nil || len(items) != 50 || items[0].Name != "Person 00" || next == "" {
		t.Fatalf("%d, %q, %v", len(items), next, err)
	}
	items, next, err = g.coach.Inbox(g.Ctx(), g.People.Maria, "", "", next)
	if err != nil || len(items) != 2 || items[1].Name != "Person 51" || next != "" {
		t.Fatalf("%d, %q, %v", len(items), next, err)
	}
	if _, _, err := g.coach.Inbox(g.Ctx(), g.People.Maria, "", "", "not a cursor"); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatalf("a made-up cursor: %v", err)
	}
	n, due, err := g.coach.Waiting(g.Ctx(), g.People.Maria)
	if err != nil || n != 52 || !due.Equal(testenv.Morning().Add(7*24*time.Hour)) {
		t.Fatalf("waiting %d, %v, %v", n, due, err)
	}
}

func TestEveryKindCanBeFoundByPerson(t *testing.T) {
	for _, k := range record.Kinds() {
		if !slices.ContainsFunc(k.Indexes, func(i store.Index) bool { return i.Name == "person" && i.Fields[0].Path == "person" }) {
			t.Errorf("%s has no index person", k.Name)
		}
	}
}
