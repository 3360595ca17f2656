package referral

import (
	"context"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Standing is what the waiting times need to know of a recommendation. It is an
// unnamed struct, so that the package that asks declares it in its own words.
type Standing = struct {
	Centre    string
	Received  time.Time // at this centre
	Open      bool      // a coach is still to decide
	TakenIn   bool      // the person was accepted, whatever came after
	Protected bool
}

// Standing is how a recommendation stands now, for the program itself: it says
// nothing about who the person is.
func (s *Service) Standing(ctx context.Context, id string) (Standing, error) {
	r, err := s.referrals.Get(ctx, id)
	if err != nil {
		return Standing{}, fmt.Errorf("standing of %s: %w", id, err)
	}
	return Standing{Centre: r.Centre, Received: r.Received, Open: r.State.Open(), TakenIn: r.State.TakenIn(), Protected: r.Protected}, nil
}

// Senders are those who may be told that how a recommendation goes has changed,
// for the program itself: by their own ids, each once. Who has called theirs back
// is not among them, nor one whom the person no longer lets see, nor a person with
// protected identity who made contact on their own.
func (s *Service) Senders(ctx context.Context, id string) ([]string, error) {
	r, err := s.referrals.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("senders of %s: %w", id, err)
	}
	var out []string
	for _, x := range r.Sendings {
		switch {
		case x.Sender == "", slices.Contains(out, x.Sender), x.Consent.Back != nil, x.Sender == r.Person && r.Protected:
		case x.Gone != nil && (x.Gone.By == x.Sender || r.State != Withdrawn):
		default:
			out = append(out, x.Sender)
		}
	}
	return out, nil
}

// Track is which id a sender knows a recommendation by, and when what they may see
// of it last changed. It is an unnamed struct, so that the package that asks
// declares it in its own words.
type Track = struct {
	ID      string // as in Own
	Sender  string
	Person  string
	Changed time.Time
}

// TracksOf are what each sender of a recommendation follows, for the room that
// keeps them in order; whoever asks shows nobody another's.
func (s *Service) TracksOf(ctx context.Context, id string) ([]Track, error) {
	r, err := s.referrals.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("tracks of %s: %w", id, err)
	}
	var out []Track
	for _, x := range r.Sendings {
		if x.knownTo(x.Sender) {
			out = append(out, Track{r.ownID(x), x.Sender, r.Person, x.Changed})
		}
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
		j := slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.knownTo(who.ID) && r.ownID(x) == id })
		if j >= 0 {
			shown, sent = append(shown, r), append(sent, r.Sendings[j])
		}
	}
	if err := s.saw(ctx, who, "read own referrals", shown); err != nil {
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
	if err := s.saw(ctx, who, "read own referral", found); err != nil {
		return nil, err
	}
	return s.owns(ctx, found, sent)
}

// ErrStale says that what the sender sees has changed since they read it.
var ErrStale = halsocoach.Conflict("stale", "Det har hänt något sedan du läste. Läs igen och försök på nytt.")

// Revise is Withdraw or EnterInError of what was read when it had last changed at
// version; ErrStale when it has changed since.
func (s *Service) Revise(ctx context.Context, who halsocoach.Actor, id string, act Act, version time.Time) (Own, error) {
	logged := map[Act]string{Withdraw: "withdraw referral", Err: "referral entered in error"}[act]
	return s.ofSender(ctx, who, id, logged, func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		if !r.Sendings[i].Changed.Equal(version) {
			return nil, ErrStale
		}
		return r.senderTakesBack(i, act, who, now)
	})
}
