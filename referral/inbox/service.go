package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/referral/record"
)

// Calendar is the coach's own calendar. Package coach satisfies it by a tie.
type Calendar interface {
	// FirstTimes are the coach's own free times for a first talk, by time.
	FirstTimes(ctx context.Context, who halsocoach.Actor) ([]Time, error)
	// BookFirst books one of them for the person of an enrolment. The same
	// request again changes nothing.
	BookFirst(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, enrolment string, at Time) error
	// ComingOf are the talks that the person of an enrolment has ahead, the first one
	// coming first.
	ComingOf(ctx context.Context, who halsocoach.Actor, enrolment string) ([]halsocoach.Appointment, error)
}

// Time is a free time in a calendar: an unnamed struct, so that whoever satisfies
// Calendar needs no word of ours.
type Time = struct {
	Starts time.Time
	Form   string // "place", "phone", "video" as package coach names them
}

// Enrolments are the people who are taken in. Package citizen satisfies it by a
// tie.
type Enrolments interface {
	// Enrol takes the person in now, if that is not done: nobody has to wait for
	// the event. Again is nothing.
	Enrol(ctx context.Context, a halsocoach.Accepted) (halsocoach.Enrolment, error)
}

// Persons say that two ids are one person, and that they are not. Package person
// satisfies it.
type Persons interface {
	Join(ctx context.Context, who halsocoach.Actor, a, b string) error
	Part(ctx context.Context, who halsocoach.Actor, id string) error
}

// Config is what the service needs, beside what the records have.
type Config struct {
	Records    *record.Records
	Persons    Persons
	Calendar   Calendar
	Enrolments Enrolments
	Log        *slog.Logger
}

// Service is the inbox's one door.
type Service struct{ Config }

// New makes the service.
func New(cfg Config) *Service { return &Service{cfg} }

func (s *Service) now() time.Time { return s.Records.Clock() }

// of is a recommendation that the coach may open, with who its person is.
func (s *Service) of(ctx context.Context, who halsocoach.Actor, id string) (record.Referral, person.Identity, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return record.Referral{}, person.Identity{}, err
	}
	r, err := s.Records.Find(ctx, id)
	if err != nil {
		return r, person.Identity{}, fmt.Errorf("referral %s: %w", id, err)
	}
	one, err := s.Records.Persons.Of(ctx, r.Person)
	if err == nil && !r.MayOpen(who, one.Protected) {
		err = halsocoach.ErrNotFound
	}
	return r, one, err
}

// settled are the recommendations that stand together with r and can be acted on;
// r alone when it is decided, so that the act says what is wrong.
func (s *Service) settled(ctx context.Context, r record.Referral) ([]record.Referral, error) {
	all, err := s.Records.Settled(ctx, r)
	if err == nil && !slices.ContainsFunc(all, func(o record.Referral) bool { return o.ID == r.ID }) {
		all = []record.Referral{r}
	}
	return all, err
}

// colleagues are the centre's coaches at work.
func (s *Service) colleagues(ctx context.Context, centre string) ([]halsocoach.StaffMember, error) {
	all, err := s.Records.Staff.Coaches(ctx, centre)
	if err != nil {
		return nil, fmt.Errorf("coaches of %s: %w", centre, err)
	}
	return slices.DeleteFunc(slices.Clone(all), func(m halsocoach.StaffMember) bool { return m.Ended }), nil
}
