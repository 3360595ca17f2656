package demo

import (
	"context"
	"strconv"

	"halsocoach"
	"halsocoach/coach"
	"halsocoach/referral/inbox"
	"halsocoach/referral/record"
)

// scene is a recommendation to Sävsjö that is led into one of the states that a
// coach or a sender can meet. Days are working days back from today.
type scene struct{ *resident }

// at puts a deed on a day.
func (s scene) at(back int, d deed) scene {
	s.on(moment{s.p.back(back), morning}, d)
	return s
}

// stage makes scenes, each of a person of its own.
type stage struct {
	*town
	n int
}

func (g *stage) somebody() scene {
	g.n++
	n := g.p.size.People + 400 + g.n
	return scene{g.stranger(n, madeUpName(n))}
}

// sent is a recommendation that came on a day, with what is special about it.
func (g *stage) sent(by halsocoach.Actor, back int, special func(*record.NewReferral)) scene {
	s := g.somebody()
	s.coach = g.coach
	w := record.NewReferral{Name: s.name, Phone: madeUpPhone(s.n), Topics: halsocoach.Topics[g.n%4 : g.n%4+2], Centre: g.kommun.Code, Kommun: g.kommun.Code,
		Consent: true, Scope: record.ScopeState, Wants: "Jag vill komma i gång, men behöver sällskap."}
	if special != nil {
		special(&w)
	}
	return s.at(back, func(ctx context.Context) error { return s.sentBy(ctx, by, w) })
}

// scenes puts them all on the agenda.
func (t *town) scenes() {
	g := &stage{town: t}
	g.undecided()
	g.special()
	for _, sender := range []halsocoach.Actor{t.nurse, t.leader} {
		g.decided(sender)
		g.talks(sender)
	}
	g.comeAlone()
}

// undecided are those that nobody has taken, long or less long past the promise;
// taken, by Maria and by a colleague; resting, since the person wants to wait; and
// those whom somebody has tried to reach, at last so often that a letter is due.
func (g *stage) undecided() {
	maria, nils := g.coach, asActor(coachAt(g.kommun.Code, 1))
	g.sent(g.nurse, 8, nil)
	g.sent(g.leader, 13, nil)

	s := g.sent(g.nurse, 3, nil)
	s.at(2, s.cared(maria, record.Take, ""))
	s = g.sent(g.leader, 4, nil)
	s.at(3, s.cared(nils, record.Take, ""))

	s = g.sent(g.nurse, 9, nil)
	s.at(8, s.tried(maria, record.ByPhone, record.Reached, "Vill börja när skolan har lov. Hör av sig då.")).at(8, s.cared(maria, record.Hold, maria.ID))
	s = g.sent(g.leader, 7, nil)
	s.at(5, s.tried(nils, record.ByPhone, record.Reached, "Väntar på besked om sitt schema.")).at(5, s.cared(nils, record.Hold, nils.ID))

	s = g.sent(g.nurse, 4, nil)
	s.at(2, s.tried(maria, record.ByPhone, record.NotReached, ""))
	s = g.sent(g.leader, 6, nil)
	s.at(5, s.tried(maria, record.ByPhone, record.NotReached, "")).at(3, s.tried(maria, record.BySMS, record.NotReached, ""))
	s = g.sent(g.nurse, 9, nil)
	s.at(7, s.tried(maria, record.ByPhone, record.NotReached, "")).at(5, s.tried(maria, record.BySMS, record.NotReached, "")).
		at(2, s.tried(maria, record.ByPhone, record.NotReached, "Telefonsvarare, lämnade inget meddelande."))
	s = g.sent(g.leader, 5, nil)
	s.at(3, s.tried(maria, record.ByPhone, record.AskedBack, "Ring efter klockan 15."))
}

// coordination is a published example of a samordningsnummer (SKVM 2010:3).
const coordination = "701063-2391"

// special are one with protected identity, one in another language, one whom two
// have sent, one who is likely to be the same but came without a number, and one
// that came from another centre after attempts there.
func (g *stage) special() {
	g.sent(g.nurse, 1, func(w *record.NewReferral) { w.Protected, w.Wants = true, "" })
	g.sent(g.nurse, 2, func(w *record.NewReferral) { w.Language, w.Interpreter, w.Wants = "ar", true, "" })

	from := g.p.byCode["0685"]
	josef := func(number string) func(*record.NewReferral) {
		return func(w *record.NewReferral) { w.Name, w.Phone, w.Personnummer = "Josef Wall", madeUpPhone(12), number }
	}
	g.sent(g.nurse, 4, josef(coordination))
	g.sent(from.nurse, 3, josef(coordination))
	g.sent(g.leader, 2, josef(""))

	s := g.sent(from.nurse, 8, func(w *record.NewReferral) { w.Centre = from.kommun.Code })
	s.resident.coach = from.coach
	s.at(7, s.tried(from.coach, record.ByPhone, record.NotReached, "")).
		at(5, s.tried(from.coach, record.ByPhone, record.Reached, "Arbetar i Sävsjö och vill hellre komma dit.")).
		at(4, s.decided(inbox.Ruling{Decision: string(record.Forward), Centre: g.kommun.Code}))
}

// decided are what may become of a recommendation besides a first talk: it is
// declined after attempts and a letter, sent on, called back by the sender or
// since the person no longer wants it, or the person is taken in; who is taken in
// may have reached their goals, was never meant, or lets the sender see no more.
func (g *stage) decided(by halsocoach.Actor) {
	s := g.sent(by, 12, nil)
	for i, how := range []record.Way{record.ByPhone, record.BySMS, record.ByPhone, record.ByLetter} {
		s.at(11-i, s.tried(g.coach, how, record.NotReached, ""))
	}
	s.at(2, s.decided(inbox.Ruling{Decision: string(record.Decline), Reason: string(record.NoContact)}))
	s = g.sent(by, 6, nil)
	s.at(4, s.decided(inbox.Ruling{Decision: string(record.Decline), Reason: string(record.NotTargetGroup)}))
	s = g.sent(by, 7, nil)
	s.at(5, s.decided(inbox.Ruling{Decision: string(record.Forward), Centre: "0685"}))
	s = g.sent(by, 5, nil)
	s.at(4, s.calledBack)
	b := g.sent(by, 6, nil)
	b.at(3, func(ctx context.Context) error { _, err := g.p.Sender.ConsentBack(ctx, by, b.referral); return err })

	s = g.sent(by, 4, nil)
	s.at(2, s.takenIn)
	e := g.sent(by, 14, nil)
	e.at(12, e.takenIn).at(1, e.ends("goals_reached"))
	m := g.sent(by, 8, nil)
	m.at(6, m.takenIn).at(5, func(ctx context.Context) error { _, err := g.p.Sender.EnterInError(ctx, by, m.referral); return err })
	c := g.sent(by, 9, nil)
	c.at(7, c.takenIn).at(5, func(ctx context.Context) error { _, err := g.p.Sender.ConsentBack(ctx, by, c.referral); return err })
}

// talks are how it may stand with the first talk, of people who let the sender see
// it: booked, held, missed or called off.
func (g *stage) talks(by halsocoach.Actor) {
	talks := func(w *record.NewReferral) { w.Scope = record.ScopeTalks }
	s := g.sent(by, 5, talks)
	s.at(3, s.takenIn).at(1, func(ctx context.Context) error { _, err := s.books(ctx, coach.First, 4); return err })
	for i, outcome := range []coach.Outcome{coach.Held, coach.Missed, coach.Cancelled} {
		s := g.sent(by, 15+i, talks)
		s.at(13+i, s.takenIn).at(12+i, func(ctx context.Context) error {
			b, err := s.books(ctx, coach.First, 1)
			if err != nil || b.ID == "" {
				return err
			}
			if outcome == coach.Cancelled {
				return g.p.Coach.Cancel(ctx, s.who, b.ID)
			}
			s.on(moment{g.p.day(b.Ends), after(b.Ends)}, func(ctx context.Context) error {
				_, err := g.p.Coach.Mark(ctx, ActorOf(b.Coach), b.ID, outcome)
				return err
			})
			return nil
		})
	}
}

// comeAlone are those who wait without having been sent: two who have signed in,
// and two who want a call and have not been asked what they want.
func (g *stage) comeAlone() {
	for j := range 4 {
		s := g.somebody()
		s.at(3-j/2-j%2, func(ctx context.Context) error {
			if j >= 2 {
				return g.p.Self.CallMe(ctx, "192.0.2."+strconv.Itoa(j), s.key("called-"+strconv.Itoa(j)), s.name, madeUpPhone(s.n), g.kommun.Code, "")
			}
			return s.comesAlone(ctx, record.NewReferral{Name: s.name, Phone: madeUpPhone(s.n), Topics: halsocoach.Topics[j : j+2], Centre: g.kommun.Code,
				Kommun: g.kommun.Code, Wants: "Jag vill sova bättre och hitta någon att gå med."})
		})
	}
}
