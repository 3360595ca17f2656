package citizen_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"halsocoach"
	"halsocoach/citizen"
	"halsocoach/internal/store"
	"halsocoach/referral"
)

func TestAnAcceptedRecommendationBecomesAnEnrolment(t *testing.T) {
	g := open(t)
	var told []halsocoach.Event
	var mu sync.Mutex
	err := g.Bus.Consume(g.Ctx(), "test", []string{citizen.EventEnrolled}, func(_ context.Context, e halsocoach.Event) error {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ref := g.accept(wish())
	id := halsocoach.IDFrom("enrolment", ref)
	g.Eventually("citizen.enrolled", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(told) == 1 && told[0].Subject == id && told[0].Kommun == "0684"
	})
	e, err := g.svc.Enrolment(g.Ctx(), id)
	want := halsocoach.Enrolment{ID: id, Referral: ref, Person: g.People.Elsa.ID, Centre: "0684", Kommun: "0684", Coach: "maria", Source: "vårdcentral",
		Topics: []halsocoach.Topic{"sömn"}, Sex: "kvinna", AgeBand: "18-29", Since: g.Clock.Now().UTC()}
	if err != nil || fmt.Sprint(e) != fmt.Sprint(want) {
		t.Fatalf("%+v, %v\nwant %+v", e, err, want)
	}
	if name, err := g.svc.Name(g.Ctx(), id); err != nil || name != "Elsa Berg" {
		t.Fatal(name, err)
	}
	own, err := g.svc.OfPerson(g.Ctx(), g.People.Elsa)
	if err != nil || len(own) != 1 || own[0].ID != id {
		t.Fatalf("%+v, %v", own, err)
	}
	g.Eventually("the recommendation knows", func() bool {
		ids, err := g.referral.Unenrolled(g.Ctx(), 10)
		return err == nil && len(ids) == 0
	})
	docs, err := g.Store.Get(g.Ctx(), "enrolments", id)
	if err != nil || strings.Contains(string(docs[0].Body), "Elsa Berg") || strings.Contains(string(docs[0].Body), "070-123") {
		t.Fatal("something personal lies open", err)
	}
}

func TestEventsConsumedTwiceEnrolOnce(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	ref := g.accept(referral.Wish{Name: "Nils Ek", Email: "nils@ek.se", Topics: []halsocoach.Topic{"mat"}, Centre: "0684", Consent: true})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := g.svc.Accepted(g.Ctx(), halsocoach.Event{Type: "referral.accepted", Subject: ref}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	rows, _, err := g.svc.Caseload(g.Ctx(), g.People.Maria, "")
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d in the caseload, %v", len(rows), err)
	}
	if err := g.svc.Accepted(g.Ctx(), halsocoach.Event{Subject: "no such"}); err != nil {
		t.Fatalf("one that is not accepted holds up the others: %v", err)
	}
	if _, err := g.svc.Enrolment(g.Ctx(), e.ID); err != nil {
		t.Fatal(err)
	}
}

func TestTheSweepTakesInThoseWhoseEventWasLost(t *testing.T) {
	g := asleep(t)
	ref := g.accept(wish())
	// The event is published while nobody listens, and then thrown away by a
	// consumer of the same name that does nothing.
	ctx, stop := context.WithCancel(g.Ctx())
	lost := make(chan bool, 8)
	if err := g.Bus.Consume(ctx, "citizen", []string{"referral.accepted"}, func(context.Context, halsocoach.Event) error { lost <- true; return nil }); err != nil {
		t.Fatal(err)
	}
	<-lost
	stop()
	g.wake()
	g.Eventually("the enrolment", func() bool {
		_, err := g.svc.Enrolment(g.Ctx(), halsocoach.IDFrom("enrolment", ref))
		return err == nil
	})
	g.Eventually("nobody is left", func() bool {
		ids, err := g.referral.Unenrolled(g.Ctx(), 10)
		return err == nil && len(ids) == 0
	})
	if n, err := g.svc.Sweep(g.Ctx()); n != 0 || err != nil {
		t.Fatalf("swept %d again, %v", n, err)
	}
}

func TestASecondRecommendationJoinsTheOpenEnrolment(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	if err := g.svc.ClaimTalk(g.Ctx(), e.ID, first("a", 24)); err != nil {
		t.Fatal(err)
	}
	again := wish()
	again.Topics, again.Email = []halsocoach.Topic{"mat"}, "elsa@berg.se"
	ref := g.accept(again)
	g.Eventually("it has joined", func() bool {
		id, err := g.svc.OfReferral(g.Ctx(), g.People.Maria, ref)
		return err == nil && id == e.ID
	})
	f, err := g.svc.Open(g.Ctx(), g.People.Maria, e.ID)
	if err != nil || len(f.Topics) != 2 || f.Email != "elsa@berg.se" || f.Phone != "070-123 45 67" {
		t.Fatalf("%+v, %v", f, err)
	}
	g.Eventually("the sender sees that it has begun", func() bool {
		own, err := g.referral.SentOne(g.Ctx(), g.People.Vardcentral, ref)
		return err == nil && own.State == referral.Started
	})
}

func TestFiftyClaimsOfAFirstTalkTakeOne(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	var wg sync.WaitGroup
	faults := make([]error, 50)
	for i := range faults {
		wg.Go(func() { faults[i] = g.svc.ClaimTalk(g.Ctx(), e.ID, first(fmt.Sprint(i), float64(24+2*i))) })
	}
	wg.Wait()
	won := 0
	for _, err := range faults {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, citizen.ErrFirstTalk):
			t.Fatal(err)
		}
	}
	if won != 1 {
		t.Fatalf("%d have a first talk", won)
	}
}

func TestATalkIsMovedAndGivenBack(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	next := func() *citizen.Talk {
		f, err := g.svc.Open(g.Ctx(), g.People.Maria, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		return f.Next
	}
	for _, hours := range []float64{24, 24, 30} {
		if err := g.svc.ClaimTalk(g.Ctx(), e.ID, first("a", hours)); err != nil {
			t.Fatal(err)
		}
	}
	if n := next(); n == nil || !n.Starts.Equal(at(30)) {
		t.Fatalf("%+v", n)
	}
	for range 2 {
		if err := g.svc.FreeTalk(g.Ctx(), e.ID, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if n := next(); n != nil {
		t.Fatalf("%+v", n)
	}
	if err := g.svc.ClaimTalk(g.Ctx(), "nobody", first("a", 24)); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestEveryKindCanBeFoundByPerson(t *testing.T) {
	for _, k := range citizen.Kinds() {
		if !slices.ContainsFunc(k.Indexes, func(i store.Index) bool { return i.Name == "person" && i.Fields[0].Path == "person" }) {
			t.Errorf("%s has no index person", k.Name)
		}
	}
}

func TestACoachIsToldThatARecommendationWasAMistake(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	sent, _, err := g.referral.Sent(g.Ctx(), g.People.Vardcentral, "", "")
	if err != nil || len(sent) != 1 {
		t.Fatal(sent, err)
	}
	if _, err := g.referral.EnterInError(g.Ctx(), g.People.Vardcentral, sent[0].ID); err != nil {
		t.Fatal(err)
	}
	var f citizen.File
	g.Eventually("Maria is told", func() bool {
		if f, err = g.svc.Open(g.Ctx(), g.People.Maria, e.ID); err != nil {
			t.Fatal(err)
		}
		return f.Mistaken != nil
	})
	if f.Ended || f.Name == "" {
		t.Fatalf("something was taken away: %+v", f)
	}
}

func TestProtectedIdentityThatIsLearntLaterShutsTheFile(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	if e.Protected {
		t.Fatalf("%+v", e)
	}
	w := wish()
	w.Protected = true
	if _, _, err := g.referral.Recommend(g.Ctx(), g.People.Forening, key("later"), w); err != nil {
		t.Fatal(err)
	}
	g.Eventually("the file is shut to others", func() bool {
		now, err := g.svc.Enrolment(g.Ctx(), e.ID)
		return err == nil && now.Protected
	})
}
