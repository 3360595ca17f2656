package seal

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"halsocoach"
	"halsocoach/internal/store"
)

func TestOneNumberIsOnePersonHoweverManyAsk(t *testing.T) {
	h := newHouse(t)
	nodes := []*Sealer{h.node(t), h.node(t)}
	for _, digits := range []string{"196101182803", "200302022389", "701063-2391"} {
		n := number(t, digits)
		got := make([]string, 40)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				var err error
				if got[i], err = nodes[i%2].Person(t.Context(), n); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, p := range got {
			if p != got[0] || p == "" {
				t.Fatalf("two persons for one number: %v", got)
			}
		}
		p, found, err := nodes[1].Lookup(t.Context(), n)
		if err != nil || !found || p != got[0] {
			t.Errorf("looked up %q, %v, %v", p, found, err)
		}
	}
	keys := 0
	if err := h.Each(t.Context(), keyKind.Name, func(store.Document) error { keys++; return nil }); err != nil || keys != 3 {
		t.Errorf("%d keys are left for three persons, %v", keys, err)
	}
}

func TestNumberIsNeverWrittenDown(t *testing.T) {
	h := newHouse(t)
	s := h.node(t)
	n := number(t, "200302022389")
	if _, found, err := s.Lookup(t.Context(), n); found || err != nil {
		t.Fatal(found, err)
	}
	p := must[string](t)(s.Person(t.Context(), n))
	ok(t, s.IndexName(t.Context(), "0684", p, "Elsa Åkesson"))
	for _, k := range Kinds() {
		ok(t, h.Each(t.Context(), k.Name, func(d store.Document) error {
			text := strings.ToLower(d.ID + string(d.Body))
			for _, secret := range []string{"20030202", "0302022389", "elsa", "kesson"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s stands in %s", secret, k.Name)
				}
			}
			return nil
		}))
	}
	if _, err := s.Person(t.Context(), halsocoach.Number{}); err == nil {
		t.Error("a person without a number was found")
	}
}

func TestNumberIsTiedToOnePerson(t *testing.T) {
	s := newHouse(t).node(t)
	n, later := number(t, "701063-2391"), number(t, "196101182803")
	p := must[string](t)(s.Person(t.Context(), n))
	for range 2 {
		ok(t, s.Link(t.Context(), p, later))
	}
	if got := must[string](t)(s.Person(t.Context(), later)); got != p {
		t.Error("a second number leads to another person")
	}
	q := must[string](t)(s.NewPerson(t.Context()))
	if err := s.Link(t.Context(), q, later); !errors.Is(err, ErrTied) || halsocoach.KindOf(err) != halsocoach.KindConflict {
		t.Errorf("tied to two: %v", err)
	}
	ok(t, s.Destroy(t.Context(), p))
	if err := s.Link(t.Context(), q, later); err != nil {
		t.Errorf("a number whose person is gone: %v", err)
	}
	if err := s.Link(t.Context(), p, n); !errors.Is(err, ErrGone) {
		t.Errorf("tied to who is gone: %v", err)
	}
}

func TestDestroyedIsUnreadableAtOnceHereAndSoonElsewhere(t *testing.T) {
	h := newHouse(t)
	here, there := h.node(t), h.node(t)
	n := number(t, "200302022389")
	p := must[string](t)(here.Person(t.Context(), n))
	box := must[Sealed](t)(here.Seal(t.Context(), p, "referral.name", "Elsa"))
	ok(t, here.IndexName(t.Context(), "0684", p, "Elsa Åkesson"))
	must[string](t)(there.Open(t.Context(), p, "referral.name", box))
	for range 2 { // it may be repeated
		ok(t, here.Destroy(t.Context(), p))
	}
	if plain, err := here.Open(t.Context(), p, "referral.name", box); !errors.Is(err, ErrGone) || plain != "" {
		t.Errorf("here: %q, %v", plain, err)
	}
	h.pass(cacheTime)
	if plain, err := there.Open(t.Context(), p, "referral.name", box); !errors.Is(err, ErrGone) || plain != "" {
		t.Errorf("there, after a minute: %q, %v", plain, err)
	}
	if found := must[[]string](t)(here.SearchName(t.Context(), "0684", "elsa")); len(found) > 0 {
		t.Error("still found by name")
	}
	if _, found, err := here.Lookup(t.Context(), n); found || err != nil {
		t.Errorf("still found by number, %v", err)
	}
	if err := here.IndexName(t.Context(), "0684", p, "Elsa"); !errors.Is(err, ErrGone) {
		t.Errorf("indexed who is gone: %v", err)
	}
	for _, k := range []store.Kind{numberKind, nameKind} {
		_ = h.Each(t.Context(), k.Name, func(d store.Document) error { t.Errorf("%s is left: %s", k.Name, d.Body); return nil })
	}
	if again := must[string](t)(here.Person(t.Context(), n)); again == p {
		t.Error("who comes back is the person who was erased")
	}
	if err := here.Destroy(t.Context(), "nobody"); err != nil {
		t.Error(err)
	}
}

func TestReadUnderWayDoesNotBringADestroyedKeyBack(t *testing.T) {
	h := newHouse(t)
	s := h.node(t)
	p := must[string](t)(s.NewPerson(t.Context()))
	box := must[Sealed](t)(s.Seal(t.Context(), p, "x", "Elsa"))
	key := must[tink.AEAD](t)(s.key(t.Context(), p))
	ok(t, s.Destroy(t.Context(), p))
	s.cache.put(p, key, h.now()) // as a read that began before
	if _, err := s.Open(t.Context(), p, "x", box); !errors.Is(err, ErrGone) {
		t.Errorf("opened: %v", err)
	}
}

func TestNumberWhosePersonIsGoneIsFreeAlsoAfterACrash(t *testing.T) {
	h := newHouse(t)
	s := h.node(t)
	n := number(t, "200302022389")
	p := must[string](t)(s.Person(t.Context(), n))
	// The key is gone but the power went before the number was forgotten.
	if _, err := s.keys.Update(t.Context(), p, func(d *keyDoc) ([]halsocoach.Event, error) { d.Key = nil; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	s = h.node(t)
	q := must[string](t)(s.Person(t.Context(), n))
	if q == p {
		t.Error("the number still leads to who is gone")
	}
}

func TestKeysStayInMemoryForAMinuteAtMost(t *testing.T) {
	h := newHouse(t)
	s := h.node(t)
	p := must[string](t)(s.NewPerson(t.Context()))
	ask := func() int { return h.asked(func() { must[Sealed](t)(s.Seal(t.Context(), p, "x", "y")) }) }
	if n := ask(); n != 0 {
		t.Errorf("%d questions for a key just made", n)
	}
	h.pass(cacheTime - time.Second)
	if n := ask(); n != 0 {
		t.Errorf("%d questions within the minute", n)
	}
	h.pass(time.Second)
	if n := ask(); n != 1 {
		t.Errorf("%d questions after a minute", n)
	}
	h.pass(-time.Hour)
	if n := ask(); n != 1 {
		t.Errorf("%d questions when the clock went back", n)
	}

	real := newCache(time.Now, 100*time.Millisecond, 10)
	for i := range 100 {
		real.put(fmt.Sprint(i), nil, time.Now())
	}
	real.mu.Lock()
	if n := len(real.young) + len(real.old); n > 10 {
		t.Errorf("%d keys in a memory of 10", n)
	}
	real.mu.Unlock()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		real.mu.Lock()
		n := len(real.young) + len(real.old)
		real.mu.Unlock()
		if n == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d keys are still in memory, with nobody asking", n)
		}
	}
}
