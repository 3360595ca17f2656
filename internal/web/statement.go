package web

import (
	"context"
	"time"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

// Statement is the accessibility statement that the law (2018:1937) asks for,
// kept as data; the page puts it in words. Texts are Swedish.
type Statement struct {
	Body        string         // the public body
	Conformance Conformance    // with WCAG 2.1 AA and EN 301 549
	Assessed    halsocoach.Day // when it was last assessed
	Updated     halsocoach.Day
	Methods     []string
	Report      string // e-mail address to which faults are reported
	Faults      []Fault
	Excepted    []Fault // content that the law excepts, with the motive
}

// Conformance is how much of the demands is met.
type Conformance string

// The three that the law knows.
const (
	Fully  Conformance = "helt förenlig"
	Partly Conformance = "delvis förenlig"
	Not    Conformance = "inte förenlig"
)

// Fault is one thing that does not hold, and why.
type Fault struct{ What, Reason string }

// supervisor takes complaints about a statement or an answer.
const supervisor = "https://www.digg.se/tdosanmalan"

// DefaultStatement is what holds for the service as it is built. An
// installation gives its own body, address and faults through Config.
func DefaultStatement() Statement {
	return Statement{
		Body: "Region Jönköpings län", Conformance: Partly, Assessed: "2026-11-22", Updated: "2026-11-22",
		Methods: []string{
			"Egen granskning mot WCAG 2.1 nivå AA.",
			"Automatisk kontroll av sidorna med axe-core och av färgernas kontrast, i ljust och mörkt läge.",
		},
		Report: "tillganglighet@halsocoach.example",
		Faults: []Fault{
			{"Sidorna är ännu inte provade av personer som använder skärmläsare, förstoring eller röststyrning till vardags.", "Provet görs tillsammans med invånare innan tjänsten öppnar."},
			{"Text som invånare och hälsocoacher själva skriver i meddelanden kan sakna rubriker och beskrivningar.", "Vi kan inte rätta det som andra har skrivit."},
		},
	}
}

func (a *App) statement(c *fiber.Ctx) error {
	s := a.cfg.Statement
	if s.Body == "" {
		s = DefaultStatement()
	}
	return a.cache.Show(c, string(s.Updated), Page{Title: "Tillgänglighet för Hälsocoach online"}, func() (templ.Component, error) {
		return statementPage(s), nil
	})
}

var conformanceTexts = Texts[Conformance]{
	Fully:  "Tjänsten följer lagens krav helt. Vi känner inte till några brister.",
	Partly: "Tjänsten följer lagens krav delvis. Bristerna står nedan.",
	"":     "Tjänsten följer inte lagens krav. Bristerna står nedan.",
}

func dayText(ctx context.Context, d halsocoach.Day) string {
	return LongDate(ctx, d.Start().Add(12*time.Hour))
}

var conformances = Texts[Conformance]{
	Fully:  "Helt förenlig",
	Partly: "Delvis förenlig",
	"":     "Inte förenlig",
}
