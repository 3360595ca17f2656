package groups_test

import (
	"slices"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/groups"
	"halsocoach/internal/testenv"
)

func TestTheGroupListIsLogged(t *testing.T) {
	h := newHouse(t)
	_, o := h.publish(3)
	h.book(h.People.Anna, o.ID, false)
	h.book(h.People.Elsa, o.ID, false)
	testenv.Must(t, testenv.ErrOf(h.svc.Roster(h.Ctx(), h.People.Maria, o.ID)))
	rows := h.AccessLog.Rows()
	if len(rows) != 1 || rows[0].Who.ID != "maria" || rows[0].Act != halsocoach.ActReadParticipants || !slices.Equal(rows[0].Persons, []string{h.People.Anna.ID, h.People.Elsa.ID}) {
		t.Fatalf("access log: %+v", rows)
	}
}

// TestProtectionLearntLateHidesTheName: who has booked with a name and is then
// said to have protected identity shows as an alias, the same on every date, and
// with the name again when the region has lifted it.
func TestProtectionLearntLateHidesTheName(t *testing.T) {
	h := newHouse(t)
	a, o := h.publish(3)
	app, elsa := h.app(), h.People.Elsa
	h.book(h.People.Anna, o.ID, false)
	h.book(elsa, o.ID, false)
	second := h.dates(a.ID)[1]
	h.book(elsa, second.ID, false)
	line := func(occasion string, i int) groups.Participant {
		t.Helper()
		r, err := h.svc.Roster(h.Ctx(), h.People.Maria, occasion)
		if err != nil || len(r.Places) <= i {
			t.Fatalf("%+v %v", r, err)
		}
		return r.Places[i]
	}
	if p := line(o.ID, 1); p.Name != elsa.Name || p.Protected {
		t.Fatalf("before: %+v", p)
	}
	h.protect(elsa)
	p := line(o.ID, 1)
	if len(p.Name) != 4 || !p.Protected || line(second.ID, 0).Name != p.Name || line(o.ID, 0).Name != h.People.Anna.Name {
		t.Fatalf("protected: %+v", p)
	}
	if page := app.As(h.People.Maria).Get("/mina-grupper/tillfallen/" + o.ID); strings.Contains(page.Body, elsa.Name) || !strings.Contains(page.Body, "Deltagare "+p.Name) {
		t.Fatalf("the page: %s", page.Body)
	}
	if v, err := h.svc.Occasion(h.Ctx(), elsa, o.ID); err != nil || v.Alias != p.Name {
		t.Fatalf("the person is not told what they are called: %q %v", v.Alias, err)
	}
	testenv.Must(t, h.Persons.Unprotect(h.Ctx(), h.People.Region, elsa.ID, "Skatteverket 2026-11-20"))
	if p := line(o.ID, 1); p.Name != elsa.Name || p.Protected {
		t.Fatalf("after: %+v", p)
	}
}

// TestTwoIDsOfOnePersonAreOneParticipant: a place taken under one id is the place
// of the other, in every list, and is counted once.
func TestTwoIDsOfOnePersonAreOneParticipant(t *testing.T) {
	h := newHouse(t)
	a, o := h.publish(5)
	first, second := h.People.Elsa, h.People.Omar
	mine := h.book(first, o.ID, false)
	h.book(second, o.ID, false) // before anybody knew
	later := h.book(first, h.dates(a.ID)[1].ID, false)
	testenv.Must(t, h.Persons.Join(h.Ctx(), h.People.Maria, first.ID, second.ID))
	if again, fresh, err := h.svc.Book(h.Ctx(), second, newKey(), groups.BookRequest{Occasion: later.Occasion}); err != nil || fresh || again != later {
		t.Fatalf("the same date under the other id: %+v %v %v", again, fresh, err)
	}
	for _, who := range []halsocoach.Actor{first, second} {
		list, err := h.svc.Bookings(h.Ctx(), who)
		if err != nil || len(list) != 2 || list[1].Booking != later {
			t.Fatalf("%+v %v", list, err)
		}
		testenv.Must(t, testenv.ErrOf(h.svc.Own(h.Ctx(), who, later.ID)))
	}
	r, err := h.svc.Roster(h.Ctx(), h.People.Maria, o.ID)
	if err != nil || len(r.Places) != 1 {
		t.Fatalf("%+v %v", r.Places, err)
	}
	if err := h.svc.Cancel(h.Ctx(), second, later.ID); err != nil || len(h.occasion(later.Occasion).Places) != 0 {
		t.Fatalf("given back under the other id: %v", err)
	}
	h.Clock.Set(o.Starts)
	for _, booking := range []string{r.Places[0].Booking, mine.ID} {
		testenv.Must(t, h.svc.Note(h.Ctx(), h.People.Maria, o.ID, []groups.Mark{{Booking: booking, Attendance: groups.Came}}))
	}
	counted := 0
	for _, seat := range h.occasion(o.ID).Places {
		if seat.Attendance != groups.Came {
			t.Errorf("noted for one id only: %+v", seat)
		}
		if seat.Counted {
			counted++
		}
	}
	if counted != 1 {
		t.Errorf("counted %d times", counted)
	}
	d, err := h.svc.Desk(h.Ctx(), h.People.Maria, "")
	if err != nil || len(d.ToNote) != 0 {
		t.Errorf("the desk still asks: %+v %v", d.ToNote, err)
	}
}

func TestAttendanceIsCountedOnceAlsoWhenTheListIsCorrected(t *testing.T) {
	h := newHouse(t)
	hidden := h.People.Omar
	h.protect(hidden)
	h.enr[h.People.Anna.ID] = halsocoach.Enrolment{Source: halsocoach.FromCareCentre, Sex: "kvinna", AgeBand: "45-64"}
	h.enr[hidden.ID] = halsocoach.Enrolment{Source: halsocoach.FromSelf, Sex: "man", AgeBand: "18-29"}
	_, o := h.publish(3)
	a, b, c := h.book(h.People.Anna, o.ID, false), h.book(h.People.Elsa, o.ID, false), h.book(hidden, o.ID, false)
	h.Clock.Set(o.Starts)
	for range 2 { // the same form twice
		testenv.Must(t, h.svc.Note(h.Ctx(), h.People.Maria, o.ID, []groups.Mark{{Booking: a.ID, Attendance: groups.Came}, {Booking: b.ID, Attendance: groups.Told}, {Booking: c.ID, Attendance: groups.Came}}))
	}
	for _, m := range []groups.Attendance{groups.Absent, groups.Came} { // corrected, and corrected back
		testenv.Must(t, h.svc.Note(h.Ctx(), h.People.Maria, o.ID, []groups.Mark{{Booking: a.ID, Attendance: m}}))
	}
	h.Eventually("three facts", func() bool { return len(h.Facts()) >= 3 })
	facts := h.Facts()
	kinds := map[string]int{}
	for _, f := range facts {
		kinds[f.Type+" "+f.Kommun]++
		if f.Day != "2026-11-25" || f.Dims["topic"] != "fysisk aktivitet" || f.Dims["channel"] != "på plats" {
			t.Fatalf("%+v", f)
		}
		if f.Kommun == halsocoach.County && (f.Dims["sex"] != "" || f.Dims["age"] != "") {
			t.Fatalf("a protected person shows: %+v", f)
		}
		if f.Type == halsocoach.CountAttendance && f.Kommun == "0684" && (f.Dims["sex"] != "kvinna" || f.Dims["source"] != "vårdcentral") {
			t.Fatalf("%+v", f)
		}
	}
	if len(facts) != 3 || kinds["group_date 0684"] != 1 || kinds["attendance 0684"] != 1 || kinds["attendance 06"] != 1 {
		t.Fatalf("%v", kinds)
	}
}

func TestCallingOffIsLoggedForThoseWhoHadBooked(t *testing.T) {
	h := newHouse(t)
	_, o := h.publish(3)
	h.book(h.People.Anna, o.ID, false)
	if err := h.svc.CallOff(h.Ctx(), h.People.Johan, o.ID, "Ledaren är sjuk"); halsocoach.KindOf(err) != halsocoach.KindNotFound || len(h.AccessLog.Rows()) != 0 {
		t.Fatalf("a coach of another centre: %v, %+v", err, h.AccessLog.Rows())
	}
	testenv.Must(t, h.svc.CallOff(h.Ctx(), h.People.Maria, o.ID, "Ledaren är sjuk"))
	if rows := h.AccessLog.Rows(); len(rows) != 1 || rows[0].Act != halsocoach.ActCallOffOccasion || !slices.Equal(rows[0].Persons, []string{h.People.Anna.ID}) {
		t.Fatalf("access log: %+v", rows)
	}
}
