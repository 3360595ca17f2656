package own

import (
	"context"
	"errors"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral"
)

const (
	contact = "/ta-kontakt"
	visit   = "/pa-plats"
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
	r.Get(visit, s.askVisit)
	r.Post(visit, s.visit)
	r.Get("/inkorg/:id/komplettera", s.askComplete)
	r.Post("/inkorg/:id/komplettera", s.complete)
}

// choose is the public page on which a centre is chosen, by where one lives.
func (s *Service) choose(c *fiber.Ctx) error {
	kommun := c.Query("kommun")
	if _, ok := halsocoach.KommunByCode(kommun); !ok && kommun != halsocoach.County {
		kommun = ""
	}
	ctx := web.Ctx(c)
	centres, err := s.Referrals.CentresFor(ctx, kommun)
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
	p, err := s.place(web.Ctx(c), web.Who(c), c.Params("centre"))
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
	p, err := s.place(ctx, web.Who(c), c.Params("centre"))
	if err != nil {
		return err
	}
	w := wishOf(f)
	w.Centre = p.Code
	if err := s.Referrals.Fits(ctx, w); f.Failed(err) || p.Here || !p.Manned {
		return s.showAsk(c, f, 0)
	} else if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Ta kontakt", Active: contact}, checkPage(f, p, w))
}

// nameOthers says at the question of where one lives which centres take in those
// who live there, when this one does not.
func (s *Service) nameOthers(ctx context.Context, f *web.Form) error {
	for i, e := range f.Errors {
		if e.Name != "centre" {
			continue
		}
		others, err := s.Referrals.CentresFor(ctx, f.Get("kommun"))
		if err != nil {
			return err
		}
		var names []string
		for _, o := range others {
			if o.Manned {
				names = append(names, o.Name)
			}
		}
		f.Errors[i] = halsocoach.Field{Name: "kommun", Text: referral.NotTaken(ctx, names)}
	}
	return nil
}

// send sends what the person has written, once they have signed in: until then
// web keeps it.
func (s *Service) send(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	w := wishOf(f)
	w.Centre = c.Params("centre")
	ctx, who := web.Ctx(c), web.Who(c)
	p, err := s.place(ctx, who, w.Centre)
	if err != nil {
		return err
	}
	switch {
	case !p.Manned:
		return s.showAsk(c, f, fiber.StatusConflict)
	case s.NoSignIn && !who.SignedIn():
		return web.Redirect(c, contact+"/"+url.PathEscape(w.Centre)+"/ring-mig", "")
	case !who.SignedIn(): // what is to be mended is mended before they sign in
		err = s.Referrals.Fits(ctx, w)
	}
	if err == nil {
		_, _, err = s.Referrals.Contact(ctx, who, web.Req(c), w)
	}
	switch {
	case err == nil:
		return web.Redirect(c, mine, "Tack! Vi hör av oss till dig.")
	case errors.Is(err, referral.ErrHere):
		return s.showAsk(c, f, fiber.StatusConflict)
	case f.Failed(err):
		return s.showAsk(c, f, fiber.StatusUnprocessableEntity)
	}
	return err
}

// wishOf is what a form about a person asks for.
func wishOf(f *web.Form) referral.Wish {
	w := referral.Wish{Personnummer: f.Get("personnummer"), Name: f.Get("name"), Phone: f.Get("phone"), Email: f.Get("email"), Kommun: f.Get("kommun"),
		Language: f.Get("language"), Interpreter: f.Has("interpreter", "ja"), Protected: f.Has("protected", "ja"), Wants: f.Get("wants"),
		Consent: f.Has("consent", "ja")}
	for _, t := range f.All("topics") {
		w.Topics = append(w.Topics, halsocoach.Topic(t))
	}
	return w
}

func (s *Service) askCall(c *fiber.Ctx) error { return s.showCall(c, web.NewForm(c), 0, "") }

func (s *Service) showCall(c *fiber.Ctx, f *web.Form, status int, fault string) error {
	p, err := s.place(web.Ctx(c), web.Who(c), c.Params("centre"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Bli uppringd", Active: contact, Status: status}, callPage(f, p, fault))
}

func (s *Service) call(c *fiber.Ctx) error {
	f, centre := web.ReadForm(c), c.Params("centre")
	p, err := s.place(web.Ctx(c), web.Who(c), centre)
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
	err = s.CallMe(web.Ctx(c), web.ClientIP(c), web.Req(c), referral.Wish{Name: f.Get("name"), Phone: f.Get("phone"), Language: f.Get("language"), Centre: centre})
	var fault *halsocoach.Error
	switch {
	case err == nil:
		return web.Redirect(c, thanks, "")
	case f.Failed(err):
		return s.showCall(c, f, fiber.StatusUnprocessableEntity, "")
	case errors.Is(err, ErrTooOften), errors.Is(err, referral.ErrTooManyCallers):
		errors.As(err, &fault)
		return s.showCall(c, f, fiber.StatusTooManyRequests, fault.Text)
	}
	return err
}

func (s *Service) thanks(c *fiber.Ctx) error {
	p, err := s.place(web.Ctx(c), web.Who(c), c.Params("centre"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Tack", Active: contact}, thanksPage(p))
}

func (s *Service) showMine(c *fiber.Ctx) error {
	all, err := s.Referrals.AboutMe(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Mina rekommendationer", Active: "/min-halsa"}, minePage(web.NewForm(c), all))
}

func (s *Service) toMine(c *fiber.Ctx) error { return web.Redirect(c, mine, "") }

func (s *Service) withdraw(c *fiber.Ctx) error {
	if err := s.Referrals.WithdrawMine(web.Ctx(c), web.Who(c), c.Params("id")); err != nil {
		return err
	}
	return web.Redirect(c, mine, "Det är återkallat. Ingen hör av sig till dig.")
}

func (s *Service) consent(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	if err := s.Referrals.ConsentMine(web.Ctx(c), web.Who(c), c.Params("id"), f.Get("sending"), referral.Scope(f.Get("scope"))); err != nil {
		return err
	}
	return web.Redirect(c, mine, "Ditt val är sparat.")
}

// askComplete is the page of a coach who has called somebody.
func (s *Service) askComplete(c *fiber.Ctx) error {
	d, err := s.Referrals.Read(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	if !d.CallMe {
		return web.Redirect(c, "/inkorg/"+d.ID, "")
	}
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		w := d.Words[0]
		f.Set("name", w.Name)
		f.Set("phone", w.Phone)
		f.Set("language", w.Language)
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
	return web.Show(c, web.Page{Title: "Skriv in någon som är här", Active: "/inkorg", Status: status}, visitPage(f))
}

func (s *Service) visit(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	id, err := s.Referrals.Visit(web.Ctx(c), web.Who(c), web.Req(c), wishOf(f))
	if f.Failed(err) {
		return showVisit(c, f, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/inkorg/"+id, "Det är inskrivet. Nu kan du ta emot personen.")
}

func (s *Service) showComplete(c *fiber.Ctx, f *web.Form, id string, status int) error {
	return web.Show(c, web.Page{Title: "Skriv in vad personen vill", Active: "/inkorg", Status: status}, completePage(f, id))
}

func (s *Service) complete(c *fiber.Ctx) error {
	f, id := web.ReadForm(c), c.Params("id")
	err := s.Referrals.Complete(web.Ctx(c), web.Who(c), id, wishOf(f))
	if f.Failed(err) {
		return s.showComplete(c, f, id, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, "/inkorg/"+id, "Det är inskrivet. Nu kan du ta emot personen.")
}
