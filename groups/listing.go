package groups

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Filter is what of the programme somebody asks for. From and To are days, both
// included; "" is today, and four weeks on.
type Filter struct {
	Kommun   string
	Topic    halsocoach.Topic
	From, To halsocoach.Day
	After    string
	Limit    int // activities of a page; 0 = 50
}

// weeksShown is how far ahead the programme goes when nobody says, and
// entriesShown how many occasions a page of it holds.
const (
	weeksShown   = 4
	entriesShown = 40
)

// check fills in what was left out.
func (f *Filter) check(now time.Time) error {
	var bad halsocoach.Faults
	_, known := halsocoach.KommunByCode(f.Kommun)
	bad.When(f.Kommun != "" && !known, "kommun", "Välj en kommun i Jönköpings län.")
	bad.When(f.Topic != "" && !f.Topic.Known(), "topic", "Välj ett ämne.")
	if f.From == "" {
		f.From = halsocoach.DayOf(now)
	}
	bad.When(!f.From.Valid(), "from", "Skriv datum som 2026-11-23.")
	if f.To == "" && f.From.Valid() {
		f.To = f.From.Plus(7*weeksShown - 1)
	}
	bad.When(!f.To.Valid(), "to", "Skriv datum som 2026-11-23.")
	if f.Limit <= 0 || f.Limit > 100 {
		f.Limit = 50
	}
	return halsocoach.Invalid(bad...)
}

func (f Filter) takes(e Entry) bool {
	return (f.Kommun == "" || e.Offer.Kommun == f.Kommun) && (f.Topic == "" || e.Offer.Topic == f.Topic)
}

// Offered is an activity with those of its occasions that the filter takes.
type Offered struct {
	Activity  Activity
	Leader    string
	Occasions []Brief
}

// ProgrammeDay is a day of the programme with its occasions.
type ProgrammeDay struct {
	Day     time.Time
	Entries []Entry
}

// Days is the programme as the public page shows it: the coming four weeks by
// day, without what has ended, f.Limit occasions a page.
func (s *Service) Days(f Filter) (days []ProgrammeDay, next string, err error) {
	now := s.clock()
	if f.Limit <= 0 {
		f.Limit = entriesShown
	}
	limit := f.Limit
	if err := f.check(now); err != nil {
		return nil, "", err
	}
	start, id, err := readCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	var last Brief
	shown := 0
	for _, e := range s.programme.at(now).between(f.From.Start(), f.To.Plus(1).Start()) {
		if !f.takes(e) || !e.Ends.After(now) || f.After != "" && !e.after(start, id) {
			continue
		}
		if shown == limit {
			return days, writeCursor(last), nil
		}
		if n := len(days); n == 0 || halsocoach.DayOf(days[n-1].Day) != halsocoach.DayOf(e.Starts) {
			days = append(days, ProgrammeDay{Day: e.Starts})
		}
		days[len(days)-1].Entries = append(days[len(days)-1].Entries, e)
		last = e.Brief
		shown++
	}
	return days, "", nil
}

// Programme is public: the activities by their first occasion in the stretch.
// Within the weeks that are kept in memory the store is not asked.
func (s *Service) Programme(ctx context.Context, f Filter) (items []Offered, next string, err error) {
	now := s.clock()
	if err := f.check(now); err != nil {
		return nil, "", err
	}
	start, id, err := readCursor(f.After)
	if err != nil {
		return nil, "", err
	}
	entries, err := s.entries(ctx, now, f.From.Start(), f.To.Plus(1).Start())
	if err != nil {
		return nil, "", err
	}
	var all []Offered
	index := map[string]int{}
	for _, e := range entries {
		if !f.takes(e) {
			continue
		}
		i, ok := index[e.Activity]
		if !ok {
			i = len(all)
			index[e.Activity] = i
			all = append(all, Offered{Activity: e.Offer.Activity, Leader: e.Offer.LeaderName})
		}
		all[i].Occasions = append(all[i].Occasions, e.Brief)
	}
	// all is in the order of the first occasion: that is what the cursor says.
	items = []Offered{}
	for _, o := range all {
		first := o.Occasions[0]
		if f.After != "" && !first.after(start, id) {
			continue
		}
		if len(items) == f.Limit {
			return items, writeCursor(items[len(items)-1].Occasions[0]), nil
		}
		items = append(items, o)
	}
	return items, "", nil
}

// entries are the programme's lines in [from, before): from memory, or for
// another stretch from the store in two questions.
func (s *Service) entries(ctx context.Context, now, from, before time.Time) ([]Entry, error) {
	v := s.programme.at(now)
	if !from.Before(v.from) && !before.After(v.to) {
		return v.between(from, before), nil
	}
	found, _, err := s.occasions.Find(ctx, store.Query{Index: "starts", From: from, Before: before, Limit: 1000})
	if err != nil {
		return nil, fmt.Errorf("find occasions: %w", err)
	}
	activities, err := s.activitiesOf(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("find activities: %w", err)
	}
	offers := map[string]*offer{}
	var out []Entry
	for _, o := range found {
		a := activities[o.Activity]
		if !a.Published {
			continue
		}
		if offers[a.ID] == nil {
			offers[a.ID] = &offer{a, s.leader(ctx, a)}
		}
		out = append(out, Entry{o.Brief(), offers[a.ID]})
	}
	return out, nil
}

var errCursor = halsocoach.Invalid(halsocoach.Field{Name: "after", Text: "Listan går inte att fortsätta härifrån. Börja om från början."})

// The programme is public and so are its cursors: start and id of an occasion.
func writeCursor(b Brief) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(b.Starts.UnixMilli(), 10) + "/" + b.ID))
}

// after says whether b comes after what a cursor says.
func (b Brief) after(start int64, id string) bool {
	return cmp.Or(cmp.Compare(b.Starts.UnixMilli(), start), cmp.Compare(b.ID, id)) > 0
}

func readCursor(s string) (start int64, id string, err error) {
	if s == "" {
		return 0, "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	at, id, ok := strings.Cut(string(raw), "/")
	if err != nil || !ok {
		return 0, "", errCursor
	}
	if start, err = strconv.ParseInt(at, 10, 64); err != nil {
		return 0, "", errCursor
	}
	return start, id, nil
}
