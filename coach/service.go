package coach

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/store"
)

// Enrolments is the citizen's side of a talk. Package citizen satisfies it.
type Enrolments interface {
	// OfPerson is who's own enrolments, a citizen's.
	OfPerson(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Enrolment, error)
	// Enrolment is one by its id, whoever asks.
	Enrolment(ctx context.Context, id string) (halsocoach.Enrolment, error)
	// ClaimTalk notes a coming talk, in one atomic write. The same id again
	// takes the place of the earlier claim (that is how a talk is moved) and the
	// same claim again changes nothing. It is a conflict when the enrolment has
	// ended, when the talk's What is "first" and another first talk is coming,
	// or when it meets another claim in time.
	ClaimTalk(ctx context.Context, enrolmentID string, talk halsocoach.Appointment) error
	// FreeTalk takes a claim away; again is nothing.
	FreeTalk(ctx context.Context, enrolmentID, talkID string) error
	// PhoneFor is the number on which the person is called: for themselves, and
	// for a coach who may see it here; "" when there is none to show.
	PhoneFor(ctx context.Context, who halsocoach.Actor, enrolmentID string) (string, error)
	// Names are people's names by enrolment id. Whoever shows them logs it.
	Names(ctx context.Context, ids ...string) (map[string]string, error)
}

// Inbox is the recommendations that wait for a coach. Package referral
// satisfies it.
type Inbox interface {
	Waiting(ctx context.Context, who halsocoach.Actor) (n int, firstDue time.Time, err error)
}

// Messages is what waits in a coach's conversations. Package chat satisfies it.
type Messages interface {
	Unread(ctx context.Context, who halsocoach.Actor) (halsocoach.Unread, error)
}

// Config is what the coach's desk needs from the rest of the program.
type Config struct {
	Store      store.Store
	Persons    *person.Service
	Enrolments Enrolments
	Inbox      Inbox
	Messages   Messages
	Staff      halsocoach.Staff
	Registers  halsocoach.Registers
	Settings   halsocoach.Settings
	AccessLog  halsocoach.AccessLog
	Clock      halsocoach.Clock
	Log        *slog.Logger
}

// Service is the coach's desk: all that pages, API and other packages may do.
type Service struct {
	Config
	docs  docs
	desks store.Recent[desk]
}

// New makes the service; every field of cfg is needed.
func New(cfg Config) *Service { return &Service{Config: cfg, docs: open(cfg.Store)} }

// margin is how soon before it begins a citizen can still book a time.
const margin = 30 * time.Minute

// terms are those of a centre today. What is booked now follows them, also for
// later days.
func (s *Service) terms(ctx context.Context, centre string) (halsocoach.Terms, error) {
	return s.Settings.Terms(ctx, halsocoach.KommunOfCentre(centre), centre, halsocoach.DayOf(s.Clock()))
}

// cutFor is how a kind of talk is cut from the open hours: all begin where
// first talks do.
func cutFor(t halsocoach.Terms, k Kind) Cut {
	minutes := func(n, standard int) time.Duration {
		if n <= 0 {
			n = standard
		}
		return time.Duration(n) * time.Minute
	}
	first := minutes(t.FirstTalkMinutes, halsocoach.DefaultTerms.FirstTalkMinutes)
	if k == FollowUp {
		return Cut{first, minutes(t.FollowUpMinutes, halsocoach.DefaultTerms.FollowUpMinutes)}
	}
	return Cut{first, first}
}

// mayCoach says whether a coach may work with a person: one of the coach's own
// centre, and with protected identity only their named coach. Nobody is told
// that somebody else's person exists.
func (s *Service) mayCoach(ctx context.Context, who halsocoach.Actor, e halsocoach.Enrolment) error {
	return s.mayMeet(ctx, halsocoach.StaffMember{ID: who.ID, Centre: who.Centre}, e)
}

// coached is the enrolment of a person whom the coach may work with, and the
// access is logged.
func (s *Service) coached(ctx context.Context, who halsocoach.Actor, enrolment string, act halsocoach.Act) (halsocoach.Enrolment, error) {
	e, err := s.Enrolments.Enrolment(ctx, enrolment)
	if err != nil {
		return e, err
	}
	if err := s.mayCoach(ctx, who, e); err != nil {
		return halsocoach.Enrolment{}, err
	}
	return e, s.AccessLog.Saw(ctx, who, act, "samtal", e.Person)
}

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

// HoldSpan takes a coach's time for a group date, before it is published. The
// same again is nothing; another time on the same day takes the place of the
// first. A talk or another span at that time is ErrSpanTaken. Of what it is, the
// id, the title and the times are kept.
func (s *Service) HoldSpan(ctx context.Context, coach string, what halsocoach.Appointment) error {
	if _, err := s.Staff.Member(ctx, coach); err != nil {
		return err
	}
	return s.docs.change(ctx, coach, halsocoach.DayOf(what.Starts), func(d *Day) ([]halsocoach.Event, error) {
		return nil, d.Hold(Span{what.ID, what.Title, local(what.Starts), local(what.Ends)})
	})
}

// FreeSpan gives the time back; what is not held is nothing.
func (s *Service) FreeSpan(ctx context.Context, coach, id string, starts time.Time) error {
	err := s.docs.changeKept(ctx, coach, halsocoach.DayOf(starts), func(d *Day) ([]halsocoach.Event, error) {
		d.Release(id)
		return nil, nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
