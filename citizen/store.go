package citizen

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"halsocoach/internal/person"
	"halsocoach/internal/store"
)

var (
	enrolments = store.Kind{Name: "enrolments", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.T("person"), store.D("since")}},
		{Name: "open", Fields: []store.Field{store.T("open")}, Unique: true},
		{Name: "caseload", Fields: []store.Field{store.T("caseload"), store.D("since")}},
		{Name: "referral", Fields: []store.Field{store.M("referrals")}},
	}}
	// latest holds, under person/centre, which enrolment is the person's newest
	// at the centre: a search finds persons, and gets all of them in one
	// question.
	latest = store.Kind{Name: "enrolments_latest", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.T("person")}},
	}}
	goals = store.Kind{Name: "goals", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.T("person"), store.D("made")}},
	}}
	checkins = store.Kind{Name: "checkins", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.T("person"), store.D("at")}},
		{Name: "goal", Fields: []store.Field{store.T("goal"), store.D("at")}},
	}}
)

// Kinds are the kinds of this package.
func Kinds() []store.Kind { return []store.Kind{enrolments, latest, goals, checkins} }

// pointer is a document of the kind latest.
type pointer struct {
	Person    string `json:"person"`
	Enrolment string `json:"enrolment"`
}

const pageSize = 50

// page reads one page of a list.
func page[T any](ctx context.Context, c *store.Shared[T], q store.Query) ([]T, string, error) {
	q.Limit = pageSize
	return c.Find(ctx, q)
}

// caseload is a coach's people, the newest first.
func (s *Service) caseload(ctx context.Context, coach, after string) ([]Enrolment, string, error) {
	return page(ctx, s.enrolments, store.Query{Index: "caseload", Equal: []any{coach}, Back: true, After: after})
}

// underAll finds what an index holds under each of a person's ids, of each at
// most limit, the newest first.
func underAll[T any](ctx context.Context, c *store.Shared[T], index string, who person.Identity, limit int, at func(T) time.Time) ([]T, error) {
	var all []T
	for _, id := range who.IDs {
		found, _, err := c.Find(ctx, store.Query{Index: index, Equal: []any{id}, Back: true, Limit: limit})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(who.IDs) > 1 {
		slices.SortStableFunc(all, func(a, b T) int { return at(b).Compare(at(a)) })
	}
	return all, nil
}

// ofPerson are a person's enrolments, the newest first.
func (s *Service) ofPerson(ctx context.Context, who person.Identity) ([]Enrolment, error) {
	return underAll(ctx, s.enrolments, "person", who, 20, func(e Enrolment) time.Time { return e.Since })
}

// one is the first that an index holds for a value.
func (s *Service) one(ctx context.Context, index, value string) (Enrolment, error) {
	found, _, err := s.enrolments.Find(ctx, store.Query{Index: index, Equal: []any{value}, Limit: 1})
	if err != nil {
		return Enrolment{}, err
	}
	if len(found) == 0 {
		return Enrolment{}, store.ErrNotFound
	}
	return found[0], nil
}

// newestAt are the newest enrolments of persons at a centre, in two questions.
func (s *Service) newestAt(ctx context.Context, centre string, persons []string) ([]Enrolment, error) {
	keys := make([]string, len(persons))
	for i, p := range persons {
		keys[i] = p + "/" + centre
	}
	pointers, err := s.latest.Many(ctx, keys...)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(pointers))
	for i, p := range pointers {
		ids[i] = p.Enrolment
	}
	return s.enrolments.Many(ctx, ids...)
}

// goalsOf is a page of a person's goals, the newest first: those of one id after
// those of another, since each was written under the id of its time.
func (s *Service) goalsOf(ctx context.Context, who person.Identity, after string) (all []Goal, next string, err error) {
	at := 0
	if n, rest, found := strings.Cut(after, "."); found {
		if at, err = strconv.Atoi(n); err != nil || at < 0 || at >= len(who.IDs) {
			return nil, "", store.ErrCursor
		}
		after = rest
	}
	for ; at < len(who.IDs); at, after = at+1, "" {
		if len(all) >= pageSize {
			return all, strconv.Itoa(at) + ".", nil
		}
		found, next, err := page(ctx, s.goals, store.Query{Index: "person", Equal: []any{who.IDs[at]}, Back: true, After: after})
		if err != nil {
			return nil, "", err
		}
		if all = append(all, found...); next != "" {
			return all, strconv.Itoa(at) + "." + next, nil
		}
	}
	return all, "", nil
}

// lately are a person's latest check-ins of all goals, the newest first.
func (s *Service) lately(ctx context.Context, who person.Identity) ([]CheckIn, error) {
	return underAll(ctx, s.checkins, "person", who, 100, func(c CheckIn) time.Time { return c.At })
}

// checkinsOf are a goal's check-ins, the newest first.
func (s *Service) checkinsOf(ctx context.Context, goal, after string) ([]CheckIn, string, error) {
	return page(ctx, s.checkins, store.Query{Index: "goal", Equal: []any{goal}, Back: true, After: after})
}
