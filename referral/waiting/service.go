package waiting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Status is how a recommendation stands, as package referral tells it.
type Status = struct {
	Centre    string
	Received  time.Time // at this centre
	Open      bool      // a coach is still to decide
	TakenIn   bool      // the person was accepted, whatever came after
	Protected bool
}

// Recommendations are asked for what a recommendation's document says now.
type Recommendations interface {
	Status(ctx context.Context, id string) (Status, error)
	// IDsAbout are the ids of what there is about one id of a person.
	IDsAbout(ctx context.Context, person string) ([]string, error)
}

// Persons are asked of whom something has been said: that they have protected
// identity, or that two ids are one.
type Persons interface {
	Each(ctx context.Context, do func(id string) error) error
}

// Enrolments are asked for the enrolment that a recommendation led to, and for
// which recommendation an enrolment was made from.
type Enrolments interface {
	FromReferral(ctx context.Context, referral string) (halsocoach.Enrolment, error)
	Enrolment(ctx context.Context, id string) (halsocoach.Enrolment, error)
}

// Talks are asked for the day of the first talk that was held within an
// enrolment, "" before there is one.
type Talks interface {
	FirstHeld(ctx context.Context, enrolment string) (halsocoach.Day, error)
}

// Config is what the service needs.
type Config struct {
	Store           store.Store
	Bus             store.Nudges // may be nil for commands
	Clock           halsocoach.Clock
	Log             *slog.Logger
	Recommendations Recommendations
	Persons         Persons
	Enrolments      Enrolments
	Talks           Talks
	Registers       halsocoach.Registers
	Settings        halsocoach.Settings
}

// Service measures the waiting. It satisfies halsocoach.Waits.
type Service struct {
	Config
	days    store.Collection[arrivals]
	sums    store.Collection[centreSum]
	centres *store.Mirror[centreSum]

	mu   sync.Mutex
	told map[string]telling // by the centre, or the kommun with a stroke behind
}

// New makes the service; its memory is empty until Load or Start.
func New(cfg Config) *Service {
	s := &Service{Config: cfg, days: store.In[arrivals](cfg.Store, daysKind), sums: store.In[centreSum](cfg.Store, sumsKind), told: map[string]telling{}}
	s.centres = store.NewMirror(s.sums, nudgeSum, func(c centreSum) (string, time.Time) { return c.Centre, c.Changed })
	return s
}

// Load reads the sums once, for commands that do not Start.
func (s *Service) Load(ctx context.Context) error {
	if err := s.centres.Load(ctx); err != nil {
		return fmt.Errorf("waiting: %w", err)
	}
	return nil
}

// telling is what was last told, and of what.
type telling struct {
	on      halsocoach.Day
	hide    int
	changed []time.Time // of each centre's sum
	wait    halsocoach.Wait
	ok      bool
}

// Wait is that of a centre; false when too few have had their talk. How many
// wait now may be there all the same.
func (s *Service) Wait(ctx context.Context, centre string) (halsocoach.Wait, bool, error) {
	return s.tell(ctx, centre, halsocoach.KommunOfCentre(centre), []string{centre})
}

// Waits are those of all centres of which enough is known.
func (s *Service) Waits(ctx context.Context) (map[string]halsocoach.Wait, error) {
	out := map[string]halsocoach.Wait{}
	for _, c := range s.centres.All(func(centreSum) bool { return true }) {
		w, ok, err := s.Wait(ctx, c.Centre)
		if err != nil {
			return nil, err
		}
		if ok {
			out[c.Centre] = w
		}
	}
	return out, nil
}

// KommunWaits are those of the kommuner, each over its open centres, with N = 0
// where too few have had their talk.
func (s *Service) KommunWaits(ctx context.Context) (map[string]halsocoach.Wait, error) {
	centres, err := s.Registers.Centres(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("waits of the kommuner: %w", err)
	}
	of := map[string][]string{}
	for _, c := range centres {
		of[c.Kommun] = append(of[c.Kommun], c.Code)
	}
	out := map[string]halsocoach.Wait{}
	for kommun, codes := range of {
		if out[kommun], _, err = s.tell(ctx, kommun+"/", kommun, codes); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tell measures some centres as one place, unless that has been done and nothing
// has changed since.
func (s *Service) tell(ctx context.Context, key, kommun string, codes []string) (halsocoach.Wait, bool, error) {
	today := halsocoach.DayOf(s.Clock())
	terms, err := s.Settings.Terms(ctx, kommun, "", today)
	if err != nil {
		return halsocoach.Wait{}, false, fmt.Errorf("terms of %s: %w", kommun, err)
	}
	places, changed := make([][]dayOf, len(codes)), make([]time.Time, len(codes))
	for i, code := range codes {
		c, _ := s.centres.Get(code) // nothing yet is no days
		places[i], changed[i] = c.Days, c.Changed
	}
	s.mu.Lock()
	have, there := s.told[key]
	s.mu.Unlock()
	if there && have.on == today && have.hide == terms.HideBelow && slices.EqualFunc(have.changed, changed, time.Time.Equal) {
		return have.wait, have.ok, nil
	}
	w, ok := measure(places, terms.HideBelow, today)
	s.mu.Lock()
	if len(s.told) > toldAtMost {
		clear(s.told)
	}
	s.told[key] = telling{today, terms.HideBelow, changed, w, ok}
	s.mu.Unlock()
	return w, ok, nil
}

// toldAtMost bounds the memory of what was told: a centre is asked for by a code
// that anybody may write.
const toldAtMost = 1000

// fold brings the numbers up to how a recommendation stands now. Doing it again
// changes nothing.
func (s *Service) fold(ctx context.Context, referral string) error {
	homes, err := s.homesOf(ctx, referral)
	if err != nil {
		return err
	}
	id := entryID(referral)
	for _, at := range homes {
		err := s.settle(ctx, at, func(a *arrivals) (bool, error) {
			f, err := s.find(ctx, referral)
			return err == nil && a.enter(id, f), err
		})
		if err != nil {
			return fmt.Errorf("fold the wait of %s: %w", referral, err)
		}
		if err := s.addUp(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// home is where a recommendation stands in the numbers, for as long as it is: the
// centre, and the day on which it was received there.
type home struct {
	centre string
	day    halsocoach.Day
}

// homesOf is its home. One that is erased is looked for where it has stood.
func (s *Service) homesOf(ctx context.Context, referral string) ([]home, error) {
	r, err := s.Recommendations.Status(ctx, referral)
	switch {
	case errors.Is(err, halsocoach.ErrNotFound):
		return s.stood(ctx, referral)
	case err != nil:
		return nil, err
	}
	return []home{{r.Centre, halsocoach.DayOf(r.Received)}}, nil
}

// find is how the recommendation stands: waiting, or with the first talk
// held on a day. It is in no number when it was declined, sent on, withdrawn or ended
// before a talk, when it joined a contact that had begun with another, and when the
// person has protected identity.
func (s *Service) find(ctx context.Context, referral string) (finding, error) {
	r, err := s.Recommendations.Status(ctx, referral)
	switch {
	case errors.Is(err, halsocoach.ErrNotFound):
		return finding{erased: true}, nil
	case err != nil || r.Protected:
		return finding{}, err
	case !r.TakenIn:
		return finding{counts: r.Open}, nil
	}
	e, err := s.Enrolments.FromReferral(ctx, referral)
	switch {
	case errors.Is(err, halsocoach.ErrNotFound):
		return finding{counts: true}, nil // taken in, and about to be enrolled
	case err != nil || e.Referral != referral:
		return finding{}, err
	}
	held, err := s.Talks.FirstHeld(ctx, e.ID)
	return finding{counts: held != "" || !e.Ended, held: held}, err
}
