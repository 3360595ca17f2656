package accesslog

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

// colleagues are the staff of the tests, with the names of their centres.
type colleagues struct {
	testenv.Staff
	registers testenv.Registers
}

func (c colleagues) Workplace(ctx context.Context, who halsocoach.Actor) string {
	centre, _ := c.registers.Centre(ctx, who.Centre)
	return centre.Name
}

// persons gives the ids of a person.
type persons struct{ *person.Service }

func (p persons) IDs(ctx context.Context, id string) ([]string, error) {
	one, err := p.Of(ctx, id)
	return one.IDs, err
}

// log is a node's access log, and its page as Anna sees it.
func log(t *testing.T) (*testenv.Env, *Service, *testenv.Visitor) {
	t.Helper()
	e := testenv.New(t, Kinds())
	s := node(e)
	return e, s, e.App(func(a *web.App) { s.Routes(a.Fiber()) }).As(e.People.Anna)
}

func node(e *testenv.Env) *Service {
	return New(Config{Store: e.Store, Staff: colleagues{e.Staff, e.Registers}, Persons: persons{e.Persons}, Clock: e.Clock.Now})
}

func TestTheRowIsSavedBeforeTheAnswer(t *testing.T) {
	e, s, _ := log(t)
	anna, omar := e.People.Anna, e.People.Omar
	testenv.Must(t, s.Saw(e.Ctx(), e.People.Maria, "read referral", "rekommendation", anna.ID, omar.ID, anna.ID, ""))
	// A second node reads what is stored, without waiting.
	items, next, err := node(e).SeenBy(e.Ctx(), anna, "")
	if err != nil || next != "" || len(items) != 1 {
		t.Fatalf("%+v %q %v", items, next, err)
	}
	if i := items[0]; i.Name != "Maria Holm" || i.Unit != "Hälsocenter Sävsjö" || i.Role != halsocoach.RoleCoach || i.Act != "read referral" || !i.At.Equal(e.Clock.Now()) {
		t.Fatalf("%+v", i)
	}
	rows, _, err := s.docs.Find(e.Ctx(), store.Query{Index: "who", Equal: []any{"maria"}})
	if err != nil || len(rows) != 1 || len(rows[0].Persons) != 2 {
		t.Fatalf("%+v, %v", rows, err)
	}
}

func TestOwnReadsAndEmptyAnswersLeaveNoRow(t *testing.T) {
	e, s, _ := log(t)
	for _, who := range []halsocoach.Actor{e.People.Anna, halsocoach.System("sweep"), {}} {
		testenv.Must(t, s.Saw(e.Ctx(), who, "read", "", e.People.Anna.ID))
	}
	testenv.Must(t, s.Saw(e.Ctx(), e.People.Maria, "read", ""))
	if items, _, err := s.SeenBy(e.Ctx(), e.People.Anna, ""); err != nil || len(items) != 0 {
		t.Fatalf("%+v %v", items, err)
	}
	_, _, err := s.SeenBy(e.Ctx(), e.People.Maria, "")
	if halsocoach.KindOf(err) != halsocoach.KindForbidden {
		t.Fatal(err)
	}
}

func TestRepeatedReadingsOfADayAreOneRowWithTheirTimes(t *testing.T) {
	e, s, anna := log(t)
	saw := func(who halsocoach.Actor, act halsocoach.Act, why string) {
		t.Helper()
		testenv.Must(t, s.Saw(e.Ctx(), who, act, why, e.People.Anna.ID))
		e.Clock.Add(time.Hour)
	}
	e.Clock.Set(halsocoach.Day("2026-11-20").At(22*60 + 5))
	saw(e.People.Maria, halsocoach.ActReadTalks, "samtal") // 22.05
	saw(e.People.Maria, halsocoach.ActReadTalks, "samtal") // 23.05, and the next is another day
	saw(e.People.Maria, "read talks", "samtal")
	saw(e.People.Johan, halsocoach.ActReadTalks, "samtal")
	saw(e.People.Maria, halsocoach.ActReadTalks, "samtal")
	saw(e.People.Maria, "reveal contact", "akut")
	saw(e.People.Maria, "reveal contact", "orolig")
	lent := e.People.Maria
	lent.Via = "johan"
	saw(lent, halsocoach.ActReadTalks, "samtal")
	items, next, err := s.SeenBy(e.Ctx(), e.People.Anna, "")
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	var got []string
	for _, i := range items {
		got = append(got, i.Name+" "+string(i.Act)+" "+i.Why+" "+i.Via+" "+string(halsocoach.DayOf(i.At))+" "+clockTimes(i.Times))
	}
	want := []string{
		"Maria Holm read talks samtal johan 2026-11-21 05.05", "Maria Holm reveal contact orolig  2026-11-21 04.05", "Maria Holm reveal contact akut  2026-11-21 03.05",
		"Maria Holm read talks samtal  2026-11-21 02.05, 00.05", e.People.Johan.Name + " read talks samtal  2026-11-21 01.05",
		"Maria Holm read talks samtal  2026-11-20 23.05, 22.05",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	p := anna.Get("/min-halsa/logg")
	for _, says := range []string{"<summary>2 gånger, senast 02.05</summary>", "02.05, 00.05", "2 gånger, senast 23.05", "lördag 21 november 01.05"} {
		if !strings.Contains(p.Body, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
}

func TestTheLogIsPagedByWholeDaysNewestFirst(t *testing.T) {
	e, s, anna := log(t)
	const days, aDay = 9, 30 // a page's rows end within a day
	for range days {
		for i := range aDay {
			act := halsocoach.ActReadReferral
			if i%2 == 1 {
				act = halsocoach.ActNoteAttempt
			}
			testenv.Must(t, s.Saw(e.Ctx(), e.People.Maria, act, "akut", e.People.Anna.ID))
			e.Clock.Add(time.Minute)
		}
		e.Clock.Add(24*time.Hour - aDay*time.Minute)
	}
	first := anna.Get("/min-halsa/logg")
	if first.Status != 200 || !strings.Contains(first.Body, "Läste din rekommendation") {
		t.Fatalf("%d", first.Status)
	}
	for _, bent := range []string{"zzz", "2026-02-30", "%00", strings.Repeat("A", 6000)} {
		anna.Get("/min-halsa/logg?fore=" + bent).Is(422)
	}
	var all []Reading
	pages := 0
	for before := halsocoach.Day(""); ; pages++ {
		items, next, err := s.SeenBy(e.Ctx(), e.People.Anna, before)
		testenv.Must(t, err)
		all = append(all, items...)
		if before = next; next == "" {
			break
		}
		if !strings.Contains(first.Body, "/min-halsa/logg?fore=") {
			t.Fatal("the page leads no further")
		}
	}
	if pages == 0 || len(all) != days*2 {
		t.Fatalf("%d readings on %d more pages, want %d", len(all), pages, days*2)
	}
	for i, r := range all {
		if len(r.Times) != aDay/2 || i > 0 && !r.At.Before(all[i-1].At) {
			t.Fatalf("reading %d: %d times, %s", i, len(r.Times), r.At)
		}
	}
}

// TestAPersonSeesWhatWasReadUnderAnyOfTheirIDs: also when one id has so many rows
// that its page ends on an earlier day than the other's.
func TestAPersonSeesWhatWasReadUnderAnyOfTheirIDs(t *testing.T) {
	e, s, _ := log(t)
	anna, other := e.People.Anna, halsocoach.NewID()
	testenv.Must(t, e.Persons.Join(e.Ctx(), e.People.Maria, anna.ID, other))
	saw := func(act halsocoach.Act, id string) {
		t.Helper()
		testenv.Must(t, s.Saw(e.Ctx(), e.People.Maria, act, "", id))
	}
	saw(halsocoach.ActReadReferral, other)
	e.Clock.Add(48 * time.Hour)
	for range seenAtOnce + 1 {
		saw(halsocoach.ActReadChat, anna.ID)
	}
	e.Clock.Add(24 * time.Hour)
	saw(halsocoach.ActReadTalks, other)
	var acts []halsocoach.Act
	for before := halsocoach.Day(""); ; {
		items, next, err := s.SeenBy(e.Ctx(), anna, before)
		testenv.Must(t, err)
		for _, i := range items {
			acts = append(acts, i.Act)
		}
		if before = next; before == "" {
			break
		}
	}
	if want := []halsocoach.Act{halsocoach.ActReadTalks, halsocoach.ActReadChat, halsocoach.ActReadReferral}; !slices.Equal(acts, want) {
		t.Errorf("she sees %v", acts)
	}
}
