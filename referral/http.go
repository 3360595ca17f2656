package referral

import (
	"context"
	"errors"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"halsocoach/internal/web"
)

// Routes puts the pages on the router.
func (s *Service) Routes(r fiber.Router) {
	s.senderRoutes(r)
	r.Get("/inkorg", s.showInbox)
	r.Get("/inkorg/:id", s.showDetail)
	r.Get("/inkorg/:id/beslut", s.showDetail) // with the answers that were kept while one signed in
	r.Post("/inkorg/:id/beslut", s.decide)
}

// boxes are the tabs of the inbox: ASCII words in the address for the states.
var boxes = []struct {
	word, title string
	state       State
}{
	{"", "Väntar på svar", ""},
	{"antagna", "Antagna", Accepted},
	{"pagaende", "Pågående", Started},
	{"avvisade", "Avvisade", Declined},
	{"vidaresanda", "Vidaresända", Forwarded},
	{"avslutade", "Avslutade", Ended},
	{"aterkallade", "Återkallade", Withdrawn},
	{"felaktiga", "Skickade av misstag", Erred},
}

func (s *Service) showInbox(c *fiber.Ctx) error {
	box := boxes[0]
	for _, b := range boxes {
		if b.word == c.Query("visa") {
			box = b
		}
	}
	items, next, err := s.Inbox(web.Ctx(c), web.Who(c), "", box.state, c.Query("efter"))
	if err != nil {
		return err
	}
	query := url.Values{}
	active := "/inkorg"
	if box.word != "" {
		query.Set("visa", box.word)
		active += "?" + query.Encode()
	}
	return web.Show(c, web.Page{Title: "Inkorg", Active: "/inkorg"}, inboxPage(items, tabs(), active, pageAfter("/inkorg", query, next)))
}

func tabs() []web.Link {
	var links []web.Link
	for _, b := range boxes {
		path := "/inkorg"
		if b.word != "" {
			path += "?visa=" + b.word
		}
		links = append(links, web.Link{Path: path, Text: b.title})
	}
	return links
}

// pageAfter is the address of the page that continues a list, "" at its end.
func pageAfter(path string, query url.Values, next string) string {
	if next == "" {
		return ""
	}
	if query == nil {
		query = url.Values{}
	}
	query.Set("efter", next)
	return path + "?" + query.Encode()
}

func (s *Service) showDetail(c *fiber.Ctx) error {
	d, err := s.Read(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	return s.showOne(c, detailView{Detail: d, Form: web.NewForm(c)}, 0)
}

func (s *Service) showOne(c *fiber.Ctx, v detailView, status int) error {
	var err error
	if v.Centres, err = s.centreChoices(web.Ctx(c), v.Centre); err != nil {
		return err
	}
	v.Mine = v.Decision != nil && v.Decision.By == web.Who(c).ID
	return web.Show(c, web.Page{Title: "Rekommendation", Active: "/inkorg", Status: status}, detailPage(v))
}

func (s *Service) decide(c *fiber.Ctx) error {
	ctx, who, id := web.Ctx(c), web.Who(c), c.Params("id")
	f := web.ReadForm(c)
	item, _, err := s.Decide(ctx, who, web.Req(c), id, Ruling{Decision: f.Get("decision"), Reason: f.Get("reason"), Centre: f.Get("centre")})
	var first *DecidedError
	switch {
	case err == nil:
		return web.Redirect(c, "/inkorg/"+item.ID, noticeOf(item.State))
	case errors.As(err, &first):
		return s.showStale(c, id, first)
	case !f.Failed(err):
		return err
	}
	d, err := s.Read(ctx, who, id)
	if err != nil {
		return err
	}
	return s.showOne(c, detailView{Detail: d, Form: f}, fiber.StatusUnprocessableEntity)
}

// showStale is the page of one who decided on a page that was no longer true.
func (s *Service) showStale(c *fiber.Ctx, id string, first *DecidedError) error {
	return web.Show(c, web.Page{Title: "Redan avgjord", Active: "/inkorg", Status: fiber.StatusConflict}, stalePage(id, first))
}

func noticeOf(state State) string {
	switch state {
	case Accepted:
		return "Du har tagit emot rekommendationen."
	case Declined:
		return "Du har tackat nej till rekommendationen."
	case Forwarded:
		return "Rekommendationen är skickad vidare."
	}
	return ""
}

// centreChoices are the centres that take people in, except one.
func (s *Service) centreChoices(ctx context.Context, except string) ([]web.Choice, error) {
	centres, err := s.Registers.Centres(ctx, "")
	if err != nil {
		return nil, err
	}
	choices := []web.Choice{{Value: "", Label: web.T(ctx, "Välj Hälsocenter")}}
	for _, centre := range centres {
		if !centre.Closed && centre.Code != except {
			choices = append(choices, web.Choice{Value: centre.Code, Label: centre.Name})
		}
	}
	return choices, nil
}
