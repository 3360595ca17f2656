package web

import "github.com/gofiber/fiber/v2"

func (a *App) start(c *fiber.Ctx) error {
	return Show(c, Page{Active: "/"}, startPage())
}

func (a *App) style(c *fiber.Ctx) error {
	return Show(c, Page{Title: "Stil", Active: "/stil", Wide: true}, stylePage(NewForm(c)))
}
