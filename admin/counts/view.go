package counts

import (
	"context"
	"slices"

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
	for _, r := range rows {
		if r.Kommun != halsocoach.County && !slices.Contains(out, r.Kommun) {
			out = append(out, r.Kommun)
		}
	}
	return append(out, halsocoach.County)
}

// lines say what a grid shows: a row for each of rows, a column for each of cols.
type lines[R ~string] struct {
	caption, corner string
	rows            []R
	cols            []string
	row             func(context.Context, R) string
	col             func(context.Context, string) string
	sum             R // the row that is a sum
	at              func(row R, col string) key
}

// gridOf looks the numbers up.
func gridOf[R ~string](ctx context.Context, x index, l lines[R]) grid {
	g := grid{caption: l.caption, corner: l.corner}
	for _, c := range l.cols {
		g.cols = append(g.cols, l.col(ctx, c))
	}
	for _, r := range l.rows {
		row := gridRow{head: l.row(ctx, r), sum: r == l.sum}
		for _, c := range l.cols {
			row.cells = append(row.cells, said(ctx, x[l.at(r, c)]))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// byKommun is a table with a row for each kommun and a column for each name.
func (x index) byKommun(ctx context.Context, caption string, kommuner, names []string, word func(context.Context, string) string, at func(kommun, name string) key) grid {
	return gridOf(ctx, x, lines[string]{caption, web.T(ctx, "Kommun"), kommuner, names, kommunWord, word, halsocoach.County, at})
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
		v.figures = append(v.figures, h.figure(ctx, kindWords.Of(ctx, kind), func(p Period) key { return kindKey(p, scope, kind) }))
	}
	v.grids = append(v.grids, x.byKommun(ctx, web.T(ctx, "Per kommun, %s", periodWord(ctx, p)), kommunerOf(a.Cells), halsocoach.CountKinds, kindWords.Of,
		func(kommun, kind string) key { return kindKey(p, kommun, kind) }))
}

// kindChart draws one kind: by month when several are shown, else by kommun.
func (v *view) kindChart(ctx context.Context, a Answer, months []Period, scope, kind string) {
	x := a.index(ByKind)
	c := chart{unit: kindWords.Of(ctx, kind)}
	kommuner := kommunerOf(a.Cells)
	if len(months) > 1 {
		c.title = web.T(ctx, "%s per månad, %s", kindWords.Of(ctx, kind), kommunWord(ctx, scope))
		for _, p := range months {
			c.bars = append(c.bars, bar(periodWord(ctx, p), x[kindKey(p, scope, kind)]))
		}
	} else {
		c.title = web.T(ctx, "%s per kommun, %s", kindWords.Of(ctx, kind), periodWord(ctx, months[0]))
		for _, kommun := range kommuner[:len(kommuner)-1] {
			c.bars = append(c.bars, bar(kommunWord(ctx, kommun), x[kindKey(months[0], kommun, kind)]))
		}
	}
	v.charts = append(v.charts, c)
}

// monthTable is the scope's months by kind.
func (v *view) monthTable(ctx context.Context, a Answer, months []Period, scope string) {
	x := a.index(ByKind)
	v.grids = append(v.grids, gridOf(ctx, x, lines[Period]{
		caption: web.T(ctx, "Månad för månad, %s", kommunWord(ctx, scope)), corner: web.T(ctx, "Månad"),
		rows: months, row: periodWord, cols: halsocoach.CountKinds, col: kindWords.Of,
		at: func(month Period, kind string) key { return kindKey(month, scope, kind) },
	}))
}

// sources adds the ways in.
func (v *view) sources(ctx context.Context, a Answer, p Period, scope string) {
	x := a.index(BySource)
	c := chart{title: web.T(ctx, "Vägar in, %s, %s", kommunWord(ctx, scope), periodWord(ctx, p)), unit: web.T(ctx, "Rekommendationer")}
	for _, source := range Sources {
		c.bars = append(c.bars, bar(sourceWord(ctx, source), x[sourceKey(p, scope, source)]))
	}
	v.charts = append(v.charts, c)
	names := append(slices.Clone(Sources), All)
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
	v.grids = append(v.grids, gridOf(ctx, x, lines[string]{
		caption: web.T(ctx, "Rekommendationer efter kön och ålder, hela länet, %s", periodWord(ctx, p)), corner: web.T(ctx, "Ålder"),
		rows: append(slices.Clone(Bands), All), row: ageWord, cols: append(slices.Clone(Sexes), All), col: sexWords.Of,
		sum: All, at: func(age, sex string) key { return sexAge(p, sex, age) },
	}))
}
