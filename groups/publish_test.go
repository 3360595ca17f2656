package groups_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/groups"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

func TestTheSamePlanTwiceIsOneActivity(t *testing.T) {
	h := newHouse(t)
	req := newKey()
	ids := make([]string, 5)
	testenv.Together(len(ids), func(i int) {
		a, _, err := h.svc.Publish(h.Ctx(), h.People.Maria, req, walking(12))
		if err != nil {
			t.Error(err)
		}
		ids[i] = a.ID
	})
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("ids %v", ids)
		}
	}
	if n := len(h.dates(ids[0])); n != 4 || h.cal.held() != 4 {
		t.Fatalf("%d dates, %d spans", n, h.cal.held())
	}
	testenv.Wants(t, testenv.ErrOf(h.svc.Publish(h.Ctx(), h.People.Maria, req, walking(13))), halsocoach.ErrKeyReused)
	a, fresh, err := h.svc.Publish(h.Ctx(), h.People.Maria, req, walking(12))
	if err != nil || fresh || a.ID != ids[0] || !a.Published || a.Pending != nil {
		t.Fatalf("again: %+v %v %v", a, fresh, err)
	}
}

func TestAClashIsToldAndNothingIsPublished(t *testing.T) {
	h := newHouse(t)
	second := halsocoach.Day("2026-12-02").At(10*60 + 30)
	testenv.Must(t, h.cal.HoldSpan(h.Ctx(), "maria", halsocoach.Appointment{ID: "samtal", Starts: second, Ends: second.Add(time.Hour)}))
	plan := walking(12)
	req := newKey()
	_, _, err := h.svc.Publish(h.Ctx(), h.People.Maria, req, plan)
	var clash *groups.Clash
	if !errors.As(err, &clash) || len(clash.Spans) != 1 || !clash.Spans[0].Starts.Equal(halsocoach.Day("2026-12-02").At(600)) || halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatalf("%v", err)
	}
	if d, err := h.svc.Desk(h.Ctx(), h.People.Maria, ""); err != nil || len(d.Activities) != 0 || len(d.Coming) != 0 || h.cal.held() != 1 {
		t.Fatalf("after the clash: %+v %v, %d spans", d, err, h.cal.held())
	}
	plan.Dates.SkipClashes = true
	a, _, err := h.svc.Publish(h.Ctx(), h.People.Maria, req, plan) // the same form, mended
	if err != nil || len(h.dates(a.ID)) != 3 || h.cal.held() != 4 {
		t.Fatalf("%v, %d dates, %d spans", err, len(h.dates(a.ID)), h.cal.held())
	}
	plan.Title = "En annan grupp"
	_, _, err = h.svc.Publish(h.Ctx(), h.People.Maria, newKey(), plan)
	if halsocoach.KindOf(err) != halsocoach.KindInvalid || h.cal.held() != 4 {
		t.Fatalf("all dates taken: %v, %d spans", err, h.cal.held())
	}
}

func TestAnotherCentresCoachCanNotBeMadeLeader(t *testing.T) {
	h := newHouse(t)
	for _, leader := range []string{"johan", "kommun", "nobody"} {
		p := walking(5)
		p.Leader = leader
		_, _, err := h.svc.Publish(h.Ctx(), h.People.Maria, newKey(), p)
		var e *halsocoach.Error
		if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Name != "leader" {
			t.Errorf("leader %s: %v", leader, err)
		}
	}
}

func TestAGroupWhoseCoachHasLeftGetsNoMoreDates(t *testing.T) {
	h := newHouse(t)
	activities := store.In[groups.Activity](h.Store, groups.Kinds()[0])
	a := groups.Activity{ID: "old", Title: "Grupp", Kommun: "0684", Centre: "0684", Leader: "somebody who left", Published: true}
	testenv.Must(t, activities.Insert(h.Ctx(), a.ID, a))
	_, _, err := h.svc.AddDates(h.Ctx(), h.People.Maria, newKey(), a.ID, walking(5).Dates)
	if halsocoach.KindOf(err) != halsocoach.KindInvalid || h.cal.held() != 0 {
		t.Fatalf("%v, %d spans", err, h.cal.held())
	}
}

func TestDatesCanBeAddedToAnActivity(t *testing.T) {
	h := newHouse(t)
	a, first := h.publish(5)
	more := walking(5).Dates
	more.To = "2026-12-23" // one Wednesday more than there are
	req := newKey()
	for range 2 {
		testenv.Must(t, testenv.ErrOf(h.svc.AddDates(h.Ctx(), h.People.Maria, req, a.ID, more)))
	}
	if n := len(h.dates(a.ID)); n != 5 || h.cal.held() != 5 {
		t.Fatalf("%d dates, %d spans", n, h.cal.held())
	}
	if _, _, err := h.svc.AddDates(h.Ctx(), h.People.Maria, newKey(), a.ID, more); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatalf("dates that are there: %v", err)
	}
	more.Places = 6
	testenv.Wants(t, testenv.ErrOf(h.svc.AddDates(h.Ctx(), h.People.Maria, req, a.ID, more)), halsocoach.ErrKeyReused)
	// A clash on new dates leaves the old ones and their time.
	blocked := halsocoach.Day("2026-12-30").At(600)
	testenv.Must(t, h.cal.HoldSpan(h.Ctx(), "maria", halsocoach.Appointment{ID: "samtal", Starts: blocked, Ends: blocked.Add(time.Hour)}))
	more.To = "2026-12-30"
	if _, _, err := h.svc.AddDates(h.Ctx(), h.People.Maria, newKey(), a.ID, more); halsocoach.KindOf(err) != halsocoach.KindInvalid || h.cal.held() != 6 {
		t.Fatalf("%v, %d spans", err, h.cal.held())
	}
	if got := h.occasion(first.ID); got.Cancelled != nil {
		t.Fatal("a date is gone")
	}
}

// A stop in the middle is mended: what was held without being shown is freed,
// what was shown is completed, and a cancelled date's time is freed.
func TestTheSweepMendsWhatAStopLeft(t *testing.T) {
	h := newHouse(t)
	ctx := h.Ctx()
	activities := store.In[groups.Activity](h.Store, groups.Kinds()[0])
	spans := walking(5).Dates.Spans()
	for _, held := range []bool{false, true} {
		id := map[bool]string{false: "stopped-holding", true: "stopped-writing"}[held]
		coach := "coach-" + id
		a := groups.Activity{
			ID: id, Title: "Grupp", Kommun: "0684", Centre: "0684", Leader: coach, Published: held,
			Pending: &groups.Pending{ID: id, At: h.Clock.Now(), Held: held, Places: 5, Spans: spans},
		}
		for _, sp := range spans[:2] {
			testenv.Must(t, h.cal.HoldSpan(ctx, coach, halsocoach.Appointment{ID: a.Occasion(h.Clock.Now(), sp, 5, time.Time{}).ID, Starts: sp.Starts, Ends: sp.Ends}))
		}
		testenv.Must(t, activities.Insert(ctx, id, a))
	}
	if h.sweep(); h.cal.held() != 4 {
		t.Fatalf("what is still going on was touched: %d spans", h.cal.held())
	}
	h.Clock.Add(10 * time.Minute)
	h.sweep()
	if _, err := activities.Get(ctx, "stopped-holding"); !errors.Is(err, store.ErrNotFound) || h.cal.held() != 2 {
		t.Fatalf("a plan that was never shown: %v, %d spans", err, h.cal.held())
	}
	if a, err := activities.Get(ctx, "stopped-writing"); err != nil || a.Pending != nil || len(h.dates(a.ID)) != 4 {
		t.Fatalf("a plan that was shown: %+v %v", a, err)
	}

	a, o := h.publish(5)
	h.cal.breakDown(errors.New("the calendar is away"))
	if err := h.svc.CallOff(ctx, h.People.Maria, o.ID, "Isgata"); err == nil {
		t.Fatal("the calendar's fault did not show")
	}
	before := h.cal.held()
	h.cal.breakDown(nil)
	h.Clock.Add(10 * time.Minute)
	if h.sweep(); h.cal.held() != before-1 || !h.occasion(o.ID).SpanToRelease.IsZero() {
		t.Fatalf("%d spans of %d", h.cal.held(), before)
	}
	if h.occasion(o.ID).Cancelled == nil || len(h.dates(a.ID)) != 4 {
		t.Fatal("the date is not cancelled")
	}
}

func TestThePublicProgrammeIsPagedAndFiltered(t *testing.T) {
	h := newHouse(t)
	for i := range 5 {
		p := walking(5)
		p.Leader, p.LedBy = "", "Friluftsföreningen"
		p.Dates.Start = 8*60 + i*60
		if i == 4 {
			p.Topic = "mat"
		}
		testenv.Must(t, testenv.ErrOf(h.svc.Publish(h.Ctx(), h.People.Maria, newKey(), p)))
	}
	var starts []time.Time
	f := groups.Filter{Kommun: "0684", Topic: "fysisk aktivitet", Limit: 3}
	for pages := 1; ; pages++ {
		items, next, err := h.svc.Programme(h.Ctx(), f)
		testenv.Must(t, err)
		for _, it := range items {
			starts = append(starts, it.Occasions[0].Starts)
		}
		if f.After = next; next == "" {
			if pages != 2 || len(starts) != 4 {
				t.Fatalf("%d pages, %d activities", pages, len(starts))
			}
			break
		}
	}
	for _, f := range []groups.Filter{{Kommun: "0680"}, {Topic: "sömn"}, {From: "2026-11-26", To: "2026-12-01"}} {
		if items, _, err := h.svc.Programme(h.Ctx(), f); err != nil || len(items) != 0 || items == nil {
			t.Fatalf("%+v: %v %v", f, items, err)
		}
	}
	// A stretch that is not kept in memory comes from the store.
	h.Clock.Set(halsocoach.Day("2027-03-01").At(600))
	if items, _, err := h.svc.Programme(h.Ctx(), groups.Filter{From: "2026-11-01", To: "2026-11-30"}); err != nil || len(items) != 5 || len(items[0].Occasions) != 1 {
		t.Fatalf("the past: %v %v", items, err)
	}
	for _, f := range []groups.Filter{{Kommun: "9999"}, {Topic: "dans"}, {From: "igår"}, {To: "2026-02-30"}, {After: "?"}} {
		if _, _, err := h.svc.Programme(h.Ctx(), f); halsocoach.KindOf(err) != halsocoach.KindInvalid {
			t.Fatalf("%+v: %v", f, err)
		}
	}
}

func TestMorePlacesReachTheReserveListAtOnce(t *testing.T) {
	h := newHouse(t)
	_, o := h.publish(1)
	people := h.crowd(testenv.Count(4, 50))
	for _, p := range people {
		h.book(p, o.ID, true)
	}
	testenv.Must(t, h.svc.Resize(h.Ctx(), h.People.Maria, o.ID, 3))
	if err := h.svc.Resize(h.Ctx(), h.People.Maria, o.ID, 2); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatalf("fewer places than booked: %v", err)
	}
	got := h.occasion(o.ID)
	if len(got.Places) != 3 || got.Places[2].Person != people[2].ID {
		t.Fatalf("%d places", len(got.Places))
	}
	if rows := h.AccessLog.Rows(); len(rows) != 1 || rows[0].Act != halsocoach.ActGiveReservePlace || !slices.Equal(rows[0].Persons, []string{people[1].ID, people[2].ID}) {
		t.Fatalf("access log: %+v", rows)
	}
	testenv.Must(t, h.svc.Shut(h.Ctx(), h.People.Maria, o.ID, true))
	testenv.Wants(t, testenv.ErrOf(h.svc.Book(h.Ctx(), h.People.Elsa, newKey(), groups.BookRequest{Occasion: o.ID, Reserve: true})), groups.ErrClosed)
}
