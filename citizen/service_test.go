package citizen_test

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
	"halsocoach/citizen"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/referral"
)

// ground is citizen and referral on one real store, tied as cmd ties them.
type ground struct {
	*testenv.Env
	referral *referral.Service
	svc      *citizen.Service
	agenda   *agenda
}

// agenda is what other packages have booked.
type agenda struct{ items []halsocoach.Appointment }

func (a *agenda) Coming(context.Context, halsocoach.Actor) ([]halsocoach.Appointment, error) {
	return a.items, nil
}

func (a *agenda) ComingOf(context.Context, halsocoach.Actor, string) ([]halsocoach.Appointment, error) {
	return a.items, nil
}

func (a *agenda) Unread(context.Context, halsocoach.Actor) (halsocoach.Unread, error) {
	return halsocoach.Unread{Conversations: 1, Messages: 2, Path: "/chatt/x"}, nil
}

// asleep is the ground before the consumers run.
func asleep(t *testing.T) ground {
	t.Helper()
	env := testenv.New(t, referral.Kinds(), citizen.Kinds())
	g := ground{Env: env, agenda: &agenda{}}
	g.referral = referral.New(referral.Config{Store: env.Store, Seal: env.Seal, Clock: env.Clock.Now, Settings: env.Terms,
		Registers: env.Registers, Staff: env.Staff, AccessLog: env.AccessLog})
	g.svc = citizen.New(citizen.Config{Store: env.Store, Seal: env.Seal, Clock: env.Clock.Now, Log: env.Log, Staff: env.Staff, Registers: env.Registers,
		AccessLog: env.AccessLog, Referrals: g.referral, Agendas: []citizen.Agenda{g.agenda}, Talks: g.agenda, Messages: g.agenda})
	return g
}

func (g ground) wake() ground {
	g.T.Helper()
	ctx, stop := context.WithCancel(context.Background())
	g.T.Cleanup(stop)
	if err := errors.Join(g.referral.Start(ctx, g.Bus), g.svc.Start(ctx, g.Bus)); err != nil {
		g.T.Fatal(err)
	}
	return g
}

func open(t *testing.T) ground { return asleep(t).wake() }

func key(k string) halsocoach.Request { return halsocoach.Request{Key: k} }

func wish() referral.Wish {
	return referral.Wish{Personnummer: testenv.ElsasNumber, Name: "Elsa Berg", Phone: "070-123 45 67", Topics: []halsocoach.Topic{"sömn"}, Centre: "0684", Consent: true}
}

// accept recommends and accepts, and returns the referral's id.
func (g ground) accept(w referral.Wish) string {
	g.T.Helper()
	k := key(halsocoach.NewID())
	own, _, err := g.referral.Recommend(g.Ctx(), g.People.Vardcentral, k, w)
	if err == nil {
		_, _, err = g.referral.Decide(g.Ctx(), g.People.Maria, k, own.ID, referral.Ruling{Decision: "accept"})
	}
	if err != nil {
		g.T.Fatal(err)
	}
	return own.ID
}

// enrolled is accept, and then the enrolment.
func (g ground) enrolled(w referral.Wish) halsocoach.Enrolment {
	g.T.Helper()
	ref := g.accept(w)
	var e halsocoach.Enrolment
	g.Eventually("enrolment of "+ref, func() bool {
		id, err := g.svc.OfReferral(g.Ctx(), g.People.Maria, ref)
		if err == nil {
			e, err = g.svc.Enrolment(g.Ctx(), id)
		}
		// The name is indexed after the document is saved.
		found, ferr := g.svc.Search(g.Ctx(), g.People.Maria, w.Name)
		return err == nil && ferr == nil && slices.ContainsFunc(found, func(r citizen.Row) bool { return r.ID == id })
	})
	return e
}

func first(id string, hours float64) halsocoach.Appointment {
	return halsocoach.Appointment{ID: id, What: "first", Starts: at(hours), Ends: at(hours + 1)}
}

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
	want := halsocoach.Enrolment{ID: id, Person: g.People.Elsa.ID, Centre: "0684", Kommun: "0684", Coach: "maria", Source: "vårdcentral",
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
	if err != nil || strings.Contains(string(docs[0].Body), "Elsa") || strings.Contains(string(docs[0].Body), "070") {
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
	if _, err := g.svc.Enrolment(g.Ctx(), halsocoach.IDFrom("enrolment", ref)); err != nil {
		t.Fatal(err)
	}
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

func TestAnEndFreesThePersonAndIsCounted(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	own, _, err := g.referral.Sent(g.Ctx(), g.People.Vardcentral, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.svc.End(g.Ctx(), g.People.Maria, key("k"), e.ID, "tired"); fieldsOf(err)["class"] == "" {
		t.Fatal(err)
	}
	for range 2 {
		if err := g.svc.End(g.Ctx(), g.People.Maria, key("k"), e.ID, "goals_reached"); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.svc.End(g.Ctx(), g.People.Maria, key("k"), e.ID, "moved"); !errors.Is(err, halsocoach.ErrOtherWish) {
		t.Fatal(err)
	}
	if err := g.svc.End(g.Ctx(), g.People.Maria, key("l"), e.ID, "moved"); !errors.Is(err, citizen.ErrEnded) {
		t.Fatal(err)
	}
	if err := g.svc.ClaimTalk(g.Ctx(), e.ID, first("a", 24)); !errors.Is(err, citizen.ErrEnded) {
		t.Fatal(err)
	}
	if rows, _, err := g.svc.Caseload(g.Ctx(), g.People.Maria, ""); err != nil || len(rows) != 0 {
		t.Fatal(rows, err)
	}
	g.Eventually("the sender sees the class of end", func() bool {
		o, err := g.referral.SentOne(g.Ctx(), g.People.Vardcentral, own[0].ID)
		return err == nil && o.State == referral.Ended && o.Ended == "goals_reached"
	})
	g.Eventually("one fact", func() bool {
		n := 0
		err := g.Bus.EachFact(g.Ctx(), func(f halsocoach.Fact) error {
			if f.Type == halsocoach.CountEnded && f.Kommun == "0684" && f.Dims["source"] == "vårdcentral" {
				n++
			}
			return nil
		})
		return err == nil && n == 1
	})
	// The person may come again: a new enrolment beside the old one.
	next := g.enrolled(wish())
	if next.ID == e.ID {
		t.Fatal("the ended enrolment was used again")
	}
	all, err := g.svc.OfPerson(g.Ctx(), g.People.Elsa)
	if err != nil || len(all) != 2 || all[0].ID != next.ID || !all[1].Ended {
		t.Fatalf("%+v, %v", all, err)
	}
	at, err := g.svc.EnrolmentsAt(g.Ctx(), "0684", g.People.Elsa.ID, g.People.Omar.ID)
	if err != nil || len(at) != 1 || at[g.People.Elsa.ID].ID != next.ID {
		t.Fatalf("%+v, %v", at, err)
	}
}

func TestSomebodyElsesIsNotFound(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	goal, _, err := g.svc.SetGoal(g.Ctx(), g.People.Elsa, key("g"), goalWish())
	if err != nil {
		t.Fatal(err)
	}
	rows := len(g.AccessLog.Rows())
	notFound := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, halsocoach.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = g.svc.Open(g.Ctx(), g.People.Johan, e.ID)
	notFound("another centre's coach opens", err)
	_, _, err = g.svc.GoalsOf(g.Ctx(), g.People.Johan, e.ID, "")
	notFound("another centre's coach reads goals", err)
	notFound("another centre's coach ends", g.svc.End(g.Ctx(), g.People.Johan, key("k"), e.ID, "moved"))
	_, err = g.svc.Reveal(g.Ctx(), g.People.Johan, e.ID, "talk")
	notFound("another centre's coach reveals", err)
	_, _, _, err = g.svc.Goal(g.Ctx(), g.People.Anna, goal.ID, "")
	notFound("another citizen reads a goal", err)
	_, _, err = g.svc.CheckIn(g.Ctx(), g.People.Anna, key("c"), goal.ID, citizen.CheckInWish{Outcome: "done"})
	notFound("another citizen checks in", err)
	if found, err := g.svc.Search(g.Ctx(), g.People.Johan, "Elsa"); err != nil || len(found) != 0 {
		t.Errorf("another centre finds %v, %v", found, err)
	}
	if len(g.AccessLog.Rows()) != rows {
		t.Error("what was not shown is logged")
	}
	for _, who := range []halsocoach.Actor{g.People.Vardcentral, g.People.Kommun, g.People.Region, g.People.Elsa} {
		if _, err := g.svc.Open(g.Ctx(), who, e.ID); !errors.Is(err, halsocoach.ErrForbidden) {
			t.Errorf("%s opens: %v", who.Role, err)
		}
		if _, err := g.svc.Search(g.Ctx(), who, "Elsa"); !errors.Is(err, halsocoach.ErrForbidden) {
			t.Errorf("%s searches: %v", who.Role, err)
		}
	}
	if _, _, err := g.svc.Goals(g.Ctx(), g.People.Maria, ""); !errors.Is(err, halsocoach.ErrForbidden) {
		t.Errorf("a coach has goals: %v", err)
	}
}

func TestACoachFindsPeopleByNumberAndName(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	g.enrolled(referral.Wish{Name: "Åke Berglund", Email: "ake@berg.se", Topics: []halsocoach.Topic{"mat"}, Centre: "0684", Consent: true})
	for query, want := range map[string]int{"Elsa": 1, "els": 1, "berg": 2, "ber els": 1, "ake": 1, "åke": 1, testenv.ElsasNumber: 1, "20030202-2389": 1, "196101182803": 0, "Bo": 0} {
		found, err := g.svc.Search(g.Ctx(), g.People.Maria, query)
		if err != nil || len(found) != want {
			t.Errorf("%q finds %d, %v; want %d", query, len(found), err, want)
		}
		if want == 1 && strings.Contains(query, "els") && found[0].ID != e.ID {
			t.Errorf("%q finds somebody else", query)
		}
	}
	for query, says := range map[string]string{"": "Skriv", "2003": "10 eller 12", "200302302389": "Datumet", "200302022388": "sista siffra"} {
		if _, err := g.svc.Search(g.Ctx(), g.People.Maria, query); !strings.Contains(fieldsOf(err)["fraga"], says) {
			t.Errorf("%q: %v", query, err)
		}
	}
}

func TestProtectedPeopleAreOpenedByTheirCoachAlone(t *testing.T) {
	g := open(t)
	w := wish()
	w.Protected = true
	e := g.enrolled(w)
	if !e.Protected {
		t.Fatal("not protected")
	}
	name, err := g.svc.Name(g.Ctx(), e.ID)
	if err != nil || !strings.HasPrefix(name, "Invånare ") || strings.Contains(name, "Elsa") {
		t.Fatal(name, err)
	}
	colleague := g.People.Maria
	colleague.ID = "lena"
	if _, err := g.svc.Open(g.Ctx(), colleague, e.ID); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatalf("a colleague opens: %v", err)
	}
	if found, err := g.svc.Search(g.Ctx(), colleague, "Elsa"); err != nil || len(found) != 0 {
		t.Fatalf("a colleague finds %v, %v", found, err)
	}
	f, err := g.svc.Open(g.Ctx(), g.People.Maria, e.ID)
	if err != nil || f.Contact || f.Phone != "" || f.Name != "Elsa Berg" {
		t.Fatalf("%+v, %v", f, err)
	}
	if _, err := g.svc.Reveal(g.Ctx(), g.People.Maria, e.ID, ""); fieldsOf(err)["why"] == "" {
		t.Fatalf("without a reason: %v", err)
	}
	f, err = g.svc.Reveal(g.Ctx(), g.People.Maria, e.ID, "asked")
	if err != nil || f.Phone != "070-123 45 67" {
		t.Fatalf("%+v, %v", f, err)
	}
	rows := g.AccessLog.Rows()
	if last := rows[len(rows)-1]; last.Act != "reveal contact" || last.Why != "asked" || last.Who.ID != "maria" || !slices.Equal(last.Persons, []string{e.Person}) {
		t.Fatalf("%+v", last)
	}
}

func TestAColleagueOpensTheFileButNotTheGoals(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	if _, _, err := g.svc.SetGoal(g.Ctx(), g.People.Elsa, key("g"), goalWish()); err != nil {
		t.Fatal(err)
	}
	colleague := g.People.Maria
	colleague.ID = "lena"
	f, err := g.svc.Open(g.Ctx(), colleague, e.ID)
	if err != nil || f.Phone == "" || f.ShowsGoals || len(f.Goals) != 0 {
		t.Fatalf("%+v, %v", f, err)
	}
	if _, _, err := g.svc.GoalsOf(g.Ctx(), colleague, e.ID, ""); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatal(err)
	}
	own, _, err := g.svc.GoalsOf(g.Ctx(), g.People.Maria, e.ID, "")
	if err != nil || len(own) != 1 || own[0].Words != goalWish().Words {
		t.Fatalf("%+v, %v", own, err)
	}
	rows := g.AccessLog.Rows()
	if last := rows[len(rows)-1]; last.Act != "read goals" || last.Who.ID != "maria" {
		t.Fatalf("%+v", last)
	}
}

func TestAGoalSentTwiceIsOneGoal(t *testing.T) {
	g := open(t)
	elsa := g.People.Elsa
	v, made, err := g.svc.SetGoal(g.Ctx(), elsa, key("g"), goalWish())
	if err != nil || !made {
		t.Fatal(err)
	}
	again, made, err := g.svc.SetGoal(g.Ctx(), elsa, key("g"), goalWish())
	if err != nil || made || again.ID != v.ID || !slices.Equal(again.Steps, v.Steps) || again.Why != v.Why {
		t.Fatalf("%+v, %v, %v", again, made, err)
	}
	other := goalWish()
	other.Words = "Något annat"
	if _, _, err := g.svc.SetGoal(g.Ctx(), elsa, key("g"), other); !errors.Is(err, halsocoach.ErrOtherWish) {
		t.Fatal(err)
	}
	g.Clock.Add(time.Hour)
	for range 2 {
		if _, _, err := g.svc.CheckIn(g.Ctx(), elsa, key("c"), v.ID, citizen.CheckInWish{Step: 2, Outcome: "partly", Words: "Halva vägen"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := g.svc.CheckIn(g.Ctx(), elsa, key("c"), v.ID, citizen.CheckInWish{Step: 1, Outcome: "done"}); !errors.Is(err, halsocoach.ErrOtherWish) {
		t.Fatal(err)
	}
	if _, _, err := g.svc.CheckIn(g.Ctx(), elsa, key("d"), v.ID, citizen.CheckInWish{Step: 3, Outcome: "done"}); fieldsOf(err)["step"] == "" {
		t.Fatal(err)
	}
	one, past, next, err := g.svc.Goal(g.Ctx(), elsa, v.ID, "")
	if err != nil || one.Words != goalWish().Words || len(past) != 1 || past[0].Words != "Halva vägen" || next != "" {
		t.Fatalf("%+v, %+v, %v", one, past, err)
	}
	all, _, err := g.svc.Goals(g.Ctx(), elsa, "")
	if err != nil || len(all) != 1 || all[0].Last == nil || all[0].Last.Outcome != "partly" || all[0].LastOf[2].Words != "Halva vägen" {
		t.Fatalf("%+v, %v", all, err)
	}
	docs, err := g.Store.Get(g.Ctx(), "goals", v.ID)
	if err != nil || strings.Contains(string(docs[0].Body), "affären") || strings.Contains(string(docs[0].Body), "bron") {
		t.Fatal("the goal lies open", err)
	}
}

func TestMinHalsaGathersWhatIsComing(t *testing.T) {
	g := open(t)
	h, err := g.svc.Home(g.Ctx(), g.People.Elsa)
	if err != nil || h.Step != citizen.StepContact || len(h.Centres) != 13 {
		t.Fatalf("%+v, %v", h, err)
	}
	if _, _, err := g.referral.Recommend(g.Ctx(), g.People.Forening, key("k"), wish()); err != nil {
		t.Fatal(err)
	}
	h, err = g.svc.Home(g.Ctx(), g.People.Elsa)
	if err != nil || h.Step != citizen.StepWait || h.Centre.Name != "Hälsocenter Sävsjö" || !h.Due.Equal(at(7*24)) {
		t.Fatalf("%+v, %v", h, err)
	}
	g.enrolled(wish())
	h, err = g.svc.Home(g.Ctx(), g.People.Elsa)
	if err != nil || h.Step != citizen.StepFirstTalk || h.CoachName != "Maria Holm" || h.Unread.Messages != 2 {
		t.Fatalf("%+v, %v", h, err)
	}
	g.agenda.items = []halsocoach.Appointment{{ID: "c", What: "group", Starts: at(50)}, {ID: "b", What: "followup", Starts: at(40)}, {ID: "a", What: "first", Starts: at(30)}, {ID: "d", What: "group", Starts: at(2)}}
	h, err = g.svc.Home(g.Ctx(), g.People.Elsa)
	if err != nil || h.Step != citizen.StepTalk || h.Talk.ID != "a" || len(h.Groups) != 2 || h.Groups[0].ID != "d" {
		t.Fatalf("%+v, %v", h, err)
	}
	if _, err := g.svc.Home(g.Ctx(), g.People.Maria); !errors.Is(err, halsocoach.ErrForbidden) {
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
