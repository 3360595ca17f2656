package groups_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/groups"
	"halsocoach/internal/person"
	"halsocoach/internal/testenv"
)

func TestLastPlaceGoesToOne(t *testing.T) {
	h := newHouse(t)
	for round := range testenv.Count(2, 20) {
		_, o := h.publish(10)
		people := h.crowd(100)
		nodes := []*groups.Service{h.svc, h.service()}
		var booked, full atomic.Int32
		testenv.Together(len(people), func(i int) {
			_, fresh, err := nodes[i%2].Book(h.Ctx(), people[i], newKey(), groups.BookRequest{Occasion: o.ID})
			switch {
			case err == nil && fresh:
				booked.Add(1)
			case errors.Is(err, groups.ErrFull):
				full.Add(1)
			default:
				t.Errorf("round %d: %v, fresh %v", round, err, fresh)
			}
		})
		if booked.Load() != 10 || full.Load() != 90 || len(h.occasion(o.ID).Places) != 10 {
			t.Fatalf("round %d: %d booked, %d full, %d places", round, booked.Load(), full.Load(), len(h.occasion(o.ID).Places))
		}
		h.Clock.Set(h.Clock.Now().Add(time.Minute)) // another activity of the same coach needs other days
		for _, d := range h.dates(o.Activity) {
			testenv.Must(t, h.svc.CallOff(h.Ctx(), h.People.Maria, d.ID, "Ny omgång"))
		}
	}
}

func TestADoubleClickIsOneBooking(t *testing.T) {
	h := newHouse(t)
	_, o := h.publish(5)
	var fresh atomic.Int32
	ids := make([]string, 20)
	testenv.Together(len(ids), func(i int) {
		b, f, err := h.svc.Book(h.Ctx(), h.People.Elsa, key("klick"), groups.BookRequest{Occasion: o.ID})
		if err != nil {
			t.Error(err)
		}
		if f {
			fresh.Add(1)
		}
		ids[i] = b.ID
	})
	if fresh.Load() != 1 || len(slices.Compact(ids)) != 1 || len(h.occasion(o.ID).Places) != 1 {
		t.Fatalf("%d fresh, ids %v, %d places", fresh.Load(), slices.Compact(ids), len(h.occasion(o.ID).Places))
	}
	testenv.Wants(t, testenv.ErrOf(h.svc.Book(h.Ctx(), h.People.Elsa, key("klick"), groups.BookRequest{Occasion: o.ID, Reserve: true})), halsocoach.ErrKeyReused)
}

// Cancellations and reserve bookings at the same time: never too many, nobody
// waits beside a free place, and everybody who waited stands in order.
func TestPlacesGoToTheReserveListWhileOthersCancel(t *testing.T) {
	h := newHouse(t)
	_, o := h.publish(10)
	people := h.crowd(40)
	for _, p := range people[:30] {
		h.book(p, o.ID, true)
	}
	bookings := make([]string, 30)
	for i := range bookings {
		b, _, _ := h.svc.Book(h.Ctx(), people[i], newKey(), groups.BookRequest{Occasion: o.ID, Reserve: true})
		bookings[i] = b.ID
	}
	nodes := []*groups.Service{h.svc, h.service()}
	testenv.Together(20, func(i int) {
		if i < 10 { // the ten who have places leave, each twice
			for range 2 {
				if err := nodes[i%2].Cancel(h.Ctx(), people[i], bookings[i]); err != nil {
					t.Error(err)
				}
			}
			return
		}
		if _, _, err := nodes[i%2].Book(h.Ctx(), people[20+i], newKey(), groups.BookRequest{Occasion: o.ID, Reserve: true}); err != nil {
			t.Error(err)
		}
	})
	got := h.occasion(o.ID)
	if len(got.Places) != 10 || len(got.Reserve) != 20 {
		t.Fatalf("%d places, %d on the reserve list", len(got.Places), len(got.Reserve))
	}
	for i := range 10 {
		if got.Places[i].Person != people[10+i].ID || got.Reserve[i].Person != people[20+i].ID {
			t.Fatalf("place %d did not go to the one who had waited longest", i)
		}
	}
}

func TestThePromotedPersonIsTold(t *testing.T) {
	h := newHouse(t)
	seen := make(chan halsocoach.Event, 20)
	err := h.Bus.Consume(h.Ctx(), "test-groups", []string{groups.EventPlaceBooked, groups.EventPlaceCancelled, groups.EventReserveJoined}, func(_ context.Context, e halsocoach.Event) error {
		seen <- e
		return nil
	})
	testenv.Must(t, err)
	_, o := h.publish(1)
	first := h.book(h.People.Anna, o.ID, false)
	waits := h.book(h.People.Elsa, o.ID, true)
	if waits.Status != groups.OnReserve || waits.Position != 1 {
		t.Fatalf("%+v", waits)
	}
	testenv.Must(t, h.svc.Cancel(h.Ctx(), h.People.Anna, first.ID))
	for _, want := range []struct{ typ, data string }{
		{groups.EventPlaceBooked, `{"booking":"` + first.ID + `"}`},
		{groups.EventReserveJoined, `{"booking":"` + waits.ID + `"}`},
		{groups.EventPlaceCancelled, `{"booking":"` + first.ID + `"}`},
		{groups.EventPlaceBooked, `{"booking":"` + waits.ID + `","promoted":true}`},
	} {
		select {
		case e := <-seen:
			if e.Type != want.typ || string(e.Data) != want.data || e.Subject != o.ID || e.Kommun != "0684" {
				t.Fatalf("got %s %s, want %s %s", e.Type, e.Data, want.typ, want.data)
			}
		case <-time.After(2 * time.Minute):
			t.Fatalf("no %s", want.typ)
		}
	}
	coming, err := h.svc.Coming(h.Ctx(), h.People.Elsa)
	if err != nil || len(coming) != 1 || coming[0].ID != waits.ID || coming[0].Title != "Gågrupp vid Sävsjöån" || coming[0].Path != "/tillfallen/"+o.ID {
		t.Fatalf("coming: %+v %v", coming, err)
	}
}

func TestABookingIsOnesOwn(t *testing.T) {
	h := newHouse(t)
	_, o := h.publish(2)
	b := h.book(h.People.Anna, o.ID, false)
	testenv.Wants(t, h.svc.Cancel(h.Ctx(), h.People.Elsa, b.ID), halsocoach.ErrNotFound)
	for range 2 {
		testenv.Must(t, h.svc.Cancel(h.Ctx(), h.People.Anna, b.ID))
	}
	again := h.book(h.People.Anna, o.ID, false)
	h.Clock.Set(o.Starts)
	testenv.Wants(t, h.svc.Cancel(h.Ctx(), h.People.Anna, again.ID), groups.ErrBegun)
}

func TestWhoMayDoWhat(t *testing.T) {
	h := newHouse(t)
	a, o := h.publish(2)
	p := h.People
	h.book(p.Anna, o.ID, false)
	ctx := h.Ctx()
	deeds := map[string]func(halsocoach.Actor) error{
		"book": func(w halsocoach.Actor) error {
			_, _, err := h.svc.Book(ctx, w, newKey(), groups.BookRequest{Occasion: o.ID, Reserve: true})
			return err
		},
		"bookings": func(w halsocoach.Actor) error { _, err := h.svc.Bookings(ctx, w); return err },
		"coming":   func(w halsocoach.Actor) error { _, err := h.svc.Coming(ctx, w); return err },
		"leave":    func(w halsocoach.Actor) error { return h.svc.Leave(ctx, w, a.ID) },
		"cancel":   func(w halsocoach.Actor) error { return h.svc.CancelPlace(ctx, w, o.ID) },
		"show":     func(w halsocoach.Actor) error { _, err := h.svc.Occasion(ctx, w, o.ID); return err },
		"desk":     func(w halsocoach.Actor) error { _, err := h.svc.Desk(ctx, w, ""); return err },
		"series":   func(w halsocoach.Actor) error { _, err := h.svc.Series(ctx, w, a.ID); return err },
		"roster":   func(w halsocoach.Actor) error { _, err := h.svc.Roster(ctx, w, o.ID); return err },
		"note":     func(w halsocoach.Actor) error { return h.svc.Note(ctx, w, o.ID, nil) },
		"resize":   func(w halsocoach.Actor) error { return h.svc.Resize(ctx, w, o.ID, 3) },
		"shut":     func(w halsocoach.Actor) error { return h.svc.Shut(ctx, w, o.ID, false) },
		"call off": func(w halsocoach.Actor) error { return h.svc.CallOff(ctx, w, o.ID, "") },
		"publish": func(w halsocoach.Actor) error {
			_, _, err := h.svc.Publish(ctx, w, newKey(), groups.Plan{})
			return err
		},
		"add dates": func(w halsocoach.Actor) error {
			_, _, err := h.svc.AddDates(ctx, w, newKey(), a.ID, groups.Dates{})
			return err
		},
	}
	const ok, signIn, forbidden, notFound, conflict, invalid = "", halsocoach.KindSignIn, halsocoach.KindForbidden, halsocoach.KindNotFound, halsocoach.KindConflict, halsocoach.KindInvalid
	order := []halsocoach.Actor{{}, p.Elsa, p.Maria, p.Johan, p.Vardcentral, p.Forening, p.Kommun, p.Region, p.Family, p.Drift}
	citizens := []halsocoach.ErrorKind{signIn, ok, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden}
	coaches := func(own, other halsocoach.ErrorKind) []halsocoach.ErrorKind {
		return []halsocoach.ErrorKind{signIn, forbidden, own, other, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden}
	}
	table := map[string][]halsocoach.ErrorKind{
		"book": citizens, "bookings": citizens, "coming": citizens, "leave": citizens, "cancel": citizens,
		"show": make([]halsocoach.ErrorKind, len(order)),
		"desk": coaches(ok, ok), "series": coaches(ok, notFound), "roster": coaches(ok, notFound), "note": coaches(conflict, notFound),
		"resize": coaches(ok, notFound), "shut": coaches(ok, notFound), "call off": coaches(invalid, notFound),
		"publish": coaches(invalid, invalid), "add dates": coaches(invalid, notFound),
	}
	for name, do := range deeds {
		for i, who := range order {
			if got := halsocoach.KindOf(do(who)); got != table[name][i] {
				t.Errorf("%s by %q: %q, want %q", name, who.Role, got, table[name][i])
			}
		}
	}
}

func TestLeavingAGroupKeepsThePast(t *testing.T) {
	h := newHouse(t)
	a, _ := h.publish(3)
	dates := h.dates(a.ID)
	for _, d := range dates {
		h.book(h.People.Elsa, d.ID, false)
	}
	h.Clock.Set(dates[1].Ends)
	testenv.Must(t, h.svc.Leave(h.Ctx(), h.People.Elsa, a.ID))
	for i, d := range dates {
		_, there := h.occasion(d.ID).Of(person.Identity{IDs: []string{h.People.Elsa.ID}})
		if there != (i < 2) {
			t.Fatalf("date %d: booked %v", i, there)
		}
	}
}

func TestOwnResidentsFirstIsTheKommunsSetting(t *testing.T) {
	h := newHouse(t)
	h.Terms.Set(func(terms *halsocoach.Terms) { terms.OwnResidentsFirst = 2 })
	_, o := h.publish(3)
	own, other := h.People.Elsa, h.People.Omar
	own.Kommun, other.Kommun = "0684", "0680"
	testenv.Wants(t, testenv.ErrOf(h.svc.Book(h.Ctx(), other, newKey(), groups.BookRequest{Occasion: o.ID, Reserve: true})), groups.ErrRestricted)
	h.book(own, o.ID, false)
	h.Clock.Set(halsocoach.Day("2026-11-25").Start())
	h.book(other, o.ID, false)
}

// The bus carries what the store has; without it the programme is filled at the
// start.
func TestTheProgrammeIsFreshOnEveryNode(t *testing.T) {
	h := newHouse(t)
	other := h.service()
	testenv.Must(t, other.Start(h.Ctx(), h.Bus))
	a, o := h.publish(1)
	h.book(h.People.Elsa, o.ID, false)
	find := func(s *groups.Service) (groups.Brief, bool) {
		items, _, err := s.Programme(h.Ctx(), groups.Filter{Kommun: "0684"})
		testenv.Must(t, err)
		for _, it := range items {
			if it.Activity.ID == a.ID && it.Leader == "Maria Holm" && len(it.Occasions) == 4 {
				return it.Occasions[0], true
			}
		}
		return groups.Brief{}, false
	}
	if b, ok := find(h.svc); !ok || b.Booked != 1 {
		t.Fatalf("the node that booked shows %+v %v", b, ok)
	}
	h.Eventually("the other node shows the booking", func() bool { b, ok := find(other); return ok && b.Booked == 1 })
	third := h.service()
	testenv.Must(t, third.Start(h.Ctx(), h.Bus))
	if b, ok := find(third); !ok || b.Booked != 1 {
		t.Fatalf("a node that starts shows %+v %v", b, ok)
	}
}
