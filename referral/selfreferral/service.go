package selfreferral

import (
	"context"
	"fmt"

	"halsocoach"
	"halsocoach/internal/auth/limit"
	"halsocoach/internal/holiday"
	"halsocoach/referral/record"
)

// Enrolments are the people who are taken in. Package citizen satisfies it.
type Enrolments interface {
	// EnrolmentsAt are the open enrolments at a centre of those of the persons
	// who have one, by person.
	EnrolmentsAt(ctx context.Context, centre string, persons ...string) (map[string]halsocoach.Enrolment, error)
}

// Config is what the service needs. Enrolments may be nil: then nobody is known to
// be taken in.
type Config struct {
	Records    *record.Records
	Enrolments Enrolments
	NoSignIn   bool // no provider lets citizens in: people leave a phone number
}

// Service is the one door of those who come on their own.
type Service struct {
	Config
	calls *limit.Failures // how often an address has asked for a call
}

// New makes the service.
func New(cfg Config) *Service { return &Service{Config: cfg, calls: limit.NewFailures()} }

// ErrHere says that the person is taken in at the centre already.
var ErrHere = halsocoach.Conflict("enrolled", "Du har redan kontakt med det här Hälsocentret.")

// Contact is a citizen who gets in touch on their own: a recommendation of
// themselves. One who waits at the centre already joins what waits, and one who
// is taken in there is told so: ErrHere. id is that of what was sent.
func (s *Service) Contact(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, n record.NewReferral) (id string, made bool, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return "", false, err
	}
	here, err := s.here(ctx, who, n.Centre)
	if err != nil {
		return "", false, fmt.Errorf("contact: %w", err)
	}
	if here {
		return "", false, ErrHere
	}
	n = ownWords(n)
	_, x, made, err := s.Records.Receive(ctx, who, req, n)
	return x.OwnID(), made, err
}

// ownWords are what a citizen says of themselves, and nothing that only a sender
// says.
func ownWords(n record.NewReferral) record.NewReferral {
	n.Personnummer, n.Consent, n.ConsentOn, n.Scope, n.Placer, n.Note = "", true, "", "", "", ""
	return n
}

// Fits judges as Contact would, and sends nothing. Who asks need not be signed in.
func (s *Service) Fits(ctx context.Context, n record.NewReferral) error {
	_, err := s.Records.Validate(ctx, halsocoach.Actor{Role: halsocoach.RoleCitizen}, ownWords(n))
	return err
}

// callersWaiting bounds how many wait at a centre to be called who have not been
// asked what they want, so that no one can fill its inbox.
const callersWaiting = 40

// The faults of who asks to be called.
var (
	ErrTooManyCallers = halsocoach.Conflict("too_many", "Just nu är det många som vill bli uppringda. Ring oss i stället, så hjälper vi dig.")
	ErrTooOften       = halsocoach.Conflict("too_often", "Härifrån har många bett att bli uppringda på kort tid. Ring oss i stället, eller försök igen om en stund.")
)

// CallMe lets a visitor who can not sign in leave a name and a phone number. It
// lies in the inbox as an own contact, and is counted once a coach has asked the
// person what they want. address is the visitor's, and is held in memory only.
func (s *Service) CallMe(ctx context.Context, address string, req halsocoach.Request, name, phone, centre, language string) error {
	if !s.calls.Take(address, s.Records.Clock()) { // before the work, so that none pass side by side
		return ErrTooOften
	}
	err := s.callMe(ctx, req, record.NewReferral{Name: name, Phone: phone, Centre: centre, Language: language, Consent: true})
	if err != nil {
		s.calls.Back(address)
	}
	return err
}

func (s *Service) callMe(ctx context.Context, req halsocoach.Request, n record.NewReferral) error {
	waiting, err := s.Records.Callers(ctx, n.Centre, callersWaiting)
	if err != nil {
		return fmt.Errorf("call me: %w", err)
	}
	if waiting >= callersWaiting {
		return ErrTooManyCallers
	}
	_, _, _, err = s.Records.Receive(ctx, halsocoach.Actor{}, req, n)
	return err
}

// centreView is a centre as the page of it shows it.
type centreView struct {
	record.CentreWait
	Due    halsocoach.Day // whoever asks today hears from them by then
	Here   bool           // the citizen who asks is taken in there already
	SignIn bool           // citizens can sign in
}

// centre is an open centre.
func (s *Service) centre(ctx context.Context, who halsocoach.Actor, code string) (centreView, error) {
	all, err := s.Records.CentresFor(ctx, "")
	if err != nil {
		return centreView{}, err
	}
	for _, c := range all {
		if c.Code != code {
			continue
		}
		today := halsocoach.DayOf(s.Records.Clock())
		terms, err := s.Records.Settings.Terms(ctx, c.Kommun, c.Code, today)
		if err != nil {
			return centreView{}, fmt.Errorf("terms of %s: %w", code, err)
		}
		p := centreView{CentreWait: c, Due: holiday.LastWorkingDay(today, today.Plus(terms.PromiseDays)), SignIn: !s.NoSignIn}
		p.Here, err = s.here(ctx, who, code)
		return p, err
	}
	return centreView{}, halsocoach.ErrNotFound
}

// here says whether the citizen is taken in at the centre, under any of their ids.
func (s *Service) here(ctx context.Context, who halsocoach.Actor, centre string) (bool, error) {
	if s.Enrolments == nil || who.Role != halsocoach.RoleCitizen || centre == "" {
		return false, nil
	}
	one, err := s.Records.Persons.Of(ctx, who.ID)
	if err != nil {
		return false, err
	}
	found, err := s.Enrolments.EnrolmentsAt(ctx, centre, one.IDs...)
	if err != nil {
		return false, fmt.Errorf("enrolment at %s: %w", centre, err)
	}
	return len(found) > 0, nil
}
