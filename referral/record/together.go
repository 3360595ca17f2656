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

// The open recommendations to one centre about one person stand together: usually
// one, and several when a coach has said that several ids are one person. A coach
// acts on all of them at once. Each is a document of its own, so the act is done in
// steps: first on the one with the lowest id, which leads and notes who is to
// follow, then on each of the others, and last the note is taken away. Whoever acts
// on them next finishes first what was left, and so does the sweep.

// Lead is what the leading recommendation notes while others follow it.
type Lead struct {
	With  []string  `json:"with"` // who follows
	Since time.Time `json:"since"`
}

// Together are the open recommendations that stand together with r, r itself among
// them if it is open, by id.
func (s *Records) Together(ctx context.Context, r Referral) ([]Referral, error) {
	one, err := s.Persons.Of(ctx, r.Person)
	if err != nil {
		return nil, err
	}
	if len(one.IDs) == 1 {
		if !r.State.Open() {
			return nil, nil
		}
		return []Referral{r}, nil
	}
	return s.openAt(ctx, r.Centre, one.IDs...)
}

// Settled is Together when nothing is left in the middle: what was is finished
// first. Who leads is looked for after those who are open have been read, so that
// nobody acts on one whose leader was decided in between.
func (s *Records) Settled(ctx context.Context, r Referral) ([]Referral, error) {
	one, err := s.Persons.Of(ctx, r.Person)
	if err != nil {
		return nil, err
	}
	for {
		if r, err = s.referrals.Get(ctx, r.ID); err != nil {
			return nil, err
		}
		open, err := s.Together(ctx, r)
		if err != nil || len(one.IDs) == 1 {
			return open, err
		}
		about, err := s.About(ctx, one.IDs...)
		if err != nil {
			return nil, err
		}
		about = slices.DeleteFunc(about, func(o Referral) bool { return o.Leads == nil || o.Centre != r.Centre })
		if len(about) == 0 {
			return open, nil
		}
		for _, o := range about {
			if err := s.FinishTogether(ctx, o.ID); err != nil {
				return nil, err
			}
		}
	}
}

// Act does an act of a coach on all of them, which are Settled. do works on the one
// that leads; the others follow. It returns them as they are afterwards.
func (s *Records) Act(ctx context.Context, all []Referral, do func(lead *Referral, now time.Time) ([]halsocoach.Event, error)) ([]Referral, error) {
	var with []string
	for _, r := range all[1:] {
		with = append(with, r.ID)
	}
	taken := slices.IndexFunc(all, func(r Referral) bool { return r.Taken != nil })
	lead, err := s.Change(ctx, all[0].ID, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
		if taken > 0 && r.State == Received { // a coach had another of them before they were one
			r.State, r.Taken = all[taken].State, &Holder{By: all[taken].Taken.By, At: now}
		}
		events, err := do(r, now)
		if err != nil || with == nil {
			return events, err
		}
		if r.Leads == nil {
			r.Leads = &Lead{}
		}
		r.Leads.Since = store.Later(now, r.Leads.Since)
		for _, id := range with {
			if !slices.Contains(r.Leads.With, id) {
				r.Leads.With = append(r.Leads.With, id)
			}
		}
		return events, nil
	})
	if err != nil {
		return nil, err
	}
	if with == nil {
		return []Referral{lead}, nil
	}
	if err := s.FinishTogether(ctx, lead.ID); err != nil {
		return nil, err
	}
	return s.referrals.Many(ctx, append([]string{lead.ID}, with...)...)
}

// FinishTogether lets those follow who are to follow. Again is nothing.
func (s *Records) FinishTogether(ctx context.Context, id string) error {
	lead, err := s.referrals.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && lead.Leads == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("referral %s leads: %w", id, err)
	}
	for _, other := range lead.Leads.With {
		_, err := s.Change(ctx, other, func(r *Referral, now time.Time) ([]halsocoach.Event, error) { return r.follow(lead, now) })
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("referral %s follows %s: %w", other, id, err)
		}
	}
	_, err = s.Change(ctx, id, func(r *Referral, _ time.Time) ([]halsocoach.Event, error) {
		if r.Leads != nil && r.Leads.Since.Equal(lead.Leads.Since) {
			r.Leads = nil
		}
		return nil, nil
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("referral %s leads: %w", id, err)
	}
	return nil
}

// follow brings r to where the one that leads has been brought. The note of an
// attempt stays where it was written: it is sealed for the person of that one.
func (r *Referral) follow(lead Referral, now time.Time) ([]halsocoach.Event, error) {
	if !r.State.Open() {
		return nil, nil
	}
	for _, a := range lead.Attempts {
		if a.Together && !r.attempted(a.ID) && len(r.Attempts) < MostAttempts {
			a.Note = nil
			r.Attempts = append(r.Attempts, a)
		}
	}
	if v := lead.Verdict(); v != nil {
		return r.Decide(*v)
	}
	if !lead.State.Open() || r.State == lead.State && r.holder() == lead.holder() {
		return nil, nil
	}
	r.State = lead.State
	switch {
	case lead.Taken == nil:
		r.Taken = nil
	case r.Taken == nil:
		r.Taken = &Holder{By: lead.Taken.By, At: now}
	default:
		r.Taken = &Holder{By: lead.Taken.By, At: r.Taken.At}
	}
	return []halsocoach.Event{Changed(*r, now)}, nil
}

// holder is who has it, "" for nobody.
func (r Referral) holder() string {
	if r.Taken == nil {
		return ""
	}
	return r.Taken.By
}
