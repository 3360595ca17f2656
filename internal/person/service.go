package person

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Numbers tells whether an id has an identity number. The sealer satisfies it.
type Numbers interface {
	// Numbered says whether any number leads to the person, and whether one of
	// them is lasting: a personnummer, which nobody gets another of.
	Numbered(ctx context.Context, person string) (has, lasting bool, err error)
}

// Config is what the service needs. Nudges may be nil where there is one node
// only, as in a command.
type Config struct {
	Store     store.Store
	Numbers   Numbers
	Nudges    store.Nudges
	AccessLog halsocoach.AccessLog
	Clock     halsocoach.Clock
}

// Service answers who is who.
type Service struct {
	Config
	persons store.Collection[Person]

	mu    sync.Mutex
	known map[string]kept
	epoch uint64 // moves on whenever known is dropped
}

// kept is an answer in memory.
type kept struct {
	Identity
	at time.Time
}

const (
	// freshFor is how long an answer is kept; a lost nudge is made good by then.
	freshFor = 4 * time.Second
	mostKept = 50_000
	topic    = "persons"
)

// New makes the service. It can be asked at once; Start lets it hear of what
// other nodes say.
func New(cfg Config) *Service {
	return &Service{Config: cfg, persons: store.In[Person](cfg.Store, kind), known: map[string]kept{}}
}

// Start follows the other nodes until ctx ends.
func (s *Service) Start(ctx context.Context) error {
	if s.Nudges == nil {
		return nil
	}
	stop, err := s.Nudges.OnNudge(topic, func([]byte) { s.drop() })
	if err != nil {
		return fmt.Errorf("person: follow: %w", err)
	}
	context.AfterFunc(ctx, stop)
	return nil
}

// Of is the person behind an id. Of "" is nobody, with the one id "".
func (s *Service) Of(ctx context.Context, id string) (Identity, error) {
	all, err := s.Many(ctx, id)
	return all[id], err
}

// Self is the citizen who asks, for what nobody else may do.
func (s *Service) Self(ctx context.Context, who halsocoach.Actor) (Identity, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return Identity{}, err
	}
	return s.Of(ctx, who.ID)
}

// Protected says whether the person behind an id has protected identity.
func (s *Service) Protected(ctx context.Context, id string) (bool, error) {
	one, err := s.Of(ctx, id)
	return one.Protected, err
}

// Many are the persons behind ids, by each of ids: one question for all that are
// not in memory, and one or two more where somebody has several ids.
func (s *Service) Many(ctx context.Context, ids ...string) (map[string]Identity, error) {
	out, missing, epoch := s.inMemory(ids)
	if len(missing) == 0 {
		return out, nil
	}
	at := time.Now()
	docs, err := s.read(ctx, missing)
	if err != nil {
		return nil, err
	}
	found := identities(docs, missing)
	s.keep(found, at, epoch)
	for _, id := range missing {
		out[id] = found[id]
	}
	return out, nil
}

func (s *Service) inMemory(ids []string) (out map[string]Identity, missing []string, epoch uint64) {
	out = make(map[string]Identity, len(ids))
	oldest := time.Now().Add(-freshFor)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if k, ok := s.known[id]; ok && k.at.After(oldest) {
			out[id] = k.Identity
		} else if !slices.Contains(missing, id) {
			missing = append(missing, id)
		}
	}
	return out, missing, s.epoch
}

// keep puts answers in memory, unless something has been said while they were
// read.
func (s *Service) keep(found map[string]Identity, at time.Time, epoch uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.epoch != epoch {
		return
	}
	if len(s.known)+len(found) > mostKept {
		clear(s.known)
	}
	for id, one := range found {
		s.known[id] = kept{one, at}
	}
}

func (s *Service) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
	s.epoch++
}

// said drops what is in memory here and on the other nodes.
func (s *Service) said() {
	s.drop()
	if s.Nudges != nil {
		s.Nudges.Nudge(topic, nil)
	}
}

// read finds the documents of ids and of all that hang together with them. A
// person has at most MostIDs, so the rounds are few.
func (s *Service) read(ctx context.Context, ids []string) (map[string]Person, error) {
	docs, asked := map[string]Person{}, map[string]bool{}
	for next := ids; len(next) > 0; {
		for _, id := range next {
			asked[id] = true
		}
		found, err := s.persons.Many(ctx, next...)
		if err != nil {
			return nil, fmt.Errorf("person: read: %w", err)
		}
		next = nil
		for _, p := range found {
			docs[p.ID] = p
			for _, id := range p.near() {
				if !asked[id] {
					asked[id], next = true, append(next, id)
				}
			}
		}
	}
	return docs, nil
}

// Protect says that a person has protected identity, and is done when it returns
// nil. Anybody who is signed in may say it of a person they may act on; that is
// for the caller to have seen to. Again is nothing.
func (s *Service) Protect(ctx context.Context, who halsocoach.Actor, id string, where Where) error {
	if !who.SignedIn() {
		return halsocoach.ErrSignIn
	}
	if id == "" {
		return halsocoach.ErrNotFound
	}
	p, err := s.persons.Get(ctx, id)
	if err == nil && p.Protected != nil {
		return nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("person: protect: %w", err)
	}
	if err := s.AccessLog.Saw(ctx, who, halsocoach.ActProtectPerson, string(where), id); err != nil {
		return err
	}
	fresh := Protection{Since: s.Clock().UTC(), By: who.ID, Where: where}
	_, err = s.persons.Upsert(ctx, id, func(p *Person) ([]halsocoach.Event, error) {
		if p.Protected != nil {
			return nil, nil
		}
		p.ID, p.Protected = id, &fresh
		return changed(fresh.Since), nil
	})
	if err != nil {
		return fmt.Errorf("person: protect: %w", err)
	}
	s.said()
	return nil
}

// Unprotect says that a person has protected identity no more. It is the region's
// to say, of all ids of the person at once; why is what the decision rests on.
func (s *Service) Unprotect(ctx context.Context, who halsocoach.Actor, id, why string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleRegion); err != nil {
		return err
	}
	if why == "" {
		return halsocoach.Invalid(halsocoach.Field{Name: "why", Text: "Skriv vad beslutet bygger på."})
	}
	s.drop()
	one, err := s.Of(ctx, id)
	if err != nil {
		return err
	}
	if !one.Protected {
		return nil
	}
	if err := s.AccessLog.Saw(ctx, who, halsocoach.ActUnprotectPerson, why, one.IDs...); err != nil {
		return err
	}
	now := s.Clock()
	for _, member := range one.IDs {
		_, err := s.persons.Update(ctx, member, func(p *Person) ([]halsocoach.Event, error) {
			if p.Protected == nil {
				return nil, nil
			}
			p.Protected = nil
			return changed(now), nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("person: unprotect: %w", err)
		}
	}
	s.said()
	return nil
}

// Join says that two ids are one person. Whether who may see both is for the
// caller to have seen to. Two who both have a personnummer are two persons:
// ErrTwoNumbers. Again is nothing.
func (s *Service) Join(ctx context.Context, who halsocoach.Actor, a, b string) error {
	if !who.Staff() {
		return halsocoach.ErrForbidden
	}
	for range 10 {
		s.drop()
		both, err := s.Many(ctx, a, b)
		if err != nil {
			return err
		}
		if both[a].Has(b) {
			return nil
		}
		if err := s.mayJoin(ctx, both[a], both[b]); err != nil {
			return err
		}
		if err := s.AccessLog.Saw(ctx, who, halsocoach.ActJoinPersons, "", All(both)...); err != nil {
			return err
		}
		done, err := s.point(ctx, who, both[a].root(), both[b].root())
		if err != nil {
			return fmt.Errorf("person: join: %w", err)
		}
		if done {
			s.said()
			return nil
		}
	}
	return halsocoach.ErrBusy
}

func (s *Service) mayJoin(ctx context.Context, a, b Identity) error {
	if len(a.IDs)+len(b.IDs) > MostIDs {
		return ErrTooManyIDs
	}
	var lasting [2]bool
	for i, ids := range [][]string{a.IDs, b.IDs} {
		for _, id := range ids {
			_, has, err := s.Numbers.Numbered(ctx, id)
			if err != nil {
				return fmt.Errorf("person: join: %w", err)
			}
			lasting[i] = lasting[i] || has
		}
	}
	if lasting[0] && lasting[1] {
		return ErrTwoNumbers
	}
	return nil
}

// point lets the later of two ids point at the earlier one. It is not done when
// the later one points somewhere already: somebody else was first.
func (s *Service) point(ctx context.Context, who halsocoach.Actor, a, b string) (done bool, err error) {
	first, last := min(a, b), max(a, b)
	_, err = s.persons.Upsert(ctx, first, func(p *Person) ([]halsocoach.Event, error) {
		p.ID = first
		if !slices.Contains(p.Joined, last) {
			p.Joined = append(p.Joined, last)
		}
		return nil, nil
	})
	if err != nil {
		return false, err
	}
	join := Join{To: first, At: s.Clock().UTC(), By: who.ID}
	_, err = s.persons.Upsert(ctx, last, func(p *Person) ([]halsocoach.Event, error) {
		if done = p.Same == nil; !done {
			return nil, nil
		}
		p.ID, p.Same = last, &join
		return changed(join.At), nil
	})
	return done, err
}

// Part takes back a join: id is Joined.ID. What was written meanwhile belongs to
// the id it was written with. The other's Joined stays: it only says where to
// look. Whether who may see the person is for the caller to
// have seen to.
func (s *Service) Part(ctx context.Context, who halsocoach.Actor, id string) error {
	if !who.Staff() {
		return halsocoach.ErrForbidden
	}
	p, err := s.persons.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && p.Same == nil {
		return ErrNotJoined
	}
	if err != nil {
		return fmt.Errorf("person: part: %w", err)
	}
	if err := s.AccessLog.Saw(ctx, who, halsocoach.ActPartPersons, "", id, p.Same.To); err != nil {
		return err
	}
	now := s.Clock()
	_, err = s.persons.Update(ctx, id, func(p *Person) ([]halsocoach.Event, error) {
		if p.Same == nil {
			return nil, nil
		}
		p.Same = nil
		return changed(now), nil
	})
	if err != nil {
		return fmt.Errorf("person: part: %w", err)
	}
	s.said()
	return nil
}

// Each calls do with every id of which something has been said. What this node
// holds in memory of anybody is read anew from here on, so that a consumer of
// EventChanged works with what was said.
func (s *Service) Each(ctx context.Context, do func(id string) error) error {
	s.drop()
	return s.persons.Each(ctx, func(id string, _ Person) error { return do(id) })
}

// All is every id of the persons behind ids, for whoever reads by person.
func All(of map[string]Identity) []string {
	var out []string
	for _, one := range of {
		out = append(out, one.IDs...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
