package groups

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/a-h/templ"
	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/internal/web/ics"
)

// pagesKept is how many rendered pages of the programme are kept: each kommun
// and topic in each language, and some pages on.
const pagesKept = 300

// Routes are the pages.
func (s *Service) Routes(r fiber.Router) {
	cached := web.NewCached(pagesKept)
	r.Get("/gruppaktiviteter", func(c *fiber.Ctx) error { return s.showProgramme(c, cached) })
	r.Get("/gruppaktiviteter/:id", s.showActivity)
	web.PostOnly(r, "/gruppaktiviteter/:id/lamna", "/gruppaktiviteter/:id", s.postLeave)
	r.Get("/tillfallen/:id", s.showOccasion)
	web.PostOnly(r, "/tillfallen/:id/boka", occasionPath(":id"), s.postBook)
	web.PostOnly(r, "/tillfallen/:id/avboka", occasionPath(":id"), s.postCancel)
	r.Get("/mina-bokningar", s.showMine)
	r.Get("/mina-bokningar/:id/kalender.ics", s.sendFile)
	s.deskRoutes(r)
}

// seenBy is the state of occasions to the one who asks.
func (s *Service) seenBy(c *fiber.Ctx) func(Brief) State {
	now, who := s.clock(), web.Who(c)
	return func(b Brief) State { return b.State(now, who) }
}

func (s *Service) showProgramme(c *fiber.Ctx, cached *web.Cached) error {
	page := web.Page{Title: "Gruppaktiviteter", Active: "/gruppaktiviteter"}
	f := &web.Form{Values: map[string][]string{"kommun": {c.Query("kommun")}, "topic": {c.Query("topic")}}}
	filter := Filter{Kommun: c.Query("kommun"), Topic: halsocoach.Topic(c.Query("topic")), After: c.Query("after")}
	version := strconv.FormatUint(s.programme.at(s.clock()).version, 10)
	if err := filter.check(s.clock()); f.Failed(err) {
		page.Status = fiber.StatusUnprocessableEntity
	}
	return cached.Show(c, version, page, func() (templ.Component, error) {
		if page.Status != 0 {
			return programmePage(f, nil, "", s.seenBy(c)), nil
		}
		days, next, err := s.Days(filter)
		if err != nil {
			return nil, err
		}
		if next != "" {
			q := url.Values{"after": {next}}
			for _, name := range []string{"kommun", "topic"} {
				if v := f.Get(name); v != "" {
					q.Set(name, v)
				}
			}
			next = "/gruppaktiviteter?" + q.Encode()
		}
		return programmePage(f, days, next, s.seenBy(c)), nil
	})
}

func (s *Service) showActivity(c *fiber.Ctx) error {
	v, err := s.Activity(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: v.Activity.Title, Active: "/gruppaktiviteter"}, activityPage(web.NewForm(c), v, s.seenBy(c)))
}

func (s *Service) showOccasion(c *fiber.Ctx) error {
	v, err := s.Occasion(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	if c.Query("avbokad") != "" && v.Booking == nil && web.Who(c).Is(halsocoach.RoleCitizen) {
		v.Left = bookingID(v.Occasion.ID, web.Who(c).ID)
	}
	return web.Show(c, web.Page{Title: v.Activity.Title, Active: "/gruppaktiviteter"}, occasionPage(web.NewForm(c), v, s.seenBy(c)))
}

// sendFile is a place for the person's own calendar, as it stands now. It is one
// event however often they leave and come back: the occasion's changes are its
// sequence.
func (s *Service) sendFile(c *fiber.Ctx) error {
	ctx, who := web.Ctx(c), web.Who(c)
	m, protected, err := s.Own(ctx, who, c.Params("id"))
	if err != nil {
		return err
	}
	t := ics.Time{
		Of: []string{"place", m.Booking.ID}, Sequence: m.Occasion.Rev, Title: web.T(ctx, "Bokad tid"), Where: where(ctx, m.Activity),
		Note: web.T(ctx, "Avboka där du bokade."), Starts: m.Occasion.Starts, Ends: m.Occasion.Ends,
		Cancelled: m.Booking.Status != Booked || m.Occasion.Cancelled != nil,
	}
	if protected {
		t.Where = ""
	}
	return web.SendFile(c, "bokad-tid.ics", ics.Type, t.File(s.clock()))
}

func (s *Service) postBook(c *fiber.Ctx) error {
	id, form := c.Params("id"), web.ReadForm(c)
	b, _, err := s.Book(web.Ctx(c), web.Who(c), halsocoach.Request{Key: form.Key}, BookRequest{id, form.Get("reserve") == "ja"})
	switch {
	case err != nil:
		return s.refused(c, id, err)
	case b.Status == OnReserve:
		return web.Redirect(c, occasionPath(id), "Du står på reservlistan. Vi ger dig platsen om någon avbokar.")
	}
	return web.Redirect(c, occasionPath(id), "Din plats är bokad.")
}

func (s *Service) postCancel(c *fiber.Ctx) error {
	id := c.Params("id")
	if err := s.CancelPlace(web.Ctx(c), web.Who(c), id); err != nil {
		return s.refused(c, id, err)
	}
	return web.Redirect(c, occasionPath(id)+"?avbokad=ja", "Din bokning är avbokad.")
}

func (s *Service) postLeave(c *fiber.Ctx) error {
	id := c.Params("id")
	err := s.Leave(web.Ctx(c), web.Who(c), id)
	return web.Done(c, err, "/gruppaktiviteter/"+id, "Du har lämnat gruppen. Dina kommande tillfällen är avbokade.")
}

// refused is the page of a conflict: full, restricted, closed, cancelled, past,
// each with a next step. Every other fault is for package web.
func (s *Service) refused(c *fiber.Ctx, occasion string, err error) error {
	var why *halsocoach.Error
	if !errors.As(err, &why) || why.Kind != halsocoach.KindConflict {
		return err
	}
	v, failed := s.Occasion(web.Ctx(c), web.Who(c), occasion)
	if failed != nil {
		return failed
	}
	page := web.Page{Title: refusedTitle(why), Active: "/gruppaktiviteter", Status: fiber.StatusConflict}
	// A key of its own: to ask for the reserve list is another request.
	f := &web.Form{Key: halsocoach.NewID()}
	return web.Show(c, page, refusedPage(f, v, why, s.seenBy(c)))
}

func (s *Service) showMine(c *fiber.Ctx) error {
	list, err := s.Bookings(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Mina bokningar", Active: "/mina-bokningar"}, minePage(list))
}
