package accesslog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Staff knows by what name a colleague and their place of work are called.
type Staff interface {
	Member(ctx context.Context, id string) (halsocoach.StaffMember, error)
	// Workplace is the name of the actor's centre or unit, "" when they have none.
	Workplace(ctx context.Context, who halsocoach.Actor) string
}

// Persons knows under which ids a person stands in the log. Package person does,
// by an adapter.
type Persons interface {
	IDs(ctx context.Context, id string) ([]string, error)
}

// Config lists what the service needs.
type Config struct {
	Store   store.Store
	Staff   Staff
	Persons Persons
	Clock   halsocoach.Clock
}

// Service is the access log of the whole program; it satisfies halsocoach.AccessLog.
type Service struct {
	cfg  Config
	docs store.Collection[row]
}

// Kinds are the package's documents.
func Kinds() []store.Kind { return []store.Kind{accessKind} }

// New opens the log.
func New(cfg Config) *Service { return &Service{cfg, store.In[row](cfg.Store, accessKind)} }

// row is one row of the access log. Name and unit are what they were then.
type row struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Who     string          `json:"who"`
	Name    string          `json:"name"`
	Role    halsocoach.Role `json:"role"`
	Kommun  string          `json:"kommun,omitempty"`
	Unit    string          `json:"unit,omitempty"`
	Act     halsocoach.Act  `json:"act"`
	Why     string          `json:"why,omitempty"`
	Persons []string        `json:"persons"`
	Via     string          `json:"via,omitempty"` // see Actor.Via; with the name it had then
	ViaName string          `json:"viaName,omitempty"`
}

var accessKind = store.Kind{Name: "access", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.M("persons"), store.D("at")}},
	{Name: "who", Fields: []store.Field{store.T("who"), store.D("at")}},
}}

// Seen is a row as the person it is about sees it.
type Seen struct {
	At      time.Time
	Name    string
	Role    halsocoach.Role
	Kommun  string
	Unit    string
	Act     halsocoach.Act
	Why     string
	Via     string // staff id of who let them in by a link, when that was somebody else
	ViaName string
}

// Reading is what one person did of one thing on one day, the latest time first.
// At is that of the latest.
type Reading struct {
	Seen
	Times []time.Time
}

// seenAtOnce is how many rows of the log a page is made of, and then on to the end
// of their last day.
const seenAtOnce = 100

// Saw saves one row of the access log before the answer leaves; it satisfies
// halsocoach.AccessLog. People who read about themselves, and an answer about
// nobody, leave no row.
func (s *Service) Saw(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, why string, persons ...string) error {
	persons = distinct(persons)
	if !who.Staff() || len(persons) == 0 {
		return nil
	}
	r := row{
		ID: halsocoach.NewID(), At: s.cfg.Clock().UTC(), Who: who.ID, Name: who.Name, Role: who.Role, Kommun: who.Kommun,
		Unit: s.cfg.Staff.Workplace(ctx, who), Act: act, Why: why, Persons: persons,
	}
	if r.Via = who.Via; r.Via != "" {
		if m, err := s.cfg.Staff.Member(ctx, r.Via); err == nil {
			r.ViaName = m.Name
		} else if !errors.Is(err, halsocoach.ErrNotFound) { // the program itself is not in the register
			return fmt.Errorf("write the access log: %w", err)
		}
	}
	if err := s.docs.Insert(ctx, r.ID, r); err != nil {
		return fmt.Errorf("write the access log: %w", err)
	}
	return nil
}

// SeenBy is who has read about the citizen who asks, under any of their ids,
// newest first: whole days before a day ("" = all). next is the day to ask for
// next, "" at the end.
func (s *Service) SeenBy(ctx context.Context, who halsocoach.Actor, before halsocoach.Day) (items []Reading, next halsocoach.Day, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return nil, "", err
	}
	if before != "" && !before.Valid() {
		return nil, "", halsocoach.Invalid(halsocoach.Field{Name: "fore", Text: "Skriv datum som åååå-mm-dd."})
	}
	ids, err := s.cfg.Persons.IDs(ctx, who.ID)
	if err != nil {
		return nil, "", err
	}
	var rows []row
	for _, id := range ids {
		found, ends, err := s.about(ctx, id, before)
		if err != nil {
			return nil, "", fmt.Errorf("read the access log: %w", err)
		}
		rows, next = append(rows, found...), max(next, ends)
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID)) })
	rows = slices.CompactFunc(rows, func(a, b row) bool { return a.ID == b.ID })
	rows = slices.DeleteFunc(rows, func(r row) bool { return halsocoach.DayOf(r.At) < next })
	return fold(ctx, rows), next, nil
}

// about are the rows about one id, whole days before a day, newest first. ends is
// the last of these days when there are older ones.
func (s *Service) about(ctx context.Context, id string, before halsocoach.Day) (rows []row, ends halsocoach.Day, err error) {
	q := store.Query{Index: "person", Equal: []any{id}, Back: true, Limit: seenAtOnce}
	if before != "" {
		q.Before = before.Start()
	}
	rows, more, err := s.docs.Find(ctx, q)
	if err != nil || more == "" {
		return rows, "", err
	}
	last := halsocoach.DayOf(rows[len(rows)-1].At)
	rows = slices.DeleteFunc(rows, func(r row) bool { return halsocoach.DayOf(r.At) == last })
	for q.From, q.Before, q.Limit = last.Start(), last.Plus(1).Start(), 1000; more != ""; q.After = more {
		var found []row
		if found, more, err = s.docs.Find(ctx, q); err != nil {
			return nil, "", err
		}
		rows = append(rows, found...)
	}
	q.From, q.Before, q.After, q.Limit = nil, last.Start(), "", 1
	older, _, err := s.docs.Find(ctx, q)
	if len(older) > 0 {
		ends = last
	}
	return rows, ends, err
}

// fold puts what one person did of one thing on one day, for one reason, into one
// Reading, where the latest of them stands. rows are newest first. Acts that are
// said in the same words are the same thing.
func fold(ctx context.Context, rows []row) []Reading {
	type same struct {
		day                 halsocoach.Day
		who, act, why, via  string
		name, unit, viaName string
	}
	out, at := []Reading{}, map[same]int{}
	for _, r := range rows {
		k := same{halsocoach.DayOf(r.At), r.Who, actText(ctx, r.Act), reason(r.Why), r.Via, r.Name, r.Unit, r.ViaName}
		i, ok := at[k]
		if !ok {
			i, at[k] = len(out), len(out)
			out = append(out, Reading{Seen: Seen{At: r.At, Name: r.Name, Role: r.Role, Kommun: r.Kommun, Unit: r.Unit, Act: r.Act, Why: r.Why, Via: r.Via, ViaName: r.ViaName}})
		}
		out[i].Times = append(out[i].Times, r.At)
	}
	return out
}

func distinct(ids []string) []string {
	seen, out := make(map[string]bool, len(ids)), make([]string, 0, len(ids))
	for _, id := range ids {
		if id != "" && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
