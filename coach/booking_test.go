package coach_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
	"halsocoach/internal/testenv"
)

func TestOneOfFiftyGetsTheTime(t *testing.T) {
	w := newWorld(t)
	people := w.citizens(50)
	// Half of them come by another node with the same database.
	other, err := sqlite.Open(w.Ctx(), filepath.Join(w.Dir, "data.db"), append(coach.Kinds(), enrolmentsKind()...), w.Log)
	testenv.Must(t, err)
	defer other.Close()
	cfg := w.cfg
	cfg.Store, cfg.Enrolments = other, enrolments{store.In[enrolled](other, enrolmentsKind()[0]), w.Persons, w.Clock.Now}
	nodes := []*coach.Service{w.Service, coach.New(cfg)}
	for round := range testenv.Count(3, 30) {
		wish := w.wish(tuesday.Plus(round%3+round/9*7), 9+round/3%3)
		var mu sync.Mutex
		won, taken := 0, 0
		testenv.Together(len(people), func(i int) {
			_, _, err := nodes[i%2].Book(w.Ctx(), people[i], key(), wish)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, coach.ErrTaken):
				taken++
			case errors.Is(err, coach.ErrHasTalk):
				taken++ // won an earlier round
			default:
				t.Error(err)
			}
		})
		if won != 1 || taken != len(people)-1 {
			t.Fatalf("round %d: %d got it, %d were told", round, won, taken)
		}
	}
	for _, p := range people {
		talks := w.booked(func(t coach.Talk) bool { return t.Person == p.ID })
		es, err := w.people.OfPerson(w.Ctx(), p)
		testenv.Must(t, err)
		if claims := w.claims(es[0]); len(talks) > 1 || len(claims) != len(talks) {
			t.Fatalf("%s has %d talks and %d claims", p.ID, len(talks), len(claims))
		}
	}
}

func TestTwentyBookingsAtOnceGiveOneFirstTalk(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	e := w.enrol(elsa, w.People.Maria)
	var mu sync.Mutex
	var won []coach.Booked
	testenv.Together(20, func(i int) {
		b, _, err := w.Book(w.Ctx(), elsa, key(), w.wish(tuesday.Plus(i%3), 9+i/3%3))
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			won = append(won, b)
		} else if !errors.Is(err, coach.ErrHasTalk) {
			t.Error(err)
		}
	})
	if len(won) != 1 || won[0].Kind != coach.First || len(w.booked(anyTalk)) != 1 || len(w.claims(e)) != 1 {
		t.Fatalf("%d bookings, %d talks, %d claims", len(won), len(w.booked(anyTalk)), len(w.claims(e)))
	}
}

func TestADoubleClickIsOneTalk(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	w.enrol(elsa, w.People.Maria)
	req, wish := key(), w.wish(tuesday, 9)
	var mu sync.Mutex
	ids, made := map[string]bool{}, 0
	testenv.Together(8, func(int) {
		b, isNew, err := w.Book(w.Ctx(), elsa, req, wish)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			t.Error(err)
		}
		ids[b.ID] = true
		if isNew {
			made++
		}
	})
	if len(ids) != 1 || made != 1 || len(w.booked(anyTalk)) != 1 {
		t.Fatalf("%d ids, %d made", len(ids), made)
	}
	_, _, err := w.Book(w.Ctx(), elsa, req, w.wish(tuesday, 10))
	testenv.Wants(t, err, halsocoach.ErrKeyReused)
	var id string
	for id = range ids {
	}
	testenv.Must(t, w.Cancel(w.Ctx(), elsa, id))
	b, isNew, err := w.Book(w.Ctx(), elsa, req, wish)
	if err != nil || isNew || b.Outcome != coach.Cancelled {
		t.Fatalf("the repeat shows the present state: %v %v %v", b.Outcome, isNew, err)
	}
}

func TestTheSameKeyWithTwoWishesAtOnceIsOneTalk(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	e := w.enrol(elsa, w.People.Maria)
	req := key()
	testenv.Together(6, func(i int) {
		_, _, err := w.Book(w.Ctx(), elsa, req, w.wish(tuesday.Plus(i%2), 9))
		if err != nil && !errors.Is(err, halsocoach.ErrKeyReused) {
			t.Error(err)
		}
	})
	if n := len(w.booked(anyTalk)); n != 1 || len(w.claims(e)) != 1 {
		t.Fatalf("%d talks", n)
	}
}

func TestWhatIsNotOfferedCanNotBeBooked(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	w.enrol(elsa, w.People.Maria)
	with := func(change func(*coach.BookRequest)) coach.BookRequest {
		wish := w.wish(tuesday, 9)
		change(&wish)
		return wish
	}
	for _, c := range []struct {
		name string
		wish coach.BookRequest
		want error
	}{
		{"between two times", with(func(x *coach.BookRequest) { x.Starts = tuesday.At(9*60 + 30) }), coach.ErrNotOffered},
		{"outside the hours", with(func(x *coach.BookRequest) { x.Starts = tuesday.At(18 * 60) }), coach.ErrNotOffered},
		{"another form", with(func(x *coach.BookRequest) { x.Form = coach.ByVideo }), coach.ErrNotOffered},
		{"a time that has been", with(func(x *coach.BookRequest) { x.Starts = monday.At(8 * 60) }), coach.ErrNotOffered},
		{"too soon", with(func(x *coach.BookRequest) { x.Starts = monday.At(9 * 60) }), coach.ErrNotOffered},
		{"too far ahead", with(func(x *coach.BookRequest) { x.Starts = monday.Plus(43).At(9 * 60) }), coach.ErrNotOffered},
		{"a coach of another centre", with(func(x *coach.BookRequest) { x.Coach = "johan" }), halsocoach.ErrNotFound},
		{"somebody who is no coach", with(func(x *coach.BookRequest) { x.Coach = "kommun" }), halsocoach.ErrNotFound},
		{"nobody", with(func(x *coach.BookRequest) { x.Coach = "ingen" }), halsocoach.ErrNotFound},
		{"no coach", with(func(x *coach.BookRequest) { x.Coach = "" }), &halsocoach.Error{Kind: halsocoach.KindInvalid}},
		{"no time", with(func(x *coach.BookRequest) { x.Starts = time.Time{} }), &halsocoach.Error{Kind: halsocoach.KindInvalid}},
		{"before all years", with(func(x *coach.BookRequest) { x.Starts = time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 23*3600)) }), &halsocoach.Error{Kind: halsocoach.KindInvalid}},
		{"after all years", with(func(x *coach.BookRequest) {
			x.Starts = time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -23*3600))
		}), &halsocoach.Error{Kind: halsocoach.KindInvalid}},
		{"a strange form", with(func(x *coach.BookRequest) { x.Form = "brev" }), &halsocoach.Error{Kind: halsocoach.KindInvalid}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := w.Book(w.Ctx(), elsa, key(), c.wish)
			testenv.Wants(t, err, c.want)
		})
	}
	if n := len(w.days()); n != 0 {
		t.Errorf("%d days were written", n)
	}
	_, _, err := w.Book(w.Ctx(), w.People.Omar, key(), w.wish(tuesday, 9))
	testenv.Wants(t, err, coach.ErrNotEnrolled)
	_, _, err = w.Book(w.Ctx(), w.People.Vardcentral, key(), w.wish(tuesday, 9))
	testenv.Wants(t, err, halsocoach.ErrForbidden)
	_, _, err = w.Book(w.Ctx(), halsocoach.Actor{}, key(), w.wish(tuesday, 9))
	testenv.Wants(t, err, halsocoach.ErrSignIn)
}

// A crash after any number of writes, in anything that is done with a talk,
// leaves what the sweep makes whole: the talk stands in one day or none, and
// the enrolment says the same.
func TestACrashAnywhereIsMended(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name string
		do   func(elsa halsocoach.Actor, id string) error
	}{
		{"book", nil},
		{"move to another day", func(elsa halsocoach.Actor, id string) error {
			_, err := w.Move(w.Ctx(), elsa, key(), id, coach.NewTime{Starts: tuesday.Plus(1).At(10 * 60)})
			return err
		}},
		{"move to a colleague", func(elsa halsocoach.Actor, id string) error {
			_, err := w.Move(w.Ctx(), elsa, key(), id, coach.NewTime{Coach: "malin", Starts: tuesday.At(11 * 60)})
			return err
		}},
		{"move within the day", func(elsa halsocoach.Actor, id string) error {
			_, err := w.Move(w.Ctx(), elsa, key(), id, coach.NewTime{Starts: tuesday.At(11 * 60)})
			return err
		}},
		{"cancel", func(elsa halsocoach.Actor, id string) error { return w.Cancel(w.Ctx(), elsa, id) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := false
			for writes := 0; !whole; writes++ {
				elsa := halsocoach.Actor{ID: fmt.Sprintf("elsa-%s-%d", c.name, writes), Role: halsocoach.RoleCitizen}
				e := w.enrol(elsa, w.People.Maria)
				do := func() error {
					_, _, err := w.Book(w.Ctx(), elsa, key(), w.wish(tuesday, 9))
					return err
				}
				if c.do != nil {
					id := w.book(elsa, w.wish(tuesday, 9)).ID
					do = func() error { return c.do(elsa, id) }
				}
				w.disk.dieAfter(writes)
				err := do()
				whole = !w.disk.dead()
				w.disk.live()
				if whole && err != nil {
					t.Fatal(err)
				}
				w.Clock.Add(time.Minute)
				left := store.Finisher{Unfinished: w.Unfinished(), Clock: w.Clock.Now, Log: w.Log}
				_, serr := left.Round(w.Ctx())
				testenv.Must(t, serr)
				w.agrees(t, e, fmt.Sprintf("after %d writes", writes))
				if err == nil && c.do == nil && len(w.claims(e)) != 1 {
					t.Fatalf("after %d writes: an acknowledged booking is gone", writes)
				}
				for _, b := range w.booked(anyTalk) {
					testenv.Must(t, w.Cancel(w.Ctx(), elsa, b.ID))
				}
				if writes > 20 {
					t.Fatal("it never came to its end")
				}
			}
		})
	}
}

// agrees says that the person's talks and claims are the same, and that no talk
// stands twice.
func (w *world) agrees(t *testing.T, e halsocoach.Enrolment, when string) {
	t.Helper()
	talks := w.booked(func(t coach.Talk) bool { return t.Enrolment == e.ID })
	claims := w.claims(e)
	if len(talks) > 1 || len(talks) != len(claims) {
		t.Fatalf("%s: %d talks, %d claims", when, len(talks), len(claims))
	}
	if len(talks) == 1 && (talks[0].ID != claims[0].ID || !talks[0].Starts.Equal(claims[0].Starts)) {
		t.Fatalf("%s: the talk is at %v, the claim at %v", when, talks[0].Starts, claims[0].Starts)
	}
	left, _, err := store.In[map[string]any](w.Store, coach.Kinds()[2]).Find(w.Ctx(), store.Query{Index: "at"})
	testenv.Must(t, err)
	if len(left) > 0 {
		t.Fatalf("%s: an operation is left", when)
	}
}

func TestWhoComesAfterACrashMendsItBeforeBooking(t *testing.T) {
	w := newWorld(t)
	elsa := w.People.Elsa
	e := w.enrol(elsa, w.People.Maria)
	w.disk.dieAfter(2) // the step and the claim
	_, _, err := w.Book(w.Ctx(), elsa, key(), w.wish(tuesday, 9))
	testenv.Wants(t, err, errDead)
	w.disk.live()
	if len(w.claims(e)) != 1 || len(w.booked(anyTalk)) != 0 {
		t.Fatal("the crash did not come between claim and day")
	}
	w.Clock.Add(time.Minute)
	w.book(elsa, w.wish(tuesday, 10))
	w.agrees(t, e, "after the second try")
}

func TestAGroupAndATalkNeverShareATime(t *testing.T) {
	w := newWorld(t)
	people := w.citizens(testenv.Count(6, 24))
	for round, p := range people {
		date := tuesday.Plus(7 * (round / 12)).Plus(round % 4)
		hour := 9 + round/4%3
		var booked, held error
		testenv.Together(2, func(i int) {
			if i == 0 {
				_, _, booked = w.Book(w.Ctx(), p, key(), w.wish(date, hour))
			} else {
				held = w.HoldSpan(w.Ctx(), "maria", halsocoach.Appointment{ID: fmt.Sprint("group-", round), Starts: date.At(hour*60 + 30), Ends: date.At(hour*60 + 45)})
			}
		})
		if (booked == nil) == (held == nil) {
			t.Fatalf("round %d: talk %v, group %v", round, booked, held)
		}
		if booked != nil && !errors.Is(booked, coach.ErrTaken) || held != nil && !errors.Is(held, coach.ErrSpanTaken) {
			t.Fatalf("talk %v, group %v", booked, held)
		}
	}
}

func TestGroupSpans(t *testing.T) {
	w := newWorld(t)
	hold := func(id string, from, to int) error {
		return w.HoldSpan(w.Ctx(), "maria", halsocoach.Appointment{ID: id, Starts: tuesday.At(from * 60), Ends: tuesday.At(to * 60)})
	}
	testenv.Must(t, hold("walk", 10, 11))
	testenv.Must(t, hold("walk", 10, 11))
	testenv.Wants(t, hold("food", 10, 12), coach.ErrSpanTaken)
	testenv.Must(t, hold("walk", 11, 12))
	testenv.Must(t, hold("food", 10, 11))
	testenv.Wants(t, w.HoldSpan(w.Ctx(), "maria", halsocoach.Appointment{ID: "night", Starts: tuesday.At(23 * 60), Ends: tuesday.At(25 * 60)}), &halsocoach.Error{Kind: halsocoach.KindInvalid})
	testenv.Wants(t, w.HoldSpan(w.Ctx(), "ingen", halsocoach.Appointment{ID: "x", Starts: tuesday.At(60), Ends: tuesday.At(120)}), halsocoach.ErrNotFound)
	testenv.Must(t, w.FreeSpan(w.Ctx(), "maria", "food", tuesday.At(600)))
	testenv.Must(t, w.FreeSpan(w.Ctx(), "maria", "food", tuesday.At(600)))
	testenv.Must(t, w.FreeSpan(w.Ctx(), "maria", "food", monday.At(600)))
	elsa := w.People.Elsa
	w.enrol(elsa, w.People.Maria)
	_, _, err := w.Book(w.Ctx(), elsa, key(), w.wish(tuesday, 11))
	testenv.Wants(t, err, coach.ErrTaken)
	w.book(elsa, w.wish(tuesday, 10))
}
