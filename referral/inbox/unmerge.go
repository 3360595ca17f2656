package inbox

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
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
	together, err := s.takenTogether(ctx, m)
	if err == nil && together {
		err = ErrTakenIn
	}
	if err == nil {
		err = s.sinceThen(ctx, m)
	}
	if err != nil {
		return fmt.Errorf("part %s: %w", merge, err)
	}
	if err := s.saw(ctx, who, "part persons", m.Person, m.Absorbed); err != nil {
		return err
	}
	if err := s.undo(ctx, m.ID); err != nil {
		return fmt.Errorf("part %s: %w", merge, err)
	}
	return nil
}

// undo notes that a merge is undone, and does what follows.
func (s *Service) undo(ctx context.Context, id string) error {
	_, err := s.merges.Update(ctx, id, func(m *Merge) ([]halsocoach.Event, error) {
		if m.Undone != nil {
			return nil, nil
		}
		at := s.now().UTC()
		due := at.AddDate(0, 0, undoDays)
		m.Undone, m.Due = &at, &due
		return []halsocoach.Event{halsocoach.Happened(EventUnmerged, at, halsocoach.KommunOfCentre(m.Centre), m.ID, nil)}, nil
	})
	if err != nil {
		return err
	}
	return s.carryBack(ctx, id)
}

// place is where something that was moved lies now.
func (x Moved) place() string { return orElse(x.Into, x.ID) }

// inPlace says whether it is still a recommendation of its own.
func (x Moved) inPlace() bool { return x.Doc == nil || x.Into == x.own() }

// takenTogether says whether the one who stays has been taken in by what was moved.
func (s *Service) takenTogether(ctx context.Context, m Merge) (bool, error) {
	for _, moved := range m.Moved {
		now, err := s.Referrals.ByEvent(ctx, moved.place())
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil || now.State.TakenIn() && now.Person == m.Person {
			return err == nil, err
		}
	}
	return false, nil
}

// sinceThen says by ErrSince that something has been said of what was moved that the
// way back would give to the other or that the coach should know: a new
// recommendation that joined it, or one that has been called back.
func (s *Service) sinceThen(ctx context.Context, m Merge) error {
	for _, moved := range m.Moved {
		now, err := s.Referrals.ByEvent(ctx, moved.place())
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for _, x := range now.Sendings {
			if moved.inPlace() && x.At.After(m.At) || moved.Doc != nil && toldSince(x, *moved.Doc) {
				return ErrSince
			}
		}
	}
	return nil
}

// told is what may be said of a sending after it was sent.
type told struct {
	gone, back bool
	scope      referral.Scope
	last       referral.Seen
}

func toldOf(x referral.Sending) told {
	t := told{gone: x.Gone != nil, back: x.Consent.Back != nil, scope: x.Consent.Scope}
	if x.Last != nil {
		t.last = *x.Last
	}
	return t
}

// toldSince says whether something has been said of x since it was taken away in was.
func toldSince(x referral.Sending, was referral.Referral) bool {
	i := slices.IndexFunc(was.Sendings, func(y referral.Sending) bool { return y.ID == x.ID })
	return i >= 0 && toldOf(was.Sendings[i]) != toldOf(x)
}

// theirs are the sendings of r that are in was.
func theirs(r, was referral.Referral) []referral.Sending {
	return slices.DeleteFunc(slices.Clone(r.Sendings), func(x referral.Sending) bool { return !has(was, x.ID) })
}

// asNow is was with its sendings as they have become in o, sealed for whom it is put
// back.
func (s *Service) asNow(ctx context.Context, was, o referral.Referral) (referral.Referral, error) {
	o.Sendings, o.Attempts = theirs(o, was), nil
	now, err := s.renamed(ctx, o, o.Person, was.Person)
	if err != nil {
		return was, err
	}
	was.Sendings = slices.Clone(was.Sendings)
	for i, x := range was.Sendings {
		if j := slices.IndexFunc(now.Sendings, func(y referral.Sending) bool { return y.ID == x.ID }); j >= 0 {
			was.Sendings[i] = now.Sendings[j]
		}
	}
	return was, nil
}

// carryBack does what the way back asks for. Any number of nodes may do it at once,
// and doing it again changes nothing.
func (s *Service) carryBack(ctx context.Context, id string) error {
	m, err := s.merges.Get(ctx, id)
	if err != nil || m.Undone == nil {
		return err
	}
	if err := s.Referrals.Seal.Unmerge(ctx, m.Absorbed, m.Person); err != nil {
		return err
	}
	if err := s.Logins.EndLogins(ctx, m.Person); err != nil { // whose number led there is somebody else again
		return err
	}
	centres := map[string]bool{m.Centre: true}
	for _, moved := range m.Moved {
		if moved.Doc != nil {
			centres[moved.Doc.Centre] = true
		}
		if err := s.moveBack(ctx, m, moved); err != nil {
			return fmt.Errorf("move referral %s back: %w", moved.ID, err)
		}
		if err := s.noteBack(ctx, m.ID, moved); err != nil {
			return err
		}
	}
	// What was done here after they had been merged anew is done again.
	if m, err = s.merges.Get(ctx, id); err != nil {
		return err
	}
	if m.Undone == nil {
		return settled(s.carryOut(ctx, id))
	}
	return s.indexBoth(ctx, m, centres)
}

// noteBack notes what has been moved back. Until all is the two can not be merged
// anew.
func (s *Service) noteBack(ctx context.Context, merge string, moved Moved) error {
	_, err := s.merges.Update(ctx, merge, func(m *Merge) ([]halsocoach.Event, error) {
		if is := m.moved(moved.ID); m.Undone != nil && is != nil && is.same(moved) {
			is.Back = true
		}
		return nil, nil
	})
	return err
}

// moveBack lets something that was moved be the other's again, unless it has been
// taken in.
func (s *Service) moveBack(ctx context.Context, m Merge, moved Moved) error {
	if !moved.inPlace() {
		return s.takeOut(ctx, m, moved)
	}
	err := s.reperson(ctx, moved.place(), m.Person, m.Absorbed)
	switch {
	case errors.Is(err, errTaken):
		return nil // it was decided together
	case store.Duplicate(err, "open"):
		return halsocoach.ErrBusy // until what has come to the other since is decided
	case err == nil && moved.left():
		return s.putBack(ctx, *moved.Doc)
	}
	return err
}

// takeOut lets what joined another be one of its own again, as it has become since,
// unless they have been decided together. What is taken out is kept first.
func (s *Service) takeOut(ctx context.Context, m Merge, moved Moved) error {
	for range steps {
		was := *moved.Doc
		o, err := s.Referrals.ByEvent(ctx, moved.Into)
		if err == nil {
			was, err = s.asNow(ctx, was, o)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := s.keepBack(ctx, m.ID, moved, was); err != nil {
			return err
		}
		together, read := false, theirs(o, was)
		_, err = s.Referrals.Change(ctx, moved.Into, func(o *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
			out := theirs(*o, was)
			together = len(out) > 0 && (!o.State.Open() || len(out) == len(o.Sendings))
			switch {
			case len(out) == 0, together: // taken out before, or never there
				return nil, nil
			case !reflect.DeepEqual(out, read):
				return nil, errNew
			}
			o.Sendings = slices.DeleteFunc(o.Sendings, func(x referral.Sending) bool { return has(was, x.ID) })
			o.Attempts = slices.DeleteFunc(o.Attempts, func(a referral.Attempt) bool {
				return slices.ContainsFunc(was.Attempts, func(b referral.Attempt) bool { return a.ID == b.ID })
			})
			typ := referral.EventChanged
			if closed(o) {
				typ = referral.EventWithdrawn
			}
			return []halsocoach.Event{halsocoach.Happened(typ, now, halsocoach.KommunOfCentre(o.Centre), o.ID, nil)}, nil
		})
		switch {
		case errors.Is(err, errNew):
			continue
		case err != nil && !errors.Is(err, store.ErrNotFound) || together:
			return err
		}
		return s.putBack(ctx, was)
	}
	return halsocoach.ErrBusy
}

// keepBack notes in the merge what is to be put back.
func (s *Service) keepBack(ctx context.Context, merge string, moved Moved, was referral.Referral) error {
	_, err := s.merges.Update(ctx, merge, func(m *Merge) ([]halsocoach.Event, error) {
		if is := m.moved(moved.ID); m.Undone != nil && is != nil && is.same(moved) {
			is.Doc = &was
		}
		return nil, nil
	})
	return err
}

// putBack puts something back as it was, or lets it join what has come to the person
// since.
func (s *Service) putBack(ctx context.Context, was referral.Referral) error {
	closed(&was)
	for range steps {
		err := s.Referrals.Restore(ctx, was)
		switch {
		case errors.Is(err, store.ErrConflict):
			// It was not taken away yet: in a new version nobody can who had read it.
			_, err = s.Referrals.Change(ctx, was.ID, func(r *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
				return []halsocoach.Event{halsocoach.Happened(referral.EventChanged, now, halsocoach.KommunOfCentre(r.Centre), r.ID, nil)}, nil
			})
		case store.Duplicate(err, "open"):
			var into string
			if into, err = s.waitsBeside(ctx, was.Person, was); err == nil && into == "" {
				err = errNew
			} else if err == nil {
				err = s.joinTo(ctx, into, was)
			}
		}
		if !again(err) {
			return err
		}
	}
	return halsocoach.ErrBusy
}

// closed lets r be called back if all that was sent has been.
func closed(r *referral.Referral) bool {
	if !r.State.Open() || slices.ContainsFunc(r.Sendings, func(x referral.Sending) bool { return x.Gone == nil }) {
		return false
	}
	r.State, r.Taken = referral.Withdrawn, nil
	return true
}
