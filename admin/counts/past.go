package counts

import (
	"context"
	"slices"

	"halsocoach"
	"halsocoach/internal/web"
)

// past is a table as it was published for some periods in a row, the one that is
// shown last. What it says of how the numbers move is said of published numbers
// alone: where one of two is hidden there is no comparison, and where nothing at
// all had been counted there is nothing to compare with.
type past struct {
	periods []Period
	x       index
}

// pastShown and yearsShown are how many periods a trend goes over.
const (
	pastShown  = 6
	yearsShown = 5
)

// before is the period of the same length that ends where p begins.
func (p Period) before() Period {
	first, _ := p.months()
	m := first.plus(-1)
	switch {
	case len(p) == 4:
		return wholeYear(m.year())
	case p[5] == 'Q':
		return quarter(m.year(), m.index()/3)
	case p[5] == 'H':
		return half(m.year(), m.index()/6)
	}
	return Period(m)
}

// past asks for the periods that end with p, as who may see them.
func (s *Service) past(ctx context.Context, who halsocoach.Actor, t Table, p Period) (past, error) {
	h := past{periods: []Period{p}}
	n := pastShown
	if len(p) == 4 {
		n = yearsShown
	}
	for len(h.periods) < n && yearOf(p) > firstYear {
		p = p.before()
		h.periods = append(h.periods, p)
	}
	slices.Reverse(h.periods)
	a, err := s.ask(ctx, who, t, h.periods[0], h.periods[len(h.periods)-1])
	if err != nil {
		return past{}, err
	}
	h.x = a.index(t)
	for len(h.periods) > 1 && !a.counted(h.periods[0]) {
		h.periods = h.periods[1:]
	}
	return h, nil
}

// firstYear is the first that can be asked for.
const firstYear = 2000

// counted says whether anything of a period is other than a nought.
func (a Answer) counted(p Period) bool {
	return slices.ContainsFunc(slices.Concat(a.Cells, a.Totals), func(r Row) bool { return r.Period == p && (r.N == nil || *r.N > 0) })
}

// figure is a number of the last period, how it has moved since the one before, and
// the periods as small bars.
func (h past) figure(ctx context.Context, label string, at func(Period) key) figure {
	last := len(h.periods) - 1
	f := figure{number: said(ctx, h.x[at(h.periods[last])]), label: label}
	if last == 0 {
		return f
	}
	f.moved = movedWords(ctx, h.periods[last], h.x[at(h.periods[last])], h.x[at(h.periods[last-1])])
	for _, p := range h.periods {
		f.past = append(f.past, bar(periodWord(ctx, p), h.x[at(p)]))
	}
	return f
}

// movedWords say how a number differs from that of the period before; "" when one
// of them is hidden, or the period is not over.
func movedWords(ctx context.Context, p Period, now, before Row) string {
	if now.N == nil || before.N == nil || now.Running {
		return ""
	}
	since := beforeWord(ctx, p)
	switch d := *now.N - *before.N; {
	case d > 0:
		return web.T(ctx, "%s fler än %s", web.Number(d), since)
	case d < 0:
		return web.T(ctx, "%s färre än %s", web.Number(-d), since)
	}
	return web.T(ctx, "Lika många som %s", since)
}

func beforeWord(ctx context.Context, p Period) string {
	switch {
	case len(p) == 4:
		return web.T(ctx, "året före")
	case p[5] == 'Q':
		return web.T(ctx, "kvartalet före")
	case p[5] == 'H':
		return web.T(ctx, "halvåret före")
	}
	return web.T(ctx, "månaden före")
}

// development is the table of what the small bars show.
func (v *view) development(ctx context.Context, scope string) {
	if len(v.figures) == 0 || len(v.figures[0].past) == 0 {
		return
	}
	g := grid{caption: web.T(ctx, "Utvecklingen, %s", kommunWord(ctx, scope)), corner: web.T(ctx, "Period")}
	for _, f := range v.figures {
		g.cols = append(g.cols, f.label)
	}
	for i, b := range v.figures[0].past {
		row := gridRow{head: b.Label}
		for _, f := range v.figures {
			row.cells = append(row.cells, web.BarText(ctx, f.past[i]))
		}
		g.rows = append(g.rows, row)
	}
	v.grids = append(v.grids, g)
}
