package coach_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/internal/testenv"
)

func TestTalksAreFirstUntilOneWasHeldAndCountedOnce(t *testing.T) {
	w := newWorld(t)
	testenv.Must(t, w.Start(w.Ctx(), w.Bus))
	elsa, maria := w.People.Elsa, w.People.Maria
	w.enrol(elsa, maria)
	held := func(b coach.Booked, outcomes ...coach.Outcome) coach.Booked {
		t.Helper()
		_, err := w.Mark(w.Ctx(), maria, b.ID, outcomes[0])
		testenv.Wants(t, err, coach.ErrNotBegun)
		w.Clock.Set(b.Starts)
		for _, o := range outcomes {
			if b, err = w.Mark(w.Ctx(), maria, b.ID, o); err != nil || b.Outcome != o {
				t.Fatalf("mark %s: %v %v", o, b.Outcome, err)
			}
		}
		return b
	}
	missed := held(w.book(elsa, w.wish(tuesday, 9)), coach.Missed)
	again := w.book(elsa, w.wish(tuesday, 13)) // at once, since the missed one stands in nobody's way
	if again.Kind != coach.First || again.Ends.Sub(again.Starts) != time.Hour {
		t.Fatalf("after a missed first talk: %+v", again)
	}
	held(again, coach.Held, coach.Missed, coach.Held, coach.Held)
	next := w.book(elsa, w.wish(tuesday.Plus(1), 9))
	if next.Kind != coach.FollowUp || next.Ends.Sub(next.Starts) != 45*time.Minute {
		t.Fatalf("after a held first talk: %+v", next)
	}
	held(next, coach.Held)
	// The missed first talk is corrected: the person had a held one already.
	b, err := w.Mark(w.Ctx(), maria, missed.ID, coach.Held)
	if err != nil || b.Kind != coach.FollowUp {
		t.Fatalf("%v %v", b.Kind, err)
	}
	w.Eventually("three facts", func() bool { return len(w.Facts()) >= 3 })
	kinds := map[string]int{}
	for _, f := range w.Facts() {
		kinds[f.Type]++
		if f.Kommun != "0684" || f.Dims["source"] != "vårdcentral" || f.Dims["topic"] != "mat" || f.Dims["sex"] != "kvinna" || f.Dims["age"] != "18-29" || f.Dims["channel"] == "" {
			t.Errorf("%+v", f)
		}
	}
	if kinds[halsocoach.CountFirstTalk] != 1 || kinds[halsocoach.CountFollowUp] != 2 {
		t.Fatalf("%v", kinds)
	}
}

func TestAHeldTalkOfAProtectedPersonIsCountedForTheCounty(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	w.enrol(elsa, w.People.Maria)
	w.protect(elsa)
	b := w.book(elsa, w.wish(tuesday, 9))
	w.Clock.Set(b.Starts)
	_, err := w.Mark(w.Ctx(), w.malin, b.ID, coach.Held)
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	_, err = w.Mark(w.Ctx(), w.People.Maria, b.ID, coach.Held)
	testenv.Must(t, err)
	w.Eventually("the fact", func() bool { return len(w.Facts()) == 1 })
	f := w.Facts()[0]
	if f.Kommun != halsocoach.County || f.Dims["sex"] != "" || f.Dims["age"] != "" || f.Day != tuesday {
		t.Fatalf("%+v", f)
	}
}

func TestAProtectedPersonMeetsOnlyTheNamedCoach(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	e := w.enrol(elsa, w.People.Maria)
	w.protect(elsa)
	o, err := w.Free(w.Ctx(), elsa, coach.SlotQuery{})
	testenv.Must(t, err)
	if len(o.Slots) == 0 || slices.ContainsFunc(o.Slots, func(s coach.Slot) bool { return s.Coach != "maria" }) {
		t.Fatalf("%v", o.Slots)
	}
	wish := w.wish(tuesday, 9)
	wish.Coach = "malin"
	_, _, err = w.Book(w.Ctx(), elsa, key(), wish)
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	_, err = w.BookingFor(w.Ctx(), w.malin, e.ID, coach.SlotQuery{})
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	b := w.book(elsa, w.wish(tuesday, 9))
	_, err = w.Move(w.Ctx(), elsa, key(), b.ID, coach.NewTime{Coach: "malin", Starts: tuesday.At(600)})
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	_, err = w.Talk(w.Ctx(), w.malin, b.ID)
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	testenv.Wants(t, w.Cancel(w.Ctx(), w.malin, b.ID), halsocoach.ErrNotFound)
	_, err = w.Talk(w.Ctx(), w.People.Maria, b.ID)
	testenv.Must(t, err)
}

func TestATalkIsThePersonsUnderEachOfTheirIDs(t *testing.T) {
	w := newWorld(t)
	elsa, other := w.People.Elsa, halsocoach.Actor{ID: "elsa-without-number", Role: halsocoach.RoleCitizen}
	w.enrol(elsa, w.People.Maria)
	w.enrol(other, w.malin, func(e *halsocoach.Enrolment) { e.ID = "other" })
	b := w.book(elsa, w.wish(tuesday, 9))
	_, err := w.Talk(w.Ctx(), other, b.ID)
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	testenv.Must(t, w.Persons.Join(w.Ctx(), w.People.Maria, elsa.ID, other.ID))
	for _, who := range []halsocoach.Actor{elsa, other} {
		_, err := w.Talk(w.Ctx(), who, b.ID)
		testenv.Must(t, err)
		if coming, err := w.Coming(w.Ctx(), who); err != nil || len(coming) != 1 || coming[0].ID != b.ID {
			t.Errorf("%s has %+v ahead, %v", who.ID, coming, err)
		}
		if mine, err := w.MyTalks(w.Ctx(), who, coach.SlotQuery{}); err != nil || len(mine.Coming) != 1 {
			t.Errorf("%s has %+v, %v", who.ID, mine.Coming, err)
		}
	}
	w.protect(other)
	_, err = w.Talk(w.Ctx(), w.malin, b.ID)
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	testenv.Must(t, w.Cancel(w.Ctx(), other, b.ID))
	joined, err := w.Persons.Of(w.Ctx(), elsa.ID)
	testenv.Must(t, err)
	testenv.Must(t, w.Persons.Part(w.Ctx(), w.People.Maria, joined.Joins[0].ID))
	_, err = w.Talk(w.Ctx(), other, b.ID)
	testenv.Wants(t, err, halsocoach.ErrNotFound)
}

func TestAMoveOutsideAllYearsIsAnAnswerToMend(t *testing.T) {
	w := newWorld(t)
	w.enrol(w.People.Elsa, w.People.Maria)
	b := w.book(w.People.Elsa, w.wish(tuesday, 9))
	_, err := w.Move(w.Ctx(), w.People.Elsa, key(), b.ID, coach.NewTime{Starts: time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -23*3600))})
	testenv.Wants(t, err, &halsocoach.Error{Kind: halsocoach.KindInvalid})
}

func TestARepeatedBookingByStaffIsLoggedToo(t *testing.T) {
	w := newWorld(t)
	e := w.enrol(w.People.Elsa, w.People.Maria)
	wish, k := w.wish(tuesday, 9), key()
	wish.Enrolment = e.ID
	for i, made := range []bool{true, false} {
		before := len(w.AccessLog.Rows())
		_, got, err := w.Book(w.Ctx(), w.People.Maria, k, wish)
		testenv.Must(t, err)
		if rows := w.AccessLog.Rows()[before:]; got != made || len(rows) != 1 || !slices.Equal(rows[0].Persons, []string{w.People.Elsa.ID}) {
			t.Fatalf("time %d: made %v, rows %+v", i+1, got, rows)
		}
	}
}

func TestSomeoneElsesTalkIsNotFound(t *testing.T) {
	w := newWorld(t)
	elsa, anna := w.People.Elsa, w.People.Anna
	e := w.enrol(elsa, w.People.Maria)
	w.enrol(anna, w.People.Maria)
	b := w.book(elsa, w.wish(tuesday, 9))
	for name, who := range map[string]halsocoach.Actor{"another citizen": anna, "a coach elsewhere": w.People.Johan} {
		for what, do := range map[string]func() error{
			"read": func() error { _, err := w.Talk(w.Ctx(), who, b.ID); return err },
			"move": func() error {
				_, err := w.Move(w.Ctx(), who, key(), b.ID, coach.NewTime{Starts: tuesday.At(600)})
				return err
			},
			"cancel": func() error { return w.Cancel(w.Ctx(), who, b.ID) },
			"times":  func() error { _, err := w.Choices(w.Ctx(), who, b.ID, coach.SlotQuery{}); return err },
		} {
			t.Run(name+" "+what, func(t *testing.T) { testenv.Wants(t, do(), halsocoach.ErrNotFound) })
		}
	}
	_, err := w.Mark(w.Ctx(), w.People.Johan, b.ID, coach.Held)
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	_, err = w.Mark(w.Ctx(), elsa, b.ID, coach.Held)
	testenv.Wants(t, err, halsocoach.ErrForbidden)
	_, err = w.ComingOf(w.Ctx(), w.People.Johan, e.ID)
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	_, _, err = w.Book(w.Ctx(), w.People.Johan, key(), coach.BookRequest{Coach: "johan", Starts: tuesday.At(600), Form: coach.OnSite, Enrolment: e.ID})
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	_, err = w.Free(w.Ctx(), elsa, coach.SlotQuery{Centre: "0680"})
	testenv.Wants(t, err, halsocoach.ErrNotFound)
	for _, who := range []halsocoach.Actor{w.People.Kommun, w.People.Region, w.People.Vardcentral, w.People.Drift} {
		_, err := w.Talk(w.Ctx(), who, b.ID)
		testenv.Wants(t, err, halsocoach.ErrForbidden)
	}
	if got := w.AccessLog.Rows(); slices.ContainsFunc(got, func(r testenv.Row) bool { return slices.Contains(r.Persons, elsa.ID) }) {
		t.Errorf("a refused read was logged as a read: %v", got)
	}
}

func TestATalkKeepsItsIdWhenItIsMoved(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	e := w.enrol(elsa, w.People.Maria)
	b := w.book(elsa, w.wish(tuesday, 9))
	req, to := key(), coach.NewTime{Coach: "malin", Starts: tuesday.Plus(2).At(10 * 60)}
	moved, err := w.Move(w.Ctx(), elsa, req, b.ID, to)
	testenv.Must(t, err)
	again, err := w.Move(w.Ctx(), elsa, req, b.ID, to)
	testenv.Must(t, err)
	if moved.ID != b.ID || again.Move != 1 || again.Coach != "malin" || again.Kind != coach.First || !again.Starts.Equal(to.Starts) {
		t.Fatalf("%+v", again)
	}
	w.agrees(t, e, "after the move")
	w.book(w.citizens(1)[0], w.wish(tuesday, 9)) // the old time is free again
	// Two moves and a calling off at once: whatever wins, all agree.
	for round := range testenv.Count(3, 30) {
		b := w.booked(func(x coach.Talk) bool { return x.Person == elsa.ID })[0]
		testenv.Together(3, func(i int) {
			_, _ = w.Move(w.Ctx(), elsa, key(), b.ID, coach.NewTime{Coach: "malin", Starts: tuesday.Plus(7 + (round+i)%3).At((9 + i) * 60)})
		})
		w.agrees(t, e, "after three moves at once")
	}
	b = w.booked(func(x coach.Talk) bool { return x.Person == elsa.ID })[0]
	testenv.Together(4, func(i int) {
		if i%2 == 0 {
			testenv.Must(t, w.Cancel(w.Ctx(), elsa, b.ID))
			return
		}
		_, _ = w.Move(w.Ctx(), elsa, key(), b.ID, coach.NewTime{Coach: "maria", Starts: tuesday.Plus(14 + i).At(9 * 60)})
	})
	w.agrees(t, e, "after moving and calling off at once")
	if n := len(w.claims(e)); n != 0 {
		t.Fatalf("a talk that was called off is still claimed %d times", n)
	}
}

func TestAMoveToATakenTimeKeepsTheOld(t *testing.T) {
	w := newWorld(t)
	elsa, anna := w.People.Elsa, w.People.Anna
	e := w.enrol(elsa, w.People.Maria)
	w.enrol(anna, w.People.Maria)
	b := w.book(elsa, w.wish(tuesday, 9))
	w.book(anna, w.wish(tuesday, 10))
	_, err := w.Move(w.Ctx(), elsa, key(), b.ID, coach.NewTime{Starts: tuesday.At(600)})
	testenv.Wants(t, err, coach.ErrTaken)
	w.agrees(t, e, "after a move that was refused")
	now, err := w.Talk(w.Ctx(), elsa, b.ID)
	testenv.Must(t, err)
	if !now.Starts.Equal(b.Starts) {
		t.Fatal("the talk has moved")
	}
}

func TestCallingOffAgainIsNothing(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	e := w.enrol(elsa, w.People.Maria)
	b := w.book(elsa, w.wish(tuesday, 9))
	testenv.Together(4, func(int) { testenv.Must(t, w.Cancel(w.Ctx(), elsa, b.ID)) })
	testenv.Must(t, w.Cancel(w.Ctx(), elsa, b.ID))
	w.agrees(t, e, "after calling off")
	testenv.Wants(t, w.Cancel(w.Ctx(), elsa, "ingen"), halsocoach.ErrNotFound)
	c := w.book(elsa, w.wish(tuesday, 9))
	w.Clock.Set(c.Starts)
	testenv.Wants(t, w.Cancel(w.Ctx(), elsa, c.ID), coach.ErrBegun)
	_, err := w.Move(w.Ctx(), elsa, key(), c.ID, coach.NewTime{Starts: tuesday.At(600)})
	testenv.Wants(t, err, coach.ErrBegun)
	testenv.Must(t, w.Cancel(w.Ctx(), w.People.Maria, c.ID))
}

func TestACoachBooksForAPersonAtATimeOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	elsa, maria := w.People.Elsa, w.People.Maria
	e := w.enrol(elsa, maria)
	at := func(h int, k coach.Kind) coach.BookRequest {
		return coach.BookRequest{Coach: "maria", Starts: tuesday.At(h * 60), Form: coach.ByVideo, Enrolment: e.ID, Kind: k}
	}
	first := w.book(maria, at(18, ""))
	if first.Kind != coach.First || first.Person != elsa.ID || first.ByCitizen {
		t.Fatalf("%+v", first)
	}
	_, _, err := w.Book(w.Ctx(), maria, key(), at(19, coach.First))
	testenv.Wants(t, err, coach.ErrHasTalk)
	if b := w.book(maria, at(20, coach.FollowUp)); b.Kind != coach.FollowUp {
		t.Fatalf("%+v", b)
	}
	_, _, err = w.Book(w.Ctx(), maria, key(), at(20, coach.FollowUp))
	testenv.Wants(t, err, coach.ErrTaken)
	_, _, err = w.Book(w.Ctx(), elsa, key(), w.wish(tuesday, 9))
	testenv.Wants(t, err, coach.ErrHasTalk)
	other := at(18, coach.FollowUp)
	other.Coach = "malin"
	_, _, err = w.Book(w.Ctx(), maria, key(), other)
	testenv.Wants(t, err, coach.ErrNotOffered) // in a colleague's calendar only what is offered
	coming, err := w.ComingOf(w.Ctx(), maria, e.ID)
	testenv.Must(t, err)
	if len(coming) != 2 || coming[0].What != "first" || coming[1].What != "followup" || coming[0].Path != "/kalender/samtal/"+first.ID || coming[0].Place != "Video" {
		t.Fatalf("%+v", coming)
	}
	own, err := w.Coming(w.Ctx(), elsa)
	testenv.Must(t, err)
	if len(own) != 2 || own[0].Path != "/samtal" || own[0].Title != "Inledande samtal" {
		t.Fatalf("%+v", own)
	}
	hers, err := w.Coming(w.Ctx(), maria)
	testenv.Must(t, err)
	if len(hers) != 2 {
		t.Fatalf("%+v", hers)
	}
}

func TestStaffsReadsAreLogged(t *testing.T) {
	w := newWorld(t)
	maria := w.People.Maria
	people := w.citizens(3)
	var ids []string
	for i, p := range people {
		ids = append(ids, w.book(p, w.wish(tuesday, 9+i)).ID)
	}
	before := len(w.AccessLog.Rows())
	rows := func(do func() error) []testenv.Row {
		t.Helper()
		testenv.Must(t, do())
		all := w.AccessLog.Rows()
		out := all[before:]
		before = len(all)
		return out
	}
	for name, do := range map[string]func() error{
		"calendar": func() error { _, err := w.Calendar(w.Ctx(), maria, tuesday); return err },
		"desk":     func() error { _, err := w.Desk(w.Ctx(), maria); return err },
		"day":      func() error { _, err := w.CalendarDay(w.Ctx(), maria, tuesday); return err },
		"coming":   func() error { _, err := w.Coming(w.Ctx(), maria); return err },
	} {
		got := rows(do)
		if len(got) != 1 || len(got[0].Persons) != 3 || got[0].Who.ID != "maria" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	e := halsocoach.IDFrom("enrolment", people[0].ID, "0684")
	for name, do := range map[string]func() error{
		"talk":   func() error { _, err := w.Talk(w.Ctx(), w.malin, ids[0]); return err },
		"coming": func() error { _, err := w.ComingOf(w.Ctx(), maria, e); return err },
		"for":    func() error { _, err := w.BookingFor(w.Ctx(), maria, e, coach.SlotQuery{}); return err },
		"move": func() error {
			_, err := w.Move(w.Ctx(), maria, key(), ids[0], coach.NewTime{Starts: tuesday.At(17 * 60)})
			return err
		},
	} {
		if got := rows(do); len(got) != 1 || !slices.Equal(got[0].Persons, []string{people[0].ID}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := rows(func() error { _, err := w.MyTalks(w.Ctx(), people[0], coach.SlotQuery{}); return err }); len(got) != 0 {
		t.Errorf("a citizen's own read was logged: %v", got)
	}
}

func TestWhoLeavesHasNothingAhead(t *testing.T) {
	w := newWorld(t)
	testenv.Must(t, w.Start(w.Ctx(), w.Bus))
	elsa, maria := w.People.Elsa, w.People.Maria
	e := w.enrol(elsa, maria)
	w.book(elsa, w.wish(tuesday, 9))
	w.book(maria, coach.BookRequest{Coach: "maria", Starts: tuesday.Plus(7).At(600), Form: coach.OnSite, Enrolment: e.ID, Kind: coach.FollowUp})
	_, err := w.people.docs.Update(w.Ctx(), e.ID, func(d *enrolled) ([]halsocoach.Event, error) {
		d.Ended = true
		return []halsocoach.Event{halsocoach.Happened("citizen.ended", w.Clock.Now(), "0684", e.ID, nil)}, nil
	})
	testenv.Must(t, err)
	w.Eventually("the talks are called off", func() bool { return len(w.booked(anyTalk))+len(w.claims(e)) == 0 })
	_, _, err = w.Book(w.Ctx(), elsa, key(), w.wish(tuesday, 9))
	testenv.Wants(t, err, coach.ErrNotEnrolled)
}

func TestEventsSayWhatHappenedWithoutThePerson(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	e := w.enrol(elsa, w.People.Maria)
	got := make(chan halsocoach.Event, 20)
	testenv.Must(t, w.Bus.Consume(w.Ctx(), "listener", []string{coach.EventBooked, coach.EventCancelled, coach.EventHeld, coach.EventMissed}, func(_ context.Context, ev halsocoach.Event) error {
		got <- ev
		return nil
	}))
	b := w.book(elsa, w.wish(tuesday, 9))
	_, err := w.Move(w.Ctx(), elsa, key(), b.ID, coach.NewTime{Starts: tuesday.At(600)})
	testenv.Must(t, err)
	testenv.Must(t, w.Cancel(w.Ctx(), elsa, b.ID))
	c := w.book(elsa, w.wish(tuesday, 9))
	w.Clock.Set(c.Starts)
	for _, o := range []coach.Outcome{coach.Held, coach.Missed} {
		_, err := w.Mark(w.Ctx(), w.People.Maria, c.ID, o)
		testenv.Must(t, err)
	}
	for i, want := range []struct{ typ, subject string }{
		{coach.EventBooked, b.ID}, {coach.EventBooked, b.ID}, {coach.EventCancelled, b.ID},
		{coach.EventBooked, c.ID}, {coach.EventHeld, c.ID}, {coach.EventMissed, c.ID},
	} {
		ev := <-got
		if ev.Type != want.typ || ev.Subject != want.subject || ev.Kommun != "0684" {
			t.Errorf("event %d: %+v", i, ev)
		}
		if body := string(ev.Data) + ev.Subject; strings.Contains(body, elsa.ID) || !strings.Contains(body, e.ID) {
			t.Errorf("event %d holds %s", i, body)
		}
	}
}

func TestAnHourOfTheNightOfTheClockCanBeBooked(t *testing.T) {
	w := newWorld(t)
	elsa, maria := w.People.Elsa, w.People.Maria
	w.Clock.Set(halsocoach.Day("2027-03-22").At(9 * 60))
	e := w.enrol(elsa, maria)
	sunday := halsocoach.Day("2027-03-28")
	testenv.Must(t, w.SetDay(w.Ctx(), maria, sunday, []coach.Hours{{From: 0, To: 5 * 60, Form: coach.ByPhone}}))
	o, err := w.Free(w.Ctx(), elsa, coach.SlotQuery{From: sunday, To: sunday})
	testenv.Must(t, err)
	var at []string
	for _, s := range o.Slots {
		at = append(at, s.Starts.Format("15:04-07"))
	}
	if got := fmt.Sprint(at); got != "[00:00+01 01:00+01 03:00+02 04:00+02]" {
		t.Fatal(got)
	}
	for _, s := range o.Slots {
		b, _, err := w.Book(w.Ctx(), elsa, key(), coach.BookRequest{Coach: s.Coach, Starts: s.Starts.UTC(), Form: s.Form})
		testenv.Must(t, err)
		if b.Date != sunday || b.Ends.Sub(b.Starts) != time.Hour {
			t.Fatalf("%+v", b)
		}
		w.agrees(t, e, "on the night of the clock")
		testenv.Must(t, w.Cancel(w.Ctx(), elsa, b.ID))
	}
}
