package coach

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/internal/web/ics"

	"github.com/gofiber/fiber/v2"
)

// Routes are the pages: the citizen's talks here, the coach's desk and calendar
// in calendar_http.go.
func (s *Service) Routes(r fiber.Router) {
	r.Get("/samtal", s.showTalks)
	r.Get("/samtal/boka", s.showTalks)
	r.Post("/samtal/boka", s.postBooking)
	r.Get("/samtal/:id", s.showReceipt)
	r.Get("/samtal/:id/kalender.ics", s.sendFile)
	r.Get("/samtal/:id/flytta", s.askMove)
	r.Post("/samtal/:id/flytta", s.postMove)
	r.Get("/samtal/:id/avboka", s.askCancel)
	r.Post("/samtal/:id/avboka", s.postCancel)
	s.calendarRoutes(r)
}

const (
	talksPath = "/samtal"
	daysShown = 3 // days with free times on a page, at first
	daysMore  = 5 // and how many more at a time
)

// slotQuery is which free times the address asks for.
func slotQuery(c *fiber.Ctx) SlotQuery {
	return SlotQuery{Centre: c.Query("hos"), Days: min(max(c.QueryInt("dagar"), daysShown), ownAhead)}
}

func (s *Service) showTalks(c *fiber.Ctx) error {
	return s.talksPage(c, web.NewForm(c), fiber.StatusOK, "")
}

// talksPage is the citizen's talks and what can be booked. lost is said above
// the times when somebody was quicker.
func (s *Service) talksPage(c *fiber.Ctx, f *web.Form, status int, lost string) error {
	q := slotQuery(c)
	if centre := f.Get("hos"); centre != "" {
		q.Centre = centre
	}
	m, err := s.MyTalks(web.Ctx(c), web.Who(c), q)
	if errors.Is(err, ErrNotEnrolled) {
		return web.Show(c, web.Page{Title: "Samtal", Active: talksPath}, strangerPage(m))
	}
	if f.Failed(err) {
		return web.Redirect(c, talksPath, "")
	}
	if err != nil {
		return err
	}
	title := "Samtal"
	if lost != "" {
		title = "Tiden är inte ledig längre"
	}
	return web.Show(c, web.Page{Title: title, Active: talksPath, Status: status}, talksView(m, f, lost))
}

func (s *Service) postBooking(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	coach, starts, form := readSlot(f.Get("tid"))
	b, _, err := s.Book(web.Ctx(c), web.Who(c), web.Req(c), BookRequest{Coach: coach, Starts: starts, Form: form})
	switch {
	case err == nil:
		return web.Redirect(c, talksPath+"/"+b.ID, "Samtalet är bokat.")
	case lost(err):
		return s.talksPage(c, web.NewForm(c), fiber.StatusConflict, textOf(err))
	case errors.Is(err, ErrHasTalk), errors.Is(err, ErrNotEnrolled):
		return web.Show(c, web.Page{Title: "Samtal", Active: talksPath, Status: fiber.StatusConflict}, stopPage(textOf(err), talksPath, web.T(web.Ctx(c), "Till dina samtal")))
	case failedSlot(f, err):
		return s.talksPage(c, f, fiber.StatusUnprocessableEntity, "")
	}
	return err
}

// lost says that somebody else was quicker.
func lost(err error) bool { return errors.Is(err, ErrTaken) || errors.Is(err, ErrNotOffered) }

// textOf is the text of one of our faults.
func textOf(err error) string {
	var e *halsocoach.Error
	if errors.As(err, &e) {
		return e.Text
	}
	return ""
}

// failedSlot is Form.Failed for a form in which coach, time and form are one
// answer: the chosen time.
func failedSlot(f *web.Form, err error) bool {
	if errors.Is(err, halsocoach.ErrKeyReused) || !f.Failed(err) {
		return false
	}
	for i, e := range f.Errors {
		if e.Name == "coach" || e.Name == "starts" || e.Name == "form" {
			f.Errors = append(f.Errors[:i:i], halsocoach.Field{Name: "tid", Text: "Välj en tid."})
			break
		}
	}
	return true
}

// slotValue is a free time as the value of a radio button.
func slotValue(s Slot) string {
	return s.Coach + "|" + local(s.Starts).Format(time.RFC3339) + "|" + string(s.Form)
}

// readSlot reads it back; what is broken comes out empty and is judged as such.
func readSlot(value string) (coach string, starts time.Time, form Form) {
	parts := strings.Split(value, "|")
	if len(parts) != 3 {
		return "", time.Time{}, ""
	}
	starts, _ = time.Parse(time.RFC3339, parts[1])
	return parts[0], starts, Form(parts[2])
}

func (s *Service) showReceipt(c *fiber.Ctx) error {
	if !web.Who(c).Is(halsocoach.RoleCitizen) && web.Who(c).SignedIn() {
		return web.Redirect(c, talkPath(c.Params("id")), "")
	}
	b, err := s.Talk(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Ditt samtal", Active: talksPath}, receiptPage(b, s.Clock()))
}

func (s *Service) askMove(c *fiber.Ctx) error {
	return s.movePage(c, web.NewForm(c), fiber.StatusOK, "")
}

func (s *Service) movePage(c *fiber.Ctx, f *web.Form, status int, lost string) error {
	back := talksPath
	if web.Who(c).Staff() {
		back = "/kalender"
	}
	choice, err := s.Choices(web.Ctx(c), web.Who(c), c.Params("id"), slotQuery(c))
	if halsocoach.KindOf(err) == halsocoach.KindConflict {
		return web.Show(c, web.Page{Title: "Byt tid", Active: back, Status: fiber.StatusConflict}, stopPage(textOf(err), back, web.T(web.Ctx(c), "Tillbaka")))
	}
	if err != nil {
		return err
	}
	if web.Who(c).Staff() {
		return web.Show(c, web.Page{Title: "Byt tid", Active: back, Status: status}, coachMovePage(choice, f, lost))
	}
	return web.Show(c, web.Page{Title: "Byt tid", Active: back, Status: status}, movePage(choice, f, lost))
}

func (s *Service) postMove(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	at, err := readTime(f, web.Who(c))
	var b Booked
	if err == nil {
		b, err = s.Move(web.Ctx(c), web.Who(c), web.Req(c), c.Params("id"), NewTime{at.Coach, at.Starts, at.Form})
	}
	switch {
	case err == nil:
		return web.Redirect(c, pathFor(web.Who(c), b.ID), "Samtalet har fått en ny tid.")
	case lost(err):
		return s.movePage(c, web.NewForm(c), fiber.StatusConflict, textOf(err))
	case failedSlot(f, err):
		return s.movePage(c, f, fiber.StatusUnprocessableEntity, "")
	case halsocoach.KindOf(err) == halsocoach.KindConflict:
		return s.movePage(c, f, fiber.StatusConflict, textOf(err))
	}
	return err
}

// readTime is the chosen time of a form: one of the free times, or for a coach
// a time of their own choice.
func readTime(f *web.Form, who halsocoach.Actor) (BookRequest, error) {
	if who.Is(halsocoach.RoleCoach) && f.Get("datum")+f.Get("klockan") != "" {
		date := halsocoach.Day(f.Get("datum"))
		at, ok := readClock(f.Get("klockan"))
		var faults halsocoach.Faults
		faults.When(!date.Valid(), "datum", "Skriv datum som åååå-mm-dd.")
		faults.When(!ok || at == wholeDay, "klockan", "Skriv klockslag som 09.00.")
		faults.When(!Form(f.Get("form")).Known(), "form", "Välj på plats, telefon eller video.")
		if err := halsocoach.Invalid(faults...); err != nil {
			return BookRequest{}, err
		}
		return BookRequest{Coach: who.ID, Starts: wall(date, at), Form: Form(f.Get("form"))}, nil
	}
	coach, starts, form := readSlot(f.Get("tid"))
	return BookRequest{Coach: coach, Starts: starts, Form: form}, nil
}

func (s *Service) askCancel(c *fiber.Ctx) error {
	b, err := s.Talk(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	who := web.Who(c)
	if b.Outcome != NotYet || who.Is(halsocoach.RoleCitizen) && b.Begun(s.Clock()) {
		return web.Redirect(c, pathFor(who, b.ID), "")
	}
	active := talksPath
	if who.Staff() {
		active = "/kalender"
	}
	return web.Show(c, web.Page{Title: "Avboka samtalet", Active: active}, cancelPage(b, web.NewForm(c), pathFor(who, b.ID)))
}

func (s *Service) postCancel(c *fiber.Ctx) error {
	who, id := web.Who(c), c.Params("id")
	err := s.Cancel(web.Ctx(c), who, id)
	if halsocoach.KindOf(err) == halsocoach.KindConflict {
		return web.Show(c, web.Page{Title: "Avboka samtalet", Status: fiber.StatusConflict}, stopPage(textOf(err), pathFor(who, id), web.T(web.Ctx(c), "Till samtalet")))
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, pathFor(who, id), "Samtalet är avbokat.")
}

// sendFile is a talk for the person's own calendar, as it stands now. A talk that
// is moved or called off is the same event, later in its sequence.
func (s *Service) sendFile(c *fiber.Ctx) error {
	ctx, who := web.Ctx(c), web.Who(c)
	b, where, err := s.Own(ctx, who, c.Params("id"))
	if err != nil {
		return err
	}
	t := ics.Time{
		Of: []string{"talk", b.ID}, Sequence: b.Move, Title: web.T(ctx, "Bokad tid"), Where: where,
		Note: web.T(ctx, "Byt tid eller avboka där du bokade."), Starts: b.Starts, Ends: b.Ends,
	}
	if b.Outcome == Cancelled {
		t.Cancelled = true
		t.Sequence++
	}
	return web.SendFile(c, "bokad-tid.ics", ics.Type, t.File(s.Clock()))
}

// pathFor is the page of a talk for who asks.
func pathFor(who halsocoach.Actor, id string) string {
	if who.Staff() {
		return talkPath(id)
	}
	return talksPath + "/" + id
}

// moreDays is the address of the page with more days on it, "" when there are no
// more. It leads to the first of them. more are names and values to keep.
func moreDays(path string, o Offer, more ...string) string {
	if o.Next == "" {
		return ""
	}
	return withDays(path, o, len(datesOf(o.Slots))+daysMore, more...) + "#" + dayID(o.Next)
}

// sameDays is where a form posts to, so that a page shown again shows no fewer days.
func sameDays(path string, o Offer) string {
	if n := len(datesOf(o.Slots)); n > daysShown {
		return withDays(path, o, n)
	}
	return path
}

func withDays(path string, o Offer, n int, more ...string) string {
	q := url.Values{"dagar": {strconv.Itoa(n)}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return path + "?" + q.Encode()
}

func dayID(d halsocoach.Day) string { return "dag-" + string(d) }

// oneCoach is the only coach who has free times, "" when there are several.
func oneCoach(o Offer) string {
	for _, s := range o.Slots {
		if s.Coach != o.Slots[0].Coach {
			return ""
		}
	}
	return o.Name(o.Slots[0].Coach)
}

// slotsLabel says whose free times they are.
func slotsLabel(ctx context.Context, o Offer) string {
	if name := oneCoach(o); name != "" {
		return web.T(ctx, "Lediga tider hos %s, %s", name, o.Centre.Name)
	}
	return web.T(ctx, "Lediga tider hos %s", o.Centre.Name)
}

// slotDays groups free times for the page: by day, and by coach within it.
func slotDays(ctx context.Context, o Offer) []web.SlotDay {
	var out []web.SlotDay
	single := len(o.Slots) > 0 && oneCoach(o) != ""
	for _, date := range datesOf(o.Slots) {
		id := dayID(date)
		for _, coach := range o.Coaches {
			day := web.SlotDay{ID: id, Title: web.Date(ctx, date.Start())}
			if !single {
				day.With = web.T(ctx, "Hos %s", coach.Name)
			}
			for _, s := range o.Slots {
				if s.Coach == coach.ID && halsocoach.DayOf(s.Starts) == date {
					day.Slots = append(day.Slots, web.Choice{Value: slotValue(s), Label: web.ClockTime(s.Starts), Hint: formTexts.Of(ctx, s.Form)})
				}
			}
			if len(day.Slots) > 0 {
				out, id = append(out, day), ""
			}
		}
	}
	return out
}

func datesOf(slots []Slot) []halsocoach.Day {
	var out []halsocoach.Day
	for _, s := range slots {
		if d := halsocoach.DayOf(s.Starts); len(out) == 0 || out[len(out)-1] != d {
			out = append(out, d)
		}
	}
	return out
}
