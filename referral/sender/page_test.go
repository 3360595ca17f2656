package sender_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

func openPages(t *testing.T) (ground, *testenv.App) {
	g := open(t)
	return g, g.App(func(a *web.App) {
		g.svc.Routes(a.Fiber())
		g.svc.API(a.API())
		g.coach.API(a.API())
	})
}

func form() url.Values {
	return url.Values{"_key": {"formulär"}, "do": {"skicka"}, "name": {"Elsa Berg"}, "personnummer": {testenv.ElsasNumber}, "phone": {"070-123 45 67"},
		"topics": {"sömn", "fysisk aktivitet"}, "centre": {"0684"}, "consent": {"ja"}, "note": {"Vill röra på sig mer"}}
}

func TestTheFormKeepsTheAnswersAndSaysWhatToMend(t *testing.T) {
	g, app := openPages(t)
	sender := app.As(g.People.Vardcentral)
	if r := sender.Get("/rekommendera"); r.Status != 200 || !strings.Contains(r.Body, `value="0684" selected`) {
		t.Fatalf("%d: the unit's own centre is not chosen", r.Status)
	}
	f := form()
	f.Set("personnummer", "200302022388")
	f.Del("consent")
	r := sender.Post("/rekommendera", f)
	if r.Status != http.StatusUnprocessableEntity {
		t.Fatal(r.Status)
	}
	for _, want := range []string{"sista siffra stämmer inte", "Fråga personen först", `value="Elsa Berg"`, `value="200302022388"`, "Vill röra på sig mer", `value="sömn" checked`, `value="formulär"`} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	r = sender.Post("/rekommendera", form())
	if r.Status != http.StatusSeeOther {
		t.Fatal(r.Status, r.Body)
	}
	receipt := r.Header.Get("Location")
	if again := sender.Post("/rekommendera", form()); again.Header.Get("Location") != receipt {
		t.Fatalf("sent twice: %s and %s", receipt, again.Header.Get("Location"))
	}
	if r := sender.Get(receipt); r.Status != 200 || !strings.Contains(r.Body, "senast måndag 30 november") || !strings.Contains(r.Body, "Mottagen") {
		t.Fatal(r.Status, r.Body)
	}
	other := form()
	other.Set("name", "En annan")
	if r := sender.Post("/rekommendera", other); r.Status != 422 || !strings.Contains(r.Body, "redan använts") {
		t.Fatal(r.Status)
	}
	if r := sender.Get("/rekommendationer"); !strings.Contains(r.Body, "Elsa Berg") {
		t.Fatal("not in the list")
	}
}

func TestPagesAreForTheRightPeople(t *testing.T) {
	g, app := openPages(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	p := g.People
	for _, c := range []struct {
		path   string
		status map[string]int
	}{
		{"/rekommendera", map[string]int{"vardcentral": 200, "forening": 200, "maria": 403, "elsa": 403, "nobody": 303}},
		{"/rekommendationer", map[string]int{"vardcentral": 200, "forening": 200, "maria": 403, "elsa": 403, "nobody": 303}},
		{"/rekommendationer/" + own.ID, map[string]int{"vardcentral": 200, "forening": 404, "maria": 403, "elsa": 403, "nobody": 303}},
	} {
		for name, want := range c.status {
			who := p.Visitor
			switch name {
			case "vardcentral":
				who = p.Vardcentral
			case "forening":
				who = p.Forening
			case "maria":
				who = p.Maria
			case "johan":
				who = p.Johan
			case "elsa":
				who = p.Elsa
			case "region":
				who = p.Region
			case "kommun":
				who = p.Kommun
			}
			if got := app.As(who).Get(c.path).Status; got != want {
				t.Errorf("%s as %s is %d, want %d", c.path, name, got, want)
			}
		}
	}
}

type body = map[string]any

func TestTheJSONTwinsKeepTheirPromises(t *testing.T) {
	g, app := openPages(t)
	sender, maria := app.As(g.People.Vardcentral), app.As(g.People.Maria)
	in := body{"personnummer": testenv.ElsasNumber, "name": "Elsa Berg", "phone": "070-123 45 67", "email": "", "topics": []string{"sömn"}, "centre": "0684", "consent": true, "note": ""}
	var made struct{ ID, State, Centre, Received string }
	r := sender.WithKey("a").JSON("POST", "/api/v1/referrals", in)
	if err := r.Into(&made); err != nil || r.Status != 201 || made.State != "mottagen" || made.Centre != "0684" || made.Received != "2026-11-23T09:00:00+01:00" {
		t.Fatal(r.Status, r.Body)
	}
	if r := sender.WithKey("a").JSON("POST", "/api/v1/referrals", in); r.Status != 200 || !strings.Contains(r.Body, made.ID) {
		t.Fatal(r.Status, r.Body)
	}
	in["name"] = "Någon annan"
	if r := sender.WithKey("a").JSON("POST", "/api/v1/referrals", in); r.Status != 422 || !strings.Contains(r.Body, "key_reused") {
		t.Fatal(r.Status, r.Body)
	}
	if r := sender.WithKey("b").JSON("POST", "/api/v1/referrals", body{}); r.Status != 422 || !strings.Contains(r.Body, `"consent"`) {
		t.Fatal(r.Status, r.Body)
	}
	if r := app.As(g.People.Visitor).JSON("POST", "/api/v1/referrals", in); r.Status != 401 {
		t.Fatal(r.Status)
	}
	if r := app.As(g.People.Elsa).JSON("GET", "/api/v1/referrals", nil); r.Status != 403 {
		t.Fatal(r.Status)
	}
	var list struct {
		Items []struct{ ID, State, Name string }
		Next  *string
	}
	for _, c := range []struct {
		who  *testenv.Visitor
		path string
	}{{maria, "?centre=0684&state=mottagen"}, {maria, ""}, {sender, ""}} {
		r := c.who.JSON("GET", "/api/v1/referrals"+c.path, nil)
		if err := r.Into(&list); err != nil || r.Status != 200 || len(list.Items) != 1 || list.Items[0].Name != "Elsa Berg" || list.Next != nil {
			t.Fatal(r.Status, r.Body)
		}
	}
	if r := app.As(g.People.Johan).JSON("GET", "/api/v1/referrals", nil); !strings.Contains(r.Body, `"items":[]`) {
		t.Fatal(r.Body)
	}
	path := "/api/v1/referrals/" + made.ID + "/decision"
	if r := maria.JSON("POST", path, body{"decision": "decline"}); r.Status != 422 || !strings.Contains(r.Body, `"reason"`) {
		t.Fatal(r.Status, r.Body)
	}
	if r := maria.WithKey("d").JSON("POST", path, body{"decision": "accept"}); r.Status != 200 || !strings.Contains(r.Body, `"antagen"`) {
		t.Fatal(r.Status, r.Body)
	}
	if r := maria.WithKey("e").JSON("POST", path, body{"decision": "nonsense", "colour": "blue"}); r.Status != 409 || !strings.Contains(r.Body, "Maria Holm") || !strings.Contains(r.Body, `"decided"`) {
		t.Fatal(r.Status, r.Body)
	}
	if r := app.As(g.People.Johan).JSON("POST", path, body{"decision": "accept"}); r.Status != 404 {
		t.Fatal(r.Status)
	}
}

func TestTheSenderMendsThePhoneNumberOnAPage(t *testing.T) {
	g, app := openPages(t)
	sender := app.As(g.People.Vardcentral)
	receipt := sender.Post("/rekommendera", form()).Header.Get("Location")
	if r := sender.Get(receipt); !strings.Contains(r.Body, receipt+"/kontakt") {
		t.Fatal("the receipt does not lead there")
	}
	if r := sender.Get(receipt + "/kontakt"); r.Status != 200 || !strings.Contains(r.Body, `value="070-123 45 67"`) {
		t.Fatal(r.Status, r.Body)
	}
	wrong := url.Values{"_key": {"k"}, "phone": {"ring mig"}, "email": {"elsa@exempel.se"}}
	if r := sender.Post(receipt+"/kontakt", wrong); r.Status != http.StatusUnprocessableEntity || !strings.Contains(r.Body, `value="ring mig"`) || !strings.Contains(r.Body, `value="elsa@exempel.se"`) {
		t.Fatal(r.Status, r.Body)
	}
	wrong.Set("phone", "070-174 06 60")
	if r := sender.Post(receipt+"/kontakt", wrong); r.Status != http.StatusSeeOther || r.Header.Get("Location") != receipt {
		t.Fatal(r.Status, r.Body)
	}
	if r := sender.Get(receipt + "/kontakt"); !strings.Contains(r.Body, `value="070-174 06 60"`) {
		t.Fatal(r.Body)
	}
	if r := app.As(g.People.Forening).Get(receipt + "/kontakt"); r.Status != http.StatusNotFound {
		t.Fatal(r.Status)
	}
	if r := sender.Post(receipt+"/aterkalla", url.Values{"_key": {"a"}}); r.Status != http.StatusSeeOther {
		t.Fatal(r.Status)
	}
	if r := sender.Get(receipt + "/kontakt"); r.Status != http.StatusSeeOther {
		t.Fatal(r.Status)
	}
}
