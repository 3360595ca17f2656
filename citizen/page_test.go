package citizen_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

func openPages(t *testing.T) (ground, *testenv.App) {
	g := open(t)
	return g, g.App(func(a *web.App) {
		g.svc.Routes(a.Fiber())
		g.svc.API(a.API())
	})
}

func has(t *testing.T, r testenv.Response, status int, wants ...string) {
	t.Helper()
	if r.Status != status {
		t.Fatalf("status %d, want %d\n%s", r.Status, status, r.Body)
	}
	for _, want := range wants {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestMinHalsaShowsOneNextStep(t *testing.T) {
	g, app := openPages(t)
	elsa := app.As(g.People.Elsa)
	has(t, elsa.Get("/min-halsa"), 200, "Min hälsa", "Hej Elsa!", "/gruppaktiviteter", "Hälsocenter Sävsjö")
	e := g.enrolled(wish())
	has(t, elsa.Get("/min-halsa"), 200, "Boka ditt första samtal", `href="/samtal"`, "Maria Holm", "/min-halsa/mal/nytt", "2 nya meddelanden")
	claim := func(place string) {
		t.Helper()
		a := halsocoach.Appointment{ID: "a", What: "first", Place: place, Path: "/samtal/a", Starts: at(30), Ends: at(31)}
		testenv.Must(t, g.svc.ClaimTalk(g.Ctx(), e.ID, a))
	}
	claim("Telefon")
	has(t, elsa.Get("/min-halsa"), 200, "Nästa samtal", "tisdag 24 november 15.00–16.00", `href="/samtal/a"`, "Telefon")
	testenv.Must(t, g.svc.FreeTalk(g.Ctx(), e.ID, "a"))
	has(t, elsa.Get("/min-halsa"), 200, "Hur går det?")
	testenv.Must(t, testenv.ErrOf(g.svc.SetGoal(g.Ctx(), g.People.Elsa, key("g"), goalWish())))
	has(t, elsa.Get("/min-halsa"), 200, "Jag vill orka gå till affären")
	claim("Gamla huset")
	has(t, elsa.Get("/min-halsa"), 200, "Nästa samtal", "Hälsocenter Sävsjö")
	if r := app.As(g.People.Visitor).Get("/min-halsa"); r.Status != http.StatusSeeOther {
		t.Fatal(r.Status)
	}
	if r := app.As(g.People.Maria).Get("/min-halsa"); r.Status != http.StatusForbidden {
		t.Fatal(r.Status)
	}
}

func TestAGoalIsSetAndFollowedInPages(t *testing.T) {
	g, app := openPages(t)
	elsa := app.As(g.People.Elsa)
	has(t, elsa.Get("/min-halsa/mal"), 200, "/min-halsa/mal/nytt")
	has(t, elsa.Get("/min-halsa/mal/nytt"), 200, "Vad vill du?")
	form := url.Values{"_key": {"k"}, "words": {"Jag vill sova hela natten"}, "steps": {"Lägga mig tio\r\n\r\nIngen skärm"}}
	has(t, elsa.Post("/min-halsa/mal/nytt", form), 422, "Välj vad målet handlar om", "Jag vill sova hela natten", "Ingen skärm")
	form.Set("habit", "sömn")
	r := elsa.Post("/min-halsa/mal/nytt", form)
	has(t, r, 303)
	path := r.Header.Get("Location")
	if again := elsa.Post("/min-halsa/mal/nytt", form); again.Header.Get("Location") != path {
		t.Fatal("sent twice is two goals")
	}
	has(t, elsa.Get(path), 200, "Jag vill sova hela natten", "Lägga mig tio", "Ingen skärm", "Målet som helhet")
	has(t, elsa.Get(path+"/avstamning"), 200, "Hur gick det?")
	has(t, elsa.Post(path+"/avstamning", url.Values{"words": {"Gick bra"}}), 422, "Välj hur det gick", "Välj ett av målets steg", "Gick bra")
	has(t, elsa.Post(path+"/avstamning", url.Values{"step": {"2"}, "outcome": {"partly"}, "words": {"Gick bra"}}), 303)
	has(t, elsa.Get(path), 200, "Så har det gått", "Gick bra", "Delvis")
	has(t, elsa.Get("/min-halsa/mal"), 200, "Delvis", "Sömn")
	if r := app.As(g.People.Anna).Get(path); r.Status != http.StatusNotFound {
		t.Fatal(r.Status)
	}
}

func TestTheCoachsPages(t *testing.T) {
	g, app := openPages(t)
	maria := app.As(g.People.Maria)
	has(t, maria.Get("/invanare"), 200, "Du har ingen inskriven än")
	id := g.enrolled(wish()).ID
	sent, _, err := g.sender.Sent(g.Ctx(), g.People.Vardcentral, "", "")
	testenv.Must(t, err)
	if r := maria.Get("/invanare/fran/" + sent[0].ID); r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/invanare/"+id {
		t.Fatal(r.Status, r.Header)
	}
	testenv.Must(t, testenv.ErrOf(g.svc.SetGoal(g.Ctx(), g.People.Elsa, key("g"), goalWish())))
	has(t, maria.Get("/invanare"), 200, "Elsa Berg", "/invanare/"+id)
	if got, err := g.svc.PhoneFor(g.Ctx(), g.People.Maria, id); err != nil || got != "070-123 45 67" {
		t.Errorf("the coach who is to call has the number %q (%v)", got, err)
	}
	has(t, maria.Get("/invanare/"+id), 200, "Elsa Berg", "070-123 45 67", "/chatt/"+id, "/kalender/boka?kontakt="+id, "Jag vill orka gå till affären", "Gå till bron")
	has(t, maria.Post("/invanare/sok", url.Values{"fraga": {"els"}}), 200, "/invanare/"+id)
	has(t, maria.Post("/invanare/sok", url.Values{"fraga": {"200302022388"}}), 422, "sista siffra", `value="200302022388"`)
	has(t, maria.Post("/invanare/sok", url.Values{"fraga": {"Ingen"}}), 200, "Ingen träff")
	has(t, maria.Get("/invanare/sok"), 303)
	has(t, maria.Get("/invanare/fran/no-such"), 404, "snart klar")
	has(t, app.As(g.People.Johan).Get("/invanare/"+id), 404)
	has(t, maria.Get("/invanare/"+id+"/avsluta"), 200, "Varför avslutas kontakten?")
	has(t, maria.Post("/invanare/"+id+"/avsluta", url.Values{"_key": {"e"}}), 422, "Välj hur kontakten avslutas")
	has(t, maria.Post("/invanare/"+id+"/avsluta", url.Values{"_key": {"e"}, "class": {"goals_reached"}}), 303)
	has(t, maria.Post("/invanare/"+id+"/avsluta", url.Values{"_key": {"f"}, "class": {"moved"}}), 409, "avslutad")
	has(t, maria.Get("/invanare/"+id), 200, "Kontakten avslutades 23 november 2026: Målen är nådda")
	has(t, maria.Get("/invanare/"+id+"/avsluta"), 303)
}

func TestContactOfAProtectedPersonAsksForAReason(t *testing.T) {
	g, app := openPages(t)
	e := g.enrolled(wish())
	g.protect(e.Person)
	maria := app.As(g.People.Maria)
	if r := maria.Get("/invanare/" + e.ID); strings.Contains(r.Body, "070-123 45 67") || !strings.Contains(r.Body, "Varför behöver du dem?") {
		t.Fatal(r.Body)
	}
	if r := maria.Get("/invanare"); strings.Contains(r.Body, "Elsa Berg") {
		t.Fatal("the list shows the name")
	}
	path := "/invanare/" + e.ID + "/kontakt"
	has(t, maria.Get(path), 200, "Varför behöver du dem?")
	has(t, maria.Post(path, url.Values{}), 422, "Välj varför du behöver kontaktuppgifterna")
	has(t, maria.Post(path, url.Values{"why": {"worry"}}), 200, "070-123 45 67")
	rows := g.AccessLog.Rows()
	if last := rows[len(rows)-1]; last.Act != halsocoach.ActRevealContact || last.Why != "worry" || last.Who.ID != "maria" || !slices.Equal(last.Persons, []string{e.Person}) {
		t.Fatalf("%+v", last)
	}
	for who, want := range map[*halsocoach.Actor]string{&g.People.Elsa: "070-123 45 67", &g.People.Anna: "", &g.People.Maria: "", &g.People.Johan: ""} {
		if got, err := g.svc.PhoneFor(g.Ctx(), *who, e.ID); err != nil || got != want {
			t.Errorf("%s is told the number %q (%v) on a talk", who.Name, got, err)
		}
	}
}

type body = map[string]any

func TestTheJSONTwinsOfGoals(t *testing.T) {
	g, app := openPages(t)
	elsa := app.As(g.People.Elsa)
	has(t, elsa.JSON("GET", "/api/v1/goals", nil), 200, `"items":[]`)
	in := body{"habit": "mat", "words": "Mer grönt", "why": "", "steps": []string{"En frukt om dagen", "Grönsaker till middag"}}
	var goal struct {
		ID    string
		Steps []struct {
			Step  int
			Words string
		}
	}
	r := elsa.WithKey("a").JSON("POST", "/api/v1/goals", in)
	has(t, r, 201)
	if err := r.Into(&goal); err != nil || len(goal.Steps) != 2 || goal.Steps[1].Step != 2 {
		t.Fatal(r.Body)
	}
	has(t, elsa.WithKey("a").JSON("POST", "/api/v1/goals", in), 200, goal.ID)
	in["words"] = "Annat"
	has(t, elsa.WithKey("a").JSON("POST", "/api/v1/goals", in), 422, "key_reused")
	has(t, elsa.JSON("POST", "/api/v1/goals", body{}), 422, `"habit"`, `"words"`)
	path := "/api/v1/goals/" + goal.ID + "/checkins"
	for k, step := range map[string]any{"n": 2, "t": "Grönsaker till middag", "s": "2"} {
		has(t, elsa.WithKey(k).JSON("POST", path, body{"step": step, "outcome": "done", "words": "Gott"}), 201, `"step":2`)
	}
	has(t, elsa.WithKey("n").JSON("POST", path, body{"step": 2, "outcome": "done", "words": "Gott"}), 200)
	has(t, elsa.WithKey("w").JSON("POST", path, body{"outcome": "notnow"}), 201, `"step":0`)
	has(t, elsa.JSON("POST", path, body{"step": "hoppa", "outcome": "x"}), 422, `"step"`, `"outcome"`)
	has(t, app.As(g.People.Anna).JSON("POST", path, body{"outcome": "done"}), 404)
	has(t, elsa.JSON("GET", "/api/v1/goals", nil), 200, `"last":{`, goal.ID)
	has(t, app.As(g.People.Maria).JSON("GET", "/api/v1/goals", nil), 403)
	has(t, app.As(g.People.Visitor).JSON("GET", "/api/v1/goals", nil), 401)
}
