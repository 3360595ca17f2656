package main

import (
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/holiday"
	"halsocoach/internal/store"
	"halsocoach/referral"
)

// aDemo is a demo with few people, whose past is written when it is asked for.
func aDemo(t *testing.T, at time.Time) *demo {
	t.Helper()
	dir := t.TempDir()
	d := &demo{clock: &demoClock{offset: time.Until(at)}, size: size{people: 60, days: 35, messages: 2, staff: 1}}
	var err error
	d.house, err = openHouse(t.Context(), houseConfig{
		place:     place{Store: "sqlite:" + filepath.Join(dir, "halsocoach.db"), NATS: "embedded:" + filepath.Join(dir, "nats"), Keys: filepath.Join(dir, "keys")},
		PublicURL: "http://example.test", Demo: true, Clock: d.clock.now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Kinds: []store.Kind{bookKind},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	d.books = store.In[book](d.store, bookKind)
	return d
}

// TestTheDemoHoldsEveryStateOfARecommendation: what its coach finds in the inbox,
// and what its senders find in their lists.
func TestTheDemoHoldsEveryStateOfARecommendation(t *testing.T) {
	d := aDemo(t, halsocoach.Day("2026-11-22").At(12*60)) // a Sunday
	if err := d.fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("inbox", d.holdsEveryKind)
	t.Run("lists", func(t *testing.T) {
		for _, who := range []string{"vardcentral", "forening"} {
			d.sendersSeeEveryState(t, actorOf(who))
		}
	})
	t.Run("centres", d.everyCentreHasACoach)
	t.Run("talks", d.noTalkOnADayOff)
}

func (d *demo) holdsEveryKind(t *testing.T) {
	maria, has := coachActor("0684"), map[string]bool{}
	var items []referral.Item
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var err error
		if items, _, err = d.referral.Box(t.Context(), maria, referral.Asked{}); err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			v, err := d.inbox.Open(t.Context(), maria, i.ID)
			if err != nil {
				t.Fatal(err)
			}
			_, noLetter := d.inbox.Letter(t.Context(), maria, i.ID)
			for what, is := range map[string]bool{
				"nobody has taken":     i.TakenBy == "" && !i.Late,
				"taken by Maria":       i.TakenBy == maria.ID && i.State == referral.Taken && len(v.Tries) == 0,
				"taken by a colleague": i.TakenBy != "" && i.TakenBy != maria.ID && i.State == referral.Taken,
				"resting":              i.State == referral.OnHold,
				"one attempt":          v.Doc.Unreached() == 1 && noLetter != nil,
				"two attempts":         v.Doc.Unreached() == 2 && noLetter != nil,
				"three, and a letter":  v.Doc.Unreached() == 3 && noLetter == nil,
				"late":                 i.Late && i.TakenBy == "",
				"a caller":             i.CallMe,
				"two senders":          i.Senders == 2,
				"a likely match":       i.Source == halsocoach.FromAssociation && v.Alike == 1,
				"an interpreter":       i.Language != "" && i.Interpret,
				"protected":            i.Protected && i.Name == "",
				"on their own":         i.Source == halsocoach.FromSelf && !i.CallMe,
				"sent on hither":       len(v.Legs) == 1 && len(v.Legs[0].Attempts) == 2,
			} {
				has[what] = has[what] || is
			}
		}
		if !slices.Contains(slices.Collect(maps.Values(has)), false) { // some follows by events
			break
		}
	}
	for what, is := range has {
		if !is {
			t.Errorf("nothing in the inbox: %s", what)
		}
	}
	if len(has) == 0 || len(items) >= 50 {
		t.Errorf("%d in the inbox, which is to be one page", len(items))
	}
}

func (d *demo) sendersSeeEveryState(t *testing.T, who halsocoach.Actor) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		missing := map[string]bool{}
		for _, s := range referral.States {
			missing[string(s)] = true
		}
		for _, f := range referral.FirstTalks {
			missing[string(f)] = true
		}
		all, _, err := d.referral.Sent(t.Context(), who, "", "")
		if err != nil {
			t.Fatal(err)
		}
		for _, own := range all {
			delete(missing, string(own.State))
			delete(missing, string(own.First))
		}
		if len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%s never sees %v", who.ID, slices.Sorted(maps.Keys(missing)))
			return
		}
	}
}

func (d *demo) everyCentreHasACoach(t *testing.T) {
	centres, err := d.registers.Centres(t.Context(), "")
	if err != nil || len(centres) < len(halsocoach.Kommuner) {
		t.Fatal(len(centres), err)
	}
	for _, c := range centres {
		if coaches, err := d.auth.Coaches(t.Context(), c.Code); err != nil || len(coaches) == 0 {
			t.Errorf("nobody works at %s: %v", c.Code, err)
		}
	}
}

func (d *demo) noTalkOnADayOff(t *testing.T) {
	raw, err := readRaw(t.Context(), d.store)
	if err != nil || len(raw.held) == 0 {
		t.Fatal(len(raw.held), err)
	}
	for _, day := range raw.held {
		if at := day.At(12 * 60).Weekday(); at == time.Saturday || at == time.Sunday || holiday.Name(day) != "" {
			t.Errorf("a first talk on %s", day)
		}
	}
	for id, r := range raw.referrals {
		if day := halsocoach.DayOf(r.Received); day.At(12*60).Weekday() == time.Sunday {
			t.Errorf("%s was received on %s, a Sunday", id, day)
		}
	}
}

func TestWorkingDaysOfTheDemo(t *testing.T) {
	p := &past{first: "2026-12-21", days: 7} // a Monday; today is the one after
	for _, c := range []struct{ from, later, want int }{
		{0, 0, 0}, {0, 2, 2}, {2, 1, 7}, {3, 0, 7}, {5, 1, 8}, {9, 1, 14}, // Christmas, New Year
	} {
		if got := p.working(c.from, c.later); got != c.want {
			t.Errorf("%d working days after %s: %s, want %s", c.later, p.first.Plus(c.from), p.first.Plus(got), p.first.Plus(c.want))
		}
	}
	for n, want := range []int{7, 2, 1, 0, -3} {
		if got := p.back(n); got != want {
			t.Errorf("%d working days before %s: %s, want %s", n, p.first.Plus(p.days), p.first.Plus(got), p.first.Plus(want))
		}
	}
}

func TestTheDemosPeopleAreSharedAmongTheCentres(t *testing.T) {
	come := map[string]int{}
	for n := range 1000 {
		come[kommunOf(n+1).Code]++
	}
	for code, p := range paces {
		if come[code] != 10*p.share {
			t.Errorf("%d of 1000 come to %s, want %d", come[code], code, 10*p.share)
		}
		if p.coaches == 0 || p.share == 0 && p.anew == 0 {
			t.Errorf("nobody works at or comes to %s", code)
		}
	}
	for _, s := range sizes {
		names := map[string]int{}
		for _, m := range s.colleagues() {
			names[m.ID]++
		}
		for id, n := range names {
			if n != 1 || actorOf(id).ID != id {
				t.Errorf("%s works here %d times", id, n)
			}
		}
	}
}
