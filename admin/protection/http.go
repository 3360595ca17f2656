package protection

import (
	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

const path = "/skyddade-personuppgifter"

// done is the answer whoever the number belongs to.
const done = "Om numret hör till någon här som hade skyddade personuppgifter gäller de inte längre."

// Routes are the pages of the room.
func (s *Service) Routes(r fiber.Router) {
	r.Get(path, func(c *fiber.Ctx) error { return show(c, web.NewForm(c)) })
	r.Post(path, s.lift)
}

func show(c *fiber.Ctx, f *web.Form) error {
	if err := halsocoach.Allow(web.Who(c), halsocoach.RoleRegion); err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Skyddade personuppgifter", Active: path, Status: f.Status()}, liftPage(f))
}

func (s *Service) lift(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	err := s.Lift(web.Ctx(c), web.Who(c), Decision{Number: f.Get("number"), Why: f.Get("why")})
	return f.Answer(c, err, func() error { return show(c, f) }, path, done)
}
