package inbox

import (
	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
)

// askComplete is the page of a coach who has called somebody.
func (s *Service) askComplete(c *fiber.Ctx) error {
	d, err := s.read(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	if !d.CallMe {
		return web.Redirect(c, at+"/"+d.ID, "")
	}
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		w := d.Words[0]
		f.Set("name", w.Name)
		f.Set("phone", w.Phone)
		f.Set("language", w.From.Language)
		f.Set("kommun", halsocoach.KommunOfCentre(d.Centre))
	}
	return s.showComplete(c, f, d.ID, 0)
}

// askVisit is the page of a coach before whom somebody stands.
func (s *Service) askVisit(c *fiber.Ctx) error {
	who := web.Who(c)
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return err
	}
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		f.Set("kommun", halsocoach.KommunOfCentre(who.Centre))
	}
	return showVisit(c, f, 0)
}

func showVisit(c *fiber.Ctx, f *web.Form, status int) error {
	return web.Show(c, web.Page{Title: "Skriv in någon som är här", Active: at, Status: status}, visitPage(f))
}

func (s *Service) visit(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	id, err := s.Visit(web.Ctx(c), web.Who(c), web.Req(c), record.Asked(f))
	if f.Failed(err) {
		return showVisit(c, f, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, at+"/"+id, "Det är inskrivet. Nu kan du ta emot personen.")
}

func (s *Service) showComplete(c *fiber.Ctx, f *web.Form, id string, status int) error {
	return web.Show(c, web.Page{Title: "Skriv in vad personen vill", Active: at, Status: status}, completePage(f, id))
}

func (s *Service) complete(c *fiber.Ctx) error {
	f, id := web.ReadForm(c), c.Params("id")
	err := s.Complete(web.Ctx(c), web.Who(c), id, record.Asked(f))
	if f.Failed(err) {
		return s.showComplete(c, f, id, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, at+"/"+id, "Det är inskrivet. Nu kan du ta emot personen.")
}
