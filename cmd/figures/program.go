package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// observed is what one binary shows.
type observed struct {
	*server
	dir                        string
	firstCPU, minuteCPU        time.Duration // until it is ready, and a minute later
	first, again               time.Duration // until it is ready
	idle, afterLoad, firstPage float64       // MB, MB, kB
	times                      []float64     // by page
}

// ofTheProgram are the figures of the running program: the last of the binaries is
// the measured one.
func ofTheProgram(ctx context.Context, bins []string) ([]row, error) {
	var all []*observed
	for _, bin := range bins {
		dir, err := os.MkdirTemp("", "figures-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		o := &observed{dir: filepath.Join(dir, "demo")}
		if err := o.firstStart(ctx, bin); err != nil {
			return nil, fmt.Errorf("%s: %w", bin, err)
		}
		defer o.stop()
		all = append(all, o)
	}
	floors := make([]time.Duration, len(pages))
	for i, p := range pages {
		servers := make([]*server, len(all))
		for j, o := range all {
			servers[j] = o.server
		}
		times, floor, err := p.multiples(ctx, servers)
		if err != nil {
			return nil, err
		}
		floors[i] = floor
		for j, o := range all {
			o.times = append(o.times, times[j])
		}
	}
	for _, o := range all {
		var err error
		if o.firstPage, err = o.weight(); err != nil {
			return nil, err
		}
	}
	return rowsOf(all, floors), nil
}

// firstStart starts the demo anew and looks at its memory, before and after a
// minute of load; then it starts it once more, on the data that are there.
func (o *observed) firstStart(ctx context.Context, bin string) (err error) {
	if o.server, err = demo(ctx, bin, o.dir); err != nil {
		return err
	}
	o.first = o.took
	if o.firstCPU, err = o.cpu(); err != nil {
		return err
	}
	if err := pause(ctx, time.Minute); err != nil {
		return err
	}
	if o.minuteCPU, err = o.cpu(); err != nil {
		return err
	}
	if o.idle, err = o.rss(); err != nil {
		return err
	}
	if err := o.load(time.Minute); err != nil {
		return err
	}
	if err := pause(ctx, time.Minute); err != nil {
		return err
	}
	if o.afterLoad, err = o.rss(); err != nil {
		return err
	}
	o.stop()
	if o.server, err = demo(ctx, bin, o.dir); err != nil {
		return err
	}
	o.again = o.took
	return nil
}

// rowsOf puts what the measured binary shows beside what another does.
func rowsOf(all []*observed, floors []time.Duration) []row {
	is := all[len(all)-1]
	line := func(what, floor, want string, say func(*observed) string) row {
		r := row{what: what, floor: floor, is: say(is), want: want}
		if len(all) > 1 {
			r.was = say(all[0])
		}
		return r
	}
	var rows []row
	for i, p := range pages {
		rows = append(rows, line("processor time for "+p.what+", 8 connections", fmt.Sprintf("a bare Fiber handler that sends as many bytes: %d µs", floors[i].Microseconds()),
			fmt.Sprintf("%g", p.atMost), func(o *observed) string { return fmt.Sprintf("%.1f times it", o.times[i]) }))
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	return append(rows,
		line("demo, first start to ready", "", "5 s", func(o *observed) string { return seconds(o.first) }),
		line("demo, first start, processor time until ready", "", "", func(o *observed) string { return seconds(o.firstCPU) }),
		line("the same and the minute after", "", "", func(o *observed) string { return seconds(o.minuteCPU) }),
		line("demo, start with existing data to ready", "", "0.25 s", func(o *observed) string { return fmt.Sprintf("%.2f s", o.again.Seconds()) }),
		line("VmRSS a minute after the first start", "", "64 MB", func(o *observed) string { return fmt.Sprintf("%.0f MB", o.idle) }),
		line("VmRSS a minute after a minute of page load", "", "90 MB", func(o *observed) string { return fmt.Sprintf("%.0f MB", o.afterLoad) }),
		line("first page, compressed, everything it loads", "", "60 kB", func(o *observed) string { return fmt.Sprintf("%.1f kB", o.firstPage) }),
	)
}
