package citizen

import (
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// Routes puts the pages on the router.
func (s *Service) Routes(r fiber.Router) {
	r.Get("/min-halsa", s.showHome)
	r.Get("/min-halsa/mal", s.showGoals)
	r.Get("/min-halsa/mal/nytt", s.askGoal)
	r.Post("/min-halsa/mal/nytt", s.setGoal)
	r.Get("/min-halsa/mal/:id", s.showGoal)
	r.Get("/min-halsa/mal/:id/avstamning", s.showGoal) // with the answers that were kept while one signed in
	r.Post("/min-halsa/mal/:id/avstamning", s.checkIn)
	s.deskRoutes(r)
}

func (s *Service) showHome(c *fiber.Ctx) error {
	h, err := s.Home(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Min hälsa", Active: "/min-halsa"}, homePage(h))
}

func goalPath(id string) string { return "/min-halsa/mal/" + id }

func (s *Service) showGoals(c *fiber.Ctx) error {
	items, next, err := s.Goals(web.Ctx(c), web.Who(c), c.Query("efter"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Mina mål", Active: "/min-halsa"}, goalsPage(items, web.PageAfter("/min-halsa/mal", nil, next)))
}

func (s *Service) askGoal(c *fiber.Ctx) error {
	if err := halsocoach.Allow(web.Who(c), halsocoach.RoleCitizen); err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Nytt mål", Active: "/min-halsa"}, newGoalPage(web.NewForm(c)))
}

func (s *Service) setGoal(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	in := NewGoal{Habit: halsocoach.Topic(f.Get("habit")), Words: f.Get("words"), Why: f.Get("why"), Steps: strings.Split(f.Get("steps"), "\n")}
	v, _, err := s.SetGoal(web.Ctx(c), web.Who(c), web.Req(c), in)
	if f.Failed(err) {
		return web.Show(c, web.Page{Title: "Nytt mål", Active: "/min-halsa", Status: fiber.StatusUnprocessableEntity}, newGoalPage(f))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, goalPath(v.ID), "Målet är ditt. Ta det i din takt.")
}

func (s *Service) showGoal(c *fiber.Ctx) error {
	return s.showGoalWith(c, web.NewForm(c), 0)
}

func (s *Service) showGoalWith(c *fiber.Ctx, f *web.Form, status int) error {
	v, past, next, err := s.Goal(web.Ctx(c), web.Who(c), c.Params("id"), c.Query("efter"))
	if err != nil {
		return err
	}
	if f.Get("step") == "" && len(v.Steps) == 0 {
		f.Set("step", "0")
	}
	return web.Show(c, web.Page{Title: "Mål", Active: "/min-halsa", Status: status}, goalPage(v, past, f, web.PageAfter(goalPath(v.ID), nil, next)))
}

func (s *Service) checkIn(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	step, err := strconv.Atoi(f.Get("step"))
	if err != nil {
		step = -1
	}
	_, _, err = s.CheckIn(web.Ctx(c), web.Who(c), web.Req(c), c.Params("id"), CheckInInput{Step: step, Outcome: Outcome(f.Get("outcome")), Words: f.Get("words")})
	if f.Failed(err) {
		return s.showGoalWith(c, f, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, goalPath(c.Params("id")), "Tack. Det du skrev är sparat.")
}
