package notify

import (
	"github.com/gofiber/fiber/v2"

	"halsocoach/internal/web"
)

const (
	path         = "/aviseringar"
	operatorPath = "/drift/aviseringar"
)

// Routes put everybody's own choice and the operator's list on the router.
func (s *Service) Routes(r fiber.Router) {
	r.Get(path, s.ask)
	r.Post(path, s.choose)
	r.Get(operatorPath, s.showGivenUp)
}

func (s *Service) ask(c *fiber.Ctx) error {
	have, err := s.Chosen(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	f := web.NewForm(c)
	if f.Get("channel") == "" {
		f.Set("channel", have.Channel)
		f.Set("address", have.Address)
	}
	return s.show(c, f, 0)
}

func (s *Service) show(c *fiber.Ctx, f *web.Form, status int) error {
	barred, err := s.Barred(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Aviseringar", Active: path, Status: status}, choicePage(f, s.On(), barred))
}

func (s *Service) choose(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	err := s.Choose(web.Ctx(c), web.Who(c), ChoiceInput{Channel: f.Get("channel"), Address: f.Get("address")})
	if f.Failed(err) {
		return s.show(c, f, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, path, "Ditt val är sparat.")
}

func (s *Service) showGivenUp(c *fiber.Ctx) error {
	all, next, err := s.GivenUp(web.Ctx(c), web.Who(c), c.Query("efter"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Brev som inte gick fram", Active: operatorPath, Wide: true}, givenUpPage(all, web.PageAfter(operatorPath, nil, next)))
}
