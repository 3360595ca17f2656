package ics

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"halsocoach"
)

// read is a strict reader of RFC 5545, 3.1: every line ends in CRLF, none is
// longer than 75 octets or cut within a letter, and what is unfolded is
// name[;parameter…]:value. It gives the content lines.
func read(t *testing.T, file []byte) []string {
	t.Helper()
	if !strings.HasSuffix(string(file), "\r\n") {
		t.Fatal("the last line has no end")
	}
	var out []string
	for i, line := range strings.Split(strings.TrimSuffix(string(file), "\r\n"), "\r\n") {
		switch {
		case strings.ContainsAny(line, "\r\n"):
			t.Errorf("line %d has an end within: %q", i+1, line)
		case len(line) > 75:
			t.Errorf("line %d has %d octets: %q", i+1, len(line), line)
		case !utf8.ValidString(line):
			t.Errorf("line %d is cut within a letter: %q", i+1, line)
		}
		if rest, folded := strings.CutPrefix(line, " "); folded && len(out) > 0 {
			out[len(out)-1] += rest
			continue
		}
		if name, _, ok := strings.Cut(line, ":"); !ok || name == "" || name != strings.ToUpper(name) && !strings.Contains(name, ";") {
			t.Errorf("line %d is no property: %q", i+1, line)
		}
		out = append(out, line)
	}
	return out
}

// value is what a property of the event says, with TEXT read back.
func value(t *testing.T, lines []string, name string) (string, bool) {
	t.Helper()
	in := false
	for _, line := range lines {
		in = line == "BEGIN:VEVENT" || in && line != "END:VEVENT"
		if head, v, _ := strings.Cut(line, ":"); in && (head == name || strings.HasPrefix(head, name+";")) {
			return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\,`, ",", `\;`, ";").Replace(v), true
		}
	}
	return "", false
}

func says(t *testing.T, lines []string, want ...string) {
	t.Helper()
	all := "\n" + strings.Join(lines, "\n") + "\n"
	for _, w := range want {
		if !strings.Contains(all, "\n"+w+"\n") {
			t.Errorf("the file lacks %s in%s", w, all)
		}
	}
}

func example() Time {
	starts := halsocoach.Day("2026-11-24").At(15 * 60)
	return Time{Of: []string{"talk", "x"}, Title: "Bokad tid", Where: "Storgatan 1, Sävsjö", Note: "Byt tid där du bokade.", Starts: starts, Ends: starts.Add(time.Hour)}
}

var now = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func TestAFileIsWhatTheStandardSays(t *testing.T) {
	e := example()
	e.Where = `Å\"Huset", plan 2; ` + strings.TrimSpace(strings.Repeat("åäö ", 40))
	e.Note = "Rad ett,\nrad två; med \\ och långa ord: " + strings.Repeat("ö", 200)
	lines := read(t, e.File(now))
	says(t, lines, "BEGIN:VCALENDAR", "VERSION:2.0", "METHOD:PUBLISH", "DTSTAMP:20261123T080000Z", "STATUS:CONFIRMED", "CLASS:PRIVATE", "SEQUENCE:0",
		"DTSTART;TZID=Europe/Stockholm:20261124T150000", "DTEND;TZID=Europe/Stockholm:20261124T160000", "END:VCALENDAR")
	for name, want := range map[string]string{"SUMMARY": "Bokad tid", "LOCATION": e.Where, "DESCRIPTION": e.Note} {
		if got, ok := value(t, lines, name); !ok || got != want {
			t.Errorf("%s reads back as %q, want %q", name, got, want)
		}
	}
	open := map[string]int{}
	for _, line := range lines {
		if what, ok := strings.CutPrefix(line, "BEGIN:"); ok {
			open[what]++
		}
		if what, ok := strings.CutPrefix(line, "END:"); ok {
			open[what]--
		}
	}
	for what, n := range open {
		if n != 0 {
			t.Errorf("%s is not closed", what)
		}
	}
}

func TestThePlaceDoesNotTellWhatOneDoesThere(t *testing.T) {
	for where, want := range map[string]string{
		"Stora rummet, Hälsocentret, Sävsjö": "Stora rummet, Sävsjö", "Hälsocenter Aneby, Storgatan 1": "Storgatan 1",
		"Hos hälsocoachen": "", "Resecentrum": "Resecentrum", "": "",
	} {
		e := example()
		e.Where = where
		if got, _ := value(t, read(t, e.File(now)), "LOCATION"); got != want {
			t.Errorf("%q becomes %q, want %q", where, got, want)
		}
	}
}

func TestTheZoneIsRightOnBothSidesOfTheChange(t *testing.T) {
	for day, want := range map[halsocoach.Day]string{
		"2027-03-27": "20270327T090000", "2027-03-28": "20270328T090000", "2027-03-29": "20270329T090000",
		"2026-10-24": "20261024T090000", "2026-10-25": "20261025T090000", "2026-10-26": "20261026T090000",
	} {
		e := example()
		e.Starts = day.At(9 * 60).UTC()
		e.Ends = e.Starts.Add(45 * time.Minute)
		lines := read(t, e.File(now))
		says(t, lines, "DTSTART;TZID=Europe/Stockholm:"+want)
		says(t, lines, "BEGIN:VTIMEZONE", "TZID:Europe/Stockholm", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "TZOFFSETTO:+0200", "TZOFFSETTO:+0100")
		// The zone's own rules give the same moment: between the last Sundays of
		// March and October, 01.00 UTC, the clock is two hours ahead.
		ahead := time.Hour
		if d := e.Starts; !d.Before(lastSunday(d.Year(), time.March)) && d.Before(lastSunday(d.Year(), time.October)) {
			ahead = 2 * time.Hour
		}
		if read, _ := time.Parse(local, want); !read.Add(-ahead).Equal(e.Starts) {
			t.Errorf("%s by the file's rules is %s, want %s", day, read.Add(-ahead), e.Starts)
		}
	}
}

func lastSunday(year int, m time.Month) time.Time {
	d := time.Date(year, m, 31, 1, 0, 0, 0, time.UTC)
	return d.AddDate(0, 0, -int(d.Weekday()))
}

func TestMovedReplacesAndCancelledTakesAway(t *testing.T) {
	uid := func(e Time) string {
		v, _ := value(t, read(t, e.File(now)), "UID")
		return v
	}
	first := example()
	moved := first
	moved.Sequence, moved.Starts, moved.Ends = 1, first.Starts.AddDate(0, 0, 3), first.Ends.AddDate(0, 0, 3)
	gone := moved
	gone.Sequence, gone.Cancelled = 2, true
	if a := uid(first); a == "" || a != uid(moved) || a != uid(gone) {
		t.Error("it is not the same event")
	}
	other := example()
	other.Of = []string{"talk", "y"}
	if uid(other) == uid(first) {
		t.Error("two events are one")
	}
	lines := read(t, gone.File(now))
	says(t, lines, "METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:2")
	if where, ok := value(t, lines, "LOCATION"); ok {
		t.Errorf("what is cancelled is said to be at %s", where)
	}
}
