package groups

import (
	"context"
	"slices"
	"time"

	"halsocoach/internal/person"
	"halsocoach/internal/store"
)

// Kinds are the kinds of documents that this package keeps.
func Kinds() []store.Kind { return []store.Kind{activityKind, occasionKind} }

var activityKind = store.Kind{
	Name:     "activities",
	NoPerson: true,
	Indexes: []store.Index{
		{Name: "centre", Fields: []store.Field{store.T("centre"), store.D("made")}},
		{Name: "pending", Fields: []store.Field{store.D("pending.at")}},
	},
}

var occasionKind = store.Kind{
	Name: "occasions",
	Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.M("people"), store.D("starts")}},
		{Name: "starts", Fields: []store.Field{store.D("starts")}},
		{Name: "activity", Fields: []store.Field{store.T("activity"), store.D("starts")}},
		{Name: "centre", Fields: []store.Field{store.T("centre"), store.D("starts")}},
		{Name: "span_to_release", Fields: []store.Field{store.D("spanToRelease")}},
	},
}

// longestOccasion bounds how far back an occasion that still goes on can have
// begun.
const longestOccasion = maxLength * time.Minute

// ofPerson are the person's occasions that had not ended at now, in order.
func (s *Service) ofPerson(ctx context.Context, who person.Identity, now time.Time) ([]Occasion, error) {
	var out []Occasion
	for _, id := range who.IDs {
		found, _, err := s.occasions.Find(ctx, store.Query{Index: "person", Equal: []any{id}, From: now.Add(-longestOccasion), Limit: 200})
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b Occasion) int { return byStart(a.Brief(), b.Brief()) })
	out = slices.CompactFunc(out, func(a, b Occasion) bool { return a.ID == b.ID })
	return slices.DeleteFunc(out, func(o Occasion) bool { return !o.Ends.After(now) }), nil
}

// ofActivity are the activity's occasions from a time on, in order.
func (s *Service) ofActivity(ctx context.Context, activity string, from time.Time) ([]Occasion, error) {
	found, _, err := s.occasions.Find(ctx, store.Query{Index: "activity", Equal: []any{activity}, From: from, Limit: 200})
	return found, err
}

// ofCentre is a page of the centre's occasions between two times.
func (s *Service) ofCentre(ctx context.Context, centre string, q store.Query) ([]Occasion, string, error) {
	q.Index, q.Equal = "centre", []any{centre}
	return s.occasions.Find(ctx, q)
}

// between are all occasions that start in [from, before), page by page. It is
// for the programme in memory, not for a request.
func (s *Service) between(ctx context.Context, from, before time.Time) ([]Occasion, error) {
	var all []Occasion
	for o, err := range s.occasions.All(ctx, store.Query{Index: "starts", From: from, Before: before, Limit: 500}) {
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// activitiesOf are the activities of the occasions, by id, in one question.
func (s *Service) activitiesOf(ctx context.Context, occasions []Occasion) (map[string]Activity, error) {
	ids := make([]string, len(occasions))
	for i, o := range occasions {
		ids[i] = o.Activity
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	found, err := s.activities.Many(ctx, ids...)
	out := make(map[string]Activity, len(found))
	for _, a := range found {
		out[a.ID] = a
	}
	return out, err
}
