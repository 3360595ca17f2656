package referral

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Own is a recommendation as its sender sees it: their own words, the state and,
// if it was declined or has ended, the class of why. Nothing more than the person
// has said yes to.
type Own struct {
	ID         string
	Name       string
	Topics     []halsocoach.Topic
	Centre     string
	CentreName string
	Seen
	Consent  Consent
	Received time.Time // theirs, not of one who came before
	Came     time.Time // to this centre: later than Received if it was forwarded
	Due      time.Time
	Placer   string    // the sender's own identifier
	Shielded bool      // the sender said that the person has protected identity
	Changed  time.Time // when what the sender sees last did
	Late     bool      // the promise has passed, and nobody has reached the person
	// What the sender may do now.
	MayWithdraw, MayErr bool
}

// Sent are the sender's own recommendations, newest first; state "" is any.
func (s *Service) Sent(ctx context.Context, who halsocoach.Actor, state State, after string) (items []Own, next string, err error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return nil, "", err
	}
	if state != "" && !state.Known() {
		return nil, "", halsocoach.Invalid(halsocoach.Field{Name: "state", Text: "Tillståndet finns inte."})
	}
	found, next, err := s.sentBy(ctx, who.ID, state, after)
	if err != nil {
		return nil, "", fmt.Errorf("referrals sent by %s: %w", who.ID, err)
	}
	var within []Referral
	var sent []Sending
	for _, r := range found {
		for _, x := range r.Sendings {
			if x.knownTo(who.ID) && (state == "" || r.SeenBy(x).State == state) {
				within, sent = append(within, r), append(sent, x)
			}
		}
	}
	if err := s.saw(ctx, who, halsocoach.ActReadSent, within); err != nil {
		return nil, "", err
	}
	items, err = s.owns(ctx, within, sent)
	slices.SortStableFunc(items, func(a, b Own) int { return b.Received.Compare(a.Received) }) // by their own dates
	return items, next, err
}

// SentOne is one of the sender's own.
func (s *Service) SentOne(ctx context.Context, who halsocoach.Actor, id string) (Own, error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return Own{}, err
	}
	r, x, err := s.sentAs(ctx, who.ID, id)
	if err != nil {
		return Own{}, fmt.Errorf("sending %s: %w", id, err)
	}
	if err := s.saw(ctx, who, halsocoach.ActReadSent, []Referral{r}); err != nil {
		return Own{}, err
	}
	return s.own(ctx, r, x)
}

// Withdraw calls back what the sender has sent, while nobody has decided. Another
// sender's about the same person stays. Again is nothing.
func (s *Service) Withdraw(ctx context.Context, who halsocoach.Actor, id string) (Own, error) {
	return s.ofSender(ctx, who, id, "withdraw referral", func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		return r.takeBack(i, Withdraw, who, now)
	})
}

// EnterInError says that the sending was a mistake: another person, another
// centre, twice. It may come after the decision; then the coach who took the
// person in is told, and nothing is removed. Again is nothing.
func (s *Service) EnterInError(ctx context.Context, who halsocoach.Actor, id string) (Own, error) {
	return s.ofSender(ctx, who, id, "referral entered in error", func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		return r.takeBack(i, Err, who, now)
	})
}

// ConsentBack is the sender's word that the person has taken the consent back:
// while nobody has decided the sending is called back, afterwards the sender sees
// no more of how it goes. Again is nothing.
func (s *Service) ConsentBack(ctx context.Context, who halsocoach.Actor, id string) (Own, error) {
	var from Referral
	own, err := s.ofSender(ctx, who, id, "consent taken back", func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		from = *r
		return r.consentBack(i, who, now)
	})
	if err == nil && from.State == Forwarded { // where it has gone since, nobody is to call either
		err = s.followBack(ctx, from.ID)
	}
	return own, err
}

// followBack takes back, in what came of a forwarded recommendation, the consents
// that its senders have said are taken back.
func (s *Service) followBack(ctx context.Context, id string) error {
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
		after, err := s.change(ctx, there.ID, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
			i := slices.IndexFunc(r.Sendings, func(y Sending) bool { return y.ID == x.ID })
			if i < 0 {
				return nil, nil
			}
			return r.consentBack(i, who, now)
		})
		if err == nil && after.State == Forwarded {
			err = s.followBack(ctx, after.ID)
		}
		if err != nil {
			return fmt.Errorf("take back consent in %s: %w", there.ID, err)
		}
	}
	return nil
}

// calledOff says whether the sender has said that the person no longer wants it.
// What the person says themselves is about what the sender may see.
func (x Sending) calledOff() bool {
	return x.Consent.Back != nil && x.Consent.BackBy == x.Sender && x.Source != halsocoach.FromSelf
}

// ContactSaid is how the sender has written that the person is reached.
func (s *Service) ContactSaid(ctx context.Context, who halsocoach.Actor, id string) (Own, Contact, error) {
	own, err := s.SentOne(ctx, who, id)
	if err != nil {
		return own, Contact{}, err
	}
	r, x, err := s.sentAs(ctx, who.ID, id)
	if err != nil {
		return own, Contact{}, fmt.Errorf("sending %s: %w", id, err)
	}
	plain, err := s.Seal.OpenMany(ctx, []seal.Box{{Person: r.Person, Purpose: "referral.phone", Sealed: x.Phone}, {Person: r.Person, Purpose: "referral.email", Sealed: x.Email}})
	if err != nil {
		return own, Contact{}, fmt.Errorf("open contact of %s: %w", id, err)
	}
	return own, Contact{plain[0], plain[1]}, nil
}

// Reach lets the sender mend how the person is reached, while nobody has decided.
func (s *Service) Reach(ctx context.Context, who halsocoach.Actor, id string, to Contact) (Own, error) {
	for _, word := range []*string{&to.Phone, &to.Email} {
		*word = strings.TrimSpace(halsocoach.Plain(*word))
	}
	if err := halsocoach.Allow(who, senders...); err != nil {
		return Own{}, err
	}
	if err := halsocoach.Invalid(to.judge()...); err != nil {
		return Own{}, err
	}
	return s.ofSender(ctx, who, id, "mend contact", func(r *Referral, i int, now time.Time) (_ []halsocoach.Event, err error) {
		x := &r.Sendings[i]
		switch gone, err := r.mayTakeBack(*x, Withdraw, who); {
		case err != nil:
			return nil, err
		case gone:
			return nil, ErrWithdrawn
		}
		if x.Phone, err = s.Seal.Seal(ctx, r.Person, "referral.phone", to.Phone); err != nil {
			return nil, err
		}
		if x.Email, err = s.Seal.Seal(ctx, r.Person, "referral.email", to.Email); err != nil {
			return nil, err
		}
		return []halsocoach.Event{changed(*r, now)}, nil
	})
}

// ErrNoInsight says that the person no longer lets the sender follow how it goes.
var ErrNoInsight = halsocoach.Conflict("no_insight", "Personen har tagit tillbaka sitt ja till att du följer hur det går. Ring Hälsocentret om något är fel.")

// mayTakeBack says whether the sender may do how with their sending; again is
// whether it is done. What the person no longer lets them see they may not learn
// from the answer either.
func (r Referral) mayTakeBack(x Sending, how Act, who halsocoach.Actor) (again bool, err error) {
	switch {
	case x.Gone != nil && x.Gone.How == how:
		return true, nil
	case x.Gone != nil && x.Gone.How == Err:
		return false, ErrErred
	case x.Gone != nil:
		return false, ErrWithdrawn
	case x.Consent.Back != nil && x.Sender == who.ID:
		return false, ErrNoInsight
	}
	_, err = r.State.After(how, who.Role)
	return false, err
}

// takeBack lets a sending hold no longer, with the event that tells it.
func (r *Referral) takeBack(i int, how Act, who halsocoach.Actor, now time.Time) ([]halsocoach.Event, error) {
	if again, err := r.mayTakeBack(r.Sendings[i], how, who); again || err != nil {
		return nil, err
	}
	moved, err := r.callBack(i, how, who, now)
	if err != nil {
		return nil, err
	}
	typ := EventChanged
	if moved {
		typ = map[Act]string{Withdraw: EventWithdrawn, Err: EventErred}[how]
	}
	return []halsocoach.Event{happened(typ, *r, now)}, nil
}

// consentBack takes the person's yes back.
func (r *Referral) consentBack(i int, who halsocoach.Actor, now time.Time) ([]halsocoach.Event, error) {
	x := &r.Sendings[i]
	if x.Consent.Back != nil || x.Gone != nil {
		return nil, nil
	}
	seen, events := r.SeenBy(*x), []halsocoach.Event{changed(*r, now)}
	if r.State.Open() {
		var err error
		if events, err = r.takeBack(i, Withdraw, who, now); err != nil {
			return nil, err
		}
	} else {
		x.Last = &seen
	}
	x.Consent.Back, x.Consent.BackBy = &now, who.ID
	return events, nil
}

// ofSender does something with what the sender knows by the id.
func (s *Service) ofSender(ctx context.Context, who halsocoach.Actor, id string, act halsocoach.Act, do func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error)) (Own, error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return Own{}, err
	}
	before, x, err := s.sentAs(ctx, who.ID, id)
	if err != nil {
		return Own{}, fmt.Errorf("sending %s: %w", id, err)
	}
	after, err := s.change(ctx, before.ID, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
		i := slices.IndexFunc(r.Sendings, func(y Sending) bool { return y.ID == x.ID })
		if i < 0 {
			return nil, halsocoach.ErrNotFound
		}
		return do(r, i, now)
	})
	if err != nil {
		return Own{}, fmt.Errorf("%s %s: %w", act, id, err)
	}
	if err := s.saw(ctx, who, act, []Referral{after}); err != nil {
		return Own{}, err
	}
	return s.own(ctx, after, after.Sendings[slices.IndexFunc(after.Sendings, func(y Sending) bool { return y.ID == x.ID })])
}

func (s *Service) own(ctx context.Context, r Referral, x Sending) (Own, error) {
	all, err := s.owns(ctx, []Referral{r}, []Sending{x})
	if err != nil {
		return Own{}, err
	}
	return all[0], nil
}

// owns are the recommendations as the sender sees them, each by what they have
// sent, names opened in one question.
func (s *Service) owns(ctx context.Context, found []Referral, sent []Sending) ([]Own, error) {
	out, boxes := make([]Own, len(found)), make([]seal.Box, len(found))
	for i, r := range found {
		x := sent[i]
		centre, err := s.centreName(ctx, r.Centre)
		if err != nil {
			return nil, err
		}
		out[i] = Own{ID: x.ownID(), Topics: x.Topics, Centre: r.Centre, CentreName: centre, Seen: r.SeenBy(x), Consent: x.Consent, Received: x.At,
			Came: x.came(), Due: x.Due, Placer: x.Placer, Changed: x.Changed, Shielded: x.Protected}
		out[i].Late = out[i].State.Open() && x.Due.Before(over(s.Clock())) && !r.reached()
		if x.Gone == nil && x.Consent.Back == nil {
			_, err = out[i].State.After(Withdraw, halsocoach.RoleCareCentre)
			out[i].MayWithdraw = err == nil
			_, err = out[i].State.After(Err, halsocoach.RoleCareCentre)
			out[i].MayErr = err == nil && x.Source != halsocoach.FromSelf
		}
		boxes[i] = seal.Box{Person: r.Person, Purpose: "referral.name", Sealed: x.Name}
	}
	names, err := s.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open names: %w", err)
	}
	for i := range out {
		out[i].Name = names[i]
	}
	return out, nil
}

// SentMany are those of the sender's own with these ids, each found in the
// recommendation it lies in, in one question and in that order. What is not there,
// or not theirs, is left out.
func (s *Service) SentMany(ctx context.Context, who halsocoach.Actor, ids, within []string) ([]Own, error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return nil, err
	}
	found, err := s.referrals.Many(ctx, within...)
	if err != nil {
		return nil, fmt.Errorf("sent by %s: %w", who.ID, err)
	}
	by := make(map[string]Referral, len(found))
	for _, r := range found {
		by[r.ID] = r
	}
	var shown []Referral
	var sent []Sending
	for i, id := range ids {
		r := by[within[i]]
		j := slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.knownTo(who.ID) && x.ownID() == id })
		if j >= 0 {
			shown, sent = append(shown, r), append(sent, r.Sendings[j])
		}
	}
	if err := s.saw(ctx, who, halsocoach.ActReadSent, shown); err != nil {
		return nil, err
	}
	return s.owns(ctx, shown, sent)
}

// Tracks are all that one sending of the sender's has become, the first coming
// first: more than one when it was forwarded. ErrNotFound when there is none.
func (s *Service) Tracks(ctx context.Context, who halsocoach.Actor, sending string) ([]Own, error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return nil, err
	}
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "sending", Equal: []any{sending}, Limit: 20})
	if err != nil {
		return nil, fmt.Errorf("tracks of %s: %w", sending, err)
	}
	var sent []Sending
	found = slices.DeleteFunc(found, func(r Referral) bool {
		i := slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.ID == sending && x.knownTo(who.ID) })
		if i >= 0 {
			sent = append(sent, r.Sendings[i])
		}
		return i < 0
	})
	if len(found) == 0 {
		return nil, halsocoach.ErrNotFound
	}
	if err := s.saw(ctx, who, halsocoach.ActReadSent, found); err != nil {
		return nil, err
	}
	owns, err := s.owns(ctx, found, sent)
	slices.SortStableFunc(owns, func(a, b Own) int { return a.Came.Compare(b.Came) }) // what they joined may have come before
	return owns, err
}

// ErrStale says that what the sender sees has changed since they read it.
var ErrStale = halsocoach.Conflict("stale", "Det har hänt något sedan du läste. Läs igen och försök på nytt.")

// Revise is Withdraw or EnterInError of what was read when it had last changed at
// version; ErrStale when it has changed since.
func (s *Service) Revise(ctx context.Context, who halsocoach.Actor, id string, act Act, version time.Time) (Own, error) {
	logged := map[Act]halsocoach.Act{Withdraw: "withdraw referral", Err: "referral entered in error"}[act]
	return s.ofSender(ctx, who, id, logged, func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		if !r.Sendings[i].Changed.Equal(version) {
			return nil, ErrStale
		}
		return r.takeBack(i, act, who, now)
	})
}
