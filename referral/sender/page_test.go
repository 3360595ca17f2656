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
	sender.Get("/rekommendera").Is(200, `value="0684" selected`)
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
	sender.Post("/rekommendera", form()).To(receipt)
	sender.Get(receipt).Is(200, "senast måndag 30 november", "Mottagen")
	other := form()
	other.Set("name", "En annan")
	sender.Post("/rekommendera", other).Is(422, "redan använts")
	sender.Get("/rekommendationer").Holds("Elsa Berg")
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
	sender.WithKey("a").JSON("POST", "/api/v1/referrals", in).Is(200, made.ID)
	in["name"] = "Någon annan"
	sender.WithKey("a").JSON("POST", "/api/v1/referrals", in).Is(422, "key_reused")
	sender.WithKey("b").JSON("POST", "/api/v1/referrals", body{}).Is(422, `"consent"`)
	app.As(g.People.Visitor).JSON("POST", "/api/v1/referrals", in).Is(401)
	app.As(g.People.Elsa).JSON("GET", "/api/v1/referrals", nil).Is(403)
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
	app.As(g.People.Johan).JSON("GET", "/api/v1/referrals", nil).Holds(`"items":[]`)
	path := "/api/v1/referrals/" + made.ID + "/decision"
	maria.JSON("POST", path, body{"decision": "decline"}).Is(422, `"reason"`)
	maria.WithKey("d").JSON("POST", path, body{"decision": "accept"}).Is(200, `"antagen"`)
	maria.WithKey("e").JSON("POST", path, body{"decision": "nonsense", "colour": "blue"}).Is(409, "Maria Holm", `"decided"`)
	app.As(g.People.Johan).JSON("POST", path, body{"decision": "accept"}).Is(404)
}

func TestTheSenderMendsThePhoneNumberOnAPage(t *testing.T) {
	g, app := openPages(t)
	sender := app.As(g.People.Vardcentral)
	receipt := sender.Post("/rekommendera", form()).Header.Get("Location")
	sender.Get(receipt).Holds(receipt + "/kontakt")
	sender.Get(receipt+"/kontakt").Is(200, `value="070-123 45 67"`)
	wrong := url.Values{"_key": {"k"}, "phone": {"ring mig"}, "email": {"elsa@exempel.se"}}
	sender.Post(receipt+"/kontakt", wrong).Is(http.StatusUnprocessableEntity, `value="ring mig"`, `value="elsa@exempel.se"`)
	wrong.Set("phone", "070-174 06 60")
	sender.Post(receipt+"/kontakt", wrong).Is(http.StatusSeeOther).To(receipt)
	sender.Get(receipt + "/kontakt").Holds(`value="070-174 06 60"`)
	app.As(g.People.Forening).Get(receipt + "/kontakt").Is(http.StatusNotFound)
	sender.Post(receipt+"/aterkalla", url.Values{"_key": {"a"}}).Is(http.StatusSeeOther)
	sender.Get(receipt + "/kontakt").Is(http.StatusSeeOther)
}
