package groups

import (
	"slices"
	"strings"
	"time"

	"halsocoach"
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
func occasionOf(booking, person string) (occasion string, theirs bool) {
	occasion, _, _ = strings.Cut(booking, ".")
	return occasion, bookingID(occasion, person) == booking
}

// aliasOf is what a person with protected identity is called in the lists of
// an activity: the same on all its dates, and nothing outside it.
func aliasOf(activity, person string) string {
	const letters, digits = "ABCDEFGHJKLMNPRSTUVXYZ", "23456789"
	sum := halsocoach.IDFrom("alias", activity, person)
	b := [4]byte{
		letters[int(sum[0])%len(letters)], digits[int(sum[1])%len(digits)],
		letters[int(sum[2])%len(letters)], digits[int(sum[3])%len(digits)],
	}
	return string(b[:])
}

// Of is the person's booking, if there is one.
func (o Occasion) Of(person string) (Booking, bool) {
	b := Booking{ID: bookingID(o.ID, person), Occasion: o.ID}
	is := func(p Place) bool { return p.Person == person }
	if slices.ContainsFunc(o.Places, is) {
		b.Status = Booked
		return b, true
	}
	if i := slices.IndexFunc(o.Reserve, is); i >= 0 {
		b.Status, b.Position = OnReserve, i+1
		return b, true
	}
	return Booking{}, false
}

// place is the person's line in either list.
func (o *Occasion) place(person string) *Place {
	for _, list := range [][]Place{o.Places, o.Reserve} {
		for i := range list {
			if list[i].Person == person {
				return &list[i]
			}
		}
	}
	return nil
}

// Book gives the person of p a place, or with reserve a turn on the reserve
// list when there is none. The same person again keeps the booking they have,
// and fresh is false.
func (o *Occasion) Book(now time.Time, who halsocoach.Actor, p Place, reserve bool) (b Booking, fresh bool, err error) {
	if had := o.place(p.Person); had != nil {
		if had.Key == p.Key && had.Digest != p.Digest {
			return Booking{}, false, halsocoach.ErrOtherWish
		}
		if o.Cancelled != nil {
			return Booking{}, false, ErrCancelled
		}
		b, _ = o.Of(p.Person)
		return b, false, nil
	}
	switch o.State(now, who) {
	case IsOff:
		return Booking{}, false, ErrCancelled
	case Past:
		return Booking{}, false, ErrPast
	case Closed:
		return Booking{}, false, ErrClosed
	case Restricted:
		return Booking{}, false, ErrRestricted
	case Full:
		if len(o.Reserve) >= MaxReserve {
			return Booking{}, false, ErrReserveFull
		}
		if !reserve {
			return Booking{}, false, ErrFull
		}
		o.Reserve = append(o.Reserve, p)
	case Open:
		o.Places = append(o.Places, p)
	}
	o.changed()
	b, _ = o.Of(p.Person)
	return b, true, nil
}

// Leave takes the person out. The place goes to the first on the reserve list
// in the same write; promoted is that booking's id, or "". Leaving again does
// nothing. What has begun can not be left.
func (o *Occasion) Leave(now time.Time, person string) (left bool, promoted string, err error) {
	if o.place(person) == nil {
		return false, "", nil
	}
	if !now.Before(o.Starts) {
		return false, "", ErrBegun
	}
	is := func(p Place) bool { return p.Person == person }
	o.Places = slices.DeleteFunc(o.Places, is)
	o.Reserve = slices.DeleteFunc(o.Reserve, is)
	if ids := o.promote(); len(ids) > 0 {
		promoted = ids[0]
	}
	o.changed()
	return true, promoted, nil
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
