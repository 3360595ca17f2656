package staff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Invitation is what a new colleague is offered, or with Staff a new way in for
// one who is in the register already.
type Invitation struct {
	Role                 halsocoach.Role
	Kommun, Centre, Unit string
	Staff                string
}

// invitation is the document. Its id is the hash of the token in the link, so
// that what is stored opens no door.
type invitation struct {
	ID     string          `json:"id"`
	Role   halsocoach.Role `json:"role"`
	Kommun string          `json:"kommun,omitempty"`
	Centre string          `json:"centre,omitempty"`
	Unit   string          `json:"unit,omitempty"`
	Staff  string          `json:"person"` // of the member it is for, or who it makes
	Known  bool            `json:"known,omitempty"`
	By     string          `json:"by"`              // name of who invites, shown on the page
	Maker  string          `json:"maker,omitempty"` // staff id of who invites
	Made   time.Time       `json:"made"`
	Ends   time.Time       `json:"ends"`
	Used   *time.Time      `json:"used,omitempty"`
	Digest string          `json:"digest,omitempty"` // of the acceptance
	Open   string          `json:"open,omitempty"`   // whose it is, while it can be used: a kommun or the county
}

// The faults of a link.
var (
	ErrInvitation = halsocoach.NotFound("Länken gäller inte längre. Den som bjöd in dig kan göra en ny.")
	ErrUsed       = halsocoach.Conflict("used", "Länken har redan använts. Den som bjöd in dig kan göra en ny.")
	ErrNoAccount  = halsocoach.Forbidden("Det finns inget öppet konto för dig här. Vänd dig till den som bjöd in dig.")
)

// invitationLasts is how long a link can be used; a used or late one is kept so
// that its page can say what happened.
const (
	invitationLasts = 7 * 24 * time.Hour
	keepInvitations = 30 * 24 * time.Hour
)

var invitationKind = store.Kind{Name: "invitation", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person")}},
	{Name: "maker", Fields: []store.Field{store.T("maker")}},
	{Name: "ends", Fields: []store.Field{store.D("ends")}},
	{Name: "open", Fields: []store.Field{store.T("open"), store.D("made")}},
}}

// hashOf is the id of the token's invitation.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte("invitation\x00" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Invite makes a single-use link by which somebody joins the staff. The link is
// shown once and not stored; making another does not undo the first.
func (s *Service) Invite(ctx context.Context, who halsocoach.Actor, inv Invitation) (link string, err error) {
	if !who.SignedIn() {
		return "", halsocoach.ErrSignIn
	}
	d := invitation{Role: inv.Role, Kommun: inv.Kommun, Centre: inv.Centre, Unit: inv.Unit, By: who.Name, Maker: who.ID}
	if inv.Staff != "" {
		if err := s.AllowMember(who, inv.Staff); err != nil {
			return "", err
		}
		m, _ := s.members.Get(inv.Staff)
		if m.Ended != "" {
			return "", ErrNoAccount
		}
		d = invitation{Role: m.Role, Kommun: m.Kommun, Centre: m.Centre, Unit: m.Unit, Staff: m.ID, Known: true, By: who.Name, Maker: who.ID}
	} else if err := s.complete(ctx, who, &d); err != nil {
		return "", err
	}
	var secret [32]byte
	rand.Read(secret[:])
	token := base64.RawURLEncoding.EncodeToString(secret[:])
	d.ID, d.Made = hashOf(token), s.cfg.Clock().UTC()
	d.Ends, d.Open = d.Made.Add(invitationLasts), halsocoach.CountyOr(d.Kommun)
	if d.Staff == "" {
		d.Staff = halsocoach.IDFrom("staff", d.ID)
	}
	if err := s.invitations.Insert(ctx, d.ID, d); err != nil {
		return "", fmt.Errorf("invite: %w", err)
	}
	return s.cfg.PublicURL + "/inbjudan/" + token, nil
}

// waiting are the links of a kommun, or of the county, that nobody has used yet,
// the newest first: at most a hundred.
func (s *Service) waiting(ctx context.Context, who halsocoach.Actor, kommun string) ([]invitation, error) {
	if err := s.allowStaffOf(who, kommun); err != nil {
		return nil, err
	}
	found, _, err := s.invitations.Find(ctx, store.Query{Index: "open", Equal: []any{kommun}, From: s.cfg.Clock().Add(-invitationLasts), Back: true})
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return found, nil
}

// Withdraw makes a link worthless that nobody has used. What is used, late or
// withdrawn already is no fault.
func (s *Service) Withdraw(ctx context.Context, who halsocoach.Actor, id string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleKommun, halsocoach.RoleRegion); err != nil {
		return err
	}
	err := s.invitations.Delete(ctx, id, func(d invitation) ([]halsocoach.Event, error) {
		if d.Used != nil || !mayManage(who, d.Role, d.Kommun) {
			return nil, halsocoach.ErrNotFound
		}
		return nil, nil
	})
	if err != nil && !errors.Is(err, halsocoach.ErrNotFound) {
		return fmt.Errorf("withdraw an invitation: %w", err)
	}
	return nil
}

// complete checks an invitation of somebody new, and leaves in it only what
// belongs to the role.
func (s *Service) complete(ctx context.Context, who halsocoach.Actor, d *invitation) error {
	if d.Kommun == "" && d.Centre != "" {
		d.Kommun = halsocoach.KommunOfCentre(d.Centre)
	}
	if d.Kommun == "" && who.Role == halsocoach.RoleKommun {
		d.Kommun = who.Kommun
	}
	if !slices.Contains(halsocoach.Roles, d.Role) || d.Role == halsocoach.RoleCitizen {
		return halsocoach.Invalid(halsocoach.Field{Name: "role", Text: "Välj vad personen ska göra här."})
	}
	if !local(d.Role) {
		d.Kommun, d.Centre, d.Unit = "", "", ""
	} else if _, ok := halsocoach.KommunByCode(d.Kommun); !ok {
		return halsocoach.Invalid(halsocoach.Field{Name: "kommun", Text: "Välj en av länets kommuner."})
	}
	if !mayManage(who, d.Role, d.Kommun) {
		return halsocoach.ErrForbidden
	}
	return s.completeUnit(ctx, d)
}

func (s *Service) completeUnit(ctx context.Context, d *invitation) error {
	switch d.Role {
	case halsocoach.RoleCoach:
		d.Unit = ""
		if d.Centre == "" {
			d.Centre = d.Kommun
		}
		if s.cfg.Registers == nil {
			break
		}
		c, err := s.cfg.Registers.Centre(ctx, d.Centre)
		if err != nil && !errors.Is(err, halsocoach.ErrNotFound) {
			return err
		}
		if err != nil || c.Kommun != d.Kommun || c.Closed {
			return halsocoach.Invalid(halsocoach.Field{Name: "centre", Text: "Välj ett hälsocenter i kommunen."})
		}
	case halsocoach.RoleCareCentre, halsocoach.RoleAssociation:
		d.Centre = ""
		bad := halsocoach.Invalid(halsocoach.Field{Name: "unit", Text: "Välj den vårdcentral eller förening som personen arbetar för."})
		if d.Unit == "" {
			return bad
		}
		if s.cfg.Registers == nil {
			break
		}
		u, err := s.cfg.Registers.Unit(ctx, d.Unit)
		if err != nil && !errors.Is(err, halsocoach.ErrNotFound) {
			return err
		}
		if err != nil || u.Kommun != d.Kommun || (u.Kind == "vårdcentral") != (d.Role == halsocoach.RoleCareCentre) {
			return bad
		}
	default:
		d.Centre, d.Unit = "", ""
	}
	return nil
}

// Offer is what an invitation's page shows.
type Offer struct {
	Invitation
	Member string // id of the member that it is for or will make
	Name   string // of a known member
	By     string
	Ends   time.Time
	Used   bool
}

// Offer reads the invitation of a link.
func (s *Service) Offer(ctx context.Context, token string) (Offer, error) {
	d, err := s.openInvitation(ctx, token)
	if err != nil {
		return Offer{}, err
	}
	o := Offer{Invitation: Invitation{Role: d.Role, Kommun: d.Kommun, Centre: d.Centre, Unit: d.Unit}, Member: d.Staff, By: d.By, Ends: d.Ends, Used: d.Used != nil}
	if d.Known {
		m, ok := s.members.Get(d.Staff)
		if !ok || m.Ended != "" {
			return Offer{}, ErrInvitation
		}
		o.Staff, o.Name = m.ID, m.Name
	}
	return o, nil
}

func (s *Service) openInvitation(ctx context.Context, token string) (invitation, error) {
	d, err := s.invitations.Get(ctx, hashOf(token))
	if errors.Is(err, store.ErrNotFound) {
		return d, ErrInvitation
	}
	if err != nil {
		return d, fmt.Errorf("read the invitation: %w", err)
	}
	if d.Used == nil && !s.cfg.Clock().Before(d.Ends) || !s.stillMeant(d) {
		return d, ErrInvitation
	}
	return d, nil
}

// stillMeant says whether who made the link works here and could make it now: a
// link gives no more than its maker has.
func (s *Service) stillMeant(d invitation) bool {
	if strings.HasPrefix(d.Maker, halsocoach.System("").ID) {
		return true
	}
	maker, ok := s.members.Get(d.Maker)
	who := halsocoach.Actor{ID: maker.ID, Role: maker.Role, Kommun: maker.Kommun}
	if !ok || maker.Ended != "" || !mayManage(who, d.Role, d.Kommun) {
		return false
	}
	m, ok := s.members.Get(d.Staff)
	return !d.Known || !ok || mayManage(who, m.Role, m.Kommun)
}

// Forget removes the links for a member.
func (s *Service) Forget(ctx context.Context, member string) error {
	return s.forget(ctx, member, false)
}

// forget removes links: those for a member, and with made also those that nobody
// has used of the ones they made.
func (s *Service) forget(ctx context.Context, member string, made bool) error {
	remove := func(index string, which func(invitation) bool) error {
		for d, err := range s.invitations.All(ctx, store.Query{Index: index, Equal: []any{member}}) {
			if err != nil {
				return fmt.Errorf("find the links of a member: %w", err)
			}
			if !which(d) {
				continue
			}
			if err := s.invitations.Delete(ctx, d.ID, nil); err != nil && !errors.Is(err, store.ErrNotFound) {
				return fmt.Errorf("remove a link: %w", err)
			}
		}
		return nil
	}
	if err := remove("person", func(invitation) bool { return true }); err != nil || !made {
		return err
	}
	return remove("maker", func(d invitation) bool { return d.Used == nil })
}

// Accepted is a link that has been used.
type Accepted struct {
	ID     string // of the invitation
	Member string
	Maker  string // staff id of who made the link
	Via    string // see Actor.Via
}

// Accept uses the link: it makes the member, or for a known one only says who they
// are. digest ties a repeat to the first time; with another one it is ErrUsed.
func (s *Service) Accept(ctx context.Context, token, name, digest string) (Accepted, error) {
	d, err := s.openInvitation(ctx, token)
	if err != nil {
		return Accepted{}, err
	}
	m := Member{ID: d.Staff, Name: name, Role: d.Role, Kommun: d.Kommun, Centre: d.Centre, Unit: d.Unit}
	if d.Used == nil && !d.Known {
		if err := halsocoach.Invalid(m.check()...); err != nil {
			return Accepted{}, err
		}
	}
	now := s.cfg.Clock().UTC()
	d, err = s.invitations.Update(ctx, d.ID, func(d *invitation) ([]halsocoach.Event, error) {
		if d.Used != nil && (d.Digest != digest || now.Sub(*d.Used) > acceptAgain) {
			return nil, ErrUsed
		}
		if d.Used == nil {
			d.Used, d.Digest, d.Open = &now, digest, ""
		}
		return nil, nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return Accepted{}, ErrInvitation
	}
	if err != nil {
		return Accepted{}, err
	}
	if !d.Known {
		if err := s.join(ctx, m); err != nil {
			return Accepted{}, err
		}
	}
	return Accepted{ID: d.ID, Member: d.Staff, Maker: d.Maker, Via: d.via()}, nil
}

// Stands says whether a link that was accepted has not been removed meanwhile.
func (s *Service) Stands(ctx context.Context, invitation string) (bool, error) {
	_, err := s.invitations.Get(ctx, invitation)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the invitation: %w", err)
	}
	return true, nil
}

// via is who made the link, when it opens the account of somebody who was in the
// register already, and it was not they.
func (d invitation) via() string {
	if !d.Known || d.Maker == d.Staff {
		return ""
	}
	return d.Maker
}

// acceptAgain is how long the same request may come again: a double click, or a
// request that got no answer.
const acceptAgain = 10 * time.Minute

// join makes the member once: one who has been changed or ended since stays so.
func (s *Service) join(ctx context.Context, m Member) error {
	_, err := s.change(ctx, m.ID, true, func(have *Member) error {
		if have.ID == "" {
			*have = m
		}
		return nil
	})
	return err
}
