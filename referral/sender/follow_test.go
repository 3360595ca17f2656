package sender_test

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

func TestTheProgramIsToldHowARecommendationStandsAndWhoSentIt(t *testing.T) {
	g := open(t)
	first := g.sent(g.People.Vardcentral, "first", wish())
	second := g.sent(sara, "second", wish())
	id := first.ID
	senders := func(want ...string) {
		t.Helper()
		got, err := g.records.Senders(g.Ctx(), id)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v, %v; wanted %v", got, err, want)
		}
	}
	senders("vardcentral", "sara")
	s, err := g.records.Status(g.Ctx(), id)
	if err != nil || !s.Open || s.TakenIn || s.Protected || s.Centre != "0684" || !s.Received.Equal(testenv.Morning()) {
		t.Fatalf("%+v, %v", s, err)
	}
	testenv.Must(t, testenv.ErrOf(g.svc.Withdraw(g.Ctx(), sara, second.ID)))
	senders("vardcentral")
	testenv.Must(g.T, g.decide(g.People.Maria, "taken", id, inbox.Ruling{Decision: string(record.Accept)}))
	if s, err := g.records.Status(g.Ctx(), id); err != nil || s.Open || !s.TakenIn {
		t.Fatalf("%+v, %v", s, err)
	}
	testenv.Must(t, testenv.ErrOf(g.svc.ConsentBack(g.Ctx(), g.People.Vardcentral, id)))
	senders()
	testenv.Wants(t, testenv.ErrOf(g.records.Status(g.Ctx(), "nothing")), halsocoach.ErrNotFound)
}

func TestWhoJoinsWhatIsTakenDoesNotSeeThatSomebodyWasBefore(t *testing.T) {
	g := open(t)
	first := g.sent(g.People.Vardcentral, "first", wish())
	g.Clock.Add(time.Hour)
	take := func(act record.Act, by string) {
		t.Helper()
		if _, err := g.records.Change(g.Ctx(), first.ID, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
			if act == record.Take {
				r.Taken = &record.Holder{By: by, At: now}
			}
			return r.Move(act, now)
		}); err != nil {
			t.Fatal(err)
		}
	}
	take(record.Take, "maria")
	take(record.Hold, "maria")
	g.Clock.Add(time.Hour)
	second := g.sent(sara, "second", wish())
	if second.State != record.Received || !second.MayWithdraw {
		t.Fatalf("%+v", second)
	}
	if want := first.Due.Add(2 * time.Hour); !second.Due.Equal(want) {
		t.Fatalf("promised by %v, not %v", second.Due, want)
	}
	if list, _, err := g.svc.Sent(g.Ctx(), sara, record.Received, ""); err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if s := g.stands(g.People.Vardcentral, first.ID); s.State != record.OnHold {
		t.Fatalf("the first sender sees %s", s.State)
	}
	g.Clock.Add(time.Hour)
	take(record.Take, "erik") // a colleague takes over, and that both may see
	if s := g.stands(sara, second.ID); s.State != record.Taken {
		t.Fatalf("the second sender sees %s", s.State)
	}
	testenv.Must(g.T, g.decide(g.People.Maria, "d", first.ID, inbox.Ruling{Decision: "accept"}))
	if s := g.stands(sara, second.ID); s.State != record.Accepted {
		t.Fatalf("the second sender sees %s", s.State)
	}
}

// Whom the person no longer lets see learns nothing of what comes after, whatever
// they ask and whatever has come.
func TestAfterInsightIsTakenBackNothingTellsWhatCame(t *testing.T) {
	for name, ruling := range map[string]inbox.Ruling{"nothing": {}, "accept": {Decision: "accept"},
		"decline": {Decision: "decline", Reason: "full"}, "forward": {Decision: "forward", Centre: "0680"}} {
		t.Run(name, func(t *testing.T) {
			g := open(t)
			own := g.sent(g.People.Vardcentral, "k", wish())
			person, err := g.records.Get(g.Ctx(), own.ID)
			testenv.Must(g.T, err)
			me := halsocoach.Actor{ID: person.Person, Role: halsocoach.RoleCitizen}
			g.Clock.Add(time.Hour)
			testenv.Must(g.T, g.self.ConsentMine(g.Ctx(), me, own.ID, own.ID, ""))
			g.Clock.Add(time.Hour)
			if ruling.Decision != "" {
				testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, ruling))
			}
			next := halsocoach.IDFrom("referral", own.ID, "0680")
			if name == "forward" {
				g.Eventually("it is forwarded", func() bool { _, err := g.records.Get(g.Ctx(), next); return err == nil })
			}
			tracks, err := g.svc.Tracks(g.Ctx(), g.People.Vardcentral, own.ID)
			if err != nil || len(tracks) != 1 {
				t.Fatalf("%d tracks, %v", len(tracks), err)
			}
			all, _, err := g.svc.Sent(g.Ctx(), g.People.Vardcentral, "", "")
			if err != nil || len(all) != 1 {
				t.Fatalf("%d sent, %v", len(all), err)
			}
			for _, o := range []record.SenderView{tracks[0], all[0], g.stands(g.People.Vardcentral, own.ID)} {
				if o.State != record.Received || o.MayWithdraw || o.MayErr || !o.Changed.Equal(own.Changed) || !o.Due.Equal(own.Due) {
					t.Fatalf("%+v", o)
				}
			}
			for _, do := range []func() error{
				func() error { _, err := g.svc.Withdraw(g.Ctx(), g.People.Vardcentral, own.ID); return err },
				func() error { _, err := g.svc.EnterInError(g.Ctx(), g.People.Vardcentral, own.ID); return err },
				func() error {
					_, err := g.svc.Revise(g.Ctx(), g.People.Vardcentral, own.ID, record.Withdraw, own.Changed)
					return err
				},
			} {
				testenv.Wants(t, do(), record.ErrNoInsight)
			}
			if name != "forward" {
				return
			}
			moved, err := g.records.TracksOf(g.Ctx(), next)
			if err != nil || len(moved) != 0 {
				t.Fatalf("%+v, %v", moved, err)
			}
			if err := g.self.ConsentMine(g.Ctx(), me, next, own.ID, record.ScopeState); err != nil { // and yes again
				t.Fatal(err)
			}
			if tracks, err := g.svc.Tracks(g.Ctx(), g.People.Vardcentral, own.ID); err != nil || len(tracks) != 2 {
				t.Fatalf("%d tracks, %v", len(tracks), err)
			}
		})
	}
}

func TestASenderMendsHowThePersonIsReached(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	sees := func() record.Contact {
		t.Helper()
		_, c, err := g.svc.ContactSaid(g.Ctx(), g.People.Vardcentral, own.ID)
		testenv.Must(g.T, err)
		return c
	}
	reach := func(who halsocoach.Actor, to record.Contact) error {
		_, err := g.svc.Reach(g.Ctx(), who, own.ID, to)
		return err
	}
	was := sees()
	if was.Phone == "" {
		t.Fatalf("%+v", was)
	}
	for _, wrong := range []record.Contact{{}, {Phone: "ring mig"}, {Phone: "070-123 45 67", Email: "x"}} {
		if err := reach(g.People.Vardcentral, wrong); halsocoach.KindOf(err) != halsocoach.KindInvalid || sees() != was {
			t.Fatalf("%+v: %v", wrong, err)
		}
	}
	testenv.Wants(t, reach(sara, record.Contact{Phone: "070-111 11 11"}), halsocoach.ErrNotFound)
	to := record.Contact{Phone: "070-174 06 60", Email: "elsa@exempel.se"}
	if err := reach(g.People.Vardcentral, to); err != nil || sees() != to {
		t.Fatalf("%+v, %v", sees(), err)
	}
	d, err := g.coach.Open(g.Ctx(), g.People.Maria, own.ID)
	if err != nil || d.Words[0].Phone != to.Phone || d.Words[0].Email != to.Email {
		t.Fatalf("the coach reads %+v, %v", d.Words, err)
	}
	testenv.Must(t, testenv.ErrOf(g.svc.Withdraw(g.Ctx(), g.People.Vardcentral, own.ID)))
	if err := reach(g.People.Vardcentral, was); !errors.Is(err, record.ErrWithdrawn) || sees() != to {
		t.Fatal(err)
	}
	own = g.sent(g.People.Vardcentral, "again", wish())
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "accept"}))
	testenv.Wants(t, reach(g.People.Vardcentral, to), record.ErrDecided)
}

func TestACentreWhereNobodyWorksIsNotOffered(t *testing.T) {
	g, app := openPages(t)
	app.As(g.People.Vardcentral).Post("/rekommendera", url.Values{"_key": {"k"}, "do": {"kommun"}, "kommun": {"0643"}}).Is(200).Lacks(`<option value="0643">Hälso`)
	w := wish()
	w.Centre, w.Kommun = "0643", "0643"
	if _, _, err := g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("k"), w); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatal(err)
	}
	own := g.sent(g.People.Vardcentral, "here", wish())
	if err := g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "forward", Centre: "0643"}); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatal(err)
	}
}

func TestASendingThatComesFromAnotherRecommendationHasNotChanged(t *testing.T) {
	g := open(t)
	here, there := g.sent(g.People.Vardcentral, "a", wish()), wish()
	there.Personnummer = ""
	other := g.sent(sara, "b", there)
	doc, err := g.records.Get(g.Ctx(), other.ID)
	testenv.Must(g.T, err)
	g.Clock.Add(time.Hour)
	after, err := g.records.Change(g.Ctx(), here.ID, func(r *record.Referral, _ time.Time) ([]halsocoach.Event, error) {
		r.Sendings = append(r.Sendings, doc.Sendings[0])
		return nil, nil
	})
	if err != nil || !after.Sendings[1].Changed.Equal(other.Changed) || !after.Sendings[0].Changed.Equal(here.Changed) {
		t.Fatalf("%v, %v; before %v and %v, %v", after.Sendings[0].Changed, after.Sendings[1].Changed, here.Changed, other.Changed, err)
	}
}
