package referral

import (
	"context"
	"fmt"
	"slices"
	"time"
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
