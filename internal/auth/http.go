package auth

import (
	"context"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/auth/draft"
	"halsocoach/internal/staff"
	"halsocoach/internal/web"
)

// Routes are the pages.
func (s *Service) Routes(r fiber.Router) {
	r.Get("/logga-in", s.signInPage)
	web.PostOnly(r, "/logga-ut", "/", s.signOut)
	r.Get("/utloggad", func(c *fiber.Ctx) error { return web.Redirect(c, "/", signedOut) })
	r.Get("/mina-inloggningar", s.loginsPage)
	r.Get("/mina-inloggningar/tid", s.timeLeft)
	web.PostOnly(r, "/mina-inloggningar/avsluta", "/mina-inloggningar", s.endLogin)
	web.PostOnly(r, "/mina-inloggningar/avsluta-andra", "/mina-inloggningar", s.endOtherLogins)
	web.PostOnly(r, "/mina-inloggningar/stanna", "/mina-inloggningar", s.stay)
	r.Get("/inbjudan/:token", s.offerPage)
	r.Post("/inbjudan/:token", s.acceptOffer)
	r.Get("/personal/:id/inloggningar", s.identitiesPage)
	r.Post("/personal/:id/inloggningar", s.removeIdentity)
	if s.cfg.Demo {
		web.PostOnly(r, "/demo/sign-in", "/logga-in", s.signInAsPersona)
	}
}

// personaGroup is a heading of the demo's sign-in page with its people.
type personaGroup struct {
	Title string
	Cards []Persona
}

func (s *Service) signInPage(c *fiber.Ctx) error {
	return s.showSignIn(c, web.NewForm(c), c.Query("next"))
}

func (s *Service) showSignIn(c *fiber.Ctx, f *web.Form, next string) error {
	p := web.Page{Title: "Logga in", Active: "/logga-in", Status: f.Status()}
	if !s.cfg.Demo {
		return web.Show(c, p, howToSignIn(web.Who(c), s.doors(false), s.doors(true), web.LocalPath(next, "")))
	}
	return web.Show(c, p, choosePersona(f, s.personaGroups(web.Ctx(c)), web.LocalPath(next, "")))
}

// personaGroups puts those who come for their own health first, then those who
// work with them.
func (s *Service) personaGroups(ctx context.Context) []personaGroup {
	groups := []personaGroup{
		{Title: web.T(ctx, "Invånare i länet")}, {Title: web.T(ctx, "På hälsocenter")},
		{Title: web.T(ctx, "De som rekommenderar")}, {Title: web.T(ctx, "Styrning och drift")},
	}
	for _, p := range s.cfg.Personas {
		i := 0
		if m, ok := s.staff.Get(p.Staff); ok && p.Staff != "" {
			switch m.Role {
			case halsocoach.RoleCoach:
				i = 1
			case halsocoach.RoleCareCentre, halsocoach.RoleAssociation:
				i = 2
			default:
				i = 3
			}
		}
		groups[i].Cards = append(groups[i].Cards, p)
	}
	return groups
}

// demoAnswer is what programs get from POST /demo/sign-in.
type demoAnswer struct {
	Token string           `json:"token"`
	Actor halsocoach.Actor `json:"actor"`
}

// signInAsPersona is the demo's door. It has no limit on attempts.
func (s *Service) signInAsPersona(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	signed, err := s.beOne(web.Ctx(c), f.Get("persona"), device(c))
	asJSON := strings.Contains(c.Get(fiber.HeaderAccept), "json")
	if !asJSON && f.Failed(err) {
		return s.showSignIn(c, f, f.Get("next"))
	}
	if err != nil {
		return err
	}
	s.begin(c, signed)
	if asJSON {
		return c.JSON(demoAnswer{signed.Token, signed.Actor})
	}
	return web.Redirect(c, web.LocalPath(f.Get("next"), s.cfg.Home(signed.Actor)), "")
}

// beOne signs in as a persona by its name.
func (s *Service) beOne(ctx context.Context, name, device string) (Signed, error) {
	p, ok := s.persona(name)
	if !ok {
		return Signed{}, halsocoach.Invalid(halsocoach.Field{Name: "persona", Text: "Den personen finns inte i demon. Välj en av dem på sidan."})
	}
	id := Identity{Person: p.Person, Staff: p.Staff, Name: p.DisplayName, Protected: p.Protected, Kommun: p.Kommun, Device: device}
	if p.Number != "" {
		n, err := halsocoach.ParseNumber(p.Number, s.cfg.Clock())
		if err != nil {
			return Signed{}, err
		}
		id.Number = n
	}
	return s.SignInAs(ctx, id)
}

// persona asks the finder first: it knows the ids of those who got theirs when
// the demo was filled.
func (s *Service) persona(name string) (Persona, bool) {
	if p, ok := s.cfg.Persona(name); ok {
		return p, true
	}
	i := slices.IndexFunc(s.cfg.Personas, func(p Persona) bool { return p.Name == name })
	if i < 0 {
		return Persona{}, false
	}
	return s.cfg.Personas[i], true
}

// begin hands the session to the browser, in place of the one it had.
func (s *Service) begin(c *fiber.Ctx, signed Signed) {
	if before, ok := s.tokens.verify(s.cookies.Get(c, sessionCookie)); ok {
		if err := s.SignOut(web.Ctx(c), before.session); err != nil {
			s.cfg.Log.Warn("the session before was not ended", "error", err)
		}
	}
	s.cookies.Set(c, sessionCookie, signed.Token, 0)
}

// signedOut is said on the page after.
const signedOut = "Du är utloggad. Välkommen tillbaka."

// signOut ends the session here, and then at the provider that began it when it
// has a page for that.
func (s *Service) signOut(c *fiber.Ctx) error {
	leave := ""
	if who := web.Who(c); who.SignedIn() {
		if h, err := s.session(web.Ctx(c), who.Session); err == nil && h.doc.Provider != "" {
			leave = s.ways.Leave(web.Ctx(c), h.doc.Provider)
		}
		if err := s.SignOut(web.Ctx(c), who.Session); err != nil {
			return err
		}
	}
	for _, name := range []string{sessionCookie, draftCookie, proofCookie, staff.LinkCookie} {
		s.cookies.Clear(c, name)
	}
	if leave != "" {
		return web.Redirect(c, leave, "")
	}
	return web.Redirect(c, "/", "Du är utloggad. Välkommen tillbaka.")
}

// The cookies. The end of the session's is not the session's own, so that a form
// that is sent too late still says whose it was.
const (
	sessionCookie = web.PlainCookie
	draftCookie   = "draft"
	proofCookie   = "intyg"
)

// Keep seals the answers of a form whose session has ended, for the person whose
// token the request still carries. With Take it satisfies web.Drafts.
func (s *Service) Keep(c *fiber.Ctx, path string, values map[string][]string) error {
	owner := s.tokens.owner(s.cookies.Get(c, sessionCookie))
	if owner == "" && !s.visitors.Take(web.ClientIP(c), s.cfg.Clock()) {
		return ErrTooMany
	}
	cookie, err := s.shelf.Keep(c.UserContext(), owner, path, values)
	if err != nil {
		return err
	}
	s.cookies.Set(c, draftCookie, cookie, draft.Lasts)
	return nil
}

// Take gives the answers of the form on this path back, once.
func (s *Service) Take(c *fiber.Ctx, path string) (map[string][]string, bool) {
	cookie := s.cookies.Get(c, draftCookie)
	if cookie == "" {
		return nil, false
	}
	who, err := s.Actor(c)
	if err != nil || !who.SignedIn() {
		return nil, false
	}
	values, err := s.shelf.Take(c.UserContext(), who.ID, path, cookie)
	if err != nil {
		return nil, false
	}
	s.cookies.Clear(c, draftCookie)
	return values, true
}

// device is what the browser is, coarsely.
func device(c *fiber.Ctx) string { return deviceOf(c.Get(fiber.HeaderUserAgent)) }

// bearer is the token of an Authorization header, or "".
func bearer(header string) string {
	const scheme = "bearer "
	if len(header) > len(scheme) && strings.EqualFold(header[:len(scheme)], scheme) {
		return strings.TrimSpace(header[len(scheme):])
	}
	return ""
}
