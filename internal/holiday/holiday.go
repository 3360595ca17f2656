package holiday

import (
	"sync"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/se"

	"halsocoach"
)

// kept are the days, with the names they are shown by, in Swedish. Each stands
// beside the day that decides it, and how many days from there.
var kept = []struct {
	of   *cal.Holiday
	days int
	name string
}{
	{se.Nyarsdagen, 0, "Nyårsdagen"},
	{se.TrettondedagJul, 0, "Trettondedag jul"},
	{se.Langfredagen, 0, "Långfredagen"},
	{se.Paskdagen, -1, "Påskafton"},
	{se.Paskdagen, 0, "Påskdagen"},
	{se.AnnandagPask, 0, "Annandag påsk"},
	{se.ForstaMaj, 0, "Första maj"},
	{se.KristiHimmelfardsdag, 0, "Kristi himmelsfärdsdag"},
	{se.Pingstdagen, -1, "Pingstafton"},
	{se.Pingstdagen, 0, "Pingstdagen"},
	{se.Nationaldagen, 0, "Sveriges nationaldag"},
	{se.Midsommarafton, 0, "Midsommarafton"},
	{se.Midsommardagen, 0, "Midsommardagen"},
	{se.AllaHelgonsDag, 0, "Alla helgons dag"},
	{se.Julafton, 0, "Julafton"},
	{se.Juldagen, 0, "Juldagen"},
	{se.AnnandagJul, 0, "Annandag jul"},
	{se.Nyarsafton, 0, "Nyårsafton"},
}

// years are the days of the years that have been asked about.
var years sync.Map // int → map[halsocoach.Day]string

// Name is what the day is called, in Swedish; "" for a day like any other. It is
// cheap to call.
func Name(d halsocoach.Day) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return ""
	}
	days, ok := years.Load(t.Year())
	if !ok {
		days, _ = years.LoadOrStore(t.Year(), of(t.Year()))
	}
	return days.(map[halsocoach.Day]string)[d]
}

// LastWorkingDay is the last day from first to last on which people work: no
// Saturday, no Sunday and none of the days here. Without one it is last. It is
// by which day somebody is told that they will have heard from us.
func LastWorkingDay(first, last halsocoach.Day) halsocoach.Day {
	for d := last; d >= first; d = d.Plus(-1) {
		if at := d.At(12 * 60).Weekday(); at != time.Saturday && at != time.Sunday && Name(d) == "" {
			return d
		}
	}
	return last
}

// of are the days of a year. Of two that fall on one day the later in the list
// has it.
func of(year int) map[halsocoach.Day]string {
	out := make(map[halsocoach.Day]string, len(kept))
	for _, k := range kept {
		day, _ := k.of.Calc(year)
		out[halsocoach.Day(day.AddDate(0, 0, k.days).Format(time.DateOnly))] = k.name
	}
	return out
}
