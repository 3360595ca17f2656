package auth

import (
	"context"
	"fmt"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// row is one row of the access log. Name and unit are what they were then.
type row struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Who     string          `json:"who"`
	Name    string          `json:"name"`
	Role    halsocoach.Role `json:"role"`
	Kommun  string          `json:"kommun,omitempty"`
	Unit    string          `json:"unit,omitempty"`
	Act     string          `json:"act"`
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
	Act     string
	Why     string
	Via     string // staff id of who let them in by a link, when that was somebody else
	ViaName string
}

const seenAtOnce = 50

// Saw saves one row of the access log before the answer leaves; it satisfies
// halsocoach.AccessLog. People who read about themselves, and an answer about
// nobody, leave no row.
func (s *Service) Saw(ctx context.Context, who halsocoach.Actor, act, why string, persons ...string) error {
	persons = distinct(persons)
	if !who.Staff() || len(persons) == 0 {
		return nil
	}
	r := row{
		ID: halsocoach.NewID(), At: s.cfg.Clock().UTC(), Who: who.ID, Name: who.Name, Role: who.Role, Kommun: who.Kommun,
		Unit: s.unitName(ctx, who), Act: act, Why: why, Persons: persons,
	}
	if r.Via = who.Via; r.Via != "" {
		m, _ := s.staff.Get(r.Via)
		r.ViaName = m.Name
	}
	if err := s.rows.Insert(ctx, r.ID, r); err != nil {
		return fmt.Errorf("write the access log: %w", err)
	}
	return nil
}

// unitName is where the actor works, by name; "" when the register does not say.
func (s *Service) unitName(ctx context.Context, who halsocoach.Actor) string {
	if s.cfg.Registers == nil {
		return ""
	}
	if who.Unit != "" {
		if u, err := s.cfg.Registers.Unit(ctx, who.Unit); err == nil {
			return u.Name
		}
	}
	if who.Centre != "" {
		if c, err := s.cfg.Registers.Centre(ctx, who.Centre); err == nil {
			return c.Name
		}
	}
	return ""
}

// SeenBy is who has read about the citizen who asks, newest first.
func (s *Service) SeenBy(ctx context.Context, who halsocoach.Actor, after string) (items []Seen, next string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return nil, "", err
	}
	rows, next, err := s.rows.Find(ctx, store.Query{Index: "person", Equal: []any{who.ID}, Back: true, Limit: seenAtOnce, After: after})
	if err != nil {
		return nil, "", fmt.Errorf("read the access log: %w", err)
	}
	items = make([]Seen, len(rows))
	for i, r := range rows {
		items[i] = Seen{At: r.At, Name: r.Name, Role: r.Role, Kommun: r.Kommun, Unit: r.Unit, Act: r.Act, Why: r.Why, Via: r.Via, ViaName: r.ViaName}
	}
	return items, next, nil
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
