package selfreferral

import (
	"context"
	"errors"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
)

const (
	contact = "/ta-kontakt"
	mine    = "/min-halsa/rekommendationer"
)

// Routes puts the pages on the router.
func (s *Service) Routes(r fiber.Router) {
	r.Get(contact, s.choose)
	r.Get(contact+"/:centre", s.ask)
	r.Post(contact+"/:centre", s.send)
	r.Get(contact+"/:centre/ring-mig", s.askCall)
	r.Post(contact+"/:centre/ring-mig", s.call)
	r.Get(contact+"/:centre/ring-mig/tack", s.thanks)
	r.Get(mine, s.showMine)
	r.Get(mine+"/:id/aterkalla", s.toMine)
	r.Post(mine+"/:id/aterkalla", s.withdraw)
	r.Get(mine+"/:id/insyn", s.toMine)
	r.Post(mine+"/:id/insyn", s.consent)
}

// choose is the public page on which a centre is chosen, by where one lives.
func (s *Service) choose(c *fiber.Ctx) error {
	kommun := c.Query("kommun")
	if _, ok := halsocoach.KommunByCode(kommun); !ok && kommun != halsocoach.County {
		kommun = ""
	}
	ctx := web.Ctx(c)
	centres, err := s.Records.CentresFor(ctx, kommun)
	if err != nil {
		return err
	}
	f := web.NewForm(c)
	f.Set("kommun", kommun)
	return web.Show(c, web.Page{Title: "Ta kontakt", Active: contact}, choosePage(f, kommun, centres))
}

func (s *Service) ask(c *fiber.Ctx) error {
	f, who := web.NewForm(c), web.Who(c)
	if s.NoSignIn && !who.SignedIn() {
		return web.Redirect(c, contact+"/"+url.PathEscape(c.Params("centre"))+"/ring-mig", "")
	}
	if len(f.Values) > 0 && who.SignedIn() { // kept while they signed in
		return s.showCheck(c, f)
	}
	if len(f.Values) == 0 {
		f.Set("kommun", c.Query("kommun"))
		if f.Get("kommun") == "" {
			f.Set("kommun", halsocoach.KommunOfCentre(c.Params("centre")))
		}
		if who.Role == halsocoach.RoleCitizen {
			f.Set("name", who.Name)
		}
	}
	return s.showAsk(c, f, 0)
}

func (s *Service) showAsk(c *fiber.Ctx, f *web.Form, status int) error {
	p, err := s.centre(web.Ctx(c), web.Who(c), c.Params("centre"))
	if err != nil {
		return err
	}
	if err := s.nameOthers(web.Ctx(c), f); err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Ta kontakt", Active: contact, Status: status}, askPage(f, p, web.Who(c)))
}

// showCheck shows what has been written, to be sent; or to be mended first.
func (s *Service) showCheck(c *fiber.Ctx, f *web.Form) error {
	ctx := web.Ctx(c)
	p, err := s.centre(ctx, web.Who(c), c.Params("centre"))
	if err != nil {
		return err
	}
	n := record.Asked(f)
	n.Centre = p.Code
	if err := s.Fits(ctx, n); f.Failed(err) || p.Here || !p.Manned {
		return s.showAsk(c, f, 0)
	} else if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Ta kontakt", Active: contact}, checkPage(f, p, n))
}

// nameOthers says at the question of where one lives which centres take in those
// who live there, when this one does not.
func (s *Service) nameOthers(ctx context.Context, f *web.Form) error {
	for i, e := range f.Errors {
		if e.Name != "centre" {
			continue
		}
		others, err := s.Records.CentresFor(ctx, f.Get("kommun"))
		if err != nil {
			return err
		}
		var names []string
		for _, o := range others {
			if o.Manned {
				names = append(names, o.Name)
			}
		}
		f.Errors[i] = halsocoach.Field{Name: "kommun", Text: record.NotTaken(ctx, names)}
	}
	return nil
}

// send sends what the person has written, once they have signed in: until then
// web keeps it.
func (s *Service) send(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	n := record.Asked(f)
	n.Centre = c.Params("centre")
	ctx, who := web.Ctx(c), web.Who(c)
	p, err := s.centre(ctx, who, n.Centre)
	if err != nil {
		return err
	}
	switch {
	case !p.Manned:
		return s.showAsk(c, f, fiber.StatusConflict)
	case s.NoSignIn && !who.SignedIn():
		return web.Redirect(c, contact+"/"+url.PathEscape(n.Centre)+"/ring-mig", "")
	case !who.SignedIn(): // what is to be mended is mended before they sign in
		err = s.Fits(ctx, n)
	}
	if err == nil {
		_, _, err = s.Contact(ctx, who, web.Req(c), n)
	}
	switch {
	case err == nil:
		return web.Redirect(c, mine, "Tack! Vi hör av oss till dig.")
	case errors.Is(err, ErrHere):
		return s.showAsk(c, f, fiber.StatusConflict)
	case f.Failed(err):
		return s.showAsk(c, f, fiber.StatusUnprocessableEntity)
	}
	return err
}

func (s *Service) askCall(c *fiber.Ctx) error { return s.showCall(c, web.NewForm(c), 0, "") }

func (s *Service) showCall(c *fiber.Ctx, f *web.Form, status int, fault string) error {
	p, err := s.centre(web.Ctx(c), web.Who(c), c.Params("centre"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Bli uppringd", Active: contact, Status: status}, callPage(f, p, fault))
}

func (s *Service) call(c *fiber.Ctx) error {
	f, centre := web.ReadForm(c), c.Params("centre")
	p, err := s.centre(web.Ctx(c), web.Who(c), centre)
	if err != nil {
		return err
	}
	if !p.Manned {
		return s.showCall(c, f, fiber.StatusConflict, "")
	}
	thanks := contact + "/" + url.PathEscape(centre) + "/ring-mig/tack"
	if f.Get(trap) != "" { // no person sees that field
		return web.Redirect(c, thanks, "")
	}
	err = s.CallMe(web.Ctx(c), web.ClientIP(c), web.Req(c), f.Get("name"), f.Get("phone"), centre, f.Get("language"))
	var fault *halsocoach.Error
	switch {
	case err == nil:
		return web.Redirect(c, thanks, "")
	case f.Failed(err):
		return s.showCall(c, f, fiber.StatusUnprocessableEntity, "")
	case errors.Is(err, ErrTooOften), errors.Is(err, ErrTooManyCallers):
		errors.As(err, &fault)
		return s.showCall(c, f, fiber.StatusTooManyRequests, fault.Text)
	}
	return err
}

func (s *Service) thanks(c *fiber.Ctx) error {
	p, err := s.centre(web.Ctx(c), web.Who(c), c.Params("centre"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Tack", Active: contact}, thanksPage(p))
}

func (s *Service) showMine(c *fiber.Ctx) error {
	all, err := s.AboutMe(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Mina rekommendationer", Active: "/min-halsa"}, minePage(web.NewForm(c), all))
}

func (s *Service) toMine(c *fiber.Ctx) error { return web.Redirect(c, mine, "") }

func (s *Service) withdraw(c *fiber.Ctx) error {
	if err := s.WithdrawMine(web.Ctx(c), web.Who(c), c.Params("id")); err != nil {
		return err
	}
	return web.Redirect(c, mine, "Det är återkallat. Ingen hör av sig till dig.")
}

func (s *Service) consent(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	if err := s.ConsentMine(web.Ctx(c), web.Who(c), c.Params("id"), f.Get("sending"), record.Scope(f.Get("scope"))); err != nil {
		return err
	}
	return web.Redirect(c, mine, "Ditt val är sparat.")
}
