package inbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/referral/record"
)

// scope is where those whom a centre has recommended to it are looked for, apart
// from the search among those who are taken in.
func scope(centre string) string { return "inkorg/" + centre }

// index makes the person of a recommendation findable by name, phone and e-mail
// for as long as it waits or leads on, and not afterwards. Who has protected
// identity is left out when they are found, since it may be learnt later.
func (s *Service) index(ctx context.Context, centre, person string) error {
	about, err := s.Records.About(ctx, person)
	if err != nil {
		return err
	}
	about = slices.DeleteFunc(about, func(r record.Referral) bool {
		return r.Centre != centre || !r.State.Open() && !r.State.TakenIn()
	})
	said, err := s.Records.Open(ctx, about...)
	if err != nil {
		return err
	}
	name, contacts := "", []string(nil)
	for _, w := range said {
		if w.From.Gone == nil {
			name, contacts = cmp.Or(name, w.Name), append(contacts, w.Phone, w.Email)
		}
	}
	if err := s.Records.Seal.IndexName(ctx, scope(centre), person, name); err != nil {
		return err
	}
	return s.Records.Seal.IndexContact(ctx, scope(centre), person, contacts...)
}

// Match is somebody at the centre who may be the same person: what is needed to
// recognise them and no more.
type Match struct {
	Referral  string // the latest recommendation of theirs here
	Name      string
	Since     time.Time
	State     record.State
	ByName    bool
	ByPhone   bool // or e-mail
	Coach     string
	HasNumber bool
	person    person.Identity
}

// mostMatches bounds how many are shown.
const mostMatches = 10

// matches are those at the centre who have the same name, phone or e-mail, the
// surest first, without who has protected identity, what the coach may not see, and
// who is the same person already.
func (s *Service) matches(ctx context.Context, who halsocoach.Actor, r record.Referral, one person.Identity) ([]Match, error) {
	if !r.ShowsPerson(who, one.Protected) {
		return nil, nil
	}
	byName, byContact, err := s.alike(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("matches of %s: %w", r.ID, err)
	}
	sure := slices.DeleteFunc(slices.Clone(byContact), func(p string) bool { return !slices.Contains(byName, p) })
	found := slices.Concat(sure, byContact, byName)
	persons, err := s.Records.Persons.Many(ctx, found...)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{one.Key(): true}
	var out []Match
	for _, id := range found {
		other := persons[id]
		if seen[other.Key()] || other.Protected || len(out) >= mostMatches {
			continue
		}
		seen[other.Key()] = true
		m, ok, err := s.match(ctx, who, other)
		if err != nil {
			return nil, err
		}
		if m.ByName, m.ByPhone = slices.ContainsFunc(other.IDs, in(byName)), slices.ContainsFunc(other.IDs, in(byContact)); ok {
			out = append(out, m)
		}
	}
	return out, nil
}

func in(all []string) func(string) bool {
	return func(id string) bool { return slices.Contains(all, id) }
}

// alike are the ids of those at the centre who are found by the name and by the
// contacts that r's senders have said.
func (s *Service) alike(ctx context.Context, r record.Referral) (byName, byContact []string, err error) {
	said, err := s.Records.Open(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range said {
		if w.From.Gone != nil {
			continue
		}
		names, err := s.Records.Seal.SearchName(ctx, scope(r.Centre), w.Name)
		if err != nil {
			return nil, nil, err
		}
		contacts, err := s.Records.Seal.SearchContact(ctx, scope(r.Centre), w.Phone, w.Email)
		if err != nil {
			return nil, nil, err
		}
		byName, byContact = append(byName, names...), append(byContact, contacts...)
	}
	return byName, byContact, nil
}

// match is a person as they are shown; false for whom the coach may not see.
func (s *Service) match(ctx context.Context, who halsocoach.Actor, one person.Identity) (Match, bool, error) {
	about, err := s.Records.About(ctx, one.IDs...)
	if err != nil {
		return Match{}, false, err
	}
	i := slices.IndexFunc(about, func(r record.Referral) bool { return r.ShowsPerson(who, one.Protected) })
	if i < 0 {
		return Match{}, false, nil
	}
	r := about[i]
	said, err := s.Records.Open(ctx, r)
	if err != nil {
		return Match{}, false, err
	}
	m := Match{Referral: r.ID, Since: r.Received, State: r.State, person: one}
	for _, w := range said {
		m.Name = cmp.Or(w.Name, m.Name)
	}
	coach := ""
	if v := r.Verdict(); v != nil {
		coach = v.By
	} else if r.Taken != nil {
		coach = r.Taken.By
	}
	if coach != "" {
		if m.Coach, err = s.Records.Colleague(ctx, coach); err != nil {
			return Match{}, false, err
		}
	}
	m.HasNumber, err = s.numbered(ctx, one)
	return m, true, err
}

// numbered says whether a number leads to any of the person's ids.
func (s *Service) numbered(ctx context.Context, one person.Identity) (bool, error) {
	for _, id := range one.IDs {
		if has, _, err := s.Records.Seal.Numbered(ctx, id); err != nil || has {
			return has, err
		}
	}
	return false, nil
}

// Join is that a coach has said that two are one person.
type Join struct {
	ID string // to part them by
	At time.Time
	By string // name
}

// Same is the page on which a coach says that two are one person.
type Same struct {
	Item
	Matches []Match
	Joins   []Join // the latest first
}

// Same are those at the centre who may be the person of a recommendation; each who
// is shown is logged.
func (s *Service) Same(ctx context.Context, who halsocoach.Actor, id string) (Same, error) {
	d, err := s.read(ctx, who, id)
	if err != nil {
		return Same{}, err
	}
	v := Same{Item: d.Item}
	if !d.Shown {
		return v, nil
	}
	if v.Matches, err = s.matches(ctx, who, d.Doc, d.Person); err != nil {
		return Same{}, err
	}
	var persons []string
	for _, m := range v.Matches {
		persons = append(persons, m.person.IDs...)
	}
	if len(persons) > 0 {
		if err := s.Records.AccessLog.Saw(ctx, who, halsocoach.ActReadMatches, "rekommendation", persons...); err != nil {
			return Same{}, err
		}
	}
	joins, _, err := s.joins(ctx, who, d.Person)
	if err != nil {
		return Same{}, err
	}
	for _, j := range joins {
		by, err := s.Records.Colleague(ctx, j.By)
		if err != nil {
			return Same{}, err
		}
		v.Joins = append(v.Joins, Join{ID: j.ID, At: j.At, By: by})
	}
	return v, nil
}

// Join says that the persons of two recommendations are one. A coach chooses among
// those who are shown as alike, may see both, and says that they are sure. Nothing is
// moved: what is open of the two here stands together from now on. Again is nothing.
func (s *Service) Join(ctx context.Context, who halsocoach.Actor, id, other string, sure bool) error {
	a, one, err := s.shown(ctx, who, id)
	if err != nil {
		return err
	}
	var faults []halsocoach.Field
	if other == "" {
		faults = append(faults, halsocoach.Field{Name: "other", Text: "Välj vem det är."})
	}
	if !sure {
		faults = append(faults, halsocoach.Field{Name: "sure", Text: "Bekräfta att du vet att det är samma person."})
	}
	if err := halsocoach.Invalid(faults...); err != nil {
		return err
	}
	b, two, err := s.shown(ctx, who, other)
	if err != nil {
		return err
	}
	if one.Key() == two.Key() {
		return nil
	}
	all, err := s.matches(ctx, who, a, one)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(m Match) bool { return m.person.Key() == two.Key() }) {
		return halsocoach.Invalid(halsocoach.Field{Name: "other", Text: "Välj en av dem som visas här."})
	}
	return s.Persons.Join(ctx, who, a.Person, b.Person)
}

// joins are those of a person that the coach may see and take back, with all
// recommendations about the person: their own, and those of which they may see a
// recommendation under either id.
func (s *Service) joins(ctx context.Context, who halsocoach.Actor, one person.Identity) ([]person.Joined, []record.Referral, error) {
	if len(one.Joins) == 0 {
		return nil, nil, nil
	}
	about, err := s.Records.About(ctx, one.IDs...)
	sees := func(id string) bool {
		return slices.ContainsFunc(about, func(r record.Referral) bool { return r.Person == id && r.ShowsPerson(who, one.Protected) })
	}
	return slices.DeleteFunc(slices.Clone(one.Joins), func(j person.Joined) bool {
		return j.By != who.ID && (!sees(j.ID) || !sees(j.To))
	}), about, err
}

// ErrTakenInTogether is why two who have been taken in as one are not parted: what
// has been agreed since is about both.
var ErrTakenInTogether = halsocoach.Conflict("taken_in_together", "De har tagits emot som en person. Avsluta kontakten först, sedan går det att ångra.")

// Part takes back a join that the coach may see. What was said under an id goes with
// it.
func (s *Service) Part(ctx context.Context, who halsocoach.Actor, id, join string) error {
	_, one, err := s.shown(ctx, who, id)
	if err != nil {
		return err
	}
	joins, about, err := s.joins(ctx, who, one)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(joins, func(j person.Joined) bool { return j.ID == join }) {
		return person.ErrNotJoined
	}
	takenIn := map[string]string{} // enrolment → person
	for _, r := range about {
		if !r.State.TakenIn() || r.State == record.Ended {
			continue
		}
		if other, met := takenIn[r.Enrolment]; met && other != r.Person {
			return ErrTakenInTogether
		}
		takenIn[r.Enrolment] = r.Person
	}
	return s.Persons.Part(ctx, who, join)
}

// shown is a recommendation whose person the coach may see.
func (s *Service) shown(ctx context.Context, who halsocoach.Actor, id string) (record.Referral, person.Identity, error) {
	r, one, err := s.of(ctx, who, id)
	if err == nil && !r.ShowsPerson(who, one.Protected) {
		err = halsocoach.ErrNotFound
	}
	return r, one, err
}
