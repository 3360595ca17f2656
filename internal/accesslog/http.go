package accesslog

import (
	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// Routes is the page "Vem har läst om mig".
func (s *Service) Routes(r fiber.Router) { r.Get("/min-halsa/logg", s.seenPage) }

func (s *Service) seenPage(c *fiber.Ctx) error {
	items, next, err := s.SeenBy(web.Ctx(c), web.Who(c), halsocoach.Day(c.Query("fore")))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Vem har läst om mig", Active: "/min-halsa"}, seenList(items, next))
}
