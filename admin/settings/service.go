package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/internal/store"
)

// Config lists what the service needs.
type Config struct {
	Store     store.Store
	Bus       store.Nudges
	Clock     halsocoach.Clock
	Log       *slog.Logger
	Registers halsocoach.Registers
}

// Service is the settings.
type Service struct {
	cfg  Config
	docs store.Collection[document]
	held *store.Mirror[document]
}

// New makes the service; until Start the defaults stand.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, docs: store.In[document](cfg.Store, kind)}
	s.held = mirror(s.docs)
	return s
}

// Terms are those in force on a day, from memory: the centre's own, else the
// kommun's, else the defaults. It satisfies halsocoach.Settings.
func (s *Service) Terms(_ context.Context, kommun, centre string, on halsocoach.Day) (halsocoach.Terms, error) {
	if kommun == "" {
		kommun = halsocoach.KommunOfCentre(centre)
	}
	t := halsocoach.DefaultTerms
	if doc, ok := s.held.Get(idOf(kommun, "")); ok {
		t = doc.over(t, on, false)
	}
	if centre == "" {
		return t, nil
	}
	if doc, ok := s.held.Get(idOf(kommun, centre)); ok {
		t = doc.over(t, on, true)
	}
	return t, nil
}

// over is t with what the document decides for a day; local keeps to what a
// centre may decide.
func (d document) over(t halsocoach.Terms, on halsocoach.Day, local bool) halsocoach.Terms {
	for _, one := range all {
		if !local || one.local() {
			one.apply(&d, on, &t)
		}
	}
	return t
}

// Row is one setting as it stands today.
type Row struct {
	Key      string
	Value    string
	Standard string
	Decided  *Entry  // nil: nobody has decided, the standard holds
	Of       string  // whose decision holds: "kommun", "centre" or ""
	Coming   []Entry // decisions that have not begun, the nearest first
	Past     []Entry // decisions that have, also those that no longer hold
	Local    bool
	Min, Max int
	Choices  []string
}

// List is all settings of a kommun, or those that a centre may decide.
func (s *Service) List(ctx context.Context, who halsocoach.Actor, kommun, centre string) ([]Row, error) {
	if err := s.allow(ctx, who, kommun, centre); err != nil {
		return nil, err
	}
	var rows []Row
	for _, one := range all {
		if centre == "" || one.local() {
			rows = append(rows, s.row(one, kommun, centre))
		}
	}
	return rows, nil
}

// One is one setting.
func (s *Service) One(ctx context.Context, who halsocoach.Actor, kommun, centre, key string) (Row, error) {
	if err := s.allow(ctx, who, kommun, centre); err != nil {
		return Row{}, err
	}
	one, ok := find(key)
	if !ok || centre != "" && !one.local() {
		return Row{}, halsocoach.ErrNotFound
	}
	return s.row(one, kommun, centre), nil
}

func (s *Service) row(one setting, kommun, centre string) Row {
	today := halsocoach.DayOf(s.cfg.Clock())
	r := Row{Key: one.key(), Value: one.standard(), Standard: one.standard(), Local: one.local()}
	r.Min, r.Max, r.Choices = one.limits()
	for _, level := range []struct{ of, centre string }{{"kommun", ""}, {"centre", centre}} {
		doc, ok := s.held.Get(idOf(kommun, level.centre))
		if !ok || level.of == "centre" && centre == "" {
			continue
		}
		if e, ok := one.in(&doc, today); ok {
			r.Value, r.Decided, r.Of = e.Value, &e, level.of
		}
		if level.centre == centre {
			for _, e := range one.history(&doc) {
				if e.From > today {
					r.Coming = append(r.Coming, e)
				} else {
					r.Past = append(r.Past, e)
				}
			}
		}
	}
	slices.Reverse(r.Coming)
	return r
}

// allow: the kommun's administrator decides for the kommun and its centres, the
// region may help. Another kommun's settings are not there.
func (s *Service) allow(ctx context.Context, who halsocoach.Actor, kommun, centre string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion, halsocoach.RoleSystem); err != nil {
		return err
	}
	if _, ok := halsocoach.KommunByCode(kommun); !ok || who.Role == halsocoach.RoleKommun && who.Kommun != kommun {
		return halsocoach.ErrNotFound
	}
	if centre == "" {
		return nil
	}
	c, err := s.cfg.Registers.Centre(ctx, centre)
	if err == nil && c.Kommun != kommun {
		err = halsocoach.ErrNotFound
	}
	return err
}

// NewDecision is a value to be decided. Centre is empty for the whole kommun.
type NewDecision struct {
	Kommun, Centre string
	Key, Value     string
	From           halsocoach.Day
	Decision       string // who decided, when, which paragraph
}

const (
	decisionLimit = 300
	aheadLimit    = 2 * 366 // days
)

// check says what is wrong with day and decision; the value is judged by its
// setting.
func (w NewDecision) check(today halsocoach.Day) (bad halsocoach.Faults) {
	bad.When(!w.From.Valid(), "from", "Välj den dag då värdet börjar gälla.")
	bad.When(w.From.Valid() && w.From < today, "from", "Välj i dag eller en senare dag. Det som redan har gällt ändras inte i efterhand.")
	bad.When(w.From.Valid() && w.From > today.Plus(aheadLimit), "from", "Välj en dag inom två år.")
	bad.When(w.Decision == "", "decision", "Skriv vem som har beslutat och när.")
	bad.When(utf8.RuneCountInString(w.Decision) > decisionLimit, "decision", "Texten om beslutet får vara högst 300 tecken.")
	return bad
}

// Decide writes a value down with the day from which it holds and the decision
// behind it. made is false when the same request had been written already.
func (s *Service) Decide(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, w NewDecision) (made bool, err error) {
	if err := s.allow(ctx, who, w.Kommun, w.Centre); err != nil {
		return false, err
	}
	one, ok := find(w.Key)
	if !ok || w.Centre != "" && !one.local() {
		return false, halsocoach.ErrNotFound
	}
	w.Decision, w.Value = strings.Join(strings.Fields(w.Decision), " "), strings.TrimSpace(w.Value)
	now := s.cfg.Clock()
	today := halsocoach.DayOf(now)
	b := behind{From: w.From, At: now.UTC(), By: who.ID, Name: who.Name, Decision: w.Decision, Request: req.ID(who, "setting"), Digest: req.Digest(w)}
	id := idOf(w.Kommun, w.Centre)
	doc, err := s.docs.Upsert(ctx, id, func(doc *document) ([]halsocoach.Event, error) {
		if before, ok := doc.request(b.Request); ok {
			if before != b.Digest {
				return nil, halsocoach.ErrKeyReused
			}
			made = false
			return nil, nil
		}
		var bad halsocoach.Faults
		wrong := one.add(doc, w.Value, b)
		bad.When(wrong != "", "value", wrong)
		bad.When(wrong == "" && doc.agesCross(today), "value", "Den lägsta åldern kan inte vara högre än den högsta.")
		if err := halsocoach.Invalid(append(bad, w.check(today)...)...); err != nil {
			return nil, err
		}
		made = true
		doc.ID, doc.Kommun, doc.Centre, doc.Changed = id, w.Kommun, w.Centre, store.Later(now, doc.Changed)
		return []halsocoach.Event{halsocoach.Happened("settings.changed", now, w.Kommun, id, nil)}, nil
	})
	var fault *halsocoach.Error
	if err != nil && !errors.As(err, &fault) {
		err = fmt.Errorf("decide %s of %s: %w", w.Key, id, err)
	}
	if err == nil {
		s.held.Put(s.cfg.Bus, doc)
	}
	return made, err
}

// request is the digest of what a request before has written.
func (d *document) request(id string) (digest string, ok bool) {
	for _, one := range all {
		for _, e := range one.history(d) {
			if e.Request == id {
				return e.Digest, true
			}
		}
	}
	return "", false
}
