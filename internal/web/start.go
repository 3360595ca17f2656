package web

import (
	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"
)

// start is the first page: what this is, and one next step.
func (a *App) start(c *fiber.Ctx) error {
	return a.cache.Show(c, "", Page{Active: "/"}, func() (templ.Component, error) {
		var first Link
		if who := Who(c); who.SignedIn() && a.cfg.Nav != nil {
			if nav := a.cfg.Nav(who); len(nav) > 0 {
				first = nav[0]
			}
		}
		return startPage(first), nil
	})
}
