package sender

import (
	"context"
	"errors"
	"slices"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
	"halsocoach/referral/record"
)

// Routes puts the pages of those who recommend on the router. Those of the rooms
// are theirs.
func (s *Service) Routes(r fiber.Router) {
	r.Get("/rekommendera", s.askRecommendation)
	r.Post("/rekommendera", s.recommend)
	r.Get("/rekommendationer", s.showSent)
	r.Get("/rekommendationer/:id", s.showReceipt)
	r.Get("/rekommendationer/:id/kontakt", s.askContact)
	r.Post("/rekommendationer/:id/kontakt", s.mendContact)
	for _, deed := range []struct {
		word, notice string
		do           func(context.Context, halsocoach.Actor, string) (record.SenderView, error)
	}{
		{"aterkalla", "Rekommendationen är återkallad.", s.Withdraw},
		{"misstag", "Rekommendationen är markerad som ett misstag.", s.EnterInError},
		{"samtycke", "Det är noterat att personen har ångrat sig.", s.ConsentBack},
	} {
		path := "/rekommendationer/:id/" + deed.word
		r.Get(path, s.showReceipt) // with the answers that were kept while one signed in
		r.Post(path, func(c *fiber.Ctx) error {
			own, err := deed.do(web.Ctx(c), web.Who(c), c.Params("id"))
			if err != nil {
				return err
			}
			return web.Redirect(c, "/rekommendationer/"+own.ID, deed.notice)
		})
	}
}

// senderForm is what the form's page shows beside the answers.
type senderForm struct {
	*web.Form
	Short     bool // an association: less is asked
	Centres   []web.Choice
	Kommuner  []web.Choice
	Languages []web.Choice
	Today     halsocoach.Day
	Chosen    *record.CentreWait // nil = none yet
}

// follow lets the centre be one of those that take in who lives in the kommun:
// the kommun's own unless another of them was chosen. What was chosen in vain is
// said with the names of those that can be.
func follow(ctx context.Context, f *web.Form, open []record.CentreWait) {
	names, kept := make([]string, len(open)), false
	for i, o := range open {
		names[i], kept = o.Name, kept || o.Code == f.Get("centre")
	}
	for i, e := range f.Errors {
		if e.Name == "centre" && f.Get("centre") != "" && !kept {
			f.Errors[i].Text = record.NotTaken(ctx, names)
		}
	}
	if kept && f.Get("do") != doKommun || f.Get("kommun") == "" {
		return
	}
	f.Set("centre", "")
	if len(open) > 0 && open[0].Kommun == f.Get("kommun") {
		f.Set("centre", open[0].Code)
	}
}

// folded says whether what is said of the yes is as the form proposes it.
func (v senderForm) folded() bool {
	return v.Error("consentOn")+v.Error("consentScope") == "" && v.Get("consentOn") == string(v.Today) && v.Get("consentScope") == string(record.ScopeState)
}

// What the buttons of the form's pages ask for, in the field "do"; nothing is to
// check the answers.
const (
	doSend   = "skicka"
	doChange = "andra"
	doKommun = "kommun" // the centres of another kommun
)

func (s *Service) askRecommendation(c *fiber.Ctx) error {
	ctx, who := web.Ctx(c), web.Who(c)
	if err := halsocoach.Allow(who, record.Senders...); err != nil {
		return err
	}
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		f.Set("consentOn", string(halsocoach.DayOf(s.Records.Clock())))
		f.Set("consentScope", string(record.ScopeState))
		if u, err := s.Records.Registers.Unit(ctx, who.Unit); err == nil {
			f.Set("centre", u.Centre)
			f.Set("kommun", u.Kommun)
		}
	}
	return s.showForm(c, f, 0)
}

func (s *Service) showForm(c *fiber.Ctx, f *web.Form, status int) error {
	ctx := web.Ctx(c)
	open, err := s.Records.CentresFor(ctx, f.Get("kommun"))
	if err != nil {
		return err
	}
	open = slices.DeleteFunc(open, func(o record.CentreWait) bool { return !o.Manned })
	follow(ctx, f, open)
	view := senderForm{Form: f, Short: web.Who(c).Role == halsocoach.RoleAssociation, Centres: waitingChoices(ctx, open), Kommuner: record.KommunChoices(ctx),
		Languages: record.LanguageChoices(ctx), Today: halsocoach.DayOf(s.Records.Clock())}
	if i := slices.IndexFunc(open, func(o record.CentreWait) bool { return o.Code == f.Get("centre") }); i >= 0 {
		view.Chosen = &open[i]
	}
	return web.Show(c, web.Page{Title: "Rekommendera en person", Active: "/rekommendera", Status: status}, recommendPage(view))
}

// recommend shows the answers to be checked, the form again, or sends. The
// answers travel in the form and nowhere else.
func (s *Service) recommend(c *fiber.Ctx) error {
	ctx, who, f := web.Ctx(c), web.Who(c), web.ReadForm(c)
	if other := f.Get("byt"); other != "" {
		f.Set("centre", other)
		f.Set("do", "")
	}
	var err error
	switch f.Get("do") {
	case doChange, doKommun:
		if err = halsocoach.Allow(who, record.Senders...); err == nil {
			return s.showForm(c, f, 0)
		}
	case doSend:
		var own record.SenderView
		var already *record.AlreadyError
		own, _, err = s.Recommend(ctx, who, web.Req(c), record.Asked(f))
		switch {
		case err == nil:
			return web.Redirect(c, "/rekommendationer/"+own.ID, "Rekommendationen är skickad.")
		case errors.As(err, &already):
			return web.Redirect(c, "/rekommendationer/"+already.ID, "Du har redan rekommenderat personen. Inget mer är skickat.")
		}
	default:
		var p Preview
		if p, err = s.Check(ctx, who, record.Asked(f)); err == nil {
			own, already, err := s.Already(ctx, who, p.Asked)
			if err != nil {
				return err
			}
			if already {
				return web.Show(c, web.Page{Title: "Redan rekommenderad", Active: "/rekommendera"}, againPage(f, p, own, halsocoach.DayOf(own.Received) == halsocoach.DayOf(s.Records.Clock())))
			}
			p.Asked.Personnummer = numberShown(p.Asked.Personnummer, s.Records.Clock())
			return web.Show(c, web.Page{Title: "Kontrollera uppgifterna", Active: "/rekommendera"}, checkPage(f, p))
		}
	}
	if f.Failed(err) {
		return s.showForm(c, f, fiber.StatusUnprocessableEntity)
	}
	return err
}

func (s *Service) showSent(c *fiber.Ctx) error {
	items, next, err := s.Sent(web.Ctx(c), web.Who(c), "", c.Query("efter"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Mina rekommendationer", Active: "/rekommendationer"}, sentPage(items, web.PageAfter("/rekommendationer", nil, next)))
}

func (s *Service) showReceipt(c *fiber.Ctx) error {
	own, err := s.SentOne(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	return web.Show(c, web.Page{Title: "Din rekommendation", Active: "/rekommendationer"}, receiptPage(own, web.NewForm(c)))
}

func (s *Service) askContact(c *fiber.Ctx) error {
	own, said, err := s.ContactSaid(web.Ctx(c), web.Who(c), c.Params("id"))
	if err != nil {
		return err
	}
	if !own.MayWithdraw {
		return web.Redirect(c, "/rekommendationer/"+own.ID, "Uppgifterna går inte längre att ändra här. Ring Hälsocentret.")
	}
	f := web.NewForm(c)
	if len(f.Values) == 0 {
		f.Set("phone", said.Phone)
		f.Set("email", said.Email)
	}
	return showContact(c, own, f, 0)
}

func showContact(c *fiber.Ctx, own record.SenderView, f *web.Form, status int) error {
	return web.Show(c, web.Page{Title: "Rätta hur personen nås", Active: "/rekommendationer", Status: status}, contactPage(own, f))
}

func (s *Service) mendContact(c *fiber.Ctx) error {
	ctx, who, f := web.Ctx(c), web.Who(c), web.ReadForm(c)
	own, err := s.Reach(ctx, who, c.Params("id"), record.Contact{Phone: f.Get("phone"), Email: f.Get("email")})
	if err == nil {
		return web.Redirect(c, "/rekommendationer/"+own.ID, "Uppgifterna är rättade.")
	}
	if !f.Failed(err) {
		return err
	}
	if own, err = s.SentOne(ctx, who, c.Params("id")); err != nil {
		return err
	}
	return showContact(c, own, f, fiber.StatusUnprocessableEntity)
}

// waitingChoices are centres to choose, with how long people wait.
func waitingChoices(ctx context.Context, open []record.CentreWait) []web.Choice {
	choices := []web.Choice{{Value: "", Label: web.T(ctx, "Välj Hälsocenter")}}
	for _, o := range open {
		label := o.Name
		if o.Known {
			label = web.T(ctx, "%s, väntan %s", o.Name, web.Days(ctx, o.Wait.Median))
		}
		choices = append(choices, web.Choice{Value: o.Code, Label: label})
	}
	return choices
}
