package counts

import (
	"context"
	"slices"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// The pages: one for each length of period.
const (
	monthPath   = "/statistik"
	quarterPath = "/statistik/kvartal"
	halfPath    = "/statistik/halvar"
	yearPath    = "/statistik/ar"
)

// Routes are the pages of the region and of the kommuner's administrators.
func (s *Service) Routes(r fiber.Router) {
	r.Get(monthPath, s.page(s.monthView))
	r.Get(quarterPath, s.page(s.periodView(quarterPage, BySource, ByTopic)))
	r.Get(halfPath, s.page(s.periodView(halfPage, BySexAge)))
	r.Get(yearPath, s.page(s.periodView(yearPage, ByKind, BySource, ByTopic, BySexAge)))
}

type makeView func(context.Context, halsocoach.Actor, *web.Form) (*view, error)

// page shows a view; wrong answers in the address give the form again.
func (s *Service) page(make makeView) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx, who := web.Ctx(c), web.Who(c)
		if err := mayAsk(who); err != nil {
			return err
		}
		f := &web.Form{Values: map[string][]string{}}
		for name, value := range c.Queries() {
			f.Set(name, value)
		}
		v, err := make(ctx, who, f)
		if err != nil && !f.Failed(err) {
			return err
		}
		v.path, v.form = c.Path(), f
		return web.Show(c, web.Page{Title: "Statistik", Active: monthPath, Wide: true, Status: f.Status()}, countsPage(v))
	}
}

// scope is whose numbers stand first: for the region the county or the kommun
// that was chosen, for a kommun's administrator their own.
func scope(who halsocoach.Actor, f *web.Form) string {
	if who.Role == halsocoach.RoleKommun {
		return who.Kommun
	}
	code := halsocoach.CountyOr(f.Get("kommun"))
	f.Set("kommun", code)
	return code
}

// kommunChoice lets the region choose whose numbers stand first.
func (v *view) kommunChoice(ctx context.Context, who halsocoach.Actor) {
	if who.Role != halsocoach.RoleRegion {
		return
	}
	options := append([]web.Choice{{Value: halsocoach.County, Label: web.T(ctx, "Hela länet")}}, web.KommunChoices()...)
	v.choices = append(v.choices, choice{web.Field{Name: "kommun", Label: web.T(ctx, "Visa först")}, options})
}

// offered are how many months back a page offers; older ones are asked for in
// the address.
const offered = 36

func (s *Service) monthView(ctx context.Context, who halsocoach.Actor, f *web.Form) (*view, error) {
	v := &view{}
	running := s.running()
	periodsBack := make([]Period, offered)
	for i := range offered {
		periodsBack[i] = Period(running.plus(-i))
	}
	months, kinds := web.Choices(ctx, periodsBack, periodWord), web.Choices(ctx, halsocoach.CountKinds, kindWords.Of)
	v.choices = []choice{{web.Field{Name: "from", Label: web.T(ctx, "Från")}, months}, {web.Field{Name: "to", Label: web.T(ctx, "Till")}, months}}
	v.kommunChoice(ctx, who)
	v.choices = append(v.choices, choice{web.Field{Name: "kind", Label: web.T(ctx, "Diagram över")}, kinds})
	if f.Get("to") == "" {
		f.Set("to", string(running))
	}
	if f.Get("from") == "" {
		f.Set("from", f.Get("to"))
	}
	if !slices.Contains(halsocoach.CountKinds, f.Get("kind")) {
		f.Set("kind", halsocoach.CountReferral)
	}
	at := scope(who, f)
	q := Query{Table: ByKind, From: Month(f.Get("from")), To: Month(f.Get("to"))}
	a, err := s.Counts(ctx, who, q)
	if err != nil {
		return v, err
	}
	v.k = a.HideBelow
	periods := q.periods(running)
	if len(periods) == 0 {
		v.empty = true
		return v, nil
	}
	last := periods[len(periods)-1]
	v.running = Month(last) == running
	v.title = kommunWord(ctx, at) + ", " + periodWord(ctx, last)
	h, err := s.past(ctx, who, ByKind, last)
	if err != nil {
		return v, err
	}
	v.kinds(ctx, a, h, last, at)
	v.kindChart(ctx, a, periods, at, f.Get("kind"))
	if len(periods) > 1 {
		v.monthTable(ctx, a, periods, at)
	} else {
		v.development(ctx, at)
	}
	return v, nil
}

// choosePeriod offers the periods that are over, newest first, and gives the one
// that was chosen; else the latest in which anything was counted, hidden or not: a
// period that is all noughts says nothing to the one who opens the page.
func (s *Service) choosePeriod(ctx context.Context, who halsocoach.Actor, v *view, f *web.Form, t Table) (Period, error) {
	running := s.running()
	periods := Query{Table: t, From: monthAt(running.year(), 0).plus(-offered), To: running, Yearly: t == ByKind}.periods(running)
	slices.Reverse(periods)
	v.choices = append(v.choices, choice{web.Field{Name: "period", Label: periodLabels.Of(ctx, t)}, web.Choices(ctx, periods, periodWord)})
	if chosen := Period(f.Get("period")); slices.Contains(periods, chosen) {
		return chosen, nil
	}
	a, err := s.ask(ctx, who, t, periods[len(periods)-1], periods[0])
	chosen := periods[max(0, slices.IndexFunc(periods, a.counted))]
	f.Set("period", string(chosen))
	return chosen, err
}

var periodLabels = web.Texts[Table]{
	BySource: "Kvartal",
	BySexAge: "Halvår",
	ByKind:   "År",
}

// ask is a table from one period to another.
func (s *Service) ask(ctx context.Context, who halsocoach.Actor, t Table, from, to Period) (Answer, error) {
	first, _ := from.months()
	_, last := to.months()
	return s.Counts(ctx, who, Query{Table: t, From: first, To: last, Yearly: len(to) == 4})
}

// onePeriod is what a page shows of one period.
type onePeriod struct {
	*view
	period Period
	scope  string // whose numbers stand first
	tables map[Table]Answer
	past   past // of the first table
}

// periodView is a page about one period of the first table, with more tables of it.
func (s *Service) periodView(page func(context.Context, onePeriod), tables ...Table) makeView {
	return func(ctx context.Context, who halsocoach.Actor, f *web.Form) (v *view, err error) {
		v = &view{}
		on := onePeriod{view: v, scope: halsocoach.County, tables: map[Table]Answer{}}
		if on.period, err = s.choosePeriod(ctx, who, v, f, tables[0]); err != nil {
			return v, err
		}
		if tables[0] != BySexAge {
			v.kommunChoice(ctx, who)
			on.scope = scope(who, f)
		}
		for _, t := range tables {
			if on.tables[t], err = s.ask(ctx, who, t, on.period, on.period); err != nil {
				return v, err
			}
		}
		if on.past, err = s.past(ctx, who, tables[0], on.period); err != nil {
			return v, err
		}
		v.k, v.title = on.tables[tables[0]].HideBelow, kommunWord(ctx, on.scope)+", "+periodWord(ctx, on.period)
		page(ctx, on)
		v.development(ctx, on.scope)
		return v, nil
	}
}

// came are the recommendations in large numbers: all of them, and by name.
func (on onePeriod) came(ctx context.Context, names []string, word func(context.Context, string) string, at func(p Period, name string) key) {
	for _, name := range append([]string{All}, names...) {
		label := word(ctx, name)
		if name == All {
			label = web.T(ctx, "Rekommendationer")
		}
		on.figures = append(on.figures, on.past.figure(ctx, label, func(p Period) key { return at(p, name) }))
	}
}

func quarterPage(ctx context.Context, on onePeriod) {
	on.came(ctx, Sources[:3], sourceWord, func(p Period, source string) key { return sourceKey(p, on.scope, source) })
	on.sources(ctx, on.tables[BySource], on.period, on.scope)
	on.topics(ctx, on.tables[ByTopic], on.period)
}

func halfPage(ctx context.Context, on onePeriod) {
	on.came(ctx, Sexes[:2], sexWords.Of, func(p Period, sex string) key { return sexAge(p, sex, All) })
	on.sexAge(ctx, on.tables[BySexAge], on.period)
}

func yearPage(ctx context.Context, on onePeriod) {
	on.kinds(ctx, on.tables[ByKind], on.past, on.period, on.scope)
	on.sources(ctx, on.tables[BySource], on.period, on.scope)
	on.topics(ctx, on.tables[ByTopic], on.period)
	on.sexAge(ctx, on.tables[BySexAge], on.period)
}
