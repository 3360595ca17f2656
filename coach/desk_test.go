package coach_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/internal/testenv"
)

func TestHoursOfOneDayAndOfTheWeek(t *testing.T) {
	w := newWorld(t)
	maria := w.People.Maria
	elsa := w.People.Elsa
	w.enrol(elsa, maria)
	b := w.book(elsa, w.wish(tuesday, 9))
	hours := func() []coach.Hours {
		t.Helper()
		v, err := w.CalendarDay(w.Ctx(), maria, tuesday)
		testenv.Must(t, err)
		return v.Hours
	}
	evening := coach.Hours{From: 17 * 60, To: 19 * 60, Form: coach.ByVideo}
	testenv.Must(t, w.OpenHours(w.Ctx(), maria, tuesday, evening))
	testenv.Must(t, w.OpenHours(w.Ctx(), maria, tuesday, evening))
	if got := hours(); len(got) != 3 || got[2] != evening {
		t.Fatalf("%v", got)
	}
	testenv.Wants(t, w.OpenHours(w.Ctx(), maria, tuesday, coach.Hours{From: 18 * 60, To: 20 * 60, Form: coach.OnSite}), &halsocoach.Error{Kind: halsocoach.KindInvalid})
	testenv.Must(t, w.CloseHours(w.Ctx(), maria, tuesday, coach.Hours{From: 9 * 60, To: 12 * 60, Form: coach.OnSite}))
	if got := hours(); len(got) != 2 {
		t.Fatalf("%v", got)
	}
	testenv.Must(t, w.SetWeek(w.Ctx(), maria, tuesday, coach.Week{}))
	if got := hours(); len(got) != 2 {
		t.Fatalf("the week has taken the day's own hours: %v", got)
	}
	testenv.Must(t, w.ResetDay(w.Ctx(), maria, tuesday))
	if got := hours(); len(got) != 0 {
		t.Fatalf("%v", got)
	}
	if v, err := w.CalendarDay(w.Ctx(), maria, monday); err != nil || len(v.Hours) != 2 {
		t.Fatalf("the days before keep their hours: %v %v", v.Hours, err)
	}
	if now, err := w.Talk(w.Ctx(), maria, b.ID); err != nil || now.Outcome != coach.NotYet {
		t.Fatalf("the talk stays: %v", err)
	}
	invalid := &halsocoach.Error{Kind: halsocoach.KindInvalid}
	testenv.Wants(t, w.SetWeek(w.Ctx(), maria, monday.Plus(-1), coach.Week{}), invalid)
	testenv.Wants(t, w.SetDay(w.Ctx(), maria, "igår", nil), invalid)
	testenv.Wants(t, w.SetDay(w.Ctx(), maria, monday.Plus(500), nil), invalid)
	testenv.Wants(t, w.SetWeek(w.Ctx(), elsa, monday, coach.Week{}), halsocoach.ErrForbidden)
	testenv.Must(t, w.ResetDay(w.Ctx(), maria, monday.Plus(20)))
}

func TestTheDeskIsSortedByPromise(t *testing.T) {
	w := newWorld(t)
	maria, now := w.People.Maria, w.Clock.Now()
	w.cfg.Inbox = inbox{2, now.Add(-time.Hour)}
	w.cfg.Messages = messages{halsocoach.Unread{Conversations: 1, Messages: 3, Path: "/chatt/x", Oldest: now.Add(-2 * time.Hour)}}
	w.Service = coach.New(w.cfg)
	elsa, anna := w.People.Elsa, w.People.Anna
	w.enrol(elsa, maria)
	w.enrol(anna, maria)
	w.book(elsa, w.wish(monday, 10))
	w.book(anna, w.wish(tuesday, 9))
	testenv.Must(t, w.HoldSpan(w.Ctx(), "maria", halsocoach.Appointment{ID: "walk", Title: "Promenadgruppen", Starts: monday.At(14 * 60), Ends: monday.At(15 * 60)}))
	w.Clock.Set(monday.At(11*60 + 30))
	v, err := w.Desk(w.Ctx(), maria)
	testenv.Must(t, err)
	var what []coach.DutyKind
	for _, d := range v.Duties {
		what = append(what, d.What)
	}
	if !slices.Equal(what, []coach.DutyKind{coach.FirstContact, coach.ToMark, coach.Unanswered}) || !v.Duties[0].Late || v.Duties[2].Late || v.Duties[0].Count != 2 {
		t.Errorf("%+v", v.Duties)
	}
	if len(v.Today.Entries) != 2 || v.Today.Entries[1].Span != "walk" || v.Today.Entries[1].Title != "Promenadgruppen" || len(v.Ahead) != 1 || v.Ahead[0].Date != tuesday {
		t.Errorf("today %+v, ahead %+v", v.Today, v.Ahead)
	}
	if len(v.News) != 1 || v.News[0].Person != anna.ID {
		t.Errorf("%+v", v.News)
	}
	_, err = w.Desk(w.Ctx(), elsa)
	testenv.Wants(t, err, halsocoach.ErrForbidden)
}

func TestFreeTimesComeInPagesOfWholeDays(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	w.enrol(elsa, w.malin)
	all, err := w.Free(w.Ctx(), elsa, coach.SlotQuery{})
	testenv.Must(t, err)
	if all.Next != "" || all.Coaches[0].ID != "malin" || all.Name("malin") != "Malin Ask" || all.Name("ingen") != "" || all.Slots[0].Coach != "malin" || all.Slots[0].Starts != monday.At(600) {
		t.Fatalf("%+v", all.Slots[0])
	}
	last := all.Slots[len(all.Slots)-1]
	if halsocoach.DayOf(last.Starts) != monday.Plus(42) {
		t.Fatalf("the last is %v", last.Starts)
	}
	var paged []coach.Slot
	q := coach.SlotQuery{Limit: 20}
	for {
		o, err := w.Free(w.Ctx(), elsa, q)
		testenv.Must(t, err)
		paged = append(paged, o.Slots...)
		if o.Next == "" {
			break
		}
		q.From = o.Next
	}
	if !slices.Equal(paged, all.Slots) {
		t.Fatalf("%d in pages, %d at once", len(paged), len(all.Slots))
	}
	if n := len(mustFree(t, w, elsa, coach.SlotQuery{From: tuesday, To: tuesday})); n != 12 {
		t.Errorf("%d on one day", n)
	}
	if n := len(mustFree(t, w, elsa, coach.SlotQuery{From: tuesday, To: monday})); n != 0 {
		t.Errorf("%d on none", n)
	}
	_, err = w.Free(w.Ctx(), elsa, coach.SlotQuery{From: "snart"})
	testenv.Wants(t, err, &halsocoach.Error{Kind: halsocoach.KindInvalid})
}

func mustFree(t *testing.T, w *world, who halsocoach.Actor, q coach.SlotQuery) []coach.Slot {
	t.Helper()
	o, err := w.Free(w.Ctx(), who, q)
	testenv.Must(t, err)
	return o.Slots
}

func TestTheDeskShowsWhatHoldsNow(t *testing.T) {
	w := newWorld(t)
	app, maria, elsa := w.app(), w.People.Maria, w.People.Elsa
	e := w.enrol(elsa, maria)
	shows := func(what string, yes bool) {
		t.Helper()
		for range 2 { // read, and remembered
			rows := len(w.AccessLog.Rows())
			if r := app.As(maria).Get("/skrivbord"); r.Status != 200 || strings.Contains(r.Body, what) != yes {
				t.Errorf("the desk shows %q: %v", what, !yes)
			}
			if strings.HasPrefix(what, "Namn") && yes && len(w.AccessLog.Rows()) != rows+1 {
				t.Error("a name is shown and not logged")
			}
		}
	}
	shows("Namn "+e.ID, false)
	b := w.book(elsa, w.wish(tuesday, 9))
	shows("Namn "+e.ID, true)
	w.protect(elsa)
	shows("Namn "+e.ID, false)
	shows("Invånare "+e.ID, true)
	testenv.Must(t, w.Persons.Unprotect(w.Ctx(), w.People.Region, elsa.ID, "beslut"))
	shows("Namn "+e.ID, true)
	testenv.Must(t, w.HoldSpan(w.Ctx(), maria.ID, halsocoach.Appointment{ID: "walk", Title: "Promenadgruppen", Starts: monday.At(600), Ends: monday.At(660)}))
	shows("Promenadgruppen", true)
	testenv.Must(t, w.FreeSpan(w.Ctx(), maria.ID, "walk", monday.At(600)))
	shows("Promenadgruppen", false)
	testenv.Must(t, w.Cancel(w.Ctx(), maria, b.ID))
	shows("Avbokat", true)
}
