package coach

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/web"

	"github.com/gofiber/fiber/v2"
)

// Routes are the pages: the citizen's talks here, the coach's desk and calendar
// in calendar_http.go.
func (s *Service) Routes(r fiber.Router) {
	r.Get("/samtal", s.showTalks)
	r.Get("/samtal/boka", s.showTalks)
	r.Post("/samtal/boka", s.postBooking)
	r.Get("/samtal/:id", s.showReceipt)
	r.Get("/samtal/:id/flytta", s.askMove)
	r.Post("/samtal/:id/flytta", s.postMove)
	r.Get("/samtal/:id/avboka", s.askCancel)
	r.Post("/samtal/:id/avboka", s.postCancel)
	s.calendarRoutes(r)
}

const (
	talksPath  = "/samtal"
	slotsShown = 24 // times on a page, rounded up to whole days
)

// asked is which free times the address asks for.
func asked(c *fiber.Ctx) Asked {
	return Asked{Centre: c.Query("hos"), From: halsocoach.Day(c.Query("fran")), Limit: slotsShown}
}

func (s *Service) showTalks(c *fiber.Ctx) error {
	return s.talksPage(c, web.NewForm(c), fiber.StatusOK, "")
}

// talksPage is the citizen's talks and what can be booked. lost is said above
// the times when somebody was quicker.
func (s *Service) talksPage(c *fiber.Ctx, f *web.Form, status int, lost string) error {
	q := asked(c)
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
	b, _, err := s.Book(web.Ctx(c), web.Who(c), web.Req(c), Wish{Coach: coach, Starts: starts, Form: form})
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
	if errors.Is(err, halsocoach.ErrOtherWish) || !f.Failed(err) {
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
	choice, err := s.Choices(web.Ctx(c), web.Who(c), c.Params("id"), asked(c))
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
	wish, err := readTime(f, web.Who(c))
	var b Booked
	if err == nil {
		b, err = s.Move(web.Ctx(c), web.Who(c), web.Req(c), c.Params("id"), NewTime{wish.Coach, wish.Starts, wish.Form})
	}
	switch {
	case err == nil && web.Who(c).Staff():
		return web.Redirect(c, talkPath(b.ID), "Samtalet har fått en ny tid.")
	case err == nil:
		return web.Redirect(c, talksPath+"/"+b.ID, "Samtalet har fått en ny tid.")
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
func readTime(f *web.Form, who halsocoach.Actor) (Wish, error) {
	if who.Is(halsocoach.RoleCoach) && f.Get("datum")+f.Get("klockan") != "" {
		date := halsocoach.Day(f.Get("datum"))
		at, ok := readClock(f.Get("klockan"))
		var faults []halsocoach.Field
		if !date.Valid() {
			faults = append(faults, halsocoach.Field{Name: "datum", Text: "Skriv datum som åååå-mm-dd."})
		}
		if !ok || at == wholeDay {
			faults = append(faults, halsocoach.Field{Name: "klockan", Text: "Skriv klockslag som 09.00."})
		}
		if !Form(f.Get("form")).Known() {
			faults = append(faults, halsocoach.Field{Name: "form", Text: "Välj på plats, telefon eller video."})
		}
		if err := halsocoach.Invalid(faults...); err != nil {
			return Wish{}, err
		}
		return Wish{Coach: who.ID, Starts: wall(date, at), Form: Form(f.Get("form"))}, nil
	}
	coach, starts, form := readSlot(f.Get("tid"))
	return Wish{Coach: coach, Starts: starts, Form: form}, nil
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
	if who.Staff() {
		return web.Redirect(c, talkPath(id), "Samtalet är avbokat.")
	}
	return web.Redirect(c, talksPath, "Samtalet är avbokat.")
}

// pathFor is the page of a talk for who asks.
func pathFor(who halsocoach.Actor, id string) string {
	if who.Staff() {
		return talkPath(id)
	}
	return talksPath + "/" + id
}

// nextDays is the address of the free times that come after, "" at the end.
func nextDays(path string, o Offer, more ...string) string {
	if o.Next == "" {
		return ""
	}
	q := url.Values{"fran": {string(o.Next)}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return path + "?" + q.Encode()
}

// slotDays groups free times for the page: by day, and by coach within it.
func slotDays(ctx context.Context, o Offer) []web.SlotDay {
	var out []web.SlotDay
	at := map[string]int{}
	for _, m := range datesOf(o.Slots) {
		for _, coach := range o.Coaches {
			for _, s := range o.Slots {
				if halsocoach.DayOf(s.Starts) != m || s.Coach != coach.ID {
					continue
				}
				key := string(m) + coach.ID
				if _, ok := at[key]; !ok {
					at[key] = len(out)
					out = append(out, web.SlotDay{Title: web.T(ctx, "%s hos %s", web.Date(ctx, s.Starts), coach.Name)})
				}
				i := at[key]
				out[i].Slots = append(out[i].Slots, web.Choice{Value: slotValue(s), Label: web.ClockTime(s.Starts), Hint: formText(ctx, s.Form)})
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

// The words of a talk.

func formText(ctx context.Context, f Form) string {
	switch f {
	case ByPhone:
		return web.T(ctx, "Telefon")
	case ByVideo:
		return web.T(ctx, "Video")
	}
	return web.T(ctx, "På plats")
}

func kindText(ctx context.Context, k Kind) string {
	if k == FollowUp {
		return web.T(ctx, "Uppföljande samtal")
	}
	return web.T(ctx, "Inledande samtal")
}

func outcomeText(ctx context.Context, o Outcome) string {
	switch o {
	case Held:
		return web.T(ctx, "Hållet")
	case Missed:
		return web.T(ctx, "Uteblev")
	case Cancelled:
		return web.T(ctx, "Avbokat")
	}
	return web.T(ctx, "Bokat")
}

func outcomeTag(o Outcome) string {
	switch o {
	case Held:
		return "good"
	case Missed:
		return "warm"
	case Cancelled:
		return "wrong"
	}
	return "strong"
}

// formIcon is the icon beside where a talk is held.
func formIcon(f Form) string {
	switch f {
	case ByPhone:
		return "phone"
	case ByVideo:
		return "video"
	}
	return "place"
}

// placeText says to a person where their talk is held, and who calls whom.
func placeText(ctx context.Context, b Booked, w Where) string {
	switch {
	case b.Form == ByPhone && w.Phone != "":
		return web.T(ctx, "På telefon. Din hälsocoach ringer upp dig på %s.", web.Phone(w.Phone))
	case b.Form == ByPhone:
		return web.T(ctx, "På telefon. Din hälsocoach ringer upp dig.")
	case b.Form == ByVideo:
		return web.T(ctx, "Videosamtal")
	}
	return w.Place
}

// dueText is by when: the hour only where hours are counted.
func dueText(ctx context.Context, d Duty) string {
	if d.What == FirstContact {
		return web.Date(ctx, d.Due)
	}
	return web.DateTime(ctx, d.Due)
}

// firstName is what one is greeted by.
func firstName(name string) string {
	first, _, _ := strings.Cut(name, " ")
	return first
}
