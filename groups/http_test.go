package groups_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/groups"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

func (h *house) app() *testenv.App {
	return h.Env.App(func(a *web.App) {
		h.svc.Routes(a.Fiber())
		h.svc.API(a.API())
	})
}

// says checks the status and that the body holds all of the texts.
func says(t *testing.T, what string, r testenv.Response, status int, texts ...string) {
	t.Helper()
	if r.Status != status {
		t.Fatalf("%s: status %d, want %d\n%s", what, r.Status, status, r.Body)
	}
	for _, text := range texts {
		if !strings.Contains(r.Body, text) {
			t.Fatalf("%s does not say %q\n%s", what, text, r.Body)
		}
	}
}

func leads(t *testing.T, what string, r testenv.Response, to string) {
	t.Helper()
	if r.Status != http.StatusSeeOther || r.Header.Get("Location") != to {
		t.Fatalf("%s: %d to %q, want %q\n%s", what, r.Status, r.Header.Get("Location"), to, r.Body)
	}
}

func form(pairs ...string) url.Values {
	v := url.Values{"_key": {halsocoach.NewID()}}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func (h *house) publishAt(start, places int) (groups.Activity, groups.Brief) {
	h.T.Helper()
	p := walking(places)
	p.Dates.Start = start
	a, _, err := h.svc.Publish(h.Ctx(), h.People.Maria, newKey(), p)
	testenv.Must(h.T, err)
	return a, h.first(a)
}

func TestACitizenBooksWaitsAndCancelsInTheBrowser(t *testing.T) {
	h := newHouse(t)
	app := h.app()
	a, o := h.publish(1)
	elsa, anna, nobody := app.As(h.People.Elsa), app.As(h.People.Anna), app.As(halsocoach.Actor{})
	path := "/tillfallen/" + o.ID
	says(t, "the programme", nobody.Get("/gruppaktiviteter?kommun=0684"), 200, "Gågrupp vid Sävsjöån", "onsdag 25 november", "10.00–11.30", "1 plats kvar", path)
	says(t, "the activity", nobody.Get("/gruppaktiviteter/"+a.ID), 200, "Maria Holm, hälsocoach", "Gratis", "Resecentrum", "Hälsocenter Sävsjö", path)
	says(t, "the occasion", nobody.Get(path), 200, "Boka plats", "0 av 1 platser är bokade")
	leads(t, "a visitor who books", nobody.Post(path+"/boka", form()), "/logga-in?next="+url.QueryEscape(path+"/boka"))
	leads(t, "back from the sign-in", elsa.Get(path+"/boka"), path)

	wish := form()
	for range 2 { // the form sent twice
		leads(t, "booking", elsa.Post(path+"/boka", wish), path)
	}
	says(t, "the receipt", elsa.Get(path), 200, "Du har en plats", "Avboka min plats", "Din plats är bokad")
	if strings.Contains(elsa.Get(path).Body, "Fullbokat") || !strings.Contains(nobody.Get(path).Body, "Fullbokat") {
		t.Fatal("one with a place reads that the group is full, or one without does not")
	}
	if len(h.occasion(o.ID).Places) != 1 {
		t.Fatal("the form sent twice took two places")
	}
	// Anna's page is stale: it showed a free place.
	r := anna.Post(path+"/boka", form())
	says(t, "the full page", r, 409, "Fullbokat", "Ställ mig på reservlistan", "Andra datum med lediga platser", `name="reserve"`)
	leads(t, "the reserve list", anna.Post(path+"/boka", form("reserve", "ja")), path)
	says(t, "on the reserve list", anna.Get(path), 200, "Du är nummer 1 på reservlistan", "Lämna reservlistan")
	says(t, "my bookings", anna.Get("/mina-bokningar"), 200, "Gågrupp vid Sävsjöån", "Du är nummer 1 på reservlistan")
	for range 2 {
		leads(t, "cancelling", elsa.Post(path+"/avboka", form()), path+"?avbokad=ja")
	}
	says(t, "the promoted", anna.Get(path), 200, "Du har en plats")
	says(t, "my bookings", elsa.Get("/mina-bokningar"), 200, "Du har inga bokningar än")
	leads(t, "leaving the group", anna.Post("/gruppaktiviteter/"+a.ID+"/lamna", form()), "/gruppaktiviteter/"+a.ID)
	if len(h.occasion(o.ID).Places) != 0 {
		t.Fatal("the group was not left")
	}
	for _, p := range []string{path + "/avboka", "/gruppaktiviteter/" + a.ID + "/lamna"} {
		if r := elsa.Get(p); r.Status != 303 {
			t.Fatalf("GET %s: %d", p, r.Status)
		}
	}
	for _, p := range []string{"/tillfallen/finns-inte", "/gruppaktiviteter/finns-inte"} {
		says(t, p, elsa.Get(p), 404)
	}
	says(t, "booking what is not there", elsa.Post("/tillfallen/finns-inte/boka", form()), 404)
	says(t, "a coach who books", app.As(h.People.Maria).Post(path+"/boka", form()), 403)
	says(t, "a kommun that is not", nobody.Get("/gruppaktiviteter?kommun=9999"), 422, "Välj en kommun i Jönköpings län.")
	says(t, "an empty programme", nobody.Get("/gruppaktiviteter?kommun=0680"), 200, "Inget på gång just nu")
}

func TestAPlaceIsTakenIntoTheOwnCalendar(t *testing.T) {
	h := newHouse(t)
	app := h.app()
	_, o := h.publish(2)
	elsa, path := app.As(h.People.Elsa), "/tillfallen/"+o.ID
	link := regexp.MustCompile(`href="(/mina-bokningar/[^"]+/kalender.ics)"`)
	property := func(file, name string) string {
		t.Helper()
		m := regexp.MustCompile("(?m)^" + name + "[;:](.*)\r$").FindStringSubmatch(file)
		if m == nil {
			t.Fatalf("no %s in %s", name, file)
		}
		return m[1]
	}
	if link.MatchString(elsa.Get(path).Body) {
		t.Fatal("one without a place is offered the file")
	}
	leads(t, "booking", elsa.Post(path+"/boka", form()), path)
	file := link.FindStringSubmatch(elsa.Get(path).Body)[1]
	last, uid := -1, ""
	take := func(status, method string) {
		t.Helper()
		r := elsa.Get(file)
		says(t, "the file", r, 200, "SUMMARY:Bokad tid", "DTSTART;TZID=Europe/Stockholm:20261125T100000", "STATUS:"+status, "METHOD:"+method)
		for _, never := range []string{h.People.Elsa.ID, o.ID, "Gågrupp", "Maria", "Elsa", "hälso", "Hälso"} {
			if strings.Contains(r.Body, never) {
				t.Errorf("the file says %q", never)
			}
		}
		n, err := strconv.Atoi(property(r.Body, "SEQUENCE"))
		if err != nil || n <= last {
			t.Errorf("sequence %d after %d", n, last)
		}
		if last = n; uid != "" && uid != property(r.Body, "UID") {
			t.Error("it is another event")
		}
		uid = property(r.Body, "UID")
	}
	take("CONFIRMED", "PUBLISH")
	leads(t, "cancelling", elsa.Post(path+"/avboka", form()), path+"?avbokad=ja")
	says(t, "the page after", elsa.Get(path+"?avbokad=ja"), 200, "Ta bort ur din kalender", file)
	take("CANCELLED", "CANCEL")
	leads(t, "booking again", elsa.Post(path+"/boka", form()), path)
	take("CONFIRMED", "PUBLISH")
	testenv.Must(t, h.svc.CallOff(h.Ctx(), h.People.Maria, o.ID, "Det är isgata"))
	take("CANCELLED", "CANCEL")
	for who, want := range map[*halsocoach.Actor]int{&h.People.Anna: 404, &h.People.Maria: 403, &h.People.Kommun: 403, {}: 303} {
		if r := app.As(*who).Get(file); r.Status != want {
			t.Errorf("%s gets %d, want %d", who.Role, r.Status, want)
		}
	}
	_, other := h.publishAt(14*60, 2)
	hidden := h.People.Anna
	h.protect(hidden)
	b := h.book(hidden, other.ID, false)
	if r := app.As(hidden).Get("/mina-bokningar/" + b.ID + "/kalender.ics"); r.Status != 200 || strings.Contains(r.Body, "LOCATION") {
		t.Errorf("the place of a protected person: %d %s", r.Status, r.Body)
	}
}

func TestEveryRefusalIsAPageWithANextStep(t *testing.T) {
	h := newHouse(t)
	app := h.app()
	a, _ := h.publish(1)
	dates := h.dates(a.ID)
	_, free := h.publishAt(14*60, 5)
	elsa := app.As(h.People.Elsa)
	post := func(b groups.Brief) testenv.Response { return elsa.Post("/tillfallen/"+b.ID+"/boka", form()) }

	h.book(h.People.Anna, dates[1].ID, false)
	testenv.Must(t, h.svc.CallOff(h.Ctx(), h.People.Maria, dates[1].ID, "Det är isgata"))
	says(t, "cancelled", post(dates[1]), 409, "Inställt", "Andra datum med lediga platser")
	if r := elsa.Get("/tillfallen/" + dates[1].ID); strings.Contains(r.Body, "isgata") {
		t.Fatal("the reason shows to somebody who had not booked")
	}
	says(t, "cancelled, to one who had booked", app.As(h.People.Anna).Get("/tillfallen/"+dates[1].ID), 200, "Det är isgata")
	says(t, "cancelled, among the bookings", app.As(h.People.Anna).Get("/mina-bokningar"), 200, "Inställt", "Det är isgata")
	testenv.Must(t, h.svc.Shut(h.Ctx(), h.People.Maria, dates[2].ID, true))
	says(t, "closed", post(dates[2]), 409, "Bokningen är stängd", "Andra datum med lediga platser")
	mine := h.book(h.People.Omar, dates[0].ID, false)
	h.Clock.Set(dates[0].Starts)
	says(t, "begun", post(dates[0]), 409, "Bokningen är stängd")
	says(t, "leaving what has begun", app.As(h.People.Omar).Post("/tillfallen/"+mine.Occasion+"/avboka", form()), 409, "redan börjat")
	h.Clock.Set(dates[0].Ends)
	says(t, "past", post(dates[0]), 409, "Har varit", "Andra datum med lediga platser")
	says(t, "past, by GET", elsa.Get("/tillfallen/"+dates[0].ID), 200, "Tillfället har varit.", "Andra datum med lediga platser")

	h.Clock.Set(testenv.Morning())
	h.Terms.Set(func(terms *halsocoach.Terms) { terms.OwnResidentsFirst = 3 })
	_, kept := h.publishAt(18*60, 5)
	far := h.People.Omar
	far.Kommun = "0680"
	says(t, "restricted", app.As(far).Post("/tillfallen/"+kept.ID+"/boka", form()), 409, "Kommunens invånare först", "torsdag 26 november", "Se fler grupper i närheten")
	says(t, "restricted, to a visitor", app.As(halsocoach.Actor{}).Get("/tillfallen/"+kept.ID), 200, "Logga in om du bor i kommunen")
	_ = free
}

func TestTheLinkOfAMeetingIsForThoseWhoHaveAPlace(t *testing.T) {
	h := newHouse(t)
	app := h.app()
	p := walking(1)
	p.Form, p.Where = groups.Online, "https://mote.example.se/hemlig"
	a, _, err := h.svc.Publish(h.Ctx(), h.People.Maria, newKey(), p)
	testenv.Must(t, err)
	o := h.first(a)
	h.book(h.People.Elsa, o.ID, false)
	h.book(h.People.Anna, o.ID, true)
	for _, path := range []string{"/gruppaktiviteter", "/gruppaktiviteter/" + a.ID, "/tillfallen/" + o.ID, "/api/v1/activities", "/mina-bokningar"} {
		for _, who := range []halsocoach.Actor{{}, h.People.Omar, h.People.Anna, h.People.Johan} {
			if r := app.As(who).Get(path); strings.Contains(r.Body, "hemlig") {
				t.Errorf("%s shows the link to %q", path, who.Name)
			}
		}
	}
	says(t, "the occasion", app.As(h.People.Elsa).Get("/tillfallen/"+o.ID), 200, "https://mote.example.se/hemlig")
}

func newGroup(pairs ...string) url.Values {
	v := form("title", "Matlagning", "topic", "mat", "form", "på plats", "where", "Köket", "leader", "maria", "price", "0",
		"weekdays", "2", "weekdays", "4", "from", "2026-11-24", "to", "2026-12-03", "start", "17:30", "length", "120", "places", "8")
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestACoachStartsAGroupAndNotesAttendanceInTheBrowser(t *testing.T) {
	h := newHouse(t)
	app := h.app()
	maria := app.As(h.People.Maria)
	says(t, "an empty desk", maria.Get("/mina-grupper"), 200, "Starta en grupp", "Inget är planerat")
	says(t, "the form", maria.Get("/mina-grupper/ny"), 200, `name="_key"`, "Maria Holm", "Måndagar", `value="maria" selected`)
	bad := maria.Post("/mina-grupper/ny", newGroup("title", "", "price", "50", "start", "halv sju"))
	says(t, "a form with faults", bad, 422, "Skriv en rubrik med 3 till 80 tecken.", "Det säger överenskommelsen om Hälsocenter.", "Skriv klockslaget som 10.30.", "Köket", `href="#f-title"`)

	busy := halsocoach.Day("2026-12-01").At(18 * 60)
	testenv.Must(t, h.cal.HoldSpan(h.Ctx(), "maria", halsocoach.Appointment{ID: "samtal", Starts: busy, Ends: busy.Add(time.Hour)}))
	wish := newGroup()
	says(t, "a clash", maria.Post("/mina-grupper/ny", wish), 422, "Ledaren är redan upptagen de här tiderna:", "tisdag 1 december 17.30–19.30", `name="skip"`)
	wish.Set("skip", "ja")
	r := maria.Post("/mina-grupper/ny", wish)
	series := r.Header.Get("Location")
	if r.Status != 303 || !strings.HasPrefix(series, "/mina-grupper/") {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	leads(t, "the same form again", maria.Post("/mina-grupper/ny", wish), series)
	says(t, "the series", maria.Get(series), 200, "Matlagning", "tisdag 24 november", "17.30–19.30", "torsdag 3 december", "Lägg till datum")
	says(t, "dates that are there", maria.Post(series+"/datum", newGroup("to", "2026-11-24")), 422, "Alla de här datumen finns redan.")
	leads(t, "more dates", maria.Post(series+"/datum", newGroup("from", "2026-12-08", "to", "2026-12-08")), series)
	leads(t, "the path of the form", maria.Get(series+"/datum"), series)

	o := h.dates(strings.TrimPrefix(series, "/mina-grupper/"))[0]
	b := h.book(h.People.Elsa, o.ID, false)
	roster := "/mina-grupper/tillfallen/" + o.ID
	says(t, "the desk", maria.Get("/mina-grupper"), 200, "Matlagning", roster, "1 av 8 platser är bokade")
	says(t, "the roster", maria.Get(roster), 200, "Elsa Berg", "Du kan notera närvaro när tillfället har börjat.", "Ställ in tillfället")
	says(t, "fewer places than booked", maria.Post(roster+"/platser", form("places", "0")), 422, "Skriv antal platser, 1 till 300.")
	leads(t, "more places", maria.Post(roster+"/platser", form("places", "9")), roster)
	leads(t, "shut", maria.Post(roster+"/bokning", form("shut", "ja")), roster)
	leads(t, "open again", maria.Post(roster+"/bokning", form()), roster)
	says(t, "too early", maria.Post(roster+"/narvaro", form("narvaro-"+b.ID, "came")), 409, "Närvaro kan noteras när tillfället har börjat.")
	h.Clock.Set(o.Starts)
	says(t, "the list to note in", maria.Get(roster), 200, "narvaro-"+b.ID, "Meddelade förhinder", "Spara närvaron")
	leads(t, "noting", maria.Post(roster+"/narvaro", form("narvaro-"+b.ID, "came")), roster)
	if got := h.occasion(o.ID).Places[0].Attendance; got != groups.Came {
		t.Fatalf("attendance %q", got)
	}
	h.Clock.Set(o.Ends)
	second := h.dates(o.Activity)[1]
	says(t, "cancelling without a reason", maria.Post("/mina-grupper/tillfallen/"+second.ID+"/stall-in", form()), 422, "Skriv varför tillfället ställs in")
	leads(t, "cancelling", maria.Post("/mina-grupper/tillfallen/"+second.ID+"/stall-in", form("reason", "Ledaren är borta")), "/mina-grupper/tillfallen/"+second.ID)

	for _, who := range []halsocoach.Actor{h.People.Johan} {
		for _, path := range []string{series, roster} {
			says(t, "another centre's coach", app.As(who).Get(path), 404)
		}
	}
	for _, path := range []string{"/mina-grupper", "/mina-grupper/ny", series, roster} {
		says(t, "a citizen at "+path, app.As(h.People.Elsa).Get(path), 403)
		if r := app.As(halsocoach.Actor{}).Get(path); r.Status != 303 {
			t.Fatalf("a visitor at %s: %d", path, r.Status)
		}
	}
}

func TestThePagesAreInEnglishToo(t *testing.T) {
	h := newHouse(t)
	app := h.app()
	_, o := h.publish(1)
	h.book(h.People.Elsa, o.ID, false)
	for path, texts := range map[string][]string{
		"/gruppaktiviteter": {"Group activities", "Fully booked", "Wednesday 25 November"}, "/tillfallen/" + o.ID: {"Put me on the reserve list", "Cost", "Free"},
	} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Language", "en-GB,en;q=0.9,sv;q=0.5")
		res, err := app.Web.Fiber().Test(r, -1)
		testenv.Must(t, err)
		body, _ := io.ReadAll(res.Body)
		says(t, path, testenv.Response{Status: res.StatusCode, Body: string(body)}, 200, texts...)
	}
}

func TestTheWireIsAsWritten(t *testing.T) {
	h := newHouse(t)
	app := h.app()
	a, o := h.publish(1)
	elsa, anna := app.As(h.People.Elsa), app.As(h.People.Anna)
	var list struct {
		Items []struct {
			ID, Title, Topic, Kommun, Form, Leader string
			Price                                  int
			Occasions                              []map[string]any
		}
		Next *string
	}
	r := app.As(halsocoach.Actor{}).JSON("GET", "/api/v1/activities?kommun=0684&topic=fysisk%20aktivitet&from=2026-11-25&to=2026-11-25", nil)
	if err := r.Into(&list); err != nil || r.Status != 200 || len(list.Items) != 1 || list.Next != nil {
		t.Fatalf("%d %s %v", r.Status, r.Body, err)
	}
	got := list.Items[0]
	if got.ID != a.ID || got.Title != a.Title || got.Topic != "fysisk aktivitet" || got.Kommun != "0684" || got.Form != "på plats" || got.Leader != "Maria Holm" || got.Price != 0 || len(got.Occasions) != 1 {
		t.Fatalf("%+v", got)
	}
	for name, want := range map[string]any{
		"id": o.ID, "starts": "2026-11-25T10:00:00+01:00", "ends": "2026-11-25T11:30:00+01:00", "capacity": 1.0, "booked": 0.0, "reserve": 0.0, "state": "open",
	} {
		if got.Occasions[0][name] != want {
			t.Fatalf("%s is %v, want %v", name, got.Occasions[0][name], want)
		}
	}
	if r := elsa.JSON("GET", "/api/v1/activities?kommun=0680", nil); r.Status != 200 || !strings.Contains(r.Body, `"items":[]`) || strings.Contains(r.Body, "next") {
		t.Fatalf("an empty list: %s", r.Body)
	}

	path := "/api/v1/occasions/" + o.ID + "/bookings"
	var made, again, waits struct {
		ID, Occasion, Status string
		Position             int
	}
	k := elsa.WithKey("nyckel")
	first := k.JSON("POST", path, map[string]bool{"reserve": false})
	if err := first.Into(&made); err != nil || first.Status != 201 || made.Occasion != o.ID || made.Status != "booked" || made.Position != 0 {
		t.Fatalf("%d %s", first.Status, first.Body)
	}
	second := k.JSON("POST", path, map[string]bool{"reserve": false})
	if err := second.Into(&again); err != nil || second.Status != 200 || again != made {
		t.Fatalf("the same again: %d %s", second.Status, second.Body)
	}
	says(t, "the same key, another body", k.JSON("POST", path, map[string]bool{"reserve": true}), 422, "key_reused")
	says(t, "full", anna.JSON("POST", path, map[string]bool{"reserve": false}), 409, `"code":"full"`, "fullbokat", "reservlistan")
	third := anna.JSON("POST", path, map[string]bool{"reserve": true})
	if err := third.Into(&waits); err != nil || third.Status != 201 || waits.Status != "reserve" || waits.Position != 1 {
		t.Fatalf("%d %s", third.Status, third.Body)
	}
	says(t, "own bookings", anna.JSON("GET", "/api/v1/bookings", nil), 200, waits.ID)
	says(t, "somebody else's", anna.JSON("DELETE", "/api/v1/bookings/"+made.ID, nil), 404)
	for range 2 {
		if r := elsa.JSON("DELETE", "/api/v1/bookings/"+made.ID, nil); r.Status != 204 || r.Body != "" {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	says(t, "the promoted", anna.JSON("GET", "/api/v1/bookings", nil), 200, `"status":"booked"`)
	says(t, "nobody", app.As(halsocoach.Actor{}).JSON("POST", path, map[string]bool{}), 401)
	says(t, "a coach", app.As(h.People.Maria).JSON("POST", path, map[string]bool{}), 403)
	says(t, "no such occasion", elsa.JSON("POST", "/api/v1/occasions/nej/bookings", map[string]bool{}), 404)
	says(t, "a bad topic", elsa.JSON("GET", "/api/v1/activities?topic=dans", nil), 422, "topic")
	says(t, "a bad day", elsa.JSON("GET", "/api/v1/activities?from=igår", nil), 422, "from")
	says(t, "a broken body", elsa.JSON("POST", path, []int{1}), 422)
	says(t, "without a body", elsa.JSON("POST", path, nil), 409, `"code":"full"`)
}
