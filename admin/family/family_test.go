package family

import (
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

func TestTheCoordinatorsPageIsTrueAndHoldsEveryKommun(t *testing.T) {
	e := testenv.New(t)
	s := New(Config{Registers: e.Registers})
	app := e.App(func(a *web.App) { s.Routes(a.Fiber()) })
	r := app.As(e.People.Family).Get("/familjecentraler")
	for _, k := range halsocoach.Kommuner {
		if !strings.Contains(r.Body, "Hälsocenter "+k.Name) {
			t.Errorf("%s is not there", k.Name)
		}
	}
	for _, word := range []string{"Höglandet", "Norra", "GGVV", "sköts utanför tjänsten", "/gruppaktiviteter"} {
		if r.Status != 200 || !strings.Contains(r.Body, word) {
			t.Errorf("%d, without %q", r.Status, word)
		}
	}
	for who, want := range map[*halsocoach.Actor]int{
		&e.People.Region: 200, &e.People.Kommun: 403, &e.People.Maria: 403, &e.People.Anna: 403, &e.People.Drift: 403, &e.People.Visitor: 303,
	} {
		app.As(*who).Get("/familjecentraler").Is(want)
	}
}
