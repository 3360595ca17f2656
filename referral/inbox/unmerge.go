package inbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/referral"
)

// undoable are the merges into a person that can be undone, with who made them.
func (s *Service) undoable(ctx context.Context, person string) ([]Merge, error) {
	found, err := s.into(ctx, person)
	if err != nil {
		return nil, err
	}
	out := found[:0]
	for _, m := range found {
		if m.Undone != nil || m.Due == nil || !m.Due.After(s.now()) {
			continue
		}
		if m.Name, err = s.colleague(ctx, m.By); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// Part is the way back from Join, within 30 days and while nobody has been taken in
// by what was joined: numbers and recommendations are each person's own again. What
// has come since stays with the one who stayed, and so does what has been decided
// together. It returns when the same coach or another of the centre has undone it;
// again changes nothing.
func (s *Service) Part(ctx context.Context, who halsocoach.Actor, id, merge string) error {
	r, err := s.shown(ctx, who, id)
	if err != nil {
		return err
	}
	m, err := s.merges.Get(ctx, merge)
	switch {
	case err != nil:
		return fmt.Errorf("part %s: %w", merge, err)
	case m.Centre != who.Centre || m.Person != r.Person && m.Absorbed != r.Person:
		return halsocoach.ErrNotFound
	case m.Undone != nil:
		return nil
	case m.Due == nil || !m.Due.After(s.now()):
		return ErrTooLate
	}
	for _, moved := range m.Moved {
		now, err := s.Referrals.ByEvent(ctx, orElse(moved.Into, moved.ID))
		if err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
			return fmt.Errorf("part %s: %w", merge, err)
		}
		if now.State.TakenIn() {
			return ErrTakenIn
		}
		if sinceThen(m, moved, now) {
			return ErrSince
		}
	}
	if err := s.saw(ctx, who, "part persons", m.Person, m.Absorbed); err != nil {
		return err
	}
	_, err = s.merges.Update(ctx, m.ID, func(m *Merge) ([]halsocoach.Event, error) {
		if m.Undone != nil {
			return nil, nil
		}
		at := s.now().UTC()
		m.Undone, m.Due = &at, nil
		return []halsocoach.Event{halsocoach.Happened(EventUnmerged, at, halsocoach.KommunOfCentre(m.Centre), m.ID, nil)}, nil
	})
	if err == nil {
		err = s.carryBack(ctx, m.ID)
	}
	if err != nil {
		return fmt.Errorf("part %s: %w", merge, err)
	}
	return nil
}

// sinceThen says whether something has been said of what was moved that the way
// back would lose or give to the other: a new recommendation that joined it, or
// one that has been called back.
func sinceThen(m Merge, moved Moved, now referral.Referral) bool {
	for _, x := range now.Sendings {
		if moved.Into == "" {
			if x.At.After(m.At) {
				return true
			}
			continue
		}
		i := slices.IndexFunc(moved.Doc.Sendings, func(y referral.Sending) bool { return y.ID == x.ID })
		if i >= 0 && ((x.Gone == nil) != (moved.Doc.Sendings[i].Gone == nil) || (x.Consent.Back == nil) != (moved.Doc.Sendings[i].Consent.Back == nil)) {
			return true
		}
	}
	return false
}

// carryBack does what the way back asks for. Doing it again changes nothing.
func (s *Service) carryBack(ctx context.Context, id string) error {
	m, err := s.merges.Get(ctx, id)
	if err != nil || m.Undone == nil {
		return err
	}
	if err := s.Referrals.Seal.Unmerge(ctx, m.Absorbed, m.Person); err != nil {
		return err
	}
	centres := map[string]bool{m.Centre: true}
	if err := s.Logins.EndLogins(ctx, m.Person); err != nil { // whose number led there is somebody else again
		return err
	}
	for _, moved := range m.Moved {
		if moved.Into == "" {
			err = s.reperson(ctx, moved.ID, m.Person, m.Absorbed)
		} else if moved.Doc != nil {
			centres[moved.Doc.Centre] = true
			err = s.takeOut(ctx, *moved.Doc, moved.Into)
		}
		if err != nil {
			return fmt.Errorf("move referral %s back: %w", moved.ID, err)
		}
	}
	return s.indexBoth(ctx, m, centres)
}

// takeOut lets what joined another be one of its own again, unless they have been
// decided together.
func (s *Service) takeOut(ctx context.Context, was referral.Referral, from string) error {
	left := false
	_, err := s.Referrals.Change(ctx, from, func(o *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
		left = false
		theirs := func(x referral.Sending) bool {
			return slices.ContainsFunc(was.Sendings, func(y referral.Sending) bool { return y.ID == x.ID })
		}
		others := slices.DeleteFunc(slices.Clone(o.Sendings), theirs)
		if len(others) < len(o.Sendings) && (!o.State.Open() || len(others) == 0) {
			return nil, nil
		}
		left = true
		if len(others) == len(o.Sendings) {
			return nil, nil // taken out before
		}
		o.Sendings = others
		o.Attempts = slices.DeleteFunc(o.Attempts, func(a referral.Attempt) bool {
			return slices.ContainsFunc(was.Attempts, func(b referral.Attempt) bool { return a.ID == b.ID })
		})
		return []halsocoach.Event{halsocoach.Happened(referral.EventChanged, now, halsocoach.KommunOfCentre(o.Centre), o.ID, nil)}, nil
	})
	if err != nil || !left {
		return err
	}
	return s.Referrals.Restore(ctx, was)
}
