package registers

import (
	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

const path = "/register"

// Routes are the pages of those who keep the registers.
func (s *Service) Routes(r fiber.Router) {
	r.Get(path, s.list)
	r.Get(path+"/centrum/ny", s.newCentre)
	r.Post(path+"/centrum/ny", s.addCentre)
	r.Get(path+"/centrum/:code", s.kept(s.editCentre))
	r.Post(path+"/centrum/:code", s.kept(s.changeCentrePage))
	r.Get(path+"/centrum/:code/distans", s.kept(s.askRemote))
	r.Post(path+"/centrum/:code/distans", s.kept(s.decideRemote))
	r.Get(path+"/centrum/:code/stang", s.kept(s.askCloseCentre))
	r.Post(path+"/centrum/:code/stang", s.closeCentre)
	web.PostOnly(r, path+"/centrum/:code/oppna", path, s.openCentre)
	r.Get(path+"/enhet/ny", s.newUnit)
	r.Post(path+"/enhet/ny", s.addUnit)
	r.Get(path+"/enhet/:id", s.editUnit)
	r.Post(path+"/enhet/:id", s.changeUnitPage)
	r.Get(path+"/enhet/:id/stang", s.askCloseUnit)
	r.Post(path+"/enhet/:id/stang", s.closeUnit)
	web.PostOnly(r, path+"/enhet/:id/oppna", path, s.openUnit)
}

// kommunOf is whose registers the page is about: the administrator's own kommun,
// for the region the one that is asked for.
func kommunOf(who halsocoach.Actor, asked string) string {
	if who.Role == halsocoach.RoleKommun {
		return who.Kommun
	}
	if _, ok := halsocoach.KommunByCode(asked); ok {
		return asked
	}
	return halsocoach.Kommuner[0].Code
}

func back(kommun string) string { return path + "?kommun=" + kommun }

func frame(title string, f *web.Form) web.Page {
	return web.Page{Title: title, Active: path, Status: f.Status()}
}

func (s *Service) list(c *fiber.Ctx) error {
	who := web.Who(c)
	kommun := kommunOf(who, c.Query("kommun"))
	centres, units, err := s.Places(web.Ctx(c), who, kommun)
	if err != nil {
		return err
	}
	f := web.NewForm(c)
	f.Set("kommun", kommun)
	return web.Show(c, frame("Register", f), listPage(f, kommun, who.Role != halsocoach.RoleKommun, centres, units))
}

func (s *Service) newCentre(c *fiber.Ctx) error {
	return showCentre(c, web.NewForm(c), halsocoach.Centre{Kommun: kommunOf(web.Who(c), c.Query("kommun"))})
}

// showCentre is the form of a centre; one that is new has no code.
func showCentre(c *fiber.Ctx, f *web.Form, have halsocoach.Centre) error {
	if err := allow(web.Who(c), have.Kommun); err != nil {
		return err
	}
	title := "Ändra hälsocenter"
	if have.Code == "" {
		title = "Nytt hälsocenter"
	}
	return web.Show(c, frame(title, f), centreForm(f, have.Kommun, have))
}

func centreWish(f *web.Form, kommun string) CentreInput {
	return CentreInput{Kommun: kommun, Name: f.Get("name"), Address: f.Get("address"), Phone: f.Get("phone"), Email: f.Get("email")}
}

func (s *Service) addCentre(c *fiber.Ctx) error {
	who, f := web.Who(c), web.ReadForm(c)
	kommun := kommunOf(who, f.Get("kommun"))
	_, _, err := s.AddCentre(web.Ctx(c), who, web.Req(c), centreWish(f, kommun))
	again := func() error { return showCentre(c, f, halsocoach.Centre{Kommun: kommun}) }
	return f.Answer(c, err, again, back(kommun), "Hälsocentret finns nu i registret.")
}

// kept hands a page the centre of the address, if the actor keeps it.
func (s *Service) kept(page func(*fiber.Ctx, halsocoach.Centre) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if err := allow(web.Who(c), halsocoach.KommunOfCentre(c.Params("code"))); err != nil {
			return err
		}
		have, err := s.Centre(web.Ctx(c), c.Params("code"))
		if err != nil {
			return err
		}
		return page(c, have)
	}
}

func (s *Service) editCentre(c *fiber.Ctx, have halsocoach.Centre) error {
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		f.Set("name", have.Name)
		f.Set("address", have.Address)
		f.Set("phone", have.Phone)
		f.Set("email", have.Email)
	}
	return showCentre(c, f, have)
}

func (s *Service) changeCentrePage(c *fiber.Ctx, have halsocoach.Centre) error {
	f := web.ReadForm(c)
	_, err := s.ChangeCentre(web.Ctx(c), web.Who(c), have.Code, centreWish(f, have.Kommun))
	return f.Answer(c, err, func() error { return showCentre(c, f, have) }, back(have.Kommun), "Ändringen är sparad.")
}

func (s *Service) askRemote(c *fiber.Ctx, have halsocoach.Centre) error {
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		f.Set("from", string(s.today()))
	}
	return s.showRemote(c, f, have)
}

func (s *Service) showRemote(c *fiber.Ctx, f *web.Form, have halsocoach.Centre) error {
	past, err := s.Remotes(web.Ctx(c), web.Who(c), have.Code)
	if err != nil {
		return err
	}
	return web.Show(c, frame("Ta emot på distans", f), remotePage(f, have, past))
}

func (s *Service) decideRemote(c *fiber.Ctx, have halsocoach.Centre) error {
	f := web.ReadForm(c)
	w := RemoteInput{On: f.Get("on") == "ja", From: halsocoach.Day(f.Get("from")), Decision: f.Get("decision")}
	_, err := s.DecideRemote(web.Ctx(c), web.Who(c), web.Req(c), have.Code, w)
	return f.Answer(c, err, func() error { return s.showRemote(c, f, have) }, back(have.Kommun), "Beslutet är inskrivet.")
}

func (s *Service) askCloseCentre(c *fiber.Ctx, have halsocoach.Centre) error {
	f := web.NewForm(c)
	return web.Show(c, frame("Avsluta hälsocenter", f), closePage(f, closing{have.Name, "", path + "/centrum/" + have.Code + "/stang", have.Kommun}))
}

func (s *Service) closeCentre(c *fiber.Ctx) error {
	have, err := s.CloseCentre(web.Ctx(c), web.Who(c), c.Params("code"))
	return web.Done(c, err, back(have.Kommun), "Hälsocentret är avslutat i registret och går inte längre att välja.")
}

func (s *Service) openCentre(c *fiber.Ctx) error {
	have, err := s.OpenCentre(web.Ctx(c), web.Who(c), c.Params("code"))
	return web.Done(c, err, back(have.Kommun), "Hälsocentret är tillbaka i registret.")
}
