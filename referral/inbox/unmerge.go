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
	if err = s.ledOn(ctx, m); err == nil {
		err = s.sinceThen(ctx, m)
	}
	if err != nil {
		return fmt.Errorf("part %s: %w", merge, err)
	}
	if err := s.saw(ctx, who, "part persons", m.Person, m.Absorbed); err != nil {
		return err
	}
	undone, err := s.undo(ctx, m.ID)
	if err == nil && !undone {
		err = ErrSince
	}
	if err != nil {
		return fmt.Errorf("part %s: %w", merge, err)
	}
	return nil
}

// undo notes that a merge is undone, and does what follows; false when it stands all
// the same, since something was forwarded in that moment.
func (s *Service) undo(ctx context.Context, id string) (undone bool, err error) {
	_, err = s.merges.Update(ctx, id, func(m *Merge) ([]halsocoach.Event, error) {
		if m.Undone != nil {
			return nil, nil
		}
		at := s.now().UTC()
		due := at.AddDate(0, 0, undoDays)
		m.Undone, m.Due = &at, &due
		return []halsocoach.Event{halsocoach.Happened(EventUnmerged, at, halsocoach.KommunOfCentre(m.Centre), m.ID, nil)}, nil
	})
	if err == nil {
		err = s.carryBack(ctx, id)
	}
	if err != nil {
		return false, err
	}
	m, err := s.merges.Get(ctx, id)
	return m.Undone != nil, err
}

// mergeAnew notes that a way back is not gone: something that was moved had been
// forwarded when it was to be given back, and what came of that would stay behind.
func (s *Service) mergeAnew(ctx context.Context, m Merge) error {
	_, err := s.merges.Update(ctx, m.ID, func(d *Merge) ([]halsocoach.Event, error) {
		if d.Undone == nil || !d.Undone.Equal(*m.Undone) {
			return nil, nil
		}
		due := d.At.AddDate(0, 0, undoDays)
		d.Undone, d.Due = nil, &due
		for i := range d.Moved {
			d.Moved[i].Back = false
		}
		return []halsocoach.Event{halsocoach.Happened(EventMerged, s.now(), halsocoach.KommunOfCentre(d.Centre), d.ID, nil)}, nil
	})
	return err
}

// ledOn says that there is no way back from what was moved: by ErrTakenIn that the one
// who stays has been taken in by it, by ErrSince that it has been forwarded.
func (s *Service) ledOn(ctx context.Context, m Merge) error {
	for _, moved := range m.Moved {
		now, err := s.Referrals.ByEvent(ctx, moved.place())
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && now.Person != m.Person:
			continue
		case err != nil:
			return err
		case now.State.TakenIn():
			return ErrTakenIn
		case m.forwarded(now):
			return ErrSince
		case now.State != referral.Forwarded:
			continue
		}
		about, err := s.Referrals.About(ctx, m.Person) // it may have been brought on since, and not been moved
		if err != nil {
			return err
		}
		if slices.ContainsFunc(about, func(o referral.Referral) bool { return m.cameOf(now, o) }) {
			return ErrSince
		}
	}
	return nil
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
			if moved.inPlace() && came(x).After(m.At) || moved.Doc != nil && toldSince(x, *moved.Doc) {
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
	was.Protected = was.Protected || saidProtected(now)
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
		err := s.moveBack(ctx, m, moved)
		if errors.Is(err, ErrSince) {
			if err = s.mergeAnew(ctx, m); err == nil {
				break
			}
		}
		if err == nil {
			err = s.noteBack(ctx, m.ID, moved)
		}
		if err != nil {
			return fmt.Errorf("move referral %s back: %w", moved.ID, err)
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
// taken in. ErrSince says that it has been forwarded.
func (s *Service) moveBack(ctx context.Context, m Merge, moved Moved) error {
	if !moved.inPlace() {
		return s.takeOut(ctx, m, moved)
	}
	err := s.reperson(ctx, moved.place(), m.Person, m.Absorbed, func(r *referral.Referral) error {
		if m.forwarded(*r) {
			return ErrSince
		}
		r.Protected = r.Protected && !moved.Shielded || saidProtected(*r)
		return nil
	})
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
// unless they have been decided together; ErrSince when they have been forwarded. What is
// taken out is kept first.
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
			case len(out) > 0 && m.forwarded(*o):
				return nil, ErrSince
			case len(out) == 0, together: // taken out before, or never there
				return nil, nil
			case !reflect.DeepEqual(out, read):
				return nil, errNew
			}
			o.Sendings = slices.DeleteFunc(o.Sendings, func(x referral.Sending) bool { return has(was, x.ID) })
			o.Attempts = slices.DeleteFunc(o.Attempts, func(a referral.Attempt) bool {
				return slices.ContainsFunc(was.Attempts, func(b referral.Attempt) bool { return a.ID == b.ID })
			})
			since(o, was)
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

// since lets o wait from when the first of what is left came, with the promise that was
// made then, if it has waited from when was came.
func since(o *referral.Referral, was referral.Referral) {
	if o.Received.Equal(was.Received) {
		first := slices.MinFunc(o.Sendings, func(x, y referral.Sending) int { return came(x).Compare(came(y)) })
		o.Received, o.Due = came(first), first.Due
	}
}

// saidProtected says whether one of the senders said that the person has protected
// identity.
func saidProtected(r referral.Referral) bool {
	return slices.ContainsFunc(r.Sendings, func(x referral.Sending) bool { return x.Protected })
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
