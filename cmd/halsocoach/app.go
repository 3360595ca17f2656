package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"halsocoach"
	"halsocoach/admin/counts"
	"halsocoach/admin/registers"
	"halsocoach/admin/settings"
	"halsocoach/chat"
	"halsocoach/citizen"
	"halsocoach/coach"
	"halsocoach/groups"
	"halsocoach/internal/accesslog"
	"halsocoach/internal/auth"
	"halsocoach/internal/auth/machine"
	"halsocoach/internal/auth/oidc"
	"halsocoach/internal/event"
	"halsocoach/internal/notify"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/staff"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
	"halsocoach/internal/web"
	"halsocoach/referral/fhir"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
	"halsocoach/referral/selfreferral"
	"halsocoach/referral/sender"
	"halsocoach/referral/waiting"
)

// appConfig is what differs between the demo, the service and a command.
type appConfig struct {
	dataConfig
	PublicURL string
	Demo      bool
	Clock     halsocoach.Clock // nil = the real one
	Notice    time.Duration    // of a stop, see web.Config
	Proxies   []string         // see web.Config
	Mail      notify.Settings
	Providers []oidc.Provider // of sign-in; none = by invitation links only
	Limits    auth.Limits     // of sessions
	Log       *slog.Logger
	Personas  []auth.Persona
	Persona   func(name string) (auth.Persona, bool)
	Kinds     []store.Kind // beside the parts' own
	Unsynced  bool         // the one who opens it syncs the data at the end
}

// app is the service: what it runs on, its parts, and those of their services that
// another part or a command asks for.
type app struct {
	cfg   appConfig
	clock halsocoach.Clock
	log   *slog.Logger
	store store.Store
	keys  store.Store
	seal  *seal.Sealer
	bus   *event.Bus
	web   *web.App
	nav   navigation
	parts []part
	rooms []room // of the parts, in their order
	metrics

	registers *registers.Service
	settings  *settings.Service
	staff     *staff.Service
	persons   *person.Service
	auth      *auth.Service
	machine   *machine.Service
	accessLog *accesslog.Service
	records   *record.Records
	sender    *sender.Service
	self      *selfreferral.Service
	inbox     *inbox.Service
	waiting   *waiting.Service
	citizen   *citizen.Service
	coach     *coach.Service
	chat      *chat.Service
	groups    *groups.Service
	counts    *counts.Service

	stop    context.CancelFunc
	relay   sync.WaitGroup
	started atomic.Bool
}

// openGround opens the stores and the keys: what every command needs.
func openGround(ctx context.Context, cfg appConfig) (*app, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	a := &app{cfg: cfg, clock: cfg.Clock, log: cfg.Log}
	fail := func(what string, err error) (*app, error) {
		a.close()
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if err := os.MkdirAll(cfg.Keys, 0o700); err != nil {
		return fail("make the folder of the keys", err)
	}
	var err error
	var opts []sqlite.Option
	if cfg.Unsynced {
		opts = append(opts, sqlite.Unsynced())
	}
	if a.store, err = openStore(ctx, cfg.Store, append(append(kinds(), copyKind), cfg.Kinds...), cfg.Log, opts...); err != nil {
		return fail("open the store (HALSOCOACH_STORE)", older(err))
	}
	if err := unfinished(ctx, a.store); err != nil {
		return fail("open the store", err)
	}
	if a.keys, err = openStore(ctx, cfg.keyStore(), append(keyKinds(), copyKind), cfg.Log, append(opts, sqlite.Shredded())...); err != nil {
		return fail("open the key store (HALSOCOACH_KEY_STORE)", older(err))
	}
	if err := unfinished(ctx, a.keys); err != nil {
		return fail("open the key store", err)
	}
	master, err := seal.KeyFile(cfg.keyFile())
	if err != nil {
		return fail("read the master key", err)
	}
	if a.seal, err = seal.Open(ctx, a.keys, master, cfg.Clock); err != nil {
		return fail("open the seal", err)
	}
	return a, nil
}

// older says what to do with data of an earlier schema.
func older(err error) error {
	if errors.Is(err, store.ErrOlder) {
		return fmt.Errorf("%w: begin with an empty store and an empty folder of keys, or run the release that wrote them", err)
	}
	return err
}

// openApp opens the ground and the bus and builds every part.
func openApp(ctx context.Context, cfg appConfig) (*app, error) {
	a, err := openGround(ctx, cfg)
	if err != nil {
		return nil, err
	}
	var opts []event.Option
	if cfg.Unsynced {
		opts = append(opts, event.Unsynced())
	}
	if a.bus, err = event.Open(ctx, cfg.NATS, cfg.Log, opts...); err != nil {
		a.close()
		return nil, fmt.Errorf("open NATS: %w", err)
	}
	if err := a.build(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// build makes the parts' services and puts their pages and JSON on the web.
func (a *app) build() error {
	a.parts = parts()
	a.nav = navigate(a.parts)
	for _, p := range a.parts {
		r, err := p.build(a)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		a.rooms = append(a.rooms, r)
	}
	a.metrics.open(a.bus)
	a.web = web.New(web.Config{
		PublicURL: a.cfg.PublicURL, Demo: a.cfg.Demo, Log: a.log, Clock: a.clock, Actor: a.auth.Actor, Nav: a.nav.of, Drafts: a.auth,
		Session: a.auth.Left, FormTargets: oidc.FormTargets(a.cfg.Providers), Proxies: a.cfg.Proxies,
		Account: account(a.cfg.Mail.On()), Faults: map[string]web.SayFault{"/fhir": fhir.Say, "/oauth": machine.Say},
		Ready: a.ready, Notice: a.cfg.Notice, Answered: a.metrics.count,
	})
	for _, r := range a.rooms {
		if r.pages != nil {
			r.pages(a.web.Fiber())
		}
		if r.api != nil {
			r.api(a.web.API())
		}
	}
	return nil
}

// start runs the relay and what every part has to run. They run on when ctx
// ends, so that what is asked last is still followed by its events, and end with
// close.
func (a *app) start(ctx context.Context) error {
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, stop)() // a start can be broken off
	ctx, a.stop = run, stop
	if err := a.shareKeys(ctx); err != nil {
		return fmt.Errorf("share the keys with other nodes: %w", err)
	}
	a.relay.Add(1)
	go func() {
		defer a.relay.Done()
		event.Relay(ctx, a.store, a.bus, a.log)
	}()
	for i, r := range a.rooms {
		if r.start == nil {
			continue
		}
		if err := r.start(ctx, a.bus); err != nil {
			return fmt.Errorf("start %s: %w", a.parts[i].name, err)
		}
	}
	a.started.Store(true)
	return nil
}

// settled waits until no event has been under way for so long. look is called at
// each look.
func (a *app) settled(ctx context.Context, during time.Duration, look func()) error {
	const every = 50 * time.Millisecond
	for quiet := time.Duration(0); ; {
		pending, err := a.store.Pending(ctx, 1)
		if err != nil {
			return fmt.Errorf("look at the outbox: %w", err)
		}
		waiting, parked, err := a.bus.Waiting(ctx)
		if err != nil {
			return err
		}
		if parked > 0 {
			return fmt.Errorf("%d events are parked, since a part of the service could not take them (see its log); run the service until they are taken", parked)
		}
		if len(pending) > 0 || waiting > 0 {
			quiet = 0
		} else if quiet >= during {
			return nil
		}
		look()
		quiet += every
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
	}
}

// ready says whether the program can serve.
func (a *app) ready(ctx context.Context) error {
	if !a.started.Load() {
		return errNotStarted
	}
	return errors.Join(a.store.Ping(ctx), a.keys.Ping(ctx), a.bus.Ready())
}

var errNotStarted = errors.New("the consumers are not started")

// drainTime is how long a stop may let people finish; what is left of ten
// seconds is for the relay, the leases and the stores.
const drainTime = 7 * time.Second

// withApp opens the program for a command that does one thing.
func (d dataConfig) withApp(ctx context.Context, log *slog.Logger, do func(*app) error) error {
	if err := d.check(); err != nil {
		return err
	}
	a, err := openApp(ctx, appConfig{dataConfig: d, PublicURL: "http://localhost", Log: log})
	if err != nil {
		return err
	}
	defer a.close()
	return do(a)
}

// withSignIn opens the ground and sign-in without a bus, for a command that runs
// beside the service.
func (d dataConfig) withSignIn(ctx context.Context, publicURL string, log *slog.Logger, do func(*app) error) error {
	if err := d.check(); err != nil {
		return err
	}
	a, err := openGround(ctx, appConfig{dataConfig: d, PublicURL: publicURL, Log: log})
	if err != nil {
		return err
	}
	defer a.close()
	a.registers = registers.New(registers.Config{Store: a.store, Clock: a.clock, Log: a.log})
	a.staff = staff.New(staff.Config{Store: a.store, Seal: a.seal, Clock: a.clock, Log: a.log, PublicURL: a.cfg.PublicURL, Registers: a.registers})
	if err := errors.Join(a.registers.Load(ctx), a.staff.Load(ctx)); err != nil {
		return fmt.Errorf("read the registers: %w", err)
	}
	if a.auth, err = auth.New(auth.Config{Store: a.store, Seal: a.seal, Clock: a.clock, Log: a.log, PublicURL: publicURL, Staff: a.staff}); err != nil {
		return err
	}
	return do(a)
}

// serve answers on ln until ctx ends, then lets what runs come to its end.
func (a *app) serve(ctx context.Context, ln net.Listener, opsAddr string, listening func(addr string)) error {
	ops, err := a.metrics.serve(opsAddr)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- a.web.Serve(ln) }()
	listening(ln.Addr().String())
	select {
	case err = <-done:
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		a.web.Leave(last)
		for _, r := range a.rooms {
			if r.drain != nil {
				err = errors.Join(err, r.drain(last))
			}
		}
		err = errors.Join(err, a.web.Shutdown(last))
		<-done
	}
	return errors.Join(err, ops.Close())
}

// close ends the relay, the bus and the stores, in that order.
func (a *app) close() {
	if a.stop != nil {
		a.stop()
	}
	a.relay.Wait()
	if a.bus != nil {
		_ = a.bus.Close()
	}
	for _, s := range []store.Store{a.store, a.keys} {
		if s != nil {
			_ = s.Close()
		}
	}
}
