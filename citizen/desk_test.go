package citizen_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/citizen"
	"halsocoach/internal/testenv"
	"halsocoach/referral/record"
)

func TestAnEndFreesThePersonAndIsCounted(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	own, _, err := g.sender.Sent(g.Ctx(), g.People.Vardcentral, "", "")
	testenv.Must(t, err)
	if err := g.svc.End(g.Ctx(), g.People.Maria, key("k"), e.ID, "tired"); fieldsOf(err)["class"] == "" {
		t.Fatal(err)
	}
	for range 2 {
		testenv.Must(t, g.svc.End(g.Ctx(), g.People.Maria, key("k"), e.ID, "goals_reached"))
	}
	testenv.Wants(t, g.svc.End(g.Ctx(), g.People.Maria, key("k"), e.ID, "moved"), halsocoach.ErrKeyReused)
	testenv.Wants(t, g.svc.End(g.Ctx(), g.People.Maria, key("l"), e.ID, "moved"), citizen.ErrEnded)
	testenv.Wants(t, g.svc.ClaimTalk(g.Ctx(), e.ID, first("a", 24)), citizen.ErrEnded)
	if rows, _, err := g.svc.Caseload(g.Ctx(), g.People.Maria, ""); err != nil || len(rows) != 0 {
		t.Fatal(rows, err)
	}
	g.Eventually("the sender sees the class of end", func() bool {
		o, err := g.sender.SentOne(g.Ctx(), g.People.Vardcentral, own[0].ID)
		return err == nil && o.State == record.Ended && o.Ended == "goals_reached"
	})
	g.Eventually("one fact", func() bool {
		ended := slices.DeleteFunc(g.Facts(), func(f halsocoach.Fact) bool { return f.Type != halsocoach.CountEnded })
		return len(ended) == 1 && ended[0].Kommun == "0684" && ended[0].Dims["source"] == "vårdcentral"
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
	testenv.Must(t, err)
	rows := len(g.AccessLog.Rows())
	notFound := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, halsocoach.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = g.svc.Open(g.Ctx(), g.People.Johan, e.ID)
	notFound("another centre's coach opens", err)
	notFound("another centre's coach ends", g.svc.End(g.Ctx(), g.People.Johan, key("k"), e.ID, "moved"))
	_, err = g.svc.Reveal(g.Ctx(), g.People.Johan, e.ID, "talk")
	notFound("another centre's coach reveals", err)
	_, _, _, err = g.svc.Goal(g.Ctx(), g.People.Anna, goal.ID, "")
	notFound("another citizen reads a goal", err)
	_, _, err = g.svc.CheckIn(g.Ctx(), g.People.Anna, key("c"), goal.ID, citizen.CheckInInput{Outcome: "done"})
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
	g.enrolled(record.NewReferral{Name: "Åke Berglund", Email: "ake@berg.se", Topics: []halsocoach.Topic{"mat"}, Centre: "0684", Consent: true})
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

func TestAColleagueOpensTheFileButNotTheGoals(t *testing.T) {
	g := open(t)
	e := g.enrolled(wish())
	testenv.Must(t, testenv.ErrOf(g.svc.SetGoal(g.Ctx(), g.People.Elsa, key("g"), goalWish())))
	colleague := g.People.Maria
	colleague.ID = "lena"
	f, err := g.svc.Open(g.Ctx(), colleague, e.ID)
	if err != nil || f.Phone == "" || f.ShowsGoals || len(f.Goals) != 0 {
		t.Fatalf("%+v, %v", f, err)
	}
	f, err = g.svc.Open(g.Ctx(), g.People.Maria, e.ID)
	if err != nil || len(f.Goals) != 1 || f.Goals[0].Words != goalWish().Words {
		t.Fatalf("%+v, %v", f.Goals, err)
	}
	rows := g.AccessLog.Rows()
	if last := rows[len(rows)-1]; last.Act != halsocoach.ActReadEnrolment || last.Who.ID != "maria" {
		t.Fatalf("%+v", last)
	}
}

func TestGoalsAreKeptWithoutControlCharacters(t *testing.T) {
	g := open(t)
	v, _, err := g.svc.SetGoal(g.Ctx(), g.People.Elsa, key("g"), citizen.NewGoal{Habit: "fysisk aktivitet", Words: "Gå\x00 mer\r\noch ofta\x1b", Why: "\x07För mig", Steps: []string{"\x00", "Till\x00 bron"}})
	if err != nil || v.Words != "Gå mer\noch ofta" || v.Why != "För mig" || !slices.Equal(v.Steps, []string{"Till bron"}) {
		t.Fatalf("%+v, %v", v, err)
	}
	c, _, err := g.svc.CheckIn(g.Ctx(), g.People.Elsa, key("c"), v.ID, citizen.CheckInInput{Step: 1, Outcome: "done", Words: "Klart\x00!"})
	if err != nil || c.Words != "Klart!" {
		t.Fatalf("%+v, %v", c, err)
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
	testenv.Wants(t, testenv.ErrOf(g.svc.SetGoal(g.Ctx(), elsa, key("g"), other)), halsocoach.ErrKeyReused)
	g.Clock.Add(time.Hour)
	for range 2 {
		testenv.Must(t, testenv.ErrOf(g.svc.CheckIn(g.Ctx(), elsa, key("c"), v.ID, citizen.CheckInInput{Step: 2, Outcome: "partly", Words: "Halva vägen"})))
	}
	testenv.Wants(t, testenv.ErrOf(g.svc.CheckIn(g.Ctx(), elsa, key("c"), v.ID, citizen.CheckInInput{Step: 1, Outcome: "done"})), halsocoach.ErrKeyReused)
	if _, _, err := g.svc.CheckIn(g.Ctx(), elsa, key("d"), v.ID, citizen.CheckInInput{Step: 3, Outcome: "done"}); fieldsOf(err)["step"] == "" {
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
	if err != nil || strings.Contains(string(docs[0].Body), "affären") || strings.Contains(string(docs[0].Body), "Gå till bron") {
		t.Fatal("the goal lies open", err)
	}
}

func TestMinHalsaGathersWhatIsComing(t *testing.T) {
	g := open(t)
	h, err := g.svc.Home(g.Ctx(), g.People.Elsa)
	if err != nil || h.Step != citizen.StepContact || len(h.Centres) != 13 {
		t.Fatalf("%+v, %v", h, err)
	}
	testenv.Must(t, testenv.ErrOf(g.sender.Recommend(g.Ctx(), halsocoach.Actor{ID: "another", Role: halsocoach.RoleCareCentre, Kommun: "0684", Unit: "savsjo-vardcentral"}, key("k"), wish())))
	h, err = g.svc.Home(g.Ctx(), g.People.Elsa)
	if err != nil || h.Step != citizen.StepWait || h.Centre.Name != "Hälsocenter Sävsjö" || !h.Due.Equal(at(7*24)) {
		t.Fatalf("%+v, %v", h, err)
	}
	e := g.enrolled(wish())
	h, err = g.svc.Home(g.Ctx(), g.People.Elsa)
	if err != nil || h.Step != citizen.StepFirstTalk || h.CoachName != "Maria Holm" || h.Unread.Messages != 2 {
		t.Fatalf("%+v, %v", h, err)
	}
	g.agenda.items = []halsocoach.Appointment{{ID: "c", What: "group", Starts: at(50)}, {ID: "d", What: "group", Starts: at(2)}}
	for _, a := range []halsocoach.Appointment{{ID: "b", What: "followup", Starts: at(40), Ends: at(41)}, first("a", 30)} {
		testenv.Must(t, g.svc.ClaimTalk(g.Ctx(), e.ID, a))
	}
	h, err = g.svc.Home(g.Ctx(), g.People.Elsa)
	if err != nil || h.Step != citizen.StepTalk || h.Talk.ID != "a" || len(h.Groups) != 2 || h.Groups[0].ID != "d" {
		t.Fatalf("%+v, %v", h, err)
	}
	testenv.Wants(t, testenv.ErrOf(g.svc.Home(g.Ctx(), g.People.Maria)), halsocoach.ErrForbidden)
}
