package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/groups"
	"halsocoach/internal/store"
)

// Fill starts the service. The first time it writes the demo's past, and at each
// start what the programme lacks of the coming weeks.
func (d *Demo) Fill(ctx context.Context, s Services) error {
	d.Services, d.books = s, store.In[book](s.Store, bookKind)
	b, err := d.books.Get(ctx, bookID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err == nil && !b.Written {
		return errors.New("an earlier start was stopped while it wrote the past; delete the folder and start again")
	}
	d.know(b)
	if b.Written {
		if err := d.Start(ctx); err != nil {
			return err
		}
		return d.topUp(ctx)
	}
	empty, err := store.Empty(ctx, d.Store, d.Kinds)
	if err != nil {
		return err
	}
	if !empty {
		return errors.New("the store holds data that are not a demo's: give the demo a store of its own")
	}
	if _, err := d.note(ctx, func(b *book) { b.ID, b.Programme = bookID, map[string][]string{} }); err != nil {
		return err
	}
	today := halsocoach.DayOf(d.Clock.Now())
	first := coach.Monday(today.Plus(-d.size.Days))
	d.Clock.stand(first.At(7 * 60))
	defer d.Clock.run()
	if err := d.Start(ctx); err != nil {
		return err
	}
	if err := d.settle(ctx, first); err != nil {
		return err
	}
	if err := d.earlier(ctx, first); err != nil {
		return err
	}
	if err := d.publish(ctx, first, today); err != nil {
		return fmt.Errorf("publish the programme: %w", err)
	}
	p := newPast(d, first, today)
	p.byCode["0684"].scenes()
	anna, omar := p.byCode["0684"].newcomer("Anna Lind", 9, 7), p.byCode["0680"].newcomer("Omar Said", 3, 1)
	if err := p.live(ctx); err != nil {
		return fmt.Errorf("write the past: %w", err)
	}
	d.Clock.run()
	if err := p.present(ctx, anna, omar); err != nil {
		return fmt.Errorf("write the present: %w", err)
	}
	b, err = d.note(ctx, func(b *book) { b.Written, b.Persons, b.Names = true, p.persons, p.names })
	d.know(b)
	return err
}

func (d *Demo) know(b book) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.book = b
}

func (d *Demo) note(ctx context.Context, change func(*book)) (book, error) {
	b, err := d.books.Upsert(ctx, bookID, func(b *book) ([]halsocoach.Event, error) {
		change(b)
		return nil, nil
	})
	if err == nil {
		d.know(b)
	}
	return b, err
}

// settle writes the places, the units, the staff and their office hours.
func (d *Demo) settle(ctx context.Context, first halsocoach.Day) error {
	who := halsocoach.System("demo")
	var centres []halsocoach.Centre
	var units []halsocoach.Unit
	for i, k := range halsocoach.Kommuner {
		centres = append(centres, halsocoach.Centre{Code: k.Code, Kommun: k.Code, Name: "Hälsocenter " + k.Name, Address: "Exempelgatan 1, " + k.Name, Phone: madeUpPhone(i)})
		units = append(units,
			halsocoach.Unit{ID: "vardcentral-" + k.Code, Kind: "vårdcentral", Kommun: k.Code, Name: k.Name + " vårdcentral", Centre: k.Code},
			halsocoach.Unit{ID: "forening-" + k.Code, Kind: "förening", Kommun: k.Code, Name: k.Name + " friluftsförening", Centre: k.Code})
	}
	if err := d.Registers.Enter(ctx, centres, units); err != nil {
		return fmt.Errorf("write the centres and units: %w", err)
	}
	if err := d.letTheCountyIn(ctx, first); err != nil {
		return err
	}
	var all errgroup.Group
	for _, m := range d.size.colleagues() {
		all.Go(func() error {
			if _, err := d.Staff.Hire(ctx, who, m); err != nil {
				return fmt.Errorf("hire %s: %w", m.ID, err)
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	for _, m := range d.size.colleagues() {
		if m.Role != halsocoach.RoleCoach {
			continue
		}
		all.Go(func() error {
			week := officeHours()
			if d.size.Staff == 1 && m.ID == coachAt("0684", 1).ID {
				week = coach.Week{3: week[3]} // Thursdays
			}
			if err := d.Coach.SetWeek(ctx, asActor(m), first, week); err != nil {
				return fmt.Errorf("set the office hours of %s: %w", m.ID, err)
			}
			// A name that is kept free for examples (RFC 2606).
			if err := d.Coach.SetVideo(ctx, asActor(m), "https://video.example.org/halsocenter-"+m.Centre); err != nil {
				return fmt.Errorf("set the video room of %s: %w", m.ID, err)
			}
			return nil
		})
	}
	return all.Wait()
}

func officeHours() coach.Week {
	var w coach.Week
	for i := range 5 {
		w[i] = []coach.Hours{{From: 8 * 60, To: 12 * 60, Form: coach.OnSite}, {From: 13 * 60, To: 15 * 60, Form: coach.ByPhone}, {From: 15 * 60, To: 16*60 + 30, Form: coach.ByVideo}}
	}
	return w
}

// weeksAhead is how far the programme reaches: the coming four weeks and one
// more, so that they are whole until the next start.
const weeksAhead = 5

// publish makes the programme of every kommun from the first day until some
// weeks after today, or a year after the first: the next start carries it on.
func (d *Demo) publish(ctx context.Context, first, today halsocoach.Day) error {
	end := min(today.Plus(7*weeksAhead), first.Plus(365))
	ids := make([][]string, len(halsocoach.Kommuner))
	var all errgroup.Group
	for i, k := range halsocoach.Kommuner {
		all.Go(func() error {
			for n, w := range programme {
				if n >= 3 && (i+n)%2 == 0 && k.Code != "0684" && k.Code != "0680" {
					continue
				}
				// At most 60 dates at a time.
				to := min(end, first.Plus(7*50))
				a, _, err := d.Groups.Publish(ctx, Coach(k.Code), halsocoach.Request{Key: "demo/" + k.Code + "/" + w.title}, w.plan(k, first, to))
				if err != nil {
					return fmt.Errorf("%s in %s: %w", w.title, k.Name, err)
				}
				ids[i] = append(ids[i], a.ID)
				if to < end {
					if err := d.extend(ctx, k.Code, a, to.Plus(1), end); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	_, err := d.note(ctx, func(b *book) {
		b.Reaches = end
		for i, k := range halsocoach.Kommuner {
			b.Programme[k.Code] = ids[i]
		}
	})
	return err
}

// topUp carries the programme on when less than four weeks of it are left.
func (d *Demo) topUp(ctx context.Context) error {
	today := halsocoach.DayOf(d.Clock.Now())
	if d.book.Reaches >= today.Plus(29) {
		return nil
	}
	from := max(d.book.Reaches.Plus(1), today.Plus(1))
	end := today.Plus(7 * weeksAhead)
	var all errgroup.Group
	all.SetLimit(16)
	for code, ids := range d.book.Programme {
		for _, id := range ids {
			all.Go(func() error {
				s, err := d.Groups.Series(ctx, Coach(code), id)
				if err != nil {
					return err
				}
				return d.extend(ctx, code, s.Activity, from, end)
			})
		}
	}
	if err := all.Wait(); err != nil {
		return fmt.Errorf("carry the programme on: %w", err)
	}
	_, err := d.note(ctx, func(b *book) { b.Reaches = end })
	return err
}

// extend adds the weekly dates of an activity from one day to another.
func (d *Demo) extend(ctx context.Context, kommun string, a groups.Activity, from, to halsocoach.Day) error {
	for _, w := range programme {
		if w.title != a.Title {
			continue
		}
		dates := w.dates(from, to)
		if len(dates.Spans()) == 0 {
			return nil
		}
		_, _, err := d.Groups.AddDates(ctx, Coach(kommun), halsocoach.Request{Key: "demo/" + a.ID + "/" + string(from)}, a.ID, dates)
		if err != nil {
			return fmt.Errorf("dates of %s in %s: %w", a.Title, kommun, err)
		}
	}
	return nil
}

func (w weekly) plan(k halsocoach.Kommun, from, to halsocoach.Day) groups.Plan {
	return groups.Plan{
		Title: w.title, Description: w.description, Topic: w.topic, Form: groups.OnSite, Where: w.place + ", " + k.Name,
		Leader: coachOf(k.Code), Dates: w.dates(from, to),
	}
}

func (w weekly) dates(from, to halsocoach.Day) groups.Dates {
	return groups.Dates{Weekdays: []time.Weekday{time.Weekday(w.weekday)}, From: from, To: to, Start: w.from, Length: w.minutes, Places: w.places, SkipClashes: true}
}
