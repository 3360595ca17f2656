package groups

import (
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
)

// Booking is what a person holds in an occasion.
type Booking struct {
	ID       string
	Occasion string
	Status   Status
	Position int // on the reserve list from 1; 0 with a place
}

// Status is how a person is in an occasion. The values go over the wire.
type Status string

// A booking is a place or a turn on the reserve list.
const (
	Booked    Status = "booked"
	OnReserve Status = "reserve"
)

// bookingID holds the occasion, so that a booking is found without a search,
// and a part that can not be led back to the person.
func bookingID(occasion, person string) string {
	return occasion + "." + halsocoach.IDFrom("booking", occasion, person)
}

// occasionOf is the occasion of a booking id that may be the person's.
func occasionOf(booking string, who person.Identity) (occasion string, theirs bool) {
	occasion, _, _ = strings.Cut(booking, ".")
	return occasion, slices.ContainsFunc(who.IDs, func(id string) bool { return bookingID(occasion, id) == booking })
}

// aliasOf is what a person with protected identity is called in the lists of
// an activity: the same on all its dates, and nothing outside it. It is derived
// when it is shown and stored nowhere.
func aliasOf(activity string, who person.Identity) string {
	const letters, digits = "ABCDEFGHJKLMNPRSTUVXYZ", "23456789"
	sum := halsocoach.IDFrom("alias", activity, who.Key())
	b := [4]byte{
		letters[int(sum[0])%len(letters)], digits[int(sum[1])%len(digits)],
		letters[int(sum[2])%len(letters)], digits[int(sum[3])%len(digits)],
	}
	return string(b[:])
}

// Of is the person's booking, if there is one: a place before a turn on the
// reserve list.
func (o Occasion) Of(who person.Identity) (Booking, bool) {
	is := func(s Seat) bool { return who.Has(s.Person) }
	if i := slices.IndexFunc(o.Places, is); i >= 0 {
		return Booking{ID: bookingID(o.ID, o.Places[i].Person), Occasion: o.ID, Status: Booked}, true
	}
	if i := slices.IndexFunc(o.Reserve, is); i >= 0 {
		return Booking{ID: bookingID(o.ID, o.Reserve[i].Person), Occasion: o.ID, Status: OnReserve, Position: i + 1}, true
	}
	return Booking{}, false
}

// seat is the person's line in either list.
func (o *Occasion) seat(who person.Identity) *Seat {
	for _, list := range [][]Seat{o.Places, o.Reserve} {
		if i := slices.IndexFunc(list, func(s Seat) bool { return who.Has(s.Person) }); i >= 0 {
			return &list[i]
		}
	}
	return nil
}

// Book gives the actor, who is the person one, the seat s: a place, or with
// s.AskedReserve a turn on the reserve list when there is none. The same person
// again, under any of their ids, keeps the booking they have, and fresh is false.
func (o *Occasion) Book(now time.Time, who halsocoach.Actor, one person.Identity, s Seat) (b Booking, fresh bool, err error) {
	if had := o.seat(one); had != nil {
		if had.Key == s.Key && had.AskedReserve != s.AskedReserve {
			return Booking{}, false, halsocoach.ErrKeyReused
		}
		if o.Cancelled != nil {
			return Booking{}, false, ErrCancelled
		}
		b, _ = o.Of(one)
		return b, false, nil
	}
	state := o.State(now, who)
	switch {
	case state == Open:
		o.Places = append(o.Places, s)
	case state != Full:
		return Booking{}, false, noSeat[state]
	case len(o.Reserve) >= MaxReserve:
		return Booking{}, false, ErrReserveFull
	case !s.AskedReserve:
		return Booking{}, false, ErrFull
	default:
		o.Reserve = append(o.Reserve, s)
	}
	o.changed()
	b, _ = o.Of(one)
	return b, true, nil
}

// noSeat are the faults of the states in which nobody gets a seat.
var noSeat = map[State]error{IsOff: ErrCancelled, Past: ErrPast, Closed: ErrClosed, Restricted: ErrRestricted}

// Leave takes the person out, under all their ids; left are the bookings they had.
// Places go to the first on the reserve list in the same write; promoted are the
// bookings that got one. Leaving again does nothing. What has begun can not be
// left.
func (o *Occasion) Leave(now time.Time, who person.Identity) (left, promoted []string, err error) {
	if o.seat(who) == nil {
		return nil, nil, nil
	}
	if !now.Before(o.Starts) {
		return nil, nil, ErrBegun
	}
	leaves := func(s Seat) bool {
		if !who.Has(s.Person) {
			return false
		}
		left = append(left, bookingID(o.ID, s.Person))
		return true
	}
	o.Places = slices.DeleteFunc(o.Places, leaves)
	o.Reserve = slices.DeleteFunc(o.Reserve, leaves)
	promoted = o.promote()
	o.changed()
	return left, promoted, nil
}

// promote gives free places to those who have waited longest.
func (o *Occasion) promote() (bookings []string) {
	for o.Cancelled == nil && len(o.Places) < o.Capacity && len(o.Reserve) > 0 {
		bookings = append(bookings, bookingID(o.ID, o.Reserve[0].Person))
		o.Places = append(o.Places, o.Reserve[0])
		o.Reserve = slices.Delete(o.Reserve, 0, 1)
	}
	return bookings
}

// Resize changes the number of places: more places go to the reserve list at
// once, and nobody who has a place loses it.
func (o *Occasion) Resize(now time.Time, places int) (promoted []string, err error) {
	switch {
	case o.Cancelled != nil:
		return nil, ErrCancelled
	case !now.Before(o.Starts):
		return nil, ErrClosed
	case places < 1 || places > MaxPlaces:
		return nil, halsocoach.Invalid(halsocoach.Field{Name: "places", Text: "Skriv antal platser, 1 till 300."})
	case places < len(o.Places):
		return nil, halsocoach.Invalid(halsocoach.Field{Name: "places", Text: "Fler än så har redan en plats."})
	case places == o.Capacity:
		return nil, nil
	}
	o.Capacity = places
	promoted = o.promote()
	o.changed()
	return promoted, nil
}
