package citizen_test

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
	"halsocoach/citizen"
	"halsocoach/internal/person"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/referral/record"
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
	testenv.Must(t, err)
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
	if names, err := g.svc.Names(g.Ctx(), id); err != nil || names[id] != "Elsa Berg" {
		t.Fatal(names, err)
	}
	own, err := g.svc.OfPerson(g.Ctx(), g.People.Elsa)
	if err != nil || len(own) != 1 || own[0].ID != id {
		t.Fatalf("%+v, %v", own, err)
	}
	g.Eventually("the recommendation knows", func() bool {
		ids, _, err := g.records.Unenrolled(g.Ctx(), time.Time{}, g.Clock.Now().Add(time.Hour), "")
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
	ref := g.accept(record.NewReferral{Name: "Nils Ek", Email: "nils@ek.se", Topics: []halsocoach.Topic{"mat"}, Centre: "0684", Consent: true})
	testenv.Together(8, func(int) {
		if err := g.svc.Accepted(g.Ctx(), halsocoach.Event{Type: "referral.accepted", Subject: ref}); err != nil {
			t.Error(err)
		}
	})
	rows, _, err := g.svc.Caseload(g.Ctx(), g.People.Maria, "")
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d in the caseload, %v", len(rows), err)
	}
	testenv.Must(t, g.svc.Accepted(g.Ctx(), halsocoach.Event{Subject: "no such"}))
	testenv.Must(t, testenv.ErrOf(g.svc.Enrolment(g.Ctx(), e.ID)))
}

func TestThoseWhoseEventWasLostAreTakenIn(t *testing.T) {
	g := asleep(t)
	ref := g.accept(wish())
	// The event is published while nobody listens, and then thrown away by a
	// consumer of the same name that does nothing.
	ctx, stop := context.WithCancel(g.Ctx())
	lost := make(chan bool, 8)
	testenv.Must(t, g.Bus.Consume(ctx, "citizen", []string{"referral.accepted"}, func(context.Context, halsocoach.Event) error { lost <- true; return nil }))
	<-lost
	stop()
	g.wake()
	g.Clock.Add(time.Minute)
	left := store.Finisher{Unfinished: g.svc.Unfinished(), Clock: g.Clock.Now, Log: g.Log}
	if n, err := left.Round(g.Ctx()); n != 1 || err != nil {
		t.Fatalf("finished %d, %v", n, err)
	}
	testenv.Must(t, testenv.ErrOf(g.svc.Enrolment(g.Ctx(), halsocoach.IDFrom("enrolment", ref))))
	g.Eventually("nobody is left", func() bool {
		ids, _, err := g.records.Unenrolled(g.Ctx(), time.Time{}, g.Clock.Now().Add(time.Hour), "")
		return err == nil && len(ids) == 0
	})
	if n, err := left.Round(g.Ctx()); n != 0 || err != nil {
		t.Fatalf("finished %d again, %v", n, err)
	}
}

func TestASecondRecommendationJoinsTheOpenEnrolment(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	testenv.Must(t, g.svc.ClaimTalk(g.Ctx(), e.ID, first("a", 24)))
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
		own, err := g.sender.SentOne(g.Ctx(), g.People.Vardcentral, ref)
		return err == nil && own.State == record.Started
	})
}

func TestFiftyClaimsOfAFirstTalkTakeOne(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	faults := make([]error, 50)
	testenv.Together(len(faults), func(i int) {
		faults[i] = g.svc.ClaimTalk(g.Ctx(), e.ID, first(fmt.Sprint(i), float64(24+2*i)))
	})
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
		testenv.Must(t, err)
		return f.Next
	}
	for _, hours := range []float64{24, 24, 30} {
		testenv.Must(t, g.svc.ClaimTalk(g.Ctx(), e.ID, first("a", hours)))
	}
	if n := next(); n == nil || !n.Starts.Equal(at(30)) {
		t.Fatalf("%+v", n)
	}
	for range 2 {
		testenv.Must(t, g.svc.FreeTalk(g.Ctx(), e.ID, "a"))
	}
	if n := next(); n != nil {
		t.Fatalf("%+v", n)
	}
	testenv.Wants(t, g.svc.ClaimTalk(g.Ctx(), "nobody", first("a", 24)), halsocoach.ErrNotFound)
}

func TestACoachIsToldThatARecommendationWasAMistake(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	sent, _, err := g.sender.Sent(g.Ctx(), g.People.Vardcentral, "", "")
	if err != nil || len(sent) != 1 {
		t.Fatal(sent, err)
	}
	testenv.Must(t, testenv.ErrOf(g.sender.EnterInError(g.Ctx(), g.People.Vardcentral, sent[0].ID)))
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

func TestProtectedIdentityThatIsLearntLaterHoldsEverywhere(t *testing.T) {
	g, app := openPages(t)
	e := g.enrolled(wish())
	testenv.Must(t, testenv.ErrOf(g.svc.SetGoal(g.Ctx(), g.People.Elsa, key("g"), goalWish())))
	testenv.Must(t, g.svc.ClaimTalk(g.Ctx(), e.ID, first("a", 24)))
	colleague := g.People.Maria
	colleague.ID = "lena"
	shows := func(protected bool) {
		t.Helper()
		if names, err := g.svc.Names(g.Ctx(), e.ID); err != nil || strings.Contains(names[e.ID], "Elsa") == protected {
			t.Errorf("called %q, %v", names[e.ID], err)
		}
		for _, page := range []testenv.Response{app.As(g.People.Maria).Get("/invanare"), app.As(g.People.Maria).Post("/invanare/sok", url.Values{"fraga": {"els"}})} {
			if page.Status != 200 || strings.Contains(page.Body, "Elsa Berg") == protected || strings.Contains(page.Body, "Skyddade personuppgifter") != protected {
				t.Errorf("a list shows %d %s", page.Status, page.Body)
			}
		}
		if f, err := g.svc.Open(g.Ctx(), g.People.Maria, e.ID); err != nil || f.Protected != protected || f.Contact == protected || f.Phone == "" != protected {
			t.Errorf("the coach's page: %+v, %v", f, err)
		}
		_, err := g.svc.Open(g.Ctx(), colleague, e.ID)
		if errors.Is(err, halsocoach.ErrNotFound) != protected {
			t.Errorf("a colleague opens: %v", err)
		}
		if found, err := g.svc.Search(g.Ctx(), colleague, "Elsa"); err != nil || (len(found) == 0) != protected {
			t.Errorf("a colleague finds %v, %v", found, err)
		}
		if phone, err := g.svc.PhoneFor(g.Ctx(), g.People.Maria, e.ID); err != nil || phone == "" != protected {
			t.Errorf("the number on a talk: %q, %v", phone, err)
		}
	}
	shows(false)
	testenv.Must(t, g.Persons.Protect(g.Ctx(), g.People.Forening, e.Person, person.ByRecommending))
	shows(true)
	testenv.Must(t, g.Persons.Unprotect(g.Ctx(), g.People.Region, e.Person, "beslut"))
	shows(false)
	testenv.Must(t, g.Persons.Protect(g.Ctx(), g.People.Maria, e.Person, person.ByStaff))
	testenv.Must(t, g.svc.End(g.Ctx(), g.People.Maria, key("e"), e.ID, "moved"))
	g.Eventually("the end is counted for the county only", func() bool {
		ended := slices.DeleteFunc(g.Facts(), func(f halsocoach.Fact) bool { return f.Type != halsocoach.CountEnded })
		return len(ended) == 1 && ended[0].Kommun == halsocoach.County && ended[0].Dims[halsocoach.DimSex] == ""
	})
}

// numberless is a person without number whom an association recommends.
func numberless() record.NewReferral {
	w := wish()
	w.Personnummer = ""
	return w
}

func TestAnotherIDOfThePersonJoinsTheOpenEnrolment(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	other, err := g.Seal.NewPerson(g.Ctx())
	testenv.Must(t, err)
	testenv.Must(t, g.Persons.Join(g.Ctx(), g.People.Maria, e.Person, other))
	a := halsocoach.Accepted{Referral: "another", Person: other, Centre: "0684", Coach: "maria", Source: halsocoach.FromAssociation,
		Topics: []halsocoach.Topic{"mat"}, Name: "Elsa Berg", Email: "elsa@berg.se", At: g.Clock.Now()}
	for range 2 {
		joined, err := g.svc.Enrol(g.Ctx(), a)
		if err != nil || joined.ID != e.ID || len(joined.Referrals) != 2 {
			t.Fatalf("%+v, %v", joined, err)
		}
	}
	if f, err := g.svc.Open(g.Ctx(), g.People.Maria, e.ID); err != nil || f.Phone != "070-123 45 67" || f.Email != "" {
		t.Fatalf("what was said under another id does not stay with it: %+v, %v", f, err)
	}
}

func TestTwoEnrolmentsOfOnePersonStandSideBySideUntilOneIsEnded(t *testing.T) {
	g, app := openPages(t)
	e := g.enrolled(wish())
	other, err := g.svc.Enrolment(g.Ctx(), halsocoach.IDFrom("enrolment", g.accept(numberless())))
	g.Eventually("the other enrolment", func() bool {
		all, _, cerr := g.svc.Caseload(g.Ctx(), g.People.Maria, "")
		if cerr != nil || len(all) != 2 {
			return false
		}
		for _, r := range all {
			if r.ID != e.ID {
				other, err = g.svc.Enrolment(g.Ctx(), r.ID)
			}
		}
		return err == nil
	})
	self := g.People.Elsa
	asOther := self
	asOther.ID = other.Person
	goal, _, err := g.svc.SetGoal(g.Ctx(), asOther, key("g"), goalWish())
	testenv.Must(t, err)
	if r := app.As(g.People.Maria).Get("/invanare/" + e.ID); strings.Contains(r.Body, "/invanare/"+other.ID) {
		t.Fatal("two persons are taken for one")
	}
	testenv.Must(t, g.Persons.Join(g.Ctx(), g.People.Maria, e.Person, other.Person))
	has(t, app.As(g.People.Maria).Get("/invanare/"+e.ID), 200, `href="/invanare/`+other.ID+`"`, "Jag vill orka gå till affären")
	has(t, app.As(g.People.Maria).Get("/invanare/"+other.ID), 200, `href="/invanare/`+e.ID+`"`)
	has(t, app.As(self).Get("/min-halsa"), 200, "Jag vill orka gå till affären")
	testenv.Must(t, testenv.ErrOf(g.svc.CheckIn(g.Ctx(), self, key("c"), goal.ID, citizen.CheckInInput{Step: 1, Outcome: "done", Words: "Gick bra"})))
	if all, err := g.svc.OfPerson(g.Ctx(), self); err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	if at, err := g.svc.EnrolmentsAt(g.Ctx(), "0684", self.ID, other.Person); err != nil || len(at) != 2 {
		t.Fatalf("%+v, %v", at, err)
	}
	testenv.Must(t, g.Persons.Protect(g.Ctx(), g.People.Maria, other.Person, person.ByStaff))
	if names, err := g.svc.Names(g.Ctx(), e.ID); err != nil || strings.Contains(names[e.ID], "Elsa") {
		t.Fatalf("protected under one id, called %q, %v, under the other", names[e.ID], err)
	}
	testenv.Must(t, g.svc.End(g.Ctx(), g.People.Maria, key("e"), other.ID, "other"))
	if r := app.As(g.People.Maria).Get("/invanare/" + e.ID); strings.Contains(r.Body, "/invanare/"+other.ID) {
		t.Fatal("what has ended still stands beside it")
	}
	for _, joined := range mustOf(t, g, e.Person).Joins {
		testenv.Must(t, g.Persons.Part(g.Ctx(), g.People.Maria, joined.ID))
	}
	if goals, _, err := g.svc.Goals(g.Ctx(), self, ""); err != nil || len(goals) != 0 {
		t.Fatalf("parted, and still the other's goals: %+v, %v", goals, err)
	}
	if goals, _, err := g.svc.Goals(g.Ctx(), asOther, ""); err != nil || len(goals) != 1 || goals[0].LastOf[1].Words != "Gick bra" {
		t.Fatalf("%+v, %v", goals, err)
	}
}

func mustOf(t *testing.T, g ground, id string) person.Identity {
	t.Helper()
	one, err := g.Persons.Of(g.Ctx(), id)
	testenv.Must(t, err)
	return one
}

func TestGoalsOfAPersonWithTwoIDsArePaged(t *testing.T) {
	g := open(t)
	other, err := g.Seal.NewPerson(g.Ctx())
	testenv.Must(t, err)
	self := g.People.Elsa
	asOther := self
	asOther.ID = other
	testenv.Must(t, g.Persons.Join(g.Ctx(), g.People.Maria, self.ID, other))
	const each = 60
	for i := range each {
		for _, who := range []halsocoach.Actor{self, asOther} {
			testenv.Must(t, testenv.ErrOf(g.svc.SetGoal(g.Ctx(), who, key(fmt.Sprint("g", i)), goalWish())))
		}
	}
	seen := map[string]bool{}
	for after := ""; ; {
		page, next, err := g.svc.Goals(g.Ctx(), self, after)
		if err != nil || len(page) == 0 && len(seen) == 0 {
			t.Fatal(len(page), err)
		}
		for _, v := range page {
			seen[v.ID] = true
		}
		if after = next; next == "" {
			break
		}
	}
	if len(seen) != 2*each {
		t.Fatalf("%d of %d goals on the pages", len(seen), 2*each)
	}
	for _, after := range []string{"9.x", "-1.", "x.y", "0.nonsense"} {
		if _, _, err := g.svc.Goals(g.Ctx(), self, after); halsocoach.KindOf(err) != halsocoach.KindInvalid {
			t.Errorf("after %q: %v", after, err)
		}
	}
}
