package groups

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
)

// Clash says that the leader is busy on some of the dates. It is an answer to
// mend; Spans are the dates, for the form to list.
type Clash struct {
	Spans []Span
}

func (c *Clash) Error() string { return fmt.Sprintf("the leader is busy on %d dates", len(c.Spans)) }

// Unwrap makes it KindInvalid.
func (c *Clash) Unwrap() error { return errClash }

var (
	errClash = halsocoach.Invalid(halsocoach.Field{Name: "skip", Text: "Ledaren är upptagen på något av datumen. Hoppa över dem eller välj en annan tid."})
	errAll   = halsocoach.Invalid(halsocoach.Field{Name: "weekdays", Text: "Ledaren är upptagen på alla datum. Välj en annan tid."})
	errThere = halsocoach.Invalid(halsocoach.Field{Name: "weekdays", Text: "Alla de här datumen finns redan."})
	errGone  = halsocoach.Invalid(halsocoach.Field{Name: "weekdays", Text: "Ledaren arbetar inte längre vid ditt Hälsocenter. Starta en ny grupp i stället."})
	errOther = halsocoach.Conflict("publishing", "Andra datum läggs till just nu. Försök igen om en liten stund.")
)

// keptPlans bounds how many plans an activity remembers.
const keptPlans = 50

// Publish starts an activity with its dates, at the coach's own centre. The
// leader's time is held for every date before any of it is shown; a clash is
// told with its dates (Clash), and then nothing has been published.
func (s *Service) Publish(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, p Plan) (a Activity, fresh bool, err error) {
	if err := s.coach(who); err != nil {
		return Activity{}, false, err
	}
	p.Title, p.Description, p.Where, p.LedBy = strings.TrimSpace(p.Title), strings.TrimSpace(p.Description), strings.TrimSpace(p.Where), strings.TrimSpace(p.LedBy)
	id, digest, now := req.ID(who, "activities"), req.Digest(p), s.clock()
	a, fresh, err = s.activities.InsertOnce(ctx, id, func(a Activity) bool { return a.Digest == digest }, func() (Activity, []halsocoach.Event, error) {
		if err := s.judge(ctx, who, now, p); err != nil {
			return Activity{}, nil, err
		}
		return p.activity(who, now, id, digest), nil, nil
	})
	if err != nil {
		return Activity{}, false, fmt.Errorf("publish activity %s: %w", id, err)
	}
	if a.Pending == nil {
		return a, false, nil
	}
	a, err = s.carryOut(ctx, a, p.Dates.SkipClashes)
	return a, fresh, err
}

func (s *Service) coach(who halsocoach.Actor) error {
	if err := halsocoach.Allow(who, halsocoach.RoleCoach); err != nil {
		return err
	}
	if who.Centre == "" {
		return halsocoach.ErrForbidden
	}
	return nil
}

// judge is check, and that the leader is a coach of the centre.
func (s *Service) judge(ctx context.Context, who halsocoach.Actor, now time.Time, p Plan) error {
	if err := p.check(now); err != nil || p.Leader == "" {
		return err
	}
	can, err := s.leads(ctx, who.Centre, p.Leader)
	if err == nil && !can {
		return halsocoach.Invalid(halsocoach.Field{Name: "leader", Text: "Välj en hälsocoach vid ditt Hälsocenter."})
	}
	return err
}

// leads says whether the coach works at the centre.
func (s *Service) leads(ctx context.Context, centre, coach string) (bool, error) {
	m, err := s.cfg.Staff.Member(ctx, coach)
	if halsocoach.KindOf(err) == halsocoach.KindNotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find leader %s: %w", coach, err)
	}
	return m.Role == halsocoach.RoleCoach && m.Centre == centre && !m.Ended, nil
}

func (p Plan) activity(who halsocoach.Actor, now time.Time, id, digest string) Activity {
	spans, left := p.Dates.days()
	a := Activity{
		ID: id, Digest: digest, Title: p.Title, Description: p.Description, Topic: p.Topic,
		Kommun: halsocoach.KommunOfCentre(who.Centre), Centre: who.Centre, Form: p.Form, Where: p.Where,
		Leader: p.Leader, Price: p.Price, By: who.ID, Made: now.UTC(),
		Pending: &Pending{ID: id, Digest: digest, At: now.UTC(), Places: p.Dates.Places, Spans: spans, Left: left},
	}
	if p.Leader == "" {
		a.LedBy = p.LedBy
	}
	return a
}

// AddDates adds dates to an activity of the coach's centre. Dates that it has
// already are left as they are.
func (s *Service) AddDates(ctx context.Context, who halsocoach.Actor, req halsocoach.Request, activity string, d Dates) (a Activity, fresh bool, err error) {
	a, err = s.managed(ctx, who, activity)
	if err != nil {
		return Activity{}, false, err
	}
	id, digest, now := req.ID(who, "dates/"+activity), req.Digest(d), s.clock()
	had, known := a.plan(id)
	switch {
	case known && had != digest:
		return Activity{}, false, halsocoach.ErrKeyReused
	case known && a.Pending == nil:
		return a, false, nil
	case !known:
		spans, err := s.fresh(ctx, a, d, now)
		if err != nil {
			return Activity{}, false, err
		}
		a, err = s.activities.Update(ctx, activity, func(a *Activity) ([]halsocoach.Event, error) {
			if _, known := a.plan(id); known {
				return nil, nil
			}
			if a.Pending != nil {
				return nil, errOther
			}
			fresh = true
			_, left := d.days()
			a.Pending = &Pending{ID: id, Digest: digest, At: now.UTC(), Places: d.Places, Spans: spans, Left: left}
			return nil, nil
		})
		if err != nil {
			return Activity{}, false, fmt.Errorf("add dates to %s: %w", activity, err)
		}
	}
	if a.Pending == nil {
		return a, false, nil
	}
	a, err = s.carryOut(ctx, a, d.SkipClashes)
	return a, fresh, err
}

// fresh are the dates of the series that the activity does not have.
func (s *Service) fresh(ctx context.Context, a Activity, d Dates, now time.Time) ([]Span, error) {
	if err := halsocoach.Invalid(d.check(now)...); err != nil {
		return nil, err
	}
	if a.LedByCoach() {
		if can, err := s.leads(ctx, a.Centre, a.Leader); err != nil {
			return nil, err
		} else if !can {
			return nil, errGone
		}
	}
	spans := d.Spans()
	ids := make([]string, len(spans))
	for i, sp := range spans {
		ids[i] = occasionID(a.ID, sp.Starts)
	}
	there, err := s.occasions.Many(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("find dates of %s: %w", a.ID, err)
	}
	spans = slices.DeleteFunc(spans, func(sp Span) bool {
		return slices.ContainsFunc(there, func(o Occasion) bool { return o.Starts.Equal(sp.Starts) })
	})
	if len(spans) == 0 {
		return nil, errThere
	}
	return spans, nil
}

// carryOut does what a.Pending says, from wherever it stopped. It may be
// repeated, also by two at once.
func (s *Service) carryOut(ctx context.Context, a Activity, skip bool) (Activity, error) {
	if !a.Pending.Held {
		held, clashes, err := s.hold(ctx, a)
		if err != nil {
			return Activity{}, err
		}
		if len(clashes) > 0 && (!skip || len(held) == 0) {
			if err := s.takeBack(ctx, a); err != nil {
				return Activity{}, err
			}
			if skip {
				return Activity{}, errAll
			}
			return Activity{}, &Clash{clashes}
		}
		plan := a.Pending.ID
		a, err = s.activities.Update(ctx, a.ID, func(a *Activity) ([]halsocoach.Event, error) {
			if a.Pending != nil && a.Pending.ID == plan && !a.Pending.Held {
				a.Published, a.Pending.Held, a.Pending.Spans = true, true, held
				a.Pending.leave(clashes)
			}
			return nil, nil
		})
		if err != nil {
			return Activity{}, fmt.Errorf("publish activity %s: %w", a.ID, err)
		}
		if a.Pending == nil {
			return a, nil // another who carried out the same was first
		}
	}
	return s.write(ctx, a)
}

// leave notes the dates on which the leader was busy among those left out.
func (p *Pending) leave(clashes []Span) {
	for _, sp := range clashes {
		p.Left = append(p.Left, Left{Starts: sp.Starts})
	}
	slices.SortFunc(p.Left, func(a, b Left) int { return a.Starts.Compare(b.Starts) })
}

// hold holds the leader's time for the dates; those that are taken are clashes.
func (s *Service) hold(ctx context.Context, a Activity) (held, clashes []Span, err error) {
	if !a.LedByCoach() {
		return a.Pending.Spans, nil, nil
	}
	for _, sp := range a.Pending.Spans {
		id := occasionID(a.ID, sp.Starts)
		err := s.cfg.Calendar.HoldSpan(ctx, a.Leader, halsocoach.Appointment{ID: id, What: "group", Title: a.Title, Path: occasionPath(id), Starts: sp.Starts, Ends: sp.Ends})
		switch {
		case err == nil:
			held = append(held, sp)
		case halsocoach.KindOf(err) == halsocoach.KindConflict:
			clashes = append(clashes, sp)
		default:
			return nil, nil, fmt.Errorf("hold time of %s: %w", a.Leader, err)
		}
	}
	return held, clashes, nil
}

// takeBack frees the time and forgets the plan, and the activity too if this
// was to be its start.
func (s *Service) takeBack(ctx context.Context, a Activity) error {
	for _, sp := range a.Pending.Spans {
		if !a.LedByCoach() {
			break
		}
		if err := s.cfg.Calendar.FreeSpan(ctx, a.Leader, occasionID(a.ID, sp.Starts), sp.Starts); err != nil {
			return fmt.Errorf("free time of %s: %w", a.Leader, err)
		}
	}
	var err error
	if !a.Published {
		err = s.activities.Delete(ctx, a.ID, func(now Activity) ([]halsocoach.Event, error) {
			if now.Published {
				return nil, errOther
			}
			return nil, nil
		})
	} else {
		plan := a.Pending.ID
		_, err = s.activities.Update(ctx, a.ID, func(a *Activity) ([]halsocoach.Event, error) {
			if a.Pending != nil && a.Pending.ID == plan && !a.Pending.Held {
				a.Pending = nil
			}
			return nil, nil
		})
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("take back the plan of %s: %w", a.ID, err)
	}
	return nil
}

// write makes the occasions of a plan whose time is held, and marks it done.
func (s *Service) write(ctx context.Context, a Activity) (Activity, error) {
	plan := *a.Pending
	ownFirst, err := s.ownFirst(ctx, a, plan.At)
	if err != nil {
		return Activity{}, err
	}
	var made []Brief
	for _, sp := range plan.Spans {
		o := a.Occasion(plan.At, sp, plan.Places, ownFirst)
		o.Rev = 1
		err := s.occasions.Insert(ctx, o.ID, o, halsocoach.Happened(EventPublished, s.clock(), o.Kommun, o.ID, nil))
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return Activity{}, fmt.Errorf("publish occasion %s: %w", o.ID, err)
		}
		made = append(made, o.Brief())
	}
	a, err = s.activities.Update(ctx, a.ID, func(a *Activity) ([]halsocoach.Event, error) {
		if a.Pending == nil || a.Pending.ID != plan.ID {
			return nil, nil
		}
		a.Pending, a.Left = nil, plan.Left
		a.Done = append(a.Done, Done{plan.ID, plan.Digest})
		if n := len(a.Done); n > keptPlans {
			a.Done = slices.Clone(a.Done[n-keptPlans:])
		}
		return nil, nil
	})
	if err != nil {
		return Activity{}, fmt.Errorf("publish activity %s: %w", plan.ID, err)
	}
	s.programme.put([]offer{{a, s.leader(ctx, a)}}, made...)
	for _, b := range made {
		s.announce(b)
	}
	return a, nil
}

// ownFirst is until when only the kommun's own residents may book what was
// published at a time: the kommun's setting.
func (s *Service) ownFirst(ctx context.Context, a Activity, at time.Time) (time.Time, error) {
	terms, err := s.cfg.Settings.Terms(ctx, a.Kommun, a.Centre, halsocoach.DayOf(at))
	if err != nil {
		return time.Time{}, fmt.Errorf("read terms of %s: %w", a.Centre, err)
	}
	if terms.OwnResidentsFirst <= 0 {
		return time.Time{}, nil
	}
	return halsocoach.DayOf(at).Plus(terms.OwnResidentsFirst).Start(), nil
}

// managed is the activity for a coach of its centre; for others it is not there.
func (s *Service) managed(ctx context.Context, who halsocoach.Actor, id string) (Activity, error) {
	if err := s.coach(who); err != nil {
		return Activity{}, err
	}
	a, err := s.activities.Get(ctx, id)
	if err != nil {
		return Activity{}, fmt.Errorf("find activity %s: %w", id, err)
	}
	if !a.ManagedBy(who) {
		return Activity{}, halsocoach.ErrNotFound
	}
	return a, nil
}
