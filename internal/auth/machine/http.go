package machine

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

const path = "/vardsystem"

// Routes are the administrators' pages, and the machines' door.
func (s *Service) Routes(r fiber.Router) {
	r.Post("/oauth/token", s.token)
	r.Get("/oauth/token", func(*fiber.Ctx) error { return fiber.ErrMethodNotAllowed })
	r.Get("/fhir/.well-known/smart-configuration", s.configuration)
	r.Get(path, s.list)
	r.Get(path+"/nytt", s.newPage)
	r.Post(path+"/nytt", s.register)
	r.Get(path+"/:id", s.page)
	web.PostOnly(r, path+"/:id/nycklar", path+"/:id", s.rekey)
	web.PostOnly(r, path+"/:id/avsluta", path+"/:id", s.end)
}

// Say is how faults under /oauth are answered; see web.Config.Faults.
func Say(_ context.Context, err error, p *web.Problem) (contentType string, body []byte) {
	var f *Fault
	switch {
	case errors.As(err, &f):
	case p.Status >= 500:
		f = &Fault{Code: "temporarily_unavailable", Description: "try again in a while; request " + p.Request}
	default:
		f = badRequest("send a form by POST to /oauth/token")
	}
	body, _ = json.Marshal(f)
	return fiber.MIMEApplicationJSON, body
}

const bearerAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// token gives a token for an assertion. What is asked stands in the body, never
// in the address.
func (s *Service) token(c *fiber.Ctx) error {
	c.Set(fiber.HeaderPragma, "no-cache")
	answer, err := s.tokenFor(c)
	var f *Fault
	if errors.As(err, &f) {
		s.cfg.Log.Warn("no token given to a machine", "fault", f.Code, "cause", f.Description)
		err = &refused{f}
	}
	if err != nil {
		return err
	}
	return c.JSON(answer)
}

// refused gives a fault its status.
type refused struct{ *Fault }

func (r *refused) Unwrap() []error {
	return []error{r.Fault, &web.Problem{Type: "about:blank", Status: r.Status, Code: r.Code}}
}

func (s *Service) tokenFor(c *fiber.Ctx) (Token, error) {
	if kind, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType)); err != nil || kind != fiber.MIMEApplicationForm {
		return Token{}, badRequest("the body is to be application/x-www-form-urlencoded")
	}
	form, err := url.ParseQuery(string(c.Request().Body())) // as it came: nothing is unpacked
	if err != nil {
		return Token{}, badRequest("the form can not be read")
	}
	for name, values := range form {
		if len(values) > 1 {
			return Token{}, badRequest("a parameter is given more than once")
		}
		form.Set(name, values[0])
	}
	switch {
	case form.Get("grant_type") == "":
		return Token{}, badRequest("grant_type is missing")
	case form.Get("grant_type") != "client_credentials":
		return Token{}, &Fault{Status: 400, Code: "unsupported_grant_type", Description: "grant_type is to be client_credentials"}
	case form.Get("client_assertion_type") != bearerAssertion:
		return Token{}, badRequest("client_assertion_type is to be " + bearerAssertion)
	}
	return s.Token(web.Ctx(c), form.Get("client_assertion"), form.Get("scope"))
}

// configuration tells a client where and how to ask for tokens.
func (s *Service) configuration(c *fiber.Ctx) error {
	c.Set(fiber.HeaderCacheControl, "public, max-age=3600")
	return c.JSON(map[string]any{
		"token_endpoint":                                   s.tokenURL(),
		"token_endpoint_auth_methods_supported":            []string{"private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": algorithms,
		"grant_types_supported":                            []string{"client_credentials"},
		"scopes_supported":                                 Scopes,
		"capabilities":                                     []string{"client-confidential-asymmetric", "permission-v2"},
	})
}

// row is a client with the name of its care centre.
type row struct {
	Client
	UnitName string
}

func (s *Service) row(ctx context.Context, c Client) row {
	u, err := s.cfg.Registers.Unit(ctx, c.Unit)
	if err != nil {
		return row{c, c.Unit}
	}
	return row{c, u.Name}
}

func (s *Service) list(c *fiber.Ctx) error {
	ctx := web.Ctx(c)
	all, err := s.Clients(ctx, web.Who(c))
	if err != nil {
		return err
	}
	rows := make([]row, len(all))
	for i, one := range all {
		rows[i] = s.row(ctx, one)
	}
	return web.Show(c, web.Page{Title: "Vårdsystem", Active: path}, clientList(rows))
}

func (s *Service) newPage(c *fiber.Ctx) error { return s.showNew(c, web.NewForm(c)) }

func (s *Service) showNew(c *fiber.Ctx, f *web.Form) error {
	ctx, who := web.Ctx(c), web.Who(c)
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion); err != nil {
		return err
	}
	var units []web.Choice
	for _, k := range halsocoach.Kommuner {
		if !mayManage(who, k.Code) {
			continue
		}
		found, err := s.cfg.Registers.Units(ctx, k.Code)
		if err != nil {
			return err
		}
		for _, u := range found {
			if u.Kind == "vårdcentral" {
				units = append(units, web.Choice{Value: u.ID, Label: u.Name})
			}
		}
	}
	return web.Show(c, web.Page{Title: "Koppla ett vårdsystem", Active: path, Status: f.Status()}, clientForm(f, units))
}

func (s *Service) register(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	made, err := s.Register(web.Ctx(c), web.Who(c), web.Req(c), NewClient{Unit: f.Get("unit"), Name: f.Get("name"), JWKS: f.Get("jwks"), Scopes: f.All("scopes")})
	return f.Answer(c, err, func() error { return s.showNew(c, f) }, path+"/"+url.PathEscape(made.ID), "Systemet är kopplat.")
}

func (s *Service) page(c *fiber.Ctx) error { return s.showOne(c, web.NewForm(c)) }

func (s *Service) showOne(c *fiber.Ctx, f *web.Form) error {
	ctx := web.Ctx(c)
	one, err := s.Client(ctx, web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Vårdsystem", Active: path, Status: f.Status()}, clientPage(s.row(ctx, one), s.tokenURL(), f))
}

func (s *Service) rekey(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	one, err := s.Rekey(web.Ctx(c), web.Who(c), c.Params("id"), f.Get("jwks"))
	return f.Answer(c, err, func() error { return s.showOne(c, f) }, path+"/"+url.PathEscape(one.ID), "Nycklarna är bytta.")
}

func (s *Service) end(c *fiber.Ctx) error {
	one, err := s.End(web.Ctx(c), web.Who(c), c.Params("id"))
	return web.Done(c, err, path+"/"+url.PathEscape(one.ID), "Systemet är bortkopplat.")
}
