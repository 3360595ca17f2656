package groups

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Calendar is the coaches' time. The same id again is the same span, and to
// free what is not held does nothing. A span that is taken is a conflict. The
// title is for the coach's own eyes.
type Calendar interface {
	HoldSpan(ctx context.Context, coach string, what halsocoach.Appointment) error
	FreeSpan(ctx context.Context, coach, id string, starts time.Time) error
}

// Enrolments tells who of the persons is taken in at the centre, in one
// question. It is asked for what an attendance counts under; nil is allowed.
type Enrolments interface {
	EnrolmentsAt(ctx context.Context, centre string, persons ...string) (map[string]halsocoach.Enrolment, error)
}

// Config is what the package needs.
type Config struct {
	Store      store.Store
	Seal       *seal.Sealer
	Clock      halsocoach.Clock
	Log        *slog.Logger
	AccessLog  halsocoach.AccessLog
	Settings   halsocoach.Settings
	Registers  halsocoach.Registers
	Staff      halsocoach.Staff
	Calendar   Calendar
	Enrolments Enrolments
}

// Service is the group activities. Its methods are safe for concurrent use, on
// any number of nodes.
type Service struct {
	cfg        Config
	clock      halsocoach.Clock
	activities store.Collection[Activity]
	occasions  store.Collection[Occasion]
	programme  programme
	turns      [64]chan struct{}
	seed       maphash.Seed
}

// New makes the service; Start fills its programme.
func New(cfg Config) *Service {
	s := &Service{
		cfg: cfg, clock: cfg.Clock, seed: maphash.MakeSeed(),
		activities: store.In[Activity](cfg.Store, activityKind), occasions: store.In[Occasion](cfg.Store, occasionKind),
	}
	for i := range s.turns {
		s.turns[i] = make(chan struct{}, 1)
	}
	return s
}

// sealName binds the sealed name to what it is for.
const sealName = "groups.name"

// change is Update on an occasion, and keeps the programme fresh. Callers of
// one process take turns, so that many who want the same place do not make each
// other's saves lose; who wins is still decided by the store.
func (s *Service) change(ctx context.Context, id string, do func(*Occasion) ([]halsocoach.Event, error)) (Occasion, error) {
	turn := s.turns[maphash.String(s.seed, id)%uint64(len(s.turns))]
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return Occasion{}, fmt.Errorf("change occasion %s: %w", id, halsocoach.ErrBusy)
	}
	o, err := s.occasions.Update(ctx, id, do)
	if err != nil {
		return o, fmt.Errorf("change occasion %s: %w", id, err)
	}
	s.programme.put(o.Brief())
	return o, nil
}

// Book gives the citizen a place, or with reserve a turn on the reserve list of
// a full occasion. The same again is the same booking, and fresh is false. A
// full occasion without reserve is ErrFull.
func (s *Service) Book(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, occasion string, reserve bool) (b Booking, fresh bool, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return Booking{}, false, err
	}
	now := s.clock()
	p := Place{Person: who.ID, At: now.UTC(), Key: req.ID(who, "bookings/"+occasion), Digest: req.Digest(reserve)}
	// Who can have no place is told so from one read; the one who can has
	// their name sealed first (key first, then document).
	seen, err := s.occasions.Get(ctx, occasion)
	if err != nil {
		return Booking{}, false, fmt.Errorf("book occasion %s: %w", occasion, err)
	}
	if b, fresh, err = seen.Book(now, who, p, reserve); err != nil || !fresh {
		return b, false, err
	}
	if who.Protected {
		p.Alias = aliasOf(seen.Activity, who.ID)
	} else if p.Name, err = s.cfg.Seal.Seal(ctx, who.ID, sealName, who.Name); err != nil {
		return Booking{}, false, fmt.Errorf("book occasion %s: %w", occasion, err)
	}
	_, err = s.change(ctx, occasion, func(o *Occasion) ([]halsocoach.Event, error) {
		if b, fresh, err = o.Book(now, who, p, reserve); err != nil || !fresh {
			return nil, err
		}
		return []halsocoach.Event{bookedEvent(now, *o, b, false)}, nil
	})
	if err != nil {
		return Booking{}, false, err
	}
	return b, fresh, nil
}

// Cancel gives back the citizen's own booking; the place goes to the first on
// the reserve list. Cancelling again is fine; somebody else's is ErrNotFound.
func (s *Service) Cancel(ctx context.Context, who halsocoach.Actor, booking string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return err
	}
	occasion, theirs := occasionOf(booking, who.ID)
	if !theirs {
		return halsocoach.ErrNotFound
	}
	return s.leave(ctx, who, occasion)
}

// CancelPlace is Cancel for a page that knows the occasion.
func (s *Service) CancelPlace(ctx context.Context, who halsocoach.Actor, occasion string) error {
	return s.Cancel(ctx, who, bookingID(occasion, who.ID))
}

func (s *Service) leave(ctx context.Context, who halsocoach.Actor, occasion string) error {
	now := s.clock()
	_, err := s.change(ctx, occasion, func(o *Occasion) ([]halsocoach.Event, error) {
		gone := bookingID(o.ID, who.ID)
		left, promoted, err := o.Leave(now, who.ID)
		if err != nil || !left {
			return nil, err
		}
		events := []halsocoach.Event{halsocoach.Happened(EventPlaceCancelled, now, o.Kommun, o.ID, BookingData{Booking: gone})}
		if promoted != "" {
			events = append(events, bookedEvent(now, *o, Booking{ID: promoted, Status: Booked}, true))
		}
		return events, nil
	})
	return err
}

// Leave gives back all the citizen's coming bookings in an activity. What has
// been stays as it was.
func (s *Service) Leave(ctx context.Context, who halsocoach.Actor, activity string) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return err
	}
	now := s.clock()
	coming, err := s.ofPerson(ctx, who.ID, now)
	if err != nil {
		return fmt.Errorf("leave activity %s: %w", activity, err)
	}
	for _, o := range coming {
		if o.Activity != activity || !o.Starts.After(now) {
			continue
		}
		if err := s.leave(ctx, who, o.ID); err != nil {
			return err
		}
	}
	return nil
}

// Coming are the citizen's places in what has not ended, for the start page.
// Turns on a reserve list and what is cancelled are not among them.
func (s *Service) Coming(ctx context.Context, who halsocoach.Actor) ([]halsocoach.Appointment, error) {
	mine, err := s.Bookings(ctx, who)
	if err != nil {
		return nil, err
	}
	out := []halsocoach.Appointment{}
	for _, m := range mine {
		if m.Booking.Status != Booked || m.Occasion.Cancelled != nil {
			continue
		}
		out = append(out, halsocoach.Appointment{
			ID: m.Booking.ID, What: "group", Title: m.Activity.Title, Place: m.Activity.Where, Path: occasionPath(m.Occasion.ID),
			Starts: m.Occasion.Starts.In(halsocoach.Stockholm()), Ends: m.Occasion.Ends.In(halsocoach.Stockholm()),
		})
	}
	return out, nil
}

// Mine is a citizen's booking with what it is a booking of.
type Mine struct {
	Booking  Booking
	Occasion Occasion // without the people
	Activity Activity
}

// Bookings are the citizen's own bookings in what has not ended, in order:
// places, turns on reserve lists, and what was cancelled after they booked.
func (s *Service) Bookings(ctx context.Context, who halsocoach.Actor) ([]Mine, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return nil, err
	}
	coming, err := s.ofPerson(ctx, who.ID, s.clock())
	if err != nil {
		return nil, fmt.Errorf("find bookings: %w", err)
	}
	activities, err := s.activitiesOf(ctx, coming)
	if err != nil {
		return nil, fmt.Errorf("find activities booked: %w", err)
	}
	out := []Mine{}
	for _, o := range coming {
		b, _ := o.Of(who.ID)
		out = append(out, Mine{b, o.withoutPeople(), activities[o.Activity].shownTo(b.Status == Booked)})
	}
	return out, nil
}

// Own is a citizen's own booking, by its id, with what it is a booking of. Its
// status is "" when they have given it back; nobody else knows its id, and to
// them it is not there.
func (s *Service) Own(ctx context.Context, who halsocoach.Actor, booking string) (m Mine, protected bool, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return Mine{}, false, err
	}
	occasion, theirs := occasionOf(booking, who.ID)
	if !theirs {
		return Mine{}, false, halsocoach.ErrNotFound
	}
	o, err := s.occasions.Get(ctx, occasion)
	if err != nil {
		return Mine{}, false, fmt.Errorf("show a booking: %w", err)
	}
	a, err := s.activities.Get(ctx, o.Activity)
	if err != nil {
		return Mine{}, false, fmt.Errorf("show a booking: %w", err)
	}
	protected = who.Protected
	if p := o.place(who.ID); p != nil {
		protected = protected || p.Protected()
	}
	b, _ := o.Of(who.ID)
	b.ID = booking
	return Mine{b, o.withoutPeople(), a}, protected, nil
}

// Holds says whether the person has or has had a place in anything. Whoever asks
// has judged it.
func (s *Service) Holds(ctx context.Context, person string) (bool, error) {
	found, err := s.ofPerson(ctx, person, time.Time{})
	if err != nil {
		return false, fmt.Errorf("places of a person: %w", err)
	}
	return len(found) > 0, nil
}

// withoutPeople is what one person may be shown of an occasion.
func (o Occasion) withoutPeople() Occasion {
	o.Places, o.Reserve, o.People = nil, nil, nil
	return o
}

// ActivityView is an activity as somebody sees it. Coming are its occasions
// that have not ended, Mine the bookings of the one who looks, by occasion.
type ActivityView struct {
	Activity Activity
	Leader   string
	Centre   halsocoach.Centre
	Coming   []Brief
	Mine     map[string]Booking
}

// Activity is what the public may see of one activity, and the actor's own
// bookings in it.
func (s *Service) Activity(ctx context.Context, who halsocoach.Actor, id string) (ActivityView, error) {
	a, err := s.activities.Get(ctx, id)
	if err != nil {
		return ActivityView{}, fmt.Errorf("show activity %s: %w", id, err)
	}
	if !a.Published {
		return ActivityView{}, halsocoach.ErrNotFound
	}
	now := s.clock()
	occasions, err := s.ofActivity(ctx, id, now.Add(-longestOccasion))
	if err != nil {
		return ActivityView{}, fmt.Errorf("show activity %s: %w", id, err)
	}
	v := ActivityView{Activity: a, Leader: s.leader(ctx, a), Mine: map[string]Booking{}}
	if v.Centre, err = s.cfg.Registers.Centre(ctx, a.Centre); err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
		return ActivityView{}, fmt.Errorf("show activity %s: %w", id, err)
	}
	inside := a.ManagedBy(who)
	for _, o := range occasions {
		if !o.Ends.After(now) {
			continue
		}
		v.Coming = append(v.Coming, o.Brief())
		if b, ok := o.Of(who.ID); ok && who.Is(halsocoach.RoleCitizen) {
			v.Mine[o.ID] = b
			inside = inside || b.Status == Booked
		}
	}
	v.Activity = a.shownTo(inside)
	return v, nil
}

// OccasionView is one occasion as somebody sees it. Others are the other coming
// dates of the same activity that can be booked now.
type OccasionView struct {
	ActivityView
	Occasion  Occasion // without the people
	Brief     Brief
	State     State
	Booking   *Booking
	Alias     string // under which a person with protected identity stands in the list
	Others    []Brief
	CanLeave  bool   // the booking can be given back
	Left      string // id of the booking that was given back just now
	Visitor   bool   // nobody is signed in
	CanTry    bool   // a citizen, or somebody who may be one
	ManagedBy bool
}

// Occasion is what the public may see of one occasion, and the actor's own
// booking in it.
func (s *Service) Occasion(ctx context.Context, who halsocoach.Actor, id string) (OccasionView, error) {
	o, err := s.occasions.Get(ctx, id)
	if err != nil {
		return OccasionView{}, fmt.Errorf("show occasion %s: %w", id, err)
	}
	av, err := s.Activity(ctx, who, o.Activity)
	if err != nil {
		return OccasionView{}, err
	}
	now := s.clock()
	v := OccasionView{
		ActivityView: av, Occasion: o.withoutPeople(), Brief: o.Brief(), State: o.State(now, who), ManagedBy: o.ManagedBy(who),
		Visitor: !who.SignedIn(), CanTry: !who.SignedIn() || who.Is(halsocoach.RoleCitizen),
	}
	if b, ok := o.Of(who.ID); ok && who.Is(halsocoach.RoleCitizen) {
		v.Booking = &b
		v.Alias = o.place(who.ID).Alias
		v.CanLeave = o.Cancelled == nil && now.Before(o.Starts)
	}
	v.Others = slices.DeleteFunc(slices.Clone(av.Coming), func(b Brief) bool {
		_, booked := av.Mine[b.ID]
		return b.ID == id || booked || b.State(now, who) != Open
	})
	return v, nil
}

// leader is the name of the one who leads. A coach's comes from the register;
// one who is not there any more leaves the line empty.
func (s *Service) leader(ctx context.Context, a Activity) string {
	if !a.LedByCoach() {
		return a.LedBy
	}
	m, err := s.cfg.Staff.Member(ctx, a.Leader)
	if err != nil {
		return ""
	}
	return m.Name
}

func occasionPath(id string) string { return "/tillfallen/" + id }
