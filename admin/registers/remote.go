package registers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
)

// remote is a decision on whether a centre takes people of the whole county in,
// from afar: since when, who wrote it down, and what stands behind it.
type remote struct {
	On       bool           `json:"on"`
	From     halsocoach.Day `json:"from"`
	At       time.Time      `json:"at"`
	By       string         `json:"by"`   // staff id
	Name     string         `json:"name"` // as it was then
	Decision string         `json:"decision"`
	Request  string         `json:"request"`
	Digest   string         `json:"digest"`
}

// online says whether the centre does so on a day: the decision that begins
// last holds, and of those that begin the same day the one written last.
func (c centre) online(day halsocoach.Day) bool {
	var now remote
	for _, r := range c.Remote {
		if r.From <= day && r.From >= now.From {
			now = r
		}
	}
	return now.On
}

// RemoteInput is a decision to be written down.
type RemoteInput struct {
	On       bool
	From     halsocoach.Day
	Decision string // who decided, when, which paragraph
}

const (
	decisionLimit = 300
	aheadLimit    = 2 * 366 // days
)

func (w RemoteInput) check(today halsocoach.Day) error {
	var bad halsocoach.Faults
	bad.When(!w.From.Valid(), "from", "Välj den dag då det börjar gälla.")
	bad.When(w.From.Valid() && w.From < today, "from", "Välj i dag eller en senare dag. Det som redan har gällt ändras inte i efterhand.")
	bad.When(w.From.Valid() && w.From > today.Plus(aheadLimit), "from", "Välj en dag inom två år.")
	bad.When(w.Decision == "", "decision", "Skriv vem som har beslutat och när.")
	bad.When(utf8.RuneCountInString(w.Decision) > decisionLimit, "decision", "Texten om beslutet får vara högst 300 tecken.")
	return halsocoach.Invalid(bad...)
}

// DecideRemote writes down whether a centre takes people of the whole county in,
// from afar. made is false when the same request had been written already.
func (s *Service) DecideRemote(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, code string, w RemoteInput) (made bool, err error) {
	if err := allow(who, halsocoach.KommunOfCentre(code)); err != nil {
		return false, err
	}
	w.Decision = strings.Join(strings.Fields(w.Decision), " ")
	now := s.cfg.Clock()
	r := remote{On: w.On, From: w.From, At: now.UTC(), By: who.ID, Name: who.Name, Decision: w.Decision, Request: req.ID(who, "remote/"+code), Digest: req.Digest(w)}
	_, err = s.changeCentre(ctx, code, func(c *centre) error {
		made = false
		if i := slices.IndexFunc(c.Remote, func(o remote) bool { return o.Request == r.Request }); i >= 0 {
			if c.Remote[i].Digest != r.Digest {
				return halsocoach.ErrKeyReused
			}
			return nil
		}
		if c.Closed != "" {
			return ErrClosed
		}
		if err := w.check(halsocoach.DayOf(now)); err != nil {
			return err
		}
		made, c.Remote = true, append(slices.Clone(c.Remote), r)
		return nil
	})
	return made, err
}

// RemoteDecision is one as the page shows it.
type RemoteDecision struct {
	On             bool
	From           halsocoach.Day
	At             time.Time
	Name, Decision string
}

// Remotes are the decisions of a centre, the one that begins last first.
func (s *Service) Remotes(_ context.Context, who halsocoach.Actor, code string) ([]RemoteDecision, error) {
	if err := allow(who, halsocoach.KommunOfCentre(code)); err != nil {
		return nil, err
	}
	c, ok := s.centres.Get(code)
	if !ok {
		return nil, fmt.Errorf("centre %s: %w", code, halsocoach.ErrNotFound)
	}
	var out []RemoteDecision
	for _, r := range slices.Backward(c.Remote) {
		out = append(out, RemoteDecision{r.On, r.From, r.At, r.Name, r.Decision})
	}
	slices.SortStableFunc(out, func(a, b RemoteDecision) int { return cmp.Compare(b.From, a.From) })
	return out, nil
}
