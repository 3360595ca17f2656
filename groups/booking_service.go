package groups

import (
	"context"
	"fmt"

	"halsocoach"
	"halsocoach/internal/person"
)

// sealName binds the sealed name to what it is for.
const sealName = "groups.name"

// BookRequest is what a citizen asks for.
type BookRequest struct {
	Occasion string
	Reserve  bool // take a turn on the reserve list when there is no place
}

// Book gives the citizen a place, or with Reserve a turn on the reserve list of
// a full occasion. The same again is the same booking, and fresh is false. A
// full occasion without Reserve is ErrFull.
func (s *Service) Book(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, ask BookRequest) (b Booking, fresh bool, err error) {
	one, err := s.cfg.Persons.Self(ctx, who)
	if err != nil {
		return Booking{}, false, err
	}
	now := s.clock()
	seat := Seat{Person: who.ID, At: now.UTC(), Key: req.ID(who, "bookings/"+ask.Occasion), AskedReserve: ask.Reserve}
	if seat.Name, err = s.cfg.Seal.Seal(ctx, who.ID, sealName, who.Name); err != nil {
		return Booking{}, false, fmt.Errorf("book occasion %s: %w", ask.Occasion, err)
	}
	_, err = s.change(ctx, ask.Occasion, func(o *Occasion) ([]halsocoach.Event, error) {
		var err error
		if b, fresh, err = o.Book(now, who, one, seat); err != nil || !fresh {
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
	one, err := s.cfg.Persons.Self(ctx, who)
	if err != nil {
		return err
	}
	occasion, theirs := occasionOf(booking, one)
	if !theirs {
		return halsocoach.ErrNotFound
	}
	return s.leave(ctx, one, occasion)
}

// CancelPlace is Cancel for a page that knows the occasion.
func (s *Service) CancelPlace(ctx context.Context, who halsocoach.Actor, occasion string) error {
	return s.Cancel(ctx, who, bookingID(occasion, who.ID))
}

func (s *Service) leave(ctx context.Context, one person.Identity, occasion string) error {
	now := s.clock()
	_, err := s.change(ctx, occasion, func(o *Occasion) ([]halsocoach.Event, error) {
		left, promoted, err := o.Leave(now, one)
		var events []halsocoach.Event
		for _, id := range left {
			events = append(events, halsocoach.Happened(EventPlaceCancelled, now, o.Kommun, o.ID, BookingData{Booking: id}))
		}
		return append(events, promotedEvents(now, *o, promoted)...), err
	})
	return err
}

// Leave gives back all the citizen's coming bookings in an activity. What has
// been stays as it was.
func (s *Service) Leave(ctx context.Context, who halsocoach.Actor, activity string) error {
	one, err := s.cfg.Persons.Self(ctx, who)
	if err != nil {
		return err
	}
	now := s.clock()
	coming, err := s.ofPerson(ctx, one, now)
	if err != nil {
		return fmt.Errorf("leave activity %s: %w", activity, err)
	}
	for _, o := range coming {
		if o.Activity != activity || !o.Starts.After(now) {
			continue
		}
		if err := s.leave(ctx, one, o.ID); err != nil {
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
	one, err := s.cfg.Persons.Self(ctx, who)
	if err != nil {
		return nil, err
	}
	coming, err := s.ofPerson(ctx, one, s.clock())
	if err != nil {
		return nil, fmt.Errorf("find bookings: %w", err)
	}
	activities, err := s.activitiesOf(ctx, coming)
	if err != nil {
		return nil, fmt.Errorf("find activities booked: %w", err)
	}
	out := []Mine{}
	for _, o := range coming {
		b, _ := o.Of(one)
		out = append(out, Mine{b, o.withoutPeople(), activities[o.Activity].shownTo(b.Status == Booked)})
	}
	return out, nil
}

// Own is a citizen's own booking, by its id, with what it is a booking of. Its
// status is "" when they have given it back; nobody else knows its id, and to
// them it is not there.
func (s *Service) Own(ctx context.Context, who halsocoach.Actor, booking string) (m Mine, protected bool, err error) {
	one, err := s.cfg.Persons.Self(ctx, who)
	if err != nil {
		return Mine{}, false, err
	}
	occasion, theirs := occasionOf(booking, one)
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
	b, _ := o.Of(one)
	b.ID = booking
	return Mine{b, o.withoutPeople(), a}, one.Protected, nil
}
