package sender

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/referral/record"
)

// Sent are the sender's own recommendations, newest first; state "" is any.
func (s *Service) Sent(ctx context.Context, who halsocoach.Actor, state record.State, after string) (items []record.SenderView, next string, err error) {
	if err := halsocoach.Allow(who, record.Senders...); err != nil {
		return nil, "", err
	}
	if state != "" && !state.Known() {
		return nil, "", halsocoach.Invalid(halsocoach.Field{Name: "state", Text: "Tillståndet finns inte."})
	}
	found, next, err := s.Records.SentBy(ctx, who.ID, state, after)
	if err != nil {
		return nil, "", fmt.Errorf("referrals sent by %s: %w", who.ID, err)
	}
	var within []record.Referral
	var sent []record.Sending
	for _, r := range found {
		for _, x := range r.Sendings {
			if x.KnownTo(who.ID) && (state == "" || r.SeenBy(x).State == state) {
				within, sent = append(within, r), append(sent, x)
			}
		}
	}
	if err := s.Records.Saw(ctx, who, halsocoach.ActReadSent, within...); err != nil {
		return nil, "", err
	}
	items, err = s.views(ctx, within, sent)
	slices.SortStableFunc(items, func(a, b record.SenderView) int { return b.Received.Compare(a.Received) }) // by their own dates
	return items, next, err
}

// SentOne is one of the sender's own.
func (s *Service) SentOne(ctx context.Context, who halsocoach.Actor, id string) (record.SenderView, error) {
	r, x, err := s.own(ctx, who, id)
	if err != nil {
		return record.SenderView{}, err
	}
	return s.shown(ctx, who, halsocoach.ActReadSent, r, x)
}

// own is what the sender knows by the id, and the recommendation it lies in.
func (s *Service) own(ctx context.Context, who halsocoach.Actor, id string) (r record.Referral, x record.Sending, err error) {
	if err := halsocoach.Allow(who, record.Senders...); err != nil {
		return r, x, err
	}
	if r, x, err = s.Records.SentAs(ctx, who.ID, id); err != nil {
		err = fmt.Errorf("sending %s: %w", id, err)
	}
	return r, x, err
}

// Withdraw calls back what the sender has sent, while nobody has decided. Another
// sender's about the same person stays. Again is nothing.
func (s *Service) Withdraw(ctx context.Context, who halsocoach.Actor, id string) (record.SenderView, error) {
	return s.ofSender(ctx, who, id, halsocoach.ActWithdraw, func(r *record.Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		return r.TakeBack(i, record.Withdraw, who, now)
	})
}

// EnterInError says that the sending was a mistake: another person, another
// centre, twice. It may come after the decision; then the coach who took the
// person in is told, and nothing is removed. Again is nothing.
func (s *Service) EnterInError(ctx context.Context, who halsocoach.Actor, id string) (record.SenderView, error) {
	return s.ofSender(ctx, who, id, halsocoach.ActEnteredInError, func(r *record.Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		return r.TakeBack(i, record.Err, who, now)
	})
}

// ConsentBack is the sender's word that the person has taken the consent back:
// while nobody has decided the sending is called back, afterwards the sender sees
// no more of how it goes. Again is nothing.
func (s *Service) ConsentBack(ctx context.Context, who halsocoach.Actor, id string) (record.SenderView, error) {
	var from record.Referral
	view, err := s.ofSender(ctx, who, id, halsocoach.ActWithdrawConsent, func(r *record.Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		from = *r
		return r.ConsentBack(i, who, now)
	})
	if err == nil && from.State == record.Forwarded { // where it has gone since, nobody is to call either
		err = s.Records.FollowBack(ctx, from.ID)
	}
	return view, err
}

// ContactSaid is how the sender has written that the person is reached.
func (s *Service) ContactSaid(ctx context.Context, who halsocoach.Actor, id string) (record.SenderView, record.Contact, error) {
	r, x, err := s.own(ctx, who, id)
	if err != nil {
		return record.SenderView{}, record.Contact{}, err
	}
	view, err := s.shown(ctx, who, halsocoach.ActReadSent, r, x)
	if err != nil {
		return view, record.Contact{}, err
	}
	plain, err := s.Records.Seal.OpenMany(ctx, r.ContactIn(x))
	if err != nil {
		return view, record.Contact{}, fmt.Errorf("open contact of %s: %w", id, err)
	}
	return view, record.Contact{Phone: plain[0], Email: plain[1]}, nil
}

// Reach lets the sender mend how the person is reached, while nobody has decided.
func (s *Service) Reach(ctx context.Context, who halsocoach.Actor, id string, to record.Contact) (record.SenderView, error) {
	for _, word := range []*string{&to.Phone, &to.Email} {
		*word = strings.TrimSpace(halsocoach.Plain(*word))
	}
	r, _, err := s.own(ctx, who, id)
	if err != nil {
		return record.SenderView{}, err
	}
	if err := halsocoach.Invalid(to.Validate()...); err != nil {
		return record.SenderView{}, err
	}
	phone, email, err := s.Records.SealContact(ctx, r.Person, to)
	if err != nil {
		return record.SenderView{}, fmt.Errorf("mend contact of %s: %w", id, err)
	}
	return s.ofSender(ctx, who, id, halsocoach.ActMendContact, func(r *record.Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		x := &r.Sendings[i]
		switch gone, err := r.MayTakeBack(*x, record.Withdraw, who); {
		case err != nil:
			return nil, err
		case gone:
			return nil, record.ErrWithdrawn
		}
		x.Phone, x.Email = phone, email
		return []halsocoach.Event{record.Changed(*r, now)}, nil
	})
}

// ofSender does something with what the sender knows by the id.
func (s *Service) ofSender(ctx context.Context, who halsocoach.Actor, id string, act halsocoach.Act, do func(r *record.Referral, i int, now time.Time) ([]halsocoach.Event, error)) (record.SenderView, error) {
	before, x, err := s.own(ctx, who, id)
	if err != nil {
		return record.SenderView{}, err
	}
	after, err := s.Records.Change(ctx, before.ID, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		i := slices.IndexFunc(r.Sendings, func(y record.Sending) bool { return y.ID == x.ID })
		if i < 0 {
			return nil, halsocoach.ErrNotFound
		}
		return do(r, i, now)
	})
	if err != nil {
		return record.SenderView{}, fmt.Errorf("%s %s: %w", act, id, err)
	}
	return s.shown(ctx, who, act, after, after.Sendings[slices.IndexFunc(after.Sendings, func(y record.Sending) bool { return y.ID == x.ID })])
}

// shown is what the sender sees of it, logged as act.
func (s *Service) shown(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, r record.Referral, x record.Sending) (record.SenderView, error) {
	if err := s.Records.Saw(ctx, who, act, r); err != nil {
		return record.SenderView{}, err
	}
	all, err := s.views(ctx, []record.Referral{r}, []record.Sending{x})
	if err != nil {
		return record.SenderView{}, err
	}
	return all[0], nil
}

// views are the recommendations as the sender sees them, each by what they have
// sent, names opened in one question.
func (s *Service) views(ctx context.Context, found []record.Referral, sent []record.Sending) ([]record.SenderView, error) {
	out, boxes := make([]record.SenderView, len(found)), make([]seal.Box, len(found))
	for i, r := range found {
		x := sent[i]
		centre, err := s.Records.CentreName(ctx, r.Centre)
		if err != nil {
			return nil, err
		}
		out[i] = record.SenderView{ID: x.OwnID(), Topics: x.Topics, Centre: r.Centre, CentreName: centre, Seen: r.SeenBy(x), Consent: x.Consent, Received: x.At,
			Came: x.Arrived(), Due: x.Due, Placer: x.Placer, Changed: x.Changed, Protected: x.SaidProtected}
		out[i].Late = out[i].State.Open() && x.Due.Before(record.Over(s.Records.Clock())) && !r.Reached()
		if x.Gone == nil && x.Consent.Back == nil {
			_, err = out[i].State.After(record.Withdraw, halsocoach.RoleCareCentre)
			out[i].MayWithdraw = err == nil
			_, err = out[i].State.After(record.Err, halsocoach.RoleCareCentre)
			out[i].MayErr = err == nil && x.Source != halsocoach.FromSelf
		}
		boxes[i] = r.NameIn(x)
	}
	names, err := s.Records.Seal.OpenMany(ctx, boxes)
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
func (s *Service) SentMany(ctx context.Context, who halsocoach.Actor, ids, within []string) ([]record.SenderView, error) {
	if err := halsocoach.Allow(who, record.Senders...); err != nil {
		return nil, err
	}
	found, err := s.Records.Many(ctx, within...)
	if err != nil {
		return nil, fmt.Errorf("sent by %s: %w", who.ID, err)
	}
	by := make(map[string]record.Referral, len(found))
	for _, r := range found {
		by[r.ID] = r
	}
	var shown []record.Referral
	var sent []record.Sending
	for i, id := range ids {
		r := by[within[i]]
		j := slices.IndexFunc(r.Sendings, func(x record.Sending) bool { return x.KnownTo(who.ID) && x.OwnID() == id })
		if j >= 0 {
			shown, sent = append(shown, r), append(sent, r.Sendings[j])
		}
	}
	if err := s.Records.Saw(ctx, who, halsocoach.ActReadSent, shown...); err != nil {
		return nil, err
	}
	return s.views(ctx, shown, sent)
}

// Tracks are all that one sending of the sender's has become, the first coming
// first: more than one when it was forwarded. ErrNotFound when there is none.
func (s *Service) Tracks(ctx context.Context, who halsocoach.Actor, sending string) ([]record.SenderView, error) {
	if err := halsocoach.Allow(who, record.Senders...); err != nil {
		return nil, err
	}
	found, err := s.Records.OfSending(ctx, sending)
	if err != nil {
		return nil, fmt.Errorf("tracks of %s: %w", sending, err)
	}
	var sent []record.Sending
	found = slices.DeleteFunc(found, func(r record.Referral) bool {
		i := slices.IndexFunc(r.Sendings, func(x record.Sending) bool { return x.ID == sending && x.KnownTo(who.ID) })
		if i >= 0 {
			sent = append(sent, r.Sendings[i])
		}
		return i < 0
	})
	if len(found) == 0 {
		return nil, halsocoach.ErrNotFound
	}
	if err := s.Records.Saw(ctx, who, halsocoach.ActReadSent, found...); err != nil {
		return nil, err
	}
	views, err := s.views(ctx, found, sent)
	slices.SortStableFunc(views, func(a, b record.SenderView) int { return a.Came.Compare(b.Came) }) // what they joined may have come before
	return views, err
}

// Revise is Withdraw or EnterInError of what was read when it had last changed at
// version; ErrStale when it has changed since.
func (s *Service) Revise(ctx context.Context, who halsocoach.Actor, id string, act record.Act, version time.Time) (record.SenderView, error) {
	logged := map[record.Act]halsocoach.Act{record.Withdraw: halsocoach.ActWithdraw, record.Err: halsocoach.ActEnteredInError}[act]
	return s.ofSender(ctx, who, id, logged, func(r *record.Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		if !r.Sendings[i].Changed.Equal(version) {
			return nil, record.ErrStale
		}
		return r.TakeBack(i, act, who, now)
	})
}
