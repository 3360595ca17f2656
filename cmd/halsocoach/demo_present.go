package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/groups"
	"halsocoach/referral"
)

// present is where the personas stand when the demo begins: Anna some weeks on
// her way, Omar just taken in, in every inbox a few who wait, and in Sävsjö's
// walking group one place left. Elsa is known to nobody.
func (p *past) present(ctx context.Context) error {
	for _, t := range p.towns {
		for _, r := range t.here {
			if r.who.ID != "" {
				p.persons, p.names = append(p.persons, r.who.ID), append(p.names, r.name)
			}
		}
	}
	anna, err := p.newcomer(ctx, "0684", "Anna Lind")
	if err != nil {
		return fmt.Errorf("anna: %w", err)
	}
	if err := anna.onTheWay(ctx); err != nil {
		return fmt.Errorf("anna: %w", err)
	}
	omar, err := p.newcomer(ctx, "0680", "Omar Said")
	if err != nil {
		return fmt.Errorf("omar: %w", err)
	}
	for i, t := range p.towns {
		for n := range 2 + i%3 {
			r := &resident{town: t, n: p.size.people + 100 + i*10 + n, lot: rand.New(rand.NewPCG(7, uint64(i*10+n)))}
			r.name = madeUpName(r.n)
			if err := r.recommended(ctx); err != nil {
				return fmt.Errorf("who waits in %s: %w", t.kommun.Name, err)
			}
		}
	}
	if err := p.oneLeft(ctx); err != nil {
		return fmt.Errorf("the walking group: %w", err)
	}
	_, err = p.note(ctx, func(b *book) { b.Anna, b.Omar = anna.who.ID, omar.who.ID })
	return err
}

// newcomer is recommended and taken in today.
func (p *past) newcomer(ctx context.Context, kommun, name string) (*resident, error) {
	for _, t := range p.towns {
		if t.kommun.Code != kommun {
			continue
		}
		r := &resident{town: t, n: p.size.people + 1000 + len(name), name: name, lot: rand.New(rand.NewPCG(1, uint64(len(name))))}
		own, _, err := p.referral.Recommend(ctx, t.nurse, r.key("recommended"), referral.Wish{
			Name: name, Phone: madeUpPhone(r.n), Topics: []halsocoach.Topic{"fysisk aktivitet", "sömn"}, Centre: kommun, Consent: true,
		})
		if err != nil {
			return nil, err
		}
		r.referral = own.ID
		if _, _, err := p.referral.Decide(ctx, t.coach, r.key("taken"), r.referral, referral.Ruling{Decision: string(referral.Accept)}); err != nil {
			return nil, err
		}
		return r, r.enrolled(ctx)
	}
	return nil, errors.New("no such kommun: " + kommun)
}

// onTheWay gives Anna a coming talk, two goals, a place in a group and a
// conversation in which she waits for an answer.
func (r *resident) onTheWay(ctx context.Context) error {
	if err := r.books(ctx, "first", coach.First, 2); err != nil {
		return err
	}
	for i := range 2 {
		if _, _, err := r.p.citizen.SetGoal(ctx, r.who, r.key(fmt.Sprintf("goal-%d", i)), madeUpGoals[i]); err != nil {
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
	soon := p.clock.now().Add(24 * time.Hour)
	for _, t := range p.towns {
		if t.kommun.Code != "0684" {
			continue
		}
		s, err := p.groups.Series(ctx, t.coach, p.book.Programme["0684"][0])
		if err != nil {
			return err
		}
		for _, o := range s.Dates {
			if o.Starts.Before(soon) {
				continue
			}
			booked := o.Booked
			for _, r := range t.here {
				if booked >= o.Capacity-1 {
					return nil
				}
				if r.who.ID == "" {
					continue
				}
				_, fresh, err := p.groups.Book(ctx, r.who, r.key("walk-"+o.ID), o.ID, false)
				if err != nil {
					return err
				}
				if fresh {
					booked++
				}
			}
			return nil
		}
	}
	return nil
}
