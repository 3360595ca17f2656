package coach

import (
	"context"
	"errors"
	"time"

	"halsocoach"
)

// BookRequest is a talk somebody wants to book.
type BookRequest struct {
	Coach     string    // staff id
	Starts    time.Time //
	Form      Form      //
	Enrolment string    // for a coach: whom it is for. A citizen's is the one at the coach's centre
	Kind      Kind      // for a coach; "" = what comes next for the person
}

func (r BookRequest) check() error {
	var faults halsocoach.Faults
	faults.When(r.Coach == "", "coach", "Välj en hälsocoach.")
	faults.When(!aTime(r.Starts), "starts", "Välj en tid.")
	faults.When(!r.Form.Known(), "form", "Välj på plats, telefon eller video.")
	faults.When(r.Kind != "" && !r.Kind.Known(), "kind", "Välj inledande eller uppföljande samtal.")
	return halsocoach.Invalid(faults...)
}

// aTime says whether t can be meant: the zero time can not, nor can one of a year
// that RFC 3339 has no words for.
func aTime(t time.Time) bool {
	year := t.UTC().Year()
	return year > 1900 && year < 9999
}

// digest ties a key to what was asked; times are compared, not zones.
func (r BookRequest) digest(req halsocoach.Request) string {
	r.Starts = r.Starts.UTC()
	return req.Digest(r)
}

// Book books a talk: a citizen at a free time with a coach of their centre, a
// coach for a person at any own time that is not taken, or at a colleague's free
// time. The same request again gives the same talk, made false.
func (s *Service) Book(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, r BookRequest) (b Booked, made bool, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen, halsocoach.RoleCoach); err != nil {
		return b, false, err
	}
	if err := r.check(); err != nil {
		return b, false, err
	}
	id, digest := req.ID(who, "talks"), r.digest(req)
	if b, err := s.repeated(ctx, id, digest); err != nil || b.ID != "" {
		if err == nil && who.Staff() {
			err = s.AccessLog.Saw(ctx, who, halsocoach.ActBookTalk, "samtal", b.Person)
		}
		return b, false, err
	}
	e, err := s.enrolmentFor(ctx, who, r)
	if err != nil {
		return b, false, err
	}
	t := Talk{
		ID: id, Kind: r.Kind, Person: e.Person, Enrolment: e.ID, Centre: e.Centre,
		Form: r.Form, Starts: local(r.Starts), Digest: digest, ByCitizen: who.Is(halsocoach.RoleCitizen),
	}
	err = s.operate(ctx, t, func() (agree bool, err error) {
		if b, err = s.repeated(ctx, id, digest); err != nil || b.ID != "" {
			return true, err
		}
		made = true
		b, err = s.book(ctx, who, t, r.Coach)
		return err == nil, err
	})
	if err != nil {
		return Booked{}, false, err
	}
	return b, made, nil
}

// repeated is the talk that the same request has booked already; the zero
// Booked if it has not.
func (s *Service) repeated(ctx context.Context, id, digest string) (Booked, error) {
	b, err := s.docs.talk(ctx, id)
	switch {
	case errors.Is(err, halsocoach.ErrNotFound):
		return Booked{}, nil
	case err != nil:
		return Booked{}, err
	case b.Digest != digest:
		return Booked{}, halsocoach.ErrKeyReused
	}
	return b, nil
}

// For is a person for whom a coach books a talk.
type For struct {
	Enrolment halsocoach.Enrolment
	Name      string
	Next      Kind
	Coming    []Booked
	Offer     Offer
}

// BookingFor is what a coach needs to book a talk for a person.
func (s *Service) BookingFor(ctx context.Context, who halsocoach.Actor, enrolment string, q SlotQuery) (For, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return For{}, err
	}
	if err := q.check(); err != nil {
		return For{}, err
	}
	e, err := s.coached(ctx, who, enrolment, halsocoach.ActReadTalks)
	if err != nil {
		return For{}, err
	}
	names, err := s.Enrolments.Names(ctx, e.ID)
	if err != nil {
		return For{}, err
	}
	talks, err := s.docs.ofEnrolment(ctx, e.ID, "")
	if err != nil {
		return For{}, err
	}
	f := For{Enrolment: e, Name: names[e.ID], Next: nextKind(talks, e.ID), Coming: coming(talks, s.Clock())}
	q.Centre = e.Centre
	own := e
	own.Coach = who.ID // the one who books sees own times first
	f.Offer, err = s.fill(ctx, Offer{Enrolment: own, Kind: f.Next}, q, "")
	return f, err
}

// enrolmentFor is whom the talk is for.
func (s *Service) enrolmentFor(ctx context.Context, who halsocoach.Actor, r BookRequest) (halsocoach.Enrolment, error) {
	m, err := s.coachOf(ctx, r.Coach)
	if err != nil {
		return halsocoach.Enrolment{}, err
	}
	if who.Is(halsocoach.RoleCoach) {
		e, err := s.coached(ctx, who, r.Enrolment, halsocoach.ActBookTalk)
		if err != nil {
			return e, err
		}
		if e.Ended {
			return e, ErrNotEnrolled
		}
		return e, s.mayMeet(ctx, m, e)
	}
	mine, err := s.enrolled(ctx, who)
	if err != nil {
		return halsocoach.Enrolment{}, err
	}
	for _, e := range mine {
		if e.Centre == m.Centre && (r.Enrolment == "" || r.Enrolment == e.ID) {
			return e, s.mayMeet(ctx, m, e)
		}
	}
	return halsocoach.Enrolment{}, halsocoach.ErrNotFound
}

// coachOf is a coach at work.
func (s *Service) coachOf(ctx context.Context, id string) (halsocoach.StaffMember, error) {
	m, err := s.Staff.Member(ctx, id)
	if err != nil {
		return m, err
	}
	if m.Role != halsocoach.RoleCoach || m.Ended {
		return m, halsocoach.ErrNotFound
	}
	return m, nil
}

// mayMeet: a person meets the coaches of their centre, and with protected
// identity only the named one.
func (s *Service) mayMeet(ctx context.Context, m halsocoach.StaffMember, e halsocoach.Enrolment) error {
	if m.Centre != e.Centre {
		return halsocoach.ErrNotFound
	}
	if m.ID == e.Coach {
		return nil
	}
	protected, err := s.Persons.Protected(ctx, e.Person)
	if err == nil && protected {
		err = halsocoach.ErrNotFound
	}
	return err
}

// enrolled is a citizen's open enrolments; ErrNotEnrolled without any.
func (s *Service) enrolled(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Enrolment, error) {
	all, err := s.Enrolments.OfPerson(ctx, who)
	if err != nil {
		return nil, err
	}
	var open []halsocoach.Enrolment
	for _, e := range all {
		if !e.Ended {
			open = append(open, e)
		}
	}
	if len(open) == 0 {
		return nil, ErrNotEnrolled
	}
	return open, nil
}

// book claims the enrolment and then the day. It runs within an operation.
func (s *Service) book(ctx context.Context, who halsocoach.Actor, t Talk, coach string) (Booked, error) {
	whose, err := s.Persons.Of(ctx, t.Person)
	if err != nil {
		return Booked{}, err
	}
	before, err := s.docs.ofPerson(ctx, whose, "")
	if err != nil {
		return Booked{}, err
	}
	terms, err := s.terms(ctx, t.Centre)
	if err != nil {
		return Booked{}, err
	}
	if t.Kind == "" || who.Is(halsocoach.RoleCitizen) {
		t.Kind = nextKind(before, t.Enrolment)
	}
	t.Ends = t.Starts.Add(cutFor(terms, t.Kind).For)
	t.Changed = s.Clock().UTC()
	for _, b := range coming(before, s.Clock()) {
		if b.Enrolment == t.Enrolment && (who.Is(halsocoach.RoleCitizen) || t.Kind == First && b.Kind == First) {
			return Booked{}, ErrHasTalk
		}
	}
	b := Booked{Coach: coach, Date: halsocoach.DayOf(t.Starts), Talk: t}
	return b, s.claim(ctx, who, b, terms)
}

// claim takes the time of b: first in the person's enrolment, then in the
// coach's day. What is plainly taken is refused before anything is written.
func (s *Service) claim(ctx context.Context, who halsocoach.Actor, b Booked, terms halsocoach.Terms) error {
	day, weeks, err := s.docs.day(ctx, b.Coach, b.Date)
	if err != nil {
		return err
	}
	may := s.mayTake(who, b, weeks, terms)
	if err := may(day); err != nil {
		return err
	}
	a, err := s.appointment(ctx, b.Talk)
	if err != nil {
		return err
	}
	if err := s.Enrolments.ClaimTalk(ctx, b.Enrolment, a); err != nil {
		return err
	}
	return s.docs.change(ctx, b.Coach, b.Date, func(d *Day) ([]halsocoach.Event, error) {
		if err := may(*d); err != nil {
			return nil, err
		}
		if err := d.Take(b.Talk); err != nil {
			return nil, err
		}
		return []halsocoach.Event{s.happened(EventBooked, b.Talk)}, nil
	})
}

// mayTake is the rule for a time: a coach may take any time of their own days
// from today on, all others only what is offered.
func (s *Service) mayTake(who halsocoach.Actor, b Booked, weeks Weeks, terms halsocoach.Terms) func(Day) error {
	now := s.Clock()
	today := halsocoach.DayOf(now)
	cut := Cut{cutFor(terms, First).Every, b.Ends.Sub(b.Starts)}
	slot := Slot{b.Coach, b.Starts, b.Ends, b.Form}
	return func(d Day) error {
		if who.ID == b.Coach {
			if b.Date < today || b.Date > today.Plus(ownAhead) {
				return ErrNotOffered
			}
			if d.taken(b.Starts, b.Ends, b.ID) {
				return ErrTaken
			}
			return nil
		}
		if b.Date > today.Plus(aheadOf(terms)) {
			return ErrNotOffered
		}
		return d.offers(weeks, cut, now.Add(margin), slot, b.ID)
	}
}

// ownAhead is how many days ahead a coach may book in their own calendar.
const ownAhead = 366

// aheadOf is how many days ahead a citizen may book, within reason.
func aheadOf(t halsocoach.Terms) int {
	if t.BookAheadDays <= 0 {
		return halsocoach.DefaultTerms.BookAheadDays
	}
	return min(t.BookAheadDays, ownAhead)
}
