package auth

import (
	"net/url"

	"github.com/gofiber/fiber/v2"

	"halsocoach/internal/web"
)

// identitiesPage shows by which proven sign-ins a colleague comes in.
func (s *Service) identitiesPage(c *fiber.Ctx) error {
	ctx, who, id := web.Ctx(c), web.Who(c), c.Params("id")
	if err := s.staff.AllowMember(who, id); err != nil {
		return err
	}
	m, _ := s.staff.Get(id)
	all, err := s.identitiesOf(ctx, m)
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Inloggningar", Active: "/personal"}, identityList(m, m.ID == who.ID, all, web.NewForm(c)))
}

// removeIdentity takes one of them away.
func (s *Service) removeIdentity(c *fiber.Ctx) error {
	f, id := web.ReadForm(c), c.Params("id")
	err := s.Unbind(web.Ctx(c), web.Who(c), id, f.Get("inloggning"))
	return web.Done(c, err, "/personal/"+url.PathEscape(id)+"/inloggningar", "Inloggningen är borttagen. Personen är utloggad överallt.")
}
