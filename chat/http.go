package chat

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// Routes are the pages and the socket.
func (s *Service) Routes(r fiber.Router) {
	r.Get("/ws", s.connect)
	r.Get("/chatt", s.listPage)
	r.Get("/chatt/:id", s.threadPage)
	r.Post("/chatt/:id", s.sayPage)
}

// shown is how many messages a page holds.
const shown = 50

// listPage: somebody with one conversation goes straight to it.
func (s *Service) listPage(c *fiber.Ctx) error {
	after := c.Query("after")
	list, next, err := s.Conversations(web.Ctx(c), web.Who(c), after)
	if err != nil {
		return err
	}
	if len(list) == 1 && after == "" && web.Who(c).Is(halsocoach.RoleCitizen) {
		return c.Redirect("/chatt/"+list[0].ID, fiber.StatusSeeOther)
	}
	if next != "" {
		next = "/chatt?after=" + next
	}
	return web.Show(c, web.Page{Title: "Meddelanden", Active: "/chatt"}, listPage(list, next, s.cfg.Clock(), web.Who(c).Staff()))
}

func (s *Service) threadPage(c *fiber.Ctx) error { return s.showThread(c, web.NewForm(c)) }

func (s *Service) showThread(c *fiber.Ctx, f *web.Form) error {
	before, _ := strconv.Atoi(c.Query("fore"))
	t, err := s.Thread(web.Ctx(c), web.Who(c), c.Params("id"), before, shown)
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Meddelanden", Active: "/chatt", Status: f.Status(), Scripts: []string{"chat.js"}},
		threadPage(t, f, before > 0, s.cfg.Clock()))
}

// sayPage is the composer without a script.
func (s *Service) sayPage(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	d, err := s.Say(web.Ctx(c), web.Who(c), NewMessage{In: c.Params("id"), Key: keyOf(f.Key), Text: f.Get("text")})
	return f.Answer(c, err, func() error { return s.showThread(c, f) }, "/chatt/"+d.In+"#m"+strconv.Itoa(d.Seq), "")
}

// keyOf makes a message's key of an Idempotency-Key, which may hold anything.
func keyOf(key string) string {
	if checkKey(key) == nil {
		return key
	}
	return halsocoach.IDFrom("chat key", key)
}
