package coach

import (
	"cmp"
	"context"
	"errors"
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
	o.Enrolment, o.Kind = e, nextKind(talksOf(talks), e.ID)
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
	var faults []halsocoach.Field
	if q.From != "" && !q.From.Valid() {
		faults = append(faults, halsocoach.Field{Name: "from", Text: "Skriv datum som åååå-mm-dd."})
	}
	if q.To != "" && !q.To.Valid() {
		faults = append(faults, halsocoach.Field{Name: "to", Text: "Skriv datum som åååå-mm-dd."})
	}
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
	own := func(m halsocoach.StaffMember) int {
		if m.ID == named {
			return 0
		}
		return 1
	}
	slices.SortFunc(out, func(a, b halsocoach.StaffMember) int {
		return cmp.Or(own(a)-own(b), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return out
}

// Mine is a citizen's page of talks: what is ahead, and what can be booked.
type Mine struct {
	Coming []Booked
	Past   []Booked          // the latest first
	Where  map[string]Where  // by talk
	Coach  map[string]string // names by staff id
	Offer  *Offer            // nil when a talk is ahead already, or not enrolled
}

// MyTalks is a citizen's talks and, when none is ahead, the free times.
func (s *Service) MyTalks(ctx context.Context, who halsocoach.Actor, q SlotQuery) (Mine, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return Mine{}, err
	}
	self, err := s.Persons.Of(ctx, who.ID)
	if err != nil {
		return Mine{}, err
	}
	talks, err := s.docs.ofPerson(ctx, self, "")
	if err != nil {
		return Mine{}, err
	}
	m := Mine{Where: map[string]Where{}, Coach: map[string]string{}}
	now := s.Clock()
	for _, b := range slices.Backward(talks) {
		switch {
		case b.Coming(now):
			m.Coming = append([]Booked{b}, m.Coming...)
		case b.Outcome != Cancelled && len(m.Past) < pastShown:
			m.Past = append(m.Past, b)
		default:
			continue
		}
		if err := s.describe(ctx, who, b, m); err != nil {
			return Mine{}, err
		}
	}
	if len(m.Coming) > 0 {
		return m, nil
	}
	o, err := s.Free(ctx, who, q)
	if err != nil {
		return m, err
	}
	m.Offer = &o
	return m, nil
}

// pastShown is how many talks that have been a citizen sees.
const pastShown = 20

// describe notes where a talk is held and the coach's name.
func (s *Service) describe(ctx context.Context, who halsocoach.Actor, b Booked, m Mine) (err error) {
	if m.Where[b.ID], err = s.where(ctx, who, b); err != nil {
		return err
	}
	if _, ok := m.Coach[b.Coach]; ok {
		return nil
	}
	member, err := s.Staff.Member(ctx, b.Coach)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		err = nil
	}
	m.Coach[b.Coach] = member.Name
	return err
}

// where is where a talk is held. The link and the number are told until it is
// over.
func (s *Service) where(ctx context.Context, who halsocoach.Actor, b Booked) (Where, error) {
	a, err := s.appointment(ctx, b.Talk)
	w := Where{Place: a.Place}
	if err != nil || !b.Coming(s.Clock()) {
		return w, err
	}
	switch b.Form {
	case ByVideo:
		weeks, err := s.docs.patterns(ctx, b.Coach)
		w.Video = weeks[b.Coach].Video
		return w, err
	case ByPhone:
		w.Phone, err = s.Enrolments.PhoneFor(ctx, who, b.Enrolment)
	}
	return w, err
}

// Choice is one talk and the times it can be moved to.
type Choice struct {
	Booked
	Where
	CoachName string
	Offer     Offer
}

// Talk is one talk: for the person, or for a coach who then also sees the
// person's name.
func (s *Service) Talk(ctx context.Context, who halsocoach.Actor, id string) (Choice, error) {
	b, err := s.enter(ctx, who, id, halsocoach.ActReadTalks)
	if err != nil {
		return Choice{}, err
	}
	m := Mine{Where: map[string]Where{}, Coach: map[string]string{}}
	if err := s.describe(ctx, who, b, m); err != nil {
		return Choice{}, err
	}
	return Choice{Booked: b, Where: m.Where[b.ID], CoachName: m.Coach[b.Coach]}, nil
}

// Own is a citizen's own talk and where it is held, for a calendar that others
// may see: the address, or the form of a talk by phone or video. Nothing is said
// of it for a person with protected identity.
func (s *Service) Own(ctx context.Context, who halsocoach.Actor, id string) (b Booked, where string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return Booked{}, "", err
	}
	if b, err = s.enter(ctx, who, id, ""); err != nil {
		return Booked{}, "", err
	}
	protected, err := s.Persons.Protected(ctx, b.Person)
	if err != nil || protected {
		return b, "", err
	}
	if b.Form != OnSite {
		return b, formText(ctx, b.Form), nil
	}
	c, err := s.Registers.Centre(ctx, b.Centre)
	if err != nil && !errors.Is(err, halsocoach.ErrNotFound) {
		return Booked{}, "", err
	}
	return b, c.Address, nil
}

// Choices is a talk with the times it can be moved to.
func (s *Service) Choices(ctx context.Context, who halsocoach.Actor, id string, q SlotQuery) (Choice, error) {
	if err := q.check(); err != nil {
		return Choice{}, err
	}
	c, err := s.Talk(ctx, who, id)
	if err != nil {
		return Choice{}, err
	}
	if err := c.movable(s.Clock(), who.Is(halsocoach.RoleCitizen)); err != nil {
		return c, err
	}
	e, err := s.Enrolments.Enrolment(ctx, c.Enrolment)
	if err != nil {
		return c, err
	}
	q.Centre = c.Centre
	c.Offer, err = s.fill(ctx, Offer{Enrolment: e, Kind: c.Kind}, q, c.ID)
	c.Offer.Slots = slices.DeleteFunc(c.Offer.Slots, func(o Slot) bool {
		return o.Coach == c.Coach && o.Starts.Equal(c.Starts) && o.Form == c.Form
	})
	return c, err
}
