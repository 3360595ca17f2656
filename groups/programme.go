package groups

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// weeksInMemory is how far ahead the programme is kept in memory; a question
// beyond it goes to the store, by index.
const weeksInMemory = 8

// programme is what the public sees, in memory. Writers put what they know;
// readers take the view of the moment without a lock.
type programme struct {
	mu         sync.Mutex
	activities map[string]*offer
	occasions  map[string]Brief
	from, to   time.Time // the stretch that is kept
	version    uint64
	now        atomic.Pointer[view]
}

// offer is an activity with the name of its leader.
type offer struct {
	Activity
	LeaderName string
}

// view is the programme at one moment. It is never changed.
type view struct {
	version  uint64
	from, to time.Time
	until    time.Time // when a state changes by itself; zero = never
	entries  []Entry   // by start, then id
}

// Entry is one line of the programme.
type Entry struct {
	Brief
	Offer *offer
}

func byStart(a, b Brief) int {
	return cmp.Or(a.Starts.Compare(b.Starts), cmp.Compare(a.ID, b.ID))
}

// put takes up an occasion, unless a later one is known.
func (p *programme) put(b Brief) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(b)
	p.dirty()
}

func (p *programme) add(b Brief) {
	if b.Starts.Before(p.from) || !b.Starts.Before(p.to) {
		return
	}
	if had, ok := p.occasions[b.ID]; !ok || had.Rev <= b.Rev {
		p.occasions[b.ID] = b
	}
}

func (p *programme) dirty() {
	p.version++
	p.now.Store(nil)
}

// putAll takes up activities and their occasions.
func (p *programme) putAll(offers []offer, briefs []Brief) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range offers {
		p.activities[offers[i].ID] = &offers[i]
	}
	for _, b := range briefs {
		p.add(b)
	}
	p.dirty()
}

// replace takes a whole new stretch. What was put meanwhile and is newer stays.
// It moves the version only when something is different.
func (p *programme) replace(from, to time.Time, offers []offer, briefs []Brief) {
	p.mu.Lock()
	defer p.mu.Unlock()
	had, hadOffers := p.occasions, p.activities
	moved := !p.from.Equal(from) || !p.to.Equal(to) || len(had) != len(briefs) || len(hadOffers) != len(offers)
	p.from, p.to = from, to
	p.occasions, p.activities = make(map[string]Brief, len(briefs)), make(map[string]*offer, len(offers))
	for i := range offers {
		o := &offers[i]
		before := hadOffers[o.ID]
		moved = moved || before == nil || before.LeaderName != o.LeaderName
		p.activities[o.ID] = o
	}
	for _, b := range briefs {
		before, ok := had[b.ID]
		moved = moved || !ok || before.Rev != b.Rev
		p.add(b)
	}
	for id, b := range had {
		if now, ok := p.occasions[id]; (!ok || now.Rev < b.Rev) && hadOffers[b.Activity] != nil {
			p.add(b)
			if p.activities[b.Activity] == nil {
				p.activities[b.Activity] = hadOffers[b.Activity]
			}
		}
	}
	if moved {
		p.dirty()
	}
}

// at is the view at now. When a state has changed by itself since, it is a new
// version.
func (p *programme) at(now time.Time) *view {
	if v := p.now.Load(); v != nil && (v.until.IsZero() || now.Before(v.until)) {
		return v
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.now.Load()
	if v != nil && (v.until.IsZero() || now.Before(v.until)) {
		return v
	}
	if v != nil {
		p.version++
	}
	v = &view{version: p.version, from: p.from, to: p.to, entries: make([]Entry, 0, len(p.occasions))}
	for _, b := range p.occasions {
		a := p.activities[b.Activity]
		if a == nil {
			continue
		}
		v.entries = append(v.entries, Entry{b, a})
		if t := b.Changes(now); !t.IsZero() && (v.until.IsZero() || t.Before(v.until)) {
			v.until = t
		}
	}
	if midnight := halsocoach.DayOf(now).Plus(1).Start(); v.until.IsZero() || midnight.Before(v.until) {
		v.until = midnight // what is shown goes by days
	}
	slices.SortFunc(v.entries, func(a, b Entry) int { return byStart(a.Brief, b.Brief) })
	p.now.Store(v)
	return v
}

// between are the entries that start in [from, before).
func (v *view) between(from, before time.Time) []Entry {
	at := func(t time.Time) int {
		i, _ := slices.BinarySearchFunc(v.entries, t, func(e Entry, t time.Time) int { return e.Starts.Compare(t) })
		return i
	}
	lo := at(from)
	return v.entries[lo:max(lo, at(before))]
}

// Filter is what of the programme somebody asks for. From and To are days, both
// included; "" is today, and four weeks on.
type Filter struct {
	Kommun   string
	Topic    halsocoach.Topic
	From, To halsocoach.Day
	After    string
	Limit    int // activities of a page; 0 = 50
}

// weeksShown is how far ahead the programme goes when nobody says.
const weeksShown = 4

// check fills in what was left out.
func (f *Filter) check(now time.Time) error {
	var bad fields
	_, known := halsocoach.KommunByCode(f.Kommun)
	bad.when(f.Kommun != "" && !known, "kommun", "Välj en kommun i Jönköpings län.")
	bad.when(f.Topic != "" && !f.Topic.Known(), "topic", "Välj ett ämne.")
	if f.From == "" {
		f.From = halsocoach.DayOf(now)
	}
	bad.when(!f.From.Valid(), "from", "Skriv datum som 2026-11-23.")
	if f.To == "" && f.From.Valid() {
		f.To = f.From.Plus(7*weeksShown - 1)
	}
	bad.when(!f.To.Valid(), "to", "Skriv datum som 2026-11-23.")
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
		if f.After != "" && cmp.Or(cmp.Compare(first.Starts.UnixMilli(), start), cmp.Compare(first.ID, id)) <= 0 {
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

// refresh reads the coming weeks from the store, in the background.
func (s *Service) refresh(ctx context.Context) error {
	today := halsocoach.DayOf(s.clock())
	from, to := today.Start(), today.Plus(7*weeksInMemory).Start()
	occasions, err := s.between(ctx, from, to)
	if err != nil {
		return fmt.Errorf("read the programme: %w", err)
	}
	offers, err := s.offers(ctx, occasions)
	if err != nil {
		return fmt.Errorf("read the programme: %w", err)
	}
	s.programme.replace(from, to, offers, briefs(occasions))
	return nil
}

// reload reads some occasions anew, because something happened to them.
func (s *Service) reload(ctx context.Context, ids []string) error {
	occasions, err := s.occasions.Many(ctx, ids...)
	if err != nil {
		return fmt.Errorf("reload occasions: %w", err)
	}
	offers, err := s.offers(ctx, occasions)
	if err != nil {
		return fmt.Errorf("reload occasions: %w", err)
	}
	s.programme.putAll(offers, briefs(occasions))
	return nil
}

// offers are the published activities of the occasions.
func (s *Service) offers(ctx context.Context, occasions []Occasion) ([]offer, error) {
	activities, err := s.activitiesOf(ctx, occasions)
	if err != nil {
		return nil, err
	}
	out := make([]offer, 0, len(activities))
	for _, a := range activities {
		if a.Published {
			out = append(out, offer{a, s.leader(ctx, a)})
		}
	}
	return out, nil
}

func briefs(occasions []Occasion) []Brief {
	out := make([]Brief, len(occasions))
	for i, o := range occasions {
		out[i] = o.Brief()
	}
	return out
}
