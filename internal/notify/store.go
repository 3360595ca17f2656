package notify

import (
	"context"
	"time"

	"halsocoach/internal/store"
)

var (
	noticeKind = store.Kind{Name: "notices", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.T("to"), store.D("at")}},
		{Name: "due", Fields: []store.Field{store.D("due")}},
		{Name: "gaveUp", Fields: []store.Field{store.D("gaveUp")}},
		{Name: "done", Fields: []store.Field{store.D("done")}},
	}}
	choiceKind = store.Kind{Name: "notice_choices", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.T("person")}},
	}}
)

// Kinds are those of this package.
func Kinds() []store.Kind { return []store.Kind{noticeKind, choiceKind} }

// batch is how many notices are looked up at one time.
const batch = 50

// due are the notices whose time has come, the first first.
func (s *Service) due(ctx context.Context, now time.Time) ([]notice, error) {
	found, _, err := s.notices.Find(ctx, store.Query{Index: "due", Before: now.Add(time.Millisecond), Limit: batch})
	return found, err
}

// givenUp are the notices that could not be sent, the latest first.
func (s *Service) givenUp(ctx context.Context, after string) ([]notice, string, error) {
	return s.notices.Find(ctx, store.Query{Index: "gaveUp", Back: true, Limit: batch, After: after})
}

// keptFor is how long a notice that is done with is remembered: longer than its
// cause can come again.
const keptFor = 40 * 24 * time.Hour

// tidy forgets notices that were done with long ago.
func (s *Service) tidy(ctx context.Context) error {
	return store.Expire(ctx, s.notices, "done", s.Clock().Add(-keptFor))
}
