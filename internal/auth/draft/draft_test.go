package draft

import (
	"errors"
	"strings"
	"testing"

	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

func TestAKeptFormIsOfItsPathItsCookieAndItsTime(t *testing.T) {
	e := testenv.New(t, []store.Kind{Kind})
	s := On(e.Store, e.Clock.Now)
	cookie, err := s.Keep(e.Ctx(), "maria", "/a", map[string][]string{"why": {"text"}})
	testenv.Must(t, err)
	id, key, _ := strings.Cut(cookie, ".")
	wrong := strings.Repeat("A", len(key))
	for name, c := range map[string][3]string{
		"another path": {"maria", "/b", cookie}, "another key": {"maria", "/a", id + "." + wrong},
		"no key": {"maria", "/a", id}, "no draft": {"maria", "/a", "x." + key}, "another person": {"johan", "/a", cookie},
	} {
		if _, err := s.Take(e.Ctx(), c[0], c[1], c[2]); err == nil {
			t.Errorf("%s opens it", name)
		}
	}
	e.Clock.Add(Lasts)
	testenv.Wants(t, testenv.ErrOf(s.Take(e.Ctx(), "maria", "/a", cookie)), Err)
}

// TestAKeptFormIsHardlyLongerThanWhatWasSent: what a visitor sends may not grow
// on its way into the store.
func TestAKeptFormIsHardlyLongerThanWhatWasSent(t *testing.T) {
	e := testenv.New(t, []store.Kind{Kind})
	s := On(e.Store, e.Clock.Now)
	for name, sign := range map[string]string{"control characters": "\x01", "signs of HTML": "<", "plain": "a", "Swedish": "å"} {
		cookie, err := s.Keep(e.Ctx(), "", "/a", map[string][]string{"text": {strings.Repeat(sign, 64<<10/len(sign))}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		id, _, _ := strings.Cut(cookie, ".")
		docs, err := e.Store.Get(e.Ctx(), Kind.Name, id)
		if err != nil || len(docs) != 1 || len(docs[0].Body) > 2*64<<10 {
			t.Errorf("%s: %d documents, %v, %d bytes", name, len(docs), err, len(docs[0].Body))
		}
	}
	if _, err := s.Keep(e.Ctx(), "", "/a", map[string][]string{"text": {strings.Repeat("a", 1<<20)}}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a megabyte: %v", err)
	}
}
