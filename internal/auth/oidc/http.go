package oidc

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// Routes are the pages of a sign-in by a provider.
func (s *Service) Routes(r fiber.Router) {
	r.Get("/logga-in/med/:provider", s.start)
	r.Get("/logga-in/svar/:provider", s.callback)
	web.PostOnly(r, "/logga-ut/leverantor/:provider", "/", s.backChannel)
}

// start sends the browser to the provider.
func (s *Service) start(c *fiber.Ctx) error {
	p := s.client(c.Params("provider"))
	staff := c.Query("som") == "personal"
	if p == nil || staff && !p.is(ForStaff) || !staff && !p.is(ForCitizens) {
		return halsocoach.ErrNotFound
	}
	f := s.newFlow(p.ID, staff, c.Query("ny") == "1", web.LocalPath(c.Query("next"), ""))
	if err := s.send(c, p, f); err != nil {
		return s.fail(c, p, f, err)
	}
	return nil
}

func (s *Service) send(c *fiber.Ctx, p *client, f flow) error {
	ctx := web.Ctx(c)
	where, err := s.begin(ctx, p, f, web.Language(ctx))
	if err != nil {
		return err
	}
	cookie, err := s.close(f)
	if err != nil {
		return err
	}
	s.setCookie(c, cookie, flowLasts)
	return web.Redirect(c, where, "")
}

// callback is where the provider sends the browser back to.
func (s *Service) callback(c *fiber.Ctx) error {
	p := s.client(c.Params("provider"))
	if p == nil {
		return halsocoach.ErrNotFound
	}
	if err := s.cfg.Auth.Refused(c); err != nil {
		return err
	}
	a := answer{code: c.Query("code"), state: c.Query("state"), fault: c.Query("error"), issuer: c.Query("iss")}
	f, err := s.open(c.Cookies(s.cookie()), p.ID, a.state)
	if err != nil {
		return s.fail(c, p, flow{}, err)
	}
	s.setCookie(c, "", -time.Second)
	proof, err := s.prove(web.Ctx(c), p, f, a)
	if fault := asFault(err); fault != nil && fault.code == errWeak.code && !f.Stepped && !f.Anew {
		// What was asked for anew and was not given is not asked for again.
		up := s.newFlow(p.ID, f.Staff, f.Anew, f.Next)
		up.Stepped = true
		if err = s.send(c, p, up); err == nil {
			return nil
		}
	}
	if err != nil {
		return s.fail(c, p, f, err)
	}
	return s.cfg.Auth.Admit(c, proof, f.Next)
}

// fail is the page of a sign-in that came to nothing, and its line in the log.
func (s *Service) fail(c *fiber.Ctx, p *client, f flow, err error) error {
	fault := asFault(err)
	switch {
	case fault != nil:
	case errors.Is(err, context.DeadlineExceeded):
		fault = errDown.because("it took too long")
	default:
		return err
	}
	if fault.guess {
		s.cfg.Auth.Failed(c)
	}
	cause := ""
	if fault.err != nil {
		cause = fault.err.Error()
	}
	s.cfg.Log.Warn("sign-in came to nothing", "provider", p.ID, "fault", fault.code, "cause", cause)
	if fault.status == fiber.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, "60")
	}
	again := url.Values{}
	if f.Staff {
		again.Set("som", "personal")
	}
	if f.Next != "" {
		again.Set("next", f.Next)
	}
	path := "/logga-in"
	if f.Provider != "" {
		path = strings.TrimSuffix("/logga-in/med/"+p.ID+"?"+again.Encode(), "?")
	}
	page := web.Page{Title: "Inloggningen", Status: fault.status, Public: true}
	return web.Show(c, page, faultPage(wordsOf(web.Ctx(c), fault.code, f.Staff), web.Who(c), path, f.Provider != ""))
}

// backChannel hears from a provider's server that a session has ended.
func (s *Service) backChannel(c *fiber.Ctx) error {
	p := s.client(c.Params("provider"))
	if p == nil {
		return halsocoach.ErrNotFound
	}
	if err := s.cfg.Auth.Refused(c); err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	err := s.ended(web.Ctx(c), p, c.FormValue("logout_token"))
	if fault := asFault(err); fault != nil {
		if fault.code != errDown.code {
			s.cfg.Auth.Failed(c)
		}
		s.cfg.Log.Warn("a provider's sign-out not followed", "provider", p.ID, "fault", fault.Error())
		return c.SendStatus(fiber.StatusBadRequest)
	}
	if err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusOK)
}

// cookie is the name of the one that a flow lies in.
func (s *Service) cookie() string {
	if strings.HasPrefix(s.cfg.PublicURL, "https://") {
		return "__Host-inloggning"
	}
	return "inloggning"
}

// setCookie is Lax: the provider leads the browser back by a link.
func (s *Service) setCookie(c *fiber.Ctx, value string, lasts time.Duration) {
	c.Cookie(&fiber.Cookie{
		Name: s.cookie(), Value: value, Path: "/", MaxAge: int(lasts / time.Second), HTTPOnly: true,
		Secure: strings.HasPrefix(s.cfg.PublicURL, "https://"), SameSite: fiber.CookieSameSiteLaxMode,
	})
}
