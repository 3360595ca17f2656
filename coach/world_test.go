package coach_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/internal/person"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

// enrolled is a person's enrolment with the talks it has claimed.
type enrolled struct {
	halsocoach.Enrolment
	Person string                   `json:"person"`
	Talks  []halsocoach.Appointment `json:"talks"`
}

func enrolmentsKind() []store.Kind {
	return []store.Kind{{Name: "test_enrolments", Indexes: []store.Index{{Name: "person", Fields: []store.Field{store.T("person")}}}}}
}

// enrolments keeps the promises of coach.Enrolments on the real store.
type enrolments struct {
	docs    store.Collection[enrolled]
	persons *person.Service
	now     halsocoach.Clock
}

var errClaim = halsocoach.Conflict("claimed", "Personen har redan något den tiden.")

func (s enrolments) OfPerson(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Enrolment, error) {
	self, err := s.persons.Of(ctx, who.ID)
	var out []halsocoach.Enrolment
	for _, id := range self.IDs {
		docs, _, ferr := s.docs.Find(ctx, store.Query{Index: "person", Equal: []any{id}})
		err = errors.Join(err, ferr)
		for _, d := range docs {
			d.Enrolment.Person = d.Person
			out = append(out, d.Enrolment)
		}
	}
	return out, err
}

func (s enrolments) Enrolment(ctx context.Context, id string) (halsocoach.Enrolment, error) {
	d, err := s.docs.Get(ctx, id)
	d.Enrolment.Person = d.Person
	return d.Enrolment, err
}

func (s enrolments) ClaimTalk(ctx context.Context, id string, talk halsocoach.Appointment) error {
	_, err := s.docs.Update(ctx, id, func(d *enrolled) ([]halsocoach.Event, error) {
		if d.Ended {
			return nil, errClaim
		}
		at := -1
		for i, t := range d.Talks {
			switch {
			case t.ID == talk.ID:
				at = i
			case t.What == "first" && talk.What == "first" && t.Ends.After(s.now()), t.Starts.Before(talk.Ends) && talk.Starts.Before(t.Ends):
				return nil, errClaim
			}
		}
		if at < 0 {
			d.Talks = append(d.Talks, talk)
		} else {
			d.Talks[at] = talk
		}
		return nil, nil
	})
	return err
}

func (s enrolments) FreeTalk(ctx context.Context, id, talk string) error {
	_, err := s.docs.Update(ctx, id, func(d *enrolled) ([]halsocoach.Event, error) {
		kept := []halsocoach.Appointment{}
		for _, t := range d.Talks {
			if t.ID != talk {
				kept = append(kept, t)
			}
		}
		d.Talks = kept
		return nil, nil
	})
	return err
}

// PhoneFor keeps to the promise: the person's own eyes, or a coach of the centre
// where the person is not protected.
func (s enrolments) PhoneFor(ctx context.Context, who halsocoach.Actor, id string) (string, error) {
	d, err := s.docs.Get(ctx, id)
	if err != nil {
		return "", err
	}
	whose, err := s.persons.Of(ctx, d.Person)
	if err != nil || !whose.Has(who.ID) && (whose.Protected || who.Centre != d.Centre) {
		return "", err
	}
	return "0701740605", nil
}

func (s enrolments) Names(ctx context.Context, ids ...string) (map[string]string, error) {
	docs, err := s.docs.Many(ctx, ids...)
	out := map[string]string{}
	for _, d := range docs {
		protected, perr := s.persons.Protected(ctx, d.Person)
		err = errors.Join(err, perr)
		if out[d.ID] = "Namn " + d.ID; protected {
			out[d.ID] = "Invånare " + d.ID
		}
	}
	return out, err
}

// staff adds colleagues to the personas.
type staff struct {
	testenv.Staff
	more []halsocoach.StaffMember
}

func (s staff) Member(ctx context.Context, id string) (halsocoach.StaffMember, error) {
	for _, m := range s.more {
		if m.ID == id {
			return m, nil
		}
	}
	return s.Staff.Member(ctx, id)
}

func (s staff) Coaches(ctx context.Context, centre string) ([]halsocoach.StaffMember, error) {
	out, err := s.Staff.Coaches(ctx, centre)
	for _, m := range s.more {
		if m.Centre == centre && !m.Ended {
			out = append(out, m)
		}
	}
	return out, err
}

type inbox struct {
	n   int
	due time.Time
}

func (i inbox) Waiting(context.Context, halsocoach.Actor) (int, time.Time, error) {
	return i.n, i.due, nil
}

type messages struct{ waits halsocoach.Unread }

func (m messages) Unread(context.Context, halsocoach.Actor) (halsocoach.Unread, error) {
	return m.waits, nil
}

// mortal is a store whose process dies: after so many writes nothing more is
// written until it lives again.
type mortal struct {
	store.Store
	left atomic.Int64
	dies atomic.Bool
}

var errDead = errors.New("the process has died")

func (m *mortal) dead() bool { return m.dies.Load() && m.left.Add(-1) < 0 }

func (m *mortal) Save(ctx context.Context, kind string, doc store.Document, events []halsocoach.Event) (string, error) {
	if m.dead() {
		return "", errDead
	}
	return m.Store.Save(ctx, kind, doc, events)
}

func (m *mortal) Delete(ctx context.Context, kind, id, version string, events []halsocoach.Event) error {
	if m.dead() {
		return errDead
	}
	return m.Store.Delete(ctx, kind, id, version, events)
}

func (m *mortal) dieAfter(writes int) {
	m.left.Store(int64(writes))
	m.dies.Store(true)
}

func (m *mortal) live() { m.dies.Store(false) }

// world is a centre with two coaches, on the real ground.
type world struct {
	*testenv.Env
	*coach.Service
	disk   *mortal
	people enrolments
	malin  halsocoach.Actor
	cfg    coach.Config
}

const monday, tuesday = halsocoach.Day("2026-11-23"), halsocoach.Day("2026-11-24")

func newWorld(t testing.TB) *world {
	env := testenv.New(t, coach.Kinds(), enrolmentsKind())
	w := &world{Env: env, disk: &mortal{Store: env.Store}}
	w.malin = halsocoach.Actor{ID: "malin", Role: halsocoach.RoleCoach, Name: "Malin Ask", Kommun: "0684", Centre: "0684"}
	w.people = enrolments{store.In[enrolled](w.disk, enrolmentsKind()[0]), env.Persons, env.Clock.Now}
	w.cfg = coach.Config{
		Store: w.disk, Persons: env.Persons, Enrolments: w.people, Inbox: inbox{}, Messages: messages{}, Registers: env.Registers,
		Staff:    staff{env.Staff, []halsocoach.StaffMember{{ID: "malin", Name: "Malin Ask", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}}},
		Settings: env.Terms, AccessLog: env.AccessLog, Clock: env.Clock.Now, Log: env.Log,
	}
	w.Service = coach.New(w.cfg)
	for _, c := range []halsocoach.Actor{env.People.Maria, w.malin} {
		var week coach.Week
		for i := range 5 {
			week[i] = []coach.Hours{{From: 9 * 60, To: 12 * 60, Form: coach.OnSite}, {From: 13 * 60, To: 16 * 60, Form: coach.ByPhone}}
		}
		testenv.Must(t, w.SetWeek(env.Ctx(), c, monday, week))
	}
	return w
}

// enrol takes a person in at a centre, with a coach.
func (w *world) enrol(who, c halsocoach.Actor, change ...func(*halsocoach.Enrolment)) halsocoach.Enrolment {
	w.T.Helper()
	e := halsocoach.Enrolment{
		ID: halsocoach.IDFrom("enrolment", who.ID, c.Centre), Person: who.ID, Centre: c.Centre, Kommun: c.Kommun, Coach: c.ID,
		Source: halsocoach.FromCareCentre, Topics: []halsocoach.Topic{"mat"}, Sex: "kvinna", AgeBand: "18-29", Since: w.Clock.Now(),
	}
	for _, f := range change {
		f(&e)
	}
	testenv.Must(w.T, w.people.docs.Insert(w.Ctx(), e.ID, enrolled{Enrolment: e, Person: who.ID}))
	return e
}

// protect says that a person has protected identity.
func (w *world) protect(who halsocoach.Actor) {
	w.T.Helper()
	testenv.Must(w.T, w.Persons.Protect(w.Ctx(), w.People.Maria, who.ID, person.ByStaff))
}

// citizens are n people enrolled with Maria.
func (w *world) citizens(n int) []halsocoach.Actor {
	out := make([]halsocoach.Actor, n)
	for i := range out {
		out[i] = halsocoach.Actor{ID: fmt.Sprintf("person-%d", i), Role: halsocoach.RoleCitizen}
		w.enrol(out[i], w.People.Maria)
	}
	return out
}

func (w *world) wish(day halsocoach.Day, hour int) coach.BookRequest {
	form := coach.OnSite
	if hour >= 13 {
		form = coach.ByPhone
	}
	return coach.BookRequest{Coach: "maria", Starts: day.At(hour * 60), Form: form}
}

func key() halsocoach.Request { return halsocoach.Request{Key: halsocoach.NewID()} }

// book books, and must.
func (w *world) book(who halsocoach.Actor, wish coach.BookRequest) coach.Booked {
	w.T.Helper()
	b, made, err := w.Book(w.Ctx(), who, key(), wish)
	if err != nil || !made {
		w.T.Fatalf("book: made %v, %v", made, err)
	}
	return b
}

// claims are what the person's enrolment holds.
func (w *world) claims(e halsocoach.Enrolment) []halsocoach.Appointment {
	w.T.Helper()
	d, err := w.people.docs.Get(w.Ctx(), e.ID)
	testenv.Must(w.T, err)
	return d.Talks
}

// days are all stored days.
func (w *world) days() []coach.Day {
	w.T.Helper()
	var out []coach.Day
	err := store.In[coach.Day](w.Store, coach.Kinds()[0]).Each(w.Ctx(), func(_ string, d coach.Day) error {
		out = append(out, d)
		return nil
	})
	testenv.Must(w.T, err)
	return out
}

// booked are the places in which the talk stands, not cancelled.
func (w *world) booked(keep func(coach.Talk) bool) []coach.Booked {
	w.T.Helper()
	var out []coach.Booked
	for _, d := range w.days() {
		for _, t := range d.Talks {
			if t.Outcome != coach.Cancelled && keep(t) {
				out = append(out, coach.Booked{Coach: d.Coach, Date: d.Date, Talk: t})
			}
		}
	}
	return out
}

func anyTalk(coach.Talk) bool { return true }
