package notify

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

func TestSettingsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ url, from, wrong string }{
		{"", "", ""},
		{"smtp://user:pass@mail.example.se", "a@example.se", ""},
		{"smtps://user:pass@mail.example.se:465", "Namn <a@example.se>", ""},
		{"smtp://127.0.0.1:25?tls=never", "a@example.se", ""},
		{"", "a@example.se", "HALSOCOACH_SMTP_URL is missing"},
		{"mail.example.se:587", "a@example.se", "give smtp://"},
		{"http://mail.example.se", "a@example.se", "give smtp://"},
		{"smtp://mail.example.se:99999", "a@example.se", "port"},
		{"smtp://mail.example.se?tls=never", "a@example.se", "on this machine"},
		{"smtp://mail.example.se?tls=maybe", "a@example.se", "only be never"},
		{"smtp://user:secret@mail.example.se", "", "HALSOCOACH_SMTP_FROM"},
	} {
		err := Settings{SMTPURL: c.url, SMTPFrom: c.from}.Check()
		if (err == nil) != (c.wrong == "") || err != nil && (!strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s from %q: %v", c.url, c.from, err)
		}
	}
}

func TestASenderIsToldThatSomethingHasChanged(t *testing.T) {
	for scheme, implicit := range map[string]bool{"smtp": false, "smtps": true} {
		t.Run(scheme, func(t *testing.T) {
			p := office(t, implicit)
			g := open(t, p.settings(scheme))
			g.chose(g.People.Vardcentral, "karin.strom@vardcentral.example.se")
			g.senders["referral-1"] = []string{"vardcentral", "forening"}
			g.Clock.Add(time.Minute)
			e := g.hears("referral.accepted", "referral-1")
			ok(t, g.svc.heard(g.Ctx(), e)) // it comes again
			g.sends()
			g.sends()
			all := p.taken()
			if len(all) != 1 {
				t.Fatalf("%d letters\n%s", len(all), g.log)
			}
			l := all[0]
			h := l.message.Header
			want := halsocoach.IDFrom("notice", e.ID, "vardcentral", "changed") + "@halsocoach.example.se"
			if !l.secure || l.to != "karin.strom@vardcentral.example.se" || l.from != "svara-inte@example.se" || h.Get("Message-Id") != "<"+want+">" || h.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("%+v\n%v", l, h)
			}
			whole := fmt.Sprint(h, l.body)
			for _, word := range []string{"Karin", "referral-1", "Sävsjö", "S=C3=A4vsj", "rekommend", "accepted", "antagen", "X-Mailer", "User-Agent"} {
				if strings.Contains(whole, word) {
					t.Errorf("the letter holds %q:\n%s", word, whole)
				}
			}
			if !strings.Contains(l.body, "https://halsocoach.example.se") {
				t.Error(l.body)
			}
			g.quiet("karin", "example.se", "l%C3%B6sen")
		})
	}
}

func TestWhoHasNotChosenIsNotTold(t *testing.T) {
	p, g := mailed(t)
	g.senders["referral-1"] = []string{"vardcentral", "forening", g.People.Anna.ID}
	old := halsocoach.Happened("referral.declined", g.Clock.Now(), "0684", "referral-1", nil)
	g.Clock.Add(time.Minute)
	g.chose(g.People.Vardcentral, "karin@example.se") // after it happened
	g.chose(g.People.Forening, "lars@example.se")
	g.Clock.Add(time.Minute)
	ok(t, g.svc.heard(g.Ctx(), old))
	g.hears("referral.ended", "referral-1") // both are to be told, but one no longer wants it
	ok(t, g.svc.Choose(g.Ctx(), g.People.Forening, ChoiceInput{Channel: "none"}))
	g.hears("referral.ended", "referral-erased")
	g.sends()
	p.only("karin@example.se")
	g.hears("referral.ended", "referral-1")
	g.left["vardcentral"] = true
	g.sends()
	p.has(1, "a colleague who has left is told")
	hidden := g.People.Omar
	g.protect(hidden)
	if err := g.svc.Choose(g.Ctx(), hidden, ChoiceInput{Channel: "email", Address: "omar@example.se"}); halsocoach.KindOf(err) != halsocoach.KindConflict {
		t.Fatalf("protected identity: %v", err)
	}
	off := g.node(Settings{})
	if err := off.Choose(g.Ctx(), g.People.Anna, ChoiceInput{Channel: "email", Address: "anna@example.se"}); halsocoach.KindOf(err) != halsocoach.KindConflict {
		t.Fatalf("without a mail server: %v", err)
	}
	ok(t, off.Start(g.Ctx(), g.Bus))
}

func TestACitizenIsToldOfATalkThatACoachHasBooked(t *testing.T) {
	p, g := mailed(t)
	g.chose(g.People.Anna, "anna@example.se")
	anna := g.People.Anna.ID
	g.talks["by-coach"] = Booking{Person: anna, First: true, ByCoach: true, Coming: true}
	g.talks["by-anna"] = Booking{Person: anna, First: true, Coming: true}
	g.talks["later"] = Booking{Person: anna, ByCoach: true, Coming: true}
	g.talks["gone"] = Booking{Person: anna, First: true, ByCoach: true}
	for _, talk := range []string{"by-anna", "later", "gone", "by-coach"} {
		g.hears("coach.talk_booked", talk)
	}
	g.sends()
	p.only("anna@example.se")
}

func TestAPersonIsToldUnderEachOfTheirIDs(t *testing.T) {
	p, g := mailed(t)
	g.chose(g.People.Anna, "anna@example.se")
	ok(t, g.Env.Persons.Join(g.Ctx(), g.People.Maria, g.People.Anna.ID, "anna-without-number"))
	g.talks["other"] = Booking{Person: "anna-without-number", First: true, ByCoach: true, Coming: true}
	g.hears("coach.talk_booked", "other")
	g.sends()
	p.only("anna@example.se")
}

func TestWhoBecomesProtectedIsToldNothing(t *testing.T) {
	p, g := mailed(t)
	g.chose(g.People.Anna, "anna@example.se")
	anna := g.People.Anna.ID
	g.talks["before"] = Booking{Person: anna, First: true, ByCoach: true, Coming: true}
	g.talks["after"], g.talks["lifted"] = g.talks["before"], g.talks["before"]
	g.hears("coach.talk_booked", "before") // a notice that is not sent yet
	g.protect(g.People.Anna)
	g.hears("coach.talk_booked", "after")
	g.sends()
	p.has(0, "to a person with protected identity")
	ok(t, g.Env.Persons.Unprotect(g.Ctx(), g.People.Region, anna, "beslut"))
	g.hears("coach.talk_booked", "lifted")
	g.sends()
	p.has(1, "after it was lifted")
}

func TestWhatWaitsUnreadForADayIsTold(t *testing.T) {
	p, g := mailed(t)
	anna := g.People.Anna.ID
	g.chose(g.People.Anna, "anna@example.se")
	now := g.Clock.Now()
	for _, c := range []string{"read", "waits", "later"} {
		g.unread[c] = Unread{Person: anna, Since: now}
		g.hears("chat.contact_made", c)
	}
	g.Clock.Add(23 * time.Hour)
	g.sends()
	p.has(0, "within a day")
	g.unread["read"] = Unread{Person: anna}
	g.unread["later"] = Unread{Person: anna, Since: now.Add(5 * time.Hour)} // more was written the same day
	g.Clock.Add(2 * time.Hour)
	g.sends()
	p.has(1, "after a day")
	g.Clock.Add(5 * time.Hour)
	g.sends()
	p.has(2, "when the last has waited a day")
}

func TestAServerThatIsDownLosesNothing(t *testing.T) {
	p := office(t, false)
	s := p.settings("smtp")
	p.shut()
	g := open(t, s)
	g.chose(g.People.Vardcentral, "karin@example.se")
	g.senders["r"] = []string{"vardcentral"}
	for range 3 {
		g.hears("referral.started", "r")
	}
	for range 4 {
		g.sends()
		g.Clock.Add(2 * time.Minute)
	}
	if !strings.Contains(g.log.String(), "no contact with the mail server") || len(p.taken()) != 0 {
		t.Fatalf("%s", g.log)
	}
	p.open(t, p.addr, certificate(t, p.ca), false)
	g.Clock.Add(2 * time.Hour)
	g.sends()
	p.has(3, "when the server is back")
	g.quiet("karin", "lösen")
}

func TestARefusedLetterIsTriedAgainOrGivenUp(t *testing.T) {
	p, g := mailed(t)
	p.set(func(p *post) {
		p.refuse = func(to string) error {
			switch to {
			case "nobody@example.se":
				return &smtp.SMTPError{Code: 550, Message: "no such user " + to}
			case "full@example.se":
				return &smtp.SMTPError{Code: 452, Message: "mailbox full: " + to}
			}
			return nil
		}
	})
	g.chose(g.People.Vardcentral, "nobody@example.se")
	g.chose(g.People.Forening, "full@example.se")
	g.chose(g.People.Kommun, "eva@example.se")
	g.senders["r"] = []string{"vardcentral", "forening", "kommun"}
	g.hears("referral.forwarded", "r")
	g.sends()
	p.only("eva@example.se")
	tries := func() int { return strings.Count(g.log.String(), "notice is tried again later") }
	if tries() != 1 {
		t.Fatalf("%s", g.log)
	}
	g.sends()
	if tries() != 1 {
		t.Fatal("it was tried again at once")
	}
	for i := range waits {
		g.Clock.Add(waits[i] + time.Second)
		g.sends()
	}
	if n := tries(); n != len(waits)-1 {
		t.Fatalf("tried again %d times\n%s", n, g.log)
	}
	if n := strings.Count(g.log.String(), "notice is given up"); n != 2 {
		t.Fatalf("%d given up\n%s", n, g.log)
	}
	g.quiet("nobody@", "full@", "eva@", "mailbox")
	app := g.App(func(a *web.App) { g.svc.Routes(a.Fiber()) })
	page := app.As(g.People.Drift).Get("/drift/aviseringar")
	if page.Status != 200 || strings.Count(page.Body, "the mail server answered") != 2 || strings.Contains(page.Body, "@example.se") {
		t.Fatalf("%d %s", page.Status, page.Body)
	}
	if s := app.As(g.People.Region).Get("/drift/aviseringar").Status; s != 403 {
		t.Fatalf("the region: %d", s)
	}
}

func TestASlowServerHoldsUpNothingElse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") // takes calls and says nothing
	ok(t, err)
	defer ln.Close()
	g := open(t, Settings{SMTPURL: "smtp://" + ln.Addr().String(), SMTPFrom: "a@example.se"})
	g.svc.Timeout = 50 * time.Millisecond
	g.chose(g.People.Vardcentral, "karin@example.se")
	g.senders["r"] = []string{"vardcentral"}
	g.hears("referral.started", "r")
	g.sends()
	if !strings.Contains(g.log.String(), "no contact") {
		t.Fatalf("%s", g.log)
	}
}

func TestAServerWithoutTLSGetsNoPassword(t *testing.T) {
	p := &post{t: t}
	p.open(t, "127.0.0.1:0", nil, false)
	g := open(t, Settings{SMTPURL: "smtp://user:pass@" + p.addr, SMTPFrom: "a@example.se"})
	g.chose(g.People.Vardcentral, "karin@example.se")
	g.senders["r"] = []string{"vardcentral"}
	g.hears("referral.started", "r")
	g.sends()
	if len(p.taken()) != 0 || !strings.Contains(g.log.String(), "no contact") {
		t.Fatalf("%s", g.log)
	}
	g.svc.SMTPURL = "smtp://" + p.addr + "?tls=never"
	g.Clock.Add(time.Hour)
	g.sends()
	p.has(1, "when there is to be no TLS")
}

// TestTwoNodesSendEachOnce: two nodes hear and send side by side, and a third
// that knows of no lease.
func TestTwoNodesSendEachOnce(t *testing.T) {
	p, g := mailed(t)
	g.Clock.Set(time.Now()) // the leases' time must pass
	stop := make(chan struct{})
	go func() {
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			select {
			case <-stop:
				return
			case now := <-tick.C:
				g.Clock.Set(now)
			}
		}
	}()
	defer close(stop)
	g.chose(g.People.Vardcentral, "karin@example.se")
	g.senders["r"] = []string{"vardcentral"}
	other := g.node(g.svc.Settings)
	for _, s := range []*Service{g.svc, other} {
		ok(t, s.Start(g.Ctx(), g.Bus))
	}
	n := testenv.Count(20, 300)
	docs := store.In[struct{}](g.Store, noticeKind)
	time.Sleep(20 * time.Millisecond)
	for i := range n {
		ok(t, docs.Insert(g.Ctx(), fmt.Sprintf("carrier-%d", i), struct{}{}, halsocoach.Happened("referral.declined", g.Clock.Now(), "0684", "r", nil)))
	}
	third := g.node(g.svc.Settings)
	g.Eventually("all letters", func() bool {
		_ = third.SendDue(g.Ctx())
		return len(p.taken()) >= n
	})
	time.Sleep(200 * time.Millisecond)
	ids := map[string]bool{}
	for _, l := range p.taken() {
		ids[l.message.Header.Get("Message-Id")] = true
	}
	if len(ids) != n || len(p.taken()) != n {
		t.Fatalf("%d letters with %d ids, wanted %d", len(p.taken()), len(ids), n)
	}
}

func TestWhatWasDoneWithLongAgoIsForgotten(t *testing.T) {
	_, g := mailed(t)
	g.chose(g.People.Vardcentral, "karin@example.se")
	g.senders["r"] = []string{"vardcentral"}
	g.hears("referral.started", "r")
	g.sends()
	left := func() (n int) {
		ok(t, g.svc.tidy(g.Ctx()))
		ok(t, g.svc.notices.Each(g.Ctx(), func(string, notice) error { n++; return nil }))
		return n
	}
	if n := left(); n != 1 {
		t.Fatalf("%d are left at once", n)
	}
	g.Clock.Add(keptFor + time.Minute)
	if n := left(); n != 0 {
		t.Fatalf("%d are left", n)
	}
}

func TestThePageKeepsTheChoice(t *testing.T) {
	_, g := mailed(t)
	app := g.App(func(a *web.App) { g.svc.Routes(a.Fiber()) })
	anna := app.As(g.People.Anna)
	if r := anna.Post("/aviseringar", url.Values{"channel": {"email"}, "address": {"anna"}}); r.Status != 422 || !strings.Contains(r.Body, "går inte att läsa") {
		t.Fatalf("%d", r.Status)
	}
	if r := anna.Post("/aviseringar", url.Values{"channel": {"email"}, "address": {" anna@example.se "}}); r.Status != 303 || r.Header.Get("Location") != "/aviseringar" {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	if r := anna.Get("/aviseringar"); r.Status != 200 || !strings.Contains(r.Body, `value="anna@example.se"`) {
		t.Fatalf("%d", r.Status)
	}
	if r := app.As(g.People.Elsa).Get("/aviseringar"); strings.Contains(r.Body, "anna@") {
		t.Fatal("another sees it")
	}
	docs, err := g.Store.Get(g.Ctx(), choiceKind.Name, g.People.Anna.ID)
	if err != nil || len(docs) != 1 || strings.Contains(string(docs[0].Body), "anna@") {
		t.Fatalf("%v: the address is not sealed", err)
	}
	if r := anna.Post("/aviseringar", url.Values{"channel": {"none"}}); r.Status != 303 {
		t.Fatalf("%d", r.Status)
	}
	if docs, _ := g.Store.Get(g.Ctx(), choiceKind.Name, g.People.Anna.ID); strings.Contains(string(docs[0].Body), "address") {
		t.Fatal("the address stays when it is no longer wanted")
	}
	off := g.App(func(a *web.App) { g.node(Settings{}).Routes(a.Fiber()) })
	if r := off.As(g.People.Anna).Get("/aviseringar"); r.Status != 200 || strings.Contains(r.Body, "Med e-post") {
		t.Fatalf("%d: offered without a mail server", r.Status)
	}
	hidden := g.People.Omar
	hidden.Session = "hidden"
	g.protect(hidden)
	if r := app.As(hidden).Get("/aviseringar"); strings.Contains(r.Body, "Med e-post") || !strings.Contains(r.Body, "skyddade personuppgifter") {
		t.Fatal("offered with protected identity")
	}
}
