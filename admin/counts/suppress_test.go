package counts

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// line is one sum, as people write it: "3+0+20=23".
func line(s *sheet, parts ...int) (total int, places []int) {
	sum := 0
	for _, n := range parts {
		places = append(places, s.add(n))
		sum += n
	}
	total = s.add(sum)
	s.adds(total, places...)
	return total, places
}

func (s *sheet) text(places ...int) string {
	var out []string
	for _, p := range places {
		if n, hidden := s.shown(p); hidden {
			out = append(out, "·")
		} else {
			out = append(out, fmt.Sprint(n))
		}
	}
	return strings.Join(out, " ")
}

func TestSmallNumbersAreHiddenAndCovered(t *testing.T) {
	for _, c := range []struct {
		name  string
		k     int
		parts []int
		want  string // parts, then the total
	}{
		{"nothing small", 5, []int{5, 9, 0, 20}, "5 9 0 20 34"},
		{"nothing at all", 5, []int{0, 0, 0}, "0 0 0 0"},
		{"one small takes the next smallest with it", 5, []int{3, 9, 20}, "· · 20 32"},
		{"two small that are enough together", 5, []int{3, 2, 20}, "· · 20 25"},
		{"two small that are not enough", 5, []int{2, 2, 20, 30}, "· · · 30 54"},
		{"four and one add up to five", 5, []int{4, 1, 20}, "· · 20 25"},
		{"zero covers nothing and is shown", 5, []int{0, 4, 6, 0}, "0 · · 0 10"},
		{"alone in the county: the total is small too", 5, []int{0, 4, 0}, "0 · 0 ·"},
		{"small total of two", 5, []int{1, 2, 0}, "· · 0 ·"},
		{"another k", 10, []int{9, 10, 30}, "· · 30 49"},
		{"k of one hides nothing", 1, []int{1, 2, 3}, "1 2 3 6"},
		{"k of nought hides nothing", 0, []int{1, 2, 3}, "1 2 3 6"},
		{"k of two hides ones, in pairs", 2, []int{1, 1, 7}, "· · 7 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &sheet{k: c.k}
			total, parts := line(s, c.parts...)
			s.publish()
			if got := s.text(append(parts, total)...); got != c.want {
				t.Errorf("shown %s, want %s", got, c.want)
			}
		})
	}
}

func TestUnseenCellIsTheFirstCover(t *testing.T) {
	s := &sheet{k: 5}
	a, b, c := s.add(3), s.add(8), s.addUnseen(60)
	total := s.add(71)
	s.adds(total, a, b, c)
	s.publish()
	if got := s.text(a, b, c, total); got != "· 8 · 71" {
		t.Errorf("shown %s", got)
	}
}

func TestPublishedNumberIsNotTakenBack(t *testing.T) {
	s := &sheet{k: 5}
	jan, feb, mar := s.add(3), s.add(40), s.add(20)
	s.cells[jan].unseen = false
	s.publish() // three months, each alone: only january is small
	year := s.add(63)
	s.adds(year, jan, feb, mar)
	s.publish()
	if got := s.text(jan, feb, mar, year); got != "· 40 20 ·" {
		t.Errorf("shown %s: the year less two open months is january", got)
	}
}

func TestCoverThatFollowsFromOpenNumbersIsNoCover(t *testing.T) {
	// Sävsjö's year is hidden since one of its months is. Of the two others
	// that could cover it in the county's sum, Aneby's is open month by month.
	s := &sheet{k: 5}
	var months, years [3][]int
	for m, row := range [][]int{{3, 9, 20}, {30, 9, 20}} {
		total, places := line(s, row...)
		_ = total
		s.publish()
		for i, p := range places {
			months[i] = append(months[i], p)
		}
		years[m] = places
	}
	var year []int
	sum := 0
	for i := range months {
		n := s.cells[months[i][0]].n + s.cells[months[i][1]].n
		p := s.add(n)
		s.adds(p, months[i]...)
		year, sum = append(year, p), sum+n
	}
	county := s.add(sum)
	s.adds(county, year...)
	s.publish()
	if got := s.text(append(year, county)...); got != "· · 40 91" {
		t.Errorf("shown %s", got)
	}
}

func TestNumberThatFollowsFromSeveralSumsTogetherIsCovered(t *testing.T) {
	// Each row and column by itself keeps the rule of one sum with five cells
	// hidden, and yet all of them together give small ones away.
	values := []int{0, 8, 1, 0, 4, 0, 4, 11, 3}
	bySum := &sheet{k: 5}
	table2D(bySum, values, 3, 3)
	for i, c := range bySum.cells {
		bySum.cells[i].hidden = bySum.small(c)
	}
	if !bySum.settle() || len(exposed(bySum)) == 0 {
		t.Fatal("the example is none")
	}
	s := &sheet{k: 5}
	table2D(s, values, 3, 3)
	s.publish()
	keepsThePolicy(t, s)
}

func TestDifferenceOfOverlappingPeriodsIsNeverSmall(t *testing.T) {
	months := []int{3, 3, 20, 2, 20, 20, 1, 20, 20, 30, 30, 30}
	s := &sheet{k: 5}
	var cells, quarters []int
	for _, n := range months {
		cells = append(cells, s.add(n))
		s.publish()
	}
	sum := func(places []int) int {
		n := 0
		for _, p := range places {
			n += s.cells[p].n
		}
		total := s.add(n)
		s.adds(total, places...)
		return total
	}
	for q := range 4 {
		quarters = append(quarters, sum(cells[3*q:3*q+3]))
		s.publish()
	}
	year := sum(cells)
	s.adds(year, quarters...)
	s.publish()
	// The first quarter hides six and is open. The others' hidden months are
	// three together: the year less the first quarter would tell that.
	if got := s.text(append(quarters, year)...); got != "26 · · 90 ·" {
		t.Errorf("shown %s", got)
	}
	keepsThePolicy(t, s)
}

// exposed are the small hidden numbers that a reader could work out, found
// without the code under test: two other fillings of the hidden cells that agree
// with every open number would show that a cell is free. Here the null space is
// built over the rationals by floating elimination with full pivoting.
func exposed(s *sheet) []int {
	var hidden []int
	at := map[int]int{}
	for i, c := range s.cells {
		if c.hidden {
			at[i] = len(hidden)
			hidden = append(hidden, i)
		}
	}
	var rows [][]float64
	for _, x := range s.sums {
		row := make([]float64, len(hidden))
		any := false
		if s.cells[x.total].hidden {
			row[at[x.total]], any = -1, true
		}
		for _, p := range x.parts {
			if s.cells[p].hidden {
				row[at[p]]++
				any = true
			}
		}
		if any {
			rows = append(rows, row)
		}
	}
	pivot := map[int]int{}
	done := 0
	for done < len(rows) {
		br, bc, best := -1, -1, 1e-9
		for r := done; r < len(rows); r++ {
			for c, v := range rows[r] {
				if v > best || -v > best {
					br, bc, best = r, c, max(v, -v)
				}
			}
		}
		if br < 0 {
			break
		}
		rows[done], rows[br] = rows[br], rows[done]
		f := rows[done][bc]
		for c := range rows[done] {
			rows[done][c] /= f
		}
		for r := range rows {
			if g := rows[r][bc]; r != done && (g > 1e-9 || g < -1e-9) {
				for c := range rows[r] {
					rows[r][c] -= g * rows[done][c]
				}
			}
		}
		pivot[bc] = done
		done++
	}
	var out []int
	for c, r := range pivot {
		others := 0
		for d, v := range rows[r] {
			if d != c && (v > 1e-9 || v < -1e-9) {
				others++
			}
		}
		if n := s.cells[hidden[c]].n; others == 0 && n > 0 && n < s.k {
			out = append(out, hidden[c])
		}
	}
	return out
}

// keepsThePolicy checks every sentence of the policy on what is shown.
func keepsThePolicy(t interface {
	Errorf(string, ...any)
}, s *sheet) {
	for i, c := range s.cells {
		if c.n > 0 && c.n < s.k && !c.hidden {
			t.Errorf("cell %d shows %d", i, c.n)
		}
	}
	for _, x := range s.sums {
		count, total := 0, 0
		for _, p := range x.parts {
			if s.cells[p].hidden {
				count, total = count+1, total+s.cells[p].n
			}
		}
		if !s.cells[x.total].hidden && count > 0 && (count < 2 || total < s.k) {
			t.Errorf("%d hidden cells add up to %d in an open sum", count, total)
		}
	}
	if given := exposed(s); len(given) > 0 {
		t.Errorf("%d small numbers can be worked out, such as %d", len(given), s.cells[given[0]].n)
	}
}

func TestWhateverTheNumbersOfOneSumTheyKeepThePolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &sheet{k: rapid.IntRange(0, 12).Draw(t, "k")}
		line(s, rapid.SliceOfN(rapid.IntRange(0, 15), 1, 15).Draw(t, "parts")...)
		s.publish()
		keepsThePolicy(t, s)
	})
}

func TestWhateverTheNumbersOfATableWithMarginsTheyKeepThePolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &sheet{k: rapid.IntRange(2, 12).Draw(t, "k")}
		rows, cols := rapid.IntRange(1, 5).Draw(t, "rows"), rapid.IntRange(1, 7).Draw(t, "cols")
		values := rapid.SliceOfN(rapid.IntRange(0, 20), rows*cols, rows*cols).Draw(t, "values")
		table2D(s, values, rows, cols)
		s.publish()
		keepsThePolicy(t, s)
	})
}

// table2D puts a table with margins and a total on the sheet.
func table2D(s *sheet, values []int, rows, cols int) {
	var places []int
	sum := func(at func(i int) int, n int) (int, []int) {
		total, parts := 0, []int(nil)
		for i := range n {
			parts = append(parts, places[at(i)])
			total += values[at(i)]
		}
		p := s.add(total)
		s.adds(p, parts...)
		return p, nil
	}
	for _, v := range values {
		places = append(places, s.add(v))
	}
	var margins [2][]int
	all := 0
	for _, v := range values {
		all += v
	}
	for r := range rows {
		p, _ := sum(func(i int) int { return r*cols + i }, cols)
		margins[0] = append(margins[0], p)
	}
	for c := range cols {
		p, _ := sum(func(i int) int { return i*cols + c }, rows)
		margins[1] = append(margins[1], p)
	}
	total := s.add(all)
	s.adds(total, margins[0]...)
	s.adds(total, margins[1]...)
}

func TestWhateverTheYearEveryTableTogetherKeepsThePolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		s := &sheet{k: rapid.IntRange(2, 8).Draw(t, "k")}
		rng := rand.New(rand.NewPCG(seed, 1))
		kommuner, months := rapid.IntRange(1, 6).Draw(t, "kommuner"), rapid.IntRange(1, 12).Draw(t, "months")
		high := rapid.IntRange(1, 30).Draw(t, "high")
		byKommun := make([][]int, kommuner)
		values := make([]int, kommuner)
		var county []int
		for range months {
			var row []int
			for i := range kommuner {
				n := rng.IntN(high)
				row, values[i] = append(row, n), values[i]+n
			}
			total, places := line(s, row...)
			s.publish()
			keepsThePolicy(t, s)
			county = append(county, total)
			for i, p := range places {
				byKommun[i] = append(byKommun[i], p)
			}
		}
		before := s.text(all(len(s.cells))...)
		var years []int
		sum := 0
		for i, n := range values {
			p := s.add(n)
			s.adds(p, byKommun[i]...)
			years, sum = append(years, p), sum+n
		}
		p := s.add(sum)
		s.adds(p, years...)
		s.adds(p, county...)
		s.publish()
		keepsThePolicy(t, s)
		if after := s.text(all(len(s.cells))...); !strings.HasPrefix(after+" ", before+" ") {
			t.Errorf("what was published was changed: %s became %s", before, after)
		}
	})
}

func all(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
