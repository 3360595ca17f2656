package web

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

func draw(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAFaultIsSaidAtTheTopAndAtTheField(t *testing.T) {
	f := &Form{Key: "k1", Values: map[string][]string{"namn": {`<Åsa> & "co"`}, "form": {"b"}}}
	err := halsocoach.Invalid(halsocoach.Field{Name: "namn", Text: "Skriv ett namn."}, halsocoach.Field{Name: "form", Text: "Välj hur du vill ses."})
	if !f.Failed(err) || f.Error("namn") != "Skriv ett namn." {
		t.Fatalf("%+v", f)
	}
	top := draw(t, ErrorSummary(f))
	for _, want := range []string{`role="alert"`, `tabindex="-1"`, "data-focus", `<a href="#f-namn">Skriv ett namn.</a>`, `<a href="#f-form">Välj hur du vill ses.</a>`} {
		if !strings.Contains(top, want) {
			t.Errorf("the summary lacks %s: %s", want, top)
		}
	}
	field := draw(t, TextField(f, Field{Name: "namn", Label: "Namn", Hint: "Förnamn räcker"}))
	for _, want := range []string{
		`for="f-namn"`, `id="f-namn"`, `aria-invalid="true"`, `aria-describedby="f-namn-hint f-namn-error"`, `id="f-namn-error"`, "Skriv ett namn.",
		`value="&lt;Åsa&gt; &amp; &#34;co&#34;"`,
	} {
		if !strings.Contains(field, want) {
			t.Errorf("the field lacks %s: %s", want, field)
		}
	}
	radios := draw(t, Radios(f, Field{Name: "form", Label: "Hur?"}, []Choice{{Value: "a", Label: "A"}, {Value: "b", Label: "B"}}))
	for _, want := range []string{"<fieldset", "<legend>", `id="f-form"`, `value="b" checked`, `id="f-form-error"`} {
		if !strings.Contains(radios, want) {
			t.Errorf("the radios lack %s: %s", want, radios)
		}
	}
	if draw(t, ErrorSummary(&Form{})) != "" {
		t.Error("a summary without faults")
	}
}

func TestOnlyInvalidIsForTheForm(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		failed bool
		fields int
	}{
		"nothing":       {nil, false, 0},
		"conflict":      {halsocoach.Conflict("full", "Fullbokad"), false, 0},
		"ours":          {errors.New("x"), false, 0},
		"two fields":    {halsocoach.Invalid(halsocoach.Field{Name: "a", Text: "x"}, halsocoach.Field{Name: "b", Text: "y"}), true, 2},
		"of the whole":  {halsocoach.ErrKeyReused, true, 1},
		"wrapped fault": {errors.Join(halsocoach.Invalid(halsocoach.Field{Name: "a", Text: "x"})), true, 1},
	} {
		f := &Form{}
		if got := f.Failed(c.err); got != c.failed || len(f.Errors) != c.fields {
			t.Errorf("%s: %v with %v", name, got, f.Errors)
		}
	}
}

func TestFormsAreReadAsPeopleWroteThem(t *testing.T) {
	a := testApp(t)
	var f *Form
	var key string
	a.Fiber().Post("/las", func(c *fiber.Ctx) error {
		f, key = ReadForm(c), Req(c).Key
		return nil
	})
	ask(t, a, "POST", "/las", "namn=++%C3%85sa+&ord=en%0D%0Atv%C3%A5&om=mat&om=s%C3%B6mn&fel=%ff&_key=k1")
	if f.Get("namn") != "Åsa" || f.Get("ord") != "en\ntvå" || !f.Has("om", "sömn") || f.Get("fel") != "" || f.Key != "k1" || key != "k1" {
		t.Errorf("%+v with key %q", f, key)
	}
	body := "--b\r\nContent-Disposition: form-data; name=\"namn\"\r\n\r\nÅsa\r\n--b\r\nContent-Disposition: form-data; name=\"fil\"; filename=\"a.txt\"\r\n\r\nx\r\n--b--\r\n"
	ask(t, a, "POST", "/las", body, "Content-Type: multipart/form-data; boundary=b")
	if f.Get("namn") != "Åsa" || f.Get("fil") != "" {
		t.Errorf("multipart: %+v", f)
	}
	ask(t, a, "POST", "/las", "_key="+strings.Repeat("a", 300))
	if len(f.Key) > 30 || len(key) > 30 {
		t.Error("a key of 300 characters is taken")
	}
	ask(t, a, "POST", "/las", "", "Idempotency-Key: from-header")
	if key != "from-header" {
		t.Errorf("key %q", key)
	}
	ask(t, a, "POST", "/las", "")
	if key == "" {
		t.Error("no key: every call is a request of its own")
	}
}

func TestANoticeIsShownOnce(t *testing.T) {
	a := testApp(t)
	a.Fiber().Post("/gor", func(c *fiber.Ctx) error { return Redirect(c, "/sida", "Platsen är din.") })
	got := ask(t, a, "POST", "/gor", "")
	cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
	if got.status != 303 || got.header.Get("Location") != "/sida" || !strings.Contains(got.header.Get("Set-Cookie"), "HttpOnly") {
		t.Fatalf("%d %v", got.status, got.header)
	}
	page := ask(t, a, "GET", "/sida", "", "Cookie: "+cookie)
	if !strings.Contains(page.body, "Platsen är din.") || !strings.Contains(page.body, `role="status"`) {
		t.Errorf("no notice: %s", page.body)
	}
	if !strings.HasPrefix(cookie, "__Host-besked=") || !strings.Contains(page.header.Get("Set-Cookie"), "__Host-besked=;") {
		t.Errorf("the notice stays: %v", page.header)
	}
	english := ask(t, a, "GET", "/sida", "", "Cookie: sprak=en; "+cookie)
	if !strings.Contains(english.body, "The place is yours.") {
		t.Error("the notice is not translated")
	}
}

func TestTheLanguageIsChosenAndRemembered(t *testing.T) {
	a := testApp(t)
	for _, c := range []struct{ name, head, want string }{
		{"nothing said", "X-Nothing: 1", "sv"},
		{"the browser's", "Accept-Language: en-GB,en;q=0.9,sv;q=0.5", "en"},
		{"Swedish weighs more", "Accept-Language: en;q=0.5, sv;q=0.8", "sv"},
		{"a language we lack", "Accept-Language: fi, ar;q=0.9", "sv"},
		{"the choice goes first", "Cookie: sprak=en", "en"},
		{"a choice we lack", "Cookie: sprak=xx", "sv"},
	} {
		if got := ask(t, a, "GET", "/", "", c.head); !strings.Contains(got.body, `<html lang="`+c.want+`"`) {
			t.Errorf("%s: %.60s", c.name, got.body)
		}
	}
	got := ask(t, a, "POST", "/sprak", "sprak=en&till=%2Fsida%3Fa%3Db")
	if got.status != 303 || got.header.Get("Location") != "/sida?a=b" || !strings.HasPrefix(got.header.Get("Set-Cookie"), "sprak=en;") {
		t.Errorf("switch: %d %v", got.status, got.header)
	}
	for _, away := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:x", "", "/a\r\nb"} {
		if got := LocalPath(away, "/"); got != "/" {
			t.Errorf("%q leads to %q", away, got)
		}
	}
	if got := ask(t, a, "GET", "/sprak", ""); got.status != 303 {
		t.Errorf("GET /sprak: %d", got.status)
	}
}

func TestTheFrameKnowsWhoIsThere(t *testing.T) {
	a := testApp(t)
	visitor, citizen, coach := ask(t, a, "GET", "/sida", ""), ask(t, a, "GET", "/sida", "", "X-Who: elsa"), ask(t, a, "GET", "/sida", "", "X-Who: maria")
	for _, c := range []struct {
		name       string
		body       string
		has, lacks []string
	}{
		{"visitor", visitor.body, []string{`href="/logga-in"`, `href="/tillganglighet"`, `href="#innehall"`}, []string{`action="/logga-ut"`, "Huvudmeny"}},
		{"citizen", citizen.body, []string{"Elsa Berg", "Invånare", `action="/logga-ut"`, `aria-current="page"`, `<span class="count">2</span>`}, []string{`href="/logga-in"`}},
		{"coach", coach.body, []string{"Maria Holm", "Hälsocoach"}, nil},
	} {
		for _, want := range c.has {
			if !strings.Contains(c.body, want) {
				t.Errorf("%s: lacks %s", c.name, want)
			}
		}
		for _, not := range c.lacks {
			if strings.Contains(c.body, not) {
				t.Errorf("%s: holds %s", c.name, not)
			}
		}
	}
}

func TestAPublicPageHasNoNavigation(t *testing.T) {
	a := testApp(t)
	a.Fiber().Get("/in", func(c *fiber.Ctx) error { return Show(c, Page{Title: "Logga in", Public: true}, templ.Raw("")) })
	if got := ask(t, a, "GET", "/in", "", "X-Who: elsa"); strings.Contains(got.body, "Huvudmeny") || !strings.Contains(got.body, "/logga-ut") {
		t.Error(got.body)
	}
}

func TestTheStatementHoldsWhatTheLawAsksFor(t *testing.T) {
	a := testApp(t)
	body := ask(t, a, "GET", "/tillganglighet", "").body
	for _, want := range []string{
		"Region Jönköpings län", "Hälsocoach online", "Delvis förenlig", "Det här brister", "Skäl:", "Senast bedömd", "Redogörelsen uppdaterad",
		"Så har vi bedömt", "mailto:", "https://www.digg.se/tdosanmalan", "22 november 2026",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %q", want)
		}
	}
}

func TestTheStylePageIsOnlyInTheDemo(t *testing.T) {
	if got := ask(t, testApp(t), "GET", "/stil", ""); got.status != 200 {
		t.Errorf("demo: %d", got.status)
	}
	if got := ask(t, testApp(t, func(c *Config) { c.Demo = false }), "GET", "/stil", ""); got.status != 404 {
		t.Errorf("serve: %d", got.status)
	}
}

// TestEveryComponentIsOnTheStylePage, so that the page stays the guide.
func TestEveryComponentIsOnTheStylePage(t *testing.T) {
	body := ask(t, testApp(t), "POST", "/stil", "namn=", "X-Who: maria").body
	for name, sign := range map[string]string{
		"PageHeader": `class="page-header"`, "BackLink": `class="back"`, "Breadcrumbs": `class="crumbs"`, "Tabs": `class="tabs"`, "Notice": `class="notice warn"`,
		"Tag": `class="tag good"`, "Empty": `class="empty"`, "Section": `class="section"`, "Next": `class="next"`, "Table": `class="table-frame"`, "Facts": `class="facts"`,
		"List": `class="list"`, "Item": `class="item"`, "ItemPlain": `class="item plain"`, "Meta": `class="meta"`, "Figure": `class="figure"`, "Steps": `class="steps"`,
		"Pager": `class="pager"`, "Meter": `class="meter"`, "BarChart": `class="chart"`, "Desk": `class="desk"`, "Chat": `role="log"`, "Bubble": `class="bubble mine"`,
		"ChatComposer": `class="composer"`, "ErrorSummary": `class="error-summary"`, "FormTo": "novalidate", "TextField": `type="tel"`, "TextArea": "<textarea", "DateField": `type="date"`,
		"TimeField": `type="time"`, "Select": "<select", "Radios": `type="radio"`, "Checkboxes": `type="checkbox"`, "Checkbox": `value="ja"`, "SlotPicker": `class="slots"`,
		"Filter": `class="filter"`, "Act": `class="act"`, "ButtonKind": `class="button warn"`, "Buttons": `class="buttons"`,
	} {
		if !strings.Contains(body, sign) {
			t.Errorf("%s is not shown (%s)", name, sign)
		}
	}
}
