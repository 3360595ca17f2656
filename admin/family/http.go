package family

import (
	"github.com/gofiber/fiber/v2"

	"halsocoach/internal/web"
)

const path = "/familjecentraler"

// Routes are the pages of the room.
func (s *Service) Routes(r fiber.Router) {
	r.Get(path, s.start)
}

func (s *Service) start(c *fiber.Ctx) error {
	groups, err := s.Groups(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Familjecentraler", Active: path}, startPage(groups, web.Who(c)))
}
