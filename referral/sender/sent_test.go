package sender_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

// stands is how the sender sees one of their own.
func (g ground) stands(who halsocoach.Actor, id string) record.SenderView {
	g.T.Helper()
	own, err := g.svc.SentOne(g.Ctx(), who, id)
	testenv.Must(g.T, err)
	return own
}

func TestASenderCallsBackWhatNobodyHasDecided(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	if !own.MayWithdraw || !own.MayErr {
		t.Fatalf("%+v", own)
	}
	for range 2 { // again is nothing
		got, err := g.svc.Withdraw(g.Ctx(), g.People.Vardcentral, own.ID)
		if err != nil || got.State != record.Withdrawn || got.MayWithdraw {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if len(g.inbox(g.People.Maria, "")) != 0 {
		t.Fatal("it waits still")
	}
	testenv.Wants(t, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "accept"}), record.ErrWithdrawn)
	d, err := g.coach.Open(g.Ctx(), g.People.Maria, own.ID)
	if err != nil || d.Name != "" || d.Words[0].Phone != "" {
		t.Fatalf("the coach still sees who it was: %+v, %v", d, err)
	}
	testenv.Wants(t, testenv.ErrOf(g.svc.Withdraw(g.Ctx(), sara, own.ID)), halsocoach.ErrNotFound)
	if again := g.sent(g.People.Vardcentral, "new", wish()); again.State != record.Received {
		t.Fatalf("a new one is blocked: %+v", again)
	}
	list, _, err := g.svc.Sent(g.Ctx(), g.People.Vardcentral, record.Withdrawn, "")
	if err != nil || len(list) != 1 || list[0].ID != own.ID {
		t.Fatalf("%+v, %v", list, err)
	}
}

func TestOneSenderCallsBackAndTheOthersStays(t *testing.T) {
	g := open(t)
	one := g.sent(g.People.Vardcentral, "a", wish())
	second := wish()
	second.Name, second.Topics, second.Language = "Elsa B", []halsocoach.Topic{"kultur och fritid"}, "fi"
	two := g.sent(sara, "b", second)
	testenv.Must(t, testenv.ErrOf(g.svc.Withdraw(g.Ctx(), g.People.Vardcentral, one.ID)))
	if a, b := g.stands(g.People.Vardcentral, one.ID), g.stands(sara, two.ID); a.State != record.Withdrawn || b.State != record.Received {
		t.Fatalf("%s and %s", a.State, b.State)
	}
	items := g.inbox(g.People.Maria, "")
	if len(items) != 1 || items[0].Name != "Elsa B" || len(items[0].Topics) != 1 || items[0].Source != halsocoach.FromCareCentre || items[0].Language != "fi" || items[0].Senders != 1 {
		t.Fatalf("%+v", items)
	}
	testenv.Must(g.T, g.decide(g.People.Maria, "d", one.ID, inbox.Ruling{Decision: "accept"}))
	if a, b := g.stands(g.People.Vardcentral, one.ID), g.stands(sara, two.ID); a.State != record.Withdrawn || b.State != record.Accepted {
		t.Fatalf("%s and %s", a.State, b.State)
	}
	acc, err := g.records.Accepted(g.Ctx(), one.ID)
	if err != nil || acc.Name != "Elsa B" || acc.Source != halsocoach.FromCareCentre || len(acc.Topics) != 1 {
		t.Fatalf("%+v, %v", acc, err)
	}
	testenv.Wants(t, testenv.ErrOf(g.svc.Withdraw(g.Ctx(), sara, two.ID)), record.ErrDecided)
}

func TestAMistakeIsSaidEvenAfterTheDecision(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "accept"}))
	got, err := g.svc.EnterInError(g.Ctx(), g.People.Vardcentral, own.ID)
	if err != nil || got.State != record.Erred || got.MayErr {
		t.Fatalf("%+v, %v", got, err)
	}
	if ids, _, err := g.records.Unenrolled(g.Ctx(), time.Time{}, g.Clock.Now().Add(time.Hour), ""); err != nil || len(ids) != 0 {
		t.Fatalf("it is to be taken in still: %v, %v", ids, err)
	}
	testenv.Wants(t, testenv.ErrOf(g.records.Accepted(g.Ctx(), own.ID)), halsocoach.ErrNotFound)
	d, err := g.coach.Open(g.Ctx(), g.People.Maria, own.ID)
	if err != nil || d.State != record.Erred || d.Decision == nil || d.Words[0].From.Gone == nil {
		t.Fatalf("the coach sees %+v, %v", d, err)
	}
}

func TestConsentTakenBackBeforeTheDecisionCallsBack(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	got, err := g.svc.ConsentBack(g.Ctx(), g.People.Vardcentral, own.ID)
	if err != nil || got.State != record.Withdrawn || got.Consent.Back == nil {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestConsentTakenBackAfterTheDecisionStopsTheLoop(t *testing.T) {
	g := open(t)
	w := wish()
	w.Scope = record.ScopeTalks
	own := g.sent(g.People.Vardcentral, "k", w)
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "accept"}))
	if got, err := g.svc.ConsentBack(g.Ctx(), g.People.Vardcentral, own.ID); err != nil || got.State != record.Accepted || got.Consent.Back == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	g.tell("citizen.started", "0684", map[string]any{"referrals": []string{own.ID}})
	g.tell("coach.talk_booked", "talk", map[string]any{"enrolment": halsocoach.IDFrom("enrolment", own.ID), "kind": "first"})
	if got := g.stands(g.People.Vardcentral, own.ID); got.State != record.Accepted || got.First != "" {
		t.Fatalf("the sender still follows: %+v", got)
	}
}

// tell delivers an event of another package.
func (g ground) tell(typ, subject string, data any) {
	g.T.Helper()
	testenv.Must(g.T, g.records.Heard(g.Ctx(), halsocoach.Happened(typ, g.Clock.Now(), "0684", subject, data)))
}

func TestTheFirstTalkIsSeenByTheOneWhomThePersonLets(t *testing.T) {
	g := open(t)
	narrow := g.sent(g.People.Vardcentral, "a", wish())
	w := wish()
	w.Scope = record.ScopeTalks
	wider := g.sent(sara, "b", w)
	testenv.Must(g.T, g.decide(g.People.Maria, "d", narrow.ID, inbox.Ruling{Decision: "accept"}))
	enrolment := halsocoach.IDFrom("enrolment", narrow.ID)
	g.tell("citizen.enrolled", enrolment, map[string]any{"referrals": []string{narrow.ID}})
	g.tell("citizen.started", enrolment, map[string]any{"referrals": []string{narrow.ID}})
	var last time.Time
	for _, step := range []struct {
		event string
		first record.FirstTalk
	}{
		{"coach.talk_booked", record.TalkBooked}, {"coach.talk_cancelled", record.TalkCancelled}, {"coach.talk_booked", record.TalkBooked},
		{"coach.talk_missed", record.TalkMissed}, {"coach.talk_held", record.TalkHeld}, {"coach.talk_booked", record.TalkHeld},
	} {
		g.Clock.Add(time.Hour)
		g.tell(step.event, "talk", map[string]any{"enrolment": enrolment, "kind": "first"})
		g.tell(step.event, "other", map[string]any{"enrolment": enrolment, "kind": "followup"})
		a, b := g.stands(g.People.Vardcentral, narrow.ID), g.stands(sara, wider.ID)
		if a.State != record.Started || a.First != "" || b.State != record.Started || b.First != step.first {
			t.Fatalf("after %s: %+v and %+v", step.event, a.Seen, b.Seen)
		}
		last = g.Clock.Now()
	}
	// What the first sender may see has not changed since it started.
	docs, err := g.Store.Get(g.Ctx(), "referrals", narrow.ID)
	testenv.Must(g.T, err)
	var doc record.Referral
	testenv.Must(g.T, json.Unmarshal(docs[0].Body, &doc))
	if !doc.Sendings[0].Changed.Before(doc.Sendings[1].Changed) || doc.Sendings[1].Changed.Before(last.Add(-2*time.Hour)) || doc.Changed.Before(doc.Sendings[1].Changed) {
		t.Fatalf("changed %v, %v, %v", doc.Sendings[0].Changed, doc.Sendings[1].Changed, doc.Changed)
	}
}

func TestSomebodyOfAnotherKommunChoosesWhereTheCountyIsLetIn(t *testing.T) {
	g := open(t)
	w := wish()
	w.Kommun, w.Centre = "0685", "0684"
	_, _, err := g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("a"), w)
	if got := fieldsOf(err); !strings.Contains(got["centre"], "bor i kommunen") {
		t.Fatalf("%v", err)
	}
	own, err := g.records.CentresFor(g.Ctx(), "0685")
	if err != nil || len(own) != 1 || own[0].Code != "0685" {
		t.Fatalf("%+v, %v", own, err)
	}
	g.Terms.Set(func(t *halsocoach.Terms) { t.OpenToCounty = true })
	testenv.Must(t, testenv.ErrOf(g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("a"), w)))
	all, err := g.records.CentresFor(g.Ctx(), "0685")
	if err != nil || len(all) != 13 || all[0].Code != "0685" {
		t.Fatalf("%d, first %+v, %v: the own one comes first", len(all), all[0], err)
	}
}

// waits are waiting times by centre.
type waits map[string]halsocoach.Wait

func (w waits) Waits(ctx context.Context) (map[string]halsocoach.Wait, error) { return w, nil }

func (w waits) Wait(_ context.Context, centre string) (halsocoach.Wait, bool, error) {
	one, ok := w[centre]
	return one, ok, nil
}

func TestTheWaitIsShownBeforeSendingWithShorterOnesBeside(t *testing.T) {
	g, app := openPages(t)
	g.records.Waits = waits{"0684": {Median: 12, P80: 20, N: 9, Window: 90}, "0685": {Median: 5, P80: 9, N: 7, Window: 180}, "0686": {Median: 14, P80: 30, N: 7, Window: 90}}
	g.Terms.Set(func(t *halsocoach.Terms) { t.OpenToCounty = true })
	sender := app.As(g.People.Vardcentral)
	sender.Get("/rekommendera").Holds("Hälsocenter Sävsjö, väntan 12 dagar", `value="2026-11-23"`)
	f := form()
	f.Del("do")
	f.Set("kommun", "0684")
	r := sender.Post("/rekommendera", f)
	for _, want := range []string{"Kontrollera uppgifterna", "inom 12 dagar, 8 av 10 inom 20 dagar (senaste 90 dagarna)", "20030202-2389", "Välj Hälsocenter Vetlanda i stället",
		`name="personnummer" value="200302022389"`, `name="_key" value="formulär"`, "Skicka rekommendationen"} {
		if !strings.Contains(r.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if r.Status != 200 || strings.Contains(r.Body, "Välj Hälsocenter Eksjö i stället") || len(g.inbox(g.People.Maria, "")) != 0 {
		t.Fatal(r.Status, "a longer wait is offered, or it was sent")
	}
	f.Set("byt", "0685")
	sender.Post("/rekommendera", f).Holds("inom 5 dagar, 8 av 10", `name="centre" value="0685"`)
	f.Del("byt")
	f.Set("do", "andra")
	sender.Post("/rekommendera", f).Is(200, `value="Elsa Berg"`, `value="sömn" checked`)
}

func TestAnAssociationIsAskedForLess(t *testing.T) {
	g, app := openPages(t)
	leader := app.As(g.People.Forening)
	leader.Get("/rekommendera").Holds(`name="consent"`).Lacks("Personnummer", `name="note"`)
	f := form()
	if r := leader.Post("/rekommendera", f); r.Status != 422 || len(g.inbox(g.People.Maria, "")) != 0 {
		t.Fatal("a number and a note are taken:", r.Status)
	}
	f.Del("personnummer")
	f.Del("note")
	leader.Post("/rekommendera", f).Is(303)
	items := g.inbox(g.People.Maria, "")
	d, err := g.coach.Open(g.Ctx(), g.People.Maria, items[0].ID)
	if err != nil || d.Words[0].Note != "" || d.Source != halsocoach.FromAssociation {
		t.Fatalf("%+v, %v", d, err)
	}
	if all, err := g.self.OfPerson(g.Ctx(), g.People.Elsa); err != nil || len(all) != 0 {
		t.Fatalf("the number was taken: %+v, %v", all, err)
	}
}

func TestTheReceiptHoldsWhatTheSenderMayDo(t *testing.T) {
	g, app := openPages(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	at := "/rekommendationer/" + own.ID
	sender := app.As(g.People.Vardcentral)
	for _, word := range []string{"aterkalla", "samtycke", "misstag"} {
		sender.Get(at+"/"+word).Is(200, at+"/"+word)
		app.As(sara).Post(at+"/"+word, nil).Is(404)
	}
	sender.Post(at+"/aterkalla", nil).Is(303).To(at)
	sender.Get(at).Holds("Ingen hör av sig till personen").Lacks(at + "/aterkalla")
	sender.Post(at+"/misstag", nil).Is(409)
}

func TestAMachineCallsBack(t *testing.T) {
	g, app := openPages(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	sender := app.As(g.People.Vardcentral)
	path := "/api/v1/referrals/" + own.ID
	sender.JSON("GET", path, nil).Is(200, `"consentScope":"state"`)
	for _, who := range []halsocoach.Actor{g.People.Forening, g.People.Maria, g.People.Visitor} {
		want := map[halsocoach.Role]int{halsocoach.RoleAssociation: 404, halsocoach.RoleCoach: 403, "": 401}[who.Role]
		app.As(who).JSON("POST", path+"/withdrawal", nil).Is(want)
	}
	for range 2 {
		sender.JSON("POST", path+"/withdrawal", nil).Is(200, `"state":"återkallad"`)
	}
}

func TestTheCoachSeesWhatThePersonWantsAndSpeaks(t *testing.T) {
	g, app := openPages(t)
	r := app.As(g.People.Vardcentral).JSON("POST", "/api/v1/referrals", map[string]any{"name": "Elsa Berg", "phone": "070-123 45 67", "topics": []string{"mat"}, "centre": "0684",
		"kommun": "0684", "consent": true, "consentOn": "2026-11-20", "consentScope": "talks", "language": "ar", "interpreter": true, "wants": "Laga mat till barnen"})
	if r.Status != 201 || !strings.Contains(r.Body, `"consentOn":"2026-11-20"`) || !strings.Contains(r.Body, `"consentScope":"talks"`) {
		t.Fatal(r.Status, r.Body)
	}
	app.As(g.People.Maria).JSON("GET", "/api/v1/referrals", nil).Holds(`"language":"ar"`, `"interpreter":true`)
	d, err := g.coach.Open(g.Ctx(), g.People.Maria, g.inbox(g.People.Maria, "")[0].ID)
	if err != nil || d.Words[0].Wants != "Laga mat till barnen" || !d.Words[0].From.Interpret || d.Words[0].From.Consent.On != "2026-11-20" {
		t.Errorf("the coach sees %+v, %v", d.Words, err)
	}
	for _, bad := range []map[string]any{{"kommun": "9999"}, {"consentOn": "i går"}, {"language": "<script>"}, {"consentScope": "all"}} {
		in := map[string]any{"name": "A", "phone": "070-123 45 67", "topics": []string{"mat"}, "centre": "0684", "consent": true}
		for k, v := range bad {
			in[k] = v
		}
		app.As(g.People.Vardcentral).JSON("POST", "/api/v1/referrals", in).Is(422)
	}
}

func TestTheSamePersonIsNotRecommendedTwiceByTheSameSender(t *testing.T) {
	g, app := openPages(t)
	sender, f := app.As(g.People.Vardcentral), form()
	first := sender.Post("/rekommendera", f).Header.Get("Location")
	f.Set("_key", "en annan")
	sender.Post("/rekommendera", f).Is(303).To(first)
	f.Del("do")
	if r := sender.Post("/rekommendera", f); r.Status != 200 || !strings.Contains(r.Body, "Du har redan rekommenderat Elsa Berg till Hälsocenter Sävsjö i dag") ||
		!strings.Contains(r.Body, `href="`+first+`"`) || strings.Contains(r.Body, `value="skicka"`) {
		t.Fatal(r.Status, r.Body)
	}
	g.Clock.Add(24 * time.Hour)
	sender.Post("/rekommendera", f).Holds("den 23 november 2026")
	if items := g.inbox(g.People.Maria, ""); len(items) != 1 || items[0].Senders != 1 {
		t.Fatalf("%+v", items)
	}
	app.As(sara).Post("/rekommendera", f).Lacks("redan rekommenderat")
	sender.Post(first+"/aterkalla", nil).Is(303)
	sender.Post("/rekommendera", f).Holds(`value="skicka"`)
}

func TestTheCentreFollowsTheKommun(t *testing.T) {
	g, app := openPages(t)
	sender, f := app.As(g.People.Vardcentral), form()
	sender.Get("/rekommendera").Holds("Hälsocenter Sävsjö").Lacks("Hälsocenter Aneby")
	f.Set("kommun", "0604")
	f.Set("do", "kommun")
	sender.Post("/rekommendera", f).Is(200, `value="0604" selected>Hälsocenter Aneby`).Lacks("Hälsocenter Sävsjö")
	f.Del("do")
	sender.Post("/rekommendera", f).Is(422, "Dessa tar emot därifrån: Hälsocenter Aneby.", `value="0604" selected>Hälsocenter Aneby`)
}

func TestShorterIsAlsoShorterForThoseWhoWaitNow(t *testing.T) {
	g := open(t)
	long, brief := 40, 3
	g.Terms.Set(func(t *halsocoach.Terms) { t.OpenToCounty = true })
	for waiting, want := range map[*int]int{nil: 1, &brief: 1, &long: 0} {
		g.records.Waits = waits{"0684": {Median: 12, P80: 20, N: 9, Window: 90, WaitingMedian: nil}, "0685": {Median: 5, P80: 9, N: 7, Window: 90, WaitingMedian: waiting}}
		w := wish()
		w.Kommun = "0684"
		p, err := g.svc.Check(g.Ctx(), g.People.Vardcentral, w)
		if err != nil || len(p.Shorter) != want {
			t.Errorf("%v: %+v, %v", waiting, p.Shorter, err)
		}
	}
}
