package coach

import (
	"fmt"
	"strconv"
	"strings"

	"halsocoach"
	"halsocoach/internal/web"

	"github.com/gofiber/fiber/v2"
)

func (s *Service) calendarRoutes(r fiber.Router) {
	r.Get("/skrivbord", s.showDesk)
	r.Get("/kalender", s.showWeek)
	r.Get("/kalender/tider", s.askPattern)
	r.Post("/kalender/tider", s.postPattern)
	r.Get("/kalender/video", s.askVideo)
	r.Post("/kalender/video", s.postVideo)
	r.Get("/kalender/boka", s.askBookingFor)
	r.Post("/kalender/boka", s.postBookingFor)
	r.Get("/kalender/dag/:dag", s.showDay)
	r.Post("/kalender/dag/:dag", s.postHours)
	for _, deed := range []string{"/bort", "/stang", "/aterstall"} {
		r.Get("/kalender/dag/:dag"+deed, s.backToDay)
	}
	r.Post("/kalender/dag/:dag/bort", s.postCloseHours)
	r.Post("/kalender/dag/:dag/stang", s.postDayOff)
	r.Post("/kalender/dag/:dag/aterstall", s.postResetDay)
	r.Get("/kalender/samtal/:id", s.showTalk)
	r.Get("/kalender/samtal/:id/utfall", func(c *fiber.Ctx) error { return web.Redirect(c, talkPath(c.Params("id")), "") })
	r.Post("/kalender/samtal/:id/utfall", s.postOutcome)
	r.Get("/kalender/samtal/:id/flytta", s.askMove)
	r.Post("/kalender/samtal/:id/flytta", s.postMove)
	r.Get("/kalender/samtal/:id/avboka", s.askCancel)
	r.Post("/kalender/samtal/:id/avboka", s.postCancel)
}

const calendarPath = "/kalender"

func (s *Service) showDesk(c *fiber.Ctx) error {
	v, err := s.Desk(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Skrivbord", Active: "/skrivbord", Wide: true}, deskPage(v, web.Who(c)))
}

func (s *Service) showWeek(c *fiber.Ctx) error {
	v, err := s.Calendar(web.Ctx(c), web.Who(c), halsocoach.Day(c.Query("vecka")))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Kalender", Active: calendarPath, Wide: true}, weekPage(v, s.Clock()))
}

// The weekly hours. Field names: dag1 and dag1-2 are the beginnings of Monday's
// first and third stretch, till1-2 an end, form1-2 a form.

func hourField(what string, day, i int) string {
	name := what + strconv.Itoa(day+1)
	if i > 0 {
		name += "-" + strconv.Itoa(i)
	}
	return name
}

func (s *Service) askPattern(c *fiber.Ctx) error {
	f := web.NewForm(c)
	from := halsocoach.DayOf(s.Clock())
	week, since, err := s.Pattern(web.Ctx(c), web.Who(c), from.Plus(ownAhead))
	if err != nil {
		return err
	}
	if f.Get("fran") == "" { // not a draft
		fillPattern(f, week)
		f.Set("fran", string(max(from, since)))
	}
	return web.Show(c, web.Page{Title: "Veckans tider", Active: calendarPath}, patternPage(f, rowsOf(f)))
}

func fillPattern(f *web.Form, week Week) {
	for d, hours := range week {
		for i, h := range hours {
			f.Set(hourField("dag", d, i), clockText(h.From))
			f.Set(hourField("till", d, i), clockText(h.To))
			f.Set(hourField("form", d, i), string(h.Form))
		}
	}
}

// rowsOf is how many stretches the form shows for each weekday: one more than
// are filled in.
func rowsOf(f *web.Form) [7]int {
	var rows [7]int
	for d := range rows {
		rows[d] = 1
		for i := range hoursPerDay {
			if f.Get(hourField("dag", d, i))+f.Get(hourField("till", d, i)) != "" {
				rows[d] = min(i+2, hoursPerDay)
			}
		}
	}
	return rows
}

func (s *Service) postPattern(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	week, err := readPattern(f)
	if err == nil {
		err = s.SetWeek(web.Ctx(c), web.Who(c), halsocoach.Day(f.Get("fran")), week)
	} else if aerr := halsocoach.Allow(web.Who(c), halsocoach.RoleCoach); aerr != nil {
		return aerr
	}
	if f.Failed(err) {
		for i, e := range f.Errors {
			if e.Name == "from" {
				f.Errors[i].Name = "fran"
			}
		}
		return web.Show(c, web.Page{Title: "Veckans tider", Active: calendarPath, Status: fiber.StatusUnprocessableEntity}, patternPage(f, rowsOf(f)))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, calendarPath+"?vecka="+f.Get("fran"), "Veckans tider är sparade.")
}

func readPattern(f *web.Form) (Week, error) {
	var week Week
	var faults []halsocoach.Field
	for d := range week {
		for i := range hoursPerDay {
			from, till, form := hourField("dag", d, i), hourField("till", d, i), hourField("form", d, i)
			if f.Get(from)+f.Get(till) == "" {
				continue
			}
			h, fault := readHours(f, from, till, form)
			if fault != nil {
				faults = append(faults, *fault)
				continue
			}
			week[d] = append(week[d], h)
		}
	}
	return week, halsocoach.Invalid(faults...)
}

func (s *Service) askVideo(c *fiber.Ctx) error {
	f := web.NewForm(c)
	link, err := s.Video(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	if f.Get("video") == "" {
		f.Set("video", link)
	}
	return web.Show(c, web.Page{Title: "Din videolänk", Active: calendarPath}, videoPage(f))
}

func (s *Service) postVideo(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	err := s.SetVideo(web.Ctx(c), web.Who(c), f.Get("video"))
	if f.Failed(err) {
		return web.Show(c, web.Page{Title: "Din videolänk", Active: calendarPath, Status: fiber.StatusUnprocessableEntity}, videoPage(f))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, calendarPath, "Videolänken är sparad.")
}

// readHours reads one stretch; an end at midnight is the end of the day.
func readHours(f *web.Form, from, till, form string) (Hours, *halsocoach.Field) {
	a, ok := readClock(f.Get(from))
	if !ok {
		return Hours{}, &halsocoach.Field{Name: from, Text: "Skriv klockslag som 09.00."}
	}
	b, ok := readClock(f.Get(till))
	if !ok {
		return Hours{}, &halsocoach.Field{Name: till, Text: "Skriv klockslag som 09.00."}
	}
	if b == 0 {
		b = wholeDay
	}
	return Hours{a, b, Form(f.Get(form))}, nil
}

// readClock reads 09:00, 9.00 or 9 as minutes after midnight.
func readClock(text string) (minutes int, ok bool) {
	hours, rest, _ := strings.Cut(strings.ReplaceAll(text, ".", ":"), ":")
	rest, _, _ = strings.Cut(rest, ":") // some browsers send seconds
	h, err := strconv.Atoi(hours)
	m := 0
	if err == nil && rest != "" {
		m, err = strconv.Atoi(rest)
	}
	if err != nil || h < 0 || m < 0 || m > 59 || h*60+m > wholeDay {
		return 0, false
	}
	return h*60 + m, true
}

// clockText is the value of a time field.
func clockText(minutes int) string {
	return fmt.Sprintf("%02d:%02d", minutes/60%24, minutes%60)
}

// hourText is "09.00–12.00".
func hourText(h Hours) string {
	return fmt.Sprintf("%02d.%02d–%02d.%02d", h.From/60, h.From%60, h.To/60, h.To%60)
}

// One day.

func dayParam(c *fiber.Ctx) halsocoach.Day { return halsocoach.Day(c.Params("dag")) }

func dayPath(d halsocoach.Day) string { return calendarPath + "/dag/" + string(d) }

func (s *Service) backToDay(c *fiber.Ctx) error {
	if !dayParam(c).Valid() {
		return halsocoach.ErrNotFound
	}
	return web.Redirect(c, dayPath(dayParam(c)), "")
}

func (s *Service) showDay(c *fiber.Ctx) error {
	f := web.NewForm(c)
	if f.Get("form") == "" {
		f.Set("form", string(OnSite))
	}
	return s.dayPage(c, f, fiber.StatusOK)
}

func (s *Service) dayPage(c *fiber.Ctx, f *web.Form, status int) error {
	v, err := s.CalendarDay(web.Ctx(c), web.Who(c), dayParam(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "En dag", Active: calendarPath, Status: status}, dayPage(v, f, s.Clock()))
}

// hoursChanged answers a change of one day's hours.
func (s *Service) hoursChanged(c *fiber.Ctx, f *web.Form, err error) error {
	if f.Failed(err) {
		return s.dayPage(c, f, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, dayPath(dayParam(c)), "Dagens tider är ändrade.")
}

func (s *Service) postHours(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	h, fault := readHours(f, "from", "till", "form")
	if fault != nil {
		if err := halsocoach.Allow(web.Who(c), halsocoach.RoleCoach); err != nil {
			return err
		}
		return s.hoursChanged(c, f, halsocoach.Invalid(*fault))
	}
	return s.hoursChanged(c, f, s.OpenHours(web.Ctx(c), web.Who(c), dayParam(c), h))
}

func (s *Service) postCloseHours(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	h, _ := readHours(f, "from", "till", "form")
	return s.hoursChanged(c, f, s.CloseHours(web.Ctx(c), web.Who(c), dayParam(c), h))
}

func (s *Service) postDayOff(c *fiber.Ctx) error {
	return s.hoursChanged(c, web.ReadForm(c), s.SetDay(web.Ctx(c), web.Who(c), dayParam(c), nil))
}

func (s *Service) postResetDay(c *fiber.Ctx) error {
	return s.hoursChanged(c, web.ReadForm(c), s.ResetDay(web.Ctx(c), web.Who(c), dayParam(c)))
}

// One talk.

func (s *Service) showTalk(c *fiber.Ctx) error {
	if web.Who(c).Is(halsocoach.RoleCitizen) {
		return web.Redirect(c, talksPath+"/"+c.Params("id"), "")
	}
	b, err := s.Talk(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Samtal", Active: calendarPath}, talkPage(b, web.NewForm(c), s.Clock()))
}

func (s *Service) postOutcome(c *fiber.Ctx) error {
	f, id := web.ReadForm(c), c.Params("id")
	_, err := s.Mark(web.Ctx(c), web.Who(c), id, Outcome(f.Get("utfall")))
	switch halsocoach.KindOf(err) {
	case halsocoach.KindConflict, halsocoach.KindInvalid:
		return web.Show(c, web.Page{Title: "Samtal", Active: calendarPath, Status: fiber.StatusConflict}, stopPage(textOf(err), talkPath(id), web.T(web.Ctx(c), "Till samtalet")))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, talkPath(id), "Det är sparat.")
}

// Booking for a person.

func (s *Service) askBookingFor(c *fiber.Ctx) error {
	f := web.NewForm(c)
	enrolment := c.Query("kontakt", f.Get("kontakt"))
	if enrolment == "" {
		return web.Redirect(c, calendarPath, "")
	}
	return s.bookingForPage(c, f, enrolment, fiber.StatusOK, "")
}

func (s *Service) bookingForPage(c *fiber.Ctx, f *web.Form, enrolment string, status int, lost string) error {
	v, err := s.BookingFor(web.Ctx(c), web.Who(c), enrolment, slotQuery(c))
	if err != nil {
		return err
	}
	if f.Get("sort") == "" {
		f.Set("sort", string(v.Next))
	}
	if f.Get("form") == "" {
		f.Set("form", string(OnSite))
	}
	return web.Show(c, web.Page{Title: "Boka samtal", Active: calendarPath, Status: status}, bookingForPage(v, f, lost))
}

func (s *Service) postBookingFor(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	r, err := readTime(f, web.Who(c))
	r.Enrolment, r.Kind = f.Get("kontakt"), Kind(f.Get("sort"))
	var b Booked
	if err == nil {
		b, _, err = s.Book(web.Ctx(c), web.Who(c), web.Req(c), r)
	}
	switch {
	case err == nil:
		return web.Redirect(c, talkPath(b.ID), "Samtalet är bokat.")
	case failedSlot(f, err):
		return s.bookingForPage(c, f, r.Enrolment, fiber.StatusUnprocessableEntity, "")
	case halsocoach.KindOf(err) == halsocoach.KindConflict:
		return s.bookingForPage(c, f, r.Enrolment, fiber.StatusConflict, textOf(err))
	}
	return err
}
