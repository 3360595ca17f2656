package citizen

import (
	"context"
	"errors"

	"halsocoach"
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

// errPage is a cursor that is not ours.
var errPage = halsocoach.Invalid(halsocoach.Field{Name: "after", Text: "Sidan finns inte längre. Börja om från listans början."})

// page reads one page of a list.
func page[T any](ctx context.Context, c store.Collection[T], q store.Query) ([]T, string, error) {
	q.Limit = pageSize
	found, next, err := c.Find(ctx, q)
	if errors.Is(err, store.ErrCursor) {
		err = errPage
	}
	return found, next, err
}

// caseload is a coach's people, the newest first.
func (s *Service) caseload(ctx context.Context, coach, after string) ([]Enrolment, string, error) {
	return page(ctx, s.enrolments, store.Query{Index: "caseload", Equal: []any{coach}, Back: true, After: after})
}

// ofPerson are a person's enrolments, the newest first.
func (s *Service) ofPerson(ctx context.Context, person string) ([]Enrolment, error) {
	found, _, err := s.enrolments.Find(ctx, store.Query{Index: "person", Equal: []any{person}, Back: true, Limit: 20})
	return found, err
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

// goalsOf are a person's goals, the newest first.
func (s *Service) goalsOf(ctx context.Context, person, after string) ([]Goal, string, error) {
	return page(ctx, s.goals, store.Query{Index: "person", Equal: []any{person}, Back: true, After: after})
}

// lately are a person's latest check-ins of all goals, the newest first.
func (s *Service) lately(ctx context.Context, person string) ([]CheckIn, error) {
	found, _, err := s.checkins.Find(ctx, store.Query{Index: "person", Equal: []any{person}, Back: true, Limit: 100})
	return found, err
}

// checkinsOf are a goal's check-ins, the newest first.
func (s *Service) checkinsOf(ctx context.Context, goal, after string) ([]CheckIn, string, error) {
	return page(ctx, s.checkins, store.Query{Index: "goal", Equal: []any{goal}, Back: true, After: after})
}
