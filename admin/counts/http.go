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
	r.Get(quarterPath, s.page(s.quarterView))
	r.Get(halfPath, s.page(s.halfView))
	r.Get(yearPath, s.page(s.yearView))
}

// page shows a view; wrong answers in the address give the form again.
func (s *Service) page(make func(context.Context, halsocoach.Actor, *web.Form) (*view, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx, who := web.Ctx(c), web.Who(c)
		if err := mayAsk(who); err != nil {
			return err
		}
		f := &web.Form{Values: map[string][]string{}}
		for name, value := range c.Queries() {
			f.Set(name, value)
		}
		p := web.Page{Title: "Statistik", Active: monthPath, Wide: true}
		v, err := make(ctx, who, f)
		if f.Failed(err) {
			p.Status = fiber.StatusUnprocessableEntity
		} else if err != nil {
			return err
		}
		v.path, v.form = c.Path(), f
		return web.Show(c, p, countsPage(v))
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
	months, kinds := web.Choices(ctx, periodsBack, periodWord), web.Choices(ctx, halsocoach.CountKinds, kindWord)
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

// choosePeriod offers the periods that are over, newest first, and gives the
// one that was chosen; else the latest in which anything was counted.
func (s *Service) choosePeriod(ctx context.Context, v *view, f *web.Form, t Table, yearly bool, label string) (Period, error) {
	running := s.running()
	periods := Query{Table: t, From: monthAt(running.year(), 0).plus(-offered), To: running, Yearly: yearly}.periods(running)
	slices.Reverse(periods)
	v.choices = append(v.choices, choice{web.Field{Name: "period", Label: label}, web.Choices(ctx, periods, periodWord)})
	chosen := Period(f.Get("period"))
	if slices.Contains(periods, chosen) {
		return chosen, nil
	}
	chosen, err := s.opening(ctx, t, periods)
	f.Set("period", string(chosen))
	return chosen, err
}

// ask is the table of one period.
func (s *Service) ask(ctx context.Context, who halsocoach.Actor, t Table, p Period) (Answer, error) {
	first, last := p.months()
	return s.Counts(ctx, who, Query{Table: t, From: first, To: last, Yearly: len(p) == 4})
}

func (s *Service) quarterView(ctx context.Context, who halsocoach.Actor, f *web.Form) (*view, error) {
	v := &view{}
	p, err := s.choosePeriod(ctx, v, f, BySource, false, web.T(ctx, "Kvartal"))
	if err != nil {
		return v, err
	}
	v.kommunChoice(ctx, who)
	at := scope(who, f)
	sources, err := s.ask(ctx, who, BySource, p)
	if err != nil {
		return v, err
	}
	topics, err := s.ask(ctx, who, ByTopic, p)
	if err != nil {
		return v, err
	}
	v.k, v.title = sources.HideBelow, kommunWord(ctx, at)+", "+periodWord(ctx, p)
	h, err := s.past(ctx, who, BySource, p)
	if err != nil {
		return v, err
	}
	for _, source := range append([]string{All}, Sources[:3]...) {
		label := sourceWord(ctx, source)
		if source == All {
			label = web.T(ctx, "Rekommendationer")
		}
		v.figures = append(v.figures, h.figure(ctx, label, func(p Period) key { return sourceKey(p, at, source) }))
	}
	v.sources(ctx, sources, p, at)
	v.topics(ctx, topics, p)
	v.development(ctx, at)
	return v, nil
}

func (s *Service) halfView(ctx context.Context, who halsocoach.Actor, f *web.Form) (*view, error) {
	v := &view{}
	p, err := s.choosePeriod(ctx, v, f, BySexAge, false, web.T(ctx, "Halvår"))
	if err != nil {
		return v, err
	}
	a, err := s.ask(ctx, who, BySexAge, p)
	if err != nil {
		return v, err
	}
	v.k, v.title = a.HideBelow, kommunWord(ctx, halsocoach.County)+", "+periodWord(ctx, p)
	h, err := s.past(ctx, who, BySexAge, p)
	if err != nil {
		return v, err
	}
	v.persons(ctx, h)
	v.sexAge(ctx, a, p)
	v.development(ctx, halsocoach.County)
	return v, nil
}

// persons are the numbers of who came, large.
func (v *view) persons(ctx context.Context, h past) {
	of := func(sex string) func(Period) key {
		return func(p Period) key { return sexAge(p, sex, All) }
	}
	v.figures = append(v.figures, h.figure(ctx, web.T(ctx, "Rekommendationer"), of(All)))
	for _, sex := range Sexes[:2] {
		v.figures = append(v.figures, h.figure(ctx, sexWord(ctx, sex), of(sex)))
	}
}

func (s *Service) yearView(ctx context.Context, who halsocoach.Actor, f *web.Form) (*view, error) {
	v := &view{}
	p, err := s.choosePeriod(ctx, v, f, ByKind, true, web.T(ctx, "År"))
	if err != nil {
		return v, err
	}
	v.kommunChoice(ctx, who)
	at := scope(who, f)
	answers := map[Table]Answer{}
	for _, t := range []Table{ByKind, BySource, ByTopic, BySexAge} {
		a, err := s.ask(ctx, who, t, p)
		if err != nil {
			return v, err
		}
		answers[t] = a
	}
	v.k, v.title = answers[ByKind].HideBelow, kommunWord(ctx, at)+", "+periodWord(ctx, p)
	h, err := s.past(ctx, who, ByKind, p)
	if err != nil {
		return v, err
	}
	v.kinds(ctx, answers[ByKind], h, p, at)
	v.sources(ctx, answers[BySource], p, at)
	v.topics(ctx, answers[ByTopic], p)
	v.sexAge(ctx, answers[BySexAge], p)
	v.development(ctx, at)
	return v, nil
}
