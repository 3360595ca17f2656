package counts

import (
	"context"

	"halsocoach"
	"halsocoach/internal/web"
)

// view is what one of the pages shows: numbers first, then the charts, each
// with its table.
type view struct {
	path    string
	form    *web.Form
	choices []choice
	title   string // the period, and for whom
	running bool
	k       int
	figures []figure
	charts  []chart
	grids   []grid
	empty   bool // nothing is published for the page yet
}

// choice is one select of the form.
type choice struct {
	field   web.Field
	options []web.Choice
}

// figure is a number in large type; moved and past are empty where there is nothing
// to compare with.
type figure struct {
	number, label, moved string
	past                 []web.Bar
}

type chart struct {
	title, unit string
	bars        []web.Bar
}

// grid is a table of words.
type grid struct {
	caption, corner string
	cols            []string
	rows            []gridRow
}

type gridRow struct {
	head  string
	cells []string
	sum   bool
}

// index finds the rows of an answer.
type index map[key]Row

func (a Answer) index(t Table) index {
	x := index{}
	for _, rows := range [][]Row{a.Cells, a.Totals} {
		for _, r := range rows {
			x[key{t, r.Period, r.Kommun, r.Kind, r.Source, r.Topic, r.Sex, r.Age}] = r
		}
	}
	return x
}

func bar(label string, r Row) web.Bar {
	if r.N == nil {
		return web.Bar{Label: label, Hidden: true}
	}
	return web.Bar{Label: label, Value: *r.N}
}

// kommunerOf are the rows of a table by kommun, the county last.
func kommunerOf(rows []Row) []string {
	var out []string
	seen := map[string]bool{}
	for _, r := range rows {
		if !seen[r.Kommun] && r.Kommun != halsocoach.County {
			seen[r.Kommun] = true
			out = append(out, r.Kommun)
		}
	}
	return append(out, halsocoach.County)
}

// byKommun is a table with a row for each kommun and a column for each name.
func (x index) byKommun(ctx context.Context, caption string, kommuner, names []string, word func(context.Context, string) string, at func(kommun, name string) key) grid {
	g := grid{caption: caption, corner: web.T(ctx, "Kommun")}
	for _, n := range names {
		g.cols = append(g.cols, word(ctx, n))
	}
	for _, kommun := range kommuner {
		row := gridRow{head: kommunWord(ctx, kommun), sum: kommun == halsocoach.County}
		for _, n := range names {
			row.cells = append(row.cells, said(ctx, x[at(kommun, n)]))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

func kindKey(p Period, kommun, kind string) key {
	return key{table: ByKind, period: p, kommun: kommun, kind: kind}
}

func sourceKey(p Period, kommun, source string) key {
	return key{table: BySource, period: p, kommun: kommun, source: source}
}

// kinds adds a period's numbers by kind: those of the scope large, and the
// table of all kommuner.
func (v *view) kinds(ctx context.Context, a Answer, h past, p Period, scope string) {
	x := a.index(ByKind)
	for _, kind := range halsocoach.CountKinds {
		v.figures = append(v.figures, h.figure(ctx, kindWord(ctx, kind), func(p Period) key { return kindKey(p, scope, kind) }))
	}
	v.grids = append(v.grids, x.byKommun(ctx, web.T(ctx, "Per kommun, %s", periodWord(ctx, p)), kommunerOf(a.Cells), halsocoach.CountKinds, kindWord,
		func(kommun, kind string) key { return kindKey(p, kommun, kind) }))
}

// kindChart draws one kind: by month when several are shown, else by kommun.
func (v *view) kindChart(ctx context.Context, a Answer, months []Period, scope, kind string) {
	x := a.index(ByKind)
	c := chart{unit: kindWord(ctx, kind)}
	kommuner := kommunerOf(a.Cells)
	if len(months) > 1 {
		c.title = web.T(ctx, "%s per månad, %s", kindWord(ctx, kind), kommunWord(ctx, scope))
		for _, p := range months {
			c.bars = append(c.bars, bar(periodWord(ctx, p), x[kindKey(p, scope, kind)]))
		}
	} else {
		c.title = web.T(ctx, "%s per kommun, %s", kindWord(ctx, kind), periodWord(ctx, months[0]))
		for _, kommun := range kommuner[:len(kommuner)-1] {
			c.bars = append(c.bars, bar(kommunWord(ctx, kommun), x[kindKey(months[0], kommun, kind)]))
		}
	}
	v.charts = append(v.charts, c)
}

// monthTable is the scope's months by kind.
func (v *view) monthTable(ctx context.Context, a Answer, months []Period, scope string) {
	x := a.index(ByKind)
	g := grid{caption: web.T(ctx, "Månad för månad, %s", kommunWord(ctx, scope)), corner: web.T(ctx, "Månad")}
	for _, kind := range halsocoach.CountKinds {
		g.cols = append(g.cols, kindWord(ctx, kind))
	}
	for _, p := range months {
		row := gridRow{head: periodWord(ctx, p)}
		for _, kind := range halsocoach.CountKinds {
			row.cells = append(row.cells, said(ctx, x[kindKey(p, scope, kind)]))
		}
		g.rows = append(g.rows, row)
	}
	v.grids = append(v.grids, g)
}

// sources adds the ways in.
func (v *view) sources(ctx context.Context, a Answer, p Period, scope string) {
	x := a.index(BySource)
	c := chart{title: web.T(ctx, "Vägar in, %s, %s", kommunWord(ctx, scope), periodWord(ctx, p)), unit: web.T(ctx, "Rekommendationer")}
	for _, source := range Sources {
		c.bars = append(c.bars, bar(sourceWord(ctx, source), x[sourceKey(p, scope, source)]))
	}
	v.charts = append(v.charts, c)
	names := append(append([]string{}, Sources...), All)
	v.grids = append(v.grids, x.byKommun(ctx, web.T(ctx, "Rekommendationer efter väg in, %s", periodWord(ctx, p)), kommunerOf(append(a.Cells, a.Totals...)), names, sourceWord,
		func(kommun, source string) key { return sourceKey(p, kommun, source) }))
}

// topics adds what people want to work with, in the whole county.
func (v *view) topics(ctx context.Context, a Answer, p Period) {
	c := chart{title: web.T(ctx, "Vad rekommendationerna gäller, hela länet, %s", periodWord(ctx, p)), unit: web.T(ctx, "Rekommendationer")}
	for _, r := range a.Cells {
		c.bars = append(c.bars, bar(topicWord(ctx, r.Topic), r))
	}
	v.charts = append(v.charts, c)
}

// sexAge adds who comes, in the whole county.
func (v *view) sexAge(ctx context.Context, a Answer, p Period) {
	x := a.index(BySexAge)
	c := chart{title: web.T(ctx, "Åldrar, hela länet, %s", periodWord(ctx, p)), unit: web.T(ctx, "Rekommendationer")}
	for _, age := range Bands {
		c.bars = append(c.bars, bar(ageWord(ctx, age), x[sexAge(p, All, age)]))
	}
	v.charts = append(v.charts, c)
	g := grid{caption: web.T(ctx, "Rekommendationer efter kön och ålder, hela länet, %s", periodWord(ctx, p)), corner: web.T(ctx, "Ålder")}
	sexes := append(append([]string{}, Sexes...), All)
	for _, sex := range sexes {
		g.cols = append(g.cols, sexWord(ctx, sex))
	}
	for _, age := range append(append([]string{}, Bands...), All) {
		row := gridRow{head: ageWord(ctx, age), sum: age == All}
		for _, sex := range sexes {
			row.cells = append(row.cells, said(ctx, x[sexAge(p, sex, age)]))
		}
		g.rows = append(g.rows, row)
	}
	v.grids = append(v.grids, g)
}
