package groups_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/groups"
	"halsocoach/internal/person"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

// calendar is coaches' time for tests: a span that overlaps another is taken.
type calendar struct {
	mu    sync.Mutex
	spans map[string]groups.Span // by coach and id
	fail  error
}

var errBusyCoach = halsocoach.Conflict("taken", "Tiden är upptagen.")

func (c *calendar) HoldSpan(_ context.Context, coach string, what halsocoach.Appointment) error {
	id, starts, ends := what.ID, what.Starts, what.Ends
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return c.fail
	}
	for key, s := range c.spans {
		if key != coach+"/"+id && s.Starts.Before(ends) && starts.Before(s.Ends) && key[:len(coach)+1] == coach+"/" {
			return errBusyCoach
		}
	}
	c.spans[coach+"/"+id] = groups.Span{Starts: starts, Ends: ends}
	return nil
}

func (c *calendar) FreeSpan(_ context.Context, coach, id string, _ time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		return c.fail
	}
	delete(c.spans, coach+"/"+id)
	return nil
}

func (c *calendar) held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.spans)
}

func (c *calendar) breakDown(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = err
}

// enrolments know some of the persons.
type enrolments map[string]halsocoach.Enrolment

func (e enrolments) EnrolmentsAt(_ context.Context, _ string, persons ...string) (map[string]halsocoach.Enrolment, error) {
	out := map[string]halsocoach.Enrolment{}
	for _, p := range persons {
		if known, ok := e[p]; ok {
			out[p] = known
		}
	}
	return out, nil
}

type house struct {
	*testenv.Env
	cal *calendar
	enr enrolments
	svc *groups.Service
}

func newHouse(t testing.TB, more ...store.Kind) *house {
	t.Helper()
	h := &house{Env: testenv.New(t, groups.Kinds(), more), cal: &calendar{spans: map[string]groups.Span{}}, enr: enrolments{}}
	h.svc = h.service()
	testenv.Must(t, h.svc.Start(h.Ctx(), h.Bus))
	return h
}

// service is another node on the same store.
func (h *house) service() *groups.Service {
	return groups.New(groups.Config{
		Store: h.Store, Seal: h.Seal, Clock: h.Clock.Now, Log: h.Log, AccessLog: h.AccessLog,
		Settings: h.Terms, Registers: h.Registers, Staff: h.Staff, Calendar: h.cal, Enrolments: h.enr, Persons: h.Persons, Nudges: h.Bus,
	})
}

func walking(places int) groups.Plan {
	return groups.Plan{
		Title: "Gågrupp vid Sävsjöån", Description: "Vi går i lugn takt och fikar efteråt.", Topic: "fysisk aktivitet",
		Form: groups.OnSite, Where: "Resecentrum", Leader: "maria",
		Dates: groups.Dates{Weekdays: []time.Weekday{time.Wednesday}, From: "2026-11-23", To: "2026-12-16", Start: 10 * 60, Length: 90, Places: places},
	}
}

func key(k string) halsocoach.Request { return halsocoach.Request{Key: k} }

func newKey() halsocoach.Request { return key(halsocoach.NewID()) }

// publish makes a walking group and gives its first occasion.
func (h *house) publish(places int) (groups.Activity, groups.Brief) {
	h.T.Helper()
	a, _, err := h.svc.Publish(h.Ctx(), h.People.Maria, newKey(), walking(places))
	testenv.Must(h.T, err)
	return a, h.first(a)
}

func (h *house) first(a groups.Activity) groups.Brief {
	h.T.Helper()
	s, err := h.svc.Series(h.Ctx(), h.People.Maria, a.ID)
	if err != nil || len(s.Dates) == 0 {
		h.T.Fatalf("dates of %s: %v %v", a.ID, s.Dates, err)
	}
	return s.Dates[0]
}

// crowd are people who can book.
func (h *house) crowd(n int) []halsocoach.Actor {
	h.T.Helper()
	out := make([]halsocoach.Actor, n)
	for i := range out {
		id, err := h.Seal.NewPerson(h.Ctx())
		testenv.Must(h.T, err)
		out[i] = halsocoach.Actor{ID: id, Role: halsocoach.RoleCitizen, Name: fmt.Sprintf("Person %d", i), Kommun: "0684"}
	}
	return out
}

func (h *house) occasion(id string) groups.Occasion {
	h.T.Helper()
	o, err := store.In[groups.Occasion](h.Store, groups.Kinds()[1]).Get(h.Ctx(), id)
	testenv.Must(h.T, err)
	return o
}

func (h *house) book(who halsocoach.Actor, occasion string, reserve bool) groups.Booking {
	h.T.Helper()
	b, _, err := h.svc.Book(h.Ctx(), who, newKey(), groups.BookRequest{Occasion: occasion, Reserve: reserve})
	testenv.Must(h.T, err)
	return b
}

// protect says that the person has protected identity.
func (h *house) protect(who halsocoach.Actor) {
	h.T.Helper()
	testenv.Must(h.T, h.Persons.Protect(h.Ctx(), h.People.Vardcentral, who.ID, person.ByRecommending))
}

// sweep finishes what was left unfinished.
func (h *house) sweep() {
	h.T.Helper()
	for _, work := range h.svc.Unfinished() {
		f := store.Finisher{Unfinished: work, Clock: h.Clock.Now, Log: h.Log}
		testenv.Must(h.T, testenv.ErrOf(f.Round(h.Ctx())))
	}
}

func (h *house) dates(activity string) []groups.Brief {
	h.T.Helper()
	s, err := h.svc.Series(h.Ctx(), h.People.Maria, activity)
	testenv.Must(h.T, err)
	return s.Dates
}
