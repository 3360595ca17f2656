package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"halsocoach/internal/store"
)

type pass struct {
	Ends time.Time `json:"ends"`
}

// overtaken is a store in which a document is changed between Find and Delete.
type overtaken struct {
	store.Store
	change func()
}

func (s overtaken) Find(ctx context.Context, kind string, q store.Query) (store.Page, error) {
	defer s.change()
	return s.Store.Find(ctx, kind, q)
}

func TestWhatHasEndedIsRemovedAndWhatIsProlongedMeanwhileStays(t *testing.T) {
	kind := store.Kind{Name: "pass", NoPerson: true, Indexes: []store.Index{{Name: "ends", Fields: []store.Field{store.D("ends")}}}}
	s := openStore(t, kind)
	docs, now := store.In[pass](s, kind), atNine().time()
	for i := range 250 { // several pages, and the last ten have not ended
		ok(t, docs.Insert(t.Context(), fmt.Sprintf("%03d", i), pass{now.Add(time.Duration(i-240) * time.Minute)}))
	}
	prolong := func() {
		v, was, err := docs.GetVersion(t.Context(), "007")
		if err == nil {
			v.Ends = now.AddDate(1, 0, 0)
			err = docs.Replace(t.Context(), "007", was, v)
		}
		if err != nil {
			t.Error(err)
		}
	}
	ok(t, store.Expire(t.Context(), store.In[pass](overtaken{s, prolong}, kind), "ends", now))
	left := 0
	if err := docs.Each(t.Context(), func(string, pass) error { left++; return nil }); err != nil || left != 11 {
		t.Errorf("%d are left (%v), want 11", left, err)
	}
	if _, err := docs.Get(t.Context(), "007"); err != nil {
		t.Errorf("what was prolonged: %v", err)
	}
}
