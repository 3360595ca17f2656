package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"halsocoach"
)

type noteIn struct {
	Keyed
	ID   string `path:"id"`
	Body struct {
		Text  string           `json:"text" maxLength:"10"`
		Topic halsocoach.Topic `json:"topic" enum:"mat,sömn"`
		From  time.Time        `json:"from,omitempty"`
	}
}

type noteOut struct {
	Status int
	Body   struct {
		ID   string `json:"id"`
		Who  string `json:"who"`
		Same bool   `json:"same"`
	}
}

func apiApp(t *testing.T) *App {
	a := testApp(t)
	Handle(a.API(), huma.Operation{Method: http.MethodPost, Path: "/notes/{id}", DefaultStatus: 201, Summary: "Note"}, func(_ context.Context, who halsocoach.Actor, in *noteIn) (*noteOut, error) {
		if in.ID == "taken" {
			return nil, fmt.Errorf("note: %w", halsocoach.Conflict("taken", "Fullbokad"))
		}
		out := &noteOut{Status: 201}
		out.Body.ID, out.Body.Who = in.Request().ID(who, "notes"), who.ID
		return out, nil
	})
	Handle(a.API(), huma.Operation{Method: http.MethodGet, Path: "/open", Summary: "Open"}, func(_ context.Context, who halsocoach.Actor, _ *struct{}) (*noteOut, error) {
		out := &noteOut{Status: 200}
		out.Body.Who = who.ID
		return out, nil
	})
	Handle(a.API(), huma.Operation{Method: http.MethodDelete, Path: "/notes/{id}", DefaultStatus: 204, Summary: "Remove the note"}, func(context.Context, halsocoach.Actor, *struct {
		ID string `path:"id"`
	}) (*struct{}, error) {
		return nil, nil
	})
	return a
}

const jsonHead = "Content-Type: application/json"

func TestTheJSONDoorHandsOverWhoAsks(t *testing.T) {
	a := apiApp(t)
	got := ask(t, a, "POST", "/api/v1/notes/1", `{"text":"hej","topic":"mat"}`, jsonHead, "X-Who: elsa", "Idempotency-Key: k1")
	var first struct{ ID, Who string }
	if err := json.Unmarshal([]byte(got.body), &first); err != nil || got.status != 201 || first.Who != elsa.ID {
		t.Fatalf("%d %s %v", got.status, got.body, err)
	}
	again := ask(t, a, "POST", "/api/v1/notes/1", `{"text":"hej","topic":"mat"}`, jsonHead, "X-Who: elsa", "Idempotency-Key: k1")
	if again.body != got.body {
		t.Errorf("the same key gives %s and %s", got.body, again.body)
	}
	other := ask(t, a, "POST", "/api/v1/notes/1", `{"text":"hej","topic":"mat"}`, jsonHead, "X-Who: elsa")
	if other.body == got.body {
		t.Error("no key gives the same id")
	}
	if got := ask(t, a, "GET", "/api/v1/open", ""); got.status != 200 || !strings.Contains(got.body, `"who":""`) {
		t.Errorf("a visitor: %d %s", got.status, got.body)
	}
	if got := ask(t, a, "DELETE", "/api/v1/notes/1", "", "X-Who: elsa"); got.status != 204 || got.body != "" {
		t.Errorf("delete: %d %s", got.status, got.body)
	}
}

func TestFaultsOfShapeAreOurProblemsInSwedish(t *testing.T) {
	a := apiApp(t)
	for _, c := range []struct {
		name, body string
		status     int
		field      string
		says       string
	}{
		{"nothing", "", 400, "", ""},
		{"not JSON", "{", 400, "", ""},
		{"missing", `{"topic":"mat"}`, 422, "text", "Uppgiften saknas."},
		{"unknown", `{"text":"a","topic":"mat","mer":1}`, 422, "mer", "Uppgiften är okänd."},
		{"too long", `{"text":"aaaaaaaaaaaaaaa","topic":"mat"}`, 422, "text", "Texten är för lång."},
		{"not one of", `{"text":"a","topic":"x"}`, 422, "topic", "Värdet är inte ett av dem som går att välja."},
		{"no time", `{"text":"a","topic":"mat","from":"igår"}`, 422, "from", "Skriv datum som 2026-11-23 och tid som 2026-11-23T10:00:00+01:00."},
		{"another type", `{"text":1,"topic":"mat"}`, 422, "text", "Uppgiften har fel form."},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ask(t, a, "POST", "/api/v1/notes/1", c.body, jsonHead, "X-Who: elsa")
			var p Problem
			if err := json.Unmarshal([]byte(got.body), &p); err != nil || got.status != c.status || got.header.Get("Content-Type") != problemType || p.Request == "" || p.Title == "" || p.Detail == "" {
				t.Fatalf("%d %s: %s", got.status, got.header.Get("Content-Type"), got.body)
			}
			if c.field != "" && (len(p.Fields) == 0 || p.Fields[0].Name != c.field || p.Fields[0].Text != c.says) {
				t.Errorf("%+v", p.Fields)
			}
			if strings.Contains(got.body, "expected") || strings.Contains(got.body, "validation") {
				t.Errorf("not our words: %s", got.body)
			}
		})
	}
}

func TestFaultsOfTheRulesAreProblems(t *testing.T) {
	a := apiApp(t)
	got := ask(t, a, "POST", "/api/v1/notes/taken", `{"text":"hej","topic":"mat"}`, jsonHead, "X-Who: elsa")
	if got.status != 409 || !strings.Contains(got.body, `"code":"taken"`) || !strings.Contains(got.body, "Fullbokad") {
		t.Errorf("%d %s", got.status, got.body)
	}
	english := ask(t, a, "POST", "/api/v1/notes/taken", `{"text":"hej","topic":"mat"}`, jsonHead, "X-Who: elsa", "Accept-Language: en")
	if !strings.Contains(english.body, "Fully booked") {
		t.Errorf("in English: %s", english.body)
	}
}

func TestNobodyIs401BeforeTheBodyIsJudged(t *testing.T) {
	a := apiApp(t)
	checkProblem(t, ask(t, a, "POST", "/api/v1/notes/1", "{", jsonHead), 401)
	checkProblem(t, ask(t, a, "DELETE", "/api/v1/notes/1", ""), 401)
	checkProblem(t, ask(t, a, "POST", "/api/v1/notes/1", "{", jsonHead, "X-Who: broken"), 500)
}

func TestTheAPIDescribesItself(t *testing.T) {
	a := apiApp(t)
	got := ask(t, a, "GET", "/api/v1/openapi.json", "")
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil || got.status != 200 {
		t.Fatalf("%d %v", got.status, err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Paths["/api/v1/notes/{id}"]["post"] == nil || doc.Paths["/api/v1/open"]["get"] == nil {
		t.Errorf("%s %v", doc.OpenAPI, doc.Paths)
	}
	if doc.Components.Schemas["Problem"] == nil || doc.Components.Schemas["ErrorModel"] != nil || strings.Contains(got.body, "ErrorModel") {
		t.Errorf("the faults are described as %v", doc.Components.Schemas)
	}
	if !strings.Contains(string(doc.Paths["/api/v1/notes/{id}"]["post"]), "application/problem+json") {
		t.Error("no problem is described")
	}
	var post struct {
		Responses map[string]struct{ Content map[string]json.RawMessage }
	}
	if err := json.Unmarshal(doc.Paths["/api/v1/notes/{id}"]["post"], &post); err != nil {
		t.Fatal(err)
	}
	if made, again := post.Responses["201"].Content["application/json"], post.Responses["200"].Content["application/json"]; made == nil || string(made) != string(again) {
		t.Errorf("a repeat is described as %s, the first time as %s", again, made)
	}
	for _, status := range []string{"401", "403", "404", "409", "422", "503"} {
		if post.Responses[status].Content["application/problem+json"] == nil {
			t.Errorf("%s is not described", status)
		}
	}
	for _, path := range []string{"/docs", "/api/v1/docs"} {
		if got := ask(t, a, "GET", path, ""); got.status != 404 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}
