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
	r.Get(path+"/centrum/:code", s.editCentre)
	r.Post(path+"/centrum/:code", s.changeCentrePage)
	r.Get(path+"/centrum/:code/distans", s.askRemote)
	r.Post(path+"/centrum/:code/distans", s.decideRemote)
	r.Get(path+"/centrum/:code/stang", s.askCloseCentre)
	r.Post(path+"/centrum/:code/stang", s.closeCentre)
	r.Get(path+"/centrum/:code/oppna", s.toList)
	r.Post(path+"/centrum/:code/oppna", s.openCentre)
	r.Get(path+"/enhet/ny", s.newUnit)
	r.Post(path+"/enhet/ny", s.addUnit)
	r.Get(path+"/enhet/:id", s.editUnit)
	r.Post(path+"/enhet/:id", s.changeUnitPage)
	r.Get(path+"/enhet/:id/stang", s.askCloseUnit)
	r.Post(path+"/enhet/:id/stang", s.closeUnit)
	r.Get(path+"/enhet/:id/oppna", s.toList)
	r.Post(path+"/enhet/:id/oppna", s.openUnit)
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

func frame(title string, status int) web.Page {
	return web.Page{Title: title, Active: path, Status: status}
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
	return web.Show(c, frame("Register", 200), listPage(f, kommun, who.Role != halsocoach.RoleKommun, centres, units))
}

func (s *Service) toList(c *fiber.Ctx) error { return web.Redirect(c, path, "") }

func (s *Service) newCentre(c *fiber.Ctx) error {
	return s.showNewCentre(c, web.NewForm(c), kommunOf(web.Who(c), c.Query("kommun")), 200)
}

func (s *Service) showNewCentre(c *fiber.Ctx, f *web.Form, kommun string, status int) error {
	if err := allow(web.Who(c), kommun); err != nil {
		return err
	}
	return web.Show(c, frame("Nytt hälsocenter", status), centreForm(f, kommun, halsocoach.Centre{}))
}

func centreWish(f *web.Form, kommun string) CentreInput {
	return CentreInput{Kommun: kommun, Name: f.Get("name"), Address: f.Get("address"), Phone: f.Get("phone"), Email: f.Get("email")}
}

func (s *Service) addCentre(c *fiber.Ctx) error {
	who, f := web.Who(c), web.ReadForm(c)
	kommun := kommunOf(who, f.Get("kommun"))
	_, _, err := s.AddCentre(web.Ctx(c), who, web.Req(c), centreWish(f, kommun))
	if f.Failed(err) {
		return s.showNewCentre(c, f, kommun, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, back(kommun), "Hälsocentret finns nu i registret.")
}

// ownCentre is the centre of the address, if the actor keeps it.
func (s *Service) ownCentre(c *fiber.Ctx) (halsocoach.Centre, error) {
	centre, err := s.Centre(web.Ctx(c), c.Params("code"))
	if e := allow(web.Who(c), halsocoach.KommunOfCentre(c.Params("code"))); e != nil {
		return centre, e
	}
	return centre, err
}

func (s *Service) editCentre(c *fiber.Ctx) error {
	have, err := s.ownCentre(c)
	if err != nil {
		return err
	}
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		f.Set("name", have.Name)
		f.Set("address", have.Address)
		f.Set("phone", have.Phone)
		f.Set("email", have.Email)
	}
	return web.Show(c, frame("Ändra hälsocenter", 200), centreForm(f, have.Kommun, have))
}

func (s *Service) changeCentrePage(c *fiber.Ctx) error {
	have, err := s.ownCentre(c)
	if err != nil {
		return err
	}
	f := web.ReadForm(c)
	_, err = s.ChangeCentre(web.Ctx(c), web.Who(c), have.Code, centreWish(f, have.Kommun))
	if f.Failed(err) {
		return web.Show(c, frame("Ändra hälsocenter", fiber.StatusUnprocessableEntity), centreForm(f, have.Kommun, have))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, back(have.Kommun), "Ändringen är sparad.")
}

func (s *Service) askRemote(c *fiber.Ctx) error {
	have, err := s.ownCentre(c)
	if err != nil {
		return err
	}
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		f.Set("from", string(s.today()))
	}
	return s.showRemote(c, f, have, fiber.StatusOK)
}

func (s *Service) showRemote(c *fiber.Ctx, f *web.Form, have halsocoach.Centre, status int) error {
	past, err := s.Remotes(web.Ctx(c), web.Who(c), have.Code)
	if err != nil {
		return err
	}
	return web.Show(c, frame("Ta emot på distans", status), remotePage(f, have, past))
}

func (s *Service) decideRemote(c *fiber.Ctx) error {
	have, err := s.ownCentre(c)
	if err != nil {
		return err
	}
	f := web.ReadForm(c)
	_, err = s.DecideRemote(web.Ctx(c), web.Who(c), web.Req(c), have.Code, RemoteInput{On: f.Get("on") == "ja", From: halsocoach.Day(f.Get("from")), Decision: f.Get("decision")})
	if f.Failed(err) {
		return s.showRemote(c, f, have, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, back(have.Kommun), "Beslutet är inskrivet.")
}

func (s *Service) askCloseCentre(c *fiber.Ctx) error {
	have, err := s.ownCentre(c)
	if err != nil {
		return err
	}
	return web.Show(c, frame("Avsluta hälsocenter", 200), closePage(web.NewForm(c), closing{have.Name, "", path + "/centrum/" + have.Code + "/stang", have.Kommun}))
}

func (s *Service) closeCentre(c *fiber.Ctx) error {
	have, err := s.CloseCentre(web.Ctx(c), web.Who(c), c.Params("code"))
	if err != nil {
		return err
	}
	return web.Redirect(c, back(have.Kommun), "Hälsocentret är avslutat i registret och går inte längre att välja.")
}

func (s *Service) openCentre(c *fiber.Ctx) error {
	have, err := s.OpenCentre(web.Ctx(c), web.Who(c), c.Params("code"))
	if err != nil {
		return err
	}
	return web.Redirect(c, back(have.Kommun), "Hälsocentret är tillbaka i registret.")
}
