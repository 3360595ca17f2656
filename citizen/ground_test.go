package citizen_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"halsocoach"
	"halsocoach/citizen"
	"halsocoach/internal/person"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
	"halsocoach/referral/selfreferral"
	"halsocoach/referral/sender"
)

// ground is citizen and referral on one real store, tied as cmd ties them.
type ground struct {
	*testenv.Env
	records *record.Records
	inbox   *inbox.Service
	sender  *sender.Service
	svc     *citizen.Service
	agenda  *agenda
}

// agenda is what other packages know.
type agenda struct{ items []halsocoach.Appointment }

func (a *agenda) Coming(context.Context, halsocoach.Actor) ([]halsocoach.Appointment, error) {
	return a.items, nil
}

func (a *agenda) Unread(context.Context, halsocoach.Actor) (halsocoach.Unread, error) {
	return halsocoach.Unread{Conversations: 1, Messages: 2, Path: "/chatt/x"}, nil
}

// asleep is the ground before the consumers run.
func asleep(t *testing.T) ground {
	t.Helper()
	env := testenv.New(t, record.Kinds(), citizen.Kinds())
	g := ground{Env: env, agenda: &agenda{}}
	g.records = record.New(record.Config{Store: env.Store, Seal: env.Seal, Clock: env.Clock.Now, Settings: env.Terms,
		Registers: env.Registers, Staff: env.Staff, AccessLog: env.AccessLog, Persons: env.Persons, Log: env.Log})
	g.inbox = inbox.New(inbox.Config{Records: g.records, Persons: env.Persons, Log: env.Log})
	g.sender = sender.New(sender.Config{Records: g.records, Inbox: g.inbox})
	self := selfreferral.New(selfreferral.Config{Records: g.records})
	g.svc = citizen.New(citizen.Config{Store: env.Store, Seal: env.Seal, Clock: env.Clock.Now, Log: env.Log, Staff: env.Staff, Registers: env.Registers,
		AccessLog: env.AccessLog, Persons: env.Persons, Referrals: referrals{g.records, self}, Groups: g.agenda, Messages: g.agenda})
	return g
}

func (g ground) wake() ground {
	g.T.Helper()
	ctx, stop := context.WithCancel(context.Background())
	g.T.Cleanup(stop)
	testenv.Must(g.T, errors.Join(g.records.Start(ctx, g.Bus), g.svc.Start(ctx, g.Bus)))
	return g
}

func open(t *testing.T) ground { return asleep(t).wake() }

func key(k string) halsocoach.Request { return halsocoach.Request{Key: k} }

func wish() record.NewReferral {
	return record.NewReferral{Personnummer: testenv.ElsasNumber, Name: "Elsa Berg", Phone: "070-123 45 67", Topics: []halsocoach.Topic{"sömn"}, Centre: "0684", Consent: true}
}

// accept recommends and accepts, and returns the referral's id.
func (g ground) accept(w record.NewReferral) string {
	g.T.Helper()
	k := key(halsocoach.NewID())
	own, _, err := g.sender.Recommend(g.Ctx(), g.People.Vardcentral, k, w)
	var item inbox.Item
	if err == nil {
		item, _, err = g.inbox.Decide(g.Ctx(), g.People.Maria, k, own.ID, inbox.Ruling{Decision: "accept"})
	}
	testenv.Must(g.T, err)
	return item.ID
}

// enrolled is accept, and then the enrolment.
func (g ground) enrolled(w record.NewReferral) halsocoach.Enrolment {
	g.T.Helper()
	ref := g.accept(w)
	var e halsocoach.Enrolment
	g.Eventually("enrolment of "+ref, func() bool {
		id, err := g.svc.OfReferral(g.Ctx(), g.People.Maria, ref)
		if err == nil {
			e, err = g.svc.Enrolment(g.Ctx(), id)
		}
		// The name is indexed after the document is saved.
		found, ferr := g.svc.Search(g.Ctx(), g.People.Maria, w.Name)
		return err == nil && ferr == nil && slices.ContainsFunc(found, func(r citizen.Row) bool { return r.ID == id })
	})
	return e
}

// protect says that the person has protected identity.
func (g ground) protect(id string) {
	g.T.Helper()
	testenv.Must(g.T, g.Persons.Protect(g.Ctx(), g.People.Vardcentral, id, person.ByRecommending))
}

func first(id string, hours float64) halsocoach.Appointment {
	return halsocoach.Appointment{ID: id, What: "first", Starts: at(hours), Ends: at(hours + 1)}
}

// referrals are what the program asks of recommendations.
type referrals struct {
	*record.Records
	self *selfreferral.Service
}

func (r referrals) OfPerson(ctx context.Context, who halsocoach.Actor) ([]citizen.Recommended, error) {
	return r.self.OfPerson(ctx, who)
}
