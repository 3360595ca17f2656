package coach

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
)

// enter finds a talk that who may see and change: the person's own, or one of a
// person whom the coach may work with. Staff's access is logged.
func (s *Service) enter(ctx context.Context, who halsocoach.Actor, id string, act halsocoach.Act) (Booked, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen, halsocoach.RoleCoach); err != nil {
		return Booked{}, err
	}
	b, err := s.docs.talk(ctx, id)
	if err != nil {
		return Booked{}, err
	}
	if who.Is(halsocoach.RoleCitizen) {
		self, err := s.Persons.Of(ctx, who.ID)
		if err == nil && !self.Has(b.Person) {
			err = halsocoach.ErrNotFound
		}
		if err != nil {
			return Booked{}, err
		}
		return b, nil
	}
	if b.Centre != who.Centre {
		return Booked{}, halsocoach.ErrNotFound
	}
	if b.Coach != who.ID {
		e, err := s.Enrolments.Enrolment(ctx, b.Enrolment)
		if err != nil {
			return Booked{}, err
		}
		if err := s.mayCoach(ctx, who, e); err != nil {
			return Booked{}, err
		}
	}
	return b, s.AccessLog.Saw(ctx, who, act, "samtal", b.Person)
}

// Coming is what who has ahead: a citizen's own talks, or those in a coach's
// calendar during two weeks.
func (s *Service) Coming(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Appointment, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen, halsocoach.RoleCoach); err != nil {
		return nil, err
	}
	now := s.Clock()
	today := halsocoach.DayOf(now)
	if who.Is(halsocoach.RoleCitizen) {
		self, err := s.Persons.Of(ctx, who.ID)
		if err != nil {
			return nil, err
		}
		talks, err := s.docs.ofPerson(ctx, self, today)
		if err != nil {
			return nil, err
		}
		return s.appointments(ctx, who, coming(talks, now))
	}
	days, err := s.docs.ofCoach(ctx, who.ID, today, today.Plus(14))
	if err != nil {
		return nil, err
	}
	talks := coming(newest(bookedIn(days, func(Talk) bool { return true })), now)
	var persons []string
	for _, b := range talks {
		persons = append(persons, b.Person)
	}
	slices.Sort(persons)
	if len(persons) > 0 {
		if err := s.AccessLog.Saw(ctx, who, halsocoach.ActReadTalks, "samtal", slices.Compact(persons)...); err != nil {
			return nil, err
		}
	}
	return s.appointments(ctx, who, talks)
}

// ComingOf is what a person has ahead, for their coach's page.
func (s *Service) ComingOf(ctx context.Context, who halsocoach.Actor, enrolmentID string) ([]halsocoach.Appointment, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return nil, err
	}
	if _, err := s.coached(ctx, who, enrolmentID, halsocoach.ActReadTalks); err != nil {
		return nil, err
	}
	now := s.Clock()
	talks, err := s.docs.ofEnrolment(ctx, enrolmentID, halsocoach.DayOf(now))
	if err != nil {
		return nil, err
	}
	return s.appointments(ctx, who, coming(talks, now))
}

func coming(talks []Booked, now time.Time) []Booked {
	var out []Booked
	for _, b := range talks {
		if b.Coming(now) {
			out = append(out, b)
		}
	}
	return out
}

// appointments are talks in the words that other packages know.
func (s *Service) appointments(ctx context.Context, who halsocoach.Actor, talks []Booked) ([]halsocoach.Appointment, error) {
	out := make([]halsocoach.Appointment, len(talks))
	for i, b := range talks {
		a, err := s.appointment(ctx, b.Talk)
		if err != nil {
			return nil, err
		}
		if who.Staff() {
			a.Path = talkPath(b.ID)
		}
		out[i] = a
	}
	return out, nil
}

// appointment says what the person has agreed to come to. A centre that is no
// longer in the register leaves the place empty.
func (s *Service) appointment(ctx context.Context, t Talk) (halsocoach.Appointment, error) {
	a := halsocoach.Appointment{ID: t.ID, What: string(t.Kind), Title: "Inledande samtal", Path: "/samtal", Starts: local(t.Starts), Ends: local(t.Ends)}
	if t.Kind == FollowUp {
		a.Title = "Uppföljande samtal"
	}
	switch t.Form {
	case ByPhone:
		a.Place = "Telefon"
	case ByVideo:
		a.Place = "Video"
	default:
		c, err := s.Registers.Centre(ctx, t.Centre)
		if err != nil && !errors.Is(err, halsocoach.ErrNotFound) {
			return a, err
		}
		a.Place = c.Name
		if c.Address != "" {
			a.Place += ", " + c.Address
		}
	}
	return a, nil
}

// FirstHeld is the day of the first talk that was held within an enrolment, ""
// before there is one.
func (s *Service) FirstHeld(ctx context.Context, enrolment string) (halsocoach.Day, error) {
	talks, err := s.docs.ofEnrolment(ctx, enrolment, "")
	if err != nil {
		return "", fmt.Errorf("first talk of %s: %w", enrolment, err)
	}
	for _, b := range talks { // by time
		if b.Kind == First && b.Outcome == Held {
			return halsocoach.DayOf(b.Starts), nil
		}
	}
	return "", nil
}

// Booking is what those who tell people of it need to know of a talk. It is an
// unnamed struct, so that the package that asks declares it in its own words.
type Booking = struct {
	Person                 string
	First, ByCoach, Coming bool
}

// Booking is how a talk stands, for the program itself.
func (s *Service) Booking(ctx context.Context, talk string) (Booking, error) {
	b, err := s.docs.talk(ctx, talk)
	if err != nil {
		return Booking{}, fmt.Errorf("booking of %s: %w", talk, err)
	}
	return Booking{Person: b.Person, First: b.Kind == First, ByCoach: !b.ByCitizen, Coming: b.Coming(s.Clock())}, nil
}

func local(t time.Time) time.Time { return t.In(halsocoach.Stockholm()) }

// talkPath is the coach's page of a talk.
func talkPath(id string) string { return "/kalender/samtal/" + id }

// Mine is a citizen's page of talks: what is ahead, and what can be booked.
type Mine struct {
	Coming []Choice
	Past   []Choice // the latest first
	Offer  *Offer   // nil when a talk is ahead already, or not enrolled
}

// MyTalks is a citizen's talks and, when none is ahead, the free times.
func (s *Service) MyTalks(ctx context.Context, who halsocoach.Actor, q SlotQuery) (Mine, error) {
	self, err := s.Persons.Self(ctx, who)
	if err != nil {
		return Mine{}, err
	}
	talks, err := s.docs.ofPerson(ctx, self, "")
	if err != nil {
		return Mine{}, err
	}
	var m Mine
	now := s.Clock()
	for _, b := range slices.Backward(talks) {
		ahead := b.Coming(now)
		if !ahead && (b.Outcome == Cancelled || len(m.Past) == pastShown) {
			continue
		}
		c, err := s.described(ctx, who, b)
		if err != nil {
			return Mine{}, err
		}
		if ahead {
			m.Coming = append([]Choice{c}, m.Coming...)
		} else {
			m.Past = append(m.Past, c)
		}
	}
	if len(m.Coming) > 0 {
		return m, nil
	}
	o, err := s.Free(ctx, who, q)
	if err != nil {
		return m, err
	}
	m.Offer = &o
	return m, nil
}

// pastShown is how many talks that have been a citizen sees.
const pastShown = 20

// described is a talk with where it is held and the coach's name.
func (s *Service) described(ctx context.Context, who halsocoach.Actor, b Booked) (Choice, error) {
	where, err := s.where(ctx, who, b)
	if err != nil {
		return Choice{}, err
	}
	member, err := s.Staff.Member(ctx, b.Coach)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		err = nil
	}
	return Choice{Booked: b, Where: where, CoachName: member.Name}, err
}

// where is where a talk is held. The link and the number are told until it is
// over.
func (s *Service) where(ctx context.Context, who halsocoach.Actor, b Booked) (Where, error) {
	a, err := s.appointment(ctx, b.Talk)
	w := Where{Place: a.Place}
	if err != nil || !b.Coming(s.Clock()) {
		return w, err
	}
	switch b.Form {
	case ByVideo:
		weeks, err := s.docs.patterns(ctx, b.Coach)
		w.Video = weeks[b.Coach].Video
		return w, err
	case ByPhone:
		w.Phone, err = s.Enrolments.PhoneFor(ctx, who, b.Enrolment)
	}
	return w, err
}

// Choice is one talk and, of Choices, the times it can be moved to.
type Choice struct {
	Booked
	Where
	CoachName string
	Name      string // the person's, for a coach
	Offer     Offer
}

// Talk is one talk: for the person, or for a coach who then also sees the
// person's name.
func (s *Service) Talk(ctx context.Context, who halsocoach.Actor, id string) (Choice, error) {
	b, err := s.enter(ctx, who, id, halsocoach.ActReadTalks)
	if err != nil {
		return Choice{}, err
	}
	c, err := s.described(ctx, who, b)
	if err != nil || !who.Staff() {
		return c, err
	}
	names, err := s.Enrolments.Names(ctx, c.Enrolment)
	c.Name = names[c.Enrolment]
	return c, err
}

// Own is a citizen's own talk and where it is held, for a calendar that others
// may see: the address, or the form of a talk by phone or video. Nothing is said
// of it for a person with protected identity.
func (s *Service) Own(ctx context.Context, who halsocoach.Actor, id string) (b Booked, where string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return Booked{}, "", err
	}
	if b, err = s.enter(ctx, who, id, ""); err != nil {
		return Booked{}, "", err
	}
	protected, err := s.Persons.Protected(ctx, b.Person)
	if err != nil || protected {
		return b, "", err
	}
	if b.Form != OnSite {
		return b, formTexts.Of(ctx, b.Form), nil
	}
	c, err := s.Registers.Centre(ctx, b.Centre)
	if err != nil && !errors.Is(err, halsocoach.ErrNotFound) {
		return Booked{}, "", err
	}
	return b, c.Address, nil
}

// Choices is a talk with the times it can be moved to.
func (s *Service) Choices(ctx context.Context, who halsocoach.Actor, id string, q SlotQuery) (Choice, error) {
	if err := q.check(); err != nil {
		return Choice{}, err
	}
	c, err := s.Talk(ctx, who, id)
	if err != nil {
		return Choice{}, err
	}
	if err := c.movable(s.Clock(), who.Is(halsocoach.RoleCitizen)); err != nil {
		return c, err
	}
	e, err := s.Enrolments.Enrolment(ctx, c.Enrolment)
	if err != nil {
		return c, err
	}
	q.Centre = c.Centre
	c.Offer, err = s.fill(ctx, Offer{Enrolment: e, Kind: c.Kind}, q, c.ID)
	c.Offer.Slots = slices.DeleteFunc(c.Offer.Slots, func(o Slot) bool {
		return o.Coach == c.Coach && o.Starts.Equal(c.Starts) && o.Form == c.Form
	})
	return c, err
}
