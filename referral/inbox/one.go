package inbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/referral/record"
)

// Words are what one sender said, with the names of who and where.
type Words struct {
	record.Words
	Sender, Unit string // Sender is "" for the person's own contact
}

// Try is an attempt to reach the person as a coach sees it.
type Try struct {
	record.Attempt
	Name, Text string // of the coach; the note, opened
}

// Leg is a centre at which the recommendation has been before it was forwarded
// hither.
type Leg struct {
	Centre, By   string // names
	Received, At time.Time
	Attempts     []record.Attempt
}

// View is one recommendation as its page shows it, with those that stand together
// with it.
type View struct {
	Item
	Doc        record.Referral
	All        []record.Referral // Doc first
	Person     person.Identity
	Words      []Words
	Shown      bool // whether name, contact and note are shown
	Decision   *record.Decision
	By         string // name of the one who decided
	ToName     string // name of the centre it was forwarded to
	Holder     string // name of the coach who has it
	Tries      []Try
	Legs       []Leg // the latest first
	Colleagues []halsocoach.StaffMember
	Alike      int  // how many here may be the same person
	Joined     bool // the coach may part the person's ids
	// Coming are the talks ahead of the person whom the coach has taken in.
	Coming []halsocoach.Appointment
}

// Open is one recommendation with what has been done about it.
func (s *Service) Open(ctx context.Context, who halsocoach.Actor, id string) (View, error) {
	v, err := s.read(ctx, who, id)
	if err != nil {
		return View{}, err
	}
	if v.TakenBy != "" {
		if v.Holder, err = s.Records.Colleague(ctx, v.TakenBy); err != nil {
			return View{}, err
		}
	}
	if v.Tries, err = s.tries(ctx, v); err != nil {
		return View{}, err
	}
	for _, r := range v.All {
		legs, err := s.legs(ctx, r)
		if err != nil {
			return View{}, err
		}
		v.Legs = append(v.Legs, legs...)
	}
	if v.Coming, err = s.coming(ctx, who, v); err != nil {
		return View{}, err
	}
	joins, _, err := s.joins(ctx, who, v.Person)
	if err != nil {
		return View{}, err
	}
	v.Joined = v.Shown && len(joins) > 0
	if v.Colleagues, err = s.colleagues(ctx, v.Centre); err != nil || !v.Shown || !v.State.Open() {
		return v, err
	}
	alike, err := s.matches(ctx, who, v.Doc, v.Person)
	v.Alike = len(alike)
	return v, err
}

// read is one recommendation with what the senders have said.
func (s *Service) read(ctx context.Context, who halsocoach.Actor, id string) (View, error) {
	r, one, err := s.of(ctx, who, id)
	if err != nil {
		return View{}, err
	}
	all, err := s.Records.Together(ctx, r)
	if err != nil {
		return View{}, err
	}
	all = append([]record.Referral{r}, slices.DeleteFunc(all, func(o record.Referral) bool { return o.ID == r.ID })...)
	if !r.State.Open() {
		all = all[:1]
	}
	if err := s.Records.Saw(ctx, who, halsocoach.ActReadReferral, all...); err != nil {
		return View{}, err
	}
	v := View{Doc: r, All: all, Person: one, Item: itemOf(all, one.Protected, s.now()), Decision: r.Verdict()}
	v.Shown = slices.ContainsFunc(all, func(o record.Referral) bool { return o.ShowsPerson(who, one.Protected) })
	if v.Words, err = s.words(ctx, v); err != nil {
		return View{}, err
	}
	for _, w := range v.Words {
		if w.Name != "" {
			v.Name = w.Name
		}
	}
	if v.Decision == nil {
		return v, nil
	}
	if v.By, err = s.Records.Colleague(ctx, v.Decision.By); err != nil || v.Decision.To == "" {
		return v, err
	}
	v.ToName, err = s.Records.CentreName(ctx, v.Decision.To)
	return v, err
}

// words are what the senders have said, without what is not shown.
func (s *Service) words(ctx context.Context, v View) ([]Words, error) {
	said, err := s.Records.Open(ctx, v.All...)
	if err != nil {
		return nil, err
	}
	out := make([]Words, len(said))
	for i, w := range said {
		if !v.Shown || w.From.Gone != nil {
			w = record.Words{From: w.From}
		}
		out[i].Words = w
		if w.From.Source != halsocoach.FromSelf {
			if out[i].Sender, err = s.Records.Colleague(ctx, w.From.Sender); err != nil {
				return nil, err
			}
		}
		if out[i].Unit, err = s.Records.UnitName(ctx, w.From.Unit); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tries are the attempts on all that stand together, by time, each once, with names
// and notes.
func (s *Service) tries(ctx context.Context, v View) ([]Try, error) {
	var out []Try
	var boxes []seal.Box
	for _, r := range v.All {
		for _, a := range r.Attempts {
			box := seal.Box{Person: r.Person, Purpose: record.PurposeAttempt, Sealed: a.Note}
			if !v.Shown {
				box = seal.Box{}
			}
			if i := slices.IndexFunc(out, func(t Try) bool { return t.ID == a.ID }); i >= 0 {
				if len(box.Sealed) > 0 {
					boxes[i] = box
				}
				continue
			}
			name, err := s.Records.Colleague(ctx, a.By)
			if err != nil {
				return nil, err
			}
			out, boxes = append(out, Try{Attempt: a, Name: name}), append(boxes, box)
		}
	}
	texts, err := s.Records.Seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open notes of %s: %w", v.ID, err)
	}
	for i := range out {
		out[i].Text = texts[i]
	}
	slices.SortStableFunc(out, func(a, b Try) int { return a.At.Compare(b.At) })
	return out, nil
}

// legsShown bounds how far back the way of a recommendation is told.
const legsShown = 5

// legs are the centres that a recommendation has been at before.
func (s *Service) legs(ctx context.Context, r record.Referral) ([]Leg, error) {
	var out []Leg
	for from := r.From; from != "" && len(out) < legsShown; {
		old, err := s.Records.Get(ctx, from)
		if halsocoach.KindOf(err) == halsocoach.KindNotFound || err == nil && old.State != record.Forwarded {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		leg := Leg{Received: old.Received, Attempts: old.Attempts}
		if leg.Centre, err = s.Records.CentreName(ctx, old.Centre); err != nil {
			return nil, err
		}
		if v := old.Verdict(); v != nil {
			leg.At = v.At
			if leg.By, err = s.Records.Colleague(ctx, v.By); err != nil {
				return nil, err
			}
		}
		out, from = append(out, leg), old.From
	}
	return out, nil
}
