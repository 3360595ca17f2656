package selfreferral_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/auth/limit"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
	"halsocoach/referral/selfreferral"
	"halsocoach/referral/sender"
)

type ground struct {
	*testenv.Env
	records *record.Records
	svc     *selfreferral.Service
	sender  *sender.Service
	coach   *inbox.Service
	app     *testenv.App
	here    *enrolled
}

// enrolled are the persons who are taken in at Sävsjö.
type enrolled map[string]bool

func (e *enrolled) EnrolmentsAt(_ context.Context, centre string, persons ...string) (map[string]halsocoach.Enrolment, error) {
	out := map[string]halsocoach.Enrolment{}
	for _, p := range persons {
		if centre == "0684" && (*e)[p] {
			out[p] = halsocoach.Enrolment{Person: p}
		}
	}
	return out, nil
}

func open(t *testing.T) ground {
	t.Helper()
	env := testenv.New(t, record.Kinds())
	g := ground{Env: env, here: &enrolled{}}
	g.records = record.New(record.Config{Store: env.Store, Seal: env.Seal, Clock: env.Clock.Now, Settings: env.Terms,
		Registers: env.Registers, Staff: env.Staff, AccessLog: env.AccessLog, Persons: env.Persons, Log: env.Log})
	g.svc = selfreferral.New(selfreferral.Config{Records: g.records, Enrolments: g.here})
	g.coach = inbox.New(inbox.Config{Records: g.records, Persons: env.Persons, Log: env.Log})
	g.sender = sender.New(sender.Config{Records: g.records, Inbox: g.coach})
	g.app = g.App(func(a *web.App) {
		g.sender.Routes(a.Fiber())
		g.coach.Routes(a.Fiber())
		g.svc.Routes(a.Fiber())
	})
	return g
}

func (g ground) inbox() []inbox.Item {
	g.T.Helper()
	l, err := g.coach.List(g.Ctx(), g.People.Maria, record.InboxQuery{})
	testenv.Must(g.T, err)
	return l.Items
}

// facts are what was counted, once there are n of them.
func (g ground) facts(n int) []halsocoach.Fact {
	g.T.Helper()
	var all []halsocoach.Fact
	g.Eventually(fmt.Sprint(n, " facts"), func() bool {
		all = nil
		if err := g.Bus.EachFact(g.Ctx(), func(f halsocoach.Fact) error { all = append(all, f); return nil }); err != nil {
			g.T.Fatal(err)
		}
		return len(all) >= n
	})
	if len(all) != n {
		g.T.Fatalf("%d facts: %+v", len(all), all)
	}
	return all
}

func form() url.Values {
	return url.Values{"_key": {"f"}, "name": {"Elsa Berg"}, "phone": {"070-174 06 05"}, "topics": {"sömn"}, "kommun": {"0684"}, "wants": {"Sova hela natten"}}
}

func TestEverybodyMayReadAndOnlyACitizenSends(t *testing.T) {
	g := open(t)
	for _, who := range []halsocoach.Actor{g.People.Visitor, g.People.Elsa, g.People.Maria} {
		for _, path := range []string{"/ta-kontakt", "/ta-kontakt?kommun=0684", "/ta-kontakt/0684", "/ta-kontakt/0684/ring-mig", "/ta-kontakt/0684/ring-mig/tack"} {
			g.app.As(who).Get(path).Is(200, "Hälsocenter")
		}
	}
	g.app.As(g.People.Visitor).Get("/ta-kontakt/9999").Is(404)
	if r := g.app.As(g.People.Visitor).Post("/ta-kontakt/0684", form()); r.Status != 303 || !strings.HasPrefix(r.Header.Get("Location"), "/logga-in") {
		t.Fatal(r.Status, r.Header.Get("Location"))
	}
	g.app.As(g.People.Maria).Post("/ta-kontakt/0684", form()).Is(403)
	if len(g.inbox()) != 0 {
		t.Fatal("something was sent")
	}
}

func TestAnOwnContactIsARecommendationLikeOthers(t *testing.T) {
	g := open(t)
	elsa := g.app.As(g.People.Elsa)
	elsa.Get("/ta-kontakt/0684").Holds(`value="Elsa Berg"`)
	wrong := form()
	wrong.Del("topics")
	elsa.Post("/ta-kontakt/0684", wrong).Is(422, "Sova hela natten")
	for range 2 { // twice is once
		elsa.Post("/ta-kontakt/0684", form()).Is(303).To("/min-halsa/rekommendationer")
	}
	items := g.inbox()
	if len(items) != 1 || items[0].Source != halsocoach.FromSelf || items[0].Name != "Elsa Berg" {
		t.Fatalf("%+v", items)
	}
	d, err := g.coach.Open(g.Ctx(), g.People.Maria, items[0].ID)
	if err != nil || d.Words[0].Wants != "Sova hela natten" || d.Words[0].Sender != "" {
		t.Fatalf("%+v, %v", d, err)
	}
	if f := g.facts(1)[0]; f.Dims["source"] != "egen kontakt" || f.Type != "recommendation" || f.Kommun != "0684" {
		t.Fatalf("%+v", f)
	}
	elsa.Get("/min-halsa/rekommendationer").Is(200, "Du tog kontakt själv", "senast måndag 30 november")
	for _, row := range g.AccessLog.Rows() {
		if row.Who.Role == halsocoach.RoleCitizen {
			t.Fatalf("a citizen's own doing is logged: %+v", row)
		}
	}
	testenv.Must(t, testenv.ErrOf(g.coach.Decide(g.Ctx(), g.People.Maria, halsocoach.Request{Key: "d"}, items[0].ID, inbox.Ruling{Decision: "accept"})))
	if a, err := g.records.Accepted(g.Ctx(), items[0].ID); err != nil || a.Source != halsocoach.FromSelf || a.Person != g.People.Elsa.ID {
		t.Fatalf("%+v, %v", a, err)
	}
}

func TestAnOwnContactJoinsTheOneThatWaits(t *testing.T) {
	g := open(t)
	sent, _, err := g.sender.Recommend(g.Ctx(), g.People.Vardcentral, halsocoach.Request{Key: "k"}, record.NewReferral{Personnummer: testenv.ElsasNumber,
		Name: "Elsa Berg", Phone: "070-123 45 67", Topics: []halsocoach.Topic{"mat"}, Centre: "0684", Consent: true})
	testenv.Must(g.T, err)
	g.app.As(g.People.Elsa).Post("/ta-kontakt/0684", form()).Is(303)
	items := g.inbox()
	if len(items) != 1 || items[0].ID != sent.ID || items[0].Senders != 2 || len(items[0].Topics) != 2 {
		t.Fatalf("%+v", items)
	}
	if f := g.facts(1)[0]; f.Dims["source"] != "vårdcentral" {
		t.Fatalf("%+v", f)
	}
}

func TestOneWhoIsTakenInThereIsToldSo(t *testing.T) {
	g := open(t)
	(*g.here)[g.People.Elsa.ID] = true
	elsa := g.app.As(g.People.Elsa)
	elsa.Get("/ta-kontakt/0684").Is(200, "Du har redan kontakt").Lacks(`name="topics"`)
	elsa.Post("/ta-kontakt/0684", form()).Is(409, `href="/min-halsa"`)
	if r := elsa.Post("/ta-kontakt/0680", form()); r.Status != 422 { // lives in Sävsjö, and Jönköping is not open to others
		t.Fatal(r.Status)
	}
	if len(g.inbox()) != 0 {
		t.Fatal("it was sent")
	}
}

func TestSomebodyWithoutASignInIsCalledAndACoachCompletesIt(t *testing.T) {
	g := open(t)
	visitor := g.app.As(g.People.Visitor)
	call := url.Values{"_key": {"c"}, "name": {"Åke Lind"}, "phone": {"070-174 06 07"}, "language": {"fi"}}
	visitor.Post("/ta-kontakt/0684/ring-mig", url.Values{"name": {"Åke"}}).Is(422, "telefonnummer")
	for range 2 {
		visitor.Post("/ta-kontakt/0684/ring-mig", call).Is(303).To("/ta-kontakt/0684/ring-mig/tack")
	}
	items := g.inbox()
	if len(items) != 1 || !items[0].CallMe || items[0].Name != "Åke Lind" || items[0].Source != halsocoach.FromSelf || items[0].Language != "fi" {
		t.Fatalf("%+v", items)
	}
	id := items[0].ID
	docs, err := g.Store.Get(g.Ctx(), "referrals", id)
	if err != nil || strings.Contains(string(docs[0].Body), "Lind") || strings.Contains(string(docs[0].Body), "174") {
		t.Fatal("it lies open in the store", err)
	}
	maria := g.app.As(g.People.Maria)
	maria.Get("/inkorg/" + id).Holds("/inkorg/" + id + "/komplettera").Lacks(`value="accept"`)
	maria.Post("/inkorg/"+id+"/beslut", url.Values{"decision": {"accept"}}).Is(422, "Fråga först personen")
	at := "/inkorg/" + id + "/komplettera"
	maria.Get(at).Is(200, "070-174 06 07")
	g.app.As(g.People.Johan).Get(at).Is(404)
	asked := url.Values{"name": {"Åke Lindh"}, "phone": {"070-174 06 07"}, "topics": {"mat"}, "kommun": {"0684"}, "wants": {"Laga mat"}, "consent": {"ja"}}
	maria.Post(at, url.Values{"name": {"Åke Lindh"}, "phone": {"070-174 06 07"}}).Is(422)
	taken := url.Values{"personnummer": {testenv.ElsasNumber}}
	for k, v := range asked {
		taken[k] = v
	}
	maria.Post(at, taken).Is(422, "någon som redan finns här")
	maria.Post(at, asked).Is(303)
	maria.Post(at, asked).Is(409)
	if f := g.facts(1)[0]; f.Dims["source"] != "egen kontakt" || f.Dims["topic"] != "mat" {
		t.Fatalf("%+v", f)
	}
	maria.Post("/inkorg/"+id+"/beslut", url.Values{"decision": {"accept"}}).Is(303)
	if a, err := g.records.Accepted(g.Ctx(), id); err != nil || a.Name != "Åke Lindh" || a.Source != halsocoach.FromSelf {
		t.Fatalf("%+v, %v", a, err)
	}
}

func TestTheOpenDoorCanNotFillTheInbox(t *testing.T) {
	g := open(t)
	visitor := g.app.As(g.People.Visitor)
	visitor.Post("/ta-kontakt/0684/ring-mig", url.Values{"name": {"Bot"}, "phone": {"0700000000"}, "webbplats": {"http://spam"}}).Is(303)
	if len(g.inbox()) != 0 {
		t.Fatal("a program got through")
	}
	last := 0
	for i := range limit.AtMost + 1 {
		last = visitor.Post("/ta-kontakt/0684/ring-mig", url.Values{"name": {"Åke"}, "phone": {fmt.Sprintf("070-174 06 %02d", i)}}).Status
	}
	if n := len(g.inbox()); last != 429 || n != limit.AtMost {
		t.Fatalf("%d, %d in the inbox", last, n)
	}
	var err error
	for i := range 60 { // from everywhere
		if err = g.svc.CallMe(g.Ctx(), fmt.Sprintf("192.0.%d.1", i), halsocoach.Request{Key: fmt.Sprint(i)}, "Åke", "070-174 06 05", "0684", ""); err != nil {
			break
		}
	}
	if n := len(g.inbox()); !errors.Is(err, selfreferral.ErrTooManyCallers) || n > 50 {
		t.Fatalf("%v, %d in the inbox", err, n)
	}
	visitor.Post("/ta-kontakt/0680/ring-mig", url.Values{"name": {"Åke"}, "phone": {"070-174 06 05"}}).Is(429)
	g.Clock.Add(limit.Within)
	visitor.Post("/ta-kontakt/0684/ring-mig", url.Values{"name": {"Åke"}, "phone": {"070-174 06 05"}}).Is(429, "Ring oss i stället")
	visitor.Post("/ta-kontakt/0680/ring-mig", url.Values{"name": {"Åke"}, "phone": {"070-174 06 05"}}).Is(303)
}

func TestThePersonDecidesWhatTheSenderSees(t *testing.T) {
	g := open(t)
	sent, _, err := g.sender.Recommend(g.Ctx(), g.People.Vardcentral, halsocoach.Request{Key: "k"}, record.NewReferral{Personnummer: testenv.ElsasNumber,
		Name: "Elsa Berg", Phone: "070-123 45 67", Topics: []halsocoach.Topic{"mat"}, Centre: "0684", Consent: true})
	testenv.Must(g.T, err)
	elsa, at := g.app.As(g.People.Elsa), "/min-halsa/rekommendationer/"+sent.ID
	elsa.Get("/min-halsa/rekommendationer").Holds("Sävsjö vårdcentral", "Låt dem inte se mer")
	sees := func() record.SenderView {
		o, err := g.sender.SentOne(g.Ctx(), g.People.Vardcentral, sent.ID)
		testenv.Must(g.T, err)
		return o
	}
	choose := func(scope string) {
		elsa.Post(at+"/insyn", url.Values{"sending": {sent.ID}, "scope": {scope}}).Is(303)
	}
	choose("talks")
	if o := sees(); o.Consent.Scope != record.ScopeTalks {
		t.Fatalf("%+v", o)
	}
	choose("")
	testenv.Must(t, testenv.ErrOf(g.coach.Decide(g.Ctx(), g.People.Maria, halsocoach.Request{Key: "d"}, sent.ID, inbox.Ruling{Decision: "accept"})))
	if o := sees(); o.State != record.Received || o.Consent.Back == nil {
		t.Fatalf("the sender sees more: %+v", o)
	}
	choose("state") // and changes their mind again
	if o := sees(); o.State != record.Accepted || o.Consent.Back != nil {
		t.Fatalf("%+v", o)
	}
	elsa.Post(at+"/insyn", url.Values{"sending": {sent.ID}, "scope": {"everything"}}).Is(422)
	g.app.As(g.People.Omar).Post(at+"/insyn", url.Values{"sending": {sent.ID}}).Is(404)
	elsa.Post(at+"/aterkalla", nil).Is(409)
}

func TestThePersonCallsItBackWhoeverSentIt(t *testing.T) {
	g := open(t)
	other := g.People.Vardcentral
	other.ID = "another nurse"
	for i, who := range []halsocoach.Actor{g.People.Vardcentral, other} {
		if _, _, err := g.sender.Recommend(g.Ctx(), who, halsocoach.Request{Key: fmt.Sprint(i)}, record.NewReferral{Personnummer: testenv.ElsasNumber,
			Name: "Elsa Berg", Phone: "070-123 45 67", Topics: []halsocoach.Topic{"mat"}, Centre: "0684", Consent: true}); err != nil {
			t.Fatal(err)
		}
	}
	at := "/min-halsa/rekommendationer/" + g.inbox()[0].ID + "/aterkalla"
	g.app.As(g.People.Omar).Post(at, nil).Is(404)
	for range 2 {
		g.app.As(g.People.Elsa).Post(at, nil).Is(303)
	}
	if len(g.inbox()) != 0 {
		t.Fatal("it waits still")
	}
	for _, who := range []halsocoach.Actor{g.People.Vardcentral, other} {
		if all, _, err := g.sender.Sent(g.Ctx(), who, record.Withdrawn, ""); err != nil || len(all) != 1 {
			t.Fatalf("%s: %+v, %v", who.Role, all, err)
		}
	}
}

// kept are the answers of one who signs in to send them.
type kept struct{ url.Values }

func (k kept) Keep(*fiber.Ctx, string, map[string][]string) error { return nil }

func (k kept) Take(*fiber.Ctx, string) (map[string][]string, bool) {
	return k.Values, k.Values != nil
}

// page is an own contact's page as who sees it, with the answers that were kept.
func (g ground) page(who halsocoach.Actor, cfg selfreferral.Config, path string, answers url.Values) (status int, body string) {
	g.T.Helper()
	cfg.Records, cfg.Enrolments = g.records, g.here
	a := web.New(web.Config{PublicURL: "http://example.test", Log: g.Log, Clock: g.Clock.Now, Drafts: kept{answers},
		Actor: func(*fiber.Ctx) (halsocoach.Actor, error) { return who, nil }})
	selfreferral.New(cfg).Routes(a.Fiber())
	r, err := a.Fiber().Test(httptest.NewRequest("GET", path, nil), -1)
	testenv.Must(g.T, err)
	text, err := io.ReadAll(r.Body)
	testenv.Must(g.T, err)
	return r.StatusCode, r.Header.Get("Location") + string(text)
}

func TestOneWhoComesBackFromTheSignInIsLedToSend(t *testing.T) {
	g := open(t)
	_, body := g.page(g.People.Elsa, selfreferral.Config{}, "/ta-kontakt/0684", form())
	for _, want := range []string{"Du är inloggad. Inget är skickat än.", "Skicka till Hälsocenter", "Sova hela natten", "070-174 06 05"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, "Har du ingen e-legitimation?") {
		t.Error("one who is signed in is asked for an e-legitimation")
	}
	wrong := form()
	wrong.Del("topics")
	if _, body := g.page(g.People.Elsa, selfreferral.Config{}, "/ta-kontakt/0684", wrong); strings.Contains(body, "Inget är skickat än.") || !strings.Contains(body, "Välj minst ett område") {
		t.Error("what is to be mended is not said")
	}
	g.app.As(g.People.Visitor).Post("/ta-kontakt/0684", wrong).Is(422)
}

func TestACentreWhereNobodyWorksAsksNothing(t *testing.T) {
	g := open(t)
	for path, offered := range map[string]bool{"/ta-kontakt/0684": true, "/ta-kontakt/0604": false, "/ta-kontakt/0684/ring-mig": true, "/ta-kontakt/0604/ring-mig": false} {
		_, body := g.page(g.People.Visitor, selfreferral.Config{}, path, nil)
		if got := strings.Contains(body, `name="phone"`); got != offered || strings.Contains(body, "tar inte emot ännu") == offered {
			t.Errorf("%s: offered %v", path, got)
		}
	}
	if _, body := g.page(g.People.Visitor, selfreferral.Config{}, "/ta-kontakt", nil); !strings.Contains(body, "Tar inte emot ännu") || strings.Contains(body, `href="/ta-kontakt/0604`) {
		t.Error("it is there to be chosen")
	}
	if _, body := g.page(g.People.Elsa, selfreferral.Config{}, "/ta-kontakt/0684", url.Values{"name": {"Elsa"}, "phone": {"070-174 06 05"}, "topics": {"mat"}, "kommun": {"0680"}}); !strings.Contains(body, "Dessa tar emot därifrån: Hälsocenter Jönköping.") {
		t.Error("those that take the person in are not named")
	}
}

func TestWithoutASignInPeopleAreCalled(t *testing.T) {
	g := open(t)
	cfg := selfreferral.Config{NoSignIn: true}
	if status, body := g.page(g.People.Visitor, cfg, "/ta-kontakt/0684", nil); status != 303 || !strings.HasPrefix(body, "/ta-kontakt/0684/ring-mig") {
		t.Fatal(status, body)
	}
	if status, body := g.page(g.People.Visitor, cfg, "/ta-kontakt/0684/ring-mig", nil); status != 200 || strings.Contains(body, `href="/ta-kontakt/0684"`) {
		t.Fatal(status, body)
	}
}

func TestAPromiseIsToldAsAWorkingDay(t *testing.T) {
	g := open(t)
	g.Clock.Set(halsocoach.Day("2026-12-18").At(9 * 60)) // a week later is Christmas Day
	g.app.As(g.People.Visitor).Get("/ta-kontakt/0684/ring-mig").Holds("senast onsdag 23 december")
}

func TestACoachWritesInSomebodyWhoStandsThere(t *testing.T) {
	g := open(t)
	coach := g.app.As(g.People.Maria)
	coach.Get("/pa-plats").Is(200, `value="0684" selected`)
	f := form()
	f.Set("_key", "besök")
	f.Del("topics")
	coach.Post("/pa-plats", f).Is(422, "Välj minst ett område", "070-174 06 05")
	f.Set("topics", "sömn")
	coach.Post("/pa-plats", f).Is(422, "Fråga personen först")
	f.Set("consent", "ja")
	for range 2 { // again is nothing
		if r := coach.Post("/pa-plats", f); r.Status != 303 || !strings.HasPrefix(r.Header.Get("Location"), "/inkorg/") {
			t.Fatal(r.Status, r.Body)
		}
	}
	items := g.inbox()
	if len(items) != 1 || items[0].State != record.Taken || items[0].TakenBy != g.People.Maria.ID || items[0].Source != halsocoach.FromSelf || items[0].CallMe {
		t.Fatalf("%+v", items)
	}
	d, err := g.coach.Open(g.Ctx(), g.People.Maria, items[0].ID)
	if err != nil || d.Words[0].Sender != "" || d.Words[0].From.Consent.Asked != g.People.Maria.ID {
		t.Fatalf("%+v, %v", d.Words, err)
	}
	if _, made, err := g.coach.Decide(g.Ctx(), g.People.Maria, halsocoach.Request{Key: "d"}, d.ID, inbox.Ruling{Decision: "accept"}); err != nil || !made {
		t.Fatal(made, err)
	}
	g.app.As(g.People.Vardcentral).Get("/pa-plats").Is(403)
}
