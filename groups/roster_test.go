package groups_test

import (
	"slices"
	"testing"

	"halsocoach"
	"halsocoach/groups"
)

func TestTheGroupListIsLoggedAndHidesProtectedPeople(t *testing.T) {
	h := newHouse(t)
	_, o := h.publish(3)
	hidden := h.People.Elsa
	hidden.Protected = true
	h.book(h.People.Anna, o.ID, false)
	h.book(hidden, o.ID, false)
	r, err := h.svc.Roster(h.Ctx(), h.People.Maria, o.ID)
	if err != nil || len(r.Places) != 2 {
		t.Fatalf("%+v %v", r, err)
	}
	if r.Places[0].Name != h.People.Anna.Name || r.Places[0].Protected || r.Places[1].Name == hidden.Name || !r.Places[1].Protected || len(r.Places[1].Name) != 4 {
		t.Fatalf("%+v", r.Places)
	}
	if got := h.occasion(o.ID).Places[1]; got.Name != nil || got.Alias != r.Places[1].Name {
		t.Fatalf("the document holds %+v", got)
	}
	v, err := h.svc.Occasion(h.Ctx(), hidden, o.ID)
	if err != nil || v.Alias != r.Places[1].Name {
		t.Fatalf("the person is not told what they are called: %q %v", v.Alias, err)
	}
	rows := h.AccessLog.Rows()
	if len(rows) != 1 || rows[0].Who.ID != "maria" || rows[0].Act != "read participants" || !slices.Equal(rows[0].Persons, []string{h.People.Anna.ID, hidden.ID}) {
		t.Fatalf("access log: %+v", rows)
	}
}

func TestAttendanceIsCountedOnceAlsoWhenTheListIsCorrected(t *testing.T) {
	h := newHouse(t)
	hidden := h.People.Omar
	hidden.Protected = true
	h.enr[h.People.Anna.ID] = halsocoach.Enrolment{Source: halsocoach.FromCareCentre, Sex: "kvinna", AgeBand: "45-64"}
	h.enr[hidden.ID] = halsocoach.Enrolment{Source: halsocoach.FromSelf, Sex: "man", AgeBand: "18-29", Protected: true}
	_, o := h.publish(3)
	a, b, c := h.book(h.People.Anna, o.ID, false), h.book(h.People.Elsa, o.ID, false), h.book(hidden, o.ID, false)
	h.Clock.Set(o.Starts)
	for range 2 { // the same form twice
		if err := h.svc.Note(h.Ctx(), h.People.Maria, o.ID, []groups.Mark{{Booking: a.ID, Attendance: groups.Came}, {Booking: b.ID, Attendance: groups.Told}, {Booking: c.ID, Attendance: groups.Came}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []groups.Attendance{groups.Absent, groups.Came} { // corrected, and corrected back
		if err := h.svc.Note(h.Ctx(), h.People.Maria, o.ID, []groups.Mark{{Booking: a.ID, Attendance: m}}); err != nil {
			t.Fatal(err)
		}
	}
	var facts []halsocoach.Fact
	count := func() int {
		facts = nil
		if err := h.Bus.EachFact(h.Ctx(), func(f halsocoach.Fact) error { facts = append(facts, f); return nil }); err != nil {
			t.Fatal(err)
		}
		return len(facts)
	}
	h.Eventually("three facts", func() bool { return count() >= 3 })
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
	if err := h.svc.CallOff(h.Ctx(), h.People.Maria, o.ID, "Ledaren är sjuk"); err != nil {
		t.Fatal(err)
	}
	if rows := h.AccessLog.Rows(); len(rows) != 1 || rows[0].Act != "call off occasion" || !slices.Equal(rows[0].Persons, []string{h.People.Anna.ID}) {
		t.Fatalf("access log: %+v", rows)
	}
}
