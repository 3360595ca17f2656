package main

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/cmd/halsocoach/demo"
	"halsocoach/internal/holiday"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

// TestTheDemoHoldsEveryStateOfARecommendation: what its coach finds in the inbox,
// and what its senders find in their lists.
func TestTheDemoHoldsEveryStateOfARecommendation(t *testing.T) {
	a := aDemo(t, halsocoach.Day("2026-11-22").At(12*60), appConfig{}) // a Sunday
	t.Run("inbox", a.holdsEveryKind)
	t.Run("lists", func(t *testing.T) {
		for _, who := range []string{"vardcentral", "forening"} {
			a.sendersSeeEveryState(t, demo.ActorOf(who))
		}
	})
	t.Run("centres", a.everyCentreHasACoach)
	t.Run("talks", a.noTalkOnADayOff)
}

func (a *app) holdsEveryKind(t *testing.T) {
	maria, has := demo.Coach("0684"), map[string]bool{}
	var items []inbox.Item
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		l, err := a.inbox.List(t.Context(), maria, record.InboxQuery{})
		testenv.Must(t, err)
		items = l.Items
		for _, i := range items {
			v, err := a.inbox.Open(t.Context(), maria, i.ID)
			testenv.Must(t, err)
			_, noLetter := a.inbox.Letter(t.Context(), maria, i.ID)
			for what, is := range map[string]bool{
				"nobody has taken":     i.TakenBy == "" && !i.Late,
				"taken by Maria":       i.TakenBy == maria.ID && i.State == record.Taken && len(v.Tries) == 0,
				"taken by a colleague": i.TakenBy != "" && i.TakenBy != maria.ID && i.State == record.Taken,
				"resting":              i.State == record.OnHold,
				"one attempt":          v.Unreached() == 1 && noLetter != nil,
				"two attempts":         v.Unreached() == 2 && noLetter != nil,
				"three, and a letter":  v.Unreached() == 3 && noLetter == nil,
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

func (a *app) sendersSeeEveryState(t *testing.T, who halsocoach.Actor) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		missing := map[string]bool{}
		for _, s := range record.States {
			missing[string(s)] = true
		}
		for _, f := range record.FirstTalks {
			missing[string(f)] = true
		}
		all, _, err := a.sender.Sent(t.Context(), who, "", "")
		testenv.Must(t, err)
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

func (a *app) everyCentreHasACoach(t *testing.T) {
	centres, err := a.registers.Centres(t.Context(), "")
	if err != nil || len(centres) < len(halsocoach.Kommuner) {
		t.Fatal(len(centres), err)
	}
	for _, c := range centres {
		if coaches, err := a.staff.Coaches(t.Context(), c.Code); err != nil || len(coaches) == 0 {
			t.Errorf("nobody works at %s: %v", c.Code, err)
		}
	}
}

func (a *app) noTalkOnADayOff(t *testing.T) {
	raw, err := readRaw(t.Context(), a.store)
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

// age makes a SQLite store one of an earlier schema.
func age(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	testenv.Must(t, err)
	testenv.Must(t, testenv.ErrOf(db.Exec(fmt.Sprintf("PRAGMA user_version = %d", store.SchemaVersion-1))))
	testenv.Must(t, db.Close())
}

// TestDataOfAnEarlierReleaseAreRefused by serve with one line, and set aside by demo.
func TestDataOfAnEarlierReleaseAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	quiet := slog.New(slog.DiscardHandler)
	c := demoCommand{Data: dir, Past: true}
	testenv.Must(t, testenv.ErrOf(c.folder()))
	begin := func() (*app, error) {
		return c.open(t.Context(), dir, appConfig{PublicURL: "http://example.test", Demo: true, Log: quiet, Kinds: demo.Kinds()})
	}
	a, err := begin()
	testenv.Must(t, err)
	a.close()
	age(t, filepath.Join(dir, "halsocoach.db"))

	s := serveCommand{dataConfig: a.cfg.dataConfig, Addr: "127.0.0.1:0", PublicURL: "http://example.test"}
	if err := s.Run(t.Context(), quiet); !errors.Is(err, store.ErrOlder) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "HALSOCOACH_STORE") {
		t.Errorf("serve: %v", err)
	}
	for n := range 2 {
		if a, err = begin(); err != nil {
			t.Fatal(err)
		}
		a.close()
		if aside, err := filepath.Glob(dir + "-*/halsocoach.db"); err != nil || len(aside) != n+1 {
			t.Fatalf("set aside are %v, %v", aside, err)
		}
		age(t, filepath.Join(dir, "halsocoach.db"))
	}
}
