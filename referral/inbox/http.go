package inbox

import (
	"errors"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
)

// at is where the inbox is.
const at = "/inkorg"

// visit is where somebody who is there is written in.
const visit = "/pa-plats"

// Routes puts the pages on the router.
func (s *Service) Routes(r fiber.Router) {
	r.Get(at, s.showList)
	r.Get(at+"/:id", s.showDetail)
	r.Get(at+"/:id/beslut", s.showDetail) // with the answers that were kept while one signed in
	r.Post(at+"/:id/beslut", s.decide)
	r.Get(at+"/:id/ansvar", s.showDetail)
	r.Post(at+"/:id/ansvar", s.takeCare)
	r.Get(at+"/:id/forsok", s.showDetail)
	r.Post(at+"/:id/forsok", s.note)
	r.Get(at+"/:id/brev", s.letter)
	r.Get(at+"/:id/boka", s.askBook)
	r.Post(at+"/:id/boka", s.book)
	r.Get(at+"/:id/samma-person", s.showSame)
	r.Post(at+"/:id/samma-person", s.join)
	r.Get(at+"/:id/isar", s.showSame)
	r.Post(at+"/:id/isar", s.part)
	r.Get(at+"/:id/komplettera", s.askComplete)
	r.Post(at+"/:id/komplettera", s.complete)
	r.Get(visit, s.askVisit)
	r.Post(visit, s.visit)
	r.Get("/rekommendationer-i-vantan", s.showForgotten)
}

// The tabs of the inbox are three, so that they fit a phone; the rest is chosen
// below them.
var tabs = []web.Link{{Path: at, Text: "Väntar på svar"}, {Path: at + "?vem=mina", Text: "Mina"}, {Path: at + "?visa=antagna", Text: "Avgjorda"}}

func (s *Service) showList(c *fiber.Ctx) error {
	q, query := record.InboxQuery{After: c.Query("efter")}, url.Values{}
	v := listView{Form: &web.Form{Values: map[string][]string{}}, Tabs: tabs, Active: at, Now: s.now()}
	take := func(name string) string {
		value := c.Query(name)
		if value != "" {
			query.Set(name, value)
			v.Form.Set(name, value)
		}
		return value
	}
	if q.State = stateWord[take("visa")]; q.State != "" {
		v.Decided, v.Active = true, tabs[2].Path
	} else {
		q.Source, q.Language, q.Late = halsocoach.Source(take("kalla")), take("sprak"), take("sena") != ""
		switch take("vem") {
		case "mina":
			q.Holder, v.Active = web.Who(c).ID, tabs[1].Path
		case "ingen":
			q.Holder = record.Nobody
		}
		v.Filtering = q.Source != "" || q.Language != "" || q.Late || q.Holder == record.Nobody
	}
	var err error
	if v.List, err = s.List(web.Ctx(c), web.Who(c), q); err != nil {
		return err
	}
	v.Next = web.PageAfter(at, query, v.List.Next)
	return web.Show(c, web.Page{Title: "Inkorg", Active: at}, listPage(v))
}

func (s *Service) showDetail(c *fiber.Ctx) error { return s.showOne(c, web.NewForm(c), 0) }

func (s *Service) showOne(c *fiber.Ctx, f *web.Form, status int) error {
	ctx, who := web.Ctx(c), web.Who(c)
	one, err := s.Open(ctx, who, c.Params("id"))
	if err != nil {
		return err
	}
	v := detailView{View: one, Form: f, Who: who}
	if v.Centres, err = s.Records.CentreChoices(ctx, v.Centre); err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Rekommendation", Active: at, Status: status}, detailPage(v))
}

// fault answers what somebody else was first with, and what is to be mended.
func (s *Service) fault(c *fiber.Ctx, f *web.Form, err error) error {
	var decided *DecidedError
	var taken *TakenError
	switch {
	case errors.As(err, &decided):
		return web.Show(c, web.Page{Title: "Redan avgjord", Active: at, Status: fiber.StatusConflict}, stalePage(c.Params("id"), decided))
	case errors.As(err, &taken):
		return web.Show(c, web.Page{Title: "Redan tagen", Active: at, Status: fiber.StatusConflict}, takenPage(c.Params("id"), taken))
	case f.Failed(err):
		return s.showOne(c, f, fiber.StatusUnprocessableEntity)
	}
	return err
}

func (s *Service) decide(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	ruling := Ruling{Decision: f.Get("decision"), Reason: f.Get("reason"), Centre: f.Get("centre")}
	item, _, err := s.Decide(web.Ctx(c), web.Who(c), web.Req(c), c.Params("id"), ruling)
	if err != nil {
		return s.fault(c, f, err)
	}
	switch item.State {
	case record.Accepted:
		return web.Redirect(c, at+"/"+item.ID, "Du har tagit emot rekommendationen.")
	case record.Declined:
		return web.Redirect(c, at+"/"+item.ID, "Du har tackat nej till rekommendationen.")
	case record.Forwarded:
		return web.Redirect(c, at+"/"+item.ID, "Rekommendationen är skickad vidare.")
	}
	return web.Redirect(c, at+"/"+item.ID, "")
}

func (s *Service) takeCare(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	care := Care{Act: record.Act(f.Get("act")), To: f.Get("to"), From: f.Get("from")}
	if _, gives := f.Values["to"]; gives && care.To == "" {
		return s.fault(c, f, halsocoach.Invalid(halsocoach.Field{Name: "to", Text: "Välj en hälsocoach på ert Hälsocenter."}))
	}
	if err := s.TakeCare(web.Ctx(c), web.Who(c), c.Params("id"), care); err != nil {
		return s.fault(c, f, err)
	}
	return web.Redirect(c, at+"/"+c.Params("id"), "Det är sparat.")
}

func (s *Service) note(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	err := s.Note(web.Ctx(c), web.Who(c), web.Req(c), c.Params("id"), Reach{How: f.Get("how"), Went: f.Get("went"), Note: f.Get("note")})
	if err != nil {
		return s.fault(c, f, err)
	}
	return web.Redirect(c, at+"/"+c.Params("id"), "Försöket är antecknat.")
}

func (s *Service) letter(c *fiber.Ctx) error {
	l, err := s.Letter(web.Ctx(c), web.Who(c), c.Params("id"))
	if errors.Is(err, ErrNoLetter) {
		return web.Redirect(c, at+"/"+c.Params("id"), "Brevet finns när ni har försökt nå personen tre gånger.")
	}
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Brev till personen", Active: at}, letterPage(web.NewForm(c), l))
}

func (s *Service) askBook(c *fiber.Ctx) error { return s.showBook(c, web.NewForm(c), 0, "") }

func (s *Service) showBook(c *fiber.Ctx, f *web.Form, status int, lost string) error {
	v, err := s.Bookable(web.Ctx(c), web.Who(c), c.Params("id"), c.QueryInt("dagar"))
	if errors.Is(err, ErrHasFirst) {
		return web.Redirect(c, at+"/"+c.Params("id"), "Ett första samtal är redan bokat.")
	}
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Boka första samtalet", Active: at, Status: status}, bookPage(f, v, lost))
}

func (s *Service) book(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	time, ok := timeOf(f.Get("tid"))
	err := halsocoach.Invalid(halsocoach.Field{Name: "tid", Text: "Välj en tid."})
	if ok {
		err = s.AcceptAndBook(web.Ctx(c), web.Who(c), web.Req(c), c.Params("id"), time)
	}
	var decided *DecidedError
	var fault *halsocoach.Error
	switch {
	case err == nil:
		return web.Redirect(c, at+"/"+c.Params("id"), "Personen är din, och det första samtalet är bokat.")
	case errors.As(err, &decided):
		return s.fault(c, f, err)
	case f.Failed(err):
		return s.showBook(c, f, fiber.StatusUnprocessableEntity, "")
	case halsocoach.KindOf(err) == halsocoach.KindConflict && errors.As(err, &fault):
		return s.showBook(c, f, fiber.StatusConflict, fault.Text)
	}
	return err
}

func (s *Service) showForgotten(c *fiber.Ctx) error {
	all, err := s.Forgotten(web.Ctx(c), web.Who(c))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Rekommendationer i väntan", Active: "/rekommendationer-i-vantan"}, forgottenPage(all))
}

func (s *Service) showSame(c *fiber.Ctx) error { return s.showSameWith(c, web.NewForm(c), 0) }

func (s *Service) showSameWith(c *fiber.Ctx, f *web.Form, status int) error {
	v, err := s.Same(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Samma person?", Active: at, Status: status}, samePage(f, v))
}

func (s *Service) join(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	err := s.Join(web.Ctx(c), web.Who(c), c.Params("id"), f.Get("other"), f.Has("sure", "ja"))
	if f.Failed(err) {
		return s.showSameWith(c, f, fiber.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return web.Redirect(c, at+"/"+c.Params("id"), "De är nu en och samma person.")
}

func (s *Service) part(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	if err := s.Part(web.Ctx(c), web.Who(c), c.Params("id"), f.Get("join")); err != nil {
		return err
	}
	return web.Redirect(c, at, "De är två personer igen.")
}
