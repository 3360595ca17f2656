package referral_test

import (
	"context"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral"
)

// ground is a service on a real store, with its consumers running.
type ground struct {
	*testenv.Env
	svc *referral.Service
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
	env := testenv.New(t, referral.Kinds())
	return ground{env, referral.New(referral.Config{Store: env.Store, Seal: env.Seal, Clock: env.Clock.Now, Settings: env.Terms,
		Registers: env.Registers, Staff: colleagues{env.Staff}, AccessLog: env.AccessLog})}
}

func (g ground) wake() {
	g.T.Helper()
	ctx, stop := context.WithCancel(context.Background())
	g.T.Cleanup(stop)
	if err := g.svc.Start(ctx, g.Bus); err != nil {
		g.T.Fatal(err)
	}
}

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

func key(k string) halsocoach.Request { return halsocoach.Request{Key: k} }

// sent recommends and returns the id.
func (g ground) sent(who halsocoach.Actor, k string, w referral.Wish) referral.Own {
	g.T.Helper()
	own, made, err := g.svc.Recommend(g.Ctx(), who, key(k), w)
	if err != nil || !made {
		g.T.Fatalf("made %v, %v", made, err)
	}
	return own
}

func (g ground) inbox(who halsocoach.Actor, state referral.State) []referral.Item {
	g.T.Helper()
	items, _, err := g.svc.Inbox(g.Ctx(), who, "", state, "")
	if err != nil {
		g.T.Fatal(err)
	}
	return items
}

func (g ground) decide(who halsocoach.Actor, k, id string, r referral.Ruling) error {
	_, _, err := g.svc.Decide(g.Ctx(), who, key(k), id, r)
	return err
}
