package citizen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
)

// Row is a person in a coach's list.
type Row struct {
	ID        string
	Name      string // an alias for a person with protected identity
	Since     time.Time
	Topics    []halsocoach.Topic
	Protected bool
	Ended     bool
	Mine      bool       // the one who reads is the coach
	Next      *Talk      // the next claimed talk
	Mistaken  *time.Time // when the one who recommended said that it was a mistake
}

// File is a person's page for the coach.
type File struct {
	Row
	Person       string
	Referral     string
	Source       halsocoach.Source
	CoachName    string
	Contact      bool // whether phone and email are shown
	Phone, Email string
	Talks        []halsocoach.Appointment
	Others       []Row // the person's other open enrolments that the coach may open
	ShowsGoals   bool
	Goals        []GoalView
	End          *End
}

// Caseload is a page of the coach's own people, the newest first, names by one
// question.
func (s *Service) Caseload(ctx context.Context, who halsocoach.Actor, after string) (rows []Row, next string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return nil, "", err
	}
	found, next, err := s.caseload(ctx, who.ID, after)
	if err != nil {
		return nil, "", fmt.Errorf("caseload of %s: %w", who.ID, err)
	}
	rows, err = s.rows(ctx, who, halsocoach.ActReadCaseload, found)
	return rows, next, err
}

// rows are the people as the coach may see them, logged as one row.
func (s *Service) rows(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, found []Enrolment) ([]Row, error) {
	if len(found) == 0 {
		return nil, nil
	}
	names, err := s.names(ctx, found)
	if err != nil {
		return nil, err
	}
	whose, err := s.personsOf(ctx, found)
	if err != nil {
		return nil, err
	}
	rows, persons := make([]Row, len(found)), make([]string, len(found))
	for i, e := range found {
		rows[i], persons[i] = s.row(who, e, whose[e.Person].Protected), e.Person
		rows[i].Name = names[e.ID]
	}
	return rows, s.AccessLog.Saw(ctx, who, act, "invånare", persons...)
}

func (s *Service) row(who halsocoach.Actor, e Enrolment, protected bool) Row {
	r := Row{ID: e.ID, Since: e.Since, Topics: e.Topics, Protected: protected, Ended: e.Ended != nil, Mine: e.Coach == who.ID, Mistaken: e.Mistaken}
	if coming := e.Coming(s.Clock()); len(coming) > 0 {
		r.Next = &coming[0]
	}
	return r
}

// Search finds people of the coach's centre by their number or by the beginnings
// of the words of their name. People with protected identity are found by their
// own coach only.
func (s *Service) Search(ctx context.Context, who halsocoach.Actor, query string) ([]Row, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return nil, err
	}
	query = strings.TrimSpace(query)
	if query == "" {
		return nil, halsocoach.Invalid(halsocoach.Field{Name: "fraga", Text: "Skriv ett personnummer eller början på ett namn."})
	}
	persons, err := s.find(ctx, who.Centre, query)
	if err != nil || len(persons) == 0 {
		return nil, err
	}
	whose, err := s.Persons.Many(ctx, persons...)
	if err != nil {
		return nil, err
	}
	found, err := s.newestAt(ctx, who.Centre, person.All(whose))
	if err != nil {
		return nil, fmt.Errorf("search at %s: %w", who.Centre, err)
	}
	if whose, err = s.personsOf(ctx, found); err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(e Enrolment) bool { return !e.MayOpen(who, whose[e.Person].Protected) })
	return s.rows(ctx, who, halsocoach.ActSearch, found)
}

// find are the persons behind a number, or those whose names fit.
func (s *Service) find(ctx context.Context, centre, query string) ([]string, error) {
	if !strings.ContainsFunc(query, unicode.IsDigit) {
		persons, err := s.Seal.SearchName(ctx, centre, query)
		if err != nil {
			return nil, fmt.Errorf("search by name: %w", err)
		}
		return persons, nil
	}
	number, err := halsocoach.ParseNumber(query, s.Clock())
	if err != nil {
		return nil, halsocoach.Invalid(halsocoach.Field{Name: "fraga", Text: numberWords(err)})
	}
	person, found, err := s.Seal.Lookup(ctx, number)
	if err != nil || !found {
		return nil, err
	}
	return []string{person}, nil
}

// numberWords says in which way an identity number is wrong.
func numberWords(err error) string {
	switch {
	case errors.Is(err, halsocoach.ErrNumberDate):
		return "Datumet i personnumret finns inte eller har inte varit än. Kontrollera år, månad och dag."
	case errors.Is(err, halsocoach.ErrNumberCheck):
		return "Personnumrets sista siffra stämmer inte med de andra. Kontrollera att alla siffror är rätt."
	case errors.Is(err, halsocoach.ErrNumberSerial):
		return "Personnumret kan inte sluta på 000 och en siffra. Kontrollera de fyra sista."
	}
	return "Skriv personnumret med 10 eller 12 siffror, till exempel ÅÅÅÅMMDD-NNNN."
}

// Open is the person's page. Contact is shown, except for a person with
// protected identity: that is Reveal's.
func (s *Service) Open(ctx context.Context, who halsocoach.Actor, id string) (File, error) {
	e, whose, err := s.opened(ctx, who, id)
	if err != nil {
		return File{}, err
	}
	if err := s.AccessLog.Saw(ctx, who, halsocoach.ActReadEnrolment, "invånare", e.Person); err != nil {
		return File{}, err
	}
	return s.file(ctx, who, e, whose, !whose.Protected)
}

// opened is the enrolment and whose it is if the coach may open it, else
// ErrNotFound.
func (s *Service) opened(ctx context.Context, who halsocoach.Actor, id string) (e Enrolment, whose person.Identity, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return e, whose, err
	}
	if e, err = s.enrolments.Get(ctx, id); err != nil {
		return e, whose, fmt.Errorf("enrolment %s: %w", id, err)
	}
	if whose, err = s.Persons.Of(ctx, e.Person); err == nil && !e.MayOpen(who, whose.Protected) {
		err = halsocoach.ErrNotFound
	}
	return e, whose, err
}

// OfReferral is the enrolment that was made from a recommendation, for a coach
// who may open it.
func (s *Service) OfReferral(ctx context.Context, who halsocoach.Actor, referral string) (string, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return "", err
	}
	e, err := s.one(ctx, "referral", referral)
	if err != nil {
		return "", fmt.Errorf("enrolment of referral %s: %w", referral, err)
	}
	protected, err := s.Persons.Protected(ctx, e.Person)
	if err == nil && !e.MayOpen(who, protected) {
		err = halsocoach.ErrNotFound
	}
	return e.ID, err
}

// Whys are the reasons for which the contact of a person with protected identity
// is shown. The one that is given is logged.
var Whys = []string{"talk", "asked", "worry", "other"}

// Reveal is the person's page with contact, for a person with protected
// identity: the reason is logged before the answer leaves.
func (s *Service) Reveal(ctx context.Context, who halsocoach.Actor, id, why string) (File, error) {
	e, whose, err := s.opened(ctx, who, id)
	if err != nil {
		return File{}, err
	}
	if !slices.Contains(Whys, why) {
		return File{}, halsocoach.Invalid(halsocoach.Field{Name: "why", Text: "Välj varför du behöver kontaktuppgifterna."})
	}
	if err := s.AccessLog.Saw(ctx, who, halsocoach.ActRevealContact, why, e.Person); err != nil {
		return File{}, err
	}
	return s.file(ctx, who, e, whose, true)
}

func (s *Service) file(ctx context.Context, who halsocoach.Actor, e Enrolment, whose person.Identity, contact bool) (File, error) {
	f := File{Row: s.row(who, e, whose.Protected), Person: e.Person, Referral: e.Referrals[0], Source: e.Source, Contact: contact, End: e.Ended}
	boxes := []seal.Box{{Person: e.Person, Purpose: "citizen.name", Sealed: e.Name}}
	if contact {
		boxes = append(boxes, seal.Box{Person: e.Person, Purpose: "citizen.phone", Sealed: e.Phone}, seal.Box{Person: e.Person, Purpose: "citizen.email", Sealed: e.Email})
	}
	plain, err := s.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return File{}, fmt.Errorf("open enrolment %s: %w", e.ID, err)
	}
	f.Name = plain[0]
	if contact {
		f.Phone, f.Email = plain[1], plain[2]
	}
	m, err := s.Staff.Member(ctx, e.Coach)
	if err != nil && halsocoach.KindOf(err) != halsocoach.KindNotFound {
		return File{}, fmt.Errorf("coach %s: %w", e.Coach, err)
	}
	f.CoachName = m.Name
	if len(whose.IDs) > 1 {
		if f.Others, err = s.others(ctx, who, e, whose); err != nil {
			return File{}, err
		}
	}
	if f.ShowsGoals = e.MayReadGoals(who); !f.ShowsGoals {
		return f, nil
	}
	if f.Goals, _, err = s.goalsWithLast(ctx, whose, ""); err != nil {
		return File{}, err
	}
	f.Talks, err = s.talks(ctx, e)
	for i, t := range f.Talks {
		f.Talks[i].Path = "/kalender/samtal/" + t.ID
	}
	return f, err
}

// others are the person's other open enrolments that the coach may open.
func (s *Service) others(ctx context.Context, who halsocoach.Actor, e Enrolment, whose person.Identity) ([]Row, error) {
	found, err := s.ofPerson(ctx, whose)
	if err != nil {
		return nil, fmt.Errorf("other enrolments beside %s: %w", e.ID, err)
	}
	var out []Row
	for _, o := range found {
		if o.ID != e.ID && o.Ended == nil && o.MayOpen(who, whose.Protected) {
			out = append(out, s.row(who, o, whose.Protected))
		}
	}
	return out, nil
}

// talks are the talks that an enrolment has coming.
func (s *Service) talks(ctx context.Context, e Enrolment) ([]halsocoach.Appointment, error) {
	var out []halsocoach.Appointment
	for _, t := range e.Coming(s.Clock()) {
		a := halsocoach.Appointment{ID: t.ID, What: t.Kind, Path: t.Path, Place: t.Place, Starts: local(t.Starts), Ends: local(t.Ends)}
		if a.Place == "" {
			c, err := s.centre(ctx, e.Centre)
			if err != nil {
				return nil, err
			}
			if a.Place = c.Name; c.Address != "" {
				a.Place += ", " + c.Address
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// centre is a centre; the zero one when it is no longer in the register.
func (s *Service) centre(ctx context.Context, code string) (halsocoach.Centre, error) {
	c, err := s.Registers.Centre(ctx, code)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		err = nil
	}
	return c, err
}

// End closes an enrolment with a class of end; it is counted, and the ones who
// recommended the person see the class. The same request again changes nothing;
// when it has ended already it is ErrEnded.
func (s *Service) End(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, id string, class Class) error {
	e, whose, err := s.opened(ctx, who, id)
	if err != nil {
		return err
	}
	how := End{ID: req.ID(who, "enrolments/"+id+"/end"), Digest: req.Digest(class), Class: class, By: who.ID, At: s.Clock().UTC()}
	if e.Ended == nil && !class.Known() {
		return halsocoach.Invalid(halsocoach.Field{Name: "class", Text: "Välj hur kontakten avslutas."})
	}
	_, err = s.enrolments.Update(ctx, id, func(e *Enrolment) ([]halsocoach.Event, error) {
		if e.Ended != nil && e.Ended.ID == how.ID {
			if e.Ended.Digest != how.Digest {
				return nil, halsocoach.ErrKeyReused
			}
			return nil, nil
		}
		if err := e.end(how); err != nil {
			return nil, err
		}
		fact := halsocoach.Count(halsocoach.CountEnded, how.At, halsocoach.KommunOfCentre(e.Centre), whose.Protected, e.Shared().Dims())
		return []halsocoach.Event{happened(EventEnded, *e, how.At, e.Referrals...).Counting(fact)}, nil
	})
	if err != nil {
		return fmt.Errorf("end enrolment %s: %w", id, err)
	}
	return s.AccessLog.Saw(ctx, who, halsocoach.ActEndEnrolment, "invånare", e.Person)
}
