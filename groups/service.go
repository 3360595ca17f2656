package groups

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
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
// question. It is asked for what an attendance counts under.
type Enrolments interface {
	EnrolmentsAt(ctx context.Context, centre string, persons ...string) (map[string]halsocoach.Enrolment, error)
}

// Nudges are the messages between nodes that may be lost. The bus satisfies it.
type Nudges interface {
	Nudge(topic string, body []byte)
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
	Persons    *person.Service
	Nudges     Nudges
}

// Service is the group activities. Its methods are safe for concurrent use, on
// any number of nodes.
type Service struct {
	cfg        Config
	clock      halsocoach.Clock
	activities *store.Shared[Activity]
	occasions  *store.Shared[Occasion]
	programme  programme
}

// New makes the service; Start fills its programme.
func New(cfg Config) *Service {
	return &Service{
		cfg: cfg, clock: cfg.Clock,
		activities: store.In[Activity](cfg.Store, activityKind).Shared(500), occasions: store.In[Occasion](cfg.Store, occasionKind).Shared(500),
	}
}

// change is Update on an occasion, and keeps the programme fresh.
func (s *Service) change(ctx context.Context, id string, do func(*Occasion) ([]halsocoach.Event, error)) (Occasion, error) {
	o, err := s.occasions.Update(ctx, id, do)
	if err != nil {
		return o, fmt.Errorf("change occasion %s: %w", id, err)
	}
	s.programme.put(nil, o.Brief())
	s.announce(o.Brief())
	return o, nil
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
	looks    person.Identity // who looks, if they can have bookings
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
	if who.Is(halsocoach.RoleCitizen) {
		if v.looks, err = s.cfg.Persons.Self(ctx, who); err != nil {
			return ActivityView{}, fmt.Errorf("show activity %s: %w", id, err)
		}
	}
	for _, o := range occasions {
		if !o.Ends.After(now) {
			continue
		}
		v.Coming = append(v.Coming, o.Brief())
		if b, ok := o.Of(v.looks); ok {
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
	if b, ok := o.Of(v.looks); ok {
		v.Booking = &b
		if v.looks.Protected {
			v.Alias = aliasOf(o.Activity, v.looks)
		}
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
