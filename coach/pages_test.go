package coach_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

func (w *world) app() *testenv.App {
	return w.App(func(a *web.App) {
		w.Routes(a.Fiber())
		w.API(a.API())
	})
}

var (
	hiddenKey = regexp.MustCompile(`name="_key" value="([^"]+)"`)
	slotRadio = regexp.MustCompile(`name="tid" value="([^"]+)"`)
)

// see reads a page that must be there and hold the texts.
func see(t *testing.T, v *testenv.Visitor, path string, texts ...string) string {
	t.Helper()
	r := v.Get(path)
	if r.Status != http.StatusOK {
		t.Fatalf("GET %s: %d", path, r.Status)
	}
	holds(t, path, r.Body, texts...)
	return r.Body
}

func holds(t *testing.T, what, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("%s does not say %q", what, text)
		}
	}
}

// send posts a form that must answer with the status, and gives where it leads.
func send(t *testing.T, v *testenv.Visitor, path string, form url.Values, status int) testenv.Response {
	t.Helper()
	r := v.Post(path, form)
	if r.Status != status {
		t.Fatalf("POST %s: %d, want %d: %s", path, r.Status, status, r.Body[:min(len(r.Body), 600)])
	}
	return r
}

func TestACitizenBooksMovesAndCallsOff(t *testing.T) {
	w := newWorld(t)
	app, elsa := w.app(), w.People.Elsa
	v := app.As(elsa)
	see(t, v, "/samtal", "När ett Hälsocenter har tagit emot")
	w.enrol(elsa, w.People.Maria)
	page := see(t, v, "/samtal", "Boka ditt första samtal", ">måndag 23 november</p>", "Hos Maria Holm", "Hos Malin Ask", "10.00", "Samtalet är gratis")
	form := url.Values{"_key": {hiddenKey.FindStringSubmatch(page)[1]}, "tid": {slotRadio.FindStringSubmatch(page)[1]}}
	if !strings.HasPrefix(form.Get("tid"), "maria|2026-11-23T10:00:00+01:00|") {
		t.Fatalf("the first time is %s", form.Get("tid"))
	}
	to := send(t, v, "/samtal/boka", form, http.StatusSeeOther).Header.Get("Location")
	if again := send(t, v, "/samtal/boka", form, http.StatusSeeOther).Header.Get("Location"); again != to {
		t.Fatalf("sent twice: %s and %s", to, again)
	}
	if strings.Contains(to, elsa.ID) {
		t.Fatal("a person's id stands in the address")
	}
	see(t, v, to, "Inledande samtal", "måndag 23 november 10.00–11.00", "Maria Holm", "Hälsocenter Sävsjö", to+"/flytta", to+"/avboka")
	see(t, v, "/samtal", "Byt tid", to+"/avboka")
	see(t, v, to+"/flytta", "Byt till den här tiden")
	to = send(t, v, to+"/flytta", url.Values{"tid": {"malin|2026-11-24T13:00:00+01:00|telefon"}}, http.StatusSeeOther).Header.Get("Location")
	see(t, v, to, "tisdag 24 november 13.00", "Malin Ask", "Din hälsocoach ringer upp")
	see(t, v, to+"/avboka", "Avboka samtalet?")
	send(t, v, to+"/avboka", nil, http.StatusSeeOther)
	send(t, v, to+"/avboka", nil, http.StatusSeeOther)
	see(t, v, to, "Avbokat", "Boka en ny tid")
	see(t, v, "/samtal", "Boka ditt första samtal")
}

func TestTheFirstDaysAreShownAndMoreOnAsking(t *testing.T) {
	w := newWorld(t)
	v := w.app().As(w.People.Elsa)
	w.enrol(w.People.Elsa, w.People.Maria)
	more := regexp.MustCompile(`href="([^"]+)"[^>]*>Visa fler dagar`)
	days := func(page string) int { return strings.Count(page, `class="slot-title"`) }
	page := see(t, v, "/samtal", "måndag 23 november", "tisdag 24 november")
	if n := days(page); n != 3 {
		t.Fatalf("%d days at first", n)
	}
	href := html.UnescapeString(more.FindStringSubmatch(page)[1])
	at, anchor, _ := strings.Cut(href, "#")
	if !strings.Contains(at, "dagar=8") || strings.Contains(page, `id="`+anchor+`"`) {
		t.Fatalf("more days are at %s", href)
	}
	page = see(t, v, at, "måndag 23 november", `id="`+anchor+`"`, `action="/samtal/boka?dagar=8"`)
	if n := days(page); n != 8 {
		t.Fatalf("%d days after asking", n)
	}
	r := send(t, v, "/samtal/boka?dagar=8", url.Values{"tid": {""}}, http.StatusUnprocessableEntity)
	if n := days(r.Body); n != 8 {
		t.Errorf("%d days after a mistake", n)
	}
	if page = see(t, v, "/samtal?dagar=400", "måndag 23 november"); more.MatchString(page) {
		t.Error("more days are promised than there are")
	}
	for _, odd := range []string{"-1", "x", "99999999999999999999"} {
		if n := days(see(t, v, "/samtal?dagar="+odd, "måndag 23 november")); n < 3 {
			t.Errorf("dagar=%s gives %d days", odd, n)
		}
	}
}

func TestATalkIsTakenIntoTheOwnCalendar(t *testing.T) {
	w := newWorld(t)
	app, elsa, anna := w.app(), w.People.Elsa, w.People.Anna
	w.enrol(elsa, w.People.Maria)
	w.enrol(anna, w.People.Maria)
	w.protect(anna)
	b := w.book(elsa, w.wish(tuesday, 9))
	path := "/samtal/" + b.ID
	v := app.As(elsa)
	property := func(file, name string) string {
		m := regexp.MustCompile("(?m)^" + name + "[;:](.*)\r$").FindStringSubmatch(file)
		if m == nil {
			t.Fatalf("no %s in %s", name, file)
		}
		return m[1]
	}
	take := func(says ...string) string {
		t.Helper()
		r := v.Get(path + "/kalender.ics")
		if r.Status != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/calendar") || !strings.Contains(r.Header.Get("Content-Disposition"), "bokad-tid.ics") || r.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v", r.Status, r.Header)
		}
		holds(t, "the file", r.Body, says...)
		for _, never := range []string{elsa.ID, "Elsa", "Maria", b.ID, "hälso", "Hälso", "samtal", "coach"} {
			if strings.Contains(r.Body, never) {
				t.Errorf("the file says %q", never)
			}
		}
		return r.Body
	}
	see(t, v, path, path+"/kalender.ics", "Lägg in i din kalender")
	see(t, v, "/samtal", path+"/kalender.ics")
	first := take("SUMMARY:Bokad tid", "DTSTART;TZID=Europe/Stockholm:20261124T090000", "SEQUENCE:0", "STATUS:CONFIRMED")
	send(t, v, path+"/flytta", url.Values{"tid": {"malin|2026-11-25T13:00:00+01:00|telefon"}}, http.StatusSeeOther)
	moved := take("DTSTART;TZID=Europe/Stockholm:20261125T130000", "SEQUENCE:1", "LOCATION:Telefon", "STATUS:CONFIRMED")
	if to := send(t, v, path+"/avboka", nil, http.StatusSeeOther).Header.Get("Location"); to != path {
		t.Fatalf("calling off leads to %s", to)
	}
	see(t, v, path, "Ta bort ur din kalender")
	gone := take("SEQUENCE:2", "STATUS:CANCELLED", "METHOD:CANCEL")
	if uid := property(first, "UID"); uid != property(moved, "UID") || uid != property(gone, "UID") {
		t.Error("a moved or cancelled talk is another event")
	}
	hidden := w.book(anna, w.wish(tuesday, 10))
	if r := app.As(anna).Get("/samtal/" + hidden.ID + "/kalender.ics"); r.Status != 200 || strings.Contains(r.Body, "LOCATION") {
		t.Errorf("the place of a protected person: %d %s", r.Status, r.Body)
	}
	for _, at := range []struct {
		hour  int
		where string
	}{{11, "LOCATION:Torget"}, {14, "LOCATION:Telefon"}} {
		omar := halsocoach.Actor{ID: fmt.Sprint("omar", at.hour), Role: halsocoach.RoleCitizen}
		w.enrol(omar, w.People.Maria)
		file := "/samtal/" + w.book(omar, w.wish(tuesday, at.hour)).ID + "/kalender.ics"
		if r := app.As(omar).Get(file); !strings.Contains(r.Body, at.where) {
			t.Errorf("the file does not say %s: %s", at.where, r.Body)
		}
		w.protect(omar)
		if r := app.As(omar).Get(file); r.Status != 200 || strings.Contains(r.Body, "LOCATION") {
			t.Errorf("the place of a person who has become protected: %s", r.Body)
		}
		testenv.Must(t, w.Persons.Unprotect(w.Ctx(), w.People.Region, omar.ID, "beslut"))
		if r := app.As(omar).Get(file); !strings.Contains(r.Body, at.where) {
			t.Errorf("the file does not say %s again: %s", at.where, r.Body)
		}
	}
}

func TestATalkSaysHowTheTwoWillMeet(t *testing.T) {
	w := newWorld(t)
	app, elsa, anna, maria := w.app(), w.People.Elsa, w.People.Anna, w.People.Maria
	testenv.Must(t, w.SetDay(w.Ctx(), maria, tuesday, []coach.Hours{{From: 9 * 60, To: 12 * 60, Form: coach.ByVideo}, {From: 13 * 60, To: 16 * 60, Form: coach.ByPhone}}))
	w.enrol(elsa, maria)
	w.enrol(anna, maria)
	w.protect(anna)
	video := w.book(elsa, coach.BookRequest{Coach: "maria", Starts: tuesday.At(9 * 60), Form: coach.ByVideo})
	phone := w.book(anna, w.wish(tuesday, 13))
	const link = "https://video.example.org/maria"

	see(t, app.As(elsa), "/samtal/"+video.ID, "Videosamtal", "visas här när din hälsocoach har lagt in den")
	see(t, app.As(maria), "/kalender", "ingen videolänk")
	see(t, app.As(maria), "/kalender/samtal/"+video.ID, "Ingen videolänk än")
	for name, bad := range map[string]string{"no https": "http://video.example.org/maria", "a script": "javascript:alert(1)", "no host": "https://", "words": "rum 4", "a name and password": "https://a:b@video.example.org", "a host alone": "https://intranet/x"} {
		r := send(t, app.As(maria), "/kalender/video", url.Values{"video": {bad}}, http.StatusUnprocessableEntity)
		holds(t, name, r.Body, "Den börjar med https://.", "Din videolänk")
	}
	send(t, app.As(maria), "/kalender/video", url.Values{"video": {" " + link + " "}}, http.StatusSeeOther)
	see(t, app.As(maria), "/kalender/video", `value="`+link+`"`)
	for _, c := range []struct {
		who  halsocoach.Actor
		path string
	}{{elsa, "/samtal"}, {elsa, "/samtal/" + video.ID}, {maria, "/kalender/samtal/" + video.ID}} {
		see(t, app.As(c.who), c.path, `href="`+link+`"`, "Öppna videosamtalet")
	}
	for _, path := range []string{"/samtal", "/samtal/" + phone.ID, "/samtal/" + video.ID} {
		if r := app.As(anna).Get(path); strings.Contains(r.Body, link) {
			t.Errorf("%s gives the link to somebody else", path)
		}
	}
	see(t, app.As(anna), "/samtal/"+phone.ID, "Din hälsocoach ringer upp dig på 070-174 06 05.")
	r := app.As(maria).Get("/kalender/samtal/" + phone.ID)
	holds(t, "the protected person's talk", r.Body, "Du ringer upp.", "Se personens sida för nummer")
	if strings.Contains(r.Body, "174 06 05") {
		t.Error("the number of a protected person is shown without a reason")
	}
	send(t, app.As(elsa), "/samtal/"+video.ID+"/avboka", nil, http.StatusSeeOther)
	if r := app.As(elsa).Get("/samtal/" + video.ID); strings.Contains(r.Body, link) {
		t.Error("a talk that is called off still gives the link")
	}
	send(t, app.As(maria), "/kalender/video", url.Values{"video": {""}}, http.StatusSeeOther)
	if got, err := w.Video(w.Ctx(), maria); err != nil || got != "" {
		t.Errorf("the link is not taken away: %q %v", got, err)
	}
}

func TestTheCalendarOpensOnTheComingWeekWhenThisOneIsOver(t *testing.T) {
	w := newWorld(t)
	app := w.app()
	maria := app.As(w.People.Maria)
	testenv.Must(t, w.HoldSpan(w.Ctx(), "maria", halsocoach.Appointment{ID: "walk", Title: "Promenadgruppen", Starts: monday.Plus(5).At(600), Ends: monday.Plus(5).At(660)}))
	w.Clock.Set(monday.Plus(4).At(20 * 60))
	see(t, maria, "/kalender", "Vecka 48")
	w.Clock.Set(monday.Plus(5).At(9 * 60))
	see(t, maria, "/kalender", "Vecka 48", "10.00–11.00 Promenadgruppen")
	w.Clock.Set(monday.Plus(6).At(9 * 60))
	see(t, maria, "/kalender", "Vecka 49")
	see(t, maria, "/kalender?vecka="+string(monday.Plus(6)), "Vecka 48", "Promenadgruppen")
	see(t, maria, "/kalender?vecka=2026-12-24", "Julafton", "Inga tider för samtal")
}

func TestATimeThatWasJustTakenShowsTheRest(t *testing.T) {
	w := newWorld(t)
	app, elsa, anna := w.app(), w.People.Elsa, w.People.Anna
	w.enrol(elsa, w.People.Maria)
	w.enrol(anna, w.People.Maria)
	form := url.Values{"tid": {"maria|2026-11-24T09:00:00+01:00|på plats"}}
	send(t, app.As(anna), "/samtal/boka", form, http.StatusSeeOther)
	r := send(t, app.As(elsa), "/samtal/boka", form, http.StatusConflict)
	holds(t, "the page", r.Body, "Tiden är inte ledig längre", "Tiden hann bli bokad", "maria|2026-11-24T10:00:00")
	if strings.Contains(r.Body, `value="`+form.Get("tid")) {
		t.Error("the taken time is still offered")
	}
	for name, tid := range map[string]string{"nothing chosen": "", "broken": "maria|igår", "half": "maria||"} {
		r := send(t, app.As(elsa), "/samtal/boka", url.Values{"tid": {tid}}, http.StatusUnprocessableEntity)
		holds(t, name, r.Body, "Välj en tid.", "Det är något att rätta till", `href="#f-tid"`)
	}
	send(t, app.As(elsa), "/samtal/boka", url.Values{"tid": {"maria|2026-11-24T10:00:00+01:00|på plats"}}, http.StatusSeeOther)
	r = send(t, app.As(elsa), "/samtal/boka", url.Values{"tid": {"maria|2026-11-24T11:00:00+01:00|på plats"}}, http.StatusConflict)
	holds(t, "the page", r.Body, "Du har redan ett samtal bokat")
}

func TestACoachWorksThroughTheCalendar(t *testing.T) {
	w := newWorld(t)
	app, elsa := w.app(), w.People.Elsa
	e := w.enrol(elsa, w.People.Maria)
	b := w.book(elsa, w.wish(monday, 10))
	v := app.As(w.People.Maria)
	path := "/kalender/samtal/" + b.ID
	see(t, v, "/skrivbord", "Hej Maria!", "Namn "+e.ID, "Ny bokning", path)
	see(t, v, "/kalender", "Vecka 48", "10.00–11.00 Namn", "09.00–12.00 På plats", path)
	if page := see(t, v, path, "Namn "+e.ID, "Inledande samtal"); strings.Contains(page, "utfall") {
		t.Error("the outcome is asked for before the talk")
	}
	send(t, v, path+"/utfall", url.Values{"utfall": {"held"}}, http.StatusConflict)
	w.Clock.Set(b.Starts.Add(time.Minute))
	see(t, v, path, "Samtalet hölls", "Personen uteblev")
	send(t, v, path+"/utfall", url.Values{"utfall": {"held"}}, http.StatusSeeOther)
	see(t, v, path, "Hållet", "Personen uteblev")
	send(t, v, path+"/utfall", url.Values{"utfall": {"kanske"}}, http.StatusConflict)

	page := see(t, v, "/kalender/boka?kontakt="+e.ID, "Boka samtal med Namn", "Uppföljande samtal")
	form := url.Values{"kontakt": {e.ID}, "sort": {"followup"}, "_key": {hiddenKey.FindStringSubmatch(page)[1]}}
	r := send(t, v, "/kalender/boka", form, http.StatusUnprocessableEntity)
	holds(t, "the page", r.Body, "Välj en tid.")
	form.Set("datum", "2026-11-30")
	form.Set("klockan", "halv tio")
	form.Set("form", "video")
	r = send(t, v, "/kalender/boka", form, http.StatusUnprocessableEntity)
	holds(t, "the page", r.Body, "Skriv klockslag som 09.00.", `value="halv tio"`)
	form.Set("klockan", "17.30")
	path = send(t, v, "/kalender/boka", form, http.StatusSeeOther).Header.Get("Location")
	see(t, v, path, "måndag 30 november 17.30–18.15", "Videosamtal")
	see(t, v, path+"/flytta", "Eller en egen tid i din kalender")
	send(t, v, path+"/flytta", url.Values{"tid": {"maria|2026-12-01T09:00:00+01:00|på plats"}}, http.StatusSeeOther)
	see(t, v, path, "tisdag 1 december 09.00–09.45")
	see(t, v, path+"/avboka", "Avboka samtalet?")
	send(t, v, path+"/avboka", nil, http.StatusSeeOther)
	see(t, v, path, "Avbokades av Hälsocenter")
}

func TestACoachDecidesTheHours(t *testing.T) {
	w := newWorld(t)
	v := w.app().As(w.People.Maria)
	page := see(t, v, "/kalender/tider", "Veckans tider", `name="dag1" type="time" value="09:00"`, `name="till1-1" type="time" value="16:00"`)
	holds(t, "the page", page, `name="dag1-2"`, `name="dag6"`)
	form := url.Values{"fran": {"2026-11-30"}, "dag1": {"10:00"}, "till1": {"09:00"}, "form1": {"video"}, "dag7": {"x"}, "till7": {"12:00"}}
	r := send(t, v, "/kalender/tider", form, http.StatusUnprocessableEntity)
	holds(t, "the page", r.Body, "Skriv klockslag som 09.00.", `value="10:00"`)
	form.Set("dag7", "11:00")
	form.Set("form7", "telefon")
	r = send(t, v, "/kalender/tider", form, http.StatusUnprocessableEntity)
	holds(t, "the page", r.Body, "Passet behöver börja innan det slutar")
	form.Set("till1", "00:00")
	send(t, v, "/kalender/tider", form, http.StatusSeeOther)
	see(t, v, "/kalender?vecka=2026-12-02", "10.00–24.00 Video", "11.00–12.00 Telefon")
	see(t, v, "/kalender", "09.00–12.00 På plats")
	see(t, w.app().As(w.People.Johan), "/kalender", "Lägg in veckans tider")

	day := "/kalender/dag/2026-12-02"
	see(t, v, day, "Inga tider för samtal den här dagen")
	r = send(t, v, day, url.Values{"from": {"9"}, "till": {"8"}, "form": {"video"}}, http.StatusUnprocessableEntity)
	holds(t, "the page", r.Body, "Passet behöver börja innan det slutar")
	send(t, v, day, url.Values{"from": {"8:30"}, "till": {"10"}, "form": {"video"}}, http.StatusSeeOther)
	see(t, v, day, "08.30–10.00 Video", "Låt veckans tider gälla")
	send(t, v, day+"/bort", url.Values{"from": {"08:30"}, "till": {"10:00"}, "form": {"video"}}, http.StatusSeeOther)
	see(t, v, day, "Inga tider för samtal den här dagen")
	send(t, v, day+"/aterstall", nil, http.StatusSeeOther)
	send(t, v, "/kalender/dag/2026-11-30/stang", nil, http.StatusSeeOther)
	see(t, v, "/kalender?vecka=2026-11-30", "Inga tider för samtal", "Ändrad bara den här dagen")
}

// What stands at every route for every role is the program's table of access; these
// are the pages of one talk.
func TestWhoMaySeeThePagesOfATalk(t *testing.T) {
	w := newWorld(t)
	app, elsa := w.app(), w.People.Elsa
	e := w.enrol(elsa, w.People.Maria)
	b := w.book(elsa, w.wish(tuesday, 9))
	people := []halsocoach.Actor{elsa, w.People.Anna, w.People.Maria, w.malin, w.People.Johan, w.People.Kommun, {}}
	for path, want := range map[string][7]int{
		"/samtal/" + b.ID:                   {200, 404, 303, 303, 303, 303, 303},
		"/samtal/" + b.ID + "/kalender.ics": {200, 404, 403, 403, 403, 403, 303},
		"/samtal/" + b.ID + "/flytta":       {200, 404, 200, 200, 404, 403, 303},
		"/samtal/" + b.ID + "/avboka":       {200, 404, 200, 200, 404, 403, 303},
		"/kalender/dag/snart":               {403, 403, 404, 404, 404, 403, 303},
		"/kalender/samtal/" + b.ID:          {303, 303, 200, 200, 404, 403, 303},
		"/kalender/boka?kontakt=" + e.ID:    {403, 403, 200, 200, 404, 403, 303},
	} {
		for i, who := range people {
			if r := app.As(who).Get(path); r.Status != want[i] {
				t.Errorf("%s %s: %d, want %d", who.Role, path, r.Status, want[i])
			}
		}
	}
}

type freeBody struct {
	Items []struct {
		Coach, Form  string
		Starts, Ends time.Time
	}
	Next string
}

func TestTalksAsJSON(t *testing.T) {
	w := newWorld(t)
	app := w.app()
	people := w.citizens(2)
	elsa := app.As(people[0])
	r := elsa.JSON(http.MethodGet, "/api/v1/talks/free?centre=0684&from=2026-11-24&to=2026-11-24", nil)
	var free freeBody
	testenv.Must(t, r.Into(&free))
	if r.Status != 200 || len(free.Items) != 12 || free.Next != "" || free.Items[0].Coach != "maria" || !strings.Contains(r.Body, `"starts":"2026-11-24T09:00:00+01:00"`) {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	wish := map[string]any{"coach": "maria", "starts": free.Items[0].Starts, "form": free.Items[0].Form}
	won := elsa.JSON(http.MethodPost, "/api/v1/talks", wish)
	if r := app.As(people[1]).JSON(http.MethodPost, "/api/v1/talks", wish); won.Status != 201 || r.Status != 409 || !strings.Contains(r.Body, "Tiden hann bli bokad") {
		t.Fatalf("%d, %d %s", won.Status, r.Status, r.Body)
	}
	var talk map[string]any
	testenv.Must(t, json.Unmarshal([]byte(won.Body), &talk))
	if talk["kind"] != "first" || talk["starts"] != "2026-11-24T09:00:00+01:00" || talk["ends"] != "2026-11-24T10:00:00+01:00" {
		t.Fatalf("%s", won.Body)
	}
}

func TestATalkIsBookedMovedAndCalledOffAsJSON(t *testing.T) {
	w := newWorld(t)
	app := w.app()
	people := w.citizens(1)
	last := app.As(people[0])
	wish := map[string]any{"coach": "malin", "starts": "2026-11-24T09:00:00+01:00", "form": "på plats"}
	var talk map[string]any
	keyed := last.WithKey("once")
	first := keyed.JSON(http.MethodPost, "/api/v1/talks", wish)
	again := keyed.JSON(http.MethodPost, "/api/v1/talks", wish)
	if first.Status != 201 || again.Status != 200 || first.Body != again.Body {
		t.Fatalf("%d %s, %d %s", first.Status, first.Body, again.Status, again.Body)
	}
	wish["form"] = "video"
	if r := keyed.JSON(http.MethodPost, "/api/v1/talks", wish); r.Status != 422 {
		t.Fatalf("another wish: %d", r.Status)
	}
	testenv.Must(t, first.Into(&talk))
	path := "/api/v1/talks/" + talk["id"].(string)
	if r := app.As(w.People.Omar).JSON(http.MethodDelete, path, nil); r.Status != 404 {
		t.Fatalf("someone else's: %d", r.Status)
	}
	if r := last.JSON(http.MethodPost, path+"/move", map[string]any{"starts": "2026-11-25T09:00:00+01:00", "form": "på plats"}); r.Status != 200 || !strings.Contains(r.Body, talk["id"].(string)) {
		t.Fatalf("move: %d %s", r.Status, r.Body)
	}
	if r := last.JSON(http.MethodGet, "/api/v1/talks", nil); r.Status != 200 || !strings.Contains(r.Body, "2026-11-25T09:00:00+01:00") {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	if r := app.As(w.People.Maria).JSON(http.MethodPost, path+"/outcome", map[string]any{"outcome": "held"}); r.Status != 409 {
		t.Fatalf("too early: %d", r.Status)
	}
	for range 2 {
		if r := last.JSON(http.MethodDelete, path, nil); r.Status != 204 {
			t.Fatalf("delete: %d %s", r.Status, r.Body)
		}
	}
	for _, c := range []struct {
		who    halsocoach.Actor
		status int
	}{{halsocoach.Actor{}, 401}, {w.People.Region, 403}, {w.People.Omar, 409}} {
		if r := app.As(c.who).JSON(http.MethodGet, "/api/v1/talks/free?centre=0684", nil); r.Status != c.status {
			t.Errorf("%s: %d, want %d", c.who.Role, r.Status, c.status)
		}
	}
	if r := app.As(w.People.Maria).JSON(http.MethodGet, "/api/v1/talks/free?from=2027-06-01", nil); r.Status != 200 || !strings.Contains(r.Body, `"items":[]`) {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}
