package sender_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
	"halsocoach/referral/selfreferral"
	"halsocoach/referral/sender"
)

// ground is the rooms of the recommendation on a real store, with their consumers
// running.
type ground struct {
	*testenv.Env
	records *record.Records
	svc     *sender.Service
	coach   *inbox.Service
	self    *selfreferral.Service
}

func open(t *testing.T) ground {
	t.Helper()
	g := asleep(t)
	g.wake()
	return g
}

// asleep is one whose consumers do not run yet.
func asleep(t *testing.T) ground {
	t.Helper()
	env := testenv.New(t, record.Kinds())
	return rooms(env, record.Config{Store: env.Store, Seal: env.Seal, Clock: env.Clock.Now, Settings: env.Terms,
		Registers: env.Registers, Staff: colleagues{env.Staff}, AccessLog: env.AccessLog, Persons: env.Persons, Log: env.Log})
}

func rooms(env *testenv.Env, cfg record.Config) ground {
	g := ground{Env: env, records: record.New(cfg)}
	g.coach = inbox.New(inbox.Config{Records: g.records, Persons: env.Persons, Calendar: empty{}, Log: env.Log})
	g.svc = sender.New(sender.Config{Records: g.records, Inbox: g.coach})
	g.self = selfreferral.New(selfreferral.Config{Records: g.records})
	return g
}

func (g ground) wake() {
	g.T.Helper()
	ctx, stop := context.WithCancel(context.Background())
	g.T.Cleanup(stop)
	testenv.Must(g.T, errors.Join(g.records.Start(ctx, g.Bus), g.coach.Start(ctx, g.Bus)))
}

// sara is another sender than the nurse of Sävsjö vårdcentral.
var sara = halsocoach.Actor{ID: "sara", Role: halsocoach.RoleCareCentre, Name: "Sara Lund", Kommun: "0684", Unit: "savsjo-vardcentral"}

// colleagues are the personas and any coach whose id begins with "coach-".
type colleagues struct{ testenv.Staff }

func (c colleagues) Member(ctx context.Context, id string) (halsocoach.StaffMember, error) {
	if strings.HasPrefix(id, "coach-") {
		return halsocoach.StaffMember{ID: id, Name: "Kollega " + id, Role: halsocoach.RoleCoach, Centre: "0684"}, nil
	}
	return c.Staff.Member(ctx, id)
}

// Coaches: one at every centre but Habo's.
func (c colleagues) Coaches(ctx context.Context, centre string) ([]halsocoach.StaffMember, error) {
	if centre == "0643" {
		return nil, nil
	}
	found, err := c.Staff.Coaches(ctx, centre)
	if len(found) == 0 {
		found = []halsocoach.StaffMember{{ID: "coach-" + centre, Role: halsocoach.RoleCoach, Centre: centre}}
	}
	return found, err
}

func wish() record.NewReferral {
	return record.NewReferral{Personnummer: testenv.ElsasNumber, Name: "Elsa Berg", Phone: "070-123 45 67", Topics: []halsocoach.Topic{"sömn", "mat"}, Centre: "0684", Consent: true}
}

func key(k string) halsocoach.Request { return halsocoach.Request{Key: k} }

// sent recommends and returns what the sender sees.
func (g ground) sent(who halsocoach.Actor, k string, n record.NewReferral) record.SenderView {
	g.T.Helper()
	own, made, err := g.svc.Recommend(g.Ctx(), who, key(k), n)
	if err != nil || !made {
		g.T.Fatalf("made %v, %v", made, err)
	}
	return own
}

func (g ground) inbox(who halsocoach.Actor, state record.State) []inbox.Item {
	g.T.Helper()
	l, err := g.coach.List(g.Ctx(), who, record.InboxQuery{State: state})
	testenv.Must(g.T, err)
	return l.Items
}

func (g ground) decide(who halsocoach.Actor, k, id string, r inbox.Ruling) error {
	_, _, err := g.coach.Decide(g.Ctx(), who, key(k), id, r)
	return err
}

// empty is a calendar without talks.
type empty struct{ inbox.Calendar }

func (empty) ComingOf(context.Context, halsocoach.Actor, string) ([]halsocoach.Appointment, error) {
	return nil, nil
}
