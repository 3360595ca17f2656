package main

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/admin/counts"
	"halsocoach/admin/family"
	"halsocoach/admin/operation"
	"halsocoach/admin/protection"
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
	"halsocoach/internal/staff"
	"halsocoach/internal/store"
	"halsocoach/referral/fhir"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
	"halsocoach/referral/selfreferral"
	"halsocoach/referral/sender"
	"halsocoach/referral/waiting"
)

// part is one part of the service. A new one is one entry in parts; what a part
// does not have it leaves out.
type part struct {
	name  string       // as the operator reads it when the part does not start
	kinds []store.Kind // its documents
	nav   []navLink    // its places in the navigation
	build func(*app) (room, error)
}

// room is what a part's service does once it is built.
type room struct {
	pages func(fiber.Router)
	api   func(huma.API)
	start func(context.Context, *event.Bus) error // its consumers, sweeps and registers in memory
	drain func(context.Context) error             // lets what runs come to its end in a stop
}

// parts are those of the service. A part comes after those that its build asks the
// app for; where two need each other, wiring.go hands the later one over.
func parts() []part {
	senders := []halsocoach.Role{halsocoach.RoleCareCentre, halsocoach.RoleAssociation}
	administrators := []halsocoach.Role{halsocoach.RoleKommun, halsocoach.RoleRegion}
	return []part{
		{
			name: "registers", kinds: registers.Kinds(),
			nav: []navLink{link(2, "/register", "Register", "list", administrators...), link(2, "/halsocenter", "Hälsocenter", "place", halsocoach.RoleFamily, "")},
			build: func(a *app) (room, error) {
				a.registers = registers.New(registers.Config{Store: a.store, Bus: a.bus, Clock: a.clock, Log: a.log, Waits: waitAdapter{a}})
				return room{pages: a.registers.Routes, api: a.registers.API, start: a.registers.Start}, nil
			},
		},
		{
			name: "settings", kinds: settings.Kinds(),
			nav: []navLink{link(5, "/installningar", "Inställningar", "settings", administrators...)},
			build: func(a *app) (room, error) {
				a.settings = settings.New(settings.Config{Store: a.store, Bus: a.bus, Clock: a.clock, Log: a.log, Registers: a.registers})
				return room{pages: a.settings.Routes, start: a.settings.Start}, nil
			},
		},
		{
			name: "staff", kinds: staff.Kinds(),
			nav: []navLink{link(4, "/personal", "Personal", "person", administrators...)},
			build: func(a *app) (room, error) {
				a.staff = staff.New(staff.Config{
					Store: a.store, Seal: a.seal, Bus: a.bus, Clock: a.clock, Log: a.log, PublicURL: a.cfg.PublicURL, Registers: a.registers,
					Proven: signsIn(a.cfg.Providers, oidc.ForStaff),
				})
				return room{pages: a.staff.Routes, start: a.staff.Start}, nil
			},
		},
		{
			name: "access log", kinds: accesslog.Kinds(),
			build: func(a *app) (room, error) {
				a.accessLog = accesslog.New(accesslog.Config{Store: a.store, Staff: a.staff, Persons: personAdapter{a}, Clock: a.clock})
				return room{pages: a.accessLog.Routes}, nil
			},
		},
		{
			name: "persons", kinds: person.Kinds(),
			build: func(a *app) (room, error) {
				a.persons = person.New(person.Config{Store: a.store, Numbers: a.seal, Nudges: a.bus, AccessLog: a.accessLog, Clock: a.clock})
				return room{start: func(ctx context.Context, _ *event.Bus) error { return a.persons.Start(ctx) }}, nil
			},
		},
		{
			name: "protection",
			nav:  []navLink{link(7, "/skyddade-personuppgifter", "Skydd", "person", halsocoach.RoleRegion)},
			build: func(a *app) (room, error) {
				s := protection.New(protection.Config{Numbers: a.seal, Persons: a.persons, Clock: a.clock})
				return room{pages: s.Routes}, nil
			},
		},
		{
			name: "sign-in", kinds: auth.Kinds(),
			build: func(a *app) (r room, err error) {
				a.auth, err = auth.New(auth.Config{
					Store: a.store, Seal: a.seal, Bus: a.bus, Clock: a.clock, Log: a.log, PublicURL: a.cfg.PublicURL, Demo: a.cfg.Demo,
					Staff: a.staff, Persons: a.persons, Personas: a.cfg.Personas, Persona: a.cfg.Persona, Home: a.nav.home, Limits: a.cfg.Limits,
				})
				return room{pages: a.auth.Routes, start: a.auth.Start}, err
			},
		},
		{
			name: "sign-in by a provider",
			build: func(a *app) (room, error) {
				s := oidc.New(oidc.Config{Providers: a.cfg.Providers, Auth: a.auth, Seal: a.seal, Clock: a.clock, Log: a.log, PublicURL: a.cfg.PublicURL})
				return room{pages: s.Routes}, nil
			},
		},
		{
			name: "sign-in of machines", kinds: machine.Kinds(),
			nav: []navLink{link(6, "/vardsystem", "Vårdsystem", "place", administrators...)},
			build: func(a *app) (room, error) {
				a.machine = machine.New(machine.Config{
					Store: a.store, Auth: a.auth, Bus: a.bus, Registers: a.registers, Clock: a.clock, Log: a.log, PublicURL: a.cfg.PublicURL,
				})
				return room{pages: a.machine.Routes, start: a.machine.Start}, nil
			},
		},
		{
			name: "records of recommendations", kinds: record.Kinds(),
			build: func(a *app) (room, error) {
				a.records = record.New(record.Config{
					Store: a.store, Seal: a.seal, Clock: a.clock, Settings: a.settings, Registers: a.registers, Staff: a.staff,
					AccessLog: a.accessLog, Persons: a.persons, Waits: waitAdapter{a}, Log: a.log,
				})
				return room{start: a.records.Start}, nil
			},
		},
		{
			name: "own contact",
			nav:  []navLink{link(3, "/ta-kontakt", "Ta kontakt", "message", "")},
			build: func(a *app) (room, error) {
				a.self = selfreferral.New(selfreferral.Config{
					Records: a.records, Enrolments: enrolmentAdapter{a}, NoSignIn: !a.cfg.Demo && !signsIn(a.cfg.Providers, oidc.ForCitizens),
				})
				return room{pages: a.self.Routes}, nil
			},
		},
		{
			name: "inbox",
			nav:  []navLink{link(2, "/inkorg", "Inkorg", "inbox", halsocoach.RoleCoach), link(3, "/rekommendationer-i-vantan", "I väntan", "clock", administrators...)},
			build: func(a *app) (room, error) {
				a.inbox = inbox.New(inbox.Config{Records: a.records, Persons: a.persons, Calendar: calendarAdapter{a}, Enrolments: enrolmentAdapter{a}, Log: a.log})
				return room{pages: a.inbox.Routes, api: a.inbox.API, start: a.inbox.Start}, nil
			},
		},
		{
			name: "senders",
			nav:  []navLink{link(1, "/rekommendera", "Rekommendera", "person", senders...), link(2, "/rekommendationer", "Skickade", "inbox", senders...)},
			build: func(a *app) (room, error) {
				a.sender = sender.New(sender.Config{Records: a.records, Inbox: a.inbox})
				return room{pages: a.sender.Routes, api: a.sender.API}, nil
			},
		},
		{
			name: "fhir", kinds: fhir.Kinds(),
			build: func(a *app) (room, error) {
				s := fhir.New(fhir.Config{Store: a.store, Records: a.records, Sender: a.sender, Clock: a.clock, PublicURL: a.cfg.PublicURL})
				return room{pages: s.Routes, start: s.Start}, nil
			},
		},
		{
			name: "citizen", kinds: citizen.Kinds(),
			nav: []navLink{
				link(1, "/min-halsa", "Min hälsa", "home", halsocoach.RoleCitizen), link(3, "/invanare", "Invånare", "person", halsocoach.RoleCoach),
			},
			build: func(a *app) (room, error) {
				a.citizen = citizen.New(citizen.Config{
					Store: a.store, Seal: a.seal, Clock: a.clock, Log: a.log, Staff: a.staff, Registers: a.registers, AccessLog: a.accessLog,
					Persons: a.persons, Referrals: referralAdapter{a.records, a.self}, Groups: groupAdapter{a}, Messages: messageAdapter{a},
				})
				return room{pages: a.citizen.Routes, api: a.citizen.API, start: a.citizen.Start}, nil
			},
		},
		{
			name: "chat", kinds: chat.Kinds(),
			nav: []navLink{link(3, "/chatt", "Meddelanden", "message", halsocoach.RoleCitizen), link(5, "/chatt", "Meddelanden", "message", halsocoach.RoleCoach)},
			build: func(a *app) (room, error) {
				a.chat = chat.New(chat.Config{
					Store: a.store, Seal: a.seal, Clock: a.clock, Log: a.log, PublicURL: a.cfg.PublicURL, Enrolments: a.citizen,
					Staff: a.staff, Persons: a.persons, AccessLog: a.accessLog, Sessions: a.auth, Nudges: a.bus,
				})
				return room{pages: a.chat.Routes, api: a.chat.API, start: a.chat.Start, drain: a.chat.Drain}, nil
			},
		},
		{
			name: "coach", kinds: coach.Kinds(),
			nav: []navLink{
				link(2, "/samtal", "Samtal", "calendar", halsocoach.RoleCitizen), link(1, "/skrivbord", "Skrivbord", "home", halsocoach.RoleCoach),
				link(4, "/kalender", "Kalender", "calendar", halsocoach.RoleCoach),
			},
			build: func(a *app) (room, error) {
				a.coach = coach.New(coach.Config{
					Store: a.store, Persons: a.persons, Enrolments: a.citizen, Inbox: a.inbox, Messages: a.chat, Staff: a.staff, Registers: a.registers,
					Settings: a.settings, AccessLog: a.accessLog, Clock: a.clock, Log: a.log,
				})
				return room{pages: a.coach.Routes, api: a.coach.API, start: a.coach.Start}, nil
			},
		},
		{
			name: "groups", kinds: groups.Kinds(),
			nav: []navLink{
				link(4, "/gruppaktiviteter", "Grupper", "people", halsocoach.RoleCitizen), link(6, "/mina-grupper", "Mina grupper", "people", halsocoach.RoleCoach),
				link(1, "/gruppaktiviteter", "Gruppaktiviteter", "people", halsocoach.RoleFamily, ""),
				link(3, "/gruppaktiviteter", "Gruppaktiviteter", "people", append(slices.Clone(senders), halsocoach.RoleOperator)...),
			},
			build: func(a *app) (room, error) {
				a.groups = groups.New(groups.Config{
					Store: a.store, Seal: a.seal, Clock: a.clock, Log: a.log, AccessLog: a.accessLog, Settings: a.settings, Registers: a.registers,
					Staff: a.staff, Calendar: a.coach, Enrolments: a.citizen, Persons: a.persons, Nudges: a.bus,
				})
				return room{pages: a.groups.Routes, api: a.groups.API, start: a.groups.Start}, nil
			},
		},
		{
			name: "waiting", kinds: waiting.Kinds(),
			build: func(a *app) (room, error) {
				a.waiting = waiting.New(waiting.Config{
					Store: a.store, Bus: a.bus, Clock: a.clock, Log: a.log, Recommendations: a.records, Persons: a.persons, Enrolments: a.citizen, Talks: a.coach,
					Registers: a.registers, Settings: a.settings,
				})
				return room{pages: a.waiting.Routes, start: a.waiting.Start}, nil
			},
		},
		{
			name: "counts", kinds: counts.Kinds(),
			nav: []navLink{link(1, "/statistik", "Statistik", "chart", administrators...)},
			build: func(a *app) (room, error) {
				a.counts = counts.New(counts.Config{Store: a.store, Bus: a.bus, Clock: a.clock, Log: a.log, Settings: a.settings, Live: a.cfg.Demo})
				return room{pages: a.counts.Routes, api: a.counts.API, start: a.counts.Start}, nil
			},
		},
		{
			name: "notify", kinds: notify.Kinds(),
			nav: []navLink{link(2, "/drift/aviseringar", "Brev", "message", halsocoach.RoleOperator)},
			build: func(a *app) (room, error) {
				s := notify.New(notify.Config{
					Settings: a.cfg.Mail, Store: a.store, Seal: a.seal, Clock: a.clock, Log: a.log, PublicURL: a.cfg.PublicURL,
					Referrals: a.records, Talks: a.coach, Conversations: a.chat, Persons: a.persons, Staff: a.staff,
				})
				return room{pages: s.Routes, start: s.Start}, nil
			},
		},
		{
			name: "family centres",
			nav:  []navLink{link(0, "/familjecentraler", "Familjecentraler", "home", halsocoach.RoleFamily)},
			build: func(a *app) (room, error) {
				return room{pages: family.New(family.Config{Registers: a.registers}).Routes}, nil
			},
		},
		{
			name: "operation",
			nav:  []navLink{link(1, "/drift", "Drift", "settings", halsocoach.RoleOperator)},
			build: func(a *app) (room, error) {
				s := operation.New(operation.Config{
					Parts: []operation.Part{
						{What: operation.Store, Check: a.store.Ping}, {What: operation.Keys, Check: a.keys.Ping},
						{What: operation.Events, Check: func(context.Context) error { return a.bus.Ready() }},
					},
					Queue: a.bus, Clock: a.clock, Started: a.clock(), Log: a.log,
				})
				return room{pages: s.Routes}, nil
			},
		},
	}
}

// kinds are those of all parts.
func kinds() []store.Kind {
	all := []store.Kind{store.LeaseKind}
	for _, p := range parts() {
		all = append(all, p.kinds...)
	}
	return all
}

// signsIn says whether somebody of the sort can sign in by a provider.
func signsIn(providers []oidc.Provider, whom string) bool {
	return slices.ContainsFunc(providers, func(p oidc.Provider) bool { return slices.Contains(p.For, whom) })
}
