package groups

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

func seriesPath(id string) string { return "/mina-grupper/" + id }
func rosterPath(id string) string { return "/mina-grupper/tillfallen/" + id }

// deskRoutes are the coaches' pages.
func (s *Service) deskRoutes(r fiber.Router) {
	r.Get("/mina-grupper", s.showDesk)
	r.Get("/mina-grupper/ny", s.showNew)
	r.Post("/mina-grupper/ny", s.postNew)
	r.Get("/mina-grupper/tillfallen/:id", s.showRoster)
	for path, post := range map[string]fiber.Handler{"narvaro": s.postNote, "stall-in": s.postCallOff, "platser": s.postResize, "bokning": s.postShut} {
		web.PostOnly(r, rosterPath(":id")+"/"+path, rosterPath(":id"), post)
	}
	r.Get("/mina-grupper/:id", s.showSeries)
	web.PostOnly(r, "/mina-grupper/:id/datum", seriesPath(":id"), s.postDates)
}

func (s *Service) showDesk(c *fiber.Ctx) error {
	after := c.Query("after")
	d, err := s.Desk(web.Ctx(c), web.Who(c), after)
	if err != nil {
		return err
	}
	if d.Next != "" {
		d.Next = "/mina-grupper?after=" + d.Next
	}
	return web.Show(c, web.Page{Title: "Mina grupper", Active: "/mina-grupper"}, deskPage(d, s.seenBy(c)))
}

func (s *Service) showNew(c *fiber.Ctx) error {
	f := web.NewForm(c)
	for name, value := range map[string]string{"form": string(OnSite), "leader": web.Who(c).ID, "length": "60", "places": "12", "price": "0"} {
		if _, answered := f.Values[name]; !answered {
			f.Set(name, value)
		}
	}
	return s.newPage(c, f, nil)
}

// newPage asks the register which coaches can lead.
func (s *Service) newPage(c *fiber.Ctx, f *web.Form, clash []Span) error {
	who := web.Who(c)
	if err := s.coach(who); err != nil {
		return err
	}
	coaches, err := s.cfg.Staff.Coaches(web.Ctx(c), who.Centre)
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Ny grupp", Active: "/mina-grupper", Status: f.Status()}, newPage(f, coaches, clash))
}

// otherLeader is the choice that no coach leads.
const otherLeader = "annan"

func (s *Service) postNew(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	p := Plan{
		Title: f.Get("title"), Description: f.Get("description"), Topic: halsocoach.Topic(f.Get("topic")), Form: Form(f.Get("form")),
		Where: f.Get("where"), Leader: f.Get("leader"), LedBy: f.Get("ledBy"), Price: number(f.Get("price"), 0), Dates: datesOf(f),
	}
	if p.Leader == otherLeader {
		p.Leader = ""
	}
	a, _, err := s.Publish(web.Ctx(c), web.Who(c), halsocoach.Request{Key: f.Key}, p)
	return f.Answer(c, err, func() error { return s.newPage(c, f, clashOf(err)) }, seriesPath(a.ID), "Gruppen är publicerad.")
}

// datesOf reads the series of a form. What can not be read becomes what the
// rules refuse.
func datesOf(f *web.Form) Dates {
	d := Dates{
		From: halsocoach.Day(f.Get("from")), To: halsocoach.Day(f.Get("to")), Start: -1,
		Length: number(f.Get("length"), -1), Places: number(f.Get("places"), -1), SkipClashes: f.Get("skip") == "ja", Holidays: f.Get("holidays") == "ja",
	}
	if t, err := time.Parse("15:04", strings.ReplaceAll(f.Get("start"), ".", ":")); err == nil {
		d.Start = t.Hour()*60 + t.Minute()
	}
	for _, day := range week {
		if f.Has("weekdays", strconv.Itoa(int(day))) {
			d.Weekdays = append(d.Weekdays, day)
		}
	}
	return d
}

// number is a whole number, empty for nothing written, -1 for what is none.
func number(s string, empty int) int {
	if s == "" {
		return empty
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func clashOf(err error) []Span {
	var clash *Clash
	if errors.As(err, &clash) {
		return clash.Spans
	}
	return nil
}

func (s *Service) showSeries(c *fiber.Ctx) error {
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		f.Set("length", "60")
		f.Set("places", "12")
	}
	return s.seriesPage(c, f, nil)
}

func (s *Service) seriesPage(c *fiber.Ctx, f *web.Form, clash []Span) error {
	v, err := s.Series(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: v.Activity.Title, Active: "/mina-grupper", Status: f.Status()}, seriesPage(f, v, clash, s.seenBy(c)))
}

func (s *Service) postDates(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	_, _, err := s.AddDates(web.Ctx(c), web.Who(c), halsocoach.Request{Key: f.Key}, c.Params("id"), datesOf(f))
	return f.Answer(c, err, func() error { return s.seriesPage(c, f, clashOf(err)) }, seriesPath(c.Params("id")), "Datumen är tillagda.")
}

func (s *Service) showRoster(c *fiber.Ctx) error { return s.rosterPage(c, web.NewForm(c), 0) }

func (s *Service) rosterPage(c *fiber.Ctx, f *web.Form, status int) error {
	r, err := s.Roster(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	for _, p := range r.Places {
		if _, answered := f.Values[markField(p)]; !answered {
			f.Set(markField(p), string(p.Attendance))
		}
	}
	if _, answered := f.Values["places"]; !answered {
		f.Set("places", strconv.Itoa(r.Brief.Capacity))
	}
	return web.Show(c, web.Page{Title: "Deltagare", Active: "/mina-grupper", Status: status}, rosterPage(f, r, s.seenBy(c)))
}

// markPrefix begins the fields of the attendance form; the booking follows.
const markPrefix = "narvaro-"

func markField(p Participant) string { return markPrefix + p.Booking }

func (s *Service) postNote(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	var marks []Mark
	for name := range f.Values {
		if booking, ok := strings.CutPrefix(name, markPrefix); ok {
			marks = append(marks, Mark{booking, Attendance(f.Get(name))})
		}
	}
	return s.backToRoster(c, f, s.Note(web.Ctx(c), web.Who(c), c.Params("id"), marks), "Närvaron är sparad.")
}

func (s *Service) postCallOff(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	err := s.CallOff(web.Ctx(c), web.Who(c), c.Params("id"), f.Get("reason"))
	return s.backToRoster(c, f, err, "Tillfället är inställt. De som hade bokat ser din förklaring.")
}

func (s *Service) postResize(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	err := s.Resize(web.Ctx(c), web.Who(c), c.Params("id"), number(f.Get("places"), -1))
	return s.backToRoster(c, f, err, "Antalet platser är ändrat.")
}

func (s *Service) postShut(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	shut := f.Get("shut") == "ja"
	err := s.Shut(web.Ctx(c), web.Who(c), c.Params("id"), shut)
	if shut {
		return s.backToRoster(c, f, err, "Bokningen är stängd.")
	}
	return s.backToRoster(c, f, err, "Bokningen är öppen igen.")
}

// backToRoster ends what was done on the roster: back to it, or the same page with what is to
// be mended. A stale page (begun, cancelled meanwhile) says so on top.
func (s *Service) backToRoster(c *fiber.Ctx, f *web.Form, err error, done string) error {
	var why *halsocoach.Error
	switch {
	case err == nil:
		return web.Redirect(c, rosterPath(c.Params("id")), done)
	case f.Failed(err):
		return s.rosterPage(c, f, fiber.StatusUnprocessableEntity)
	case errors.As(err, &why) && why.Kind == halsocoach.KindConflict:
		f.Errors = []halsocoach.Field{{Text: why.Text}}
		return s.rosterPage(c, f, fiber.StatusConflict)
	}
	return err
}
