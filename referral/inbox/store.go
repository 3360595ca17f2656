package inbox

import (
	"context"
	"fmt"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/referral"
)

var mergeKind = store.Kind{Name: "merges", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person"), store.D("at")}},
	{Name: "due", Fields: []store.Field{store.D("due")}},
}}

// Kinds are the kinds of this package.
func Kinds() []store.Kind { return []store.Kind{mergeKind} }

// Merge is that a person turned out to be another, and what is needed to undo it.
type Merge struct {
	ID       string     `json:"id"` // made from Absorbed
	Person   string     `json:"person"`
	Absorbed string     `json:"absorbed"` // the other id, which leads to Person
	Centre   string     `json:"centre"`
	By       string     `json:"by"` // staff id
	At       time.Time  `json:"at"`
	Due      *time.Time `json:"due,omitempty"` // until then it can be undone
	Moved    []Moved    `json:"moved,omitempty"`
	Undone   *time.Time `json:"undone,omitempty"`
	Name     string     `json:"-"` // of the coach
}

// Moved is a recommendation that has changed its person.
type Moved struct {
	ID   string             `json:"id"`
	Into string             `json:"into,omitempty"` // the one that its sendings joined
	Doc  *referral.Referral `json:"doc,omitempty"`  // how it was, sealed with Absorbed's key, if it joined another
}

func mergeID(absorbed string) string { return halsocoach.IDFrom("merge", absorbed) }

// into are the merges into a person, the latest first.
func (s *Service) into(ctx context.Context, person string) ([]Merge, error) {
	found, _, err := s.merges.Find(ctx, store.Query{Index: "person", Equal: []any{person}, Back: true, Limit: 20})
	if err != nil {
		return nil, fmt.Errorf("merges of a person: %w", err)
	}
	return found, nil
}

// over are merges that can be undone no more and have not been settled.
func (s *Service) over(ctx context.Context, now time.Time) ([]Merge, error) {
	found, _, err := s.merges.Find(ctx, store.Query{Index: "due", Before: now, Limit: 100})
	return found, err
}
