package groups

import (
	"errors"
	"strings"
	"testing"
	"time"

	"halsocoach"
)

func plan() Plan {
	return Plan{
		Title: "Gågrupp", Description: "Vi går i lugn takt.", Topic: "fysisk aktivitet", Form: OnSite, Where: "Torget", Leader: "maria",
		Dates: Dates{Weekdays: []time.Weekday{time.Wednesday}, From: "2026-11-23", To: "2026-12-20", Start: 10 * 60, Length: 60, Places: 12},
	}
}

func TestAPlanIsJudgedFieldByField(t *testing.T) {
	for _, c := range []struct {
		name, field string
		change      func(*Plan)
	}{
		{"as it should be", "", func(*Plan) {}},
		{"online with a link", "", func(p *Plan) { p.Form, p.Where = Online, "https://mote.example.se/1" }},
		{"an association leads and takes a price", "", func(p *Plan) { p.Leader, p.LedBy, p.Price = "", "Friluftsföreningen", 50 }},
		{"no title", "title", func(p *Plan) { p.Title = "  " }},
		{"a long title", "title", func(p *Plan) { p.Title = strings.Repeat("å", 81) }},
		{"a long description", "description", func(p *Plan) { p.Description = strings.Repeat("ö", 2001) }},
		{"an unknown topic", "topic", func(p *Plan) { p.Topic = "dans" }},
		{"no form", "form", func(p *Plan) { p.Form = "" }},
		{"nowhere", "where", func(p *Plan) { p.Where = "" }},
		{"online without a link", "where", func(p *Plan) { p.Form = Online }},
		{"online with a script", "where", func(p *Plan) { p.Form, p.Where = Online, "javascript:alert(1)" }},
		{"a coach leads and takes a price", "price", func(p *Plan) { p.Price = 20 }},
		{"a price below nothing", "price", func(p *Plan) { p.Leader, p.LedBy, p.Price = "", "Föreningen", -1 }},
		{"nobody leads", "ledBy", func(p *Plan) { p.Leader = "" }},
		{"no places", "places", func(p *Plan) { p.Dates.Places = 0 }},
		{"too many places", "places", func(p *Plan) { p.Dates.Places = 301 }},
		{"no weekday", "weekdays", func(p *Plan) { p.Dates.Weekdays = nil }},
		{"no such weekday in between", "weekdays", func(p *Plan) { p.Dates.To = "2026-11-24" }},
		{"a first day in the past", "from", func(p *Plan) { p.Dates.From = "2026-11-22" }},
		{"a day that is not", "from", func(p *Plan) { p.Dates.From = "2026-11-31" }},
		{"the last day before the first", "to", func(p *Plan) { p.Dates.To = "2026-11-22" }},
		{"far away", "to", func(p *Plan) { p.Dates.To = "2028-01-01" }},
		{"too many dates", "to", func(p *Plan) {
			p.Dates.Weekdays, p.Dates.To = []time.Weekday{1, 2, 3, 4, 5}, "2027-03-01"
		}},
		{"no time", "start", func(p *Plan) { p.Dates.Start = -1 }},
		{"begun already", "start", func(p *Plan) { p.Dates.Weekdays, p.Dates.Start = []time.Weekday{time.Monday}, 8*60 }},
		{"too short", "length", func(p *Plan) { p.Dates.Length = 10 }},
		{"over midnight", "length", func(p *Plan) { p.Dates.Start = 23*60 + 30 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan()
			c.change(&p)
			err := p.check(monday)
			var e *halsocoach.Error
			switch {
			case c.field == "" && err != nil:
				t.Fatal(err)
			case c.field == "":
			case !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Name != c.field:
				t.Fatalf("got %v, want a word at %s", err, c.field)
			}
		})
	}
}

func TestASeriesKeepsTheClockOnTheWallOverTheChangeOfTime(t *testing.T) {
	d := Dates{Weekdays: []time.Weekday{time.Saturday, time.Sunday}, From: "2027-03-27", To: "2027-03-28", Start: 10*60 + 30, Length: 90, Holidays: true}
	spans := d.Spans()
	if len(spans) != 2 {
		t.Fatalf("%d dates", len(spans))
	}
	for _, s := range spans {
		if at := s.Starts.In(halsocoach.Stockholm()).Format("15:04"); at != "10:30" || s.Ends.Sub(s.Starts) != 90*time.Minute {
			t.Fatalf("%v", s)
		}
	}
	if spans[1].Starts.Sub(spans[0].Starts) != 23*time.Hour {
		t.Fatal("the night of summer time is not an hour shorter")
	}
}

func TestASeriesLeavesOutHolidaysAndEvesUnlessTheyAreWanted(t *testing.T) {
	d := Dates{Weekdays: []time.Weekday{time.Thursday}, From: "2026-12-17", To: "2027-01-07", Start: 16 * 60, Length: 60, Places: 5}
	spans, left := d.days()
	if len(spans) != 2 || len(left) != 2 || left[0].Why != "Julafton" || left[1].Why != "Nyårsafton" || halsocoach.DayOf(left[0].Starts) != "2026-12-24" {
		t.Fatalf("%v, without %v", spans, left)
	}
	d.Holidays = true
	if spans, left = d.days(); len(spans) != 4 || len(left) != 0 {
		t.Fatalf("all wanted: %v, without %v", spans, left)
	}
	d.Holidays, d.From, d.To = false, "2026-12-24", "2026-12-24"
	var e *halsocoach.Error
	if err := halsocoach.Invalid(d.check(monday)...); !errors.As(err, &e) || len(e.Fields) != 1 || !strings.Contains(e.Fields[0].Text, "helgdagar") {
		t.Fatalf("nothing but holidays: %v", err)
	}
}

func TestAnAliasIsTheSameInAnActivityAndNothingOutsideIt(t *testing.T) {
	if here, again := aliasOf("a", one("p")), aliasOf("a", one("p")); here != again || here == aliasOf("b", one("p")) || len(here) != 4 {
		t.Fatalf("%s %s", aliasOf("a", one("p")), aliasOf("b", one("p")))
	}
	if occ, mine := occasionOf(bookingID("o", "p"), one("p")); occ != "o" || !mine {
		t.Fatal("a booking does not lead to its occasion")
	}
	if _, mine := occasionOf(bookingID("o", "p"), one("q")); mine {
		t.Fatal("a booking is somebody else's")
	}
}
