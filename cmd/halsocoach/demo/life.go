package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"halsocoach"
	"halsocoach/chat"
	"halsocoach/citizen"
	"halsocoach/coach"
	"halsocoach/groups"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

// resident is a made-up person.
type resident struct {
	*town
	n         int
	name      string
	sender    halsocoach.Actor // "" = came on their own
	coach     halsocoach.Actor
	referral  string
	who       halsocoach.Actor
	enrolment halsocoach.Enrolment
	lot       *rand.Rand
	said      int
	missed    int
	over      bool // the contact has ended
}

// comer is the n-th made-up person, who comes to the town's centre.
func (t *town) comer(n int) *resident {
	r := t.stranger(n, madeUpName(n))
	t.here = append(t.here, r)
	return r
}

// stranger is somebody who is not one of those that one can be by number.
func (t *town) stranger(n int, name string) *resident {
	return &resident{town: t, n: n, name: name, coach: t.coaches[n/3%len(t.coaches)], lot: rand.New(rand.NewPCG(2021, uint64(n)))}
}

// on puts a deed on the person's agenda, for as long as the contact lasts.
func (r *resident) on(m moment, d deed) {
	r.town.on(m, r.name+strconv.Itoa(r.n), func(ctx context.Context) error {
		if r.over {
			return nil
		}
		return d(ctx)
	})
}

// soon puts a deed on the agenda of the first working day so many days ahead.
func (r *resident) soon(days int, d deed) {
	r.on(moment{r.p.working(r.p.day(r.p.Clock.Now())+days, 0), morning}, d)
}

func (r *resident) key(what string) halsocoach.Request {
	return halsocoach.Request{Key: fmt.Sprintf("demo/%d/%s", r.n, what)}
}

// delays are after how many working days a coach decides: mostly within the
// promise of a week.
var delays = [...]int{0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 8}

// comes puts on the agenda that the person is recommended around a day, and what
// becomes of it. Of those who came last nothing has become yet.
func (r *resident) comes(day int) {
	came := r.p.working(day, 0)
	r.on(moment{came, morning}, r.recommended)
	decided := r.p.working(came, delays[r.lot.IntN(len(delays))]+r.pace.anew/3)
	if decided == came {
		r.on(moment{came, evening}, r.taken)
		return
	}
	if decided >= r.p.days {
		r.on(moment{r.p.working(came, 1), morning}, r.looked)
	}
	become := r.taken
	switch lot := r.lot.IntN(100); {
	case lot < 8:
		become = r.declined
	case lot < 11:
		become = r.calledBack
	case lot < 16 && decided > r.p.days-8: // what is sent on waits there
		become = r.sentOn
	}
	r.on(moment{decided, morning}, become)
}

// looked: a coach takes it to decide later, or tries to reach the person, or has
// not got round to it.
func (r *resident) looked(ctx context.Context) error {
	switch r.lot.IntN(4) {
	case 0:
		return r.cared(r.coach, record.Take, "")(ctx)
	case 1:
		return r.tried(r.coach, record.ByPhone, record.NotReached, "")(ctx)
	}
	return nil
}

// cared: who takes care of it; had is the staff id of who did before.
func (r *resident) cared(by halsocoach.Actor, act record.Act, had string) deed {
	return func(ctx context.Context) error {
		return r.p.Inbox.TakeCare(ctx, by, r.referral, inbox.Care{Act: act, From: had})
	}
}

// tried: a coach tries to reach the person.
func (r *resident) tried(by halsocoach.Actor, how record.Way, went record.Result, note string) deed {
	return func(ctx context.Context) error {
		reach := inbox.Reach{How: string(how), Went: string(went), Note: note}
		return r.p.Inbox.Note(ctx, by, r.key("tried-"+strconv.Itoa(r.p.day(r.p.Clock.Now()))), r.referral, reach)
	}
}

// decided: the coach's decision.
func (r *resident) decided(ruling inbox.Ruling) deed {
	return func(ctx context.Context) error {
		_, _, err := r.p.Inbox.Decide(ctx, r.coach, r.key("decided"), r.referral, ruling)
		return err
	}
}

func (r *resident) declined(ctx context.Context) error {
	why := record.Reasons[min(r.lot.IntN(8), r.lot.IntN(len(record.Reasons)))]
	return r.decided(inbox.Ruling{Decision: string(record.Decline), Reason: string(why)})(ctx)
}

// sentOn: to a centre that is nearer to the person's work.
func (r *resident) sentOn(ctx context.Context) error {
	to := "0680"
	if r.kommun.Code == to {
		to = "0643"
	}
	return r.decided(inbox.Ruling{Decision: string(record.Forward), Centre: to})(ctx)
}

// calledBack: the sender calls it back; who came on their own is declined, since
// they did not want it any more.
func (r *resident) calledBack(ctx context.Context) error {
	if r.sender.ID == "" {
		return r.decided(inbox.Ruling{Decision: string(record.Decline), Reason: string(record.NotWanted)})(ctx)
	}
	_, err := r.p.Sender.Withdraw(ctx, r.sender, r.referral)
	return err
}

// taken: the coach takes the person in, and they book their first talk, some when
// they are reminded and a few never.
func (r *resident) taken(ctx context.Context) error {
	if err := r.takenIn(ctx); err != nil {
		return err
	}
	switch r.lot.IntN(48) {
	case 0:
		r.soon(28, r.ends("own_wish"))
		return nil
	case 1, 2, 3:
		r.soon(6, r.booksFirst)
		return nil
	}
	return r.booksFirst(ctx)
}

// takenIn: the coach takes the person in, and what the event of the decision
// brings about is done at once.
func (r *resident) takenIn(ctx context.Context) error {
	if err := r.decided(inbox.Ruling{Decision: string(record.Accept)})(ctx); err != nil {
		return err
	}
	a, err := r.p.Records.Accepted(ctx, r.referral)
	if err != nil {
		return err
	}
	e, err := r.p.Citizen.Enrol(ctx, a)
	if err != nil {
		return err
	}
	r.enrolment = e.Shared()
	r.who = halsocoach.Actor{ID: e.Person, Role: halsocoach.RoleCitizen, Name: r.name}
	if err := r.p.Chat.Open(ctx, halsocoach.System("demo"), r.enrolment); err != nil {
		return err
	}
	return r.says(ctx, r.coach, "Hej och välkommen! Jag heter "+r.coach.Name+" och är din hälsocoach. Boka gärna en tid för ett första samtal när det passar dig.")
}

// booksFirst: the person books the first talk, as far ahead as people do here.
func (r *resident) booksFirst(ctx context.Context) error {
	b, err := r.books(ctx, coach.First, r.pace.ahead+r.lot.IntN(r.pace.ahead))
	return r.thenMeets(b, err, r.booksFirst)
}

// booksFollowUp: the coach books the next talk.
func (r *resident) booksFollowUp(ctx context.Context) error {
	b, err := r.books(ctx, coach.FollowUp, 9+r.lot.IntN(6))
	return r.thenMeets(b, err, r.booksFollowUp)
}

// thenMeets puts the talk on the agenda, or a new try when no time was free.
func (r *resident) thenMeets(b coach.Booked, err error, again deed) error {
	switch {
	case err != nil:
		return err
	case b.ID == "":
		r.soon(3, again)
	default:
		r.on(moment{r.p.day(b.Ends), after(b.Ends)}, func(ctx context.Context) error { return r.met(ctx, b) })
	}
	return nil
}

// books takes a free time some days ahead, with the person's own coach if one is
// free then. The talk has no id when none was.
func (r *resident) books(ctx context.Context, kind coach.Kind, ahead int) (b coach.Booked, err error) {
	today := halsocoach.DayOf(r.p.Clock.Now())
	who := r.who
	if kind == coach.FollowUp {
		who = r.coach
	}
	free, err := r.p.Coach.Free(ctx, who, coach.SlotQuery{Centre: r.kommun.Code, From: today.Plus(ahead), To: today.Plus(ahead + 10), Limit: 12 * len(r.coaches)})
	if err != nil {
		return b, err
	}
	slots := slices.DeleteFunc(slices.Clone(free.Slots), func(s coach.Slot) bool { return s.Coach != r.coach.ID })
	if len(slots) == 0 {
		slots = free.Slots
	}
	for try := range 4 { // others want the same times
		if len(slots) == 0 {
			return coach.Booked{}, nil
		}
		s := slots[r.lot.IntN(len(slots))]
		asked := coach.BookRequest{Coach: s.Coach, Starts: s.Starts, Form: s.Form}
		if kind == coach.FollowUp {
			asked.Enrolment, asked.Kind = r.enrolment.ID, kind
		}
		b, _, err = r.p.Coach.Book(ctx, who, r.key(fmt.Sprintf("%s-%s-%d", kind, today, try)), asked)
		if halsocoach.KindOf(err) != halsocoach.KindConflict {
			return b, err
		}
	}
	return coach.Booked{}, nil
}

// met: the talk was held, or the person did not come.
func (r *resident) met(ctx context.Context, b coach.Booked) error {
	if r.lot.IntN(14) == 0 {
		return r.stayedAway(ctx, b)
	}
	if _, err := r.p.Coach.Mark(ctx, ActorOf(b.Coach), b.ID, coach.Held); err != nil {
		return err
	}
	day := r.p.day(r.p.Clock.Now())
	if b.Kind == coach.First {
		r.on(moment{day + 1, morning}, r.setsGoal)
		r.on(moment{day + 2 + r.lot.IntN(4), evening}, r.checksIn)
		r.on(moment{day + 8 + r.lot.IntN(5), evening}, r.checksIn)
		r.on(moment{day + 1 + r.lot.IntN(5), morning}, r.joinsGroup)
		for i := range r.p.size.Messages / 2 {
			r.on(moment{day + 1 + i*(1+r.lot.IntN(3)), morning}, r.writes)
		}
		how := citizen.Classes[min(r.lot.IntN(len(citizen.Classes)), r.lot.IntN(len(citizen.Classes)))]
		r.soon(45+r.lot.IntN(90), r.ends(how))
	}
	if r.lot.IntN(2) == 0 {
		return r.booksFollowUp(ctx)
	}
	return nil
}

// stayedAway: most book a new time; who stays away twice is let go.
func (r *resident) stayedAway(ctx context.Context, b coach.Booked) error {
	if _, err := r.p.Coach.Mark(ctx, ActorOf(b.Coach), b.ID, coach.Missed); err != nil {
		return err
	}
	r.missed++
	switch {
	case b.Kind != coach.First:
	case r.missed > 1:
		r.soon(14, r.ends("no_contact"))
	default:
		r.soon(1+r.lot.IntN(4), r.booksFirst)
	}
	return r.says(ctx, r.coach, "Vi missade varandra i dag. Det gör inget, boka en ny tid när du vill.")
}

// ends: the coach ends the contact.
func (r *resident) ends(how citizen.Class) deed {
	return func(ctx context.Context) error {
		r.over = true
		return r.p.Citizen.End(ctx, r.coach, r.key("ended"), r.enrolment.ID, how)
	}
}

// setsGoal writes down a goal with steps.
func (r *resident) setsGoal(ctx context.Context) error {
	g := madeUpGoals[r.lot.IntN(len(madeUpGoals))]
	_, _, err := r.p.Citizen.SetGoal(ctx, r.who, r.key("goal"), g)
	return err
}

func (r *resident) checksIn(ctx context.Context) error {
	goals, _, err := r.p.Citizen.Goals(ctx, r.who, "")
	if err != nil || len(goals) == 0 {
		return err
	}
	outcome := citizen.Outcomes[min(r.lot.IntN(4), 2)]
	_, _, err = r.p.Citizen.CheckIn(ctx, r.who, r.key(fmt.Sprintf("checkin-%d", r.p.day(r.p.Clock.Now()))), goals[0].ID, citizen.CheckInInput{Step: 1, Outcome: outcome})
	return err
}

// writes: the person asks something, the coach answers the next working day.
func (r *resident) writes(ctx context.Context) error {
	i := r.lot.IntN(len(madeUpTalk))
	if err := r.says(ctx, r.who, madeUpTalk[i][0]); err != nil {
		return err
	}
	r.soon(1, func(ctx context.Context) error { return r.says(ctx, r.coach, madeUpTalk[i][1]) })
	return nil
}

// says something in the person's conversation, having read what came before.
func (r *resident) says(ctx context.Context, who halsocoach.Actor, text string) error {
	r.said++
	key := r.key(fmt.Sprintf("said-%d", r.said)).ID(who, "say")
	said, err := r.p.Chat.Say(ctx, who, chat.NewMessage{In: r.enrolment.ID, Key: key, Text: text})
	if err != nil || said.Seq == 1 {
		return err
	}
	return r.p.Chat.MarkRead(ctx, who, r.enrolment.ID, said.Seq)
}

// joinsGroup books the coming dates of a group, up to three.
func (r *resident) joinsGroup(ctx context.Context) error {
	now := r.p.Clock.Now()
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
		_, _, err := r.p.Groups.Book(ctx, r.who, r.key("group-"+o.ID), groups.BookRequest{Occasion: o.ID})
		if err != nil && halsocoach.KindOf(err) != halsocoach.KindConflict {
			return err
		}
		booked++
	}
	return nil
}

// recommended: a nurse, now and then an association, sends the person on, or the
// person gets in touch on their own.
func (r *resident) recommended(ctx context.Context) error {
	way := r.lot.IntN(10)
	w := record.NewReferral{Name: r.name, Phone: madeUpPhone(r.n), Centre: r.kommun.Code, Kommun: r.kommun.Code, Consent: true,
		Topics: []halsocoach.Topic{halsocoach.Topics[r.lot.IntN(len(halsocoach.Topics))]}}
	if extra := halsocoach.Topics[r.lot.IntN(len(halsocoach.Topics))]; extra != w.Topics[0] {
		w.Topics = append(w.Topics, extra)
	}
	if r.n%9 == 0 {
		w.Language, w.Interpreter = []string{"ar", "fi", "so", "uk"}[r.n/9%4], r.n%18 == 0
	}
	switch way {
	case 0, 1:
		return r.sentBy(ctx, r.leader, w)
	case 2:
		return r.comesAlone(ctx, w)
	}
	return r.sentBy(ctx, r.nurse, w)
}

// sentBy is a person whom somebody recommends.
func (r *resident) sentBy(ctx context.Context, sender halsocoach.Actor, w record.NewReferral) error {
	own, _, err := r.p.Sender.Recommend(ctx, sender, r.key("recommended"), w)
	r.sender, r.referral = sender, own.ID
	return err
}

// comesAlone is a person who gets in touch on their own.
func (r *resident) comesAlone(ctx context.Context, w record.NewReferral) error {
	person, err := r.p.Seal.NewPerson(ctx)
	if err != nil {
		return err
	}
	r.referral, _, err = r.p.Self.Contact(ctx, halsocoach.Actor{ID: person, Role: halsocoach.RoleCitizen, Name: r.name}, r.key("recommended"), w)
	return err
}
