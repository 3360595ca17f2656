package waiting

import (
	"maps"
	"slices"
	"strings"

	"halsocoach"
)

// windows are the days looked back on, the shortest that holds enough people
// counts.
var windows = [...]int{90, 180, 365}

// kept is how many days back a centre's sum reaches: the longest window, and
// some days more for clocks that differ and days that are looked at afterwards.
const kept = 365 + 35

// entry is one recommendation of a day. ID is made from the recommendation's and
// does not lead back to it.
type entry struct {
	ID   string         `json:"id"`
	Held halsocoach.Day `json:"held,omitempty"` // of the first talk; "" = waits
}

// entryID is what a recommendation is called here.
func entryID(referral string) string { return halsocoach.IDFrom("waiting", referral) }

// arrivals are the recommendations that a centre received on a day and that wait
// or have waited.
type arrivals struct {
	Centre  string         `json:"centre"`
	Day     halsocoach.Day `json:"day"`
	Entries []entry        `json:"entries,omitempty"`
}

// finding is how a recommendation is found to stand.
type finding struct {
	counts bool           // it waits, or has waited
	held   halsocoach.Day // of the first talk; "" = it waits
	erased bool           // nothing is known any more: what was counted stays, who waited waits no more
}

// enter sets how an entry stands, and says whether that was news.
func (a *arrivals) enter(id string, f finding) bool {
	at := slices.IndexFunc(a.Entries, func(e entry) bool { return e.ID == id })
	switch {
	case at < 0 && f.counts:
		a.Entries = append(a.Entries, entry{id, f.held})
	case at < 0, f.counts && a.Entries[at].Held == f.held, f.erased && a.Entries[at].Held != "":
		return false
	case f.counts:
		a.Entries[at].Held = f.held
	default:
		a.Entries = slices.Delete(a.Entries, at, at+1)
	}
	return true
}

// sum is the day without anybody in it.
func (a arrivals) sum() dayOf {
	d := dayOf{Day: a.Day}
	for _, e := range a.Entries {
		if e.Held == "" {
			d.Waiting++
			continue
		}
		if d.Held == nil {
			d.Held = histogram{}
		}
		d.Held[between(a.Day, e.Held)]++
	}
	return d
}

// dayOf is how many of those who came on a day wait still, and how many had
// their first talk, by how many days later that was.
type dayOf struct {
	Day     halsocoach.Day `json:"day"`
	Waiting int            `json:"waiting,omitempty"`
	Held    histogram      `json:"held,omitempty"`
}

func (d dayOf) same(e dayOf) bool {
	return d.Day == e.Day && d.Waiting == e.Waiting && maps.Equal(d.Held, e.Held)
}

// old says whether nothing of the day is looked back on any more.
func (d dayOf) old(before halsocoach.Day) bool {
	if d.Waiting > 0 {
		return false
	}
	longest := -1
	for days := range d.Held {
		longest = max(longest, days)
	}
	return longest < 0 || d.Day < before && d.Day.Plus(longest) < before
}

// place puts a day's sum among the others, which are sorted, and says whether
// that was news. Days that are empty or old go.
func place(days []dayOf, sum dayOf, before halsocoach.Day) ([]dayOf, bool) {
	at, there := slices.BinarySearchFunc(days, sum, func(d, e dayOf) int { return strings.Compare(string(d.Day), string(e.Day)) })
	switch {
	case there && days[at].same(sum), !there && sum.old(before):
		return days, false
	case there:
		days[at] = sum
	default:
		days = slices.Insert(days, at, sum)
	}
	return slices.DeleteFunc(days, func(d dayOf) bool { return d.old(before) }), true
}

// between is the number of days from one to another by the calendar, 0 when the
// other comes first.
func between(from, to halsocoach.Day) int { return max(0, from.Until(to)) }

// histogram counts people by how many days they waited.
type histogram map[int]int

func (h histogram) n() int {
	n := 0
	for _, c := range h {
		n += c
	}
	return n
}

// rank is the r-th smallest, from 1.
func (h histogram) rank(r int) int {
	for _, days := range slices.Sorted(maps.Keys(h)) {
		if r -= h[days]; r <= 0 {
			return days
		}
	}
	return 0
}

// median and p80 by nearest rank.
func (h histogram) median() int { n := h.n(); return h.rank((n + 1) / 2) }
func (h histogram) p80() int    { n := h.n(); return h.rank((4*n + 4) / 5) }

func (h histogram) add(more histogram) {
	for days, n := range more {
		h[days] += n
	}
}

// had are the waits of those who had their talk within a window that ends today.
func had(days []dayOf, window int, today halsocoach.Day) histogram {
	from, h := today.Plus(1-window), histogram{}
	for _, d := range days {
		if d.Day > today || len(d.Held) == 0 {
			continue
		}
		least, most := between(d.Day, from), between(d.Day, today)
		for days, n := range d.Held {
			if days >= least && days <= most {
				h[days] += n
			}
		}
	}
	return h
}

// still are the waits so far of those who wait.
func still(days []dayOf, today halsocoach.Day) histogram {
	h := histogram{}
	for _, d := range days {
		if d.Waiting > 0 {
			h[between(d.Day, today)] += d.Waiting
		}
	}
	return h
}

// measure is what may be told of places that are told of as one: those of a
// kommun, or a single centre. What is fewer than k is not told. A place that has
// too few by itself is left out of the sum where others are told of by
// themselves, since the difference would tell of it.
func measure(places [][]dayOf, k int, today halsocoach.Day) (w halsocoach.Wait, ok bool) {
	for _, window := range windows {
		h := pool(places, k, func(days []dayOf) histogram { return had(days, window, today) })
		if n := h.n(); n >= max(k, 1) {
			w, ok = halsocoach.Wait{Median: h.median(), P80: h.p80(), N: n, Window: window}, true
			break
		}
	}
	h := pool(places, k, func(days []dayOf) histogram { return still(days, today) })
	if n := h.n(); n >= max(k, 1) {
		median := h.median()
		w.Waiting, w.WaitingMedian = &n, &median
	}
	return w, ok
}

// pool adds up the places that may be told of by themselves, or all of them when
// none may.
func pool(places [][]dayOf, k int, of func([]dayOf) histogram) histogram {
	shown, all := histogram{}, histogram{}
	for _, days := range places {
		h := of(days)
		all.add(h)
		if h.n() >= max(k, 1) {
			shown.add(h)
		}
	}
	if len(shown) > 0 {
		return shown
	}
	return all
}
