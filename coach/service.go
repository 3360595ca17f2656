package coach

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
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
	docs docs
}

// New makes the service; every field of cfg is needed.
func New(cfg Config) *Service { return &Service{cfg, open(cfg.Store)} }

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
		return time.Duration(cmp.Or(max(n, 0), standard)) * time.Minute
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
