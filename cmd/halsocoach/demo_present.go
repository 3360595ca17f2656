package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"halsocoach"
	"halsocoach/admin/registers"
	"halsocoach/admin/settings"
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
	for _, t := range p.towns {
		if t.kommun.Code == "0684" {
			if err := t.everyState(ctx); err != nil {
				return fmt.Errorf("recommendations of the personas: %w", err)
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

// recommended: a nurse, now and then an association, sends the person on, or the
// person gets in touch on their own.
func (r *resident) recommended(ctx context.Context) error {
	way := r.lot.IntN(10)
	w := referral.Wish{Name: r.name, Phone: madeUpPhone(r.n), Centre: r.kommun.Code, Kommun: r.kommun.Code, Consent: true,
		Topics: []halsocoach.Topic{halsocoach.Topics[r.lot.IntN(len(halsocoach.Topics))]}}
	if extra := halsocoach.Topics[r.lot.IntN(len(halsocoach.Topics))]; extra != w.Topics[0] {
		w.Topics = append(w.Topics, extra)
	}
	if r.n%9 == 0 {
		w.Language, w.Interpreter = []string{"ar", "fi", "so", "uk"}[r.n/9%4], r.n%18 == 0
	}
	sender := r.nurse
	switch way {
	case 0, 1:
		sender = r.leader
	case 2:
		return r.comesAlone(ctx, w)
	}
	own, _, err := r.p.referral.Recommend(ctx, sender, r.key("recommended"), w)
	r.referral = own.ID
	return err
}

// comesAlone is a person who gets in touch on their own.
func (r *resident) comesAlone(ctx context.Context, w referral.Wish) error {
	person, err := r.p.seal.NewPerson(ctx)
	if err != nil {
		return err
	}
	own, _, err := r.p.referral.Contact(ctx, halsocoach.Actor{ID: person, Role: halsocoach.RoleCitizen, Name: r.name}, r.key("recommended"), w)
	r.referral = own.ID
	return err
}

// everyState gives the nurse and the leader who are personas recommendations in
// every state, and their coach people who came on their own or want a call.
func (t *town) everyState(ctx context.Context) error {
	for i, sender := range []halsocoach.Actor{t.nurse, t.leader} {
		for j, after := range t.afterwards(ctx, sender) {
			r := &resident{town: t, n: t.p.size.people + 400 + i*20 + j, lot: rand.New(rand.NewPCG(9, uint64(i*20+j)))}
			r.name = madeUpName(r.n)
			own, _, err := t.p.referral.Recommend(ctx, sender, r.key("recommended"), referral.Wish{
				Name: r.name, Phone: madeUpPhone(r.n), Topics: halsocoach.Topics[j%3 : j%3+2], Centre: t.kommun.Code, Kommun: t.kommun.Code, Consent: true,
				Scope: referral.Scopes[j/4], Wants: "Jag vill komma i gång, men behöver sällskap.", Protected: i+j == 0,
			})
			if err != nil {
				return err
			}
			r.referral = own.ID
			if err := after(r); err != nil {
				return fmt.Errorf("%s, recommendation %d: %w", sender.Role, j, err)
			}
		}
	}
	return t.comeAlone(ctx)
}

// afterwards is what may become of a recommendation: it waits, is declined, sent
// on, called back, or taken in; and one who is taken in books a talk, has reached
// their goals, or was never meant.
func (t *town) afterwards(ctx context.Context, sender halsocoach.Actor) []func(*resident) error {
	decide := func(r *resident, ruling referral.Ruling) error {
		_, _, err := t.p.referral.Decide(ctx, t.coach, r.key("decided"), r.referral, ruling)
		return err
	}
	taken := func(r *resident) error {
		if err := decide(r, referral.Ruling{Decision: string(referral.Accept)}); err != nil {
			return err
		}
		return r.enrolled(ctx)
	}
	return []func(*resident) error{
		func(*resident) error { return nil },
		taken,
		func(r *resident) error {
			return decide(r, referral.Ruling{Decision: string(referral.Decline), Reason: string(referral.NoContact)})
		},
		func(r *resident) error {
			return decide(r, referral.Ruling{Decision: string(referral.Forward), Centre: "0685"})
		},
		func(r *resident) error { _, err := t.p.referral.Withdraw(ctx, sender, r.referral); return err },
		func(r *resident) error {
			if err := taken(r); err != nil {
				return err
			}
			_, err := t.p.referral.EnterInError(ctx, sender, r.referral)
			return err
		},
		func(r *resident) error {
			if err := taken(r); err != nil {
				return err
			}
			return t.p.citizen.End(ctx, t.coach, r.key("ended"), r.enrolment.ID, "goals_reached")
		},
		func(r *resident) error {
			if err := taken(r); err != nil {
				return err
			}
			return r.books(ctx, "first", coach.First, 3)
		},
	}
}

// comeAlone are those who wait in Sävsjö without having been sent: two who have
// signed in, and two who want a call.
func (t *town) comeAlone(ctx context.Context) error {
	for j := range 4 {
		r := &resident{town: t, n: t.p.size.people + 460 + j, lot: rand.New(rand.NewPCG(11, uint64(j)))}
		r.name = madeUpName(r.n)
		if j >= 2 {
			if err := t.p.referral.CallMe(ctx, r.key("called"), r.name, madeUpPhone(r.n), t.kommun.Code, ""); err != nil {
				return err
			}
			continue
		}
		err := r.comesAlone(ctx, referral.Wish{Name: r.name, Phone: madeUpPhone(r.n), Topics: halsocoach.Topics[j : j+2], Centre: t.kommun.Code,
			Kommun: t.kommun.Code, Wants: "Jag vill sova bättre och hitta någon att gå med."})
		if err != nil {
			return err
		}
	}
	return nil
}

// letTheCountyIn writes down that some centres are open to the whole county, and
// that one takes people in from afar.
func (d *demo) letTheCountyIn(ctx context.Context, first halsocoach.Day) error {
	who, behind := actorOf("region"), "Lokala styrgruppen "+string(first)+", § 4 (påhittat)"
	for _, code := range []string{"0680", "0685"} {
		w := settings.Wish{Kommun: code, Key: "oppet-for-lanet", Value: "ja", From: first, Decision: behind}
		if _, err := d.settings.Decide(ctx, who, halsocoach.Request{Key: "demo/open/" + code}, w); err != nil {
			return fmt.Errorf("open %s to the county: %w", code, err)
		}
	}
	w := registers.RemoteWish{On: true, From: first, Decision: behind}
	if _, err := d.registers.DecideRemote(ctx, who, halsocoach.Request{Key: "demo/remote"}, "0643", w); err != nil {
		return fmt.Errorf("from afar: %w", err)
	}
	return nil
}
