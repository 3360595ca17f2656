package referral

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Config is what the service needs.
type Config struct {
	Store     store.Store
	Seal      *seal.Sealer
	Clock     halsocoach.Clock
	Settings  halsocoach.Settings
	Registers halsocoach.Registers
	Staff     halsocoach.Staff
	AccessLog halsocoach.AccessLog
}

// Service is the recommendation's one door, for pages, JSON and other packages.
type Service struct {
	Config
	referrals store.Collection[Referral]
}

// New makes the service.
func New(cfg Config) *Service {
	return &Service{Config: cfg, referrals: store.In[Referral](cfg.Store, referrals)}
}

// senders may recommend.
var senders = []halsocoach.Role{halsocoach.RoleCareCentre, halsocoach.RoleAssociation}

// Recommend sends a recommendation to a centre. Somebody else's that waits about
// the same person there is joined; the sender can not tell. made is false for a
// repeat of the same wish.
func (s *Service) Recommend(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, wish Wish) (r Own, made bool, err error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return Own{}, false, err
	}
	wish = wish.trimmed()
	id, digest := req.ID(who, "referrals"), req.Digest(wish)
	if doc, err := s.madeOf(ctx, id); err == nil {
		return s.again(ctx, who, doc, id, digest)
	} else if !errors.Is(err, store.ErrNotFound) {
		return Own{}, false, fmt.Errorf("find sending %s: %w", id, err)
	}
	number, err := s.judge(ctx, wish)
	if err != nil {
		return Own{}, false, err
	}
	fresh, err := s.draft(ctx, who, id, digest, wish, number)
	if err != nil {
		return Own{}, false, fmt.Errorf("recommend: %w", err)
	}
	doc, made, err := s.receive(ctx, fresh, true)
	if err != nil {
		return Own{}, false, fmt.Errorf("recommend: %w", err)
	}
	if !made {
		return s.again(ctx, who, doc, id, digest)
	}
	if err := s.AccessLog.Saw(ctx, who, "recommend", "rekommendation", doc.Person); err != nil {
		return Own{}, false, err
	}
	own, err := s.own(ctx, doc, fresh.Sendings[0])
	return own, true, err
}

// again answers a repeat with the present state.
func (s *Service) again(ctx context.Context, who halsocoach.Actor, doc Referral, id, digest string) (Own, bool, error) {
	i := slices.IndexFunc(doc.Sendings, func(x Sending) bool { return x.ID == id })
	if i < 0 || doc.Sendings[i].Digest != digest {
		return Own{}, false, halsocoach.ErrOtherWish
	}
	if err := s.AccessLog.Saw(ctx, who, "read own referral", "rekommendation", doc.Person); err != nil {
		return Own{}, false, err
	}
	own, err := s.own(ctx, doc, doc.Sendings[i])
	return own, false, err
}

// judge is the wish's own rules, and that the centre takes people in. The
// answers to mend come together.
func (s *Service) judge(ctx context.Context, wish Wish) (halsocoach.Number, error) {
	number, wrong := wish.Judge(s.Clock())
	if wish.Centre == "" {
		return number, wrong
	}
	err := s.takesIn(ctx, wish.Centre)
	var all, more *halsocoach.Error
	if errors.As(wrong, &all) && errors.As(err, &more) && more.Kind == halsocoach.KindInvalid {
		return number, halsocoach.Invalid(append(all.Fields, more.Fields...)...)
	}
	if wrong != nil {
		return number, wrong
	}
	return number, err
}

// takesIn says whether the centre exists and is not closed.
func (s *Service) takesIn(ctx context.Context, centre string) error {
	c, err := s.Registers.Centre(ctx, centre)
	if err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
		return fmt.Errorf("centre %s: %w", centre, err)
	}
	if err != nil || c.Closed {
		return halsocoach.Invalid(halsocoach.Field{Name: "centre", Text: "Välj ett Hälsocenter som tar emot."})
	}
	return nil
}

// draft is a new recommendation with its one sending. The person's key is made
// first, then what is sealed with it.
func (s *Service) draft(ctx context.Context, who halsocoach.Actor, id, digest string, wish Wish, number halsocoach.Number) (Referral, error) {
	person, err := s.person(ctx, number)
	if err != nil {
		return Referral{}, err
	}
	now := s.Clock()
	x := Sending{ID: id, Digest: digest, Sender: who.ID, Unit: who.Unit, Source: SourceOf(who.Role), At: now.UTC(), Topics: wish.Topics,
		Consent: Consent{Given: wish.Consent, Asked: who.ID, On: halsocoach.DayOf(now)}}
	for _, part := range []struct {
		into    *seal.Sealed
		purpose string
		plain   string
	}{
		{&x.Name, "referral.name", wish.Name}, {&x.Phone, "referral.phone", wish.Phone},
		{&x.Email, "referral.email", wish.Email}, {&x.Note, "referral.note", wish.Note},
	} {
		if *part.into, err = s.Seal.Seal(ctx, person, part.purpose, part.plain); err != nil {
			return Referral{}, fmt.Errorf("seal %s: %w", part.purpose, err)
		}
	}
	r := Referral{ID: id, Person: person, Centre: wish.Centre, Received: now.UTC(), Sendings: []Sending{x}, Protected: wish.Protected,
		Sex: number.Sex(), AgeBand: halsocoach.AgeBand(number.Age(halsocoach.DayOf(now)))}
	return s.promised(ctx, r)
}

func (s *Service) person(ctx context.Context, number halsocoach.Number) (string, error) {
	if number.IsZero() {
		return s.Seal.NewPerson(ctx)
	}
	return s.Seal.Person(ctx, number)
}

// promised sets the day by which the centre has promised a first contact, and
// puts the recommendation among those that wait.
func (s *Service) promised(ctx context.Context, r Referral) (Referral, error) {
	kommun, day := halsocoach.KommunOfCentre(r.Centre), halsocoach.DayOf(r.Received)
	terms, err := s.Settings.Terms(ctx, kommun, r.Centre, day)
	if err != nil {
		return r, fmt.Errorf("terms of %s: %w", r.Centre, err)
	}
	r.Due = r.Received.In(halsocoach.Stockholm()).AddDate(0, 0, terms.PromiseDays).UTC()
	r.enter()
	return r, nil
}

// receive saves a new recommendation, or lets its sendings join the one that
// waits about the same person at the centre. made is false when the very same
// one is there already. counted says whether it is counted as a recommendation;
// a forwarded one has been.
func (s *Service) receive(ctx context.Context, fresh Referral, counted bool) (doc Referral, made bool, err error) {
	for range 5 {
		err := s.referrals.Insert(ctx, fresh.ID, fresh, received(fresh, counted))
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
		if errors.Is(err, store.ErrNotFound) {
			continue // decided in between: it no longer stands in the way
		}
		if err != nil {
			return Referral{}, false, err
		}
		doc, made, err := s.join(ctx, waiting.ID, fresh)
		if !errors.Is(err, ErrDecided) {
			return doc, made, err
		}
	}
	return Referral{}, false, halsocoach.ErrBusy
}

// join adds the sendings of fresh to the one that waits. ErrDecided says that it
// waits no longer.
func (s *Service) join(ctx context.Context, id string, fresh Referral) (doc Referral, made bool, err error) {
	doc, err = s.referrals.Update(ctx, id, func(r *Referral) ([]halsocoach.Event, error) {
		made = false
		for _, x := range fresh.Sendings {
			if !slices.ContainsFunc(r.Sendings, func(y Sending) bool { return y.ID == x.ID }) {
				if !r.State.Open() {
					return nil, ErrDecided
				}
				r.Sendings, made = append(r.Sendings, x), true
			}
		}
		r.Protected = r.Protected || fresh.Protected
		return nil, nil
	})
	return doc, made, err
}
