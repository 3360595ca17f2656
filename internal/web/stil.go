package web

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
)

const hour = time.Hour

type styleDates struct{ first, second time.Time }

// style shows every component. A POST shows the form with its faults.
func (a *App) style(c *fiber.Ctx) error {
	day := halsocoach.DayOf(a.cfg.Clock())
	now := styleDates{day.Plus(1).At(10 * 60), day.Plus(2).At(15*60 + 30)}
	p := Page{Title: "Stil", Active: "/stil", Wide: true}
	f := NewForm(c)
	if c.Method() == fiber.MethodPost {
		f, p.Status = ReadForm(c), fiber.StatusUnprocessableEntity
		f.Failed(halsocoach.Invalid(
			halsocoach.Field{Name: "namn", Text: "Skriv ett namn."},
			halsocoach.Field{Name: "form", Text: "Välj hur du vill ses."},
			halsocoach.Field{Name: "ja", Text: "Kryssa i rutan om du samtycker."},
			halsocoach.Field{Name: "slot", Text: "Välj en tid."},
		))
	}
	return Show(c, p, stylePage(f, now))
}
