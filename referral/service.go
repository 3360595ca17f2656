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
	act := "recommend"
	if !made {
		act = "read own referral"
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

// callers are how many wait to be called at the centre and have not been asked
// what they want, at most callersWaiting.
func (s *Service) callers(ctx context.Context, centre string) (int, error) {
	if centre == "" {
		return 0, nil
	}
	found, _, err := s.referrals.Find(ctx, store.Query{Index: "callMe", Equal: []any{centre}, Limit: callersWaiting})
	return len(found), err
}
