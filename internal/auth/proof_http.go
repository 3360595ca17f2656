package auth

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/staff"
	"halsocoach/internal/web"
)

// proofLasts is how long somebody who has just proved who they are may take to
// accept an invitation.
const proofLasts = 15 * time.Minute

// kept is a proof in a cookie of the browser that gave it, sealed.
type kept struct {
	Proof
	Ends time.Time `json:"ends"`
}

// Admit lets in whom a provider has proved: it begins the session and leads to
// next. Somebody who opens an invitation gets the proof to accept it with.
func (s *Service) Admit(c *fiber.Ctx, p Proof, next string) error {
	ctx := web.Ctx(c)
	p.Device = device(c)
	next = web.LocalPath(next, "")
	invited := p.Identity != "" && strings.HasPrefix(next, "/inbjudan/")
	if invited {
		if err := s.keepProof(c, p); err != nil {
			return err
		}
	}
	signed, err := s.SignInBy(ctx, p)
	if invited && (errors.Is(err, ErrNobody) || errors.Is(err, ErrEnded)) {
		return web.Redirect(c, next, "")
	}
	if err != nil {
		return s.turnAway(c, err)
	}
	s.begin(c, signed)
	return web.Redirect(c, web.LocalPath(next, s.cfg.Home(signed.Actor)), "")
}

// turnAway is the page of somebody who has proved who they are and still does
// not come in.
func (s *Service) turnAway(c *fiber.Ctx, err error) error {
	page := web.Page{Title: "Du kommer inte in än", Status: fiber.StatusForbidden, Public: true}
	switch {
	case errors.Is(err, ErrNobody):
		s.cfg.Log.Info("proven sign-in without an entry in the register of staff")
		return web.Show(c, page, stranger())
	case errors.Is(err, ErrEnded), errors.Is(err, staff.ErrNoAccount):
		s.cfg.Log.Info("proven sign-in to a closed account")
		return web.Show(c, page, closedAccount())
	case errors.Is(err, ErrTwo):
		s.cfg.Log.Warn("proven sign-in that belongs to two members: remove it from one of them on the page Personal")
		page.Status = fiber.StatusConflict
		return web.Show(c, page, twoAccounts())
	case errors.Is(err, ErrTaken):
		page.Status = fiber.StatusConflict
		return web.Show(c, page, takenIdentity())
	}
	return err
}

func (s *Service) keepProof(c *fiber.Ctx, p Proof) error {
	plain, err := json.Marshal(kept{p, s.cfg.Clock().Add(proofLasts)})
	if err != nil {
		return err
	}
	s.cookies.Set(c, proofCookie, s.cfg.Seal.Token("auth.proof").Encrypt(plain), proofLasts)
	return nil
}

// proof is what the browser has just proved, or nil.
func (s *Service) proof(c *fiber.Ctx) *Proof {
	cookie := s.cookies.Get(c, proofCookie)
	if cookie == "" {
		return nil
	}
	plain, err := s.cfg.Seal.Token("auth.proof").Decrypt(cookie)
	if err != nil {
		return nil
	}
	var k kept
	if json.Unmarshal(plain, &k) != nil || !s.cfg.Clock().Before(k.Ends) {
		return nil
	}
	return &k.Proof
}

// Refused says whether an address has failed so often that it is not listened
// to for a while; Failed counts one failure.
func (s *Service) Refused(c *fiber.Ctx) error {
	if s.failures.Blocked(web.ClientIP(c), s.cfg.Clock()) {
		return ErrTooMany
	}
	return nil
}

// Failed counts a failed sign-in of the request's address.
func (s *Service) Failed(c *fiber.Ctx) { s.failures.Add(web.ClientIP(c), s.cfg.Clock()) }

// offerPage shows what an invitation is. Guesses are counted per address.
func (s *Service) offerPage(c *fiber.Ctx) error {
	o, err := s.seekOffer(c)
	if err != nil || o.Used {
		return s.refuseOffer(c, o, err)
	}
	return s.showOffer(c, o, web.NewForm(c), fiber.StatusOK)
}

func (s *Service) showOffer(c *fiber.Ctx, o staff.Offer, f *web.Form, status int) error {
	v := offerView{Offer: o, Path: c.Path(), Who: web.Who(c), Where: s.staff.PlaceName(web.Ctx(c), o.Invitation), Doors: s.doors(true)}
	if v.Proof = s.proof(c); len(v.Doors) > 0 && v.Proof != nil && f.Get("name") == "" && len(f.Errors) == 0 {
		f.Set("name", v.Proof.Name)
	}
	return web.Show(c, offerFrame(status), offerForm(v, f))
}

// offerView is an invitation as its page shows it.
type offerView struct {
	staff.Offer
	Path, Where string
	Who         halsocoach.Actor
	Doors       []Door // providers by which one must prove who one is
	Proof       *Proof // what has been proved
}

func offerFrame(status int) web.Page {
	return web.Page{Title: "Din inbjudan", Status: status, Public: true}
}

func (s *Service) seekOffer(c *fiber.Ctx) (staff.Offer, error) {
	if !s.failures.Take(web.ClientIP(c), s.cfg.Clock()) {
		return staff.Offer{}, ErrTooMany
	}
	o, err := s.staff.Offer(web.Ctx(c), c.Params("token"))
	if !errors.Is(err, staff.ErrInvitation) {
		s.failures.Back(web.ClientIP(c))
	}
	return o, err
}

// refuseOffer is the page of a link that opens nothing, each with its next step.
func (s *Service) refuseOffer(c *fiber.Ctx, o staff.Offer, err error) error {
	switch {
	case err == nil && o.Used, errors.Is(err, staff.ErrUsed):
		return web.Show(c, offerFrame(fiber.StatusConflict), offerUsed(web.Who(c)))
	case errors.Is(err, staff.ErrInvitation), errors.Is(err, staff.ErrNoAccount):
		return web.Show(c, offerFrame(fiber.StatusNotFound), offerOver())
	}
	return s.turnAway(c, err)
}

func (s *Service) acceptOffer(c *fiber.Ctx) error {
	o, err := s.seekOffer(c)
	if err != nil {
		return s.refuseOffer(c, o, err)
	}
	f := web.ReadForm(c)
	signed, err := s.accept(web.Ctx(c), c.Params("token"), acceptance{f.Get("name"), device(c), s.proof(c)}, web.Req(c))
	switch {
	case f.Failed(err):
		return s.showOffer(c, o, f, fiber.StatusUnprocessableEntity)
	case errors.Is(err, ErrProve):
		return s.showOffer(c, o, f, fiber.StatusForbidden)
	case err != nil:
		return s.refuseOffer(c, o, err)
	}
	s.cookies.Clear(c, proofCookie)
	s.begin(c, signed)
	return web.Redirect(c, s.cfg.Home(signed.Actor), "Välkommen! Du är inloggad.")
}
