package referral

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
)

// Decide is a coach's decision on a recommendation to their centre. Of many who
// decide at once exactly one wins; the others get a DecidedError that names who,
// before anything else in their ruling is judged. made is false for a repeat of
// the same wish.
func (s *Service) Decide(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, id string, ruling Ruling) (item Item, made bool, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return Item{}, false, err
	}
	wish, digest := req.ID(who, "referrals/"+id+"/decision"), req.Digest(ruling)
	before, err := s.one(ctx, id)
	if err != nil {
		return Item{}, false, fmt.Errorf("decide %s: %w", id, err)
	}
	id = before.ID
	if !before.at(who) {
		return Item{}, false, halsocoach.ErrNotFound
	}
	if v := before.Verdict(); v != nil {
		if v.ID != wish {
			return Item{}, false, s.taken(ctx, *v)
		}
		if v.Digest != digest {
			return Item{}, false, halsocoach.ErrOtherWish
		}
		item, err := s.sawItem(ctx, who, "read referral", before)
		return item, false, err
	}
	if _, err := before.State.After(Accept, who.Role); err != nil {
		return Item{}, false, err
	}
	d, err := s.rule(ctx, before, ruling)
	if err != nil {
		return Item{}, false, err
	}
	d.ID, d.Digest, d.By, d.At = wish, digest, who.ID, s.Clock().UTC()
	after, made, err := s.save(ctx, id, d)
	if err != nil {
		return Item{}, false, err
	}
	item, err = s.sawItem(ctx, who, "decide referral", after)
	return item, made, err
}

// save writes the decision, unless somebody was first. The same wish that came
// first by another way is a repeat.
func (s *Service) save(ctx context.Context, id string, d Decision) (after Referral, made bool, err error) {
	var first *Decision
	after, err = s.change(ctx, id, func(r *Referral, _ time.Time) ([]halsocoach.Event, error) {
		first = r.Verdict()
		switch {
		case first != nil && first.ID == d.ID && first.Digest == d.Digest:
			return nil, nil
		case first != nil:
			return nil, ErrDecided
		}
		if err := r.move(d.What, halsocoach.RoleCoach); err != nil {
			return nil, err
		}
		r.Decisions = append(r.Decisions, d)
		if d.What == Accept {
			r.Unenrolled, r.Enrolment = &d.At, halsocoach.IDFrom("enrolment", r.ID)
		}
		return []halsocoach.Event{decidedEvent(*r, d)}, nil
	})
	switch {
	case !errors.Is(err, ErrDecided) || first == nil:
		return after, err == nil && first == nil, err
	case first.ID != d.ID:
		return after, false, s.taken(ctx, *first)
	}
	return after, false, halsocoach.ErrOtherWish
}

// rule judges the ruling, and that the other centre takes people in.
func (s *Service) rule(ctx context.Context, r Referral, ruling Ruling) (Decision, error) {
	d, err := ruling.Judge(r.Centre)
	switch {
	case err != nil:
	case d.What == Forward:
		err = s.takesIn(ctx, "", d.To) // the coach and the person have talked it over
	case d.What == Accept && r.CallMe != "":
		err = halsocoach.Invalid(halsocoach.Field{Name: "decision", Text: "Fråga först personen vad hen vill ha stöd med, och skriv in det."})
	}
	return d, err
}

// taken is the fault that names who was first.
func (s *Service) taken(ctx context.Context, d Decision) error {
	name, err := s.colleague(ctx, d.By)
	if err != nil {
		return err
	}
	return decided(d, name)
}

// colleague is a staff member's name.
func (s *Service) colleague(ctx context.Context, id string) (string, error) {
	m, err := s.Staff.Member(ctx, id)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return "En kollega", nil
	}
	if err != nil {
		return "", fmt.Errorf("colleague %s: %w", id, err)
	}
	return m.Name, nil
}

// Accepted is what an enrolment is made from, for package citizen; the name and
// contact of the sender who was last to say. ErrNotFound when nobody has taken
// the person in.
func (s *Service) Accepted(ctx context.Context, id string) (halsocoach.Accepted, error) {
	r, err := s.referrals.Get(ctx, id)
	if err != nil {
		return halsocoach.Accepted{}, fmt.Errorf("accepted %s: %w", id, err)
	}
	v := r.Verdict()
	if !r.State.TakenIn() || v == nil {
		return halsocoach.Accepted{}, halsocoach.ErrNotFound
	}
	said, err := s.open(ctx, r)
	if err != nil {
		return halsocoach.Accepted{}, fmt.Errorf("accepted %s: %w", id, err)
	}
	a := halsocoach.Accepted{Referral: r.ID, Person: r.Person, Centre: r.Centre, Coach: v.By, Source: r.holding()[0].Source, Topics: r.Topics(),
		Sex: r.Sex, AgeBand: r.AgeBand, Protected: r.Protected, At: v.At}
	for _, w := range said {
		if w.Gone != nil {
			continue
		}
		for _, part := range []struct{ into, from *string }{{&a.Name, &w.Name}, {&a.Phone, &w.Phone}, {&a.Email, &w.Email}} {
			if *part.from != "" {
				*part.into = *part.from
			}
		}
	}
	return a, nil
}

// Unenrolled finds recommendations that were taken in and of which package
// citizen has not yet said that the enrolment is made, as store.Unfinished asks.
func (s *Service) Unenrolled(ctx context.Context, from, before time.Time, after string) (ids []string, next string, err error) {
	return s.referrals.Since("unenrolled")(ctx, from, before, after)
}

// Waiting is how many recommendations wait for a decision at the coach's centre,
// at most 100, and when the first of them is promised a contact; for the desk.
func (s *Service) Waiting(ctx context.Context, who halsocoach.Actor) (n int, firstDue time.Time, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return 0, time.Time{}, err
	}
	if who.Centre == "" {
		return 0, time.Time{}, nil
	}
	return s.waitingAt(ctx, who.Centre)
}

// Recommended is what a citizen may know of a recommendation about themselves.
// It is an unnamed struct, so that the package that asks declares it in its own
// words.
type Recommended = struct {
	Centre   string
	State    string
	Received time.Time
	Due      time.Time
}

// OfPerson are the recommendations about the citizen who asks, newest first.
func (s *Service) OfPerson(ctx context.Context, who halsocoach.Actor) ([]Recommended, error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen); err != nil {
		return nil, err
	}
	all, err := s.aboutPerson(ctx, who.ID)
	if err != nil {
		return nil, fmt.Errorf("referrals of a person: %w", err)
	}
	out := make([]Recommended, len(all))
	for i, r := range all {
		out[i] = Recommended{Centre: r.Centre, State: string(r.State), Received: r.Received, Due: r.Due}
	}
	return out, nil
}

// Attempt is one time that a coach has tried to reach the person.
type Attempt struct {
	ID     string      `json:"id"` // made from coach and Idempotency-Key
	Digest string      `json:"digest"`
	How    Way         `json:"how"`
	Went   Result      `json:"went"`
	Note   seal.Sealed `json:"note,omitempty"`
	By     string      `json:"by"` // staff id
	At     time.Time   `json:"at"`
}

// Way is how a coach tries to reach somebody. The values go over the wire.
type Way string

// Result is how the attempt went.
type Result string

// The ways and the results.
const (
	ByPhone  Way = "phone"
	BySMS    Way = "sms"
	ByMail   Way = "mail"
	ByLetter Way = "letter"
	InPerson Way = "in_person" // noted by itself when a coach writes in a visitor

	Reached    Result = "reached"
	NotReached Result = "not_reached" // of a letter and the like: sent, and no answer yet
	AskedBack  Result = "asked_back"  // asked to be contacted later
)

// Ways and Results in the order in which a coach chooses among them.
var (
	Ways    = []Way{ByPhone, BySMS, ByMail, ByLetter}
	Results = []Result{NotReached, Reached, AskedBack}
)

// Unreached is how many attempts have been made since the person was last
// reached.
func (r Referral) Unreached() int {
	n := 0
	for _, a := range slices.Backward(r.Attempts) {
		if a.Went != NotReached {
			break
		}
		n++
	}
	return n
}

// Standing is what the waiting times need to know of a recommendation. It is an
// unnamed struct, so that the package that asks declares it in its own words.
type Standing = struct {
	Centre    string
	Received  time.Time // at this centre
	Open      bool      // a coach is still to decide
	TakenIn   bool      // the person was accepted, whatever came after
	Protected bool
}

// Standing is how a recommendation stands now, for the program itself: it says
// nothing about who the person is.
func (s *Service) Standing(ctx context.Context, id string) (Standing, error) {
	r, err := s.referrals.Get(ctx, id)
	if err != nil {
		return Standing{}, fmt.Errorf("standing of %s: %w", id, err)
	}
	return Standing{Centre: r.Centre, Received: r.Received, Open: r.State.Open(), TakenIn: r.State.TakenIn(), Protected: r.Protected}, nil
}

// Senders are those who may be told that how a recommendation goes has changed,
// for the program itself: by their own ids, each once. Who has called theirs back
// is not among them, nor one whom the person no longer lets see, nor a person with
// protected identity who made contact on their own.
func (s *Service) Senders(ctx context.Context, id string) ([]string, error) {
	r, err := s.referrals.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("senders of %s: %w", id, err)
	}
	var out []string
	for _, x := range r.Sendings {
		switch {
		case x.Sender == "", slices.Contains(out, x.Sender), x.Consent.Back != nil, x.Sender == r.Person && r.Protected:
		case x.Gone != nil && (x.Gone.By == x.Sender || r.State != Withdrawn):
		default:
			out = append(out, x.Sender)
		}
	}
	return out, nil
}

// Track is which id a sender knows a recommendation by, and when what they may see
// of it last changed. It is an unnamed struct, so that the package that asks
// declares it in its own words.
type Track = struct {
	ID      string // as in Own
	Within  string // the recommendation's own id
	Sender  string
	Person  string
	Changed time.Time
}

// TracksOf are what each sender of a recommendation follows, for the room that
// keeps them in order; whoever asks shows nobody another's. id is the
// recommendation's, or that of a sending that went into it.
func (s *Service) TracksOf(ctx context.Context, id string) ([]Track, error) {
	r, err := s.one(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("tracks of %s: %w", id, err)
	}
	var out []Track
	for _, x := range r.Sendings {
		if x.knownTo(x.Sender) {
			out = append(out, Track{x.ownID(), r.ID, x.Sender, r.Person, x.Changed})
		}
	}
	return out, nil
}
