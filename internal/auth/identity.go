package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/staff"
	"halsocoach/internal/store"
)

// Door is a provider of sign-ins as the pages show it.
type Door struct {
	ID, Title       string
	Citizens, Staff bool // whom it is for
}

// Ways are the providers of an installation: package oidc has them.
type Ways interface {
	Doors() []Door
	// Leave is the address by which one signs out at the provider too, "" when
	// it has none.
	Leave(ctx context.Context, provider string) string
}

// links is an installation without providers: staff come in by links.
type links struct{}

func (links) Doors() []Door                        { return nil }
func (links) Leave(context.Context, string) string { return "" }

// Trust takes the providers into use. Call it before the first request.
func (s *Service) Trust(w Ways) { s.ways = w }

// doors are the providers for citizens or for staff.
func (s *Service) doors(staff bool) (all []Door) {
	for _, d := range s.ways.Doors() {
		if staff && d.Staff || !staff && d.Citizens {
			all = append(all, d)
		}
	}
	return all
}

// Proof is what a provider has proved about the one who signs in: a citizen by
// Number, one of the staff by Identity.
type Proof struct {
	Provider string   `json:"provider"`
	Issuer   string   `json:"issuer,omitempty"`
	Bonds    []string `json:"bonds,omitempty"`
	Name     string   `json:"name,omitempty"`
	Device   string   `json:"device,omitempty"`

	Number    halsocoach.Number `json:"-"`
	Protected bool              `json:"-"`
	Kommun    string            `json:"-"`

	// Identity is "hsa:SE…", "person:<opaque id>" or "sub:<hash of issuer and
	// subject>". No personnummer stands in it.
	Identity string `json:"identity,omitempty"`
	// Speaks says that the provider is trusted with the identity whoever tied it;
	// another one is believed only where it was tied by itself.
	Speaks bool `json:"speaks,omitempty"`
}

// The faults of a proven sign-in.
var (
	ErrNobody  = halsocoach.Forbidden("Din inloggning fungerar, men du finns inte i personalregistret.")
	ErrEnded   = halsocoach.Forbidden("Ditt konto är avslutat.")
	ErrTwo     = halsocoach.Conflict("two_accounts", "Din inloggning hör till två konton. Vi kan inte veta vilket du menar.")
	ErrTaken   = halsocoach.Conflict("identity_taken", "Din inloggning hör redan till ett annat konto.")
	ErrProve   = halsocoach.Forbidden("Logga in först, så att länken kan knytas till dig.")
	ErrLastWay = halsocoach.Conflict("own_identity", "Du kan inte ta bort din egen inloggning. Be en annan administratör.")
)

// identity is the document by which one proven identity belongs to one member:
// its id is made from the identity, so that of two claims one wins. It also says
// since when, who opened the way for it, and which providers have tied it.
type identity struct {
	ID       string    `json:"id"`
	Identity string    `json:"identity"`
	Person   string    `json:"person"` // staff id
	Provider string    `json:"provider,omitempty"`
	By       string    `json:"by,omitempty"` // staff id of who made the link
	At       time.Time `json:"at"`
	Ties     []tie     `json:"ties,omitempty"`
}

// tie is that one provider's word for an identity opens the account.
type tie struct {
	Provider string `json:"provider,omitempty"`
	Issuer   string `json:"issuer"`
	Via      string `json:"via,omitempty"` // see Actor.Via
}

// tied is by what the proof was tied to the member: false when another provider
// did and this one is not trusted with it.
func (d identity) tied(member string, p Proof) (via string, ok bool) {
	own := p.Speaks || strings.HasPrefix(p.Identity, subjectPrefix) // the issuer is in it
	if d.Person != member {
		return "", own
	}
	for _, t := range d.Ties {
		if t.Issuer == p.Issuer {
			return t.Via, true
		}
		via = cmp.Or(via, t.Via)
	}
	return via, own
}

var identityKind = store.Kind{Name: "identity", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person")}},
}}

func identityID(of string) string { return halsocoach.IDFrom("identity", of) }

// once is something that may happen one time.
type once struct {
	ID   string    `json:"id"`
	Ends time.Time `json:"ends"`
}

var onceKind = store.Kind{Name: "once", NoPerson: true, Indexes: []store.Index{
	{Name: "ends", Fields: []store.Field{store.D("ends")}},
}}

// ErrAgain says that it has happened already.
var ErrAgain = errors.New("auth: a second time")

// Once is nil the first time for an id on any node, ErrAgain after that. It is
// remembered until ends.
func (s *Service) Once(ctx context.Context, id string, ends time.Time) error {
	err := s.onces.Insert(ctx, id, once{id, ends.UTC()})
	if errors.Is(err, store.ErrConflict) {
		return ErrAgain
	}
	if err != nil {
		return fmt.Errorf("once: %w", err)
	}
	return nil
}

// PersonIdentity is the identity of one of the staff who signs in by number: the
// person's opaque id stands for it.
func (s *Service) PersonIdentity(ctx context.Context, n halsocoach.Number) (string, error) {
	person, err := s.cfg.Seal.Person(ctx, n)
	if err != nil {
		return "", fmt.Errorf("identify by number: %w", err)
	}
	return "person:" + person, nil
}

// SubjectIdentity is the identity of one of the staff at a provider that says
// nothing else: issuer and subject.
func SubjectIdentity(issuer, subject string) string {
	return subjectPrefix + halsocoach.IDFrom("subject", issuer, subject)
}

const subjectPrefix = "sub:"

// HSAIdentity is the identity of one of the staff with an HSA-id.
func HSAIdentity(id string) string { return "hsa:" + strings.ToUpper(strings.TrimSpace(id)) }

// holder is the member that an identity belongs to. A closed account holds
// nothing when there is an open one.
func (s *Service) holder(of string) (staff.Member, error) {
	all := s.staff.With(of)
	open := slices.DeleteFunc(slices.Clone(all), func(m staff.Member) bool { return m.Ended != "" })
	switch {
	case len(open) == 1:
		return open[0], nil
	case len(open) > 1:
		return staff.Member{}, ErrTwo
	case len(all) > 0:
		return staff.Member{}, ErrEnded
	}
	return staff.Member{}, ErrNobody
}

// SignInBy begins the session of somebody whom a provider has proved.
func (s *Service) SignInBy(ctx context.Context, p Proof) (Signed, error) {
	id := Identity{Provider: p.Provider, Bonds: p.Bonds, Device: p.Device}
	if p.Identity == "" {
		id.Number, id.Name, id.Protected, id.Kommun = p.Number, p.Name, p.Protected, p.Kommun
		return s.SignInAs(ctx, id)
	}
	m, err := s.holder(p.Identity)
	if err != nil {
		return Signed{}, err
	}
	d, err := s.identities.Get(ctx, identityID(p.Identity))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Signed{}, fmt.Errorf("read how a sign-in was tied: %w", err)
	}
	ok := false
	if id.via, ok = d.tied(m.ID, p); !ok {
		s.cfg.Log.Warn("proven sign-in that another provider has tied: make a new sign-in link, or see speaksFor in docs/sign-in.md", "provider", p.Provider)
		return Signed{}, ErrNobody
	}
	id.Staff = m.ID
	return s.SignInAs(ctx, id)
}

// mayBind says whether the identity can become the member's: it is free, theirs
// already, or a closed account's.
func (s *Service) mayBind(member, of string) error {
	m, err := s.holder(of)
	if err == nil && m.ID != member {
		return ErrTaken
	}
	if errors.Is(err, ErrTwo) {
		return err
	}
	return nil
}

// claimStale is how old a claim is that came to nothing, by a node that died
// between its two steps.
const claimStale = time.Minute

// bind ties the identity to the member. Of two who try the same, one gets
// ErrTaken. What the provider has tied already stays as it was.
func (s *Service) bind(ctx context.Context, used staff.Accepted, p Proof) error {
	id := used.Member
	if err := s.mayBind(id, p.Identity); err != nil {
		return err
	}
	now := s.cfg.Clock().UTC()
	claim := identity{ID: identityID(p.Identity), Identity: p.Identity, Person: id, Provider: p.Provider, By: used.Maker, At: now}
	here := tie{p.Provider, p.Issuer, used.Via}
	_, err := s.identities.Upsert(ctx, claim.ID, func(have *identity) ([]halsocoach.Event, error) {
		if have.Person != "" && have.Person != id {
			holds, ok := s.staff.Get(have.Person)
			if ok && holds.Ended == "" && (slices.Contains(holds.Identities, p.Identity) || now.Sub(have.At) < claimStale) {
				return nil, ErrTaken
			}
		}
		ties := []tie{here}
		if have.Person == id {
			if slices.ContainsFunc(have.Ties, func(t tie) bool { return t.Issuer == p.Issuer }) {
				return nil, nil
			}
			ties = append(slices.Clone(have.Ties), here)
		}
		*have = claim
		have.Ties = ties
		return nil, nil
	})
	if err != nil {
		return err
	}
	if err = s.staff.Tie(ctx, id, p.Identity); err == nil {
		s.cfg.Log.Info("sign-in tied to a member", "member", id, "provider", p.Provider, "link by", used.Maker)
	}
	return err
}

// Bound is an identity of a member as pages show it.
type Bound struct {
	Ref, Text, Provider string
	ByName              string
	At                  time.Time // zero: entered with the member
}

// identitiesOf are the proven ways in of a member, the oldest first.
func (s *Service) identitiesOf(ctx context.Context, m staff.Member) ([]Bound, error) {
	claims, _, err := s.identities.Find(ctx, store.Query{Index: "person", Equal: []any{m.ID}})
	if err != nil {
		return nil, fmt.Errorf("read the sign-ins of a member: %w", err)
	}
	out := make([]Bound, 0, len(m.Identities))
	for _, of := range m.Identities {
		b := Bound{Ref: identityID(of)}
		if hsa, ok := strings.CutPrefix(of, "hsa:"); ok {
			b.Text = hsa
		}
		for _, c := range claims {
			if c.Identity == of {
				by, _ := s.staff.Get(c.By)
				b.At, b.ByName, b.Provider = c.At, by.Name, s.titleOf(c.Provider)
			}
		}
		out = append(out, b)
	}
	return out, nil
}

// titleOf is what the sign-in page calls a provider.
func (s *Service) titleOf(provider string) string {
	for _, d := range s.ways.Doors() {
		if d.ID == provider {
			return d.Title
		}
	}
	return provider
}

// Unbind takes a proven way in from a member, and with it the member's links and
// sessions everywhere, since one of them may have come by it.
func (s *Service) Unbind(ctx context.Context, who halsocoach.Actor, id, ref string) error {
	if err := s.staff.AllowMember(who, id); err != nil {
		return err
	}
	if who.ID == id {
		return ErrLastWay
	}
	m, _ := s.staff.Get(id)
	i := slices.IndexFunc(m.Identities, func(of string) bool { return identityID(of) == ref })
	if i < 0 {
		return nil // removed already
	}
	if err := s.staff.Forget(ctx, id); err != nil {
		return err
	}
	if err := s.loosen(ctx, id, m.Identities[i]); err != nil {
		return err
	}
	s.cfg.Log.Info("sign-in removed from a member", "member", id, "by", who.ID)
	return s.endAll(ctx, id, "")
}

// loosen takes an identity from a member.
func (s *Service) loosen(ctx context.Context, id, of string) error {
	if err := s.staff.Untie(ctx, id, of); err != nil {
		return err
	}
	err := s.identities.Delete(ctx, identityID(of), func(c identity) ([]halsocoach.Event, error) {
		if c.Person != id {
			return nil, halsocoach.ErrNotFound
		}
		return nil, nil
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("remove a sign-in: %w", err)
	}
	return nil
}
