package operation

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"halsocoach"
)

// Part is something that the program stands on.
type Part struct {
	What  What
	Check func(context.Context) error
}

// What names a part.
type What string

// The parts.
const (
	Store  What = "store"
	Keys   What = "keys"
	Events What = "events"
)

// Queue tells of the work between the packages. internal/event satisfies it.
type Queue interface {
	// Waiting is how many events are not yet done by all who listen, and how
	// many were put aside after too many tries.
	Waiting(ctx context.Context) (waiting, parked int, err error)
}

// Config is what the page needs.
type Config struct {
	Parts   []Part
	Queue   Queue
	Clock   halsocoach.Clock
	Started time.Time // when this process began
	Log     *slog.Logger
}

// Service is the operator's page.
type Service struct{ cfg Config }

// New makes the service.
func New(cfg Config) *Service { return &Service{cfg} }

// Health is how the program is.
type Health struct {
	Parts           []Answer
	Waiting, Parked int
	QueueKnown      bool // Waiting and Parked could be asked for
	Now, Started    time.Time
	Build           Build
}

// Answer is what a part said.
type Answer struct {
	What What
	OK   bool
	Took time.Duration
}

// Well says whether everything answers and nothing was put aside.
func (h Health) Well() bool {
	silent := slices.ContainsFunc(h.Parts, func(a Answer) bool { return !a.OK })
	return !silent && h.QueueKnown && h.Parked == 0
}

// Build is which program runs.
type Build struct {
	Revision string // of the source; "" when it was built without
	Changed  bool   // built from a source that was changed since
	Go       string
}

// patience is how long one part is waited for.
const patience = time.Second

// Health asks every part. Only the operator may; a part that does not answer is
// an answer too.
func (s *Service) Health(ctx context.Context, who halsocoach.Actor) (Health, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleOperator); err != nil {
		return Health{}, err
	}
	h := Health{Now: s.cfg.Clock(), Started: s.cfg.Started, Build: build()}
	for _, p := range s.cfg.Parts {
		h.Parts = append(h.Parts, s.ask(ctx, p))
	}
	if s.cfg.Queue != nil {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		var err error
		h.Waiting, h.Parked, err = s.cfg.Queue.Waiting(ctx)
		if h.QueueKnown = err == nil; err != nil {
			s.cfg.Log.Warn("the operator's page can not ask how many events wait", "error", err)
		}
	}
	return h, nil
}

func (s *Service) ask(ctx context.Context, p Part) Answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := s.cfg.Clock()
	err := p.Check(ctx)
	if err != nil {
		s.cfg.Log.Warn("a part does not answer the operator's page", "part", string(p.What), "error", err)
	}
	return Answer{p.What, err == nil, s.cfg.Clock().Sub(began)}
}

func build() Build {
	b := Build{Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value[:min(len(s.Value), 12)]
		case "vcs.modified":
			b.Changed = s.Value == "true"
		}
	}
	return b
}
