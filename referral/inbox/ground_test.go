package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
	"halsocoach/referral/selfreferral"
	"halsocoach/referral/sender"
)

// ground is the inbox on a real store, with the consumers running.
type ground struct {
	*testenv.Env
	records  *record.Records
	svc      *inbox.Service
	sender   *sender.Service
	self     *selfreferral.Service
	app      *testenv.App
	calendar *calendar
}

func open(t testing.TB) ground {
	t.Helper()
	env := testenv.New(t, record.Kinds())
	g := on(env, env.Store)
	g.app = g.App(func(a *web.App) {
		g.sender.Routes(a.Fiber())
		g.svc.Routes(a.Fiber())
	})
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	testenv.Must(t, errors.Join(g.records.Start(ctx, env.Bus), g.svc.Start(ctx, env.Bus)))
	return g
}

// on is the rooms on a store, without consumers.
func on(env *testenv.Env, st store.Store) ground {
	g := ground{Env: env, calendar: &calendar{booked: map[string]inbox.Time{}}}
	g.records = record.New(record.Config{Store: st, Seal: env.Seal, Clock: env.Clock.Now, Settings: env.Terms,
		Registers: env.Registers, Staff: colleagues{env.Staff}, AccessLog: env.AccessLog, Persons: env.Persons, Log: env.Log})
	g.svc = inbox.New(inbox.Config{Records: g.records, Persons: env.Persons, Calendar: g.calendar, Enrolments: g.calendar, Log: env.Log})
	g.sender = sender.New(sender.Config{Records: g.records, Inbox: g.svc})
	g.self = selfreferral.New(selfreferral.Config{Records: g.records})
	return g
}

// colleagues are the personas and any coach whose id begins with "coach-", all of
// Sävsjö.
type colleagues struct{ testenv.Staff }

func (c colleagues) Member(ctx context.Context, id string) (halsocoach.StaffMember, error) {
	if strings.HasPrefix(id, "coach-") {
		return halsocoach.StaffMember{ID: id, Name: "Kollega " + id, Role: halsocoach.RoleCoach, Centre: "0684"}, nil
	}
	return c.Staff.Member(ctx, id)
}

func (c colleagues) Coaches(ctx context.Context, centre string) ([]halsocoach.StaffMember, error) {
	all, err := c.Staff.Coaches(ctx, centre)
	for i := range 50 {
		if m, _ := c.Member(ctx, fmt.Sprint("coach-", i)); centre == "0684" {
			all = append(all, m)
		}
	}
	return all, err
}

func colleague(n int) halsocoach.Actor {
	return halsocoach.Actor{ID: fmt.Sprint("coach-", n), Role: halsocoach.RoleCoach, Name: fmt.Sprint("Kollega coach-", n), Kommun: "0684", Centre: "0684"}
}

// calendar has two free times and keeps what is booked, by enrolment.
type calendar struct {
	booked map[string]inbox.Time
	taken  bool // somebody else has taken the times since they were shown
}

func (c *calendar) FirstTimes(context.Context, halsocoach.Actor) ([]inbox.Time, error) {
	tomorrow := testenv.Morning().AddDate(0, 0, 1)
	return []inbox.Time{{Starts: tomorrow, Form: "på plats"}, {Starts: tomorrow.Add(2 * time.Hour), Form: "telefon"}}, nil
}

func (c *calendar) BookFirst(_ context.Context, _ halsocoach.Actor, _ halsocoach.Request, enrolment string, at inbox.Time) error {
	if c.taken {
		return halsocoach.Conflict("taken", "Tiden hann bli bokad av någon annan. Välj en annan tid.")
	}
	c.booked[enrolment] = at
	return nil
}

func (c *calendar) ComingOf(_ context.Context, _ halsocoach.Actor, enrolment string) ([]halsocoach.Appointment, error) {
	at, ok := c.booked[enrolment]
	if !ok {
		return nil, halsocoach.ErrNotFound
	}
	return []halsocoach.Appointment{{ID: "t", What: "first", Place: "Telefon", Path: "/kalender/samtal/t", Starts: at.Starts, Ends: at.Starts.Add(time.Hour)}}, nil
}

func (c *calendar) Enrol(_ context.Context, a halsocoach.Accepted) (halsocoach.Enrolment, error) {
	return halsocoach.Enrolment{ID: halsocoach.IDFrom("enrolment", a.Referral), Person: a.Person}, nil
}

func key(k string) halsocoach.Request { return halsocoach.Request{Key: k} }

func wish() record.NewReferral {
	return record.NewReferral{Personnummer: testenv.ElsasNumber, Name: "Elsa Berg", Phone: "070-174 06 05", Topics: []halsocoach.Topic{"sömn", "mat"}, Centre: "0684", Consent: true}
}

// nameless is a wish without a number: a person of its own each time.
func nameless(name string) record.NewReferral {
	w := wish()
	w.Personnummer, w.Name = "", name
	return w
}

// sent recommends and returns the recommendation's id.
func (g ground) sent(who halsocoach.Actor, k string, w record.NewReferral) string {
	g.T.Helper()
	own, _, err := g.sender.Recommend(g.Ctx(), who, key(k), w)
	testenv.Must(g.T, err)
	return own.ID
}

func (g ground) stored(id string) record.Referral {
	g.T.Helper()
	r, err := g.records.Get(g.Ctx(), id)
	testenv.Must(g.T, err)
	return r
}

func (g ground) list(who halsocoach.Actor, q record.InboxQuery) []string {
	g.T.Helper()
	l, err := g.svc.List(g.Ctx(), who, q)
	testenv.Must(g.T, err)
	var ids []string
	for _, i := range l.Items {
		ids = append(ids, i.ID)
	}
	return ids
}
