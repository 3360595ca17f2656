package sender_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

// nurse is one of several at a vårdcentral.
func nurse(n int) halsocoach.Actor {
	return halsocoach.Actor{ID: fmt.Sprint("nurse-", n), Role: halsocoach.RoleCareCentre, Name: "N", Kommun: "0684", Unit: "savsjo-vardcentral"}
}

// colleague is another coach of the centre than the one who decides.
var colleague = halsocoach.Actor{ID: "coach-7", Role: halsocoach.RoleCoach, Name: "Kim", Kommun: "0684", Centre: "0684"}

// hidden fails unless the colleague sees nothing of who it is, and the kommun does
// not count it.
func (g ground) hidden(id string) {
	g.T.Helper()
	d, err := g.coach.Open(g.Ctx(), colleague, id)
	if err == nil && (d.Shown || d.Name != "" || d.Words[0].Phone != "") || err != nil && !errors.Is(err, halsocoach.ErrNotFound) {
		g.T.Fatalf("a colleague sees %+v, %v", d.Words, err)
	}
	if s, err := g.records.Status(g.Ctx(), id); err != nil || !s.Protected {
		g.T.Fatalf("%+v, %v", s, err)
	}
	if n, err := g.records.UntouchedIn(g.Ctx(), "0684", g.Clock.Now().Add(time.Hour)); err != nil || n != 0 {
		g.T.Fatalf("the kommun counts %d, %v", n, err)
	}
}

func TestProtectedIdentityIsThePersonsWhoeverSaysItAndWhen(t *testing.T) {
	shielded := wish()
	shielded.Protected = true
	t.Run("known before", func(t *testing.T) {
		g := open(t)
		first := g.sent(nurse(1), "a", shielded)
		testenv.Must(g.T, g.decide(g.People.Maria, "d", first.ID, inbox.Ruling{Decision: "accept"}))
		again := g.sent(nurse(2), "b", wish())
		if again.Protected {
			t.Fatal("the second sender is told")
		}
		g.hidden(first.ID)
		g.hidden(again.ID)
	})
	t.Run("learnt later", func(t *testing.T) {
		g := open(t)
		first := g.sent(nurse(1), "a", wish())
		testenv.Must(g.T, g.decide(g.People.Maria, "d", first.ID, inbox.Ruling{Decision: "accept"}))
		again := g.sent(nurse(2), "b", shielded)
		g.Eventually("the first is protected too", func() bool {
			s, err := g.records.Status(g.Ctx(), first.ID)
			return err == nil && s.Protected
		})
		g.hidden(first.ID)
		g.hidden(again.ID)
		if own := g.stands(nurse(1), first.ID); own.Protected || !own.Changed.Equal(first.Changed) && own.State == record.Received {
			t.Fatalf("the first sender is told: %+v", own)
		}
	})
	t.Run("learnt by another centre", func(t *testing.T) {
		g := open(t)
		first := g.sent(nurse(1), "a", wish())
		there := shielded
		there.Centre = "0680"
		g.sent(nurse(2), "b", there)
		g.Eventually("the first is protected too", func() bool {
			s, err := g.records.Status(g.Ctx(), first.ID)
			return err == nil && s.Protected
		})
		g.hidden(first.ID)
	})
}

func TestConsentTakenBackFollowsWhereItWasForwarded(t *testing.T) {
	waits := func(g ground) bool { return len(g.inbox(g.People.Johan, "")) == 1 }
	forward := func(g ground, id string) {
		g.T.Helper()
		testenv.Must(g.T, g.decide(g.People.Maria, "f", id, inbox.Ruling{Decision: "forward", Centre: "0680"}))
	}
	t.Run("after it was brought on", func(t *testing.T) {
		g := open(t)
		own := g.sent(nurse(1), "a", wish())
		forward(g, own.ID)
		g.Eventually("it is there", func() bool { return waits(g) })
		g.Clock.Add(time.Minute)
		for range 2 { // again is nothing
			if got, err := g.svc.ConsentBack(g.Ctx(), nurse(1), own.ID); err != nil || got.Consent.Back == nil {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		if waits(g) {
			t.Fatal("the person is to be called at the other centre")
		}
		tracks, err := g.svc.Tracks(g.Ctx(), nurse(1), own.ID)
		if err != nil || len(tracks) != 2 || tracks[1].State != record.Withdrawn {
			t.Fatalf("%+v, %v", tracks, err)
		}
	})
	t.Run("before it was brought on", func(t *testing.T) {
		g := asleep(t)
		own := g.sent(nurse(1), "a", wish())
		forward(g, own.ID)
		testenv.Must(t, testenv.ErrOf(g.svc.ConsentBack(g.Ctx(), nurse(1), own.ID)))
		g.wake()
		next := g.sent(nurse(2), "b", wish()) // of another, to see that what came before has been heard
		forward2 := halsocoach.Request{Key: "f2"}
		testenv.Must(t, testenv.ErrOf(g.coach.Decide(g.Ctx(), g.People.Maria, forward2, next.ID, inbox.Ruling{Decision: "forward", Centre: "0680"})))
		g.Eventually("the other's is there", func() bool { return waits(g) })
		d, err := g.coach.Open(g.Ctx(), g.People.Johan, g.inbox(g.People.Johan, "")[0].ID)
		if err != nil || len(d.Words) != 1 {
			t.Fatalf("%+v, %v", d.Words, err)
		}
	})
}

// What a sender's own list, ids and promises are is the same whether another was
// there before.
func TestAListIsTheSameWhetherAnotherWasBefore(t *testing.T) {
	look := func(other bool) (said string) {
		g := open(t)
		if other {
			g.sent(nurse(1), "o", wish())
			g.Clock.Add(time.Hour)
		}
		began := g.Clock.Now()
		own := g.sent(nurse(2), "a", wish())
		said = fmt.Sprint(own.Due.Sub(began), "; ")
		g.Terms.Set(func(t *halsocoach.Terms) { t.PromiseDays = 14 })
		testenv.Must(t, testenv.ErrOf(g.svc.Withdraw(g.Ctx(), nurse(2), own.ID)))
		g.Clock.Add(time.Hour)
		g.sent(nurse(2), "b", wish())
		for _, state := range []record.State{"", record.Withdrawn, record.Received} {
			list, _, err := g.svc.Sent(g.Ctx(), nurse(2), state, "")
			testenv.Must(g.T, err)
			for _, o := range list {
				said += fmt.Sprint(state, ": ", o.State, " ", o.Received.Sub(began), "; ")
			}
		}
		return said
	}
	if alone, second := look(false), look(true); alone != second {
		t.Fatalf("alone %s\nsecond %s", alone, second)
	}
}

// A sender recommends a person to a centre once while it waits there: the answer is
// the one that waits, by every door. A citizen may write ten times.
func TestWhatWaitsIsNotSentAgainByTheSameSender(t *testing.T) {
	g := open(t)
	own := g.sent(nurse(1), "a", wish())
	for _, k := range []string{"b", "c"} {
		var already *record.AlreadyError
		if _, _, err := g.svc.Recommend(g.Ctx(), nurse(1), key(k), wish()); !errors.As(err, &already) || already.ID != own.ID || !errors.Is(err, record.ErrAlready) {
			t.Fatal(err)
		}
	}
	other := wish()
	other.Centre = "0680"
	g.sent(nurse(1), "there", other)
	g.sent(nurse(2), "another", wish())
	for i := range 10 {
		if _, _, err := g.self.Contact(g.Ctx(), g.People.Elsa, key(fmt.Sprint(i)), wish()); err != nil {
			t.Fatal(i, err)
		}
	}
	testenv.Wants(t, testenv.ErrOf(g.self.Contact(g.Ctx(), g.People.Elsa, key("11"), wish())), record.ErrTooMany)
	testenv.Must(t, testenv.ErrOf(g.svc.Withdraw(g.Ctx(), nurse(1), own.ID)))
	g.sent(nurse(1), "again", wish())
}

func TestAnAssociationSendsNeitherNumberNorNote(t *testing.T) {
	g := open(t)
	n := wish()
	n.Note = "x"
	if _, _, err := g.svc.Recommend(g.Ctx(), g.People.Forening, key("a"), n); fieldsOf(err)["personnummer"] == "" || fieldsOf(err)["note"] == "" {
		t.Fatal(err)
	}
	n.Personnummer, n.Note = "", ""
	g.sent(g.People.Forening, "a", n)
}

func fieldsOf(err error) map[string]string {
	out := map[string]string{}
	var e *halsocoach.Error
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			out[f.Name] = f.Text
		}
	}
	return out
}

func TestAVisitorMayComeFromAnotherKommun(t *testing.T) {
	g := open(t)
	for _, kommun := range []string{"0684", "0643", halsocoach.County} {
		w := wish()
		w.Personnummer, w.Kommun = "", kommun
		if _, err := g.coach.Visit(g.Ctx(), g.People.Maria, key(kommun), w); err != nil {
			t.Fatalf("%s: %v", kommun, err)
		}
	}
}

func TestACallerWhoIsLeftAloneIsToBeAsked(t *testing.T) {
	g := open(t)
	testenv.Must(g.T, g.self.CallMe(g.Ctx(), "192.0.2.1", key("call"), "Siv Dal", "070-174 06 13", "0684", ""))
	caller := g.inbox(g.People.Maria, "")[0]
	doc, err := g.records.Get(g.Ctx(), caller.ID)
	if err != nil || !caller.CallMe {
		t.Fatalf("%+v, %v", caller, err)
	}
	own := g.sent(nurse(1), "a", wish())
	other, err := g.records.Get(g.Ctx(), own.ID)
	testenv.Must(g.T, err)
	joined, err := g.records.Change(g.Ctx(), own.ID, func(r *record.Referral, _ time.Time) ([]halsocoach.Event, error) {
		r.Sendings = append(doc.Sendings, other.Sendings...)
		return nil, nil
	})
	if err != nil || joined.CallMe != "" {
		t.Fatalf("%q, %v", joined.CallMe, err)
	}
	testenv.Must(t, testenv.ErrOf(g.svc.Withdraw(g.Ctx(), nurse(1), own.ID)))
	if left, err := g.records.Get(g.Ctx(), own.ID); err != nil || left.CallMe != "0684" || left.State != record.Received {
		t.Fatalf("%q %s, %v", left.CallMe, left.State, err)
	}
}

func TestWhoHasTakenAProtectedPersonSeesWhomToCall(t *testing.T) {
	g := open(t)
	w := wish()
	w.Protected = true
	own := g.sent(nurse(1), "a", w)
	if d, err := g.coach.Open(g.Ctx(), g.People.Maria, own.ID); err != nil || d.Shown {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, err := g.records.Change(g.Ctx(), own.ID, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		r.Taken = &record.Holder{By: g.People.Maria.ID, At: now}
		return r.Move(record.Take, now)
	}); err != nil {
		t.Fatal(err)
	}
	if d, err := g.coach.Open(g.Ctx(), g.People.Maria, own.ID); err != nil || !d.Shown || d.Words[0].Phone == "" {
		t.Fatalf("who is to call does not see the number: %+v, %v", d, err)
	}
	g.hidden(own.ID)
}

func TestAPromiseLastsItsDayOutAndIsKeptByReachingThePerson(t *testing.T) {
	g := open(t)
	own := g.sent(nurse(1), "a", wish())
	late := func(want bool) {
		t.Helper()
		box, err := g.coach.List(g.Ctx(), g.People.Maria, record.InboxQuery{Late: true})
		if item := g.inbox(g.People.Maria, "")[0]; err != nil || item.Late != want || (len(box.Items) == 1) != want || g.stands(nurse(1), own.ID).Late != want {
			t.Fatalf("at %v: late %v, %d in the list of what is late, %v", g.Clock.Now(), item.Late, len(box.Items), err)
		}
	}
	g.Clock.Set(halsocoach.DayOf(own.Due).At(23*60 + 59))
	late(false)
	g.Clock.Add(2 * time.Minute)
	late(true)
	if _, err := g.records.Change(g.Ctx(), own.ID, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		r.Attempts = append(r.Attempts, record.Attempt{ID: "a", How: record.ByPhone, Went: record.Reached, By: "maria", At: now})
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	late(false)
}
