package staff

import (
	"context"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

// places are the test registers with a list of units.
type places struct{ testenv.Registers }

func (p places) Units(context.Context, string) ([]halsocoach.Unit, error) { return nil, nil }

// node is a service that does not listen to the others.
func node(e *testenv.Env) *Service {
	return New(Config{Store: e.Store, Seal: e.Seal, Bus: e.Bus, Clock: e.Clock.Now, Log: e.Log, PublicURL: "http://example.test", Registers: places{e.Registers}})
}

// register is one running node with the staff of the tests.
func register(t *testing.T) (*testenv.Env, *Service) {
	t.Helper()
	e := testenv.New(t, Kinds())
	s := node(e)
	testenv.Must(t, s.Start(e.Ctx(), e.Bus))
	p := e.People
	for _, a := range []halsocoach.Actor{p.Maria, p.Johan, p.Vardcentral, p.Forening, p.Kommun, p.Region, p.Drift} {
		hire(t, s, Member{ID: a.ID, Name: a.Name, Role: a.Role, Kommun: a.Kommun, Centre: a.Centre, Unit: a.Unit})
	}
	return e, s
}

func hire(t *testing.T, s *Service, m Member) Member {
	t.Helper()
	m, err := s.Hire(t.Context(), halsocoach.System("test"), m)
	testenv.Must(t, err)
	return m
}

func want(t *testing.T, err error, kind halsocoach.ErrorKind) {
	t.Helper()
	if halsocoach.KindOf(err) != kind {
		t.Fatalf("got %v, want %q", err, kind)
	}
}

func TestWhoMayManageWhom(t *testing.T) {
	p := struct{ system, region, kommun, coach, drift, citizen halsocoach.Actor }{
		halsocoach.System("invite"), halsocoach.Actor{ID: "r", Role: halsocoach.RoleRegion},
		halsocoach.Actor{ID: "k", Role: halsocoach.RoleKommun, Kommun: "0684"}, halsocoach.Actor{ID: "c", Role: halsocoach.RoleCoach, Kommun: "0684"},
		halsocoach.Actor{ID: "d", Role: halsocoach.RoleOperator}, halsocoach.Actor{ID: "p", Role: halsocoach.RoleCitizen},
	}
	for _, c := range []struct {
		name   string
		who    halsocoach.Actor
		role   halsocoach.Role
		kommun string
		want   bool
	}{
		{"the program makes operators", p.system, halsocoach.RoleOperator, "", true},
		{"the program makes no citizens", p.system, halsocoach.RoleCitizen, "", false},
		{"the program makes no programs", p.system, halsocoach.RoleSystem, "", false},
		{"the region makes coaches anywhere", p.region, halsocoach.RoleCoach, "0680", true},
		{"the region makes its own", p.region, halsocoach.RoleRegion, "", true},
		{"the region makes no operators", p.region, halsocoach.RoleOperator, "", false},
		{"a kommun makes its coaches", p.kommun, halsocoach.RoleCoach, "0684", true},
		{"a kommun makes its administrators", p.kommun, halsocoach.RoleKommun, "0684", true},
		{"not another's", p.kommun, halsocoach.RoleCoach, "0680", false},
		{"no region", p.kommun, halsocoach.RoleRegion, "0684", false},
		{"no family coordinators", p.kommun, halsocoach.RoleFamily, "0684", false},
		{"a coach makes nobody", p.coach, halsocoach.RoleCoach, "0684", false},
		{"an operator makes nobody", p.drift, halsocoach.RoleCoach, "0684", false},
		{"a citizen makes nobody", p.citizen, halsocoach.RoleCoach, "0684", false},
	} {
		if got := mayManage(c.who, c.role, c.kommun); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestTheRegisterAnswersFromMemory(t *testing.T) {
	e, s := register(t)
	hire(t, s, Member{ID: "asa", Name: "Åsa Öst", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	hire(t, s, Member{ID: "ake", Name: "Äke Ost", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	testenv.Must(t, testenv.ErrOf(s.End(e.Ctx(), e.People.Kommun, "ake")))
	coaches, err := s.Coaches(e.Ctx(), "0684")
	if err != nil || len(coaches) != 2 || coaches[0].ID != "maria" || coaches[1].ID != "asa" {
		t.Fatalf("%+v, %v", coaches, err)
	}
	testenv.Wants(t, testenv.ErrOf(s.Member(e.Ctx(), "nobody")), halsocoach.ErrNotFound)
	before, _ := s.Get("asa")
	again := hire(t, s, Member{ID: "asa", Name: "Åsa Öst", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	if !again.Changed.Equal(before.Changed) {
		t.Fatal("hiring the same member again changed the register")
	}
}

func TestAKommunSeesAndEndsItsOwnStaffOnly(t *testing.T) {
	e, s := register(t)
	_, err := s.StaffOf(e.Ctx(), e.People.Kommun, "0680")
	want(t, err, halsocoach.KindNotFound)
	_, err = s.StaffOf(e.Ctx(), e.People.Maria, "0684")
	want(t, err, halsocoach.KindForbidden)
	_, err = s.StaffOf(e.Ctx(), halsocoach.Actor{}, "0684")
	want(t, err, halsocoach.KindSignIn)
	_, err = s.End(e.Ctx(), e.People.Kommun, "johan")
	want(t, err, halsocoach.KindNotFound)
	_, err = s.End(e.Ctx(), e.People.Kommun, "region")
	want(t, err, halsocoach.KindNotFound)
	_, err = s.End(e.Ctx(), e.People.Kommun, "kommun")
	want(t, err, halsocoach.KindConflict)
	_, err = s.Hire(e.Ctx(), e.People.Kommun, Member{ID: "johan", Name: "Johan", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	want(t, err, halsocoach.KindNotFound)
	own, err := s.StaffOf(e.Ctx(), e.People.Kommun, "0684")
	if err != nil || len(own) != 4 {
		t.Fatalf("%d, %v", len(own), err)
	}
}

func TestInvitationsKeepWithinWhatTheInviterDecides(t *testing.T) {
	e, s := register(t)
	p := e.People
	for _, c := range []struct {
		name string
		who  halsocoach.Actor
		inv  Invitation
		want halsocoach.ErrorKind
	}{
		{"own coach", p.Kommun, Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}, ""},
		{"own care centre", p.Kommun, Invitation{Role: halsocoach.RoleCareCentre, Kommun: "0684", Unit: "savsjo-vardcentral"}, ""},
		{"an association as care centre", p.Kommun, Invitation{Role: halsocoach.RoleCareCentre, Kommun: "0684", Unit: "savsjo-friluft"}, halsocoach.KindInvalid},
		{"another's centre", p.Kommun, Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0680"}, halsocoach.KindInvalid},
		{"another's kommun", p.Kommun, Invitation{Role: halsocoach.RoleCoach, Kommun: "0680", Centre: "0680"}, halsocoach.KindForbidden},
		{"a region's administrator", p.Kommun, Invitation{Role: halsocoach.RoleRegion}, halsocoach.KindForbidden},
		{"a citizen", p.Region, Invitation{Role: halsocoach.RoleCitizen}, halsocoach.KindInvalid},
		{"an operator", p.Region, Invitation{Role: halsocoach.RoleOperator}, halsocoach.KindForbidden},
		{"no such kommun", p.Region, Invitation{Role: halsocoach.RoleKommun, Kommun: "9999"}, halsocoach.KindInvalid},
		{"by a coach", p.Maria, Invitation{Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}, halsocoach.KindForbidden},
		{"by nobody", halsocoach.Actor{}, Invitation{Role: halsocoach.RoleCoach}, halsocoach.KindSignIn},
		{"a link for another's coach", p.Kommun, Invitation{Staff: "johan"}, halsocoach.KindNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Invite(e.Ctx(), c.who, c.inv)
			want(t, err, c.want)
		})
	}
}

// TestALostNudgeIsMadeGood: the node follows, but nobody nudges.
func TestALostNudgeIsMadeGood(t *testing.T) {
	e, here := register(t)
	deaf := store.NewMirror(here.docs, "test.nobody-nudges", func(m Member) (string, time.Time) { return m.ID, m.Changed })
	testenv.Must(t, deaf.Follow(e.Ctx(), e.Bus, e.Clock.Now, e.Log))
	hire(t, here, Member{ID: "maria", Name: "Maria Ny", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"})
	e.Eventually("the register catches up", func() bool { m, _ := deaf.Get("maria"); return m.Name == "Maria Ny" })
}
