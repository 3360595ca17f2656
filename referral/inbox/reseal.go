package inbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/referral"
)

// shielded says whether anything there is about the two says that they have protected
// identity.
func (s *Service) shielded(ctx context.Context, m Merge) (bool, error) {
	shielded, err := s.Referrals.Shielded(ctx, m.Person)
	if err == nil && !shielded {
		shielded, err = s.Referrals.Shielded(ctx, m.Absorbed)
	}
	return shielded, err
}

// mend seals anew what was sealed for somebody who had just become r's person, and
// was put in all the same.
func (s *Service) mend(ctx context.Context, r referral.Referral) error {
	merged, err := s.into(ctx, r.Person)
	if err != nil {
		return err
	}
	for _, m := range merged {
		if m.Undone != nil || m.Due == nil {
			continue
		}
		boxes := map[string]seal.Sealed{}
		err := r.Sealed(func(purpose string, box *seal.Sealed) error {
			boxes[string(*box)] = *box
			if _, err := s.Referrals.Seal.Open(ctx, m.Person, purpose, *box); !errors.Is(err, seal.ErrBox) {
				return err
			}
			plain, err := s.Referrals.Seal.Open(ctx, m.Absorbed, purpose, *box)
			if err == nil {
				boxes[string(*box)], err = s.Referrals.Seal.Seal(ctx, m.Person, purpose, plain)
			}
			return err
		})
		if errors.Is(err, seal.ErrBox) {
			continue // it was sealed for another of those
		}
		if err == nil {
			_, err = s.Referrals.Change(ctx, r.ID, func(r *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
				if r.Person != m.Person {
					return nil, nil
				}
				return []halsocoach.Event{halsocoach.Happened(referral.EventChanged, now, halsocoach.KommunOfCentre(r.Centre), r.ID, nil)}, rename(r, m.Absorbed, m.Person, boxes)
			})
		}
		return err
	}
	return seal.ErrBox
}

// renamed is a copy that is another person's, sealed anew.
func (s *Service) renamed(ctx context.Context, r referral.Referral, from, to string) (referral.Referral, error) {
	boxes, err := s.reseal(ctx, r, from, to)
	if err != nil {
		return r, err
	}
	r.Sendings, r.Attempts = slices.Clone(r.Sendings), slices.Clone(r.Attempts)
	return r, rename(&r, from, to, boxes)
}

// reseal opens what is sealed for from and seals it for to: new boxes by the old
// ones.
func (s *Service) reseal(ctx context.Context, r referral.Referral, from, to string) (map[string]seal.Sealed, error) {
	out := map[string]seal.Sealed{}
	err := r.Sealed(func(purpose string, box *seal.Sealed) error {
		if len(*box) == 0 {
			return nil
		}
		plain, err := s.Referrals.Seal.Open(ctx, from, purpose, *box)
		if err != nil {
			return err
		}
		out[string(*box)], err = s.Referrals.Seal.Seal(ctx, to, purpose, plain)
		return err
	})
	return out, err
}

// rename gives r to another person: it puts the new boxes in and lets what the
// person did themselves be theirs. errNew says that something was sealed meanwhile.
func rename(r *referral.Referral, from, to string, boxes map[string]seal.Sealed) error {
	r.Person = to
	for i := range r.Sendings {
		x := &r.Sendings[i]
		by := []*string{&x.Sender, &x.Consent.Asked, &x.Consent.BackBy}
		if x.Gone != nil {
			gone := *x.Gone // a copy may share it
			x.Gone, by = &gone, append(by, &gone.By)
		}
		for _, by := range by {
			if *by == from {
				*by = to
			}
		}
	}
	return r.Sealed(func(_ string, box *seal.Sealed) error {
		if len(*box) == 0 {
			return nil
		}
		fresh, ok := boxes[string(*box)]
		if !ok {
			return errNew
		}
		*box = fresh
		return nil
	})
}
