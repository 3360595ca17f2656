package testenv

import (
	"os"
	"sync"
	"time"
	_ "time/tzdata" // tests run on machines without zone files

	"halsocoach"
)

// Hard says whether the hard counts are asked for.
func Hard() bool { return os.Getenv("HALSOCOACH_HARD") == "1" }

// Count is short, or hard in the hard suite.
func Count(short, hard int) int {
	if Hard() {
		return hard
	}
	return short
}

// Clock is a clock that tests move by hand.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Morning is where every test begins: Monday 2026-11-23 at nine in Stockholm.
func Morning() time.Time { return halsocoach.Day("2026-11-23").At(9 * 60) }

// Now is the time; pass env.Clock.Now as halsocoach.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// Add moves the clock on.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// People are the personas as actors.
type People struct {
	Anna, Elsa, Omar                       halsocoach.Actor // citizens
	Maria, Johan                           halsocoach.Actor // coaches in Sävsjö and Jönköping
	Vardcentral, Forening                  halsocoach.Actor
	Kommun, Region, Family, Drift, Visitor halsocoach.Actor
}

// Elsa's published test number, with which she is recommended and signs in.
const ElsasNumber = "200302022389"

// people have the opaque ids that the key store gave them.
func people(anna, elsa, omar string) People {
	return People{
		Anna:        halsocoach.Actor{ID: anna, Role: halsocoach.RoleCitizen, Name: "Anna Lind"},
		Elsa:        halsocoach.Actor{ID: elsa, Role: halsocoach.RoleCitizen, Name: "Elsa Berg"},
		Omar:        halsocoach.Actor{ID: omar, Role: halsocoach.RoleCitizen, Name: "Omar Said"},
		Maria:       halsocoach.Actor{ID: "maria", Role: halsocoach.RoleCoach, Name: "Maria Holm", Kommun: "0684", Centre: "0684"},
		Johan:       halsocoach.Actor{ID: "johan", Role: halsocoach.RoleCoach, Name: "Johan Ek", Kommun: "0680", Centre: "0680"},
		Vardcentral: halsocoach.Actor{ID: "vardcentral", Role: halsocoach.RoleCareCentre, Name: "Karin Ström", Kommun: "0684", Unit: "savsjo-vardcentral"},
		Forening:    halsocoach.Actor{ID: "forening", Role: halsocoach.RoleAssociation, Name: "Lars Dahl", Kommun: "0684", Unit: "savsjo-friluft"},
		Kommun:      halsocoach.Actor{ID: "kommun", Role: halsocoach.RoleKommun, Name: "Eva Lund", Kommun: "0684"},
		Region:      halsocoach.Actor{ID: "region", Role: halsocoach.RoleRegion, Name: "Per Sjö"},
		Family:      halsocoach.Actor{ID: "familjecentral", Role: halsocoach.RoleFamily, Name: "Ida Norr"},
		Drift:       halsocoach.Actor{ID: "drift", Role: halsocoach.RoleOperator, Name: "Drift"},
	}
}
