package auth

import (
	"cmp"
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
	Wish   string          `json:"wish,omitempty"` // digest of the acceptance
	Open   string          `json:"open,omitempty"` // whose it is, while it can be used: a kommun or the county
}

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
		if err := s.allowMember(who, inv.Staff); err != nil {
			return "", err
		}
		m, _ := s.staff.Get(inv.Staff)
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

// withdraw makes a link worthless that nobody has used. What is used, late or
// withdrawn already is no fault.
func (s *Service) withdraw(ctx context.Context, who halsocoach.Actor, id string) error {
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

// offer is what an invitation's page shows.
type offer struct {
	Invitation
	Name string // of a known member
	By   string
	Ends time.Time
	Used bool
}

// offer reads the invitation of a link.
func (s *Service) offer(ctx context.Context, token string) (offer, error) {
	d, err := s.openInvitation(ctx, token)
	if err != nil {
		return offer{}, err
	}
	o := offer{Invitation: Invitation{Role: d.Role, Kommun: d.Kommun, Centre: d.Centre, Unit: d.Unit}, By: d.By, Ends: d.Ends, Used: d.Used != nil}
	if d.Known {
		m, ok := s.staff.Get(d.Staff)
		if !ok || m.Ended != "" {
			return offer{}, ErrInvitation
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
	maker, ok := s.staff.Get(d.Maker)
	who := halsocoach.Actor{ID: maker.ID, Role: maker.Role, Kommun: maker.Kommun}
	if !ok || maker.Ended != "" || !mayManage(who, d.Role, d.Kommun) {
		return false
	}
	m, ok := s.staff.Get(d.Staff)
	return !d.Known || !ok || mayManage(who, m.Role, m.Kommun)
}

// forget removes links: those for a member, and with made also those that nobody
// has used of the ones they made.
func (s *Service) forget(ctx context.Context, member string, made bool) error {
	remove := func(index string, which func(invitation) bool) error {
		for after := ""; ; {
			found, next, err := s.invitations.Find(ctx, store.Query{Index: index, Equal: []any{member}, After: after})
			if err != nil {
				return fmt.Errorf("find the links of a member: %w", err)
			}
			for _, d := range found {
				if !which(d) {
					continue
				}
				if err := s.invitations.Delete(ctx, d.ID, nil); err != nil && !errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("remove a link: %w", err)
				}
			}
			if after = next; after == "" {
				return nil
			}
		}
	}
	if err := remove("person", func(invitation) bool { return true }); err != nil || !made {
		return err
	}
	return remove("maker", func(d invitation) bool { return d.Used == nil })
}

// acceptance is what somebody answers to an invitation.
type acceptance struct {
	Name   string
	Device string
	Proof  *Proof // of who they are, where a provider is trusted with staff
}

// wish is what ties a repeat to the first time: the name, and who was proved.
func (a acceptance) wish(name string) []string {
	if a.Proof == nil {
		return []string{name}
	}
	return []string{name, a.Proof.Identity, a.Proof.Issuer}
}

// accept uses the link: it makes the member, or for a known one only opens the
// door, and begins a session. Where a provider is trusted with staff the link
// opens nothing by itself: it ties the proven sign-in to the member. The same
// wish sent twice is one wish; another one gets ErrUsed.
func (s *Service) accept(ctx context.Context, token string, a acceptance, req halsocoach.Request) (Signed, error) {
	name := strings.Join(strings.Fields(a.Name), " ")
	d, err := s.openInvitation(ctx, token)
	if err != nil {
		return Signed{}, err
	}
	if len(s.doors(true)) == 0 {
		a.Proof = nil
	} else if a.Proof == nil || a.Proof.Identity == "" {
		return Signed{}, ErrProve
	} else if err := s.mayBind(d.Staff, a.Proof.Identity); err != nil {
		return Signed{}, err
	}
	m := Member{ID: d.Staff, Name: name, Role: d.Role, Kommun: d.Kommun, Centre: d.Centre, Unit: d.Unit}
	if d.Used == nil && !d.Known {
		if err := halsocoach.Invalid(m.check()...); err != nil {
			return Signed{}, err
		}
	}
	now, wish := s.cfg.Clock().UTC(), req.Digest(a.wish(name))
	d, err = s.invitations.Update(ctx, d.ID, func(d *invitation) ([]halsocoach.Event, error) {
		if d.Used != nil && (d.Wish != wish || now.Sub(*d.Used) > acceptAgain) {
			return nil, ErrUsed
		}
		if d.Used == nil {
			d.Used, d.Wish, d.Open = &now, wish, ""
		}
		return nil, nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return Signed{}, ErrInvitation
	}
	if err != nil {
		return Signed{}, err
	}
	if !d.Known {
		if err := s.join(ctx, m); err != nil {
			return Signed{}, err
		}
	}
	id := Identity{Staff: d.Staff, Device: a.Device, via: d.via()}
	if a.Proof != nil {
		if err := s.bind(ctx, d.Staff, *a.Proof, d.Maker, d.via()); err != nil {
			return Signed{}, err
		}
		// Who removed a sign-in meanwhile has removed the links before it.
		if _, err := s.invitations.Get(ctx, d.ID); errors.Is(err, store.ErrNotFound) {
			return Signed{}, cmp.Or(s.loosen(ctx, d.Staff, a.Proof.Identity), error(ErrInvitation))
		} else if err != nil {
			return Signed{}, fmt.Errorf("read the invitation: %w", err)
		}
		id.Provider, id.Bonds = a.Proof.Provider, a.Proof.Bonds
	}
	return s.SignInAs(ctx, id)
}

// via is who made the link, when it opens the account of somebody who was in the
// register already, and it was not they.
func (d invitation) via() string {
	if !d.Known || d.Maker == d.Staff {
		return ""
	}
	return d.Maker
}

// acceptAgain is how long the same wish may come again: a double click, or a
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
