package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/referral"
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

// Config is what the service needs, beside what the recommendations have.
type Config struct {
	Referrals  *referral.Service
	Calendar   Calendar
	Enrolments Enrolments
	Holders    []Holder
	Logins     Logins
	Log        *slog.Logger
}

// Service is the inbox's one door.
type Service struct {
	Config
	merges store.Collection[Merge]
}

// New makes the service.
func New(cfg Config) *Service {
	return &Service{Config: cfg, merges: store.In[Merge](cfg.Referrals.Store, mergeKind)}
}

func (s *Service) now() time.Time { return s.Referrals.Clock() }

// saw logs that staff has seen or done something about a person.
func (s *Service) saw(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, persons ...string) error {
	return s.Referrals.AccessLog.Saw(ctx, who, act, "rekommendation", persons...)
}

// List is a page of the inbox.
type List struct {
	Items     []referral.Item
	Names     map[string]string // of colleagues, by staff id
	Next      string
	Untouched int // at the centre, of those that nobody has taken though the promise has passed
}

// List is a page of the inbox of the coach's centre.
func (s *Service) List(ctx context.Context, who halsocoach.Actor, q referral.Asked) (List, error) {
	items, next, err := s.Referrals.Box(ctx, who, q)
	if err != nil {
		return List{}, err
	}
	l := List{Items: items, Next: next, Names: map[string]string{}}
	for _, i := range items {
		if i.TakenBy == "" || l.Names[i.TakenBy] != "" {
			continue
		}
		if l.Names[i.TakenBy], err = s.colleague(ctx, i.TakenBy); err != nil {
			return List{}, err
		}
	}
	l.Untouched, err = s.Referrals.Untouched(ctx, who)
	return l, err
}

// colleague is a staff member's name.
func (s *Service) colleague(ctx context.Context, id string) (string, error) {
	m, err := s.Referrals.Staff.Member(ctx, id)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return "En kollega", nil
	}
	if err != nil {
		return "", fmt.Errorf("colleague %s: %w", id, err)
	}
	return m.Name, nil
}

// colleagues are the centre's coaches at work.
func (s *Service) colleagues(ctx context.Context, centre string) ([]halsocoach.StaffMember, error) {
	all, err := s.Referrals.Staff.Coaches(ctx, centre)
	if err != nil {
		return nil, fmt.Errorf("coaches of %s: %w", centre, err)
	}
	return slices.DeleteFunc(slices.Clone(all), func(m halsocoach.StaffMember) bool { return m.Ended }), nil
}

// Try is an attempt to reach the person as a coach sees it.
type Try struct {
	referral.Attempt
	Name, Text string // of the coach; the note, opened
}

// Leg is a centre at which the recommendation has been before it was forwarded
// hither.
type Leg struct {
	Centre, By   string // names
	Received, At time.Time
	Attempts     []referral.Attempt
}

// View is one recommendation as its page shows it.
type View struct {
	referral.Detail
	Holder     string // name of the coach who has it
	Tries      []Try
	Legs       []Leg // the latest first
	Colleagues []halsocoach.StaffMember
	Alike      int  // how many here may be the same person
	Joined     bool // of more than one person, which can be undone
	// Coming are the talks ahead of the person whom the coach has taken in.
	Coming []halsocoach.Appointment
}

// Open is one recommendation with what has been done about it.
func (s *Service) Open(ctx context.Context, who halsocoach.Actor, id string) (View, error) {
	d, err := s.Referrals.Read(ctx, who, id)
	if err != nil {
		return View{}, err
	}
	v := View{Detail: d}
	if d.TakenBy != "" {
		if v.Holder, err = s.colleague(ctx, d.TakenBy); err != nil {
			return View{}, err
		}
	}
	if v.Tries, err = s.tries(ctx, d); err != nil {
		return View{}, err
	}
	if v.Legs, err = s.legs(ctx, d.Doc); err != nil {
		return View{}, err
	}
	if v.Coming, err = s.coming(ctx, who, d); err != nil {
		return View{}, err
	}
	if v.Colleagues, err = s.colleagues(ctx, d.Centre); err != nil || !d.Shown {
		return v, err
	}
	merges, err := s.undoable(ctx, d.Doc.Person)
	if err != nil || !d.State.Open() {
		return v, err
	}
	alike, err := s.matches(ctx, who, d.Doc)
	v.Alike, v.Joined = len(alike), len(merges) > 0
	return v, err
}

// tries are the attempts, with names and notes.
func (s *Service) tries(ctx context.Context, d referral.Detail) ([]Try, error) {
	boxes, out := make([]seal.Box, len(d.Doc.Attempts)), make([]Try, len(d.Doc.Attempts))
	for i, a := range d.Doc.Attempts {
		out[i].Attempt = a
		var err error
		if out[i].Name, err = s.colleague(ctx, a.By); err != nil {
			return nil, err
		}
		if d.Shown {
			boxes[i] = seal.Box{Person: d.Doc.Person, Purpose: notePurpose, Sealed: a.Note}
		}
	}
	texts, err := s.Referrals.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open notes of %s: %w", d.ID, err)
	}
	for i := range out {
		out[i].Text = texts[i]
	}
	return out, nil
}

// legsShown bounds how far back the way of a recommendation is told.
const legsShown = 5

// legs are the centres it has been at before.
func (s *Service) legs(ctx context.Context, r referral.Referral) ([]Leg, error) {
	var out []Leg
	for from := r.From; from != "" && len(out) < legsShown; {
		old, err := s.Referrals.Before(ctx, from)
		if halsocoach.KindOf(err) == halsocoach.KindNotFound {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		leg := Leg{Centre: old.Centre, Received: old.Received, Attempts: old.Attempts}
		if c, err := s.Referrals.Registers.Centre(ctx, old.Centre); err == nil {
			leg.Centre = c.Name
		}
		if v := old.Verdict(); v != nil {
			leg.At = v.At
			if leg.By, err = s.colleague(ctx, v.By); err != nil {
				return nil, err
			}
		}
		out, from = append(out, leg), old.From
	}
	return out, nil
}
