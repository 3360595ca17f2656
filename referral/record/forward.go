package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// bringOn makes the new recommendation of one that was forwarded, unless it is
// made, and notes that it is. Its id comes from the old one's and the new centre.
func (s *Records) bringOn(ctx context.Context, id string) error {
	old, err := s.referrals.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // erased since
	}
	if err != nil {
		return fmt.Errorf("forwarded %s: %w", id, err)
	}
	v := old.Verdict()
	if v == nil || v.What != Forward {
		return nil
	}
	if err := s.sendOn(ctx, old, *v); err != nil {
		return fmt.Errorf("bring %s on to %s: %w", id, v.To, err)
	}
	if old.Unsent == nil {
		return nil
	}
	_, err = s.Change(ctx, id, func(r *Referral, _ time.Time) ([]halsocoach.Event, error) {
		r.Unsent = nil
		return nil, nil
	})
	return err
}

func (s *Records) sendOn(ctx context.Context, old Referral, v Decision) error {
	next := Referral{ID: halsocoach.IDFrom("referral", old.ID, v.To), Person: old.Person, Centre: v.To, Received: v.At,
		Sex: old.Sex, AgeBand: old.AgeBand, From: old.ID}
	for _, x := range old.Holding() {
		if x.calledOff() {
			continue
		}
		x.Carried, x.Came, x.Changed, x.Mine = old.ID, v.At, time.Time{}, ""
		next.Sendings = append(next.Sendings, x)
	}
	if len(next.Sendings) == 0 {
		return nil
	}
	_, err := s.carriedTo(ctx, old.ID, next.Sendings[0].ID)
	if errors.Is(err, store.ErrNotFound) {
		if next, err = s.promised(ctx, next); err == nil {
			_, _, err = s.receive(ctx, next, received(next, false, false)) // it was counted when it was first received
		}
	}
	if err != nil {
		return err
	}
	return s.FollowBack(ctx, old.ID) // what was said while it was brought on
}

// FollowBack takes back, in what came of a forwarded recommendation, the consents
// that its senders have said are taken back.
func (s *Records) FollowBack(ctx context.Context, id string) error {
	old, err := s.referrals.Get(ctx, id)
	if err != nil {
		return err
	}
	for _, x := range old.Sendings {
		if !x.calledOff() {
			continue
		}
		there, err := s.carriedTo(ctx, old.ID, x.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue // not brought on: then it is left behind
		}
		if err != nil {
			return err
		}
		who := halsocoach.Actor{ID: x.Sender, Role: halsocoach.RoleCareCentre}
		after, err := s.Change(ctx, there.ID, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
			i := slices.IndexFunc(r.Sendings, func(y Sending) bool { return y.ID == x.ID })
			if i < 0 {
				return nil, nil
			}
			return r.ConsentBack(i, who, now)
		})
		if err == nil && after.State == Forwarded {
			err = s.FollowBack(ctx, after.ID)
		}
		if err != nil {
			return fmt.Errorf("take back consent in %s: %w", there.ID, err)
		}
	}
	return nil
}
