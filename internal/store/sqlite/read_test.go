package sqlite

import (
	"database/sql/driver"
	"path/filepath"
	"strings"
	"testing"

	"halsocoach/internal/store"
)

// TestEveryQuestionGoesAlongItsIndex asks SQLite how it would answer: it searches
// the index, or walks along it when the question is for all, and sorts nothing.
func TestEveryQuestionGoesAlongItsIndex(t *testing.T) {
	kind := store.Kind{Name: "thing", NoPerson: true, Indexes: []store.Index{
		{Name: "many", Fields: []store.Field{store.M("who"), store.T("in"), store.I("n")}},
		{Name: "key", Unique: true, Fields: []store.Field{store.T("key")}},
	}}
	s := openAt(t, filepath.Join(t.TempDir(), "data.db"), []store.Kind{kind})
	c, err := dial(s.path, "ro")
	ok(t, err)
	defer c.close()
	x := s.tables["thing"]
	for i, index := range x.indexes {
		for equal := range len(index.columns) + 1 {
			for ways := range 16 {
				q := question{index: i, equal: equal, back: ways&1 > 0, after: ways&2 > 0, from: ways&4 > 0, before: ways&8 > 0}
				if equal == len(index.columns) && (q.from || q.before) {
					continue
				}
				var how []string
				ok(t, c.rows(func(row []driver.Value) bool {
					step, _ := row[3].(string)
					how = append(how, step)
					return true
				}, `EXPLAIN QUERY PLAN `+x.text(q), make([]any, strings.Count(x.text(q), "?"))...))
				all := equal == 0 && !q.after && !q.from && !q.before
				plan := strings.Join(how, "; ")
				if len(how) != 2 || strings.HasPrefix(how[0], "SCAN") != all || !strings.HasPrefix(how[1], "SEARCH d") {
					t.Errorf("%+v: %s", q, plan)
				}
			}
		}
	}
}
