package demo

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"halsocoach"
	"halsocoach/admin/registers"
	"halsocoach/admin/settings"
	"halsocoach/chat"
	"halsocoach/citizen"
	"halsocoach/coach"
	"halsocoach/groups"
	"halsocoach/internal/auth"
	"halsocoach/internal/auth/machine"
	"halsocoach/internal/seal"
	"halsocoach/internal/staff"
	"halsocoach/internal/store"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
	"halsocoach/referral/selfreferral"
	"halsocoach/referral/sender"
)

// Size is how much past a demo gets.
type Size struct {
	People   int // who are recommended
	Days     int
	Messages int // per person, at most about
	Staff    int // coaches per centre, at most
}

// Sizes are those of the command, by name.
var Sizes = map[string]Size{
	"small": {370, 35, 4, 1}, "kommun": {2000, 180, 12, 2}, "region": {20000, 365, 50, 9},
}

// Services are what the demo's people use.
type Services struct {
	Store     store.Store
	Seal      *seal.Sealer
	Registers *registers.Service
	Settings  *settings.Service
	Staff     *staff.Service
	Machine   *machine.Service
	Records   *record.Records
	Sender    *sender.Service
	Self      *selfreferral.Service
	Inbox     *inbox.Service
	Citizen   *citizen.Service
	Coach     *coach.Service
	Chat      *chat.Service
	Groups    *groups.Service

	Kinds []store.Kind                // of the service, to see whether the store is empty
	Start func(context.Context) error // starts the service
	// Progress shows how many of the days of a large demo are written: day is called
	// after each, done at the end.
	Progress func(days int) (day, done func())
}

// Demo is a demo while it runs.
type Demo struct {
	Services
	Clock *Clock
	size  Size
	books store.Collection[book]
	mu    sync.Mutex
	book  book
}

// New is a demo that knows nobody until Fill.
func New(size Size, clock *Clock) *Demo { return &Demo{Clock: clock, size: size} }

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

// Kinds are the demo's own documents.
func Kinds() []store.Kind { return []store.Kind{bookKind} }

const bookID = "demo"

// Names are the personas and how many made-up people there are, for a greeting.
func (d *Demo) Names() (personas string, people int) {
	var all []string
	for _, p := range Personas() {
		all = append(all, p.Name)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(all, ", "), len(d.book.Persons)
}

// Persona finds who a name stands for, among them citizen:<n> and coach:<n>.
func (d *Demo) Persona(name string) (auth.Persona, bool) {
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
