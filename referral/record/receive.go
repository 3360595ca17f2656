package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Receive judges what is asked for and receives it: from a sender, from a citizen
// about themselves, from a coach before whom somebody stands, or from a visitor who
// asks to be called. What waits about the same person at the centre is joined; who
// sends can not tell. made is false for a repeat of the same request. That the
// person has protected identity is said before anything is stored.
func (s *Records) Receive(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, n NewReferral) (doc Referral, x Sending, made bool, err error) {
	n = n.Trimmed()
	id, digest := req.ID(who, "referrals"), s.Seal.Digest(req.Digest(n))
	if doc, err := s.madeOf(ctx, id); err == nil {
		x, err := doc.same(id, digest)
		return doc, x, false, err
	} else if !errors.Is(err, store.ErrNotFound) {
		return doc, x, false, fmt.Errorf("find sending %s: %w", id, err)
	}
	number, err := s.Validate(ctx, who, n)
	if err != nil {
		return doc, x, false, err
	}
	about, err := s.person(ctx, who, number)
	if err != nil {
		return doc, x, false, fmt.Errorf("recommend: %w", err)
	}
	if n.Protected {
		if err := s.Persons.Protect(ctx, who, about, knownBy(who)); err != nil {
			return doc, x, false, fmt.Errorf("recommend: %w", err)
		}
	}
	one, err := s.Persons.Of(ctx, about)
	if err != nil {
		return doc, x, false, fmt.Errorf("recommend: %w", err)
	}
	if first, y, already, err := s.already(ctx, who, one, n.Centre); err != nil {
		return doc, x, false, err
	} else if already {
		return first, y, false, &AlreadyError{ID: y.OwnID()}
	}
	fresh, err := s.draft(ctx, who, id, digest, n, about, number)
	if err != nil {
		return doc, x, false, fmt.Errorf("recommend: %w", err)
	}
	if doc, made, err = s.receive(ctx, fresh, received(fresh, who.Role != "", one.Protected)); err != nil {
		return doc, x, false, fmt.Errorf("recommend: %w", err)
	}
	x, err = doc.same(id, digest)
	return doc, x, made, err
}

// knownBy is how it became known that the person has protected identity.
func knownBy(who halsocoach.Actor) person.Where {
	if who.Role == halsocoach.RoleCoach {
		return person.ByStaff
	}
	return person.ByRecommending
}

// same is the sending that a request has made, unless the key was used for another
// request.
func (r Referral) same(id, digest string) (Sending, error) {
	i := slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.ID == id })
	if i < 0 || r.Sendings[i].Digest != digest {
		return Sending{}, halsocoach.ErrKeyReused
	}
	return r.Sendings[i], nil
}

// Already is what the sender has sent about the one behind a number to a centre,
// while it is open there and theirs to follow; false when there is none.
func (s *Records) Already(ctx context.Context, who halsocoach.Actor, number halsocoach.Number, centre string) (Referral, Sending, bool, error) {
	about, found, err := s.Seal.Lookup(ctx, number)
	if err != nil || !found {
		return Referral{}, Sending{}, false, err
	}
	one, err := s.Persons.Of(ctx, about)
	if err != nil {
		return Referral{}, Sending{}, false, err
	}
	return s.already(ctx, who, one, centre)
}

func (s *Records) already(ctx context.Context, who halsocoach.Actor, one person.Identity, centre string) (Referral, Sending, bool, error) {
	if !who.Is(Senders...) {
		return Referral{}, Sending{}, false, nil
	}
	open, err := s.openAt(ctx, centre, one.IDs...)
	for _, r := range open {
		if i := r.already(who.ID); i >= 0 {
			return r, r.Sendings[i], true, err
		}
	}
	return Referral{}, Sending{}, false, err
}

// already is which sending of theirs a sender still follows, -1 for none.
func (r Referral) already(staff string) int {
	return slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.KnownTo(staff) && x.Gone == nil && x.Consent.Back == nil })
}

// AlreadyError says that the sender has recommended the person to the centre, under
// the ID, and that it waits there. It unwraps to ErrAlready.
type AlreadyError struct{ ID string }

// ErrAlready is what AlreadyError is.
var ErrAlready = halsocoach.Conflict("already_recommended", "Du har redan rekommenderat personen till det Hälsocentret, och den väntar på svar. Inget mer är skickat.")

func (e *AlreadyError) Error() string { return ErrAlready.Error() }

// Unwrap makes it a conflict.
func (e *AlreadyError) Unwrap() error { return ErrAlready }

// draft is a new recommendation with its one sending. The person's key is there
// before what is sealed with it.
func (s *Records) draft(ctx context.Context, who halsocoach.Actor, id, digest string, n NewReferral, about string, number halsocoach.Number) (Referral, error) {
	now, sender := s.Clock(), who.ID
	if who.Role == halsocoach.RoleCoach {
		sender = "" // the person stands before them, and is the one who asks
	}
	x := Sending{ID: id, Digest: digest, Sender: sender, Unit: who.Unit, Source: SourceOf(who.Role), At: now.UTC(), Topics: n.Topics,
		Kommun: n.Kommun, Language: n.Language, Interpret: n.Interpreter, SaidProtected: n.Protected, Placer: n.Placer,
		Consent: Consent{Given: n.Consent, Asked: who.ID, On: n.ConsentOn, Scope: n.Scope}}
	if x.Consent.On == "" {
		x.Consent.On = halsocoach.DayOf(now)
	}
	if x.Consent.Scope == "" {
		x.Consent.Scope = ScopeState
	}
	if err := s.Fill(ctx, about, &x, n); err != nil {
		return Referral{}, err
	}
	r := Referral{ID: id, Person: about, Centre: n.Centre, Received: now.UTC(), Sendings: []Sending{x},
		Sex: number.Sex(), AgeBand: halsocoach.AgeBand(number.Age(halsocoach.DayOf(now)))}
	return s.promised(ctx, r)
}

// Fill seals what was written about the person.
func (s *Records) Fill(ctx context.Context, person string, x *Sending, n NewReferral) (err error) {
	for _, part := range []struct {
		into    *seal.Sealed
		purpose string
		plain   string
	}{
		{&x.Name, purposeName, n.Name}, {&x.Phone, purposePhone, n.Phone}, {&x.Email, purposeEmail, n.Email},
		{&x.Wants, purposeWants, n.Wants}, {&x.Note, purposeNote, n.Note},
	} {
		if *part.into, err = s.Seal.Seal(ctx, person, part.purpose, part.plain); err != nil {
			return fmt.Errorf("seal %s: %w", part.purpose, err)
		}
	}
	return nil
}

// person is whom it is about: the citizen who asks, the one behind the number,
// or somebody new.
func (s *Records) person(ctx context.Context, who halsocoach.Actor, number halsocoach.Number) (string, error) {
	if who.Role == halsocoach.RoleCitizen {
		return who.ID, nil
	}
	if number.IsZero() {
		return s.Seal.NewPerson(ctx)
	}
	return s.Seal.Person(ctx, number)
}

// receive saves a new recommendation, or lets its sendings join the one that
// waits about the same person at the centre. made is false when the very same
// one is there already.
func (s *Records) receive(ctx context.Context, fresh Referral, event halsocoach.Event) (doc Referral, made bool, err error) {
	for range 5 {
		err := s.referrals.Insert(ctx, fresh.ID, fresh, event)
		switch {
		case err == nil:
			return fresh, true, nil
		case errors.Is(err, store.ErrConflict):
			doc, err := s.referrals.Get(ctx, fresh.ID)
			return doc, false, err
		case !store.Duplicate(err, "open"):
			return Referral{}, false, err
		}
		waiting, err := s.openOne(ctx, fresh.Open)
		if err == nil {
			doc, made, err = s.join(ctx, waiting.ID, fresh)
			if err == nil {
				return doc, made, nil
			}
		}
		if !errors.Is(err, store.ErrNotFound) && !errors.Is(err, ErrDecided) {
			return Referral{}, false, err
		}
		// Decided in between: it no longer stands in the way, unless the same
		// sending had joined it by then.
		if doc, err := s.madeOf(ctx, fresh.ID); err == nil || !errors.Is(err, store.ErrNotFound) {
			return doc, false, err
		}
	}
	return Referral{}, false, halsocoach.ErrBusy
}

// join adds the sendings of fresh to the one that waits. ErrDecided says that it
// waits no longer.
func (s *Records) join(ctx context.Context, id string, fresh Referral) (doc Referral, made bool, err error) {
	doc, err = s.Change(ctx, id, func(r *Referral, _ time.Time) ([]halsocoach.Event, error) {
		made = false
		for _, x := range fresh.Sendings {
			if !slices.ContainsFunc(r.Sendings, func(y Sending) bool { return y.ID == x.ID }) {
				if !r.State.Open() {
					return nil, ErrDecided
				}
				if i := r.already(x.Sender); i >= 0 && x.Carried == "" && x.Source != halsocoach.FromSelf {
					return nil, &AlreadyError{ID: r.Sendings[i].OwnID()}
				}
				if r.sentBy(x.Sender) >= sentAtOnce {
					return nil, ErrTooMany
				}
				r.Sendings, made = append(r.Sendings, x), true
			}
		}
		return nil, nil
	})
	return doc, made, err
}

// sentAtOnce bounds how often one sender may recommend the same person while the
// first waits.
const sentAtOnce = 10

// ErrTooMany says that the sender has recommended the person many times already.
var ErrTooMany = halsocoach.Conflict("too_many", "Du har redan skickat flera rekommendationer om personen som väntar på svar. Ring Hälsocentret om något är fel.")

// sentBy is how many of the sendings are a sender's.
func (r Referral) sentBy(staff string) (n int) {
	for _, x := range r.Sendings {
		if staff != "" && x.Sender == staff {
			n++
		}
	}
	return n
}
