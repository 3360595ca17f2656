package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"halsocoach"
	"halsocoach/chat"
	"halsocoach/citizen"
	"halsocoach/coach"
	"halsocoach/groups"
	"halsocoach/referral"
)

// The past is lived through day by day with the clock standing at two times of
// each day; every deed goes through the same services as a person's would, so
// that the demo holds nothing that the program could not have made.

// hours are the times of a day, in minutes after midnight.
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
	*demo
	first, today halsocoach.Day
	days         int
	towns        []*town

	persons, names []string
}

// town is a kommun with its agenda.
type town struct {
	p                    *past
	kommun               halsocoach.Kommun
	coach, nurse, leader halsocoach.Actor // leader: of the association
	mu                   sync.Mutex
	agenda               map[moment]map[string][]deed // by who does it
	series               []groups.Series
	here                 []*resident
}

// resident is a made-up person.
type resident struct {
	*town
	n         int
	name      string
	referral  string
	who       halsocoach.Actor
	enrolment halsocoach.Enrolment
	lot       *rand.Rand
	said      int
}

func newPast(d *demo, first, today halsocoach.Day) *past {
	p := &past{demo: d, first: first, today: today}
	for day := first; day < today; day = day.Plus(1) {
		p.days++
	}
	byCode := map[string]*town{}
	for _, k := range halsocoach.Kommuner {
		t := &town{p: p, kommun: k, coach: coachActor(k.Code), agenda: map[moment]map[string][]deed{},
			nurse: actorOf(nurseOf(k.Code)), leader: actorOf(leaderOf(k.Code))}
		byCode[k.Code] = t
		p.towns = append(p.towns, t)
	}
	for n := range d.size.people {
		t := byCode[kommunOf(n+1).Code]
		r := &resident{town: t, n: n + 1, name: madeUpName(n + 1), lot: rand.New(rand.NewPCG(2021, uint64(n)))}
		t.here = append(t.here, r)
		// Most have come some time ago; the last days hold fewer.
		day := r.lot.IntN(max(p.days-12, 1))
		r.on(moment{day, morning}, r.recommended)
		r.on(moment{day + 1 + r.lot.IntN(3), morning}, r.taken)
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

func (r *resident) on(m moment, d deed) { r.town.on(m, r.name+strconv.Itoa(r.n), d) }

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
	now := time.Now().Add(p.clock.offset)
	bar := p.progress(p.days + 1)
	for _, t := range p.towns {
		for _, id := range p.book.Programme[t.kommun.Code] {
			s, err := p.groups.Series(ctx, t.coach, id)
			if err != nil {
				return err
			}
			t.series = append(t.series, s)
			t.lead(s)
		}
	}
	for day := 0; day <= p.days; day++ {
		for hour, minutes := range hours {
			at := p.first.Plus(day).At(minutes)
			if at.After(now) {
				return nil
			}
			p.clock.stand(at)
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
		_ = bar.Add(1)
	}
	return nil
}

// day is the number of the day on which t falls.
func (p *past) day(t time.Time) int {
	n := 0
	for d := p.first; d < halsocoach.DayOf(t); d = d.Plus(7) {
		n += 7
	}
	for p.first.Plus(n) > halsocoach.DayOf(t) {
		n--
	}
	return n
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

func (r *resident) key(what string) halsocoach.Request {
	return halsocoach.Request{Key: fmt.Sprintf("demo/%d/%s", r.n, what)}
}

// taken: the coach takes the person in, and they book their first talk.
func (r *resident) taken(ctx context.Context) error {
	if _, _, err := r.p.referral.Decide(ctx, r.coach, r.key("taken"), r.referral, referral.Ruling{Decision: string(referral.Accept)}); err != nil {
		return err
	}
	if err := r.enrolled(ctx); err != nil {
		return err
	}
	if r.lot.IntN(12) == 0 {
		return nil // has not got round to booking
	}
	return r.books(ctx, "first", coach.First, 1+r.lot.IntN(4))
}

// enrolled: what the event of the decision brings about, done at once.
func (r *resident) enrolled(ctx context.Context) error {
	a, err := r.p.referral.Accepted(ctx, r.referral)
	if err != nil {
		return err
	}
	e, err := r.p.citizen.Enrol(ctx, a)
	if err != nil {
		return err
	}
	r.enrolment = e.Shared()
	r.who = halsocoach.Actor{ID: e.Person, Role: halsocoach.RoleCitizen, Name: r.name}
	if err := r.p.chat.Open(ctx, halsocoach.System("demo"), r.enrolment); err != nil {
		return err
	}
	return r.says(ctx, r.coach, "Hej och välkommen! Jag heter "+r.staffName(ctx)+" och är din hälsocoach. Boka gärna en tid för ett första samtal när det passar dig.")
}

func (r *resident) staffName(ctx context.Context) string {
	m, err := r.p.auth.Member(ctx, r.coach.ID)
	if err != nil {
		return "din hälsocoach"
	}
	return m.Name
}

// books takes a free time some days ahead.
func (r *resident) books(ctx context.Context, what string, kind coach.Kind, ahead int) error {
	today := halsocoach.DayOf(r.p.clock.now())
	who := r.who
	if kind == coach.FollowUp {
		who = r.coach
	}
	free, err := r.p.coach.Free(ctx, who, coach.Asked{Centre: r.kommun.Code, From: today.Plus(ahead), To: today.Plus(ahead + 10), Limit: 12})
	if err != nil {
		return err
	}
	if len(free.Slots) == 0 {
		return nil
	}
	var b coach.Booked
	for try := range 4 { // others want the same times
		s := free.Slots[r.lot.IntN(len(free.Slots))]
		wish := coach.Wish{Coach: s.Coach, Starts: s.Starts, Form: s.Form}
		if kind == coach.FollowUp {
			wish.Enrolment, wish.Kind = r.enrolment.ID, kind
		}
		b, _, err = r.p.coach.Book(ctx, who, r.key(fmt.Sprintf("%s-%d", what, try)), wish)
		if halsocoach.KindOf(err) != halsocoach.KindConflict {
			break
		}
	}
	if halsocoach.KindOf(err) == halsocoach.KindConflict {
		return nil
	}
	if err != nil {
		return err
	}
	r.on(moment{r.p.day(b.Ends), after(b.Ends)}, func(ctx context.Context) error { return r.met(ctx, b.ID, kind) })
	return nil
}

// met: the talk was held, or the person did not come.
func (r *resident) met(ctx context.Context, talk string, kind coach.Kind) error {
	if r.lot.IntN(14) == 0 {
		if _, err := r.p.coach.Mark(ctx, r.coach, talk, coach.Missed); err != nil {
			return err
		}
		return r.says(ctx, r.coach, "Vi missade varandra i dag. Det gör inget, boka en ny tid när du vill.")
	}
	if _, err := r.p.coach.Mark(ctx, r.coach, talk, coach.Held); err != nil {
		return err
	}
	day := r.p.day(r.p.clock.now())
	if kind == coach.First {
		r.on(moment{day + 1, morning}, r.setsGoal)
		r.on(moment{day + 2 + r.lot.IntN(4), evening}, r.checksIn)
		r.on(moment{day + 8 + r.lot.IntN(5), evening}, r.checksIn)
		r.on(moment{day + 1 + r.lot.IntN(5), morning}, r.joinsGroup)
		for i := range r.p.size.messages / 2 {
			r.on(moment{day + 1 + i*(1+r.lot.IntN(6)), morning}, r.writes)
		}
	}
	if r.lot.IntN(3) > 0 {
		return r.books(ctx, fmt.Sprintf("followup-%d", day), coach.FollowUp, 9+r.lot.IntN(6))
	}
	return nil
}

// setsGoal writes down a goal with steps.
func (r *resident) setsGoal(ctx context.Context) error {
	g := madeUpGoals[r.lot.IntN(len(madeUpGoals))]
	_, _, err := r.p.citizen.SetGoal(ctx, r.who, r.key("goal"), g)
	return err
}

func (r *resident) checksIn(ctx context.Context) error {
	goals, _, err := r.p.citizen.Goals(ctx, r.who, "")
	if err != nil || len(goals) == 0 {
		return err
	}
	outcome := citizen.Outcomes[min(r.lot.IntN(4), 2)]
	_, _, err = r.p.citizen.CheckIn(ctx, r.who, r.key(fmt.Sprintf("checkin-%d", r.p.day(r.p.clock.now()))), goals[0].ID, citizen.CheckInWish{Step: 1, Outcome: outcome})
	return err
}

// writes: the person asks something, the coach answers the next day.
func (r *resident) writes(ctx context.Context) error {
	i := r.lot.IntN(len(madeUpTalk))
	if err := r.says(ctx, r.who, madeUpTalk[i][0]); err != nil {
		return err
	}
	r.on(moment{r.p.day(r.p.clock.now()) + 1, morning}, func(ctx context.Context) error { return r.says(ctx, r.coach, madeUpTalk[i][1]) })
	return nil
}

// says something in the person's conversation, having read what came before.
func (r *resident) says(ctx context.Context, who halsocoach.Actor, text string) error {
	r.said++
	key := r.key(fmt.Sprintf("said-%d", r.said)).ID(who, "say")
	said, err := r.p.chat.Say(ctx, who, chat.Wish{In: r.enrolment.ID, Key: key, Text: text})
	if err != nil || said.Seq == 1 {
		return err
	}
	return r.p.chat.MarkRead(ctx, who, r.enrolment.ID, said.Seq)
}

// joinsGroup books the coming dates of a group, up to three.
func (r *resident) joinsGroup(ctx context.Context) error {
	now := r.p.clock.now()
	s := r.series[r.lot.IntN(len(r.series))]
	booked := 0
	for _, o := range s.Dates {
		if booked == 3 || !o.Starts.After(now) || o.Starts.After(now.AddDate(0, 0, 24)) {
			continue
		}
		// The coming weeks keep room for those who try the demo.
		if r.p.day(o.Starts) > r.p.days+9 {
			continue
		}
		_, _, err := r.p.groups.Book(ctx, r.who, r.key("group-"+o.ID), o.ID, false)
		if err != nil && halsocoach.KindOf(err) != halsocoach.KindConflict {
			return err
		}
		booked++
	}
	return nil
}

// lead puts the noting of attendance on the agenda for each date that is over.
func (t *town) lead(s groups.Series) {
	for _, o := range s.Dates {
		t.on(moment{t.p.day(o.Ends), evening}, o.ID, func(ctx context.Context) error {
			if t.p.clock.now().Before(o.Starts) {
				t.on(moment{t.p.day(o.Ends) + 1, morning}, o.ID, func(ctx context.Context) error { return t.attendance(ctx, o.ID) })
				return nil
			}
			return t.attendance(ctx, o.ID)
		})
	}
}

func (t *town) attendance(ctx context.Context, occasion string) error {
	r, err := t.p.groups.Roster(ctx, t.coach, occasion)
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
	return t.p.groups.Note(ctx, t.coach, occasion, marks)
}
