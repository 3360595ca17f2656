package inbox

import (
	"context"
	"fmt"
	"slices"
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
	Due      *time.Time `json:"due,omitempty"` // until then it can be undone, and what was moved is kept
	Moved    []Moved    `json:"moved,omitempty"`
	Undone   *time.Time `json:"undone,omitempty"`
	Name     string     `json:"-"` // of the coach
}

// Moved is a recommendation that changes its person, see move.go. Without Doc it is
// changed where it lies.
type Moved struct {
	ID      string             `json:"id"`
	Into    string             `json:"into,omitempty"`    // what its sendings join: what waited beside it, or own
	Doc     *referral.Referral `json:"doc,omitempty"`     // how it was when it was taken away, sealed with Absorbed's key
	Version string             `json:"version,omitempty"` // in which it was stored then
	Done    bool               `json:"done,omitempty"`    // it has been handed over to Into
	// Shielded says that it became a person's with protected identity, and was not one's.
	Shielded bool `json:"shielded,omitempty"`
	Back     bool `json:"back,omitempty"` // it has been moved back
}

// left says whether it is kept here and not handed over yet.
func (x Moved) left() bool { return x.Doc != nil && !x.Done }

// own is the id it gets when it becomes one of its own again.
func (x Moved) own() string { return halsocoach.IDFrom("moved", x.ID, x.Version) }

func (x Moved) same(y Moved) bool {
	return x.ID == y.ID && x.Into == y.Into && x.Version == y.Version && x.Done == y.Done && x.Shielded == y.Shielded && (x.Doc == nil) == (y.Doc == nil)
}

// unfinished says whether something is left to be handed over, or moved back.
func (m Merge) unfinished() bool {
	return slices.ContainsFunc(m.Moved, func(x Moved) bool {
		if m.Undone != nil {
			return !x.Back
		}
		return x.left()
	})
}

// moved is what the merge notes of a recommendation, or nil.
func (m *Merge) moved(id string) *Moved {
	for i := range m.Moved {
		if m.Moved[i].ID == id {
			return &m.Moved[i]
		}
	}
	return nil
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

// over are merges whose time is out and which have not been settled.
func (s *Service) over(ctx context.Context, now time.Time) ([]Merge, error) {
	found, _, err := s.merges.Find(ctx, store.Query{Index: "due", Before: now, Limit: 100})
	return found, err
}

// unfinished are the merges whose time is not out that were left in the middle.
func (s *Service) unfinished(ctx context.Context, now time.Time) ([]Merge, error) {
	var out []Merge
	for q := (store.Query{Index: "due", From: now, Limit: 100}); ; {
		found, next, err := s.merges.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			if m.unfinished() {
				out = append(out, m)
			}
		}
		if q.After = next; next == "" {
			return out, nil
		}
	}
}

// undoable are the merges into a person that can be undone, with who made them.
func (s *Service) undoable(ctx context.Context, person string) ([]Merge, error) {
	found, err := s.into(ctx, person)
	if err != nil {
		return nil, err
	}
	out := found[:0]
	for _, m := range found {
		if m.Undone != nil || m.Due == nil || !m.Due.After(s.now()) {
			continue
		}
		if m.Name, err = s.colleague(ctx, m.By); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// place is where something that was moved lies now.
func (x Moved) place() string { return orElse(x.Into, x.ID) }

// inPlace says whether it is still a recommendation of its own.
func (x Moved) inPlace() bool { return x.Doc == nil || x.Into == x.own() }

// forwarded says whether r has been forwarded since the two were merged.
func (m Merge) forwarded(r referral.Referral) bool {
	v := r.Verdict()
	return r.State == referral.Forwarded && v != nil && !v.At.Before(m.At)
}

// cameOf says whether a sending was carried from old to r, and not moved there by the
// merge.
func (m Merge) cameOf(old, r referral.Referral) bool {
	return slices.ContainsFunc(r.Sendings, func(x referral.Sending) bool {
		return x.Carried == old.ID && !slices.ContainsFunc(m.Moved, func(y Moved) bool {
			return y.place() == r.ID && (y.Doc == nil || has(*y.Doc, x.ID))
		})
	})
}

// came is when a sending came to the recommendation it lies in.
func came(x referral.Sending) time.Time {
	if x.Carried != "" {
		return x.Came
	}
	return x.At
}
