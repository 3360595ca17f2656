package operation

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

// away is a queue that can not be asked.
type away struct{}

func (away) Waiting(context.Context) (int, int, error) { return 0, 0, errors.New("dial 10.0.0.7") }

// loaded is a queue with something put aside.
type loaded struct{}

func (loaded) Waiting(context.Context) (int, int, error) { return 7, 2, nil }

func page(e *testenv.Env, q Queue, keys error) *testenv.App {
	s := New(Config{
		Parts: []Part{{Store, e.Store.Ping}, {Keys, func(context.Context) error { return keys }}, {Events, func(context.Context) error { return e.Bus.Ready() }}},
		Queue: q, Clock: e.Clock.Now, Started: e.Clock.Now().Add(-3 * time.Hour), Log: e.Log,
	})
	return e.App(func(a *web.App) { s.Routes(a.Fiber()) })
}

func TestTheOperatorSeesWhetherEverythingAnswers(t *testing.T) {
	e := testenv.New(t)
	for _, c := range []struct {
		name  string
		queue Queue
		keys  error
		says  []string
		not   []string
	}{
		{"well", e.Bus, nil, []string{"Allt svarar", "Databasen", "Nyckellagret", "Händelserna (NATS)", "3 timmar", "go1."}, []string{"Svarar inte"}},
		{"no keys", e.Bus, errors.New("disk 10.0.0.8 is full"), []string{"Något behöver ses över", "Svarar inte"}, []string{"Allt svarar", "10.0.0.8"}},
		{"no answer about events", away{}, nil, []string{"Det gick inte att fråga", "Något behöver ses över"}, []string{"10.0.0.7"}},
		{"put aside", loaded{}, nil, []string{">7<", ">2<", "prövas igen av sig själva", "Något behöver ses över"}, nil},
	} {
		r := page(e, c.queue, c.keys).As(e.People.Drift).Get("/drift")
		for _, word := range c.says {
			if r.Status != 200 || !strings.Contains(r.Body, word) {
				t.Errorf("%s: %d, without %q", c.name, r.Status, word)
			}
		}
		for _, word := range c.not {
			if strings.Contains(r.Body, word) {
				t.Errorf("%s: says %q", c.name, word)
			}
		}
	}
}

func TestNobodyButTheOperatorSeesIt(t *testing.T) {
	e := testenv.New(t)
	app := page(e, e.Bus, nil)
	for _, who := range []halsocoach.Actor{e.People.Region, e.People.Kommun, e.People.Maria, e.People.Anna, e.People.Family} {
		app.As(who).Get("/drift").Is(403)
	}
	app.As(e.People.Visitor).Get("/drift").Is(303)
}
