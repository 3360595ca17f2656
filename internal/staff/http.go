package staff

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// Routes are the pages.
func (s *Service) Routes(r fiber.Router) {
	r.Get("/personal", s.staffPage)
	r.Get("/personal/bjud-in", s.invitePage)
	r.Post("/personal/bjud-in", s.invite)
	r.Get("/personal/lank", s.linkPage)
	web.PostOnly(r, "/personal/inbjudan/:id", "/personal", s.withdrawInvitation)
	web.PostOnly(r, "/personal/:id/lank", "/personal", s.newLink)
	r.Get("/personal/:id/avsluta", s.endPage)
	r.Post("/personal/:id/avsluta", s.end)
}

// staffView is the list of a kommun's staff.
type staffView struct {
	Kommun  string
	Choose  bool // the region chooses the kommun
	Proven  bool // staff sign in by a provider
	Members []staffRow
	Waiting []waitingRow
	Next    string
}

// waitingRow is a link that nobody has used yet.
type waitingRow struct {
	ID, Title, Place, By string
	Ends                 time.Time
}

type staffRow struct {
	Member
	Place string // name of centre or unit
	Self  bool
}

const staffAtOnce = 50

// staffKommun is whose staff the page is about: the administrator's own kommun,
// or for the region the one in the query.
func staffKommun(who halsocoach.Actor, asked string) string {
	if who.Role == halsocoach.RoleKommun {
		return who.Kommun
	}
	return halsocoach.CountyOr(asked)
}

func (s *Service) staffPage(c *fiber.Ctx) error {
	ctx, who := web.Ctx(c), web.Who(c)
	kommun := staffKommun(who, c.Query("kommun"))
	members, err := s.StaffOf(ctx, who, kommun)
	if err != nil {
		return err
	}
	v := staffView{Kommun: kommun, Choose: who.Role == halsocoach.RoleRegion, Proven: s.cfg.Proven}
	members, next := pageAfter(members, c.Query("after"))
	for _, m := range members {
		place := s.PlaceName(ctx, Invitation{Role: m.Role, Kommun: m.Kommun, Centre: m.Centre, Unit: m.Unit})
		v.Members = append(v.Members, staffRow{m, place, m.ID == who.ID})
	}
	if next != "" {
		v.Next = "/personal?kommun=" + kommun + "&after=" + next
	}
	if v.Waiting, err = s.waitingRows(ctx, who, kommun); err != nil {
		return err
	}
	f := web.NewForm(c)
	f.Set("kommun", kommun)
	return web.Show(c, web.Page{Title: "Personal", Active: "/personal"}, staffList(v, f))
}

func (s *Service) waitingRows(ctx context.Context, who halsocoach.Actor, kommun string) ([]waitingRow, error) {
	found, err := s.waiting(ctx, who, kommun)
	if err != nil {
		return nil, err
	}
	rows := make([]waitingRow, len(found))
	for i, d := range found {
		title := web.RoleName(ctx, d.Role)
		if m, ok := s.members.Get(d.Staff); ok {
			title = m.Name
		}
		place := s.PlaceName(ctx, Invitation{Role: d.Role, Kommun: d.Kommun, Centre: d.Centre, Unit: d.Unit})
		rows[i] = waitingRow{ID: d.ID, Title: title, Place: place, By: d.By, Ends: d.Ends}
	}
	return rows, nil
}

// withdrawInvitation ends a link that has been given to the wrong person.
func (s *Service) withdrawInvitation(c *fiber.Ctx) error {
	f := web.ReadForm(c)
	who := web.Who(c)
	err := s.Withdraw(web.Ctx(c), who, c.Params("id"))
	return web.Done(c, err, "/personal?kommun="+staffKommun(who, f.Get("kommun")), "Länken gäller inte längre.")
}

// pageAfter is the stretch of the list after a member.
func pageAfter(members []Member, after string) (page []Member, next string) {
	members = members[slices.IndexFunc(members, func(m Member) bool { return m.ID == after })+1:]
	if len(members) > staffAtOnce {
		members = members[:staffAtOnce]
		next = members[staffAtOnce-1].ID
	}
	return members, next
}

// PlaceName is where somebody works, as people say it.
func (s *Service) PlaceName(ctx context.Context, inv Invitation) string {
	who := halsocoach.Actor{Centre: inv.Centre, Unit: inv.Unit}
	if name := s.Workplace(ctx, who); name != "" {
		return name
	}
	if local(inv.Role) {
		return web.T(ctx, "%s kommun", halsocoach.KommunName(inv.Kommun))
	}
	return halsocoach.KommunName(inv.Kommun)
}

func (s *Service) invitePage(c *fiber.Ctx) error {
	return s.showInvite(c, web.NewForm(c), staffKommun(web.Who(c), c.Query("kommun")))
}

func (s *Service) showInvite(c *fiber.Ctx, f *web.Form, kommun string) error {
	who := web.Who(c)
	if err := s.allowStaffOf(who, kommun); err != nil {
		return err
	}
	places, err := s.places(web.Ctx(c), kommun)
	if err != nil {
		return err
	}
	f.Set("kommun", kommun)
	return web.Show(c, web.Page{Title: "Bjud in en kollega", Active: "/personal", Status: f.Status()},
		inviteForm(f, kommun, who.Role == halsocoach.RoleRegion, places))
}

// places are where somebody can work: the answer decides what they may do.
func (s *Service) places(ctx context.Context, kommun string) ([]web.Choice, error) {
	if kommun == halsocoach.County {
		return []web.Choice{
			{Value: "region", Label: web.T(ctx, "Regionen"), Hint: web.T(ctx, "Blir regionens administratör.")},
			{Value: "family", Label: web.T(ctx, "Familjecentralerna"), Hint: web.T(ctx, "Blir samordnare för familjecentraler.")},
		}, nil
	}
	var out []web.Choice
	if s.cfg.Registers != nil {
		centres, err := s.cfg.Registers.Centres(ctx, kommun)
		if err != nil {
			return nil, err
		}
		for _, c := range centres {
			if !c.Closed {
				out = append(out, web.Choice{Value: "centre:" + c.Code, Label: c.Name, Hint: web.T(ctx, "Blir hälsocoach.")})
			}
		}
		units, err := s.cfg.Registers.Units(ctx, kommun)
		if err != nil {
			return nil, err
		}
		for _, u := range units {
			out = append(out, web.Choice{Value: u.Kind + ":" + u.ID, Label: u.Name, Hint: web.T(ctx, "Kan rekommendera invånare till hälsocentret.")})
		}
	}
	return append(out, web.Choice{
		Value: "kommun", Label: web.T(ctx, "%s kommun", halsocoach.KommunName(kommun)), Hint: web.T(ctx, "Blir kommunens administratör."),
	}), nil
}

// placeOf reads the answer back.
func placeOf(answer, kommun string) Invitation {
	kind, id, _ := strings.Cut(answer, ":")
	inv := Invitation{Kommun: kommun}
	switch kind {
	case "centre":
		inv.Role, inv.Centre = halsocoach.RoleCoach, id
	case "vårdcentral":
		inv.Role, inv.Unit = halsocoach.RoleCareCentre, id
	case "förening":
		inv.Role, inv.Unit = halsocoach.RoleAssociation, id
	case "kommun", "region", "family":
		inv.Role = halsocoach.Role(kind)
	}
	return inv
}

func (s *Service) invite(c *fiber.Ctx) error {
	ctx, who, f := web.Ctx(c), web.Who(c), web.ReadForm(c)
	kommun := staffKommun(who, f.Get("kommun"))
	link, err := s.invitePlace(ctx, who, f.Get("place"), kommun)
	if f.Failed(err) {
		return s.showInvite(c, f, kommun)
	}
	if err != nil {
		return err
	}
	return s.showLink(c, link)
}

func (s *Service) invitePlace(ctx context.Context, who halsocoach.Actor, place, kommun string) (string, error) {
	if err := s.allowStaffOf(who, kommun); err != nil {
		return "", err
	}
	inv := placeOf(place, kommun)
	if inv.Role == "" {
		return "", halsocoach.Invalid(halsocoach.Field{Name: "place", Text: "Välj var personen arbetar."})
	}
	return s.Invite(ctx, who, inv)
}

// The link is shown once, on the page after the post. Until then it lies in a
// cookie of the administrator's own browser, since we keep only its hash. A sign-out clears it.
const (
	LinkCookie = "inbjudan"
	linkLasts  = 5 * time.Minute
)

// made is the link in the cookie, sealed.
type made struct {
	Link string    `json:"link"`
	Who  string    `json:"who"` // staff id
	Ends time.Time `json:"ends"`
}

func (s *Service) showLink(c *fiber.Ctx, link string) error {
	plain, err := json.Marshal(made{link, web.Who(c).ID, s.cfg.Clock().Add(linkLasts)})
	if err != nil {
		return err
	}
	s.cookies.Set(c, LinkCookie, s.cfg.Seal.Token("staff.link").Encrypt(plain), linkLasts)
	return web.Redirect(c, "/personal/lank", "")
}

// madeLink is the link that who has just made in this browser, or "".
func (s *Service) madeLink(c *fiber.Ctx, who halsocoach.Actor) string {
	plain, err := s.cfg.Seal.Token("staff.link").Decrypt(s.cookies.Get(c, LinkCookie))
	var m made
	if err != nil || json.Unmarshal(plain, &m) != nil || m.Who != who.ID || !s.cfg.Clock().Before(m.Ends) {
		return ""
	}
	return m.Link
}

func (s *Service) linkPage(c *fiber.Ctx) error {
	who := web.Who(c)
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion); err != nil {
		return err
	}
	link := s.madeLink(c, who)
	if link == "" {
		return web.Redirect(c, "/personal", "")
	}
	s.cookies.Clear(c, LinkCookie)
	return web.Show(c, web.Page{Title: "Länken är klar", Active: "/personal"}, linkReady(link, s.cfg.Clock().Add(invitationLasts)))
}

func (s *Service) newLink(c *fiber.Ctx) error {
	link, err := s.Invite(web.Ctx(c), web.Who(c), Invitation{Staff: c.Params("id")})
	if err != nil {
		return err
	}
	return s.showLink(c, link)
}

func (s *Service) endPage(c *fiber.Ctx) error {
	ctx, who, id := web.Ctx(c), web.Who(c), c.Params("id")
	if err := s.AllowMember(who, id); err != nil {
		return err
	}
	m, _ := s.members.Get(id)
	place := s.PlaceName(ctx, Invitation{Role: m.Role, Kommun: m.Kommun, Centre: m.Centre, Unit: m.Unit})
	return web.Show(c, web.Page{Title: "Avsluta konto", Active: "/personal"}, endMember(staffRow{m, place, m.ID == who.ID}, web.NewForm(c)))
}

func (s *Service) end(c *fiber.Ctx) error {
	m, err := s.End(web.Ctx(c), web.Who(c), c.Params("id"))
	return web.Done(c, err, "/personal?kommun="+halsocoach.CountyOr(m.Kommun), "Kontot är avslutat. Personen är utloggad överallt.")
}
