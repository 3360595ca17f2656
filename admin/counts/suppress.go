package counts

import (
	"cmp"
	"maps"
	"slices"
)

// The rules of small numbers, and nothing else (policy: domain, "Counts and
// small numbers"; k is a setting). They know cells and sums, not what is
// counted:
//
//   - a cell of 1 to k-1 is hidden;
//   - where a sum and its parts can be read side by side, either nothing in it
//     is hidden, or the hidden parts are at least two and add up to at least k,
//     or the sum itself is hidden together with a part;
//   - what has been published is not taken back: only cells of the table that
//     is published now may be hidden to protect others, since whoever read an
//     open number before still knows it;
//   - no small number follows from all the sums taken together, which also
//     covers periods that overlap: their difference is a sum.
//
// If the rules can not be met, the new table is withheld whole.

// sheet is the cells that hang together by sums: one year of one kind.
type sheet struct {
	k     int
	cells []cell
	sums  []sum
	in    [][]int // by cell: the sums it stands in
}

type cell struct {
	n         int
	hidden    bool
	published bool
	open      bool // found to be useless as cover: it follows from open numbers
	unseen    bool // on no page, though a reader could work it out: the best cover
}

// sum says that total is the sum of parts; all are places in cells.
type sum struct {
	total int
	parts []int
}

// add puts a cell on the sheet, not yet published, and returns its place.
func (s *sheet) add(n int) int {
	s.cells = append(s.cells, cell{n: n})
	s.in = append(s.in, nil)
	return len(s.cells) - 1
}

// addUnseen adds a cell that no page shows.
func (s *sheet) addUnseen(n int) int {
	place := s.add(n)
	s.cells[place].unseen = true
	return place
}

// adds says that a reader can add parts up to total.
func (s *sheet) adds(total int, parts ...int) {
	for _, p := range append([]int{total}, parts...) {
		s.in[p] = append(s.in[p], len(s.sums))
	}
	s.sums = append(s.sums, sum{total, parts})
}

// shown is the number, or hidden.
func (s *sheet) shown(place int) (n int, hidden bool) {
	c := s.cells[place]
	if c.hidden {
		return 0, true
	}
	return c.n, false
}

func (s *sheet) small(c cell) bool { return c.n > 0 && c.n < s.k }

// publish decides about the cells that were added since the last call.
func (s *sheet) publish() {
	for i := range s.cells {
		if c := &s.cells[i]; !c.published && s.small(*c) {
			c.hidden = true
		}
	}
	if !s.settle() {
		s.withhold()
	}
	for s.linked() {
		given := s.givenAway()
		if len(given) == 0 {
			break
		}
		if !s.coverOne(given) || !s.settle() {
			s.withhold()
			break
		}
	}
	for i := range s.cells {
		s.cells[i].published = true
	}
}

// withhold hides every new cell: what is not said gives nothing away.
func (s *sheet) withhold() {
	for i := range s.cells {
		if c := &s.cells[i]; !c.published {
			c.hidden = true
		}
	}
}

// settle hides cells until every sum keeps the rule; false if one can not.
func (s *sheet) settle() bool {
	for again := true; again; {
		again = false
		for _, x := range s.sums {
			if s.safe(x) {
				continue
			}
			again = true
			if !s.cover(x) && !s.openUp(x) {
				return false
			}
		}
	}
	return true
}

// safe is the rule of one sum.
func (s *sheet) safe(x sum) bool {
	count, total := 0, 0
	for _, p := range x.parts {
		if s.cells[p].hidden {
			count++
			total += s.cells[p].n
		}
	}
	if s.cells[x.total].hidden {
		return count > 0
	}
	return count == 0 || (count >= 2 && total >= s.k)
}

// cover hides one more cell of the sum: rather a part than the total, rather
// one whose other sums have hidden cells already, rather a small number.
func (s *sheet) cover(x sum) bool {
	var may []int
	for _, p := range x.parts {
		if s.mayHide(p) {
			may = append(may, p)
		}
	}
	if len(may) == 0 && s.mayHide(x.total) {
		may = []int{x.total}
	}
	if len(may) == 0 {
		return false
	}
	best := slices.MinFunc(may, func(a, b int) int {
		return cmp.Or(s.lonely(a)-s.lonely(b), s.seen(a)-s.seen(b), s.cells[a].n-s.cells[b].n, a-b)
	})
	s.cells[best].hidden = true
	return true
}

func (s *sheet) mayHide(place int) bool {
	c := s.cells[place]
	return !c.hidden && !c.published && !c.open && c.n > 0
}

// lonely is in how many sums the cell would be the only hidden one.
func (s *sheet) lonely(place int) int {
	n := 0
	for _, i := range s.in[place] {
		if !s.anyHidden(s.sums[i]) {
			n++
		}
	}
	return n
}

func (s *sheet) seen(place int) int {
	if s.cells[place].unseen {
		return 0
	}
	return 1
}

func (s *sheet) anyHidden(x sum) bool {
	return s.cells[x.total].hidden || slices.ContainsFunc(x.parts, func(p int) bool { return s.cells[p].hidden })
}

// openUp shows a cell again that was hidden as cover but follows from open
// numbers, so that it covers nothing; another has to do its work.
func (s *sheet) openUp(x sum) bool {
	for _, p := range append([]int{x.total}, x.parts...) {
		if c := &s.cells[p]; c.hidden && !c.published && !s.small(*c) {
			c.hidden, c.open = false, true
			return true
		}
	}
	return false
}

// linked says whether a new cell stands in several sums. In one sum alone the
// rule of one sum is all there is to it.
func (s *sheet) linked() bool {
	for i, c := range s.cells {
		if !c.published && len(s.in[i]) > 1 {
			return true
		}
	}
	return false
}

// coverOne hides one more cell: in a sum of one of the cells given away, or
// else in any sum with something hidden in it, since the numbers that give it
// away may be sums further off.
func (s *sheet) coverOne(given []int) bool {
	for _, g := range given {
		for _, i := range s.in[g] {
			if s.cover(s.sums[i]) {
				return true
			}
		}
	}
	for _, x := range s.sums {
		if s.anyHidden(x) && s.cover(x) {
			return true
		}
	}
	return false
}

// givenAway are the hidden small cells that follow from everything that is
// open, by whatever adding and subtracting: a cell by itself, or up to four that
// are then known to add up to less than k. The sums are linear equations in the
// hidden cells. When they are solved, each cell is what the equations leave
// undecided of it (its rest), and cells whose rests add up to nothing are
// decided together. A rest is kept as a fingerprint, which adds as rests do.
func (s *sheet) givenAway() []int {
	var few []int // hidden, and less than k
	for i, c := range s.cells {
		if c.hidden && c.n < s.k && len(s.in[i]) > 0 {
			few = append(few, i)
		}
	}
	rests := s.rests(few)
	given := map[int]bool{}
	mark := func(places ...int) {
		n := 0
		for _, p := range places {
			n += s.cells[p].n
		}
		if n > 0 && n < s.k {
			for _, p := range places {
				given[p] = true
			}
		}
	}
	type pair struct{ a, b int }
	single, pairs := map[fingerprint][]int{}, map[fingerprint][]pair{}
	for i, p := range few {
		if rests[i] == (fingerprint{}) {
			mark(p)
			continue
		}
		for _, q := range single[rests[i].negative()] {
			mark(p, q)
		}
		for j := range i {
			if s.cells[p].n+s.cells[few[j]].n < s.k && rests[j] != (fingerprint{}) {
				both := rests[i].plus(rests[j])
				pairs[both] = append(pairs[both], pair{p, few[j]})
			}
		}
		single[rests[i]] = append(single[rests[i]], p)
	}
	for sum, ps := range pairs {
		for _, x := range ps {
			for _, q := range single[sum.negative()] {
				if q != x.a && q != x.b {
					mark(x.a, x.b, q)
				}
			}
			for _, y := range pairs[sum.negative()] {
				if x.a != y.a && x.a != y.b && x.b != y.a && x.b != y.b {
					mark(x.a, x.b, y.a, y.b)
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(given))
}

// rests are the fingerprints of what the open numbers leave undecided of each
// of the cells; nought is a cell that is decided.
func (s *sheet) rests(places []int) []fingerprint {
	var rows []equation
	for _, x := range s.sums {
		row := equation{}
		if s.cells[x.total].hidden {
			row[x.total] = prime - 1
		}
		for _, p := range x.parts {
			if s.cells[p].hidden {
				row[p] = (row[p] + 1) % prime
			}
		}
		if len(row) > 0 {
			rows = append(rows, row)
		}
	}
	solved, own := solve(rows)
	out := make([]fingerprint, len(places))
	for i, place := range places {
		at, decided := own[place]
		if !decided {
			out[i] = fingerprintOf(place, 1)
			continue
		}
		for other, c := range solved[at] {
			if other != place {
				out[i] = out[i].plus(fingerprintOf(other, prime-c))
			}
		}
	}
	return out
}
