package referral

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/holiday"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Preview is what a sender sees before sending: the wish, how long people wait
// at the centre, and the centres where the person may go and waits less.
type Preview struct {
	Wish    Wish
	Centre  halsocoach.Centre
	Wait    halsocoach.Wait
	Known   bool // whether Wait is
	Shorter []CentreWait
}

// CentreWait is a centre with its waiting time.
type CentreWait struct {
	halsocoach.Centre
	Wait  halsocoach.Wait
	Known bool
}

// Check judges a wish as Recommend would, and sends nothing.
func (s *Service) Check(ctx context.Context, who halsocoach.Actor, wish Wish) (Preview, error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return Preview{}, err
	}
	wish = wish.trimmed()
	if _, err := s.judge(ctx, wish); err != nil {
		return Preview{}, err
	}
	if wish.ConsentOn == "" {
		wish.ConsentOn = halsocoach.DayOf(s.Clock())
	}
	p := Preview{Wish: wish}
	open, err := s.CentresFor(ctx, wish.Kommun)
	if err != nil {
		return Preview{}, err
	}
	for _, c := range open {
		if c.Code == wish.Centre {
			p.Centre, p.Wait, p.Known = c.Centre, c.Wait, c.Known
		}
	}
	for _, c := range open {
		if p.Known && c.Known && c.Code != wish.Centre && shorter(c.Wait, p.Wait) {
			p.Shorter = append(p.Shorter, c)
		}
	}
	slices.SortStableFunc(p.Shorter, func(a, b CentreWait) int { return a.Wait.Median - b.Wait.Median })
	p.Shorter = p.Shorter[:min(len(p.Shorter), 3)]
	return p, nil
}

// shorter says whether people wait less there than here: those who have had their
// talk did, and those who wait now have not waited longer.
func shorter(there, here halsocoach.Wait) bool {
	if there.Median >= here.Median {
		return false
	}
	if there.WaitingMedian == nil {
		return true
	}
	so := here.Median
	if here.WaitingMedian != nil {
		so = *here.WaitingMedian
	}
	return *there.WaitingMedian <= so
}

// Fits judges the wish of one who gets in touch on their own as Contact would,
// and sends nothing.
func (s *Service) Fits(ctx context.Context, wish Wish) error {
	wish = wish.trimmed()
	wish.Personnummer, wish.Consent, wish.ConsentOn, wish.Scope, wish.Placer = "", true, "", "", ""
	_, err := s.judge(ctx, wish)
	return err
}

// Already is the sender's own recommendation of the same person to the same
// centre, while it is open there; false when there is none. The person is known
// by the number alone, so without one nobody is known.
func (s *Service) Already(ctx context.Context, who halsocoach.Actor, wish Wish) (Own, bool, error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return Own{}, false, err
	}
	wish = wish.trimmed()
	number, err := halsocoach.ParseNumber(wish.Personnummer, s.Clock())
	if err != nil {
		return Own{}, false, nil
	}
	person, found, err := s.Seal.Lookup(ctx, number)
	if err != nil || !found {
		return Own{}, false, err
	}
	r, err := s.openOne(ctx, person+"/"+wish.Centre)
	if errors.Is(err, store.ErrNotFound) {
		return Own{}, false, nil
	}
	if err != nil {
		return Own{}, false, fmt.Errorf("what is open about the person: %w", err)
	}
	i := slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.knownTo(who.ID) && x.Gone == nil && x.Consent.Back == nil })
	if i < 0 {
		return Own{}, false, nil
	}
	if err := s.saw(ctx, who, "read own referral", []Referral{r}); err != nil {
		return Own{}, false, err
	}
	own, err := s.own(ctx, r, r.Sendings[i])
	return own, err == nil, err
}

// promised is the day by which people are told that the person will have heard
// from the centre.
func promised(o Own) time.Time {
	return holiday.LastWorkingDay(halsocoach.DayOf(o.Received), halsocoach.DayOf(o.Due)).Start()
}

// CentresFor are the centres that somebody who lives in the kommun may choose,
// with their waiting times; the kommun's own first. "" is all.
func (s *Service) CentresFor(ctx context.Context, kommun string) ([]CentreWait, error) {
	centres, err := s.Registers.Centres(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("centres: %w", err)
	}
	var out []CentreWait
	for _, c := range centres {
		open, err := s.openTo(ctx, kommun, c)
		if err != nil {
			return nil, err
		}
		if !open || c.Closed {
			continue
		}
		at := CentreWait{Centre: c}
		if s.Waits != nil {
			if at.Wait, at.Known, err = s.Waits.Wait(ctx, c.Code); err != nil {
				return nil, fmt.Errorf("waiting time at %s: %w", c.Code, err)
			}
		}
		out = append(out, at)
	}
	slices.SortStableFunc(out, func(a, b CentreWait) int {
		switch own := a.Kommun == kommun; {
		case own == (b.Kommun == kommun):
			return 0
		case own:
			return -1
		}
		return 1
	})
	return out, nil
}

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
	Due      time.Time
	Placer   string    // the sender's own identifier
	Shielded bool      // the sender said that the person has protected identity
	Changed  time.Time // when what the sender sees last did
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
	sent := make([]Sending, 0, len(found))
	found = slices.DeleteFunc(found, func(r Referral) bool {
		x, known := r.SendingOf(who.ID)
		if known {
			sent = append(sent, x)
		}
		return !known
	})
	if err := s.saw(ctx, who, "read own referrals", found); err != nil {
		return nil, "", err
	}
	items, err = s.owns(ctx, found, sent)
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
	if err := s.saw(ctx, who, "read own referral", []Referral{r}); err != nil {
		return Own{}, err
	}
	return s.own(ctx, r, x)
}

// Withdraw calls back what the sender has sent, while nobody has decided. Another
// sender's about the same person stays. Again is nothing.
func (s *Service) Withdraw(ctx context.Context, who halsocoach.Actor, id string) (Own, error) {
	return s.ofSender(ctx, who, id, "withdraw referral", func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		return r.senderTakesBack(i, Withdraw, who, now)
	})
}

// EnterInError says that the sending was a mistake: another person, another
// centre, twice. It may come after the decision; then the coach who took the
// person in is told, and nothing is removed. Again is nothing.
func (s *Service) EnterInError(ctx context.Context, who halsocoach.Actor, id string) (Own, error) {
	return s.ofSender(ctx, who, id, "referral entered in error", func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		return r.senderTakesBack(i, Err, who, now)
	})
}

// ConsentBack is the sender's word that the person has taken the consent back:
// while nobody has decided the sending is called back, afterwards the sender sees
// no more of how it goes. Again is nothing.
func (s *Service) ConsentBack(ctx context.Context, who halsocoach.Actor, id string) (Own, error) {
	return s.ofSender(ctx, who, id, "consent taken back", func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error) {
		return r.consentBack(i, who, now)
	})
}

// ErrNoInsight says that the person no longer lets the sender follow how it goes.
var ErrNoInsight = halsocoach.Conflict("no_insight", "Personen har tagit tillbaka sitt ja till att du följer hur det går. Ring Hälsocentret om något är fel.")

// senderTakesBack is takeBack by the sender, who may not learn from the answer what
// the person no longer lets them see.
func (r *Referral) senderTakesBack(i int, how Act, who halsocoach.Actor, now time.Time) ([]halsocoach.Event, error) {
	if x := r.Sendings[i]; x.Gone == nil && x.Consent.Back != nil {
		return nil, ErrNoInsight
	}
	return r.takeBack(i, how, who, now)
}

// takeBack lets a sending hold no longer, with the event that tells it.
func (r *Referral) takeBack(i int, how Act, who halsocoach.Actor, now time.Time) ([]halsocoach.Event, error) {
	switch x := r.Sendings[i]; {
	case x.Gone != nil && x.Gone.How == how:
		return nil, nil
	case x.Gone != nil && x.Gone.How == Err:
		return nil, ErrErred
	case x.Gone != nil:
		return nil, ErrWithdrawn
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
	seen := r.SeenBy(*x)
	x.Consent.Back, x.Consent.BackBy = &now, who.ID
	if r.State.Open() {
		return r.takeBack(i, Withdraw, who, now)
	}
	x.Last = &seen
	return []halsocoach.Event{changed(*r, now)}, nil
}

// ofSender does something with what the sender knows by the id.
func (s *Service) ofSender(ctx context.Context, who halsocoach.Actor, id, act string, do func(r *Referral, i int, now time.Time) ([]halsocoach.Event, error)) (Own, error) {
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
		out[i] = Own{ID: r.ownID(x), Topics: x.Topics, Centre: r.Centre, CentreName: centre, Seen: r.SeenBy(x), Consent: x.Consent, Received: x.At,
			Due:    r.Due.Add(x.came().Sub(r.Received)), // a promise from their own day
			Placer: x.Placer, Changed: x.Changed, Shielded: x.Protected}
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
