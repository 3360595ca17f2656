package registers

import (
	"net/url"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

func (s *Service) newUnit(c *fiber.Ctx) error {
	f := web.NewForm(c)
	kommun := kommunOf(web.Who(c), c.Query("kommun"))
	if f.Get("centre") == "" {
		f.Set("centre", kommun)
	}
	return s.showUnit(c, f, kommun, halsocoach.Unit{})
}

func (s *Service) showUnit(c *fiber.Ctx, f *web.Form, kommun string, have halsocoach.Unit) error {
	if err := allow(web.Who(c), kommun); err != nil {
		return err
	}
	centres, err := s.Centres(web.Ctx(c), kommun)
	if err != nil {
		return err
	}
	title := "Ny vårdcentral eller förening"
	if have.ID != "" {
		title = "Ändra vårdcentral eller förening"
	}
	return web.Show(c, frame(title, f), unitForm(f, kommun, have, centres))
}

func unitWish(f *web.Form, kommun string) UnitInput {
	return UnitInput{Kommun: kommun, Kind: f.Get("kind"), Name: f.Get("name"), Centre: f.Get("centre")}
}

func (s *Service) addUnit(c *fiber.Ctx) error {
	who, f := web.Who(c), web.ReadForm(c)
	kommun := kommunOf(who, f.Get("kommun"))
	_, _, err := s.AddUnit(web.Ctx(c), who, web.Req(c), unitWish(f, kommun))
	again := func() error { return s.showUnit(c, f, kommun, halsocoach.Unit{}) }
	return f.Answer(c, err, again, back(kommun), "Den finns nu i registret. Bjud in dem som arbetar där på sidan Personal.")
}

func (s *Service) editUnit(c *fiber.Ctx) error {
	have, err := s.ownUnit(web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		f.Set("name", have.Name)
		f.Set("centre", have.Centre)
	}
	return s.showUnit(c, f, have.Kommun, have.shared())
}

func (s *Service) changeUnitPage(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	have, err := s.ownUnit(web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	_, err = s.ChangeUnit(web.Ctx(c), web.Who(c), have.ID, unitWish(f, have.Kommun))
	return f.Answer(c, err, func() error { return s.showUnit(c, f, have.Kommun, have.shared()) }, back(have.Kommun), "Ändringen är sparad.")
}

func (s *Service) askCloseUnit(c *fiber.Ctx) error {
	have, err := s.ownUnit(web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	f, to := web.NewForm(c), path+"/enhet/"+url.PathEscape(have.ID)+"/stang"
	return web.Show(c, frame("Avsluta vårdcentral eller förening", f), closePage(f, closing{have.Name, have.Kind, to, have.Kommun}))
}

func (s *Service) closeUnit(c *fiber.Ctx) error {
	have, err := s.CloseUnit(web.Ctx(c), web.Who(c), c.Params("id"))
	return web.Done(c, err, back(have.Kommun), "Den är avslutad i registret.")
}

func (s *Service) openUnit(c *fiber.Ctx) error {
	have, err := s.OpenUnit(web.Ctx(c), web.Who(c), c.Params("id"))
	return web.Done(c, err, back(have.Kommun), "Den är tillbaka i registret.")
}
