package web

import (
	"time"

	"github.com/gofiber/fiber/v2"
)

// Cookies are the program's own: no script reads them, no other site's form sends
// them, and with an https address only this host may set them.
type Cookies struct{ Secure bool }

// name is the cookie's name in the browser.
func (k Cookies) name(name string) string {
	if k.Secure {
		return "__Host-" + name
	}
	return name
}

// Get is what the browser sent, or "".
func (k Cookies) Get(c *fiber.Ctx, name string) string { return c.Cookies(k.name(name)) }

// Set without a duration lasts as long as the browser.
func (k Cookies) Set(c *fiber.Ctx, name, value string, lasts time.Duration) {
	c.Cookie(&fiber.Cookie{
		Name: k.name(name), Value: value, Path: "/", MaxAge: int(lasts / time.Second),
		HTTPOnly: true, Secure: k.Secure, SameSite: fiber.CookieSameSiteLaxMode,
	})
}

// Clear takes the cookie away.
func (k Cookies) Clear(c *fiber.Ctx, name string) {
	c.Cookie(&fiber.Cookie{Name: k.name(name), Path: "/", MaxAge: -1, HTTPOnly: true, Secure: k.Secure, SameSite: fiber.CookieSameSiteLaxMode})
}
