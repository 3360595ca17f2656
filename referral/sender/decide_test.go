package sender_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

func TestADeclinedOneNeverBlocksANewOne(t *testing.T) {
	g := open(t)
	for i := range 3 {
		own := g.sent(g.People.Vardcentral, fmt.Sprint("k", i), wish())
		testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "decline", Reason: "no_contact"}))
	}
	list, _, err := g.svc.Sent(g.Ctx(), g.People.Vardcentral, record.Declined, "")
	if err != nil || len(list) != 3 || list[0].Reason != record.NoContact {
		t.Fatalf("%+v, %v", list, err)
	}
}

func TestOneOfFiftyCoachesDecides(t *testing.T) {
	g := open(t)
	for round := range testenv.Count(2, 10) {
		own := g.sent(g.People.Vardcentral, fmt.Sprint("k", round), wish())
		var wg sync.WaitGroup
		faults := make([]error, 50)
		for i := range faults {
			wg.Go(func() {
				coach := halsocoach.Actor{ID: fmt.Sprint("coach-", i), Role: halsocoach.RoleCoach, Name: "x", Kommun: "0684", Centre: "0684"}
				ruling := []inbox.Ruling{{Decision: "decline", Reason: "full"}, {Decision: "accept"}}[i%2]
				faults[i] = g.decide(coach, "k", own.ID, ruling)
			})
		}
		wg.Wait()
		won := slices.IndexFunc(faults, func(err error) bool { return err == nil })
		for i, err := range faults {
			var first *inbox.DecidedError
			switch {
			case i == won:
			case err == nil:
				t.Fatal("two have decided")
			case !errors.As(err, &first) || first.Name != fmt.Sprint("Kollega coach-", won) || !errors.Is(err, record.ErrDecided):
				t.Fatalf("coach %d is told %v, and %d was first", i, err, won)
			}
		}
	}
}

func TestADecidedOneIsToldBeforeTheBodyIsJudged(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "accept"}))
	err := g.decide(g.People.Maria, "later", own.ID, inbox.Ruling{Decision: "nonsense", Centre: "9999"})
	if halsocoach.KindOf(err) != halsocoach.KindConflict || !strings.Contains(err.Error(), g.People.Maria.Name) {
		t.Fatal(err)
	}
	item, made, err := g.coach.Decide(g.Ctx(), g.People.Maria, key("d"), own.ID, inbox.Ruling{Decision: "accept"})
	if err != nil || made || item.State != record.Accepted {
		t.Fatalf("the same decision again: %+v, %v, %v", item, made, err)
	}
	testenv.Wants(t, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "decline", Reason: "full"}), halsocoach.ErrKeyReused)
}

func TestForwardingClosesItAndOpensOneAtTheOtherCentre(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	g.Clock.Add(3 * 24 * time.Hour)
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "forward", Centre: "0680"}))
	g.Eventually("Johan has it", func() bool { return len(g.inbox(g.People.Johan, "")) == 1 })
	it := g.inbox(g.People.Johan, "")[0]
	if it.ID != halsocoach.IDFrom("referral", own.ID, "0680") || it.Name != "Elsa Berg" || !it.Due.Equal(g.Clock.Now().Add(7*24*time.Hour)) {
		t.Fatalf("%+v", it)
	}
	list, _, err := g.svc.Sent(g.Ctx(), g.People.Vardcentral, "", "")
	if err != nil || len(list) != 2 {
		t.Fatalf("the sender's list has %d, %v", len(list), err)
	}
	again, made, err := g.svc.Recommend(g.Ctx(), g.People.Vardcentral, key("k"), wish())
	if err != nil || made || again.ID != own.ID || again.State != record.Forwarded {
		t.Fatalf("repeat: %+v, %v, %v", again, made, err)
	}
	testenv.Wants(t, testenv.ErrOf(g.coach.Open(g.Ctx(), g.People.Maria, it.ID)), halsocoach.ErrNotFound)
}

func TestForwardingJoinsTheOneThatWaitsThere(t *testing.T) {
	g := open(t)
	there := wish()
	there.Centre = "0680"
	waits := g.sent(sara, "a", there)
	own := g.sent(g.People.Vardcentral, "b", wish())
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "forward", Centre: "0680"}))
	g.Eventually("it has joined", func() bool {
		items := g.inbox(g.People.Johan, "")
		return len(items) == 1 && items[0].ID == waits.ID && items[0].Senders == 2
	})
}

func TestEventsConsumedTwiceChangeNothing(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "forward", Centre: "0680"}))
	g.Eventually("Johan has it", func() bool { return len(g.inbox(g.People.Johan, "")) == 1 })
	// Another consumer name hears the same events from the beginning.
	twin := record.New(g.records.Config)
	var heard atomic.Bool
	err := g.Bus.Consume(g.Ctx(), "test-again", []string{record.EventForwarded}, func(ctx context.Context, e halsocoach.Event) error {
		for range 2 {
			if err := twin.Heard(ctx, e); err != nil {
				return err
			}
		}
		heard.Store(true)
		return nil
	})
	testenv.Must(g.T, err)
	g.Eventually("heard again", heard.Load)
	if items := g.inbox(g.People.Johan, ""); len(items) != 1 || items[0].Senders != 1 {
		t.Fatalf("%+v", items)
	}
}

func TestTheSenderFollowsItToItsEnd(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "accept"}))
	if ids, _, err := g.records.Unenrolled(g.Ctx(), time.Time{}, g.Clock.Now().Add(time.Hour), ""); err != nil || !slices.Equal(ids, []string{own.ID}) {
		t.Fatalf("unenrolled %v, %v", ids, err)
	}
	tell := func(typ, class string) {
		e := halsocoach.Happened(typ, g.Clock.Now(), "0684", "enrolment", map[string]any{"referrals": []string{own.ID, "gone"}, "class": class})
		for range 2 {
			testenv.Must(g.T, g.records.Heard(g.Ctx(), e))
		}
	}
	state := func() record.SenderView {
		got, err := g.svc.SentOne(g.Ctx(), g.People.Vardcentral, own.ID)
		testenv.Must(g.T, err)
		return got
	}
	tell("citizen.enrolled", "")
	if ids, _, err := g.records.Unenrolled(g.Ctx(), time.Time{}, g.Clock.Now().Add(time.Hour), ""); err != nil || len(ids) != 0 {
		t.Fatalf("unenrolled %v, %v", ids, err)
	}
	tell("citizen.started", "")
	if s := state().State; s != record.Started {
		t.Fatal(s)
	}
	tell("citizen.ended", "moved")
	if s := state(); s.State != record.Ended || s.Ended != "moved" {
		t.Fatalf("%+v", s)
	}
	tell("citizen.started", "")
	if s := state(); s.State != record.Ended {
		t.Fatalf("a late event opened it again: %+v", s)
	}
}

func TestAcceptedTellsWhatTheEnrolmentIsMadeFrom(t *testing.T) {
	g := open(t)
	own := g.sent(g.People.Vardcentral, "k", wish())
	testenv.Wants(t, testenv.ErrOf(g.records.Accepted(g.Ctx(), own.ID)), halsocoach.ErrNotFound)
	second := wish()
	second.Phone, second.Email, second.Topics = "", "elsa@berg.se", []halsocoach.Topic{"mat"}
	g.sent(sara, "l", second)
	testenv.Must(g.T, g.decide(g.People.Maria, "d", own.ID, inbox.Ruling{Decision: "accept"}))
	a, err := g.records.Accepted(g.Ctx(), own.ID)
	if err != nil || a.Person != g.People.Elsa.ID || a.Coach != "maria" || a.Name != "Elsa Berg" || a.Phone != "070-123 45 67" || a.Email != "elsa@berg.se" ||
		a.Source != halsocoach.FromCareCentre || len(a.Topics) != 2 || a.Sex != "kvinna" || a.AgeBand != "18-29" || !a.At.Equal(g.Clock.Now()) {
		t.Fatalf("%+v, %v", a, err)
	}
	all, err := g.self.OfPerson(g.Ctx(), g.People.Elsa)
	if err != nil || len(all) != 1 || all[0].State != "antagen" || all[0].Centre != "0684" {
		t.Fatalf("%+v, %v", all, err)
	}
}
