package counts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"sort"

	"halsocoach"
	"halsocoach/internal/store"
)

// The kinds. A day is where facts are folded; a month is the sum of its days,
// kept so that a page reads months only. Neither can hold anything about a
// person: facts are nameless.
var (
	dayKind   = store.Kind{Name: "counts_days", NoPerson: true, Indexes: []store.Index{{Name: "day", Fields: []store.Field{store.T("kommun"), store.T("day")}}}}
	monthKind = store.Kind{Name: "counts_months", NoPerson: true}
)

// Kinds are those of this package.
func Kinds() []store.Kind { return []store.Kind{dayKind, monthKind} }

// day is what one kommun (or the county by itself) did on a day. IDs are those
// of the facts that are in the counters, 16 bytes each, sorted: both are saved
// together, so that a fact is in both or in neither.
type day struct {
	Kommun   string         `json:"kommun"`
	Day      halsocoach.Day `json:"day"`
	Counters []counter      `json:"counters"`
	IDs      []byte         `json:"ids"`
}

func dayID(kommun string, d halsocoach.Day) string { return kommun + "/" + string(d) }

// month is the sum of a month's days. The newest day is there by itself as
// well: where numbers move once a night, today is taken away again.
type month struct {
	Kommun   string         `json:"kommun"`
	Month    Month          `json:"month"`
	Counters []counter      `json:"counters"`
	Newest   halsocoach.Day `json:"newest"`
	Latest   []counter      `json:"latest"`
}

func monthID(kommun string, m Month) string { return kommun + "/" + string(m) }

const idSize = 16

// factID is a fact's id as 16 bytes. Ids are made of as many; any other text is
// cut down to a hash.
func factID(id string) (out [idSize]byte) {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(raw) != idSize {
		sum := sha256.Sum256([]byte(id))
		raw = sum[:]
	}
	copy(out[:], raw)
	return out
}

// fold counts the facts that are not yet in the day, and says how many that
// were.
func (d *day) fold(facts []halsocoach.Fact) int {
	t, fresh := tally{}, 0
	t.add(d.Counters, 1)
	for _, f := range facts {
		id := factID(f.ID)
		at, known := d.find(id)
		if known {
			continue
		}
		d.IDs = slices.Insert(d.IDs, at, id[:]...)
		t[comboOf(f)]++
		fresh++
	}
	if fresh > 0 {
		d.Counters = t.counters()
	}
	return fresh
}

// find is where in IDs an id stands or belongs.
func (d *day) find(id [idSize]byte) (at int, known bool) {
	at = idSize * sort.Search(len(d.IDs)/idSize, func(i int) bool {
		return slices.Compare(d.IDs[i*idSize:(i+1)*idSize], id[:]) >= 0
	})
	return at, bytes.HasPrefix(d.IDs[at:], id[:])
}

// dayOfFacts is the place of facts.
type dayOfFacts struct {
	kommun string
	day    halsocoach.Day
}

// month is the place of the month that the day is in: its first day.
func (at dayOfFacts) month() dayOfFacts { return dayOfFacts{at.kommun, Month(at.day.Month()).first()} }

// foldDay saves facts of one kommun and day.
func (s *Service) foldDay(ctx context.Context, at dayOfFacts, facts []halsocoach.Fact) error {
	_, err := s.days.Upsert(ctx, dayID(at.kommun, at.day), func(d *day) ([]halsocoach.Event, error) {
		d.Kommun, d.Day = at.kommun, at.day
		d.fold(facts)
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("counts: fold %s: %w", dayID(at.kommun, at.day), err)
	}
	return nil
}

// sumMonth saves a month as the sum of its days. The days are read after the
// month's version, so that of two nodes that sum at one time the one that saves
// last has seen both's days.
func (s *Service) sumMonth(ctx context.Context, kommun string, m Month) error {
	_, err := s.months.Upsert(ctx, monthID(kommun, m), func(doc *month) ([]halsocoach.Event, error) {
		t := tally{}
		days, _, err := s.days.Find(ctx, store.Query{Index: "day", Equal: []any{kommun}, From: string(m.first()), Before: string(m.plus(1).first()), Limit: 31})
		if err != nil {
			return nil, err
		}
		*doc = month{Kommun: kommun, Month: m}
		for _, d := range days {
			t.add(d.Counters, 1)
			doc.Newest, doc.Latest = d.Day, d.Counters
		}
		doc.Counters = t.counters()
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("counts: sum %s: %w", monthID(kommun, m), err)
	}
	return nil
}

// yearTallies reads the months of a year, by place and month, with one
// question, without what happened on or after before (if given). Places without
// a document have nothing.
func (s *Service) yearTallies(ctx context.Context, year, months int, before halsocoach.Day) (map[string][12]tally, error) {
	var ids []string
	for _, p := range places {
		for m := range months {
			ids = append(ids, monthID(codeOf(p), monthAt(year, m)))
		}
	}
	docs, err := s.months.Many(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("counts: read %d: %w", year, err)
	}
	out := map[string][12]tally{}
	for _, d := range docs {
		row := out[placeOf(d.Kommun)]
		t := tally{}
		t.add(d.Counters, 1)
		if before != "" && d.Newest >= before {
			t.add(d.Latest, -1)
		}
		row[d.Month.index()] = t
		out[placeOf(d.Kommun)] = row
	}
	return out, nil
}

// codeOf and placeOf turn between the code under which facts are kept and the
// row in which they are counted: the county's own are the rest.
func codeOf(place string) string {
	if place == rest {
		return halsocoach.County
	}
	return place
}

func placeOf(code string) string {
	if code == halsocoach.County {
		return rest
	}
	return code
}
