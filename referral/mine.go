package referral

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Mine is a recommendation as the person whom it is about sees it.
type Mine struct {
	ID          string
	Centre      halsocoach.Centre
	State       State
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
	Consent Consent
	Gone    *Gone
}

// AboutMe are the recommendations about the citizen who asks, newest first.
func (s *Service) AboutMe(ctx context.Context, who halsocoach.Actor) ([]Mine, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return nil, err
	}
	found, err := s.aboutPerson(ctx, who.ID)
	if err != nil {
		return nil, fmt.Errorf("referrals about a person: %w", err)
	}
	out := make([]Mine, len(found))
	for i, r := range found {
		m := Mine{ID: r.ID, State: r.State, Received: r.Received, Due: r.Due}
		if m.Centre, err = s.Registers.Centre(ctx, r.Centre); err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
			return nil, err
		}
		_, refused := r.State.After(Withdraw, who.Role)
		m.MayWithdraw = refused == nil
		for _, x := range r.Sendings {
			said := Said{ID: x.ID, Source: x.Source, At: x.At, Topics: x.Topics, Consent: x.Consent, Gone: x.Gone}
			if said.Unit, err = s.unitName(ctx, x.Unit); err != nil {
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
	return s.ofMine(ctx, who, id, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
		var events []halsocoach.Event
		for i, x := range r.Sendings {
			if x.Gone != nil {
				continue
			}
			more, err := r.takeBack(i, Withdraw, who, now)
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
func (s *Service) ConsentMine(ctx context.Context, who halsocoach.Actor, id, sending string, scope Scope) error {
	if scope != "" && !scope.Known() {
		return halsocoach.Invalid(halsocoach.Field{Name: "scope", Text: "Välj ett av alternativen."})
	}
	return s.ofMine(ctx, who, id, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
		i := slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.ID == sending && x.Source != halsocoach.FromSelf })
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
		return []halsocoach.Event{changed(*r, now)}, nil
	})
}

// ofMine does something with a recommendation about the citizen who asks.
func (s *Service) ofMine(ctx context.Context, who halsocoach.Actor, id string, do func(r *Referral, now time.Time) ([]halsocoach.Event, error)) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return err
	}
	_, err := s.change(ctx, id, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
		if r.Person != who.ID {
			return nil, halsocoach.ErrNotFound
		}
		return do(r, now)
	})
	if err != nil {
		return fmt.Errorf("own referral %s: %w", id, err)
	}
	return nil
}

// callersWaiting bounds how many wait at a centre to be called who have not been
// asked what they want, so that no one can fill its inbox.
const callersWaiting = 40

// ErrTooManyCallers says that the centre has more to call than it should have.
var ErrTooManyCallers = halsocoach.Conflict("too_many", "Just nu är det många som vill bli uppringda. Ring oss i stället, så hjälper vi dig.")

// CallMe lets a visitor who can not sign in leave a name and a phone number. It
// lies in the inbox as an own contact, and is counted once a coach has asked the
// person what they want (Complete). Whoever shows the page bounds how often.
func (s *Service) CallMe(ctx context.Context, req halsocoach.Request, name, phone, centre, language string) error {
	wish := Wish{Name: name, Phone: phone, Centre: centre, Language: language, Consent: true, caller: true}
	waiting, err := s.callers(ctx, centre)
	if err != nil {
		return fmt.Errorf("call me: %w", err)
	}
	if waiting >= callersWaiting {
		return ErrTooManyCallers
	}
	_, _, _, err = s.send(ctx, halsocoach.Actor{}, req, wish)
	return err
}

// ErrAsked says that the caller has been asked already.
var ErrAsked = halsocoach.Conflict("asked", "Någon har redan pratat med personen och skrivit in vad hen vill.")

// Complete is a coach who has asked a caller what they want: what
// is written replaces what the caller wrote. From then on it is a recommendation
// like others, and counted.
func (s *Service) Complete(ctx context.Context, who halsocoach.Actor, id string, wish Wish) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return err
	}
	r, err := s.one(ctx, id)
	if err == nil && !r.MayOpen(who) {
		err = halsocoach.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("complete %s: %w", id, err)
	}
	if r.CallMe == "" {
		return ErrAsked
	}
	wish = wish.trimmed()
	wish.Centre, wish.ConsentOn = r.Centre, ""
	number, err := wish.Judge(s.Clock())
	if err != nil {
		return err
	}
	if !number.IsZero() {
		if err := s.Seal.Link(ctx, r.Person, number); errors.Is(err, seal.ErrTied) {
			return halsocoach.Invalid(halsocoach.Field{Name: "personnummer", Text: "Numret hör till någon som redan finns här. Lämna det tomt, och slå ihop personerna sedan."})
		} else if err != nil {
			return fmt.Errorf("complete %s: %w", id, err)
		}
	}
	person, asked := r.Person, Sending{}
	if err := s.fill(ctx, person, &asked, wish); err != nil {
		return fmt.Errorf("complete %s: %w", id, err)
	}
	after, err := s.change(ctx, r.ID, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
		i := slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.Sender == "" })
		if r.CallMe == "" || i < 0 {
			return nil, ErrAsked
		}
		if r.Person != person {
			return nil, halsocoach.ErrBusy // joined to another meanwhile; what is written is sealed for the first
		}
		x := &r.Sendings[i]
		x.Name, x.Phone, x.Email, x.Wants = asked.Name, asked.Phone, asked.Email, asked.Wants
		x.Topics, x.Kommun, x.Language, x.Interpret, x.Protected = wish.Topics, wish.Kommun, wish.Language, wish.Interpreter, wish.Protected
		x.Consent = Consent{Given: true, Asked: who.ID, On: halsocoach.DayOf(now), Scope: ScopeState}
		r.Protected = r.Protected || wish.Protected
		r.Attempts = append(r.Attempts, met(r.ID, ByPhone, who, now))
		r.Sex, r.AgeBand = number.Sex(), halsocoach.AgeBand(number.Age(halsocoach.DayOf(now)))
		return []halsocoach.Event{changed(*r, now).Counting(counting(*r, now))}, nil
	})
	if err != nil {
		return fmt.Errorf("complete %s: %w", id, err)
	}
	return s.saw(ctx, who, "complete referral", []Referral{after})
}

// Visit is a coach who writes in somebody who stands before them: an own contact
// that the coach has taken. One who waits at the centre already joins what waits.
func (s *Service) Visit(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, wish Wish) (id string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return "", err
	}
	wish.Centre, wish.ConsentOn, wish.Scope, wish.Placer, wish.there = who.Centre, "", "", "", true
	doc, _, _, err := s.send(ctx, who, req, wish)
	if err != nil {
		return "", err
	}
	if doc, err = s.change(ctx, doc.ID, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
		at := met(doc.ID, InPerson, who, now)
		if !r.State.Open() || slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.ID == at.ID }) {
			return nil, nil // decided, or by the same wish before
		}
		r.Attempts = append(r.Attempts, at)
		if r.State != Received {
			return []halsocoach.Event{changed(*r, now)}, nil // a colleague has it
		}
		r.Taken = &Holder{By: who.ID, At: now}
		return r.Move(Take, now)
	}); err != nil {
		return "", fmt.Errorf("take the visitor %s: %w", doc.ID, err)
	}
	return doc.ID, s.saw(ctx, who, "complete referral", []Referral{doc})
}

// met is that a coach has talked with the person, when what they want was written
// in.
func met(referral string, how Way, who halsocoach.Actor, now time.Time) Attempt {
	return Attempt{ID: halsocoach.IDFrom("met", referral, who.ID), How: how, Went: Reached, By: who.ID, At: now}
}

// callers are how many wait to be called at the centre and have not been asked
// what they want, at most callersWaiting.
func (s *Service) callers(ctx context.Context, centre string) (int, error) {
	if centre == "" {
		return 0, nil
	}
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "callMe", Equal: []any{centre}, Limit: callersWaiting})
	return len(found), err
}
