package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"halsocoach"
	"halsocoach/internal/auth"
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
	Past   bool          `hidden:"" help:"Write the past and end: what a first start does in a process of its own."`
}

// size is how much past the demo gets.
type size struct {
	people   int // who are recommended
	days     int
	messages int // per person, at most about
	staff    int // coaches per centre, at most
}

var sizes = map[string]size{
	"small": {370, 35, 4, 1}, "kommun": {2000, 180, 12, 2}, "region": {20000, 365, 50, 9},
}

// demoClock runs from where it was set. While the past is written it stands
// still at the time that is written about.
type demoClock struct {
	mu     sync.Mutex
	offset time.Duration
	still  time.Time
}

func (c *demoClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.still.IsZero() {
		return c.still
	}
	return time.Now().Add(c.offset)
}

// stand stops the clock at t; run lets it go again.
func (c *demoClock) stand(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.still = t
}

func (c *demoClock) run() { c.stand(time.Time{}) }

// book is what the demo remembers of itself: who is the n-th made-up person and
// how far the programme reaches.
type book struct {
	ID      string         `json:"id"`
	Persons []string       `json:"persons"` // citizen:1 … in order
	Names   []string       `json:"names"`
	Anna    string         `json:"anna"`
	Omar    string         `json:"omar"`
	Written bool           `json:"written"` // the past is there
	Reaches halsocoach.Day `json:"reaches"` // last day of the programme
	// Programme are the ids of the activities, by kommun.
	Programme map[string][]string `json:"programme"`
}

var bookKind = store.Kind{Name: "demo", Indexes: []store.Index{{Name: "person", Fields: []store.Field{store.M("persons")}}}}

const bookID = "demo"

// demo is the command while it runs.
type demo struct {
	*house
	clock *demoClock
	size  size
	books store.Collection[book]
	mu    sync.Mutex
	book  book
}

// Run starts the demo and serves until it is told to stop. A first start writes
// the past in a process of its own: that takes more memory than the day will.
func (c *demoCommand) Run(ctx context.Context, log *slog.Logger) error {
	began := time.Now()
	debug.SetGCPercent(50) // a demo shares its machine: rather less memory than more speed
	if c.Past {
		debug.SetGCPercent(200) // saves a third of the work
	}
	dir, err := c.folder()
	if err != nil {
		return err
	}
	d := &demo{clock: &demoClock{}, size: sizes[c.Size]}
	if c.At != "" {
		at, err := time.ParseInLocation("2006-01-02 15:04", c.At, halsocoach.Stockholm())
		if err != nil {
			return errSetting("--at", c.At, `write it as "2026-11-23 09:00"`)
		}
		d.clock.offset = at.Sub(began)
	}
	ln, err := net.Listen("tcp", c.listenOn())
	if err != nil {
		return errSetting("--addr", c.Addr, "it can not be listened on: "+err.Error())
	}
	defer ln.Close()
	where, known, err := c.place(dir)
	if err != nil {
		return err
	}
	if !known && !c.Past {
		if err := c.writePast(ctx); err != nil {
			return err
		}
	}
	url := "http://" + ln.Addr().String()
	d.house, err = openHouse(ctx, houseConfig{
		place: where, PublicURL: url, Demo: true, Clock: d.clock.now, Log: log, Kinds: []store.Kind{bookKind},
		Personas: d.personas, Persona: d.persona, Notice: c.Notice,
	})
	if err != nil {
		return err
	}
	defer d.close()
	d.books = store.In[book](d.store, bookKind)
	if err := d.fill(ctx); err != nil {
		return fmt.Errorf("fill the demo in %s: %w", dir, err)
	}
	if c.Past {
		return d.chat.Drain(ctx)
	}
	key, err := d.connect(ctx, dir)
	if err != nil {
		return fmt.Errorf("connect the demo's journal system: %w", err)
	}
	return d.serve(ctx, ln, "", func(string) {
		fmt.Printf("Hälsocoach online, demo: %s (ready in %.1f s)\nSign in at %s/logga-in as %s, citizen:1 … citizen:%d.\n",
			url, time.Since(began).Seconds(), url, d.names(), len(d.book.Persons))
		fmt.Printf("FHIR at %s/fhir for the client %s, whose key is %s; how to get a token: docs/fhir.md.\nData in %s; delete the folder to begin again.\n",
			url, demoClient, key, dir)
	})
}

// place is where the demo lies, and whether it has been there before. What a
// store elsewhere holds is seen when it is opened.
func (c *demoCommand) place(dir string) (p place, known bool, err error) {
	file := filepath.Join(dir, "halsocoach.db")
	p = place{
		Store: cmp.Or(c.Store, "sqlite:"+file), NATS: cmp.Or(c.NATS, "embedded:"+filepath.Join(dir, "nats")), Keys: filepath.Join(dir, "keys"),
	}
	if c.Store == "" {
		_, err := os.Stat(file)
		known = !errors.Is(err, os.ErrNotExist)
	}
	return p, known, p.check()
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

// personas are those of the sign-in page.
func (d *demo) personas() []auth.Persona { return personas() }

func (d *demo) names() string {
	var all []string
	for _, p := range personas() {
		all = append(all, p.Name)
	}
	return strings.Join(all, ", ")
}

// persona finds who a name stands for, among them citizen:<n> and coach:<n>.
func (d *demo) persona(name string) (auth.Persona, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kind, number, _ := strings.Cut(name, ":")
	n, _ := strconv.Atoi(number)
	switch {
	case name == "anna" && d.book.Anna != "":
		return auth.Persona{Name: name, DisplayName: "Anna Lind", Person: d.book.Anna}, true
	case name == "omar" && d.book.Omar != "":
		return auth.Persona{Name: name, DisplayName: "Omar Said", Person: d.book.Omar}, true
	case kind == "citizen" && n >= 1 && n <= len(d.book.Persons):
		return auth.Persona{Name: name, DisplayName: d.book.Names[n-1], Person: d.book.Persons[n-1]}, true
	case kind == "coach" && n >= 1 && n <= len(halsocoach.Kommuner):
		return auth.Persona{Name: name, Staff: coachOf(halsocoach.Kommuner[n-1].Code)}, true
	}
	return auth.Persona{}, false
}
