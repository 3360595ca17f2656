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

// Config is what the service needs.
type Config struct {
	Store     store.Store
	Seal      *seal.Sealer
	Clock     halsocoach.Clock
	Settings  halsocoach.Settings
	Registers halsocoach.Registers
	Staff     halsocoach.Staff
	AccessLog halsocoach.AccessLog
	// Enrolments may be nil, and so may Waits: then nobody is known to be taken in
	// already, and no waiting time is known.
	Enrolments Enrolments
	Waits      halsocoach.Waits
}

// Enrolments are the people who are taken in. Package citizen satisfies it.
type Enrolments interface {
	// EnrolmentsAt are the open enrolments at a centre of those of the persons
	// who have one, by person.
	EnrolmentsAt(ctx context.Context, centre string, persons ...string) (map[string]halsocoach.Enrolment, error)
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
var senders = sender

// Recommend sends a recommendation to a centre. Somebody else's that waits about
// the same person there is joined; the sender can not tell. made is false for a
// repeat of the same wish.
func (s *Service) Recommend(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, wish Wish) (r Own, made bool, err error) {
	if err := halsocoach.Allow(who, senders...); err != nil {
		return Own{}, false, err
	}
	doc, x, made, err := s.send(ctx, who, req, wish)
	if err != nil {
		return Own{}, false, err
	}
	act := halsocoach.ActRecommend
	if !made {
		act = halsocoach.ActReadSent
	}
	if err := s.saw(ctx, who, act, []Referral{doc}); err != nil {
		return Own{}, false, err
	}
	own, err := s.own(ctx, doc, x)
	return own, made, err
}

// ErrHere says that the person is taken in at the centre already.
var ErrHere = halsocoach.Conflict("enrolled", "Du har redan kontakt med det här Hälsocentret.")

// Contact is a citizen who gets in touch on their own: a recommendation of
// themselves. One who waits at the centre already joins what waits, and one who
// is taken in there is told so: ErrHere.
func (s *Service) Contact(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, wish Wish) (r Own, made bool, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return Own{}, false, err
	}
	if s.Enrolments != nil && wish.Centre != "" {
		here, err := s.Enrolments.EnrolmentsAt(ctx, wish.Centre, who.ID)
		if err != nil {
			return Own{}, false, fmt.Errorf("contact: %w", err)
		}
		if _, ok := here[who.ID]; ok {
			return Own{}, false, ErrHere
		}
	}
	wish.Personnummer, wish.Consent, wish.ConsentOn, wish.Scope, wish.Placer = "", true, "", "", ""
	wish.Protected = wish.Protected || who.Protected
	doc, x, made, err := s.send(ctx, who, req, wish)
	if err != nil {
		return Own{}, false, err
	}
	own, err := s.own(ctx, doc, x)
	return own, made, err
}

// send judges the wish and receives it.
func (s *Service) send(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, wish Wish) (doc Referral, x Sending, made bool, err error) {
	wish = wish.trimmed()
	id, digest := req.ID(who, "referrals"), s.Seal.Digest(req.Digest(wish))
	if doc, err := s.madeOf(ctx, id); err == nil {
		x, err := doc.same(id, digest)
		return doc, x, false, err
	} else if !errors.Is(err, store.ErrNotFound) {
		return doc, x, false, fmt.Errorf("find sending %s: %w", id, err)
	}
	number, err := s.judge(ctx, wish)
	if err != nil {
		return doc, x, false, err
	}
	fresh, err := s.draft(ctx, who, id, digest, wish, number)
	if err != nil {
		return doc, x, false, fmt.Errorf("recommend: %w", err)
	}
	doc, made, err = s.receive(ctx, fresh, !wish.caller)
	if err != nil {
		return doc, x, false, fmt.Errorf("recommend: %w", err)
	}
	x, err = doc.same(id, digest)
	return doc, x, made, err
}

// same is the sending that a wish has made, unless the key was used for another
// wish.
func (r Referral) same(id, digest string) (Sending, error) {
	i := slices.IndexFunc(r.Sendings, func(x Sending) bool { return x.ID == id })
	if i < 0 || r.Sendings[i].Digest != digest {
		return Sending{}, halsocoach.ErrOtherWish
	}
	return r.Sendings[i], nil
}

// draft is a new recommendation with its one sending. The person's key is made
// first, then what is sealed with it.
func (s *Service) draft(ctx context.Context, who halsocoach.Actor, id, digest string, wish Wish, number halsocoach.Number) (Referral, error) {
	person, err := s.person(ctx, who, number)
	if err != nil {
		return Referral{}, err
	}
	now, sender := s.Clock(), who.ID
	if who.Role == halsocoach.RoleCoach {
		sender = "" // the person stands before them, and is the one who asks
	}
	x := Sending{ID: id, Digest: digest, Sender: sender, Unit: who.Unit, Source: SourceOf(who.Role), At: now.UTC(), Topics: wish.Topics,
		Kommun: wish.Kommun, Language: wish.Language, Interpret: wish.Interpreter, Protected: wish.Protected, Placer: wish.Placer,
		Consent: Consent{Given: wish.Consent, Asked: who.ID, On: wish.ConsentOn, Scope: wish.Scope}}
	if x.Consent.On == "" {
		x.Consent.On = halsocoach.DayOf(now)
	}
	if x.Consent.Scope == "" {
		x.Consent.Scope = ScopeState
	}
	if err := s.fill(ctx, person, &x, wish); err != nil {
		return Referral{}, err
	}
	shielded, err := s.Shielded(ctx, person)
	if err != nil {
		return Referral{}, err
	}
	r := Referral{ID: id, Person: person, Centre: wish.Centre, Received: now.UTC(), Sendings: []Sending{x}, Protected: wish.Protected || shielded,
		Sex: number.Sex(), AgeBand: halsocoach.AgeBand(number.Age(halsocoach.DayOf(now)))}
	return s.promised(ctx, r)
}

// fill seals what was written about the person.
func (s *Service) fill(ctx context.Context, person string, x *Sending, wish Wish) (err error) {
	for _, part := range []struct {
		into    *seal.Sealed
		purpose string
		plain   string
	}{
		{&x.Name, "referral.name", wish.Name}, {&x.Phone, "referral.phone", wish.Phone}, {&x.Email, "referral.email", wish.Email},
		{&x.Wants, "referral.wants", wish.Wants}, {&x.Note, "referral.note", wish.Note},
	} {
		if *part.into, err = s.Seal.Seal(ctx, person, part.purpose, part.plain); err != nil {
			return fmt.Errorf("seal %s: %w", part.purpose, err)
		}
	}
	return nil
}

// person is whom it is about: the citizen who asks, the one behind the number,
// or somebody new.
func (s *Service) person(ctx context.Context, who halsocoach.Actor, number halsocoach.Number) (string, error) {
	if who.Role == halsocoach.RoleCitizen {
		return who.ID, nil
	}
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
	for i := range r.Sendings {
		r.Sendings[i].Due = r.Due
	}
	r.enter()
	return r, nil
}

// receive saves a new recommendation, or lets its sendings join the one that
// waits about the same person at the centre. made is false when the very same
// one is there already. counted says whether it is counted as a recommendation;
// a forwarded one has been.
func (s *Service) receive(ctx context.Context, fresh Referral, counted bool) (doc Referral, made bool, err error) {
	for range 5 {
		events := []halsocoach.Event{received(fresh, counted)}
		if fresh.Protected {
			events = append(events, happened(EventShielded, fresh, fresh.Received))
		}
		err := s.referrals.Insert(ctx, fresh.ID, fresh, events...)
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
		if err == nil {
			doc, made, err = s.join(ctx, waiting.ID, fresh)
			if err == nil {
				return doc, made, nil
			}
		}
		if !errors.Is(err, store.ErrNotFound) && !errors.Is(err, ErrDecided) {
			return Referral{}, false, err
		}
		// Decided in between: it no longer stands in the way, unless the same
		// sending had joined it by then.
		if doc, err := s.madeOf(ctx, fresh.ID); err == nil || !errors.Is(err, store.ErrNotFound) {
			return doc, false, err
		}
	}
	return Referral{}, false, halsocoach.ErrBusy
}

// join adds the sendings of fresh to the one that waits. ErrDecided says that it
// waits no longer for the same person.
func (s *Service) join(ctx context.Context, id string, fresh Referral) (doc Referral, made bool, err error) {
	doc, err = s.change(ctx, id, func(r *Referral, now time.Time) ([]halsocoach.Event, error) {
		made = false
		for _, x := range fresh.Sendings {
			if !slices.ContainsFunc(r.Sendings, func(y Sending) bool { return y.ID == x.ID }) {
				if !r.State.Open() || r.Person != fresh.Person { // or has just become another's, by a merge
					return nil, ErrDecided
				}
				if r.sentBy(x.Sender) >= sentAtOnce {
					return nil, ErrTooMany
				}
				r.Sendings, made = append(r.Sendings, x), true
			}
		}
		if !made {
			return nil, nil
		}
		if r.Protected == fresh.Protected || !fresh.Protected {
			return nil, nil
		}
		r.Protected = true
		return []halsocoach.Event{changed(*r, now)}, nil
	})
	return doc, made, err
}

// sentAtOnce bounds how often one sender may recommend the same person while the
// first waits.
const sentAtOnce = 10

// ErrTooMany says that the sender has recommended the person many times already.
var ErrTooMany = halsocoach.Conflict("too_many", "Du har redan skickat flera rekommendationer om personen som väntar på svar. Ring Hälsocentret om något är fel.")

// sentBy is how many of the sendings are a sender's.
func (r Referral) sentBy(staff string) (n int) {
	for _, x := range r.Sendings {
		if staff != "" && x.Sender == staff {
			n++
		}
	}
	return n
}
