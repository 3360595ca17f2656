package waiting

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/testenv"
)

// records stand for the owners: what their documents say, in memory. Truth is
// asked for under a lock, as a store answers with one version.
type records struct {
	mu         sync.Mutex
	statuses   map[string]Status
	enrolments map[string]halsocoach.Enrolment // by id
	joined     map[string]string               // referral → enrolment
	held       map[string][]halsocoach.Day     // by enrolment
}

func newRecords() *records {
	return &records{statuses: map[string]Status{}, enrolments: map[string]halsocoach.Enrolment{}, joined: map[string]string{}, held: map[string][]halsocoach.Day{}}
}

func (r *records) Status(_ context.Context, id string) (Status, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.statuses[id]
	if !ok {
		return s, fmt.Errorf("status: %w", halsocoach.ErrNotFound)
	}
	return s, nil
}

// IDsAbout: each recommendation is about a person of its own id.
func (r *records) IDsAbout(_ context.Context, id string) ([]string, error) { return []string{id}, nil }

// Each: something has been said of everybody.
func (r *records) Each(_ context.Context, do func(id string) error) error {
	r.mu.Lock()
	ids := slices.Collect(maps.Keys(r.statuses))
	r.mu.Unlock()
	for _, id := range ids {
		if err := do(id); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) FromReferral(_ context.Context, referral string) (halsocoach.Enrolment, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.enrolments[r.joined[referral]]
	if !ok {
		return e, halsocoach.ErrNotFound
	}
	return e, nil
}

func (r *records) Enrolment(_ context.Context, id string) (halsocoach.Enrolment, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.enrolments[id]
	if !ok {
		return e, halsocoach.ErrNotFound
	}
	return e, nil
}

func (r *records) FirstHeld(_ context.Context, enrolment string) (halsocoach.Day, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if days := r.held[enrolment]; len(days) > 0 {
		return slices.Min(days), nil
	}
	return "", nil
}

// wait works a centre's numbers out from the records, by sorting.
func (r *records) wait(centre string, k int, today halsocoach.Day) (halsocoach.Wait, bool) {
	type stay struct{ from, to halsocoach.Day }
	var had, now []stay
	for id, s := range r.statuses {
		from := halsocoach.DayOf(s.Received)
		e, enrolled := r.enrolments[r.joined[id]]
		switch {
		case s.Centre != centre || s.Protected:
		case !s.TakenIn && !s.Open, enrolled && e.Referral != id:
		case enrolled && len(r.held[e.ID]) > 0:
			days := slices.Clone(r.held[e.ID])
			slices.Sort(days)
			had = append(had, stay{from, days[0]})
		case !e.Ended:
			now = append(now, stay{from, today})
		}
	}
	long := func(all []stay) (days []int) {
		for _, s := range all {
			n := 0
			for d := s.from; d < s.to; d = d.Plus(1) {
				n++
			}
			days = append(days, n)
		}
		slices.Sort(days)
		return days
	}
	nearest := func(days []int, share float64) int {
		for i := range days {
			if float64(i+1) >= share*float64(len(days))-1e-9 {
				return days[i]
			}
		}
		return -1
	}
	var w halsocoach.Wait
	for _, window := range []int{90, 180, 365} {
		in := slices.DeleteFunc(slices.Clone(had), func(s stay) bool { return s.to > today || s.to <= today.Plus(-window) })
		if len(in) > 0 && len(in) >= k {
			w = halsocoach.Wait{Median: nearest(long(in), 0.5), P80: nearest(long(in), 0.8), N: len(in), Window: window}
			break
		}
	}
	if n := len(now); n > 0 && n >= k {
		m := nearest(long(now), 0.5)
		w.Waiting, w.WaitingMedian = &n, &m
	}
	return w, w.N > 0
}

// life is a made-up history: each step changes a record and says which event
// that caused.
type life struct {
	*records
	t      *rapid.T
	today  halsocoach.Day
	n      int
	events []halsocoach.Event
}

func (l *life) said(typ, subject string, data any) {
	if !slices.Contains(listens, typ) {
		return // nobody here hears of it
	}
	l.events = append(l.events, halsocoach.Happened(typ, time.Now(), "0684", subject, data))
}

func (l *life) any(what string, keep func(id string) bool) (string, bool) {
	l.mu.Lock()
	var ids []string
	for id := range l.statuses {
		ids = append(ids, id)
	}
	l.mu.Unlock()
	slices.Sort(ids)
	ids = slices.DeleteFunc(ids, func(id string) bool { return !keep(id) })
	if len(ids) == 0 {
		return "", false
	}
	return rapid.SampledFrom(ids).Draw(l.t, what), true
}

func (l *life) set(id string, change func(*Status)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.statuses[id]
	change(&s)
	l.statuses[id] = s
}

var centres = []string{"0684", "0684-2", "0680"}

func (l *life) step() {
	open := func(id string) bool { return l.statuses[id].Open }
	in := func(id string) bool { _, ok := l.joined[id]; return ok }
	switch rapid.SampledFrom([]string{"receive", "receive", "receive", "out", "accept", "accept", "enrol", "enrol", "join", "hold", "hold", "hold", "miss", "end", "hide"}).Draw(l.t, "step") {
	case "receive":
		l.n++
		id := fmt.Sprintf("referral-%d", l.n)
		ago := rapid.IntRange(0, 500).Draw(l.t, "ago")
		l.set(id, func(s *Status) {
			*s = Status{Centre: rapid.SampledFrom(centres).Draw(l.t, "centre"), Received: l.today.Plus(-ago).At(rapid.IntRange(0, 24*60-1).Draw(l.t, "at")), Open: true,
				Protected: rapid.IntRange(0, 9).Draw(l.t, "protected") == 0}
		})
		l.said("referral.received", id, nil)
	case "out":
		if id, ok := l.any("out", open); ok {
			l.set(id, func(s *Status) { s.Open = false })
			l.said(rapid.SampledFrom([]string{"referral.declined", "referral.forwarded", "referral.withdrawn", "referral.erred"}).Draw(l.t, "why"), id, nil)
		}
	case "accept":
		if id, ok := l.any("accept", open); ok {
			l.set(id, func(s *Status) { s.Open, s.TakenIn = false, true })
			l.said("referral.accepted", id, nil)
		}
	case "enrol", "join":
		l.enrol()
	case "hold", "miss":
		if id, ok := l.any("talk", in); ok {
			e := l.joined[id]
			l.mu.Lock()
			typ := "coach.talk_held"
			if len(l.held[e]) > 0 && rapid.Bool().Draw(l.t, "corrected") {
				l.held[e], typ = l.held[e][1:], "coach.talk_missed"
			} else {
				after := rapid.IntRange(0, 60).Draw(l.t, "after")
				l.held[e] = append(l.held[e], halsocoach.DayOf(l.statuses[l.enrolments[e].Referral].Received).Plus(after))
			}
			l.mu.Unlock()
			l.said(typ, "talk", map[string]string{"enrolment": e, "kind": "first"})
		}
	case "end":
		if id, ok := l.any("end", in); ok {
			l.mu.Lock()
			e := l.enrolments[l.joined[id]]
			e.Ended = true
			l.enrolments[e.ID] = e
			l.mu.Unlock()
			l.said("citizen.ended", e.ID, map[string][]string{"referrals": {e.Referral}})
		}
	case "hide":
		if id, ok := l.any("hide", func(string) bool { return true }); ok {
			l.set(id, func(s *Status) { s.Protected = !s.Protected })
			l.said(person.EventChanged, "nobody", nil)
		}
	}
}

// enrol makes the enrolment of one who was taken in, or lets them join another.
func (l *life) enrol() {
	id, ok := l.any("enrol", func(id string) bool { _, in := l.joined[id]; return l.statuses[id].TakenIn && !in })
	if !ok {
		return
	}
	other, joins := l.any("with", func(other string) bool {
		e, in := l.enrolments[l.joined[other]]
		return in && !e.Ended && l.statuses[other].Centre == l.statuses[id].Centre
	})
	l.mu.Lock()
	if joins = joins && rapid.IntRange(0, 3).Draw(l.t, "joins") == 0; joins {
		l.joined[id] = l.joined[other]
	} else {
		e := halsocoach.IDFrom("enrolment", id)
		l.joined[id] = e
		l.enrolments[e] = halsocoach.Enrolment{ID: e, Referral: id, Centre: l.statuses[id].Centre}
	}
	e := l.joined[id]
	l.mu.Unlock()
	if joins {
		l.said("citizen.recommended_again", e, map[string][]string{"referrals": {id}})
	} else {
		l.said("citizen.enrolled", e, map[string][]string{"referrals": {id}})
	}
}

func node(env *testenv.Env, r *records) *Service {
	return New(Config{Store: env.Store, Bus: env.Bus, Clock: env.Clock.Now, Log: env.Log, Recommendations: r, Persons: r, Enrolments: r, Talks: r, Registers: env.Registers, Settings: env.Terms})
}

// TestAnyHistoryInAnyOrderGivesTheSameNumbers: whatever happens, and however late,
// doubled and shuffled two nodes hear of it at one time, the numbers are those
// that the records give.
func TestAnyHistoryInAnyOrderGivesTheSameNumbers(t *testing.T) {
	shown := 0
	testenv.Must(t, flag.Set("rapid.checks", strconv.Itoa(testenv.Count(12, 300))))
	rapid.Check(t, func(rt *rapid.T) {
		env := testenv.New(t, Kinds())
		l := &life{records: newRecords(), t: rt, today: halsocoach.DayOf(env.Clock.Now())}
		k := rapid.IntRange(0, 5).Draw(rt, "k")
		env.Terms.Set(func(terms *halsocoach.Terms) { terms.HideBelow = k })
		nodes := []*Service{node(env, l.records), node(env, l.records)}
		var hearing errgroup.Group
		lot := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "lot"), 1))
		for range rapid.IntRange(60, 240).Draw(rt, "steps") {
			before := len(l.events)
			l.step()
			for _, e := range l.events[before:] { // some are heard while more happens
				if lot.IntN(2) == 0 {
					hearing.Go(func() error { return nodes[int(e.ID[0])%2].heard(context.Background(), e) })
				}
			}
			if lot.IntN(10) == 0 { // and some before it does
				if err := hearing.Wait(); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if err := hearing.Wait(); err != nil {
			rt.Fatal(err)
		}
		late := append(slices.Clone(l.events), l.events...)
		lot.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
		hearing.SetLimit(8)
		for i, e := range late {
			hearing.Go(func() error { return nodes[i%2].heard(context.Background(), e) })
		}
		if err := hearing.Wait(); err != nil {
			rt.Fatal(err)
		}
		fresh := node(env, l.records)
		if err := fresh.Load(context.Background()); err != nil {
			rt.Fatal(err)
		}
		for _, c := range centres {
			got, ok, err := fresh.Wait(context.Background(), c)
			want, wantOK := l.wait(c, k, l.today)
			if err != nil || ok != wantOK || told(got) != told(want) {
				rt.Fatalf("%s, k %d: %v, %s; the records say %s", c, k, err, told(got), told(want))
			}
			if ok {
				shown++
			}
		}
	})
	if shown == 0 {
		t.Fatal("no number was ever shown")
	}
}

func told(w halsocoach.Wait) string {
	text := fmt.Sprint(w.Median, w.P80, w.N, w.Window)
	if w.Waiting != nil {
		text += fmt.Sprint(" and ", *w.Waiting, *w.WaitingMedian)
	}
	return text
}
