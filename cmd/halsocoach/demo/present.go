package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/admin/registers"
	"halsocoach/admin/settings"
	"halsocoach/coach"
	"halsocoach/groups"
	"halsocoach/referral/record"
)

// present is where the personas stand when the demo begins: Anna on her way, Omar
// just taken in, and in Sävsjö's walking group one place left. Elsa is known to
// nobody.
func (p *past) present(ctx context.Context, anna, omar *resident) error {
	for _, over := range []bool{false, true} { // who has a contact still comes first
		for _, t := range p.towns {
			for _, r := range t.here {
				if r.who.ID != "" && r.over == over {
					p.persons, p.names = append(p.persons, r.who.ID), append(p.names, r.name)
				}
			}
		}
	}
	if err := anna.onTheWay(ctx); err != nil {
		return fmt.Errorf("anna: %w", err)
	}
	if err := p.oneLeft(ctx); err != nil {
		return fmt.Errorf("the walking group: %w", err)
	}
	_, err := p.note(ctx, func(b *book) { b.Anna, b.Omar = anna.who.ID, omar.who.ID })
	return err
}

// newcomer is a persona who was recommended and taken in some working days ago.
func (t *town) newcomer(name string, came, taken int) *resident {
	r := t.stranger(t.p.size.People+1000+len(name), name)
	r.coach = t.coach
	r.on(moment{t.p.back(came), morning}, func(ctx context.Context) error {
		return r.sentBy(ctx, t.nurse, record.NewReferral{
			Name: name, Phone: madeUpPhone(r.n), Topics: []halsocoach.Topic{"fysisk aktivitet", "sömn"}, Centre: t.kommun.Code, Consent: true,
		})
	})
	r.on(moment{t.p.back(taken), morning}, r.takenIn)
	return r
}

// onTheWay gives Anna a coming talk, two goals, a place in a group and a
// conversation in which she waits for an answer.
func (r *resident) onTheWay(ctx context.Context) error {
	if _, err := r.books(ctx, coach.First, 2); err != nil {
		return err
	}
	for i := range 2 {
		if _, _, err := r.p.Citizen.SetGoal(ctx, r.who, r.key(fmt.Sprintf("goal-%d", i)), madeUpGoals[i]); err != nil {
			return err
		}
	}
	if err := r.checksIn(ctx); err != nil {
		return err
	}
	for i, text := range []string{madeUpTalk[0][0], madeUpTalk[0][1], "Lättare än jag trodde. Ska prova en gång till i morgon."} {
		who := r.who
		if i == 1 {
			who = r.coach
		}
		if err := r.says(ctx, who, text); err != nil {
			return err
		}
	}
	for _, s := range r.series {
		if s.Activity.Topic == "sömn" {
			r.series = []groups.Series{s}
		}
	}
	return r.joinsGroup(ctx)
}

// oneLeft fills the next date of Sävsjö's walking group that is at least a day
// off, but for one place.
func (p *past) oneLeft(ctx context.Context) error {
	t, soon := p.byCode["0684"], p.Clock.Now().Add(24*time.Hour)
	s, err := p.Groups.Series(ctx, t.coach, p.book.Programme["0684"][0])
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.Dates, func(o groups.Brief) bool { return !o.Starts.Before(soon) })
	if i < 0 {
		return nil
	}
	o := s.Dates[i]
	for booked, n := o.Booked, 0; booked < o.Capacity-1 && n < len(t.here); n++ {
		r := t.here[n]
		if r.who.ID == "" || r.over {
			continue
		}
		_, fresh, err := p.Groups.Book(ctx, r.who, r.key("walk-"+o.ID), groups.BookRequest{Occasion: o.ID})
		if err != nil {
			return err
		}
		if fresh {
			booked++
		}
	}
	return nil
}

// letTheCountyIn writes down that some centres are open to the whole county, and
// that one takes people in from afar.
func (d *Demo) letTheCountyIn(ctx context.Context, first halsocoach.Day) error {
	who, behind := ActorOf("region"), "Lokala styrgruppen "+string(first)+", § 4 (påhittat)"
	for _, code := range []string{"0680", "0685"} {
		w := settings.NewDecision{Kommun: code, Key: "oppet-for-lanet", Value: "ja", From: first, Decision: behind}
		if _, err := d.Settings.Decide(ctx, who, halsocoach.Request{Key: "demo/open/" + code}, w); err != nil {
			return fmt.Errorf("open %s to the county: %w", code, err)
		}
	}
	w := registers.RemoteInput{On: true, From: first, Decision: behind}
	if _, err := d.Registers.DecideRemote(ctx, who, halsocoach.Request{Key: "demo/remote"}, "0643", w); err != nil {
		return fmt.Errorf("from afar: %w", err)
	}
	return nil
}
