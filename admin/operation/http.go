package operation

import (
	"github.com/gofiber/fiber/v2"

	"halsocoach/internal/web"
)

const path = "/drift"

// Routes are the operator's pages.
func (s *Service) Routes(r fiber.Router) {
	r.Get(path, s.show)
}

func (s *Service) show(c *fiber.Ctx) error {
	h, err := s.Health(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Drift", Active: path}, healthPage(h))
}
