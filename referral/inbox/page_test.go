package inbox_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

func TestTheStoryOfARecommendationInPages(t *testing.T) {
	g := open(t)
	w := wish()
	w.Note, w.Language, w.Interpreter, w.Wants = "Vill röra på sig mer", "ar", true, "Laga mat till barnen"
	id := g.sent(g.People.Vardcentral, "k", w)
	maria := g.app.As(g.People.Maria)
	r := maria.Get("/inkorg")
	for _, want := range []string{"/inkorg/" + id, "Elsa Berg", "Kom i dag", "Kontakt utlovad senast måndag 30 november", "Vårdcentral", "Arabiska, med tolk"} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the list lacks %q", want)
		}
	}
	r = maria.Get("/inkorg/" + id)
	for _, want := range []string{"070-174 06 05", "Vill röra på sig mer", "Sävsjö vårdcentral", "Karin Ström", "Tillfrågad och sagt ja 23 november 2026", "Ta emot", "Ingen har tagit den än", "Laga mat till barnen", "Arabiska, med tolk"} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the detail lacks %q", want)
		}
	}
	maria.Post("/inkorg/"+id+"/beslut", url.Values{"decision": {"decline"}}).Is(422, "Välj varför ni tackar nej")
	for _, path := range []string{"/beslut", "/ansvar", "/forsok"} {
		maria.Get("/inkorg/"+id+path).Is(200, "Ta emot")
	}
	maria.Post("/inkorg/"+id+"/beslut", url.Values{"_key": {"x"}, "decision": {"accept"}}).Is(http.StatusSeeOther)
	maria.Get("/inkorg/"+id).Holds("/invanare/fran/"+id, "/boka")
	maria.Get("/inkorg?visa=antagna").Holds("Elsa Berg")
}

func TestAStaleDecisionPageSaysWhoWasFirst(t *testing.T) {
	g := open(t)
	id := g.sent(g.People.Vardcentral, "k", wish())
	testenv.Must(t, testenv.ErrOf(g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), id, inbox.Ruling{Decision: "accept"})))
	for _, path := range []string{"/beslut", "/boka"} {
		r := g.app.As(colleague(7)).Post("/inkorg/"+id+path, url.Values{"decision": {"decline"}, "tid": {"2026-11-24T09:00:00+01:00|på plats"}})
		if r.Status != http.StatusConflict || !strings.Contains(r.Body, "Maria Holm har tagit emot rekommendationen.") || !strings.Contains(r.Body, `href="/inkorg"`) {
			t.Fatal(path, r.Status, r.Body)
		}
	}
}

func TestAnotherCentresCoachFindsNothing(t *testing.T) {
	g := open(t)
	id := g.sent(g.People.Vardcentral, "k", wish())
	johan := g.app.As(g.People.Johan)
	for path, form := range map[string]url.Values{
		"": nil, "/brev": nil, "/ansvar": {"act": {"take"}}, "/forsok": {"how": {"phone"}, "went": {"reached"}}, "/beslut": {"decision": {"accept"}},
		"/boka": {"tid": {"2026-11-24T09:00:00+01:00|på plats"}},
	} {
		johan.Get("/inkorg/" + id + path).Is(404)
		if form != nil {
			johan.Post("/inkorg/"+id+path, form).Is(404)
		}
	}
	if r := g.stored(id); r.State != record.Received || len(r.Attempts) != 0 {
		t.Fatalf("something was changed: %+v", r)
	}
}

func TestFirstTalkIsBookedInTheSameBreath(t *testing.T) {
	g := open(t)
	id := g.sent(g.People.Vardcentral, "k", wish())
	maria := g.app.As(g.People.Maria)
	at := "/inkorg/" + id + "/boka"
	maria.Get(at).Is(200, "2026-11-24T09:00:00+01:00|på plats")
	for _, wrong := range []string{"", "i morgon", "2026-11-24T10:00:00+01:00|på plats"} {
		maria.Post(at, url.Values{"tid": {wrong}}).Is(422)
	}
	if r := g.stored(id); r.State != record.Received {
		t.Fatal("it was decided without a time: ", r.State)
	}
	g.calendar.taken = true
	form := url.Values{"_key": {"a"}, "tid": {"2026-11-24T09:00:00+01:00|på plats"}}
	r := maria.Post(at, form)
	if r.Status != 409 || !strings.Contains(r.Body, "Tiden hann bli bokad") || !strings.Contains(r.Body, "Personen är mottagen och är din") {
		t.Fatal(r.Status, r.Body)
	}
	g.calendar.taken = false
	form.Set("_key", "b")
	form.Set("tid", "2026-11-24T11:00:00+01:00|telefon")
	for range 2 {
		maria.Post(at, form).Is(303).To("/inkorg/" + id)
	}
	want := testenv.Morning().AddDate(0, 0, 1).Add(2 * time.Hour)
	if got := g.calendar.booked[halsocoach.IDFrom("enrolment", id)]; !got.Starts.Equal(want) || got.Form != "telefon" || len(g.calendar.booked) != 1 {
		t.Fatalf("%+v", g.calendar.booked)
	}
	if r := g.stored(id); r.State != record.Accepted || r.Verdict().By != g.People.Maria.ID {
		t.Fatalf("%+v", r)
	}
}

// TestWhatComesNextFollowsTheFirstTalk: while one is booked no other is offered, and
// the page says when it is.
func TestWhatComesNextFollowsTheFirstTalk(t *testing.T) {
	g := open(t)
	id := g.sent(g.People.Vardcentral, "k", wish())
	maria, at := g.app.As(g.People.Maria), "/inkorg/"+id
	maria.Post(at+"/boka", url.Values{"tid": {"2026-11-24T11:00:00+01:00|telefon"}}).Is(303)
	page := func(want ...string) {
		t.Helper()
		body := maria.Get(at).Body
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("the page lacks %q", w)
			}
		}
		if offered := strings.Contains(body, at+"/boka"); offered != slices.Contains(want, "Boka en ny tid") {
			t.Errorf("a time to book is offered: %v", offered)
		}
	}
	page("Första samtalet är bokat", "Det är tisdag 24 november 11.00. Telefon.", "/kalender/samtal/t", "/invanare/fran/"+id, "Efter samtalet antecknar du hur det gick")
	clear(g.calendar.booked)
	for first, want := range map[record.FirstTalk][]string{
		record.TalkBooked:    {"Det första samtalet har varit"},
		record.TalkHeld:      {"Det första samtalet är hållet", "sätt mål tillsammans"},
		record.TalkMissed:    {"Personen kom inte till det första samtalet", "Boka en ny tid"},
		record.TalkCancelled: {"Det första samtalet är avbokat", "Boka en ny tid"},
	} {
		_, err := g.records.Change(g.Ctx(), id, func(r *record.Referral, _ time.Time) ([]halsocoach.Event, error) {
			r.State, r.First = record.Started, first
			return nil, nil
		})
		testenv.Must(g.T, err)
		page(want...)
	}
	if body := g.app.As(colleague(1)).Get(at).Body; !strings.Contains(body, "Maria Holm har tagit emot rekommendationen.") || strings.Contains(body, "Boka") {
		t.Error("a colleague is offered to book")
	}
}

// TestOfWhoAsksToBeCalledOnlyThatIsSaid: no row is empty, and no consent is made up.
func TestOfWhoAsksToBeCalledOnlyThatIsSaid(t *testing.T) {
	g := open(t)
	testenv.Must(g.T, g.self.CallMe(g.Ctx(), "192.0.2.1", key("c"), "Elsa Berg", "070-174 06 05", "0684", ""))
	maria, id := g.app.As(g.People.Maria), g.list(g.People.Maria, record.InboxQuery{})[0]
	body := maria.Get("/inkorg/" + id).Body
	for _, want := range []string{"Vill bli uppringd", "Från personen själv", "Inget annat är sagt eller överenskommet än", "070-174 06 05", "Bad er ringa", "Ring personen"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{"Samtycke", "Tillfrågad", "Vill ha stöd med", "Rekommenderad<", "<dd></dd>"} {
		if strings.Contains(body, not) {
			t.Errorf("the page says %q", not)
		}
	}
	w := wish()
	w.Personnummer = ""
	testenv.Must(g.T, g.svc.Complete(g.Ctx(), g.People.Maria, id, w))
	if body := maria.Get("/inkorg/" + id).Body; !strings.Contains(body, "Tillfrågad och sagt ja 23 november 2026") || !strings.Contains(body, "Vill ha stöd med") || strings.Contains(body, "överenskommet") {
		t.Error(body)
	}
	testenv.Must(t, testenv.ErrOf(g.self.Contact(g.Ctx(), g.People.Anna, key("a"), nameless("Anna Ek"))))
	own := slices.DeleteFunc(g.list(g.People.Maria, record.InboxQuery{}), func(other string) bool { return other == id })[0]
	if body := maria.Get("/inkorg/" + own).Body; strings.Contains(body, "Tillfrågad") || !strings.Contains(body, "Hörde av sig") {
		t.Error("who gets in touch was asked by nobody")
	}
}

func TestALetterIsReadyAfterThreeAttempts(t *testing.T) {
	g := open(t)
	id := g.sent(g.People.Vardcentral, "k", wish())
	maria, at := g.app.As(g.People.Maria), "/inkorg/"+id
	try := func(k, how, went string) {
		t.Helper()
		maria.Post(at+"/forsok", url.Values{"_key": {k}, "how": {how}, "went": {went}, "note": {"Telefonsvarare " + k}}).Is(303)
	}
	for _, wrong := range []url.Values{{}, {"how": {"phone"}}, {"how": {"duva"}, "went": {"reached"}}, {"how": {"phone"}, "went": {"reached"}, "note": {strings.Repeat("å", 1001)}}} {
		maria.Post(at+"/forsok", wrong).Is(422)
	}
	try("a", "phone", "not_reached")
	try("a", "phone", "not_reached") // the same once more
	maria.Post(at+"/forsok", url.Values{"_key": {"a"}, "how": {"sms"}, "went": {"reached"}}).Is(422)
	if r := g.stored(id); len(r.Attempts) != 1 || r.State != record.Taken || r.Taken.By != g.People.Maria.ID {
		t.Fatalf("%+v", r)
	}
	try("b", "sms", "asked_back") // was reached: it begins anew
	try("c", "phone", "not_reached")
	try("d", "mail", "not_reached")
	maria.Get(at + "/brev").Is(303)
	try("e", "phone", "not_reached")
	r := maria.Get(at)
	if !strings.Contains(r.Body, "Ni når inte personen") || strings.Contains(r.Body, "Tacka nej: vi får inte kontakt") || !strings.Contains(r.Body, "Telefonsvarare e") {
		t.Fatal(r.Body)
	}
	r = maria.Get(at + "/brev")
	if r.Status != 200 || !strings.Contains(r.Body, "Hej Elsa Berg!") || !strings.Contains(r.Body, "Hälsocenter Sävsjö") {
		t.Fatal(r.Status, r.Body)
	}
	for _, telling := range []string{"sömn", "vårdcentral", "Vårdcentral", "rekommend"} {
		if body := r.Body[strings.Index(r.Body, "<article"):strings.Index(r.Body, "</article>")]; strings.Contains(body, telling) {
			t.Errorf("the letter says %q", telling)
		}
	}
	try("f", "letter", "not_reached")
	maria.Get(at).Holds("Tacka nej: vi får inte kontakt")
	docs, err := g.Store.Get(g.Ctx(), "referrals", id)
	if err != nil || strings.Contains(string(docs[0].Body), "Telefonsvarare") {
		t.Fatal("a note lies open in the store", err)
	}
	maria.Post(at+"/beslut", url.Values{"decision": {"decline"}, "reason": {"no_contact"}}).Is(303)
	maria.Post(at+"/forsok", url.Values{"how": {"phone"}, "went": {"reached"}}).Is(409)
	sent, err := g.sender.SentOne(g.Ctx(), g.People.Vardcentral, id)
	if err != nil || sent.State != record.Declined || sent.Reason != record.NoContact {
		t.Fatalf("%+v, %v", sent, err)
	}
}
