package coach

import (
	"errors"
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"halsocoach"
	"halsocoach/internal/testenv"

	"pgregory.net/rapid"
)

const (
	monday = halsocoach.Day("2026-11-23")
	spring = halsocoach.Day("2028-03-26") // the clock jumps from 02 to 03
	autumn = halsocoach.Day("2026-10-25") // the clock shows 02 to 03 twice
)

var hourly = Cut{time.Hour, time.Hour}

func everyDay(h ...Hours) Weeks {
	var w Week
	for i := range w {
		w[i] = h
	}
	return Weeks{Versions: []WeekVersion{{From: "2020-01-01", Week: w}}}
}

func starts(slots []Slot) []string {
	out := []string{}
	for _, s := range slots {
		out = append(out, s.Starts.In(halsocoach.Stockholm()).Format("15:04-0700"))
	}
	return out
}

func TestFreeTimesAreOpenHoursMinusWhatIsTaken(t *testing.T) {
	day := Day{Coach: "maria", Date: monday}
	w := everyDay(Hours{8 * 60, 12 * 60, OnSite}, Hours{13 * 60, 15 * 60, ByPhone})
	at := func(h, m int) time.Time { return monday.At(h*60 + m) }
	for _, c := range []struct {
		name   string
		change func(*Day)
		cut    Cut
		from   time.Time
		want   []string
	}{
		{"all of them", nil, hourly, at(0, 0), []string{"08:00", "09:00", "10:00", "11:00", "13:00", "14:00"}},
		{"not those that have begun", nil, hourly, at(9, 1), []string{"10:00", "11:00", "13:00", "14:00"}},
		{"one that begins now", nil, hourly, at(9, 0), []string{"09:00", "10:00", "11:00", "13:00", "14:00"}},
		{"not a talk's", func(d *Day) { testenv.Must(t, d.Take(Talk{ID: "a", Starts: at(9, 0), Ends: at(10, 0)})) }, hourly, at(0, 0), []string{"08:00", "10:00", "11:00", "13:00", "14:00"}},
		{"not two that a group touches", func(d *Day) { testenv.Must(t, d.Hold(Span{ID: "g", Starts: at(9, 30), Ends: at(10, 30)})) }, hourly, at(0, 0), []string{"08:00", "11:00", "13:00", "14:00"}},
		{"a cancelled talk's again", func(d *Day) {
			testenv.Must(t, d.Take(Talk{ID: "a", Starts: at(9, 0), Ends: at(10, 0), Outcome: Cancelled}))
		}, hourly, at(0, 0), []string{"08:00", "09:00", "10:00", "11:00", "13:00", "14:00"}},
		{"shorter talks begin at the same times", nil, Cut{time.Hour, 45 * time.Minute}, at(0, 0), []string{"08:00", "09:00", "10:00", "11:00", "13:00", "14:00"}},
		{"longer talks only where they fit", nil, Cut{time.Hour, 90 * time.Minute}, at(0, 0), []string{"08:00", "09:00", "10:00", "13:00"}},
		{"the day's own hours", func(d *Day) { d.Own, d.Hours = true, []Hours{{16 * 60, 17 * 60, ByVideo}} }, hourly, at(0, 0), []string{"16:00"}},
		{"none on a day off", func(d *Day) { d.Own = true }, hourly, at(0, 0), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := day
			if c.change != nil {
				c.change(&d)
			}
			var got []string
			for _, s := range d.Free(w, c.cut, c.from, "") {
				got = append(got, s.Starts.Format("15:04"))
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTheDaysWhenTheClockIsMoved(t *testing.T) {
	night := everyDay(Hours{0, 4 * 60, ByPhone})
	for _, c := range []struct {
		day   halsocoach.Day
		hours int
		want  string
	}{
		{spring, 23, "[00:00+0100 01:00+0100 03:00+0200]"},
		{autumn, 25, "[00:00+0200 01:00+0200 02:00+0200 02:00+0100 03:00+0100]"},
		{monday, 24, "[00:00+0100 01:00+0100 02:00+0100 03:00+0100]"},
	} {
		d := Day{Date: c.day}
		if got := fmt.Sprint(starts(d.Free(night, hourly, c.day.Start(), ""))); got != c.want {
			t.Errorf("%s: %s, want %s", c.day, got, c.want)
		}
		whole := d.Free(everyDay(Hours{0, wholeDay, ByPhone}), hourly, c.day.Start(), "")
		if len(whole) != c.hours {
			t.Errorf("%s has %d hours, want %d", c.day, len(whole), c.hours)
		}
		if !d.holds(whole[len(whole)-1].Starts, whole[len(whole)-1].Ends) || d.holds(whole[0].Starts.Add(-time.Minute), whole[0].Ends) || d.holds(whole[0].Starts, c.day.Plus(1).Start().Add(time.Minute)) {
			t.Errorf("%s: the ends of the day", c.day)
		}
	}
}

func TestHoursThatTheClockJumpsOverDoNotOverlap(t *testing.T) {
	w := everyDay(Hours{60, 150, OnSite}, Hours{150, 180, ByPhone}, Hours{180, 300, ByVideo})
	d := Day{Date: spring}
	slots := d.Free(w, Cut{30 * time.Minute, 30 * time.Minute}, spring.Start(), "")
	if got, want := fmt.Sprint(starts(slots)), "[01:00+0100 01:30+0100 03:00+0200 03:30+0200 04:00+0200 04:30+0200]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTheWeeklyHoursDoNotStandOnHolidaysAndEves(t *testing.T) {
	w := everyDay(Hours{8 * 60, 12 * 60, OnSite})
	for day, open := range map[halsocoach.Day]bool{"2026-12-23": true, "2026-12-24": false, "2026-12-25": false, "2027-01-06": false, "2027-01-07": true} {
		if got := (Day{Date: day}).Open(w); len(got) > 0 != open {
			t.Errorf("%s opens %v", day, got)
		}
	}
	if got := (Day{Date: "2026-12-24", Own: true, Hours: []Hours{{8 * 60, 9 * 60, OnSite}}}).Open(w); len(got) != 1 {
		t.Errorf("the coach's own hours on Christmas Eve: %v", got)
	}
}

func TestAWeekStandsFromItsDayAndThePastKeepsItsHours(t *testing.T) {
	week := func(from int) Week { return Week{0: {{from * 60, 17 * 60, OnSite}}} }
	var w Weeks
	w.Set("2026-01-01", week(8))
	w.Set("2026-11-23", week(9))
	w.Set("2027-01-04", week(10))
	for day, want := range map[halsocoach.Day]int{"2026-11-16": 8, "2026-11-23": 9, "2026-12-28": 9, "2027-01-04": 10} {
		if got := (Day{Date: day}).Open(w); len(got) != 1 || got[0].From != want*60 {
			t.Errorf("%s opens %v, want %d", day, got, want)
		}
	}
	if got := (Day{Date: "2025-12-29"}).Open(w); got != nil {
		t.Errorf("before the first pattern: %v", got)
	}
	w.Set("2026-12-01", week(11))
	if len(w.Versions) != 3 || w.On("2027-01-04")[0][0].From != 11*60 {
		t.Errorf("a new pattern replaces later ones: %v", w.Versions)
	}
	for i := range 100 {
		w.Set(halsocoach.Day("2027-01-01").Plus(i), week(8))
	}
	if len(w.Versions) != weeksKept {
		t.Errorf("%d versions are kept", len(w.Versions))
	}
}

func TestHoursAreChecked(t *testing.T) {
	for _, c := range []struct {
		name  string
		hours []Hours
		ok    bool
	}{
		{"none", nil, true},
		{"two that meet", []Hours{{600, 660, OnSite}, {540, 600, ByVideo}}, true},
		{"until midnight", []Hours{{1380, 1440, ByPhone}}, true},
		{"overlapping", []Hours{{540, 610, OnSite}, {600, 660, OnSite}}, false},
		{"empty", []Hours{{540, 540, OnSite}}, false},
		{"over midnight", []Hours{{1380, 1500, OnSite}}, false},
		{"before the day", []Hours{{-10, 60, OnSite}}, false},
		{"an unknown form", []Hours{{540, 600, "brev"}}, false},
		{"seven", []Hours{{0, 10, OnSite}, {10, 20, OnSite}, {20, 30, OnSite}, {30, 40, OnSite}, {40, 50, OnSite}, {50, 60, OnSite}, {60, 70, OnSite}}, false},
	} {
		if got := checkHours("x", c.hours); (got == nil) != c.ok {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestAnOutcomeHasThreeStatesAndNone(t *testing.T) {
	now := monday.At(10 * 60)
	begun := Talk{Starts: now, Ends: now.Add(time.Hour)}
	later := Talk{Starts: now.Add(time.Minute), Ends: now.Add(time.Hour)}
	as := func(t Talk, o Outcome) Talk { t.Outcome = o; return t }
	for _, c := range []struct {
		name string
		talk Talk
		to   Outcome
		want error
	}{
		{"held from the start", begun, Held, nil},
		{"missed from the start", begun, Missed, nil},
		{"not before it", later, Held, ErrNotBegun},
		{"not when cancelled", as(begun, Cancelled), Held, ErrWasCancelled},
		{"corrected", as(begun, Missed), Held, nil},
		{"nothing else", begun, "sick", &halsocoach.Error{Kind: halsocoach.KindInvalid}},
		{"not marked as cancelled", begun, Cancelled, &halsocoach.Error{Kind: halsocoach.KindInvalid}},
	} {
		if _, _, err := c.talk.mark(c.to, now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	talk, counted := begun, 0
	for _, o := range []Outcome{Held, Held, Missed, Held, Missed} {
		_, count, err := talk.mark(o, now)
		testenv.Must(t, err)
		if count {
			counted++
		}
	}
	if counted != 1 || talk.Outcome != Missed {
		t.Errorf("counted %d times, %q", counted, talk.Outcome)
	}
}

func TestWhoMayCallOffWhen(t *testing.T) {
	now := monday.At(10 * 60)
	for _, c := range []struct {
		name      string
		talk      Talk
		byCitizen bool
		changed   bool
		want      error
	}{
		{"the person before it", Talk{Starts: now.Add(time.Minute)}, true, true, nil},
		{"the person once it has begun", Talk{Starts: now}, true, false, ErrBegun},
		{"the coach once it has begun", Talk{Starts: now}, false, true, nil},
		{"again", Talk{Starts: now, Outcome: Cancelled}, true, false, nil},
		{"one that was held", Talk{Starts: now, Outcome: Held}, false, false, ErrMarked},
	} {
		changed, err := c.talk.cancel(now, c.byCitizen)
		if changed != c.changed || !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v", c.name, changed, err)
		}
	}
}

func TestADayRemembersAFewCancelledTalksOfAPerson(t *testing.T) {
	d := Day{Date: monday}
	for i := range 3 * cancelledKept {
		testenv.Must(t, d.Take(Talk{ID: fmt.Sprint(i), Person: "elsa", Starts: monday.At(600), Ends: monday.At(660)}))
		d.Talk(fmt.Sprint(i)).Outcome = Cancelled
		d.Talk(fmt.Sprint(i)).Changed = monday.At(i)
		d.forget("elsa")
	}
	if len(d.Talks) != cancelledKept || d.Talk(fmt.Sprint(3*cancelledKept-1)) == nil || d.Talk("0") != nil {
		t.Errorf("%d are kept", len(d.Talks))
	}
}

// Whatever is asked of a day, nothing in it overlaps, nothing leaves it, and
// what is said to be free can be taken.
func TestNothingInADayOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		date := rapid.SampledFrom([]halsocoach.Day{monday, spring, autumn}).Draw(t, "date")
		d := Day{Coach: "maria", Date: date}
		w := everyDay(Hours{0, 5 * 60, OnSite}, Hours{8 * 60, 12 * 60, OnSite}, Hours{12 * 60, wholeDay, ByPhone})
		moment := func(name string) time.Time {
			return date.Start().Add(time.Duration(rapid.IntRange(-60, 26*60).Draw(t, name)) * time.Minute)
		}
		id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
		length := rapid.IntRange(1, 180)
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				at := moment("at")
				_ = d.Take(Talk{ID: id.Draw(t, "id"), Starts: at, Ends: at.Add(time.Duration(length.Draw(t, "minutes")) * time.Minute)})
			},
			"book": func(t *rapid.T) {
				free := d.Free(w, Cut{time.Hour, time.Duration(length.Draw(t, "minutes")) * time.Minute}, date.Start(), "")
				if len(free) == 0 {
					return
				}
				s := rapid.SampledFrom(free).Draw(t, "slot")
				if err := d.Take(Talk{ID: id.Draw(t, "id"), Starts: s.Starts, Ends: s.Ends, Form: s.Form}); err != nil {
					t.Fatalf("a free time could not be taken: %v", err)
				}
			},
			"hold": func(t *rapid.T) {
				at := moment("at")
				_ = d.Hold(Span{ID: "g" + id.Draw(t, "id"), Starts: at, Ends: at.Add(time.Duration(length.Draw(t, "minutes")) * time.Minute)})
			},
			"cancel": func(t *rapid.T) {
				if talk := d.Talk(id.Draw(t, "id")); talk != nil {
					talk.Outcome = Cancelled
				}
			},
			"release": func(t *rapid.T) { d.Release("g" + id.Draw(t, "id")) },
			"drop":    func(t *rapid.T) { d.Drop(id.Draw(t, "id")) },
			"": func(t *rapid.T) {
				if fault := overlap(d); fault != "" {
					t.Fatal(fault)
				}
			},
		})
	})
}

// overlap says what in the day overlaps or leaves it, "" if nothing does.
func overlap(d Day) string {
	var spans []Span
	ids := map[string]bool{}
	for _, talk := range d.Talks {
		if ids[talk.ID] {
			return talk.ID + " is twice in the day"
		}
		ids[talk.ID] = true
		if talk.Outcome != Cancelled {
			spans = append(spans, Span{ID: talk.ID, Starts: talk.Starts, Ends: talk.Ends})
		}
	}
	spans = append(spans, d.Spans...)
	for i, a := range spans {
		if !d.holds(a.Starts, a.Ends) {
			return fmt.Sprintf("%v leaves the day", a)
		}
		for _, b := range spans[i+1:] {
			if a.Starts.Before(b.Ends) && b.Starts.Before(a.Ends) {
				return fmt.Sprintf("%v and %v overlap", a, b)
			}
		}
	}
	return ""
}
