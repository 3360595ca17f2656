package groups

import (
	"context"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Desk is a coach's own groups: the centre's activities, newest first, and its
// occasions from today on.
type Desk struct {
	Activities []Activity
	Coming     []Planned
	ToNote     []Planned // begun, with somebody whose attendance is not noted
	Next       string    // continues Coming
}

// Planned is an occasion on the desk, without the people.
type Planned struct {
	Brief    Brief
	Activity Activity
	Leader   string
	Unnoted  int // places without attendance
}

// backDays is how far back the desk reminds of attendance that is not noted.
const backDays = 14

// Desk is what the coaches of a centre plan and lead.
func (s *Service) Desk(ctx context.Context, who halsocoach.Actor, after string) (Desk, error) {
	if err := s.coach(who); err != nil {
		return Desk{}, err
	}
	now := s.clock()
	today := halsocoach.DayOf(now)
	fail := func(err error) (Desk, error) {
		return Desk{}, fmt.Errorf("find groups of %s: %w", who.Centre, err)
	}
	activities, _, err := s.activities.Find(ctx, store.Query{Index: "centre", Equal: []any{who.Centre}, Back: true, Limit: 100})
	if err != nil {
		return fail(err)
	}
	coming, next, err := s.ofCentre(ctx, who.Centre, store.Query{From: today.Start(), Limit: 50, After: after})
	if err != nil {
		return fail(err)
	}
	var past []Occasion
	if after == "" {
		past, _, err = s.ofCentre(ctx, who.Centre, store.Query{From: today.Plus(-backDays).Start(), Before: now, Back: true, Limit: 100})
		if err != nil {
			return fail(err)
		}
	}
	byID, err := s.activitiesOf(ctx, slices.Concat(coming, past))
	if err != nil {
		return fail(err)
	}
	d := Desk{Next: next}
	for _, a := range activities {
		if a.Published {
			d.Activities = append(d.Activities, a)
		}
	}
	for _, o := range coming {
		if o.Ends.After(now) {
			d.Coming = append(d.Coming, s.planned(ctx, o, byID))
		}
	}
	for _, o := range past {
		if p := s.planned(ctx, o, byID); p.Unnoted > 0 && o.Cancelled == nil {
			d.ToNote = append(d.ToNote, p)
		}
	}
	return d, nil
}

func (s *Service) planned(ctx context.Context, o Occasion, byID map[string]Activity) Planned {
	a := byID[o.Activity]
	p := Planned{Brief: o.Brief(), Activity: a, Leader: s.leader(ctx, a)}
	for _, place := range o.Places {
		if place.Attendance == "" {
			p.Unnoted++
		}
	}
	return p
}

// Series is an activity with all its dates, for the coaches of its centre.
type Series struct {
	Activity Activity
	Leader   string
	Dates    []Brief
	Left     []Left // coming dates that the latest plan did without
}

// Series shows an activity to a coach of its centre, past dates included.
func (s *Service) Series(ctx context.Context, who halsocoach.Actor, id string) (Series, error) {
	a, err := s.managed(ctx, who, id)
	if err != nil {
		return Series{}, err
	}
	occasions, err := s.ofActivity(ctx, id, s.clock().AddDate(0, -6, 0))
	if err != nil {
		return Series{}, fmt.Errorf("find dates of %s: %w", id, err)
	}
	left := slices.DeleteFunc(slices.Clone(a.Left), func(l Left) bool { return l.Starts.Before(s.clock()) })
	return Series{a, s.leader(ctx, a), briefs(occasions), left}, nil
}

// Roster is who has booked an occasion, for the coaches of its centre.
type Roster struct {
	Activity  Activity
	Leader    string
	Occasion  Occasion // without the people
	Brief     Brief
	Places    []Participant
	Reserve   []Participant
	CanNote   bool
	CanChange bool // has not begun and is not cancelled
}

// Participant is a line of the group list. Name is the alias of a person with
// protected identity.
type Participant struct {
	Booking    string
	Name       string
	Protected  bool
	Attendance Attendance
	At         time.Time
}

// Roster opens the group list. The access log has its row before the answer.
func (s *Service) Roster(ctx context.Context, who halsocoach.Actor, occasion string) (Roster, error) {
	o, err := s.managedOccasion(ctx, who, occasion)
	if err != nil {
		return Roster{}, err
	}
	a, err := s.activities.Get(ctx, o.Activity)
	if err != nil {
		return Roster{}, fmt.Errorf("find activity %s: %w", o.Activity, err)
	}
	if err := s.saw(ctx, who, halsocoach.ActReadParticipants, o.ID, o.People); err != nil {
		return Roster{}, err
	}
	now := s.clock()
	r := Roster{
		Activity: a, Leader: s.leader(ctx, a), Occasion: o.withoutPeople(), Brief: o.Brief(),
		CanNote: o.Cancelled == nil && !now.Before(o.Starts), CanChange: o.Cancelled == nil && now.Before(o.Starts),
	}
	r.Places, r.Reserve, err = s.participants(ctx, o)
	return r, err
}

// participants are the lines of the group list, one for each person: who has
// protected identity now is shown by an alias.
func (s *Service) participants(ctx context.Context, o Occasion) (places, reserve []Participant, err error) {
	persons, err := s.cfg.Persons.Many(ctx, o.People...)
	if err != nil {
		return nil, nil, fmt.Errorf("who is in %s: %w", o.ID, err)
	}
	seats := slices.Concat(o.Places, o.Reserve)
	boxes := make([]seal.Box, len(seats))
	for i, seat := range seats {
		if !persons[seat.Person].Protected {
			boxes[i] = seal.Box{Person: seat.Person, Purpose: sealName, Sealed: seat.Name}
		}
	}
	names, err := s.cfg.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, nil, fmt.Errorf("open names of %s: %w", o.ID, err)
	}
	shown := map[string]bool{}
	for i, seat := range seats {
		one := persons[seat.Person]
		if shown[one.Key()] {
			continue
		}
		shown[one.Key()] = true
		p := Participant{Booking: bookingID(o.ID, seat.Person), Name: names[i], Protected: one.Protected, Attendance: seat.Attendance, At: seat.At}
		if one.Protected {
			p.Name = aliasOf(o.Activity, one)
		}
		if i < len(o.Places) {
			places = append(places, p)
		} else {
			reserve = append(reserve, p)
		}
	}
	return places, reserve, nil
}

// Note notes attendance. What it counts, it counts once (Occasion.Note).
func (s *Service) Note(ctx context.Context, who halsocoach.Actor, occasion string, marks []Mark) error {
	seen, err := s.managedOccasion(ctx, who, occasion)
	if err != nil {
		return err
	}
	now := s.clock()
	persons, err := s.cfg.Persons.Many(ctx, seen.People...)
	if err != nil {
		return fmt.Errorf("who is in %s: %w", occasion, err)
	}
	// What can not be noted is refused before anything is logged.
	if _, _, err := seen.Note(now, marks, persons); err != nil {
		return err
	}
	a, err := s.activities.Get(ctx, seen.Activity)
	if err != nil {
		return fmt.Errorf("find activity %s: %w", seen.Activity, err)
	}
	known := map[string]halsocoach.Enrolment{}
	if len(seen.People) > 0 {
		if known, err = s.cfg.Enrolments.EnrolmentsAt(ctx, seen.Centre, person.All(persons)...); err != nil {
			return fmt.Errorf("find enrolments of %s: %w", occasion, err)
		}
	}
	if err := s.saw(ctx, who, halsocoach.ActNoteAttendance, seen.ID, seen.People); err != nil {
		return err
	}
	_, err = s.change(ctx, occasion, func(o *Occasion) ([]halsocoach.Event, error) {
		rev := o.Rev
		present, held, err := o.Note(now, marks, persons)
		if err != nil || o.Rev == rev {
			return nil, err
		}
		e := halsocoach.Happened(EventAttendance, now, o.Kommun, o.ID, nil)
		return []halsocoach.Event{e.Counting(countsOf(*o, a, present, held, persons, known)...)}, nil
	})
	return err
}

// countsOf are the facts of an attendance list: the activity's topic and form,
// and who was present by what their enrolment says of them.
func countsOf(o Occasion, a Activity, present []string, held bool, persons map[string]person.Identity, known map[string]halsocoach.Enrolment) []halsocoach.Fact {
	dims := func(e halsocoach.Enrolment) map[string]string {
		d := e.Dims()
		d[halsocoach.DimTopic], d[halsocoach.DimChannel] = string(a.Topic), string(a.Form)
		return d
	}
	var facts []halsocoach.Fact
	if held {
		facts = append(facts, halsocoach.Count(halsocoach.CountGroupDate, o.Starts, o.Kommun, false, dims(halsocoach.Enrolment{})))
	}
	for _, id := range present {
		one, e := persons[id], halsocoach.Enrolment{}
		for _, id := range one.IDs {
			if taken, ok := known[id]; ok {
				e = taken
			}
		}
		facts = append(facts, halsocoach.Count(halsocoach.CountAttendance, o.Starts, o.Kommun, one.Protected, dims(e)))
	}
	return facts
}

// CallOff cancels an occasion; those who had booked are shown the reason. The
// leader's time is freed after it.
func (s *Service) CallOff(ctx context.Context, who halsocoach.Actor, occasion, reason string) error {
	seen, err := s.managedOccasion(ctx, who, occasion)
	if err != nil {
		return err
	}
	if err := s.saw(ctx, who, halsocoach.ActCallOffOccasion, seen.ID, seen.People); err != nil {
		return err
	}
	now := s.clock()
	o, err := s.change(ctx, occasion, func(o *Occasion) ([]halsocoach.Event, error) {
		rev := o.Rev
		if err := o.CallOff(now, who, reason); err != nil || o.Rev == rev {
			return nil, err
		}
		return []halsocoach.Event{halsocoach.Happened(EventCancelled, now, o.Kommun, o.ID, nil)}, nil
	})
	if err != nil {
		return err
	}
	return s.free(ctx, o)
}

// free gives the leader's time back; see Unfinished.
func (s *Service) free(ctx context.Context, o Occasion) error {
	if o.SpanToRelease.IsZero() {
		return nil
	}
	if err := s.cfg.Calendar.FreeSpan(ctx, o.Leader, o.ID, o.Starts); err != nil {
		return fmt.Errorf("free time of %s: %w", o.Leader, err)
	}
	_, err := s.change(ctx, o.ID, func(o *Occasion) ([]halsocoach.Event, error) {
		if o.Cancelled != nil {
			o.SpanToRelease = time.Time{}
		}
		return nil, nil
	})
	return err
}

// Shut closes or opens the booking of an occasion.
func (s *Service) Shut(ctx context.Context, who halsocoach.Actor, occasion string, shut bool) error {
	return s.steer(ctx, who, occasion, func(o *Occasion, _ time.Time) ([]string, error) {
		o.Shut(shut)
		return nil, nil
	})
}

// Resize changes the number of places of an occasion; new places go to the
// reserve list.
func (s *Service) Resize(ctx context.Context, who halsocoach.Actor, occasion string, places int) error {
	return s.steer(ctx, who, occasion, func(o *Occasion, now time.Time) ([]string, error) {
		return o.Resize(now, places)
	})
}

func (s *Service) steer(ctx context.Context, who halsocoach.Actor, occasion string, do func(*Occasion, time.Time) (promoted []string, err error)) error {
	seen, err := s.managedOccasion(ctx, who, occasion)
	if err != nil {
		return err
	}
	now := s.clock()
	had := len(seen.Places)
	_, _ = do(&seen, now) // who will get a place; what is wrong is said below
	logged := peopleIn(seen.Places[had:])
	if err := s.saw(ctx, who, halsocoach.ActGiveReservePlace, seen.ID, logged); err != nil {
		return err
	}
	var others []string // who were first on the list a moment later
	_, err = s.change(ctx, occasion, func(o *Occasion) ([]halsocoach.Event, error) {
		rev, had := o.Rev, len(o.Places)
		promoted, err := do(o, now)
		if err != nil || o.Rev == rev {
			return nil, err
		}
		others = slices.DeleteFunc(peopleIn(o.Places[had:]), func(p string) bool { return slices.Contains(logged, p) })
		events := []halsocoach.Event{halsocoach.Happened(EventChanged, now, o.Kommun, o.ID, nil)}
		return append(events, promotedEvents(now, *o, promoted)...), nil
	})
	if err != nil {
		return err
	}
	return s.saw(ctx, who, halsocoach.ActGiveReservePlace, seen.ID, others)
}

func peopleIn(places []Seat) (people []string) {
	for _, p := range places {
		people = append(people, p.Person)
	}
	return people
}

// managedOccasion is the occasion for a coach of its centre; for others it is
// not there.
func (s *Service) managedOccasion(ctx context.Context, who halsocoach.Actor, id string) (Occasion, error) {
	if err := s.coach(who); err != nil {
		return Occasion{}, err
	}
	o, err := s.occasions.Get(ctx, id)
	if err != nil {
		return Occasion{}, fmt.Errorf("find occasion %s: %w", id, err)
	}
	if !o.ManagedBy(who) {
		return Occasion{}, halsocoach.ErrNotFound
	}
	return o, nil
}

func (s *Service) saw(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, occasion string, people []string) error {
	if len(people) == 0 {
		return nil
	}
	if err := s.cfg.AccessLog.Saw(ctx, who, act, "gruppaktivitet", people...); err != nil {
		return fmt.Errorf("%s of %s: %w", act, occasion, err)
	}
	return nil
}
