package counts

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
)

// topic is the nudge by which the nodes tell each other that a month has
// changed; its body is the month.
const topic = "counts"

// foldAtOnce is how many documents are written at one time, so that the store
// can take them in one commit.
const foldAtOnce = 32

const (
	publishRest  = time.Second      // between a change and its publishing, so that many become one
	publishAgain = 10 * time.Second // after a fault
	publishEvery = time.Hour        // for what moves by the clock
	publishBack  = 25               // months that are looked at again at the start: what was under way in a stop
)

// Start runs the consumer that folds facts, and the publisher of what is shown.
// It returns once they run; they end with ctx or the bus.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	stop, err := bus.OnNudge(topic, func(body []byte) {
		for _, m := range strings.Fields(string(body)) {
			if Month(m).Valid() {
				s.changed(Month(m))
			}
		}
	})
	if err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	context.AfterFunc(ctx, stop)
	err = bus.ConsumeFacts(ctx, "counts", func(ctx context.Context, facts []halsocoach.Fact) error {
		months, err := s.fold(ctx, facts)
		if err != nil {
			return err
		}
		s.changed(months...)
		s.nudge(bus, months)
		return nil
	})
	if err != nil {
		return fmt.Errorf("counts: %w", err)
	}
	s.lookAgain()
	leases := store.Leases{Store: s.cfg.Store, Clock: s.cfg.Clock, Log: s.cfg.Log}
	p := &publisher{Service: s, bus: bus, leases: leases, said: map[string][]byte{}}
	bus.Go(ctx, p.run)
	bus.Go(ctx, func(ctx context.Context) {
		leases.Every(ctx, "counts.night", publishEvery, func(context.Context) error { s.lookAgain(); return nil })
	})
	return nil
}

// lookAgain has the last months looked at again.
func (s *Service) lookAgain() {
	for i := range publishBack {
		s.changed(s.running().plus(-i))
	}
}

// nudge tells the other nodes that the months have changed.
func (s *Service) nudge(bus *event.Bus, months []Month) {
	text := make([]string, len(months))
	for i, m := range months {
		text[i] = string(m)
	}
	bus.Nudge(topic, []byte(strings.Join(text, " ")))
}

// fold counts facts and returns the months that are affected. It may be
// repeated: what is counted already is not counted again, while the months are
// summed again, in case the first try ended between the two.
func (s *Service) fold(ctx context.Context, facts []halsocoach.Fact) ([]Month, error) {
	byDay := map[dayOfFacts][]halsocoach.Fact{}
	sums := map[dayOfFacts]bool{} // by month: the day is its first
	for _, f := range facts {
		if why := uncountable(f); why != "" {
			s.cfg.Log.Error("fact can not be counted", "fact", f.ID, "why", why)
			continue
		}
		at := dayOfFacts{halsocoach.CountyOr(f.Kommun), f.Day}
		byDay[at] = append(byDay[at], f)
		sums[at.month()] = true
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(foldAtOnce)
	for at, facts := range byDay {
		group.Go(func() error { return s.foldDay(gctx, at, facts) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return s.sumMonths(ctx, sums)
}

// sumMonths sums the months, and returns which they are.
func (s *Service) sumMonths(ctx context.Context, sums map[dayOfFacts]bool) ([]Month, error) {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(foldAtOnce)
	var months []Month
	for at := range sums {
		m := Month(at.day.Month())
		group.Go(func() error { return s.sumMonth(gctx, at.kommun, m) })
		if !slices.Contains(months, m) {
			months = append(months, m)
		}
	}
	slices.Sort(months)
	return months, group.Wait()
}

func uncountable(f halsocoach.Fact) string {
	switch {
	case f.ID == "":
		return "no id"
	case !f.Day.Valid() || !Month(f.Day.Month()).Valid():
		return "no day"
	case !slices.Contains(halsocoach.CountKinds, f.Type):
		return "unknown kind"
	}
	return ""
}

// Published is what other administrative systems read of a kommun (or the
// county) and month, on halsocoach.counts.<kommun>.<yyyy-mm>: suppressed, null
// is hidden.
type Published struct {
	Kommun    string          `json:"kommun"`
	Month     Month           `json:"month"`
	Running   bool            `json:"running"`
	HideBelow int             `json:"hideBelow"`
	Counts    map[string]*int `json:"counts"`
}

// publisher says what has changed to other systems, a moment after it did.
type publisher struct {
	*Service
	bus    *event.Bus
	leases store.Leases
	at     uint64            // said holds while bus.CountsAt is this
	said   map[string][]byte // what is published, by month document; only what has been asked for
}

func (s *publisher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(publishRest):
		}
		for _, m := range s.takeMoved() {
			err := s.publish(ctx, m)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				s.cfg.Log.Warn("counts are not published yet", "month", string(m), "error", err)
				time.AfterFunc(publishAgain, func() { s.changed(m) })
			}
		}
	}
}

func (s *Service) takeMoved() []Month {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Sorted(maps.Keys(s.moved))
	clear(s.moved)
	return out
}

// publish says a month's numbers, of those kommuner where they are others than
// last said by any node. The nodes hear of a change at one time; one of them
// publishes it, and the next finds that there is nothing left to say. Because
// the numbers are read while nobody else publishes, older ones never come last.
func (s *publisher) publish(ctx context.Context, m Month) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if news, err := s.unsaid(ctx, m); err != nil || len(news) == 0 {
		return err
	}
	return s.leases.Alone(ctx, "counts.publish", func(ctx context.Context) error {
		news, err := s.unsaid(ctx, m)
		if err != nil {
			return err
		}
		for kommun, body := range news {
			if err := s.bus.PublishCounts(ctx, kommun, string(m), body); err != nil {
				return err
			}
			s.said[monthID(kommun, m)] = body
		}
		after, err := s.bus.CountsAt(ctx)
		if err == nil && after == s.at+uint64(len(news)) {
			s.at = after // nobody else has said anything
		}
		return err
	})
}

// unsaid are a month's numbers, by kommun, where they are not those that are
// published.
func (s *publisher) unsaid(ctx context.Context, m Month) (map[string][]byte, error) {
	at, err := s.bus.CountsAt(ctx)
	if err != nil {
		return nil, err
	}
	if at != s.at {
		clear(s.said)
		s.at = at
	}
	s.forget(m) // a nudge may have been lost
	a, err := s.Counts(ctx, halsocoach.System("counts publisher"), Query{Table: ByKind, From: m, To: m})
	if err != nil {
		return nil, err
	}
	byKommun := map[string]Published{}
	for _, r := range append(a.Cells, a.Totals...) {
		p, ok := byKommun[r.Kommun]
		if !ok {
			p = Published{r.Kommun, m, r.Running, a.HideBelow, map[string]*int{}}
			byKommun[r.Kommun] = p
		}
		p.Counts[r.Kind] = r.N
	}
	news := map[string][]byte{}
	for kommun, p := range byKommun {
		body, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		id := monthID(kommun, m)
		if _, known := s.said[id]; !known {
			if s.said[id], err = s.bus.PublishedCounts(ctx, kommun, string(m)); err != nil {
				delete(s.said, id)
				return nil, err
			}
		}
		if !bytes.Equal(body, s.said[id]) {
			news[kommun] = body
		}
	}
	return news, nil
}
