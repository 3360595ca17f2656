package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"halsocoach"
	"halsocoach/groups"
	"halsocoach/internal/holiday"
)

// The past is lived through day by day with the clock standing at two times of
// each day.

// hours are the times of a day, in minutes after midnight; it may be somewhat
// later.
var hours = [2]int{8*60 + 10, 17*60 + 45}

const (
	morning = iota
	evening
)

// deed is one thing that somebody does.
type deed func(ctx context.Context) error

// moment is a day and one of its hours.
type moment struct{ day, hour int }

// past is what is being lived through. People live side by side; what one
// person does in a moment follows in order.
type past struct {
	*Demo
	first, today halsocoach.Day
	days         int
	towns        []*town
	byCode       map[string]*town

	persons, names []string
}

// town is a kommun with its agenda.
type town struct {
	p                    *past
	kommun               halsocoach.Kommun
	pace                 pace
	coach, nurse, leader halsocoach.Actor // leader: of the association
	coaches              []halsocoach.Actor
	mu                   sync.Mutex
	agenda               map[moment]map[string][]deed // by who does it
	series               []groups.Series
	here                 []*resident
}

func newPast(d *Demo, first, today halsocoach.Day) *past {
	p := &past{Demo: d, first: first, today: today, days: first.Until(today), byCode: map[string]*town{}}
	for _, k := range halsocoach.Kommuner {
		t := &town{p: p, kommun: k, pace: paces[k.Code], coach: Coach(k.Code), agenda: map[moment]map[string][]deed{},
			nurse: ActorOf(nurseOf(k.Code)), leader: ActorOf(leaderOf(k.Code))}
		for n := range d.size.coaches(k.Code) {
			t.coaches = append(t.coaches, asActor(coachAt(k.Code, n)))
		}
		p.byCode[k.Code] = t
		p.towns = append(p.towns, t)
	}
	for n := range d.size.People {
		r := p.byCode[kommunOf(n+1).Code].comer(n + 1)
		r.comes(r.lot.IntN(p.days))
	}
	for i, t := range p.towns {
		for n := range t.pace.anew { // a centre that has just got a coach again
			t.comer(d.size.People + 100 + 20*i + n).comes(p.back(1 + 2*n))
		}
		for n := range 2 + i%2 { // who came last, in every inbox
			t.comer(d.size.People + 110 + 20*i + n).comes(p.back(n))
		}
	}
	return p
}

// on puts a deed on somebody's agenda. What lies after the last hour that has
// been is not done.
func (t *town) on(m moment, who string, d deed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.agenda[m] == nil {
		t.agenda[m] = map[string][]deed{}
	}
	t.agenda[m][who] = append(t.agenda[m][who], d)
}

// take gives what is to be done in a moment, and clears it.
func (t *town) take(m moment) map[string][]deed {
	t.mu.Lock()
	defer t.mu.Unlock()
	deeds := t.agenda[m]
	delete(t.agenda, m)
	return deeds
}

// sideBySide is how many people live at once; more waits only fill the commits.
const sideBySide = 64

// live goes through the days.
func (p *past) live(ctx context.Context) error {
	now := time.Now().Add(p.Clock.offset)
	wrote, done := func() {}, func() {}
	if p.size.People > Sizes["small"].People { // small ones are there at once
		wrote, done = p.Progress(p.days + 1)
	}
	defer done()
	for _, t := range p.towns {
		for _, id := range p.book.Programme[t.kommun.Code] {
			s, err := p.Groups.Series(ctx, t.coach, id)
			if err != nil {
				return err
			}
			t.series = append(t.series, s)
			t.lead(s)
		}
	}
	for day := 0; day <= p.days; day++ {
		for hour, minutes := range hours {
			at := p.first.Plus(day).At(minutes + (day*7+hour*13)%40)
			if at.After(now) {
				return nil
			}
			p.Clock.stand(at)
			var all errgroup.Group
			all.SetLimit(sideBySide)
			for _, t := range p.towns {
				for _, deeds := range t.take(moment{day, hour}) {
					all.Go(func() error {
						for _, do := range deeds {
							if err := do(ctx); err != nil {
								return fmt.Errorf("%s, %s: %w", t.kommun.Name, at.Format("2 January 15:04"), err)
							}
						}
						return nil
					})
				}
			}
			if err := all.Wait(); err != nil {
				return err
			}
		}
		wrote()
	}
	return nil
}

// day is the number of the day on which t falls.
func (p *past) day(t time.Time) int {
	return p.first.Until(halsocoach.DayOf(t))
}

// works says whether people work on a day.
func (p *past) works(day int) bool {
	d := p.first.Plus(day)
	at := d.At(12 * 60).Weekday()
	return at != time.Saturday && at != time.Sunday && holiday.Name(d) == ""
}

// working is the first day from a day on which people work, and so many such
// days later.
func (p *past) working(day, later int) int {
	for ; !p.works(day) || later > 0; day++ {
		if p.works(day) {
			later--
		}
	}
	return day
}

// back is so many working days before today.
func (p *past) back(n int) int {
	day := p.days
	for n > 0 {
		if day--; p.works(day) {
			n--
		}
	}
	return day
}

// after is the first of the day's hours that comes after t.
func after(t time.Time) int {
	minutes := t.In(halsocoach.Stockholm()).Hour()*60 + t.In(halsocoach.Stockholm()).Minute()
	for i, h := range hours {
		if h >= minutes {
			return i
		}
	}
	return len(hours) - 1
}

// lead puts the noting of attendance on the agenda for each date that is over.
func (t *town) lead(s groups.Series) {
	for _, o := range s.Dates {
		t.on(moment{t.p.day(o.Ends), evening}, o.ID, func(ctx context.Context) error {
			if t.p.Clock.Now().Before(o.Starts) {
				t.on(moment{t.p.day(o.Ends) + 1, morning}, o.ID, func(ctx context.Context) error { return t.attendance(ctx, o.ID) })
				return nil
			}
			return t.attendance(ctx, o.ID)
		})
	}
}

func (t *town) attendance(ctx context.Context, occasion string) error {
	r, err := t.p.Groups.Roster(ctx, t.coach, occasion)
	if err != nil {
		return err
	}
	marks := make([]groups.Mark, len(r.Places))
	for i, p := range r.Places {
		marks[i] = groups.Mark{Booking: p.Booking, Attendance: groups.Came}
		if i%6 == 5 {
			marks[i].Attendance = groups.Absent
		}
	}
	return t.p.Groups.Note(ctx, t.coach, occasion, marks)
}
