package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"halsocoach"
	"halsocoach/admin/registers"
	"halsocoach/admin/settings"
	"halsocoach/internal/store"
	"halsocoach/referral/waiting"
)

// waitsCommand is about the waiting times.
type waitsCommand struct {
	Rebuild waitsRebuildCommand `cmd:"" help:"Measure all waiting times anew."`
	Check   waitsCheckCommand   `cmd:"" help:"Work the waiting times out from the raw recommendations and talks, and compare."`
}

// waitsRebuildCommand measures anew what the service keeps up by events.
type waitsRebuildCommand struct{ dataConfig }

// Run rebuilds.
func (c *waitsRebuildCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.withApp(ctx, log, func(a *app) error {
		n, err := a.waiting.Rebuild(ctx, func(f func(string) error) error {
			return a.store.Each(ctx, "referrals", func(d store.Document) error { return f(d.ID) })
		})
		if err == nil {
			fmt.Printf("%d recommendations measured\n", n)
		}
		return err
	})
}

// waitsCheckCommand compares what is published with what the documents say.
type waitsCheckCommand struct {
	dataConfig
	On string `placeholder:"DAY" help:"The day to look back from, as 2026-11-23. Default: today."`
}

// Run checks, and fails when a centre's numbers differ. The service may run
// meanwhile, but what happens while the documents are read may show as a
// difference.
func (c *waitsCheckCommand) Run(ctx context.Context, log *slog.Logger) error {
	if err := c.dataConfig.check(); err != nil {
		return err
	}
	clock := time.Now
	if c.On != "" {
		if !halsocoach.Day(c.On).Valid() {
			return errSetting("--on", c.On, "write it as 2026-11-23")
		}
		clock = func() time.Time { return halsocoach.Day(c.On).At(12 * 60) }
	}
	a, err := openGround(ctx, appConfig{dataConfig: c.dataConfig, Log: log, Clock: clock})
	if err != nil {
		return err
	}
	defer a.close()
	a.registers = registers.New(registers.Config{Store: a.store, Clock: clock, Log: log})
	a.settings = settings.New(settings.Config{Store: a.store, Clock: clock, Log: log, Registers: a.registers})
	a.waiting = waiting.New(waiting.Config{Store: a.store, Clock: clock, Log: log, Registers: a.registers, Settings: a.settings})
	if err := errors.Join(a.registers.Load(ctx), a.settings.Load(ctx), a.waiting.Load(ctx)); err != nil {
		return err
	}
	return a.checkWaits(ctx, os.Stdout)
}

// checkWaits prints each centre's published numbers beside those that its raw
// documents give.
func (a *app) checkWaits(ctx context.Context, out io.Writer) error {
	raw, err := readRaw(ctx, a.store)
	if err != nil {
		return err
	}
	centres, err := a.registers.Centres(ctx, "")
	if err != nil {
		return err
	}
	today, differ := halsocoach.DayOf(a.cfg.Clock()), 0
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "centre\tpublished\tfrom the documents\t")
	for _, c := range centres {
		terms, err := a.settings.Terms(ctx, c.Kommun, "", today)
		if err != nil {
			return err
		}
		w, _, err := a.waiting.Wait(ctx, c.Code)
		if err != nil {
			return err
		}
		is, want, verdict := said(w), said(raw.wait(c.Code, terms.HideBelow, today)), "same"
		if is != want {
			verdict, differ = "DIFFERENT", differ+1
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.Code, is, want, verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d recommendations, %d enrolments and %d held first talks were read\n", len(raw.referrals), len(raw.enrolments), len(raw.held))
	if differ > 0 {
		return fmt.Errorf("the waiting times of %d centres differ from the documents", differ)
	}
	return nil
}

func said(w halsocoach.Wait) string {
	text := "too few"
	if w.N > 0 {
		text = fmt.Sprintf("median %d, p80 %d, n %d in %d days", w.Median, w.P80, w.N, w.Window)
	}
	if w.Waiting != nil {
		text += fmt.Sprintf("; %d wait, median %d", *w.Waiting, *w.WaitingMedian)
	}
	return text
}

// rawWaits is what the documents say, read without any of the packages' code.
type rawWaits struct {
	referrals  map[string]rawReferral
	enrolments map[string]rawEnrolment
	byReferral map[string]string         // the enrolment that a recommendation is in
	held       map[string]halsocoach.Day // by enrolment, the first talk
	protected  map[string]bool           // by person
}

type rawReferral struct {
	Person, Centre, State string
	Received              time.Time
}

type rawEnrolment struct {
	Referrals []string
	Ended     *struct{ At time.Time }
}

type rawPerson struct {
	Protected *struct{ By string }
	Same      *struct{ To string }
}

type rawDay struct {
	Talks []struct {
		ID, Kind, Enrolment, Outcome string
		Move                         int
		Starts                       time.Time
	}
}

// eachRaw reads all documents of a kind.
func eachRaw[T any](ctx context.Context, s store.Store, kind string, take func(id string, v T)) error {
	err := s.Each(ctx, kind, func(d store.Document) error {
		var v T
		err := json.Unmarshal(d.Body, &v)
		take(d.ID, v)
		return err
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", kind, err)
	}
	return nil
}

func readRaw(ctx context.Context, s store.Store) (rawWaits, error) {
	raw := rawWaits{map[string]rawReferral{}, map[string]rawEnrolment{}, map[string]string{}, map[string]halsocoach.Day{}, nil}
	moved := map[string]int{} // the highest move of a talk
	var days []rawDay
	var persons error
	raw.protected, persons = readProtected(ctx, s)
	err := errors.Join(persons,
		eachRaw(ctx, s, "referrals", func(id string, r rawReferral) { raw.referrals[id] = r }),
		eachRaw(ctx, s, "enrolments", func(id string, e rawEnrolment) {
			raw.enrolments[id] = e
			for _, r := range e.Referrals {
				raw.byReferral[r] = id
			}
		}),
		eachRaw(ctx, s, "coach_days", func(_ string, day rawDay) {
			for _, t := range day.Talks {
				moved[t.ID] = max(moved[t.ID], t.Move)
			}
			days = append(days, day)
		}))
	for _, day := range days {
		for _, t := range day.Talks {
			if t.Kind != "first" || t.Outcome != "held" || t.Move < moved[t.ID] {
				continue
			}
			on := halsocoach.DayOf(t.Starts)
			if first, there := raw.held[t.Enrolment]; !there || on < first {
				raw.held[t.Enrolment] = on
			}
		}
	}
	return raw, err
}

// readProtected says who has protected identity: an id of which it has been said,
// and those that are one person with it.
func readProtected(ctx context.Context, s store.Store) (map[string]bool, error) {
	protected, same := map[string]bool{}, map[string]string{}
	err := eachRaw(ctx, s, "persons", func(id string, p rawPerson) {
		if p.Protected != nil {
			protected[id] = true
		}
		if p.Same != nil {
			same[id] = p.Same.To
		}
	})
	for range same { // as far as the longest chain
		for a, b := range same {
			if protected[a] || protected[b] {
				protected[a], protected[b] = true, true
			}
		}
	}
	return protected, err
}

// wait works out a centre's waiting time by sorting.
func (raw rawWaits) wait(centre string, k int, today halsocoach.Day) halsocoach.Wait {
	byDay := map[halsocoach.Day][]int{} // by the day of the talk
	var now []int
	for id, r := range raw.referrals {
		if r.Centre != centre || raw.protected[r.Person] {
			continue
		}
		received := halsocoach.DayOf(r.Received)
		switch where, on := raw.follow(id, r); where {
		case "waits":
			now = append(now, apart(received, today))
		case "held":
			byDay[on] = append(byDay[on], apart(received, on))
		}
	}
	var w halsocoach.Wait
	for _, window := range []int{90, 180, 365} {
		var had []int
		for _, on := range slices.Sorted(maps.Keys(byDay)) {
			if back := apart(on, today); on <= today && back < window {
				had = append(had, byDay[on]...)
			}
		}
		if len(had) > 0 && len(had) >= k {
			w = halsocoach.Wait{Median: share(had, 50), P80: share(had, 80), N: len(had), Window: window}
			break
		}
	}
	if n := len(now); n > 0 && n >= k {
		median := share(now, 50)
		w.Waiting, w.WaitingMedian = &n, &median
	}
	return w
}

// follow is what became of a recommendation, and when.
func (raw rawWaits) follow(id string, r rawReferral) (where string, on halsocoach.Day) {
	switch r.State {
	case "mottagen", "tagen", "vilande":
		return "waits", ""
	case "antagen", "påbörjad", "avslutad":
	default:
		return "left", ""
	}
	in, enrolled := raw.byReferral[id]
	e := raw.enrolments[in]
	switch on, held := raw.held[in]; {
	case !enrolled:
		return "waits", ""
	case e.Referrals[0] != id:
		return "left", ""
	case held:
		return "held", on
	case e.Ended != nil:
		return "left", ""
	}
	return "waits", ""
}

func apart(from, to halsocoach.Day) int { return max(0, from.Until(to)) }

// share is the smallest of the days that at least so many percent of them do not
// exceed.
func share(days []int, percent int) int {
	slices.SortFunc(days, cmp.Compare)
	for i, d := range days {
		if 100*(i+1) >= percent*len(days) {
			return d
		}
	}
	return 0
}
