package groups

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/testenv"
)

var monday = halsocoach.Day("2026-11-23").At(9 * 60)

func citizenOf(id, kommun string) halsocoach.Actor {
	return halsocoach.Actor{ID: id, Role: halsocoach.RoleCitizen, Kommun: kommun}
}

func one(id string) person.Identity { return person.Identity{IDs: []string{id}} }

func walk(places int) Occasion {
	a := Activity{ID: "a1", Kommun: "0684", Centre: "0684", Leader: "maria"}
	return a.Occasion(monday, Span{monday.Add(48 * time.Hour), monday.Add(49 * time.Hour)}, places, time.Time{})
}

func book(t *testing.T, o *Occasion, person string, reserve bool) Booking {
	t.Helper()
	b, fresh, err := o.Book(monday, citizenOf(person, "0684"), one(person), Seat{Person: person, Key: "k" + person, AskedReserve: reserve})
	if err != nil || !fresh {
		t.Fatalf("book %s: %v, fresh %v", person, err, fresh)
	}
	return b
}

func TestAnOccasionSaysWhatItIsToWhomAndWhen(t *testing.T) {
	own, other, nobody := citizenOf("p", "0684"), citizenOf("q", "0680"), halsocoach.Actor{}
	for _, c := range []struct {
		name   string
		change func(*Occasion)
		after  time.Duration
		who    halsocoach.Actor
		want   State
	}{
		{"free", nil, 0, own, Open},
		{"free to a visitor", nil, 0, nobody, Open},
		{"full", func(o *Occasion) { o.Places = make([]Seat, 2) }, 0, own, Full},
		{"own residents first, own", func(o *Occasion) { o.OwnFirstUntil = monday.Add(time.Hour) }, 0, own, Open},
		{"own residents first, other", func(o *Occasion) { o.OwnFirstUntil = monday.Add(time.Hour) }, 0, other, Restricted},
		{"own residents first, visitor", func(o *Occasion) { o.OwnFirstUntil = monday.Add(time.Hour) }, 0, nobody, Restricted},
		{"own residents first, over", func(o *Occasion) { o.OwnFirstUntil = monday.Add(time.Hour) }, time.Hour, other, Open},
		{"own first and full, other", func(o *Occasion) { o.OwnFirstUntil = monday.Add(time.Hour); o.Places = make([]Seat, 2) }, 0, other, Restricted},
		{"own first and full, visitor", func(o *Occasion) { o.OwnFirstUntil = monday.Add(time.Hour); o.Places = make([]Seat, 2) }, 0, nobody, Full},
		{"shut by the coach", func(o *Occasion) { o.Closed = true }, 0, own, Closed},
		{"begun", nil, 48 * time.Hour, own, Closed},
		{"over", nil, 49 * time.Hour, own, Past},
		{"cancelled", func(o *Occasion) { o.Cancelled = &Cancelled{} }, 0, own, IsOff},
		{"cancelled and over", func(o *Occasion) { o.Cancelled = &Cancelled{} }, 50 * time.Hour, own, IsOff},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := walk(2)
			if c.change != nil {
				c.change(&o)
			}
			if got := o.State(monday.Add(c.after), c.who); got != c.want {
				t.Fatalf("state %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatCanNotBeBookedSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Occasion)
		after  time.Duration
		want   error
	}{
		{"cancelled", func(o *Occasion) { o.Cancelled = &Cancelled{} }, 0, ErrCancelled},
		{"shut", func(o *Occasion) { o.Closed = true }, 0, ErrClosed},
		{"begun", nil, 48 * time.Hour, ErrClosed},
		{"over", nil, 49 * time.Hour, ErrPast},
		{"own residents first", func(o *Occasion) { o.OwnFirstUntil = monday.Add(time.Hour) }, 0, ErrRestricted},
		{"reserve list full", func(o *Occasion) { o.Places, o.Reserve = make([]Seat, 1), make([]Seat, MaxReserve) }, 0, ErrReserveFull},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := walk(1)
			if c.change != nil {
				c.change(&o)
			}
			if _, _, err := o.Book(monday.Add(c.after), citizenOf("x", "0680"), one("x"), Seat{Person: "x", AskedReserve: true}); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
	o := walk(1)
	book(t, &o, "a", false)
	testenv.Wants(t, testenv.ErrOf(o.Leave(o.Starts, one("a"))), ErrBegun)
}

func TestAttendanceIsThreeStatesAndNullFromTheStart(t *testing.T) {
	o := walk(3)
	a, b, c := book(t, &o, "a", false), book(t, &o, "b", false), book(t, &o, "c", false)
	testenv.Wants(t, testenv.ErrOf(o.Note(monday, []Mark{{a.ID, Came}}, nil)), ErrNotBegun)
	if o.Places[0].Attendance != "" {
		t.Fatal("attendance is not null before it is noted")
	}
	present, held, err := o.Note(o.Starts, []Mark{{a.ID, Came}, {b.ID, Absent}, {c.ID, Told}}, nil)
	if err != nil || !held || len(present) != 1 || present[0] != "a" {
		t.Fatalf("first list: %v %v %v", present, held, err)
	}
	// Corrections: a was not there, b was; and then a was there after all.
	present, held, err = o.Note(o.Ends, []Mark{{a.ID, Absent}, {b.ID, Came}}, nil)
	if err != nil || held || len(present) != 1 || present[0] != "b" {
		t.Fatalf("correction: %v %v %v", present, held, err)
	}
	present, held, err = o.Note(o.Ends, []Mark{{a.ID, Came}, {b.ID, Came}, {c.ID, ""}}, nil)
	if err != nil || held || len(present) != 0 {
		t.Fatalf("correction back: %v %v %v", present, held, err)
	}
	testenv.Wants(t, testenv.ErrOf(o.Note(o.Ends, []Mark{{"nobody", Came}}, nil)), halsocoach.ErrNotFound)
	if _, _, err = o.Note(o.Ends, []Mark{{a.ID, "maybe"}}, nil); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatalf("a fourth state: %v", err)
	}
}

func TestCancellingAnOccasionTwiceKeepsTheFirstReason(t *testing.T) {
	o, maria := walk(1), halsocoach.Actor{ID: "maria", Role: halsocoach.RoleCoach, Centre: "0684"}
	if err := o.CallOff(monday, maria, " "); halsocoach.KindOf(err) != halsocoach.KindInvalid {
		t.Fatalf("without a reason: %v", err)
	}
	testenv.Must(t, o.CallOff(monday, maria, "Isgata"))
	if err := o.CallOff(monday, maria, "Något annat"); err != nil || o.Cancelled.Reason != "Isgata" || o.SpanToRelease.IsZero() {
		t.Fatalf("again: %v %+v", err, o.Cancelled)
	}
	o = walk(1)
	testenv.Wants(t, o.CallOff(o.Ends, maria, "Isgata"), ErrPast)
}

// The rules hold for every order of bookings, cancellations and changes: never
// more places than capacity, nobody twice, nobody waits beside a free place,
// and the reserve list keeps its order.
func TestPlacesAndReserveListHoldInEveryOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := walk(rapid.IntRange(1, 4).Draw(t, "places"))
		queue := []string{} // persons in the order they joined the reserve list
		steps := rapid.IntRange(1, 60).Draw(t, "steps")
		for range steps {
			person := "p" + strconv.Itoa(rapid.IntRange(0, 11).Draw(t, "person"))
			switch rapid.SampledFrom([]string{"book", "reserve", "leave", "resize"}).Draw(t, "act") {
			case "book":
				_, _, _ = o.Book(monday, citizenOf(person, ""), one(person), Seat{Person: person, Key: "book"})
			case "reserve":
				b, fresh, err := o.Book(monday, citizenOf(person, ""), one(person), Seat{Person: person, Key: "reserve", AskedReserve: true})
				if err != nil {
					t.Fatalf("reserve %s: %v", person, err)
				}
				if fresh && b.Status == OnReserve {
					queue = append(queue, person)
				}
			case "leave":
				if _, _, err := o.Leave(monday, one(person)); err != nil {
					t.Fatalf("leave %s: %v", person, err)
				}
				queue = slices.DeleteFunc(queue, func(p string) bool { return p == person })
			case "resize":
				_, _ = o.Resize(monday, rapid.IntRange(1, 6).Draw(t, "size"))
			}
			queue = slices.DeleteFunc(queue, func(p string) bool { b, ok := o.Of(one(p)); return ok && b.Status == Booked })
			holds(t, o, queue)
		}
	})
}

func holds(t *rapid.T, o Occasion, queue []string) {
	if len(o.Places) > o.Capacity {
		t.Fatalf("%d places of %d", len(o.Places), o.Capacity)
	}
	if len(o.Reserve) > 0 && len(o.Places) < o.Capacity {
		t.Fatalf("%d wait beside %d free places", len(o.Reserve), o.Capacity-len(o.Places))
	}
	seen := map[string]bool{}
	for _, p := range slices.Concat(o.Places, o.Reserve) {
		if seen[p.Person] {
			t.Fatalf("%s stands twice", p.Person)
		}
		seen[p.Person] = true
	}
	waiting := []string{}
	for i, p := range o.Reserve {
		waiting = append(waiting, p.Person)
		if b, _ := o.Of(one(p.Person)); b.Position != i+1 {
			t.Fatalf("%s is told position %d, is %d", p.Person, b.Position, i+1)
		}
	}
	if !slices.Equal(waiting, queue) {
		t.Fatalf("the reserve list is %v, they came as %v", waiting, queue)
	}
	if len(o.People) != len(seen) {
		t.Fatalf("the index holds %d of %d", len(o.People), len(seen))
	}
}
