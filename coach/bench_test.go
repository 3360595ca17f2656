package coach_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

// benchWorld has n people, each with a coach of their own.
func benchWorld(b *testing.B, n int) (*world, []halsocoach.Actor) {
	w := newWorld(b)
	people := make([]halsocoach.Actor, n)
	more := staff{w.Env.Staff, w.cfg.Staff.(staff).more}
	for i := range people {
		id := fmt.Sprintf("coach-%d", i)
		more.more = append(more.more, halsocoach.StaffMember{ID: id, Name: id, Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
		own := halsocoach.Actor{ID: id, Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}
		people[i] = halsocoach.Actor{ID: fmt.Sprintf("person-%d", i), Role: halsocoach.RoleCitizen}
		w.enrol(people[i], own)
		testenv.Must(b, w.SetWeek(w.Ctx(), own, monday, coach.Week{1: {{From: 9 * 60, To: 12 * 60, Form: coach.OnSite}}}))
	}
	w.cfg.Staff = more
	w.Service = coach.New(w.cfg)
	return w, people
}

// BenchmarkBookAndCancel: 50 people book and call off at once, each with their
// own coach: eight synced writes and about ten reads. The floor is eight writes
// of a day with one talk through the same store.
func BenchmarkBookAndCancel(b *testing.B) {
	const at = 50
	w, people := benchWorld(b, at)
	days := store.In[coach.Day](w.Store, coach.Kinds()[0])
	atOnce50 := func(b *testing.B, do func(worker int)) {
		var next atomic.Int64
		b.ResetTimer()
		testenv.Together(at, func(worker int) {
			for next.Add(1) <= int64(b.N) {
				do(worker)
			}
		})
	}
	b.Run("floor", func(b *testing.B) {
		atOnce50(b, func(worker int) {
			for i := range 8 {
				_, err := days.Upsert(w.Ctx(), fmt.Sprintf("floor-%d/%d", worker, i%2), func(d *coach.Day) ([]halsocoach.Event, error) {
					d.Coach, d.Date = "floor", tuesday
					d.Talks = []coach.Talk{{ID: halsocoach.NewID(), Person: people[worker].ID, Enrolment: "e", Starts: tuesday.At(540), Ends: tuesday.At(600)}}
					return nil, nil
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("service", func(b *testing.B) {
		atOnce50(b, func(worker int) {
			wish := coach.BookRequest{Coach: fmt.Sprintf("coach-%d", worker), Starts: tuesday.At(9 * 60), Form: coach.OnSite}
			t, _, err := w.Book(w.Ctx(), people[worker], key(), wish)
			if err == nil {
				err = w.Cancel(w.Ctx(), people[worker], t.ID)
			}
			if err != nil {
				b.Error(err)
			}
		})
	})
}

// BenchmarkFree: all free times of a centre with eight coaches, six weeks ahead.
func BenchmarkFree(b *testing.B) {
	w, people := benchWorld(b, 6) // and Maria and Malin
	for b.Loop() {
		o, err := w.Free(w.Ctx(), people[0], coach.SlotQuery{})
		if err != nil || len(o.Slots) < 400 || len(o.Coaches) != 8 {
			b.Fatal(len(o.Slots), err)
		}
	}
}
