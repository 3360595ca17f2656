package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/cmd/halsocoach/demo"
	"halsocoach/internal/store"
)

// demoCommand runs everything in one process with made-up people.
type demoCommand struct {
	Addr   string        `default:"127.0.0.1:8080" help:"Address to listen on; port 0 takes a free one."`
	Data   string        `placeholder:"DIR" help:"Folder of the demo's data, kept between starts. Default: a folder under your cache."`
	Size   string        `enum:"small,kommun,region" default:"small" help:"How many people: small (370), kommun (2 000) or region (20 000 and a year)."`
	At     string        `placeholder:"TIME" help:"Pretend that the demo starts at this local time, as 2026-11-23 09:00."`
	Store  string        `env:"HALSOCOACH_STORE" placeholder:"mongodb://…" help:"A store in place of a file in the folder: empty, or a demo's."`
	NATS   string        `env:"HALSOCOACH_NATS" name:"nats" placeholder:"nats://…" help:"A NATS in place of the embedded one."`
	Notice time.Duration `name:"stop-notice" env:"HALSOCOACH_STOP_NOTICE" default:"0s" help:"How long a stop goes on answering after /readyz has begun to say no."`
	Ops    string        `name:"ops-addr" env:"HALSOCOACH_OPS_ADDR" placeholder:"127.0.0.1:9090" help:"Address of /metrics and pprof; empty = off."`
	Past   bool          `hidden:"" help:"Write the past and end: what a first start does in a process of its own."`
}

// giveBack returns the memory that a rush has taken: a demo shares its machine.
func giveBack(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Second):
			debug.FreeOSMemory()
		}
	}
}

// Run starts the demo and serves until it is told to stop. A first start writes
// the past in a process of its own: that takes more memory than the day will.
func (c *demoCommand) Run(ctx context.Context, log *slog.Logger, terminal *screen) error {
	began := time.Now()
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(64 << 20)
	if c.Past {
		debug.SetGCPercent(200) // saves a third of the work
		debug.SetMemoryLimit(math.MaxInt64)
	} else {
		go giveBack(ctx)
	}
	dir, err := c.folder()
	if err != nil {
		return err
	}
	clock := demo.ClockAt(began)
	if c.At != "" {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.At, halsocoach.Stockholm())
		if err != nil {
			return errSetting("--at", c.At, `write it as "2026-11-23 09:00"`)
		}
		clock = demo.ClockAt(at)
	}
	ln, err := net.Listen("tcp", c.listenOn())
	if err != nil {
		return errSetting("--addr", c.Addr, "it can not be listened on: "+err.Error())
	}
	defer ln.Close()
	url := "http://" + ln.Addr().String()
	d := demo.New(demo.Sizes[c.Size], clock)
	a, err := c.open(ctx, dir, appConfig{
		PublicURL: url, Demo: true, Clock: clock.Now, Log: log, Kinds: demo.Kinds(), Personas: demo.Personas(), Persona: d.Persona, Notice: c.Notice,
		Unsynced: c.Past,
	})
	if err != nil {
		return err
	}
	defer a.close()
	if err := d.Fill(ctx, a.forDemo(terminal)); err != nil {
		return fmt.Errorf("fill the demo in %s: %w", dir, err)
	}
	if c.Past {
		if err := errors.Join(a.chat.Drain(ctx), a.settled(ctx, 0, func() {})); err != nil {
			return err
		}
		a.close()
		return syncAll(dir)
	}
	key, err := d.Connect(ctx, dir)
	if err != nil {
		return fmt.Errorf("connect the demo's journal system: %w", err)
	}
	return a.serve(ctx, ln, c.Ops, func(string) {
		personas, people := d.Names()
		fmt.Printf("Hälsocoach online, demo: %s (ready in %.1f s)\nSign in at %s/logga-in as %s, citizen:1 … citizen:%d.\n",
			url, time.Since(began).Seconds(), url, personas, people)
		fmt.Printf("FHIR at %s/fhir for the client %s, whose key is %s; how to get a token: docs/fhir.md.\nData in %s; delete the folder to begin again.\n",
			url, demo.Client, key, dir)
	})
}

// syncAll makes everything in the folder survive a power cut: while the past was
// written nothing was synced.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

// forDemo are the services that the demo's people use.
func (a *app) forDemo(terminal *screen) demo.Services {
	return demo.Services{
		Store: a.store, Seal: a.seal, Registers: a.registers, Settings: a.settings, Staff: a.staff, Machine: a.machine,
		Records: a.records, Sender: a.sender, Self: a.self, Inbox: a.inbox, Citizen: a.citizen, Coach: a.coach, Chat: a.chat, Groups: a.groups,
		Kinds: kinds(), Start: a.start,
		Progress: func(days int) (day, done func()) {
			bar := terminal.progress(days, "writing the past, day by day")
			return func() { bar.add(1) }, bar.finish
		},
	}
}

// open opens the demo that lies in the folder, whose past it writes first where
// there is none. One of an earlier schema is set aside.
func (c *demoCommand) open(ctx context.Context, dir string, cfg appConfig) (*app, error) {
	for {
		data, known, err := c.data(dir)
		if err != nil {
			return nil, err
		}
		if !known && !c.Past {
			if err := c.writePast(ctx); err != nil {
				return nil, err
			}
		}
		cfg.dataConfig = data
		a, err := openApp(ctx, cfg)
		if !known || !errors.Is(err, store.ErrOlder) {
			return a, err
		}
		if err := setAside(dir, time.Now()); err != nil {
			return nil, err
		}
	}
}

// setAside gives the folder of an earlier demo another name.
func setAside(dir string, now time.Time) error {
	aside := strings.TrimRight(dir, "/") + now.Format("-2006-01-02")
	for n := 2; ; n++ {
		if _, err := os.Lstat(aside); errors.Is(err, os.ErrNotExist) {
			break
		}
		aside = strings.TrimRight(dir, "/") + now.Format("-2006-01-02") + "-" + strconv.Itoa(n)
	}
	if err := os.Rename(dir, aside); err != nil {
		return fmt.Errorf("the demo in %s is of an earlier release and can not be set aside; remove it, or give another --data: %w", dir, err)
	}
	fmt.Printf("The demo in %s was made by an earlier release. It lies in %s now, and a new one begins.\n", dir, aside)
	return os.MkdirAll(dir, 0o700)
}

// data is where the demo lies, and whether it has been there before. What a
// store elsewhere holds is seen when it is opened.
func (c *demoCommand) data(dir string) (data dataConfig, known bool, err error) {
	file := filepath.Join(dir, "halsocoach.db")
	data = dataConfig{
		Store: cmp.Or(c.Store, "sqlite:"+file), NATS: cmp.Or(c.NATS, "embedded:"+filepath.Join(dir, "nats")), Keys: filepath.Join(dir, "keys"),
	}
	if c.Store == "" {
		_, err := os.Stat(file)
		known = !errors.Is(err, os.ErrNotExist)
	}
	return data, known, data.check()
}

// listenOn is where to listen: while the past is written, nobody can come in.
func (c *demoCommand) listenOn() string {
	if c.Past {
		return "127.0.0.1:0"
	}
	return c.Addr
}

// writePast runs this program once more, to write the past.
func (c *demoCommand) writePast(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	past := exec.CommandContext(ctx, self, append(os.Args[1:], "--past")...)
	past.Stdout, past.Stderr = os.Stderr, os.Stderr
	past.Cancel = func() error { return past.Process.Signal(os.Interrupt) }
	if err := past.Run(); err != nil {
		return fmt.Errorf("write the past: %w", err)
	}
	return nil
}

func (c *demoCommand) folder() (string, error) {
	dir := c.Data
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no folder for the demo's data: %w; give --data DIR", err)
		}
		dir = filepath.Join(cache, "halsocoach-demo-"+c.Size)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", errSetting("--data", dir, "the folder can not be made: "+err.Error())
	}
	return dir, nil
}
