package auth

import (
	"cmp"
	"context"
	"strings"

	"halsocoach"
	"halsocoach/internal/staff"
)

// acceptance is what somebody answers to an invitation.
type acceptance struct {
	Name   string
	Device string
	Proof  *Proof // of who they are, where a provider is trusted with staff
}

// answer is what ties a repeat to the first time: the name, and who was proved.
func (a acceptance) answer(name string) []string {
	if a.Proof == nil {
		return []string{name}
	}
	return []string{name, a.Proof.Identity, a.Proof.Issuer}
}

// accept uses the link and begins a session. Where a provider is trusted with staff
// the link opens nothing by itself: it ties the proven sign-in to the member. The
// same answer sent twice is one; another one gets staff.ErrUsed.
func (s *Service) accept(ctx context.Context, token string, a acceptance, req halsocoach.Request) (Signed, error) {
	name := strings.Join(strings.Fields(a.Name), " ")
	o, err := s.staff.Offer(ctx, token)
	if err != nil {
		return Signed{}, err
	}
	if len(s.doors(true)) == 0 {
		a.Proof = nil
	} else if a.Proof == nil || a.Proof.Identity == "" {
		return Signed{}, ErrProve
	} else if err := s.mayBind(o.Member, a.Proof.Identity); err != nil {
		return Signed{}, err
	}
	used, err := s.staff.Accept(ctx, token, name, req.Digest(a.answer(name)))
	if err != nil {
		return Signed{}, err
	}
	id := Identity{Staff: used.Member, Device: a.Device, via: used.Via}
	if a.Proof != nil {
		if err := s.bind(ctx, used, *a.Proof); err != nil {
			return Signed{}, err
		}
		// Who removed a sign-in meanwhile has removed the links before it.
		if stands, err := s.staff.Stands(ctx, used.ID); err != nil {
			return Signed{}, err
		} else if !stands {
			return Signed{}, cmp.Or(s.loosen(ctx, used.Member, a.Proof.Identity), error(staff.ErrInvitation))
		}
		id.Provider, id.Bonds = a.Proof.Provider, a.Proof.Bonds
	}
	return s.SignInAs(ctx, id)
}
