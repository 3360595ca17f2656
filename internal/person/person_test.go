package person_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

// faulty is a store whose n-th save from now fails, as at a crash.
type faulty struct {
	store.Store
	left int
}

var errCrash = errors.New("crash")

func (f *faulty) Save(ctx context.Context, kind string, doc store.Document, events []halsocoach.Event) (string, error) {
	if f.left == 0 {
		return "", errCrash
	}
	f.left--
	return f.Store.Save(ctx, kind, doc, events)
}

// ok ends the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func service(e *testenv.Env, s store.Store) *person.Service {
	return person.New(person.Config{Store: s, Numbers: e.Seal, AccessLog: e.AccessLog, Clock: e.Clock.Now})
}

func begin(t *testing.T) (*testenv.Env, context.Context, *person.Service) {
	t.Helper()
	e := testenv.New(t)
	return e, t.Context(), service(e, e.Store)
}

func of(t *testing.T, s *person.Service, id string) person.Identity {
	t.Helper()
	one, err := s.Of(context.Background(), id)
	ok(t, err)
	return one
}

func TestNobodyHasSaidAnything(t *testing.T) {
	e := testenv.New(t)
	one := of(t, service(e, e.Store), "a")
	if !slices.Equal(one.IDs, []string{"a"}) || one.Protected || len(one.Joins) > 0 {
		t.Errorf("%+v", one)
	}
}

func TestProtectionCoversEveryIDOfThePerson(t *testing.T) {
	e, ctx, s := begin(t)
	ok(t, s.Join(ctx, e.People.Maria, "b", "a"))
	ok(t, s.Protect(ctx, e.People.Vardcentral, "b", person.ByRecommending))
	for _, id := range []string{"a", "b"} {
		if !of(t, s, id).Protected {
			t.Errorf("%s is not protected", id)
		}
	}
	for _, who := range []halsocoach.Actor{e.People.Maria, e.People.Kommun, e.People.Anna} {
		if err := s.Unprotect(ctx, who, "a", "beslut"); halsocoach.KindOf(err) != halsocoach.KindForbidden {
			t.Errorf("%s lifts it: %v", who.Role, err)
		}
	}
	if err := s.Unprotect(ctx, e.People.Region, "a", ""); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Errorf("without a reason: %v", err)
	}
	ok(t, s.Unprotect(ctx, e.People.Region, "a", "Skatteverket 2026-11-01"))
	if of(t, s, "a").Protected || of(t, s, "b").Protected {
		t.Error("still protected")
	}
	var acts []halsocoach.Act
	for _, r := range e.AccessLog.Rows() {
		acts = append(acts, r.Act)
	}
	if want := []halsocoach.Act{halsocoach.ActJoinPersons, halsocoach.ActProtectPerson, halsocoach.ActUnprotectPerson}; !slices.Equal(acts, want) {
		t.Errorf("logged %v", acts)
	}
}

func TestAnotherNodeHearsOfProtectionAtOnce(t *testing.T) {
	e, ctx := testenv.New(t), context.Background()
	one, other := service(e, e.Store), person.New(person.Config{Store: e.Store, Numbers: e.Seal, AccessLog: e.AccessLog, Clock: e.Clock.Now, Nudges: e.Bus})
	one.Nudges = e.Bus
	ok(t, other.Start(ctx))
	if of(t, other, "a").Protected {
		t.Fatal("protected before anybody said so")
	}
	ok(t, one.Protect(ctx, e.People.Maria, "a", person.ByStaff))
	e.Eventually("the other node knows", func() bool { return of(t, other, "a").Protected })
}

// TestWhatIsSaidIsToldWithoutAName: one event for each thing that is said, none for
// what was said already, and nobody's id in any of them.
func TestWhatIsSaidIsToldWithoutAName(t *testing.T) {
	e, ctx, s := begin(t)
	var mu sync.Mutex
	var told []halsocoach.Event
	err := e.Bus.Consume(ctx, "listener", []string{person.EventChanged}, func(_ context.Context, ev halsocoach.Event) error {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, ev)
		return nil
	})
	ok(t, err)
	for range 2 {
		for _, err := range []error{
			s.Join(ctx, e.People.Maria, "a", "b"), s.Protect(ctx, e.People.Maria, "a", person.ByStaff),
		} {
			ok(t, err)
		}
	}
	ok(t, errors.Join(s.Unprotect(ctx, e.People.Region, "b", "beslut"), s.Part(ctx, e.People.Maria, "b")))
	e.Eventually("four events", func() bool { mu.Lock(); defer mu.Unlock(); return len(told) == 4 })
	for _, ev := range told {
		if ev.Subject == "a" || ev.Subject == "b" || ev.Kommun != halsocoach.County || len(ev.Data) > 0 {
			t.Errorf("%+v", ev)
		}
	}
	var of []string
	if err := s.Each(ctx, func(id string) error { of = append(of, id); return nil }); err != nil || !slices.Equal(of, []string{"a", "b"}) {
		t.Errorf("%q, %v", of, err)
	}
}

func TestPartingGivesBackExactlyOneJoin(t *testing.T) {
	e, ctx, s := begin(t)
	for _, pair := range [][2]string{{"a", "c"}, {"d", "b"}, {"c", "d"}} {
		ok(t, s.Join(ctx, e.People.Maria, pair[0], pair[1]))
	}
	one := of(t, s, "d")
	if !slices.Equal(one.IDs, []string{"a", "b", "c", "d"}) || one.Key() != "a" || len(one.Joins) != 3 {
		t.Fatalf("%+v", one)
	}
	ok(t, s.Part(ctx, e.People.Maria, "d"))
	if got := of(t, s, "d").IDs; !slices.Equal(got, []string{"d"}) {
		t.Errorf("d is %v", got)
	}
	if got := of(t, s, "b").IDs; !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("b is %v", got)
	}
	if err := s.Part(ctx, e.People.Maria, "d"); !errors.Is(err, person.ErrNotJoined) {
		t.Errorf("again: %v", err)
	}
	if err := s.Join(ctx, e.People.Maria, "d", "b"); err != nil || len(of(t, s, "a").IDs) != 4 {
		t.Errorf("joined again: %v", err)
	}
}

func TestTwoWithAPersonnummerAreNeverOne(t *testing.T) {
	e, ctx, s := begin(t)
	var ids []string
	for _, text := range []string{"200302022389", "196101182803", "197010632391"} {
		n, err := halsocoach.ParseNumber(text, e.Clock.Now())
		ok(t, err)
		id, err := e.Seal.Person(ctx, n)
		ok(t, err)
		ids = append(ids, id)
	}
	if err := s.Join(ctx, e.People.Maria, ids[0], ids[1]); !errors.Is(err, person.ErrTwoNumbers) {
		t.Errorf("two personnummer: %v", err)
	}
	if err := s.Join(ctx, e.People.Maria, ids[0], ids[2]); err != nil {
		t.Errorf("a samordningsnummer and a personnummer: %v", err)
	}
	if err := s.Join(ctx, e.People.Maria, ids[2], ids[1]); !errors.Is(err, person.ErrTwoNumbers) {
		t.Errorf("a second personnummer by way of a third id: %v", err)
	}
}

func TestOnlyStaffJoinsAndParts(t *testing.T) {
	e, ctx, s := begin(t)
	for _, who := range []halsocoach.Actor{{}, e.People.Anna} {
		if err := s.Join(ctx, who, "a", "b"); halsocoach.KindOf(err) != halsocoach.KindForbidden {
			t.Errorf("%q joins: %v", who.Role, err)
		}
		if err := s.Part(ctx, who, "b"); halsocoach.KindOf(err) != halsocoach.KindForbidden {
			t.Errorf("%q parts: %v", who.Role, err)
		}
	}
}

func TestAPersonHasFewIDs(t *testing.T) {
	e, ctx, s := begin(t)
	for i := range person.MostIDs - 1 {
		ok(t, s.Join(ctx, e.People.Maria, "0", fmt.Sprint(i+1)))
	}
	if err := s.Join(ctx, e.People.Maria, "3", "more"); !errors.Is(err, person.ErrTooManyIDs) {
		t.Errorf("one more: %v", err)
	}
}

// TestJoinsAtOnceNeverMakeACircle: many who join the same few in every direction
// end with one person and a tree.
func TestJoinsAtOnceNeverMakeACircle(t *testing.T) {
	e, ctx := testenv.New(t), context.Background()
	ids := []string{"a", "b", "c", "d", "e"}
	var all sync.WaitGroup
	for range 4 {
		s := service(e, e.Store)
		for i := range ids {
			for j := range ids {
				if i != j {
					all.Go(func() {
						if err := s.Join(ctx, e.People.Maria, ids[i], ids[j]); err != nil && !errors.Is(err, halsocoach.ErrBusy) {
							t.Error(err)
						}
					})
				}
			}
		}
	}
	all.Wait()
	one := of(t, service(e, e.Store), "c")
	if !slices.Equal(one.IDs, ids) || len(one.Joins) != len(ids)-1 {
		t.Errorf("%+v", one)
	}
}

// TestACrashAtEachWriteLeavesTwoOrOne: after a crash the two are two persons or
// one, seen alike from both ids, and joining again makes them one.
func TestACrashAtEachWriteLeavesTwoOrOne(t *testing.T) {
	for n := range 3 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			e, ctx := testenv.New(t), context.Background()
			err := service(e, &faulty{e.Store, n}).Join(ctx, e.People.Maria, "b", "a")
			if crashed := n < 2; crashed != (err != nil) {
				t.Fatalf("with %d writes: %v", n, err)
			}
			after := service(e, e.Store)
			a, b := of(t, after, "a"), of(t, after, "b")
			if a.Has("b") != b.Has("a") || a.Has("b") != (err == nil) {
				t.Errorf("from a %v, from b %v after %v", a.IDs, b.IDs, err)
			}
			if err := after.Join(ctx, e.People.Maria, "a", "b"); err != nil || !of(t, after, "a").Has("b") {
				t.Errorf("again: %v", err)
			}
		})
	}
}

// asked counts the questions to the store.
type asked struct {
	store.Store
	n int
}

func (a *asked) Get(ctx context.Context, kind string, ids ...string) ([]store.Document, error) {
	a.n++
	return a.Store.Get(ctx, kind, ids...)
}

func TestAListIsOneQuestion(t *testing.T) {
	e, ctx := testenv.New(t), context.Background()
	count := &asked{Store: e.Store}
	s := service(e, count)
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = fmt.Sprintf("%03d", i)
	}
	if _, err := s.Many(ctx, ids...); err != nil || count.n != 1 {
		t.Errorf("%d questions, %v", count.n, err)
	}
	if all, err := s.Many(ctx, ids...); err != nil || count.n != 1 || len(all) != 100 {
		t.Errorf("from memory: %d questions, %d persons, %v", count.n, len(all), err)
	}
}
