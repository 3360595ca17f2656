package groups

import (
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
)

// Occasion is one date of an activity with its places and its reserve list.
// Everything that is contested lies in this one document.
type Occasion struct {
	ID        string    `json:"id"`
	Activity  string    `json:"activity"`
	Kommun    string    `json:"kommun"`
	Centre    string    `json:"centre"`
	Leader    string    `json:"leader,omitempty"` // staff id whose time is held
	Starts    time.Time `json:"starts"`
	Ends      time.Time `json:"ends"`
	Capacity  int       `json:"capacity"`
	Published time.Time `json:"published"`
	// OwnFirstUntil: before it only the kommun's own residents may book.
	OwnFirstUntil time.Time  `json:"ownFirstUntil,omitzero"`
	Closed        bool       `json:"closed,omitempty"` // the coach takes no more bookings
	Cancelled     *Cancelled `json:"cancelled,omitempty"`
	Places        []Seat     `json:"places"`
	Reserve       []Seat     `json:"reserve"` // in the order they came
	// People are the persons of Places and Reserve, for the index.
	People []string `json:"people,omitempty"`
	// Held is set when the occasion has been counted as held.
	Held bool `json:"held,omitempty"`
	// SpanToRelease is when the occasion was cancelled, for as long as its time is
	// still held in the leader's day.
	SpanToRelease time.Time `json:"spanToRelease,omitzero"`
	// Rev counts the changes, so that memory never goes back to an older one.
	Rev int `json:"rev"`
}

// Cancelled says why an occasion does not take place. Reason is shown to those
// who had booked, not to the public.
type Cancelled struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Seat is one person's booking, as a place or on the reserve list. Whether the
// name or an alias is shown is decided when it is shown (participants).
type Seat struct {
	Person string      `json:"person"` // the id that booked
	Name   seal.Sealed `json:"name,omitempty"`
	At     time.Time   `json:"at"`
	Key    string      `json:"key"` // of the request that booked
	// AskedReserve says that the request took a turn on the reserve list if
	// there was no place.
	AskedReserve bool `json:"askedReserve,omitempty"`
	// Attendance is empty until it is noted.
	Attendance Attendance `json:"attendance,omitempty"`
	Counted    bool       `json:"counted,omitempty"` // as present, once
}

// Attendance is what became of a seat: one of three, or "" before anybody has
// noted it.
type Attendance string

// The three.
const (
	Came   Attendance = "came"
	Absent Attendance = "absent"
	Told   Attendance = "told" // could not come and said so beforehand
)

// State is what an occasion is to somebody at some time. The values go over
// the wire.
type State string

// The states. Open means that anyone signed in gets a place now.
const (
	Open       State = "open"
	Full       State = "full"
	Restricted State = "restricted" // own residents first
	Closed     State = "closed"     // no more bookings, or it has begun
	IsOff      State = "cancelled"
	Past       State = "past"
)

// The faults of booking. Each is a page of its own with a next step.
var (
	ErrFull        = halsocoach.Conflict("full", "Tillfället är fullbokat. Du kan ställa dig på reservlistan, så får du platsen om någon avbokar.")
	ErrReserveFull = halsocoach.Conflict("reserve_full", "Tillfället är fullbokat och reservlistan är också full. Välj gärna ett annat datum.")
	ErrRestricted  = halsocoach.Conflict("restricted", "Just nu kan bara de som bor i kommunen boka. Lite senare öppnar bokningen för alla i länet.")
	ErrClosed      = halsocoach.Conflict("closed", "Bokningen är stängd för det här tillfället.")
	ErrCancelled   = halsocoach.Conflict("cancelled", "Tillfället är inställt.")
	ErrPast        = halsocoach.Conflict("past", "Tillfället har redan varit.")
	ErrBegun       = halsocoach.Conflict("begun", "Tillfället har redan börjat, så det går inte att avboka.")
	ErrNotBegun    = halsocoach.Conflict("not_begun", "Närvaro kan noteras när tillfället har börjat.")
)

// Brief is an occasion without its people: all that the programme shows, and
// all that the state depends on.
type Brief struct {
	ID, Activity    string
	Kommun          string
	Starts, Ends    time.Time
	Capacity        int
	Booked, Waiting int
	OwnFirstUntil   time.Time
	Shut, CalledOff bool
	Rev             int
}

// Brief leaves the people out.
func (o Occasion) Brief() Brief {
	return Brief{
		ID: o.ID, Activity: o.Activity, Kommun: o.Kommun, Starts: o.Starts, Ends: o.Ends, Capacity: o.Capacity,
		Booked: len(o.Places), Waiting: len(o.Reserve), OwnFirstUntil: o.OwnFirstUntil,
		Shut: o.Closed, CalledOff: o.Cancelled != nil, Rev: o.Rev,
	}
}

// State is what the occasion is to who at now. Nobody signed in sees Full
// before Restricted, since no one gets a place in it; a resident of another
// kommun sees Restricted first, since the reserve list is not theirs either.
func (b Brief) State(now time.Time, who halsocoach.Actor) State {
	full, own := b.Booked >= b.Capacity, b.ownFirst(now, who)
	switch {
	case b.CalledOff:
		return IsOff
	case !now.Before(b.Ends):
		return Past
	case b.Shut || !now.Before(b.Starts):
		return Closed
	case own && (who.SignedIn() || !full):
		return Restricted
	case full:
		return Full
	}
	return Open
}

// ownFirst says whether the place is kept for others than who for now.
func (b Brief) ownFirst(now time.Time, who halsocoach.Actor) bool {
	return now.Before(b.OwnFirstUntil) && !(who.Is(halsocoach.RoleCitizen) && who.Kommun == b.Kommun)
}

// Changes is the next moment after now at which the state changes by itself;
// zero when it never will.
func (b Brief) Changes(now time.Time) time.Time {
	if b.CalledOff {
		return time.Time{}
	}
	for _, t := range []time.Time{b.OwnFirstUntil, b.Starts, b.Ends} {
		if t.After(now) {
			return t
		}
	}
	return time.Time{}
}

// State is Brief's.
func (o Occasion) State(now time.Time, who halsocoach.Actor) State {
	return o.Brief().State(now, who)
}

// ManagedBy is Activity's: a coach of the centre.
func (o Occasion) ManagedBy(who halsocoach.Actor) bool {
	return Activity{Centre: o.Centre}.ManagedBy(who)
}

// changed keeps what is derived from the lists.
func (o *Occasion) changed() {
	o.Rev++
	o.People = o.People[:0]
	for _, p := range slices.Concat(o.Places, o.Reserve) {
		o.People = append(o.People, p.Person)
	}
}

// Shut closes or opens the booking.
func (o *Occasion) Shut(shut bool) {
	if o.Closed != shut {
		o.Closed = shut
		o.changed()
	}
}

// CallOff cancels the occasion; doing it again changes nothing, not even the
// reason. Those who had booked keep their bookings in the document, so that
// they can be told.
func (o *Occasion) CallOff(now time.Time, who halsocoach.Actor, reason string) error {
	reason = strings.TrimSpace(reason)
	var bad halsocoach.Faults
	bad.When(outside(reason, 3, maxReason), "reason", "Skriv varför tillfället ställs in, med högst 300 tecken.")
	switch {
	case o.Cancelled != nil:
		return nil
	case !now.Before(o.Ends):
		return ErrPast
	case len(bad) > 0:
		return halsocoach.Invalid(bad...)
	}
	o.Cancelled = &Cancelled{At: now.UTC(), By: who.ID, Reason: reason}
	if o.Leader != "" {
		o.SpanToRelease = o.Cancelled.At
	}
	o.changed()
	return nil
}

// Mark is one line of the attendance list.
type Mark struct {
	Booking    string
	Attendance Attendance
}

// Note notes attendance: from the start time on, and correctable for ever. A mark
// holds for all seats of the person: same says which ids are one. It tells what is
// to be counted: the persons who are present for the first time in the list, and
// whether this makes the occasion held. What has been counted stays counted, so
// that a corrected list counts nothing twice.
func (o *Occasion) Note(now time.Time, marks []Mark, same map[string]person.Identity) (present []string, held bool, err error) {
	switch {
	case o.Cancelled != nil:
		return nil, false, ErrCancelled
	case now.Before(o.Starts):
		return nil, false, ErrNotBegun
	}
	touched := false
	for _, m := range marks {
		marked := slices.IndexFunc(o.Places, func(s Seat) bool { return bookingID(o.ID, s.Person) == m.Booking })
		if marked < 0 {
			return nil, false, halsocoach.ErrNotFound
		}
		switch m.Attendance {
		case "", Came, Absent, Told:
		default:
			return nil, false, halsocoach.Invalid(halsocoach.Field{Name: "attendance", Text: "Välj kom, kom inte eller meddelade förhinder."})
		}
		counted := false
		for _, s := range o.seatsOf(o.Places[marked].Person, same) {
			touched = touched || s.Attendance != m.Attendance
			s.Attendance = m.Attendance
			counted = counted || s.Counted
		}
		if m.Attendance == Came && !counted {
			o.Places[marked].Counted = true
			present = append(present, o.Places[marked].Person)
		}
	}
	if len(present) > 0 && !o.Held {
		o.Held, held = true, true
	}
	if touched {
		o.changed()
	}
	return present, held, nil
}

// seatsOf are the places that the person behind an id has.
func (o *Occasion) seatsOf(id string, same map[string]person.Identity) (seats []*Seat) {
	for i := range o.Places {
		if s := &o.Places[i]; s.Person == id || same[id].Has(s.Person) {
			seats = append(seats, s)
		}
	}
	return seats
}
