package counts

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
)

// Config is what the service needs.
type Config struct {
	Store    store.Store
	Bus      *event.Bus // for Rebuild, and to publish what is shown
	Settings halsocoach.Settings
	Clock    halsocoach.Clock
	Log      *slog.Logger
	// Live lets the running month move with each fact, as under demo and in
	// tests. Otherwise it moves once a night: today is not in it.
	Live bool
}

// Service counts, and gives out what may be published.
type Service struct {
	cfg    Config
	days   store.Collection[day]
	months store.Collection[month]

	mu    sync.Mutex
	years map[int]cached
	gen   map[int]int // by year: how often it has changed
	wake  chan struct{}
	moved map[Month]bool // months with news to publish
}

// cached is a year as it was published last.
type cached struct {
	tables yearTables
	gen    int
	k      int
	today  halsocoach.Day
	at     time.Time
}

// cacheTime bounds how long a year stands when the nudge of another node was
// lost.
const cacheTime = 30 * time.Second

// New makes the service.
func New(cfg Config) *Service {
	return &Service{
		cfg: cfg, days: store.In[day](cfg.Store, dayKind), months: store.In[month](cfg.Store, monthKind),
		years: map[int]cached{}, gen: map[int]int{}, wake: make(chan struct{}, 1), moved: map[Month]bool{},
	}
}

// Query asks for one of the published tables.
type Query struct {
	Table    Table
	From, To Month // both included
	Yearly   bool  // the whole years within instead of the table's own periods
}

// Row is one number of a table. What the table does not have is "".
type Row struct {
	Period  Period `json:"period" doc:"2026-11, 2026-Q4, 2026-H2 or 2026"`
	Kommun  string `json:"kommun" doc:"code; 06 is the county"`
	Kind    string `json:"kind,omitempty"`
	Source  string `json:"source,omitempty"`
	Topic   string `json:"topic,omitempty"`
	Sex     string `json:"sex,omitempty"`
	Age     string `json:"age,omitempty"`
	N       *int   `json:"n" doc:"null when hidden"`
	Hidden  bool   `json:"hidden,omitempty" doc:"too small, or gives a small number away"`
	Running bool   `json:"running,omitempty" doc:"the month is not over"`
}

// Answer is a table: its cells, and the sums of them that are published too.
type Answer struct {
	Cells     []Row
	Totals    []Row
	HideBelow int
}

// mostMonths bounds a question.
const mostMonths = 60

// ErrTable: only the tables of the fixed list are published.
var ErrTable = halsocoach.Invalid(halsocoach.Field{Name: "by", Text: "Den tabellen publiceras inte. Välj kommun,kind eller kommun,source eller topic eller sex,age."})

// Counts gives a published table. The region sees every kommun, a kommun's
// administrator their own and the county's sums.
func (s *Service) Counts(ctx context.Context, who halsocoach.Actor, q Query) (Answer, error) {
	if err := mayAsk(who); err != nil {
		return Answer{}, err
	}
	if err := q.check(); err != nil {
		return Answer{}, err
	}
	k, err := s.hideBelow(ctx)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Cells: []Row{}, Totals: []Row{}, HideBelow: k}
	running := s.running()
	years := map[int]yearTables{}
	for _, p := range q.periods(running) {
		first, _ := p.months()
		y := first.year()
		if years[y] == nil {
			if years[y], err = s.year(ctx, y, k); err != nil {
				return Answer{}, err
			}
		}
		for _, kommun := range mayRead(who, q.Table) {
			a.add(years[y], q.Table, p, kommun, running)
		}
	}
	return a, nil
}

// mayAsk says who sees counts at all.
func mayAsk(who halsocoach.Actor) error {
	if err := halsocoach.Allow(who, halsocoach.RoleRegion, halsocoach.RoleKommun, halsocoach.RoleSystem); err != nil {
		return err
	}
	if _, known := halsocoach.KommunByCode(who.Kommun); who.Role == halsocoach.RoleKommun && !known {
		return halsocoach.ErrForbidden
	}
	return nil
}

// mayRead are the rows that the actor sees: the county's last.
func mayRead(who halsocoach.Actor, t Table) []string {
	switch {
	case t == ByTopic || t == BySexAge:
		return []string{halsocoach.County}
	case who.Role == halsocoach.RoleKommun:
		return []string{who.Kommun, halsocoach.County}
	}
	return append(slices.Clone(places[:len(places)-1]), halsocoach.County)
}

func (q Query) check() error {
	if q.Table != ByKind && q.Table != BySource && q.Table != ByTopic && q.Table != BySexAge {
		return ErrTable
	}
	var bad halsocoach.Faults
	bad.When(!q.From.Valid(), "from", "Skriv månaden som 2026-01.")
	bad.When(!q.To.Valid(), "to", "Skriv månaden som 2026-01.")
	if len(bad) == 0 {
		bad.When(q.To < q.From, "to", "Slutet ligger före början.")
		bad.When(q.To >= q.From.plus(mostMonths), "to", "Fråga efter högst fem år i taget.")
	}
	return halsocoach.Invalid(bad...)
}

// periods are those that lie within the question and are published: the running
// month by kind, everything else when it is over.
func (q Query) periods(running Month) []Period {
	var out []Period
	for y := q.From.year(); y <= q.To.year(); y++ {
		var all []Period
		switch {
		case q.Yearly:
			all = []Period{wholeYear(y)}
		case q.Table == ByKind:
			for m := range 12 {
				all = append(all, Period(monthAt(y, m)))
			}
		case q.Table == BySexAge:
			all = []Period{half(y, 0), half(y, 1)}
		default:
			all = []Period{quarter(y, 0), quarter(y, 1), quarter(y, 2), quarter(y, 3)}
		}
		for _, p := range all {
			first, last := p.months()
			over := last < running || first == last && last == running
			if first >= q.From && last <= q.To && over {
				out = append(out, p)
			}
		}
	}
	return out
}

// add puts the rows of a kommun and period into the answer.
func (a *Answer) add(y yearTables, t Table, p Period, kommun string, running Month) {
	put := func(k key, total bool) {
		n, ok := y[k]
		if !ok {
			return
		}
		r := Row{Period: p, Kommun: kommun, Kind: k.kind, Source: k.source, Topic: k.topic, Sex: k.sex, Age: k.age,
			Hidden: n.hidden, Running: Month(p) == running}
		if !n.hidden {
			r.N = &n.n
		}
		if total {
			a.Totals = append(a.Totals, r)
		} else {
			a.Cells = append(a.Cells, r)
		}
	}
	county := kommun == halsocoach.County
	switch t {
	case ByKind:
		for _, kind := range halsocoach.CountKinds {
			put(key{table: t, period: p, kommun: kommun, kind: kind}, county)
		}
	case BySource:
		for _, source := range append(slices.Clone(Sources), All) {
			put(key{table: t, period: p, kommun: kommun, source: source}, county || source == All)
		}
	case ByTopic:
		for _, topic := range append(slices.Clone(halsocoach.Topics), Unknown) {
			put(key{table: t, period: p, kommun: kommun, topic: string(topic)}, false)
		}
	case BySexAge:
		for _, sex := range append(slices.Clone(Sexes), All) {
			for _, age := range append(slices.Clone(Bands), All) {
				put(sexAge(p, sex, age), sex == All || age == All)
			}
		}
	}
}

// running is the month that is not over.
func (s *Service) running() Month { return Month(halsocoach.DayOf(s.cfg.Clock()).Month()) }

// hideBelow is k: the strictest that anybody has decided, since the tables hang
// together by their sums.
func (s *Service) hideBelow(ctx context.Context) (int, error) {
	k, today := 0, halsocoach.DayOf(s.cfg.Clock())
	for _, kommun := range halsocoach.Kommuner {
		t, err := s.cfg.Settings.Terms(ctx, kommun.Code, "", today)
		if err != nil {
			return 0, fmt.Errorf("counts: terms of %s: %w", kommun.Code, err)
		}
		k = max(k, t.HideBelow)
	}
	return k, nil
}

// year gives a year's tables, from memory while nothing has changed.
func (s *Service) year(ctx context.Context, year, k int) (yearTables, error) {
	now := s.cfg.Clock()
	today, running := halsocoach.DayOf(now), s.running()
	s.mu.Lock()
	c, ok := s.years[year]
	gen := s.gen[year]
	s.mu.Unlock()
	if age := now.Sub(c.at); ok && c.gen == gen && c.k == k && c.today == today && age >= 0 && age < cacheTime {
		return c.tables, nil
	}
	months := 12
	if year >= running.year() {
		months = running.index() + 1
		if year > running.year() {
			months = 0
		}
	}
	complete := months
	if year == running.year() {
		complete--
	}
	before := today
	if s.cfg.Live {
		before = ""
	}
	tallies, err := s.yearTallies(ctx, year, months, before)
	if err != nil {
		return nil, err
	}
	b := builder{year: year, months: months, complete: complete, k: k, tallies: tallies}
	tables := b.build()
	s.mu.Lock()
	s.years[year] = cached{tables, gen, k, today, now}
	s.mu.Unlock()
	return tables, nil
}

// changed drops what is kept of the months' years.
func (s *Service) changed(months ...Month) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range months {
		s.gen[m.year()]++
		s.moved[m] = true
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// forget drops what is kept of the month's year.
func (s *Service) forget(m Month) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen[m.year()]++
}
