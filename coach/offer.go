package coach

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"halsocoach"
)

// SlotQuery is which free times somebody wants to see. All fields may be empty.
type SlotQuery struct {
	Centre string         // "" = the citizen's or the coach's own
	From   halsocoach.Day // included; "" = today
	To     halsocoach.Day // included; "" = as far ahead as can be booked
	Limit  int            // whole days are given until there are so many times
	Days   int            // or until there are so many days with free times
}

// Offer is free times at a centre.
type Offer struct {
	Centre halsocoach.Centre
	// Enrolment is the citizen's at the centre; zero for others.
	Enrolment halsocoach.Enrolment
	Kind      Kind                     // what the citizen's next talk is
	Coaches   []halsocoach.StaffMember // the citizen's own first
	Slots     []Slot                   // by time, and the citizen's own coach first
	Next      halsocoach.Day           // the next day with free times, From of the next page; "" at the end
}

// Name is the name of one of the coaches.
func (o Offer) Name(coach string) string {
	for _, m := range o.Coaches {
		if m.ID == coach {
			return m.Name
		}
	}
	return ""
}

// Free are the free times at a centre: for a citizen, of the length of their
// next talk.
func (s *Service) Free(ctx context.Context, who halsocoach.Actor, q SlotQuery) (Offer, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen, halsocoach.RoleCoach); err != nil {
		return Offer{}, err
	}
	if err := q.check(); err != nil {
		return Offer{}, err
	}
	o := Offer{Kind: First}
	if who.Is(halsocoach.RoleCoach) {
		if q.Centre = cmp.Or(q.Centre, who.Centre); q.Centre != who.Centre {
			return Offer{}, halsocoach.ErrNotFound
		}
		o.Enrolment.Coach = who.ID
		return s.fill(ctx, o, q, "")
	}
	mine, err := s.enrolled(ctx, who)
	if err != nil {
		return Offer{}, err
	}
	e, err := chosen(mine, q.Centre)
	if err != nil {
		return Offer{}, err
	}
	q.Centre = e.Centre
	talks, err := s.docs.ofEnrolment(ctx, e.ID, "")
	if err != nil {
		return Offer{}, err
	}
	o.Enrolment, o.Kind = e, nextKind(talks, e.ID)
	return s.fill(ctx, o, q, "")
}

// chosen is the enrolment at a centre, or the latest.
func chosen(mine []halsocoach.Enrolment, centre string) (halsocoach.Enrolment, error) {
	var best halsocoach.Enrolment
	for _, e := range mine {
		if (centre == "" || e.Centre == centre) && (best.ID == "" || e.Since.After(best.Since)) {
			best = e
		}
	}
	if best.ID == "" {
		return best, halsocoach.ErrNotFound
	}
	return best, nil
}

func (q SlotQuery) check() error {
	var faults halsocoach.Faults
	faults.When(q.From != "" && !q.From.Valid(), "from", "Skriv datum som åååå-mm-dd.")
	faults.When(q.To != "" && !q.To.Valid(), "to", "Skriv datum som åååå-mm-dd.")
	return halsocoach.Invalid(faults...)
}

// fill computes the free times. except is a talk that is to be moved, whose
// time counts as free.
func (s *Service) fill(ctx context.Context, o Offer, q SlotQuery, except string) (Offer, error) {
	var err error
	if o.Centre, err = s.Registers.Centre(ctx, q.Centre); err != nil {
		return o, err
	}
	terms, err := s.terms(ctx, q.Centre)
	if err != nil {
		return o, err
	}
	coaches, err := s.Staff.Coaches(ctx, q.Centre)
	if err != nil {
		return o, err
	}
	protected := false
	if o.Enrolment.Person != "" {
		if protected, err = s.Persons.Protected(ctx, o.Enrolment.Person); err != nil {
			return o, err
		}
	}
	o.Coaches = order(coaches, o.Enrolment.Coach, protected)
	now := s.Clock()
	today := halsocoach.DayOf(now)
	from, to := max(q.From, today), today.Plus(aheadOf(terms))
	if q.To != "" {
		to = min(to, q.To)
	}
	if o.Centre.Closed || len(o.Coaches) == 0 || from > to {
		return o, nil
	}
	ids := make([]string, len(o.Coaches))
	for i, m := range o.Coaches {
		ids[i] = m.ID
	}
	weeks, err := s.docs.patterns(ctx, ids...)
	if err != nil {
		return o, err
	}
	calendar, err := s.docs.calendar(ctx, ids, from, int((to.At(720).Sub(from.At(720))+12*time.Hour)/(24*time.Hour))+1)
	if err != nil {
		return o, err
	}
	cut := cutFor(terms, o.Kind)
	shown := 0
	for i, date := 0, from; date <= to; i, date = i+1, date.Plus(1) {
		var free []Slot
		for _, id := range ids {
			free = append(free, calendar[id][i].Free(weeks[id], cut, now.Add(margin), except)...)
		}
		if len(free) == 0 {
			continue
		}
		if q.Limit > 0 && len(o.Slots) >= q.Limit || q.Days > 0 && shown == q.Days {
			o.Next = date
			break
		}
		shown++
		slices.SortStableFunc(free, func(a, b Slot) int { return a.Starts.Compare(b.Starts) })
		o.Slots = append(o.Slots, free...)
	}
	return o, nil
}

// order puts the person's named coach first and the others by name; a person with
// protected identity meets nobody else.
func order(coaches []halsocoach.StaffMember, named string, protected bool) []halsocoach.StaffMember {
	out := slices.DeleteFunc(slices.Clone(coaches), func(m halsocoach.StaffMember) bool {
		return m.Ended || protected && m.ID != named
	})
	slices.SortFunc(out, func(a, b halsocoach.StaffMember) int {
		switch {
		case a.ID == named:
			return -1
		case b.ID == named:
			return 1
		}
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return out
}
