package settings

import (
	"net/url"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

const path = "/installningar"

// Routes are the pages of the kommun's administrator.
func (s *Service) Routes(r fiber.Router) {
	r.Get(path, s.list)
	r.Get(path+"/:key", s.ask)
	r.Post(path+"/:key", s.decide)
}

// level is whose settings a page is about.
type level struct {
	Kommun, Centre string
	Choose         bool // the region chooses the kommun
	Centres        []halsocoach.Centre
}

func (s *Service) level(c *fiber.Ctx, kommun, centre string) (level, error) {
	who := web.Who(c)
	l := level{Kommun: kommun, Centre: centre, Choose: who.Role != halsocoach.RoleKommun}
	if who.Role == halsocoach.RoleKommun {
		l.Kommun = who.Kommun
	} else if _, ok := halsocoach.KommunByCode(kommun); !ok {
		l.Kommun = halsocoach.Kommuner[0].Code
	}
	var err error
	l.Centres, err = s.cfg.Registers.Centres(web.Ctx(c), l.Kommun)
	return l, err
}

// address is the page of the level, or of one of its settings.
func (l level) address(key string) string {
	at := path
	if key != "" {
		at += "/" + key
	}
	q := url.Values{"kommun": {l.Kommun}}
	if l.Centre != "" {
		q.Set("centrum", l.Centre)
	}
	return at + "?" + q.Encode()
}

// name is whose settings they are, for people.
func (l level) name() string {
	for _, c := range l.Centres {
		if c.Code == l.Centre {
			return c.Name
		}
	}
	return halsocoach.KommunName(l.Kommun)
}

func (s *Service) list(c *fiber.Ctx) error {
	l, err := s.level(c, c.Query("kommun"), c.Query("centrum"))
	if err != nil {
		return err
	}
	rows, err := s.List(web.Ctx(c), web.Who(c), l.Kommun, l.Centre)
	if err != nil {
		return err
	}
	f := web.NewForm(c)
	f.Set("kommun", l.Kommun)
	return web.Show(c, web.Page{Title: "Inställningar", Active: path}, listPage(f, l, rows))
}

func (s *Service) ask(c *fiber.Ctx) error {
	f := web.NewForm(c)
	kommun, centre := c.Query("kommun"), c.Query("centrum")
	if len(f.Values) > 0 { // a kept form knows whose it was
		kommun, centre = f.Get("kommun"), f.Get("centrum")
	}
	return s.show(c, f, kommun, centre)
}

func (s *Service) show(c *fiber.Ctx, f *web.Form, kommun, centre string) error {
	l, err := s.level(c, kommun, centre)
	if err != nil {
		return err
	}
	row, err := s.One(web.Ctx(c), web.Who(c), l.Kommun, l.Centre, c.Params("key"))
	if err != nil {
		return err
	}
	if len(f.Values) == 0 {
		f.Set("value", row.Value)
		f.Set("from", string(halsocoach.DayOf(s.cfg.Clock())))
	}
	return web.Show(c, web.Page{Title: "Ändra inställning", Active: path, Status: f.Status()}, onePage(f, l, row))
}

func (s *Service) decide(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	l, err := s.level(c, f.Get("kommun"), f.Get("centrum"))
	if err != nil {
		return err
	}
	_, err = s.Decide(web.Ctx(c), web.Who(c), web.Req(c), NewDecision{
		Kommun: l.Kommun, Centre: l.Centre, Key: c.Params("key"), Value: f.Get("value"),
		From: halsocoach.Day(f.Get("from")), Decision: f.Get("decision"),
	})
	return f.Answer(c, err, func() error { return s.show(c, f, l.Kommun, l.Centre) }, l.address(""), "Beslutet är inskrivet.")
}
