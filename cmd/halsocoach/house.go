package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"halsocoach"
	"halsocoach/admin/counts"
	"halsocoach/admin/family"
	"halsocoach/admin/operation"
	"halsocoach/admin/registers"
	"halsocoach/admin/settings"
	"halsocoach/chat"
	"halsocoach/citizen"
	"halsocoach/coach"
	"halsocoach/groups"
	"halsocoach/internal/auth"
	"halsocoach/internal/auth/machine"
	"halsocoach/internal/auth/oidc"
	"halsocoach/internal/event"
	"halsocoach/internal/notify"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
	"halsocoach/internal/web"
	"halsocoach/referral"
	"halsocoach/referral/fhir"
	"halsocoach/referral/inbox"
	"halsocoach/referral/own"
	"halsocoach/referral/waiting"
)

// houseConfig is what differs between the demo, the service and a command.
type houseConfig struct {
	place
	PublicURL string
	Demo      bool
	Clock     halsocoach.Clock // nil = the real one
	Notice    time.Duration    // of a stop, see web.Config
	Proxies   []string         // see web.Config
	Mail      notify.Settings
	Providers []oidc.Provider // of sign-in; none = by invitation links only
	Limits    auth.Limits     // of sessions
	Log       *slog.Logger
	Personas  func() []auth.Persona
	Persona   func(name string) (auth.Persona, bool)
	Kinds     []store.Kind // beside the packages' own
}

// house is every part of the service, tied together.
type house struct {
	cfg   houseConfig
	store store.Store
	keys  store.Store
	seal  *seal.Sealer
	bus   *event.Bus
	web   *web.App
	metrics

	persons   *person.Service
	auth      *auth.Service
	oidc      *oidc.Service
	machine   *machine.Service
	registers *registers.Service
	settings  *settings.Service
	referral  *referral.Service
	own       *own.Service
	fhir      *fhir.Service
	inbox     *inbox.Service
	waiting   *waiting.Service
	notify    *notify.Service
	family    *family.Service
	operation *operation.Service
	citizen   *citizen.Service
	coach     *coach.Service
	chat      *chat.Service
	groups    *groups.Service
	counts    *counts.Service

	stop    context.CancelFunc
	relay   sync.WaitGroup
	started atomic.Bool
}

// kinds are those of all packages.
func kinds() []store.Kind {
	all := []store.Kind{store.LeaseKind}
	for _, of := range [][]store.Kind{
		person.Kinds(), auth.Kinds(), machine.Kinds(), registers.Kinds(), settings.Kinds(), referral.Kinds(), fhir.Kinds(), inbox.Kinds(), citizen.Kinds(),
		coach.Kinds(), chat.Kinds(), groups.Kinds(), counts.Kinds(), waiting.Kinds(), notify.Kinds(),
	} {
		all = append(all, of...)
	}
	return all
}

// openGround opens the stores and the keys: what every command needs.
func openGround(ctx context.Context, cfg houseConfig) (*house, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	h := &house{cfg: cfg}
	fail := func(what string, err error) (*house, error) {
		h.close()
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if err := os.MkdirAll(cfg.Keys, 0o700); err != nil {
		return fail("make the folder of the keys", err)
	}
	var err error
	if h.store, err = openStore(ctx, cfg.Store, append(append(kinds(), copyKind), cfg.Kinds...), cfg.Log); err != nil {
		return fail("open the store", err)
	}
	if err := unfinished(ctx, h.store); err != nil {
		return fail("open the store", err)
	}
	if h.keys, err = openStore(ctx, cfg.keyStore(), append(keyKinds(), copyKind), cfg.Log, sqlite.Shredded()); err != nil {
		return fail("open the key store", err)
	}
	if err := unfinished(ctx, h.keys); err != nil {
		return fail("open the key store", err)
	}
	master, err := seal.KeyFile(filepath.Join(cfg.Keys, "master.key"))
	if err != nil {
		return fail("read the master key", err)
	}
	if h.seal, err = seal.Open(ctx, h.keys, master, cfg.Clock); err != nil {
		return fail("open the seal", err)
	}
	if err := auth.TakeOverKeys(ctx, h.seal, filepath.Join(cfg.Keys, "signing"), cfg.Log); err != nil {
		return fail("take over the signing keys", err)
	}
	return h, nil
}

// openHouse opens the ground and the bus and builds every service.
func openHouse(ctx context.Context, cfg houseConfig) (*house, error) {
	h, err := openGround(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if h.bus, err = event.Open(ctx, cfg.NATS, cfg.Log); err != nil {
		h.close()
		return nil, fmt.Errorf("open NATS: %w", err)
	}
	if err := h.build(ctx); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// build makes the services, those that others need first. Where two need each
// other, ties.go hands the later one over.
func (h *house) build(ctx context.Context) (err error) {
	clock, log := h.cfg.Clock, h.cfg.Log
	h.registers = registers.New(registers.Config{Store: h.store, Bus: h.bus, Clock: clock, Log: log, Waits: waits{h}})
	h.settings = settings.New(settings.Config{Store: h.store, Bus: h.bus, Clock: clock, Log: log, Registers: h.registers})
	authConfig := auth.Config{
		Store: h.store, Seal: h.seal, Bus: h.bus, Clock: clock, Log: log, PublicURL: h.cfg.PublicURL, Demo: h.cfg.Demo,
		Registers: h.registers, Persona: h.cfg.Persona, Home: home, Limits: h.cfg.Limits,
	}
	if h.cfg.Personas != nil {
		authConfig.Personas = h.cfg.Personas()
	}
	if h.auth, err = auth.New(authConfig); err != nil {
		return fmt.Errorf("sign-in: %w", err)
	}
	h.persons = person.New(person.Config{Store: h.store, Numbers: h.seal, Nudges: h.bus, AccessLog: h.auth, Clock: clock})
	h.oidc = oidc.New(oidc.Config{Providers: h.cfg.Providers, Auth: h.auth, Seal: h.seal, Clock: clock, Log: log, PublicURL: h.cfg.PublicURL})
	h.machine = machine.New(machine.Config{
		Store: h.store, Auth: h.auth, Bus: h.bus, Registers: h.registers, Clock: clock, Log: log, PublicURL: h.cfg.PublicURL,
	})
	h.referral = referral.New(referral.Config{
		Store: h.store, Seal: h.seal, Clock: clock, Settings: h.settings, Registers: h.registers, Staff: h.auth, AccessLog: h.auth,
		Enrolments: takenIn{h}, Waits: waits{h},
	})
	h.own = own.New(own.Config{
		Referrals: h.referral, Enrolments: takenIn{h}, Registers: h.registers, Settings: h.settings, Clock: clock,
		NoSignIn: !h.cfg.Demo && !slices.ContainsFunc(h.cfg.Providers, func(p oidc.Provider) bool { return slices.Contains(p.For, oidc.ForCitizens) }),
	})
	h.fhir = fhir.New(fhir.Config{Store: h.store, Referrals: h.referral, Clock: clock, PublicURL: h.cfg.PublicURL})
	h.inbox = inbox.New(inbox.Config{Referrals: h.referral, Calendar: firstTalks{h}, Enrolments: takenIn{h}, Holders: []inbox.Holder{takenIn{h}, places{h}}, Logins: h.auth, Log: log})
	h.citizen = citizen.New(citizen.Config{
		Store: h.store, Seal: h.seal, Clock: clock, Log: log, Staff: h.auth, Registers: h.registers, AccessLog: h.auth,
		Referrals: h.referral, Agendas: []citizen.Agenda{talks{h}, places{h}}, Talks: talks{h}, Messages: messages{h},
	})
	h.coach = coach.New(coach.Config{
		Store: h.store, Enrolments: h.citizen, Inbox: h.referral, Messages: messages{h}, Staff: h.auth, Registers: h.registers,
		Settings: h.settings, AccessLog: h.auth, Clock: clock, Log: log,
	})
	h.waiting = waiting.New(waiting.Config{
		Store: h.store, Bus: h.bus, Clock: clock, Log: log, Recommendations: h.referral, Enrolments: h.citizen, Talks: h.coach,
		Registers: h.registers, Settings: h.settings,
	})
	h.chat = chat.New(chat.Config{
		Store: h.store, Seal: h.seal, Clock: clock, Log: log, PublicURL: h.cfg.PublicURL, Enrolments: h.citizen,
		Staff: h.auth, AccessLog: h.auth, Sessions: h.auth,
	})
	h.groups = groups.New(groups.Config{
		Store: h.store, Seal: h.seal, Clock: clock, Log: log, AccessLog: h.auth, Settings: h.settings, Registers: h.registers,
		Staff: h.auth, Calendar: h.coach, Enrolments: h.citizen,
	})
	h.counts = counts.New(counts.Config{Store: h.store, Bus: h.bus, Clock: clock, Log: log, Settings: h.settings, Live: h.cfg.Demo})
	h.notify = notify.New(notify.Config{
		Settings: h.cfg.Mail, Store: h.store, Seal: h.seal, Clock: clock, Log: log, PublicURL: h.cfg.PublicURL,
		Referrals: h.referral, Talks: h.coach, Conversations: h.chat, Staff: h.auth,
	})
	h.family = family.New(family.Config{Registers: h.registers})
	h.operation = operation.New(operation.Config{
		Parts: []operation.Part{
			{What: operation.Store, Check: h.store.Ping}, {What: operation.Keys, Check: h.keys.Ping},
			{What: operation.Events, Check: func(context.Context) error { return h.bus.Ready() }},
		},
		Queue: h.bus, Clock: clock, Started: clock(), Log: log,
	})
	h.metrics.open()
	h.web = web.New(web.Config{
		PublicURL: h.cfg.PublicURL, Demo: h.cfg.Demo, Log: log, Clock: clock, Actor: h.auth.Actor, Nav: nav, Drafts: h.auth,
		Session: h.auth.Left, FormTargets: oidc.FormTargets(h.cfg.Providers), Proxies: h.cfg.Proxies,
		Account: account(h.cfg.Mail.On()), Faults: map[string]web.SayFault{"/fhir": fhir.Say, "/oauth": machine.Say},
		Ready: h.ready, Notice: h.cfg.Notice, Answered: h.metrics.count,
	})
	h.mount()
	return nil
}

// mount puts every package's pages and JSON on the app.
func (h *house) mount() {
	app, api := h.web.Fiber(), h.web.API()
	h.auth.Routes(app)
	h.oidc.Routes(app)
	h.machine.Routes(app)
	h.fhir.Routes(app)
	for _, p := range []interface{ Routes(pages) }{h.registers, h.settings, h.referral, h.own, h.inbox, h.waiting, h.citizen, h.coach, h.chat, h.groups, h.counts, h.notify, h.family, h.operation} {
		p.Routes(app)
	}
	for _, p := range []interface{ API(jsonDoor) }{h.registers, h.referral, h.citizen, h.coach, h.chat, h.groups, h.counts} {
		p.API(api)
	}
}

// start runs the relay, the registers and every package's consumers. They run
// on when ctx ends, so that what is asked last is still followed by its events,
// and end with close.
func (h *house) start(ctx context.Context) error {
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, stop)() // a start can be broken off
	ctx, h.stop = run, stop
	if err := h.shareKeys(ctx); err != nil {
		return fmt.Errorf("share the keys with other nodes: %w", err)
	}
	h.relay.Add(1)
	go func() {
		defer h.relay.Done()
		event.Relay(ctx, h.store, h.bus, h.cfg.Log)
	}()
	if err := h.persons.Start(ctx); err != nil {
		return fmt.Errorf("start the register of persons: %w", err)
	}
	if err := h.auth.Start(ctx); err != nil {
		return fmt.Errorf("start sign-in: %w", err)
	}
	if err := h.machine.Start(ctx); err != nil {
		return fmt.Errorf("start sign-in of machines: %w", err)
	}
	for _, p := range []struct {
		name string
		part interface {
			Start(context.Context, *event.Bus) error
		}
	}{
		{"registers", h.registers}, {"settings", h.settings}, {"referral", h.referral}, {"fhir", h.fhir}, {"inbox", h.inbox}, {"waiting", h.waiting}, {"citizen", h.citizen},
		{"coach", h.coach}, {"chat", h.chat}, {"groups", h.groups}, {"counts", h.counts}, {"notify", h.notify},
	} {
		if err := p.part.Start(ctx, h.bus); err != nil {
			return fmt.Errorf("start %s: %w", p.name, err)
		}
	}
	h.started.Store(true)
	return nil
}

// ready says whether the program can serve.
func (h *house) ready(ctx context.Context) error {
	if !h.started.Load() {
		return errNotStarted
	}
	return errors.Join(h.store.Ping(ctx), h.keys.Ping(ctx), h.bus.Ready())
}

var errNotStarted = errors.New("the consumers are not started")

// drainTime is how long a stop may let people finish; what is left of ten
// seconds is for the relay, the leases and the stores.
const drainTime = 7 * time.Second

// signInOnly is sign-in without a bus, for commands that run beside the service.
func (h *house) signInOnly(ctx context.Context) (*auth.Service, error) {
	places := registers.New(registers.Config{Store: h.store, Clock: h.cfg.Clock, Log: h.cfg.Log})
	if err := places.Load(ctx); err != nil {
		return nil, fmt.Errorf("read the registers: %w", err)
	}
	return auth.New(auth.Config{
		Store: h.store, Seal: h.seal, Clock: h.cfg.Clock, Log: h.cfg.Log, PublicURL: h.cfg.PublicURL,
		Registers: places,
	})
}

// serve answers on ln until ctx ends, then lets what runs come to its end.
func (h *house) serve(ctx context.Context, ln net.Listener, opsAddr string, listening func(addr string)) error {
	ops, err := h.metrics.serve(opsAddr)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- h.web.Serve(ln) }()
	listening(ln.Addr().String())
	select {
	case err = <-done:
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		h.web.Leave(last)
		err = errors.Join(h.chat.Drain(last), h.web.Shutdown(last))
		<-done
	}
	return errors.Join(err, ops.Close())
}

// close ends the relay, the bus and the stores, in that order.
func (h *house) close() {
	if h.stop != nil {
		h.stop()
	}
	h.relay.Wait()
	if h.bus != nil {
		_ = h.bus.Close()
	}
	for _, s := range []store.Store{h.store, h.keys} {
		if s != nil {
			_ = s.Close()
		}
	}
}
