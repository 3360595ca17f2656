package citizen

import (
	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// deskRoutes are the coach's pages.
func (s *Service) deskRoutes(r fiber.Router) {
	r.Get("/invanare", s.showCaseload)
	r.Get("/invanare/sok", func(c *fiber.Ctx) error { return web.Redirect(c, "/invanare", "") })
	r.Post("/invanare/sok", s.search)
	r.Get("/invanare/fran/:id", s.showOfReferral)
	r.Get("/invanare/:id", s.showFile)
	r.Get("/invanare/:id/kontakt", s.showFile)
	r.Post("/invanare/:id/kontakt", s.reveal)
	r.Get("/invanare/:id/avsluta", s.askEnd)
	r.Post("/invanare/:id/avsluta", s.end)
}

func filePath(id string) string { return "/invanare/" + id }

func (s *Service) backToFile(c *fiber.Ctx) error {
	return web.Redirect(c, filePath(c.Params("id")), "")
}

func (s *Service) showCaseload(c *fiber.Ctx) error {
	rows, next, err := s.Caseload(web.Ctx(c), web.Who(c), c.Query("efter"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Mina invånare", Active: "/invanare"}, caseloadPage(rows, web.NewForm(c), web.PageAfter("/invanare", nil, next)))
}

// search answers at once and not by a redirect: what was searched for is
// somebody's name or number, and must not be in an address.
func (s *Service) search(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	rows, err := s.Search(web.Ctx(c), web.Who(c), f.Get("fraga"))
	page := web.Page{Title: "Sök invånare", Active: "/invanare"}
	if f.Failed(err) {
		page.Status = fiber.StatusUnprocessableEntity
	} else if err != nil {
		return err
	}
	return web.Show(c, page, foundPage(rows, f))
}

// showOfReferral leads from a recommendation to the enrolment, which is made
// just after the recommendation is accepted.
func (s *Service) showOfReferral(c *fiber.Ctx) error {
	id, err := s.OfReferral(web.Ctx(c), web.Who(c), c.Params("id"))
	switch {
	case err == nil:
		return web.Redirect(c, filePath(id), "")
	case halsocoach.KindOf(err) == halsocoach.KindNotFound:
		return web.Show(c, web.Page{Title: "Sidan är snart klar", Active: "/invanare", Status: fiber.StatusNotFound}, soonPage(c.Params("id")))
	}
	return err
}

func (s *Service) showFile(c *fiber.Ctx) error {
	file, err := s.Open(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Invånare", Active: "/invanare"}, filePage(file, web.NewForm(c)))
}

func (s *Service) reveal(c *fiber.Ctx) error {
	ctx, who, f := web.Ctx(c), web.Who(c), web.ReadForm(c)
	page := web.Page{Title: "Invånare", Active: "/invanare"}
	file, err := s.Reveal(ctx, who, c.Params("id"), f.Get("why"))
	if f.Failed(err) {
		page.Status = fiber.StatusUnprocessableEntity
		file, err = s.Open(ctx, who, c.Params("id"))
	}
	if err != nil {
		return err
	}
	return web.Show(c, page, filePage(file, f))
}

func (s *Service) askEnd(c *fiber.Ctx) error {
	file, err := s.Open(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	if file.Ended {
		return s.backToFile(c)
	}
	return web.Show(c, web.Page{Title: "Avsluta kontakten", Active: "/invanare"}, endPage(file, web.NewForm(c)))
}

func (s *Service) end(c *fiber.Ctx) error {
	ctx, who, id, f := web.Ctx(c), web.Who(c), c.Params("id"), web.ReadForm(c)
	err := s.End(ctx, who, web.Req(c), id, Class(f.Get("class")))
	if f.Failed(err) {
		file, err := s.Open(ctx, who, id)
		if err != nil {
			return err
		}
		return web.Show(c, web.Page{Title: "Avsluta kontakten", Active: "/invanare", Status: fiber.StatusUnprocessableEntity}, endPage(file, f))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, filePath(id), "Kontakten är avslutad.")
}
