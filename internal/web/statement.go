package web

import (
	"github.com/gofiber/fiber/v2"
)

// Statement is the accessibility statement that the law (2018:1937) asks for,
// as data: the page puts it in words.
type Statement struct {
	Conformance string // "helt", "delvis" or "inte"
	Assessed    string // 2006-01-02
	Updated     string // 2006-01-02
	Method      string // Swedish
	Contact     string // an e-mail address or page for reports
	Faults      []Fault
}

// Fault is one thing that does not hold yet.
type Fault struct {
	What, Reason, Criterion string
}

func (a *App) statement(c *fiber.Ctx) error {
	return Show(c, Page{Title: "Tillgänglighet"}, statementPage(a.cfg.Statement))
}
