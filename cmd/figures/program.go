package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// observed is what the running program shows.
type observed struct {
	*server
	dir                 string
	firstCPU, minuteCPU time.Duration // until it is ready, and a minute later
	first, again        time.Duration // until it is ready
	idle, afterLoad     float64       // MB
}

// ofTheProgram are the figures of the running program.
func ofTheProgram(ctx context.Context, bin string) ([]row, error) {
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
	var rows []row
	for _, p := range pages {
		times, floor, err := p.multiple(ctx, o.server)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{
			what:  "processor time for " + p.what + ", 8 connections",
			floor: fmt.Sprintf("a bare Fiber handler that sends as many bytes: %d µs", floor.Microseconds()),
			is:    fmt.Sprintf("%.1f times it", times), want: fmt.Sprintf("%g", p.atMost),
		})
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	return append(rows,
		row{what: "demo, first start to ready", is: seconds(o.first), want: "5 s"},
		row{what: "demo, first start, processor time until ready", is: seconds(o.firstCPU)},
		row{what: "the same and the minute after", is: seconds(o.minuteCPU)},
		row{what: "demo, start with existing data to ready", is: fmt.Sprintf("%.2f s", o.again.Seconds()), want: "0.25 s"},
		row{what: "VmRSS a minute after the first start", is: fmt.Sprintf("%.0f MB", o.idle), want: "64 MB"},
		row{what: "VmRSS a minute after a minute of page load", is: fmt.Sprintf("%.0f MB", o.afterLoad), want: "90 MB"},
	), nil
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
