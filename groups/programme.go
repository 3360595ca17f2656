package groups

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"halsocoach"
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

// add takes up an occasion, unless a later one is known.
func (p *programme) add(b Brief) {
	if b.Starts.Before(p.from) || !b.Starts.Before(p.to) {
		return
	}
	if had, ok := p.occasions[b.ID]; !ok || had.Rev <= b.Rev {
		p.occasions[b.ID] = b
	}
}

// knows says whether a state of an occasion, or a later one, is in memory.
func (p *programme) knows(id string, rev int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.occasions[id]
	return ok && b.Rev >= rev
}

func (p *programme) dirty() {
	p.version++
	p.now.Store(nil)
}

// put takes up activities and their occasions.
func (p *programme) put(offers []offer, briefs ...Brief) {
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
	s.programme.put(offers, briefs(occasions)...)
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
