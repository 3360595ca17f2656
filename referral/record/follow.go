package record

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Senders are those who may be told that how a recommendation goes has changed,
// for the program itself: by their own ids, each once. Who has called theirs back
// is not among them, nor one whom the person no longer lets see, nor a person with
// protected identity who made contact on their own.
func (s *Records) Senders(ctx context.Context, id string) ([]string, error) {
	r, err := s.referrals.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("senders of %s: %w", id, err)
	}
	one, err := s.Persons.Of(ctx, r.Person)
	if err != nil {
		return nil, fmt.Errorf("senders of %s: %w", id, err)
	}
	var out []string
	for _, x := range r.Sendings {
		switch {
		case x.Sender == "", slices.Contains(out, x.Sender), x.Consent.Back != nil, x.Sender == r.Person && one.Protected:
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
	ID      string // as in SenderView
	Within  string // the recommendation's own id
	Sender  string
	Person  string
	Changed time.Time
}

// TracksOf are what each sender of a recommendation follows, for the room that
// keeps them in order; whoever asks shows nobody another's. id is the
// recommendation's, or that of a sending that went into it.
func (s *Records) TracksOf(ctx context.Context, id string) ([]Track, error) {
	r, err := s.Find(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("tracks of %s: %w", id, err)
	}
	var out []Track
	for _, x := range r.Sendings {
		if x.KnownTo(x.Sender) {
			out = append(out, Track{x.OwnID(), r.ID, x.Sender, r.Person, x.Changed})
		}
	}
	return out, nil
}
