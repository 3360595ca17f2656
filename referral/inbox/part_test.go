package inbox_test

import (
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

// join is the id that the two can be parted by.
func (g ground) join(id string) string {
	g.T.Helper()
	one, err := g.Persons.Of(g.Ctx(), g.stored(id).Person)
	if err != nil || len(one.Joins) != 1 {
		g.T.Fatalf("%+v, %v", one, err)
	}
	return one.Joins[0].ID
}

// What has been agreed with two who were taken in as one is about both, so they are
// parted when it has ended.
func TestWhoWereTakenInAsOneArePartedWhenItHasEnded(t *testing.T) {
	g := open(t)
	nameless, numbered := g.joined()
	join := g.join(nameless)
	testenv.Must(t, testenv.ErrOf(g.svc.Decide(g.Ctx(), g.People.Maria, key("d"), nameless, inbox.Ruling{Decision: "accept"})))
	set := func(change func(*record.Referral)) {
		for _, id := range []string{nameless, numbered} {
			_, err := g.records.Change(g.Ctx(), id, func(r *record.Referral, _ time.Time) ([]halsocoach.Event, error) { change(r); return nil, nil })
			testenv.Must(t, err)
		}
	}
	set(func(r *record.Referral) { r.Unenrolled, r.Enrolment = nil, "one" })
	testenv.Wants(t, g.svc.Part(g.Ctx(), g.People.Maria, nameless, join), inbox.ErrTakenInTogether)
	set(func(r *record.Referral) { r.State = record.Ended })
	testenv.Must(t, g.svc.Part(g.Ctx(), g.People.Maria, nameless, join))
}

// A coach of another kommun, who knows one of the two, neither sees nor undoes what
// was said where both are known.
func TestAJoinIsSeenWhereBothAreKnown(t *testing.T) {
	g := open(t)
	nameless, _ := g.joined()
	n := wish()
	n.Centre, n.Kommun = "0680", "0680"
	there := g.sent(g.People.Vardcentral, "c", n)
	v, err := g.svc.Open(g.Ctx(), g.People.Johan, there)
	if err != nil || v.Joined || !v.Shown {
		t.Fatalf("%+v, %v", v, err)
	}
	if same, err := g.svc.Same(g.Ctx(), g.People.Johan, there); err != nil || len(same.Joins) > 0 {
		t.Fatalf("%+v, %v", same, err)
	}
	testenv.Wants(t, g.svc.Part(g.Ctx(), g.People.Johan, there, g.join(nameless)), person.ErrNotJoined)
	testenv.Must(t, g.svc.Part(g.Ctx(), g.People.Maria, nameless, g.join(nameless)))
}
