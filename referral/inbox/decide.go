package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/referral/record"
)

// Decide is a coach's decision on a recommendation to their centre, and on those
// that stand together with it. Of many who decide at once exactly one wins; the
// others get a DecidedError that names who, before anything else in their ruling is
// judged. made is false for a repeat of the same request.
func (s *Service) Decide(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, id string, ruling Ruling) (item Item, made bool, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return Item{}, false, err
	}
	r, err := s.Records.Find(ctx, id)
	if err != nil {
		return Item{}, false, fmt.Errorf("decide %s: %w", id, err)
	}
	if !r.At(who) {
		return Item{}, false, halsocoach.ErrNotFound
	}
	all, err := s.Records.Settled(ctx, r)
	if err != nil {
		return Item{}, false, fmt.Errorf("decide %s: %w", id, err)
	}
	decision, digest := req.ID(who, "referrals/"+id+"/decision"), req.Digest(ruling)
	i := slices.IndexFunc(all, func(o record.Referral) bool { return o.ID == r.ID })
	if i < 0 { // it waits no longer
		return s.decidedBefore(ctx, who, r.ID, decision, digest)
	}
	d, err := s.rule(ctx, all, ruling)
	if err != nil {
		return Item{}, false, err
	}
	d.ID, d.Digest, d.By, d.At = decision, digest, who.ID, s.now().UTC()
	var first *record.Decision
	after, err := s.Records.Act(ctx, all, func(lead *record.Referral, _ time.Time) ([]halsocoach.Event, error) {
		if first = lead.Verdict(); first != nil && first.ID == d.ID && first.Digest == d.Digest {
			return nil, nil // the same request came first by another way
		}
		return lead.Decide(d)
	})
	if errors.Is(err, record.ErrDecided) && first != nil {
		return Item{}, false, s.notFirst(ctx, *first, d.ID)
	}
	if err != nil {
		return Item{}, false, err
	}
	item, err = s.sawItem(ctx, who, halsocoach.ActDecideReferral, r.ID, after)
	return item, first == nil, err
}

// decidedBefore answers a request about what waits no longer: the same as before if
// it was this request that decided, else who did.
func (s *Service) decidedBefore(ctx context.Context, who halsocoach.Actor, id, decision, digest string) (Item, bool, error) {
	r, err := s.Records.Get(ctx, id)
	if err != nil {
		return Item{}, false, err
	}
	v := r.Verdict()
	switch {
	case v == nil: // called back
		_, err := r.State.After(record.Accept, who.Role)
		return Item{}, false, err
	case v.ID != decision || v.Digest != digest:
		return Item{}, false, s.notFirst(ctx, *v, decision)
	}
	item, err := s.sawItem(ctx, who, halsocoach.ActReadReferral, id, []record.Referral{r})
	return item, false, err
}

// notFirst is the fault of a request when there is a decision already.
func (s *Service) notFirst(ctx context.Context, first record.Decision, request string) error {
	if first.ID == request {
		return halsocoach.ErrKeyReused
	}
	name, err := s.Records.Colleague(ctx, first.By)
	if err != nil {
		return err
	}
	return decided(first, name)
}

// rule judges the ruling, and that the other centre takes people in.
func (s *Service) rule(ctx context.Context, all []record.Referral, ruling Ruling) (record.Decision, error) {
	d, err := ruling.Validate(all[0].Centre)
	switch {
	case err != nil:
	case d.What == record.Forward:
		err = s.Records.TakesIn(ctx, "", d.To) // the coach and the person have talked it over
	case d.What == record.Accept && len(record.TopicsOf(all...)) == 0:
		err = halsocoach.Invalid(halsocoach.Field{Name: "decision", Text: "Fråga först personen vad hen vill ha stöd med, och skriv in det."})
	}
	return d, err
}

// sawItem is the row of what was acted on, known by id, logged as act.
func (s *Service) sawItem(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, id string, all []record.Referral) (Item, error) {
	if err := s.Records.Saw(ctx, who, act, all...); err != nil {
		return Item{}, err
	}
	if i := slices.IndexFunc(all, func(r record.Referral) bool { return r.ID == id }); i > 0 {
		all[0], all[i] = all[i], all[0]
	}
	one, err := s.Records.Persons.Of(ctx, all[0].Person)
	if err != nil {
		return Item{}, err
	}
	item := itemOf(all, one.Protected, s.now())
	if all[0].ShowsPerson(who, one.Protected) {
		names, err := s.Records.Seal.OpenMany(ctx, []seal.Box{all[0].NameBox()})
		if err != nil {
			return Item{}, fmt.Errorf("open name: %w", err)
		}
		item.Name = names[0]
	}
	return item, nil
}

// Ruling is what a coach asks to decide, as it was written.
type Ruling struct {
	Decision string
	Reason   string
	Centre   string
}

// Validate reads the ruling on a recommendation to centre. Whether the other centre
// exists is for the service.
func (r Ruling) Validate(centre string) (record.Decision, error) {
	d := record.Decision{What: record.Act(r.Decision)}
	switch {
	case !slices.Contains(record.Decisions, d.What):
		return d, halsocoach.Invalid(halsocoach.Field{Name: "decision", Text: "Välj om du tar emot, tackar nej eller skickar vidare."})
	case d.What == record.Decline:
		if d.Reason = record.Reason(r.Reason); !d.Reason.Known() {
			return d, halsocoach.Invalid(halsocoach.Field{Name: "reason", Text: "Välj varför ni tackar nej."})
		}
	case d.What == record.Forward:
		if d.To = r.Centre; d.To == "" {
			return d, halsocoach.Invalid(halsocoach.Field{Name: "centre", Text: "Välj vilket Hälsocenter rekommendationen ska till."})
		}
		if d.To == centre {
			return d, halsocoach.Invalid(halsocoach.Field{Name: "centre", Text: "Rekommendationen är redan hos det Hälsocentret. Välj ett annat."})
		}
	}
	return d, nil
}

// DecidedError is record.ErrDecided with what was decided, by whom and when, so that a
// page can say it in the reader's language.
type DecidedError struct {
	Name string // of the colleague
	What record.Act
	At   time.Time
	fail *halsocoach.Error
}

func decided(d record.Decision, name string) *DecidedError {
	return &DecidedError{Name: name, What: d.What, At: d.At, fail: &halsocoach.Error{
		Kind: record.ErrDecided.Kind, Code: record.ErrDecided.Code, Err: record.ErrDecided,
		Text: name + " " + verb(d.What) + " rekommendationen " + d.At.In(halsocoach.Stockholm()).Format("2006-01-02 15.04") + ".",
	}}
}

// verb says in a sentence what was decided.
func verb(a record.Act) string {
	switch a {
	case record.Accept:
		return "tog emot"
	case record.Decline:
		return "tackade nej till"
	}
	return "skickade vidare"
}

func (e *DecidedError) Error() string { return e.fail.Error() }
func (e *DecidedError) Unwrap() error { return e.fail }
