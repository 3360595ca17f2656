package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/referral"
)

// scope is where those whom a centre has recommended to it are looked for, apart
// from the search among those who are taken in.
func scope(centre string) string { return "inkorg/" + centre }

// index makes the person of a recommendation findable by name, phone and e-mail
// for as long as it waits or leads on, and not afterwards. People with protected
// identity are never found by likeness.
func (s *Service) index(ctx context.Context, centre, person string) error {
	about, err := s.Referrals.About(ctx, person)
	if err != nil {
		return err
	}
	name, contacts := "", []string(nil)
	for _, r := range about {
		if r.Centre != centre || !r.State.Open() && !r.State.TakenIn() {
			continue
		}
		if r.Protected {
			name, contacts = "", nil
			break
		}
		said, err := s.Referrals.Said(ctx, r)
		if err != nil {
			return err
		}
		for _, w := range said {
			if w.Gone == nil {
				name, contacts = orElse(name, w.Name), append(contacts, w.Phone, w.Email)
			}
		}
	}
	if err := s.Referrals.Seal.IndexName(ctx, scope(centre), person, name); err != nil {
		return err
	}
	return s.Referrals.Seal.IndexContact(ctx, scope(centre), person, contacts...)
}

// Match is somebody at the centre who may be the same person: what is needed to
// recognise them and no more.
type Match struct {
	Referral  string // the latest recommendation of theirs here
	Name      string
	Since     time.Time
	State     referral.State
	ByName    bool
	ByPhone   bool // or e-mail
	Coach     string
	HasNumber bool
	person    string
}

// mostMatches bounds how many are shown.
const mostMatches = 10

// matches are those at the centre who have the same name, phone or e-mail, the
// surest first, without what the coach may not see.
func (s *Service) matches(ctx context.Context, who halsocoach.Actor, r referral.Referral) ([]Match, error) {
	if !r.ShowsPerson(who) {
		return nil, nil
	}
	said, err := s.Referrals.Said(ctx, r)
	if err != nil {
		return nil, err
	}
	var byName, byContact []string
	for _, w := range said {
		if w.Gone != nil {
			continue
		}
		for _, found := range []struct {
			into *[]string
			find func() ([]string, error)
		}{
			{&byName, func() ([]string, error) { return s.Referrals.Seal.SearchName(ctx, scope(r.Centre), w.Name) }},
			{&byContact, func() ([]string, error) {
				return s.Referrals.Seal.SearchContact(ctx, scope(r.Centre), w.Phone, w.Email)
			}},
		} {
			persons, err := found.find()
			if err != nil {
				return nil, fmt.Errorf("matches of %s: %w", r.ID, err)
			}
			*found.into = append(*found.into, persons...)
		}
	}
	var out []Match
	sure := slices.DeleteFunc(slices.Clone(byContact), func(p string) bool { return !slices.Contains(byName, p) })
	for _, person := range slices.Concat(sure, byContact, byName) {
		if person == r.Person || slices.ContainsFunc(out, func(m Match) bool { return m.person == person }) || len(out) >= mostMatches {
			continue
		}
		m, ok, err := s.match(ctx, who, person)
		if err != nil {
			return nil, err
		}
		if m.ByName, m.ByPhone = slices.Contains(byName, person), slices.Contains(byContact, person); ok {
			out = append(out, m)
		}
	}
	return out, nil
}

// match is a person as they are shown; false for whom the coach may not see.
func (s *Service) match(ctx context.Context, who halsocoach.Actor, person string) (Match, bool, error) {
	about, err := s.Referrals.About(ctx, person)
	if err != nil {
		return Match{}, false, err
	}
	i := slices.IndexFunc(about, func(r referral.Referral) bool { return r.ShowsPerson(who) })
	if i < 0 {
		return Match{}, false, nil
	}
	r := about[i]
	said, err := s.Referrals.Said(ctx, r)
	if err != nil {
		return Match{}, false, err
	}
	m := Match{Referral: r.ID, Since: r.Received, State: r.State, person: person}
	for _, w := range said {
		m.Name = orElse(w.Name, m.Name)
	}
	coach := ""
	if v := r.Verdict(); v != nil {
		coach = v.By
	} else if r.Taken != nil {
		coach = r.Taken.By
	}
	if coach != "" {
		if m.Coach, err = s.colleague(ctx, coach); err != nil {
			return Match{}, false, err
		}
	}
	m.HasNumber, _, err = s.Referrals.Seal.Numbered(ctx, person)
	return m, true, err
}

// Same is the page on which a coach says that two are one person.
type Same struct {
	referral.Item
	HasNumber bool
	Matches   []Match
	Merges    []Merge // into the person, that can be undone
}

// Same are those at the centre who may be the person of a recommendation; each who
// is shown is logged.
func (s *Service) Same(ctx context.Context, who halsocoach.Actor, id string) (Same, error) {
	d, err := s.Referrals.Read(ctx, who, id)
	if err != nil {
		return Same{}, err
	}
	v := Same{Item: d.Item}
	if v.Matches, err = s.matches(ctx, who, d.Doc); err != nil {
		return Same{}, err
	}
	persons := make([]string, len(v.Matches))
	for i, m := range v.Matches {
		persons[i] = m.person
	}
	if err := s.saw(ctx, who, "read matches", persons...); err != nil {
		return Same{}, err
	}
	if v.HasNumber, _, err = s.Referrals.Seal.Numbered(ctx, d.Doc.Person); err != nil {
		return Same{}, err
	}
	v.Merges, err = s.undoable(ctx, d.Doc.Person)
	return v, err
}

// heard keeps the search true after something has happened to a recommendation,
// and takes along what came to a person who has been merged meanwhile.
func (s *Service) heard(ctx context.Context, e halsocoach.Event) error {
	switch e.Type {
	case EventMerged:
		return settled(s.carryOut(ctx, e.Subject))
	case EventUnmerged:
		return s.carryBack(ctx, e.Subject)
	}
	r, err := s.Referrals.ByEvent(ctx, e.Subject)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if m, err := s.merges.Get(ctx, mergeID(r.Person)); err == nil && m.Undone == nil {
		return settled(s.carryOut(ctx, m.ID))
	} else if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	err = s.index(ctx, r.Centre, r.Person)
	if errors.Is(err, seal.ErrBox) {
		if err = s.mend(ctx, r); err == nil {
			err = s.index(ctx, r.Centre, r.Person)
		}
	}
	if err != nil {
		return fmt.Errorf("index the person of %s: %w", r.ID, err)
	}
	return nil
}
