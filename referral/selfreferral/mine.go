package selfreferral

import (
	"context"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/referral/record"
)

// Mine is a recommendation as the person whom it is about sees it.
type Mine struct {
	ID          string
	Centre      halsocoach.Centre
	State       record.State
	Received    time.Time
	Due         time.Time
	MayWithdraw bool
	Said        []Said
}

// Said is what one sender has sent about the person who asks.
type Said struct {
	ID      string // the sending's, of the recommendation
	Unit    string // name
	Source  halsocoach.Source
	At      time.Time
	Topics  []halsocoach.Topic
	Consent record.Consent
	Gone    *record.Gone
}

// about are the recommendations about the citizen, under all of their ids.
func (s *Service) about(ctx context.Context, who halsocoach.Actor) ([]record.Referral, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return nil, err
	}
	one, err := s.Records.Persons.Of(ctx, who.ID)
	if err != nil {
		return nil, err
	}
	return s.Records.About(ctx, one.IDs...)
}

// Recommended is what a citizen may know of a recommendation about themselves.
// It is an unnamed struct, so that the package that asks declares it in its own
// words.
type Recommended = struct {
	Centre   string
	State    string
	Received time.Time
	Due      time.Time
}

// OfPerson are the recommendations about the citizen who asks, newest first.
func (s *Service) OfPerson(ctx context.Context, who halsocoach.Actor) ([]Recommended, error) {
	all, err := s.about(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("referrals of a person: %w", err)
	}
	out := make([]Recommended, len(all))
	for i, r := range all {
		out[i] = Recommended{Centre: r.Centre, State: string(r.State), Received: r.Received, Due: r.Due}
	}
	return out, nil
}

// AboutMe are the recommendations about the citizen who asks, newest first.
func (s *Service) AboutMe(ctx context.Context, who halsocoach.Actor) ([]Mine, error) {
	found, err := s.about(ctx, who)
	if err != nil {
		return nil, err
	}
	out := make([]Mine, len(found))
	for i, r := range found {
		m := Mine{ID: r.ID, State: r.State, Received: r.Received, Due: r.Due}
		if m.Centre, err = s.Records.Registers.Centre(ctx, r.Centre); err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
			return nil, err
		}
		_, refused := r.State.After(record.Withdraw, who.Role)
		m.MayWithdraw = refused == nil
		for _, x := range r.Sendings {
			said := Said{ID: x.ID, Source: x.Source, At: x.At, Topics: x.Topics, Consent: x.Consent, Gone: x.Gone}
			if said.Unit, err = s.Records.UnitName(ctx, x.Unit); err != nil {
				return nil, err
			}
			m.Said = append(m.Said, said)
		}
		out[i] = m
	}
	return out, nil
}

// WithdrawMine is the person's word that they do not want to be contacted, while
// nobody has decided: what all the senders have sent is called back. Again is
// nothing.
func (s *Service) WithdrawMine(ctx context.Context, who halsocoach.Actor, id string) error {
	return s.ofMine(ctx, who, id, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		var events []halsocoach.Event
		for i, x := range r.Sendings {
			if x.Gone != nil {
				continue
			}
			more, err := r.TakeBack(i, record.Withdraw, who, now)
			if err != nil {
				return nil, err
			}
			events = more // the last one says that the recommendation itself has moved
		}
		return events, nil
	})
}

// ConsentMine is what the person lets one sender see from now on; "" is nothing
// more than they have seen. The recommendation stands.
func (s *Service) ConsentMine(ctx context.Context, who halsocoach.Actor, id, sending string, scope record.Scope) error {
	if scope != "" && !scope.Known() {
		return halsocoach.Invalid(halsocoach.Field{Name: "scope", Text: "Välj ett av alternativen."})
	}
	return s.ofMine(ctx, who, id, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		i := slices.IndexFunc(r.Sendings, func(x record.Sending) bool { return x.ID == sending && x.Source != halsocoach.FromSelf })
		if i < 0 {
			return nil, halsocoach.ErrNotFound
		}
		x := &r.Sendings[i]
		switch {
		case scope == "" && x.Consent.Back != nil, scope != "" && x.Consent.Back == nil && x.Consent.Scope == scope:
			return nil, nil
		case scope == "":
			seen := r.SeenBy(*x)
			x.Last, x.Consent.Back, x.Consent.BackBy = &seen, &now, who.ID
		default:
			x.Last, x.Consent.Back, x.Consent.BackBy, x.Consent.Scope = nil, nil, "", scope
		}
		return []halsocoach.Event{record.Changed(*r, now)}, nil
	})
}

// ofMine does something with a recommendation about the citizen who asks.
func (s *Service) ofMine(ctx context.Context, who halsocoach.Actor, id string, do func(r *record.Referral, now time.Time) ([]halsocoach.Event, error)) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return err
	}
	one, err := s.Records.Persons.Of(ctx, who.ID)
	if err != nil {
		return fmt.Errorf("own referral %s: %w", id, err)
	}
	_, err = s.Records.Change(ctx, id, func(r *record.Referral, now time.Time) ([]halsocoach.Event, error) {
		if !one.Has(r.Person) {
			return nil, halsocoach.ErrNotFound
		}
		return do(r, now)
	})
	if err != nil {
		return fmt.Errorf("own referral %s: %w", id, err)
	}
	return nil
}
