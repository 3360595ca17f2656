package citizen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Referrals are the recommendations. Package referral satisfies it.
type Referrals interface {
	// Accepted is what an enrolment is made from; ErrNotFound when nobody has
	// taken the person in.
	Accepted(ctx context.Context, id string) (halsocoach.Accepted, error)
	// Unenrolled finds those that were accepted and of which we have not yet said
	// that the enrolment is made, as store.Unfinished asks.
	Unenrolled(ctx context.Context, from, before time.Time, after string) (ids []string, next string, err error)
	// OfPerson are the recommendations about the citizen who asks, newest first.
	OfPerson(ctx context.Context, who halsocoach.Actor) ([]Recommended, error)
}

// Recommended is what a citizen may know of a recommendation about themselves.
type Recommended = struct {
	Centre   string
	State    string // "mottagen" while a coach is to decide
	Received time.Time
	Due      time.Time // a first contact is promised by then
}

// Groups are the group dates that a person has a place in. Package groups
// satisfies it.
type Groups interface {
	Coming(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Appointment, error)
}

// Messages is what waits in a person's conversations. Package chat satisfies it.
type Messages interface {
	Unread(ctx context.Context, who halsocoach.Actor) (halsocoach.Unread, error)
}

// Config is what the service needs.
type Config struct {
	Store     store.Store
	Seal      *seal.Sealer
	Persons   *person.Service
	Clock     halsocoach.Clock
	Log       *slog.Logger
	Staff     halsocoach.Staff
	Registers halsocoach.Registers
	AccessLog halsocoach.AccessLog
	Referrals Referrals
	Groups    Groups
	Messages  Messages
}

// Service is the citizen's one door, for pages, JSON and other packages.
type Service struct {
	Config
	enrolments *store.Shared[Enrolment]
	latest     store.Collection[pointer]
	goals      *store.Shared[Goal]
	checkins   *store.Shared[CheckIn]
}

// New makes the service.
func New(cfg Config) *Service {
	return &Service{Config: cfg, enrolments: store.In[Enrolment](cfg.Store, enrolments).Shared(1000), latest: store.In[pointer](cfg.Store, latest),
		goals: store.In[Goal](cfg.Store, goals).Shared(500), checkins: store.In[CheckIn](cfg.Store, checkins).Shared(500)}
}

// Enrol takes a person in: a new enrolment, or the one that is open at the
// centre, which the recommendation then joins. Doing it again changes nothing.
func (s *Service) Enrol(ctx context.Context, a halsocoach.Accepted) (Enrolment, error) {
	e, err := s.enrol(ctx, a)
	if err != nil {
		return Enrolment{}, fmt.Errorf("enrol from referral %s: %w", a.Referral, err)
	}
	if err := s.Seal.IndexName(ctx, e.Centre, e.Person, a.Name); err != nil {
		return Enrolment{}, fmt.Errorf("index name of enrolment %s: %w", e.ID, err)
	}
	_, err = s.latest.Upsert(ctx, e.Person+"/"+e.Centre, func(p *pointer) ([]halsocoach.Event, error) {
		if p.Enrolment == "" || e.Ended == nil { // not a late repeat about one that has ended
			*p = pointer{Person: e.Person, Enrolment: e.ID}
		}
		return nil, nil
	})
	return e, err
}

func (s *Service) enrol(ctx context.Context, a halsocoach.Accepted) (Enrolment, error) {
	if there, err := s.one(ctx, "referral", a.Referral); !errors.Is(err, store.ErrNotFound) {
		return there, err
	}
	contact, err := s.sealContact(ctx, a.Person, a)
	if err != nil {
		return Enrolment{}, err
	}
	fresh := Enrolment{ID: halsocoach.IDFrom("enrolment", a.Referral), Referrals: []string{a.Referral}, Person: a.Person, Centre: a.Centre, Coach: a.Coach,
		Source: a.Source, Topics: a.Topics, Sex: a.Sex, AgeBand: a.AgeBand, Contact: contact, Since: a.At.UTC(),
		Open: a.Person + "/" + a.Centre, Caseload: a.Coach}
	for range 5 {
		joined, err := s.joinOpen(ctx, a)
		if !errors.Is(err, store.ErrNotFound) {
			return joined, err
		}
		err = s.enrolments.Insert(ctx, fresh.ID, fresh, happened(EventEnrolled, fresh, a.At, a.Referral))
		switch {
		case err == nil:
			return fresh, nil
		case errors.Is(err, store.ErrConflict):
			return s.enrolments.Get(ctx, fresh.ID)
		case !store.Duplicate(err, "open"):
			return Enrolment{}, err
		}
	}
	return Enrolment{}, halsocoach.ErrBusy
}

// sealContact seals name and contact for an enrolment of the person.
func (s *Service) sealContact(ctx context.Context, person string, a halsocoach.Accepted) (c Contact, err error) {
	for _, part := range []struct {
		into    *seal.Sealed
		purpose string
		plain   string
	}{{&c.Name, "citizen.name", a.Name}, {&c.Phone, "citizen.phone", a.Phone}, {&c.Email, "citizen.email", a.Email}} {
		if *part.into, err = s.Seal.Seal(ctx, person, part.purpose, part.plain); err != nil {
			return Contact{}, fmt.Errorf("seal %s: %w", part.purpose, err)
		}
	}
	return c, nil
}

// joinOpen adds a recommendation to the enrolment that is open at its centre,
// under whichever id of the person. store.ErrNotFound says that there is none.
func (s *Service) joinOpen(ctx context.Context, a halsocoach.Accepted) (Enrolment, error) {
	who, err := s.Persons.Of(ctx, a.Person)
	if err != nil {
		return Enrolment{}, err
	}
	for _, id := range who.IDs {
		open, err := s.one(ctx, "open", id+"/"+a.Centre)
		if err == nil {
			open, err = s.join(ctx, open, a)
		}
		if !errors.Is(err, store.ErrNotFound) && !errors.Is(err, ErrEnded) {
			return open, err
		}
	}
	return Enrolment{}, store.ErrNotFound
}

// join adds a recommendation to the enrolment that is open. ErrEnded says that
// it has ended.
func (s *Service) join(ctx context.Context, open Enrolment, a halsocoach.Accepted) (Enrolment, error) {
	var contact Contact
	if a.Person == open.Person { // what was said under another id stays with that id
		var err error
		if contact, err = s.sealContact(ctx, open.Person, a); err != nil {
			return Enrolment{}, err
		}
	}
	return s.enrolments.Update(ctx, open.ID, func(e *Enrolment) ([]halsocoach.Event, error) {
		if e.Ended != nil {
			return nil, ErrEnded
		}
		if !e.addReferral(a, contact) {
			return nil, nil
		}
		events := []halsocoach.Event{happened(EventAgain, *e, a.At, a.Referral)}
		if e.Started {
			events = append(events, happened(EventStarted, *e, a.At, a.Referral))
		}
		return events, nil
	})
}

// Enrolment is what other packages may know of one, whoever asks: they have
// judged it themselves.
func (s *Service) Enrolment(ctx context.Context, id string) (halsocoach.Enrolment, error) {
	e, err := s.enrolments.Get(ctx, id)
	if err != nil {
		return halsocoach.Enrolment{}, fmt.Errorf("enrolment %s: %w", id, err)
	}
	return e.Shared(), nil
}

func shared(found []Enrolment) []halsocoach.Enrolment {
	out := make([]halsocoach.Enrolment, len(found))
	for i, e := range found {
		out[i] = e.Shared()
	}
	return out
}

// personsOf says who the people of enrolments are, by each one's Person.
func (s *Service) personsOf(ctx context.Context, found []Enrolment) (map[string]person.Identity, error) {
	ids := make([]string, len(found))
	for i, e := range found {
		ids[i] = e.Person
	}
	return s.Persons.Many(ctx, ids...)
}

// FromReferral is the enrolment that a recommendation led to: the one that was
// made from it, or the one that it joined.
func (s *Service) FromReferral(ctx context.Context, referral string) (halsocoach.Enrolment, error) {
	e, err := s.one(ctx, "referral", referral)
	if err != nil {
		return halsocoach.Enrolment{}, fmt.Errorf("enrolment from referral %s: %w", referral, err)
	}
	return e.Shared(), nil
}

// OfPerson are the enrolments of the citizen who asks: the open ones first, then
// by the newest.
func (s *Service) OfPerson(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Enrolment, error) {
	self, err := s.Persons.Self(ctx, who)
	if err != nil {
		return nil, err
	}
	found, err := s.ofPerson(ctx, self)
	if err != nil {
		return nil, fmt.Errorf("enrolments of a person: %w", err)
	}
	out := shared(found)
	slices.SortStableFunc(out, func(a, b halsocoach.Enrolment) int {
		switch {
		case a.Ended == b.Ended:
			return 0
		case b.Ended:
			return -1
		}
		return 1
	})
	return out, nil
}

// EnrolmentsAt are the open enrolments at a centre of those of the persons who
// have one under any of their ids, by the id that was asked about.
func (s *Service) EnrolmentsAt(ctx context.Context, centre string, persons ...string) (map[string]halsocoach.Enrolment, error) {
	who, err := s.Persons.Many(ctx, persons...)
	if err != nil {
		return nil, err
	}
	found, err := s.newestAt(ctx, centre, person.All(who))
	if err != nil {
		return nil, fmt.Errorf("enrolments at %s: %w", centre, err)
	}
	out := make(map[string]halsocoach.Enrolment, len(found))
	for _, id := range persons {
		for _, e := range found {
			if e.Ended == nil && who[id].Has(e.Person) && (out[id].ID == "" || e.Since.After(out[id].Since)) {
				out[id] = e.Shared()
			}
		}
	}
	return out, nil
}

// Names are what people are called in lists and conversations, by enrolment and in
// one question to each store: the name, or an alias for one with protected identity.
// The name of somebody whose key has been destroyed is "". Whoever shows them logs it.
func (s *Service) Names(ctx context.Context, ids ...string) (map[string]string, error) {
	found, err := s.enrolments.Many(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("names: %w", err)
	}
	return s.names(ctx, found)
}

func (s *Service) names(ctx context.Context, found []Enrolment) (map[string]string, error) {
	who, err := s.personsOf(ctx, found)
	if err != nil {
		return nil, err
	}
	boxes := make([]seal.Box, len(found))
	for i, e := range found {
		if !who[e.Person].Protected {
			boxes[i] = seal.Box{Person: e.Person, Purpose: "citizen.name", Sealed: e.Name}
		}
	}
	plain, err := s.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open names: %w", err)
	}
	out := make(map[string]string, len(found))
	for i, e := range found {
		out[e.ID] = plain[i]
		if who[e.Person].Protected {
			out[e.ID] = e.Alias()
		}
	}
	return out, nil
}

// PhoneFor is the number on which the person is called for a talk: for the person,
// and for a coach who may open the file. For a person with protected identity it
// is Reveal's to show to staff. "" when there is none to show.
func (s *Service) PhoneFor(ctx context.Context, who halsocoach.Actor, enrolmentID string) (string, error) {
	e, err := s.enrolments.Get(ctx, enrolmentID)
	if err != nil {
		return "", fmt.Errorf("phone of enrolment %s: %w", enrolmentID, err)
	}
	whose, err := s.Persons.Of(ctx, e.Person)
	if err != nil {
		return "", err
	}
	own := who.Is(halsocoach.RoleCitizen) && whose.Has(who.ID)
	if !own && (whose.Protected || !e.MayOpen(who, false)) {
		return "", nil
	}
	plain, err := s.Seal.OpenMany(ctx, []seal.Box{{Person: e.Person, Purpose: "citizen.phone", Sealed: e.Phone}})
	if err != nil {
		return "", fmt.Errorf("open phone of enrolment %s: %w", enrolmentID, err)
	}
	return plain[0], nil
}

// ClaimTalk takes a time in the person's days for a coming talk, in one atomic
// write: of two first talks, or of two things at one time, only one is taken and
// the other is a named conflict. The same talk again with other times moves it;
// the same again changes nothing.
func (s *Service) ClaimTalk(ctx context.Context, enrolmentID string, talk halsocoach.Appointment) error {
	t := Talk{ID: talk.ID, Kind: talk.What, Path: talk.Path, Starts: talk.Starts.UTC(), Ends: talk.Ends.UTC()}
	if placeIcon(talk.Place) != "place" {
		t.Place = talk.Place
	}
	_, err := s.enrolments.Update(ctx, enrolmentID, func(e *Enrolment) ([]halsocoach.Event, error) {
		now := s.Clock()
		changed, err := e.claim(t, now)
		if err != nil || !changed || e.Started {
			return nil, err
		}
		e.Started = true
		return []halsocoach.Event{happened(EventStarted, *e, now, e.Referrals...)}, nil
	})
	if err != nil {
		return fmt.Errorf("claim talk %s: %w", talk.ID, err)
	}
	return nil
}

// FreeTalk gives a talk's time back; again is nothing.
func (s *Service) FreeTalk(ctx context.Context, enrolmentID, talkID string) error {
	_, err := s.enrolments.Update(ctx, enrolmentID, func(e *Enrolment) ([]halsocoach.Event, error) {
		e.free(talkID)
		return nil, nil
	})
	if err != nil {
		return fmt.Errorf("free talk %s: %w", talkID, err)
	}
	return nil
}
