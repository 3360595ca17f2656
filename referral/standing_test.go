package referral_test

import (
	"errors"
	"slices"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral"
)

func TestTheProgramIsToldHowARecommendationStandsAndWhoSentIt(t *testing.T) {
	g := open(t)
	first := g.sent(g.People.Vardcentral, "first", wish())
	second := g.sent(g.People.Forening, "second", wish())
	id := first.ID
	senders := func(want ...string) {
		t.Helper()
		got, err := g.svc.Senders(g.Ctx(), id)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v, %v; wanted %v", got, err, want)
		}
	}
	senders("vardcentral", "forening")
	s, err := g.svc.Standing(g.Ctx(), id)
	if err != nil || !s.Open || s.TakenIn || s.Protected || s.Centre != "0684" || !s.Received.Equal(testenv.Morning()) {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := g.svc.Withdraw(g.Ctx(), g.People.Forening, second.ID); err != nil {
		t.Fatal(err)
	}
	senders("vardcentral")
	if err := g.decide(g.People.Maria, "taken", id, referral.Ruling{Decision: string(referral.Accept)}); err != nil {
		t.Fatal(err)
	}
	if s, err := g.svc.Standing(g.Ctx(), id); err != nil || s.Open || !s.TakenIn {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := g.svc.ConsentBack(g.Ctx(), g.People.Vardcentral, id); err != nil {
		t.Fatal(err)
	}
	senders()
	if _, err := g.svc.Standing(g.Ctx(), "nothing"); !errors.Is(err, halsocoach.ErrNotFound) {
		t.Fatal(err)
	}
}
