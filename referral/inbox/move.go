package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/referral"
)

// How a recommendation changes its person so that nothing that has been
// acknowledged is lost. Where nothing waits beside it, it is changed where it lies.
// Else it joins what waits: it is kept in the merge in the version that was read,
// taken away if that is still the version stored, and only then handed over. So it
// is at every moment in one place where it can be worked on or, for some moments,
// in none but kept whole; what is done to it before it is taken away makes another
// version, which is read and kept anew. Each step asks what stands in the merge and
// in the store and is safe to repeat by any node. What is kept is replaced only by
// who saw it and then read a later version: therefore what was taken away is what is
// kept.

// The reasons to look again, or to stop.
var (
	errNew     = errors.New("inbox: something is new since it was read")
	errDecided = errors.New("inbox: what was to be joined has been decided meanwhile")
	errTaken   = errors.New("inbox: the person has been taken in")
	errUndone  = errors.New("inbox: the merge has been undone")
)

// again says whether a step was in vain since something had changed.
func again(err error) bool {
	return errors.Is(err, errNew) || errors.Is(err, errDecided) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) || store.Duplicate(err, "open")
}

// steps bounds how often one looks again. Each step in vain means that somebody
// else has done something.
const steps = 50

// moveAll gives what there is about the one who goes to the one who stays, and
// hands over what was taken away by a node that then stopped. It returns the
// centres that it touched.
func (s *Service) moveAll(ctx context.Context, m Merge) (map[string]bool, error) {
	centres := map[string]bool{m.Centre: true}
	for range steps { // pages of what there is about a person
		about, err := s.Referrals.About(ctx, m.Absorbed)
		if err != nil {
			return nil, err
		}
		for _, r := range about {
			centres[r.Centre] = true
			if err := s.move(ctx, m.ID, r.ID); err != nil {
				return nil, err
			}
		}
		if len(about) == 0 {
			break
		}
	}
	m, err := s.merges.Get(ctx, m.ID)
	for _, x := range m.Moved {
		if err == nil && x.left() {
			centres[x.Doc.Centre] = true
			err = s.move(ctx, m.ID, x.ID)
		}
	}
	return centres, err
}

// move gives one recommendation to the person who stays.
func (s *Service) move(ctx context.Context, merge, id string) error {
	for range steps {
		done, err := s.step(ctx, merge, id)
		if done || err != nil && !again(err) {
			if err != nil {
				return fmt.Errorf("move referral %s: %w", id, err)
			}
			return nil
		}
	}
	return fmt.Errorf("move referral %s: %w", id, halsocoach.ErrBusy)
}

// step is the next of the steps; done when there is none.
func (s *Service) step(ctx context.Context, merge, id string) (done bool, err error) {
	m, err := s.merges.Get(ctx, merge)
	if err != nil {
		return true, err
	}
	if m.Undone != nil {
		return true, errUndone
	}
	had := m.moved(id)
	left := had != nil && had.left()
	r, version, err := s.Referrals.Kept(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return true, err
	}
	// What is there may be another: sent again with the same key while it was away.
	there := err == nil && (!left || r.Sendings[0].At.Equal(had.Doc.Sendings[0].At))
	switch {
	case there && r.Person == m.Absorbed:
		return false, s.takeAway(ctx, m, had, r, version)
	case there && left: // changed where it lies by another node, and never taken away
		return false, s.keep(ctx, m.ID, had, Moved{ID: id})
	case left:
		return false, s.handOver(ctx, m, *had)
	}
	return true, nil
}

// takeAway gives r to the one who stays where it lies, or keeps it and takes it away
// to join what waits beside it.
func (s *Service) takeAway(ctx context.Context, m Merge, had *Moved, r referral.Referral, version string) error {
	if r.State.TakenIn() {
		return errTaken
	}
	into, err := s.waitsBeside(ctx, m.Person, r)
	if err != nil {
		return err
	}
	shield, err := s.shielded(ctx, m)
	if err != nil {
		return err
	}
	next := Moved{ID: r.ID, Shielded: shield && !r.Protected}
	if into == "" {
		if err := s.keep(ctx, m.ID, had, next); err != nil {
			return err
		}
		return s.reperson(ctx, r.ID, m.Absorbed, m.Person, func(r *referral.Referral) error {
			r.Protected = r.Protected || shield
			return nil
		})
	}
	next.Into, next.Doc, next.Version = into, &r, version
	if err := s.keep(ctx, m.ID, had, next); err != nil {
		return err
	}
	return s.Referrals.Remove(ctx, r, version)
}

// handOver lets what was taken away join what waits. If that has been decided it
// joins what waits now, or else becomes one of its own again.
func (s *Service) handOver(ctx context.Context, m Merge, had Moved) error {
	doc, err := s.renamed(ctx, *had.Doc, m.Absorbed, m.Person)
	if err != nil {
		return err
	}
	doc.ID, doc.Protected = had.own(), doc.Protected || had.Shielded
	next := had
	next.Done = true
	if had.Into == doc.ID {
		err = s.Referrals.Restore(ctx, doc)
	} else {
		err = s.joinTo(ctx, had.Into, doc)
	}
	switch {
	case errors.Is(err, errDecided), errors.Is(err, store.ErrNotFound), store.Duplicate(err, "open"):
		into, err := s.waitsBeside(ctx, m.Person, doc)
		if err != nil {
			return err
		}
		next.Into, next.Done = orElse(into, doc.ID), false
	case err != nil && !errors.Is(err, store.ErrConflict): // which says that it has come back already
		return err
	}
	return s.keep(ctx, m.ID, &had, next)
}

// keep notes where a recommendation goes, unless another has noted something else
// than had meanwhile: errNew.
func (s *Service) keep(ctx context.Context, merge string, had *Moved, next Moved) error {
	_, err := s.merges.Update(ctx, merge, func(m *Merge) ([]halsocoach.Event, error) {
		if m.Undone != nil {
			return nil, errUndone
		}
		is := m.moved(next.ID)
		switch {
		case is != nil && is.same(next):
		case (is == nil) != (had == nil) || is != nil && !is.same(*had):
			return nil, errNew
		case is == nil:
			m.Moved = append(m.Moved, next)
		default:
			*is = next
		}
		return nil, nil
	})
	return err
}

// waitsBeside is what waits about the person where r waits; "" for none.
func (s *Service) waitsBeside(ctx context.Context, person string, r referral.Referral) (string, error) {
	if !r.State.Open() {
		return "", nil
	}
	about, err := s.Referrals.About(ctx, person)
	for _, o := range about {
		if o.State.Open() && o.Centre == r.Centre && o.ID != r.ID {
			return o.ID, err
		}
	}
	return "", err
}

// joinTo lets the sendings and attempts of r, which is sealed for the person of the
// one that waits, join it, and the coach who had taken r have it if nobody had. Whoever
// came first has waited since then, and is promised what they were promised.
// errDecided says that it waits no longer, or has become another's.
func (s *Service) joinTo(ctx context.Context, into string, r referral.Referral) error {
	_, err := s.Referrals.Change(ctx, into, func(o *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
		if o.Person != r.Person {
			return nil, errDecided
		}
		news := slices.DeleteFunc(slices.Clone(r.Sendings), func(x referral.Sending) bool { return has(*o, x.ID) })
		if len(news) == 0 {
			return nil, nil
		}
		if !o.State.Open() {
			return nil, errDecided
		}
		o.Sendings = append(o.Sendings, news...)
		for _, a := range r.Attempts {
			if !slices.ContainsFunc(o.Attempts, func(b referral.Attempt) bool { return b.ID == a.ID }) {
				o.Attempts = append(o.Attempts, a)
			}
		}
		slices.SortStableFunc(o.Attempts, func(a, b referral.Attempt) int { return a.At.Compare(b.At) })
		if o.State == referral.Received && r.Taken != nil {
			o.State, o.Taken = r.State, r.Taken
		}
		if r.Received.Before(o.Received) {
			o.Received = r.Received
		}
		if r.Due.Before(o.Due) {
			o.Due = r.Due
		}
		o.Protected = o.Protected || r.Protected
		return []halsocoach.Event{halsocoach.Happened(referral.EventChanged, now, halsocoach.KommunOfCentre(o.Centre), o.ID, nil)}, nil
	})
	return err
}

// has says whether a sending is in a recommendation.
func has(r referral.Referral, sending string) bool {
	return slices.ContainsFunc(r.Sendings, func(x referral.Sending) bool { return x.ID == sending })
}

// reperson gives a recommendation another person where it lies, sealed anew, and does
// also what comes with it. errTaken says that the person has been taken in by it.
func (s *Service) reperson(ctx context.Context, id, from, to string, also func(*referral.Referral) error) error {
	for range steps {
		r, err := s.Referrals.ByEvent(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && r.Person != from {
			return nil
		}
		if err != nil {
			return err
		}
		boxes, err := s.reseal(ctx, r, from, to)
		if err != nil {
			return err
		}
		_, err = s.Referrals.Change(ctx, id, func(r *referral.Referral, now time.Time) ([]halsocoach.Event, error) {
			if r.Person != from {
				return nil, nil
			}
			if r.State.TakenIn() {
				return nil, errTaken
			}
			if err := also(r); err != nil {
				return nil, err
			}
			if err := rename(r, from, to, boxes); err != nil {
				return nil, err
			}
			events := []halsocoach.Event{halsocoach.Happened(referral.EventChanged, now, halsocoach.KommunOfCentre(r.Centre), r.ID, nil)}
			if r.Protected { // and with it all that there is about the person
				events = append(events, halsocoach.Happened(referral.EventShielded, now, halsocoach.KommunOfCentre(r.Centre), r.ID, nil))
			}
			return events, nil
		})
		if !errors.Is(err, errNew) {
			return err
		}
	}
	return halsocoach.ErrBusy
}
