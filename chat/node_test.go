package chat

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
)

// wire between two nodes that can be cut.
type cut struct {
	Nudges
	off atomic.Bool
}

func (c *cut) Nudge(topic string, body []byte) {
	if !c.off.Load() {
		c.Nudges.Nudge(topic, body)
	}
}

func (c *cut) OnNudge(topic string, do func([]byte)) (func(), error) {
	return c.Nudges.OnNudge(topic, func(body []byte) {
		if !c.off.Load() {
			do(body)
		}
	})
}

func TestTwoNodesAreOneChat(t *testing.T) {
	g := open(t, Wire{})
	line := &cut{Nudges: g.Bus}
	second := g.node(Wire{MendEvery: time.Hour}, line)
	anna, maria := g.first.joined(g.anna, g.conv), second.joined(g.maria, g.conv)
	n := testenv.Count(40, 400)
	for i := range n { // each answers the other, over two nodes
		from, to := anna, maria
		if i%2 == 1 {
			from, to = maria, anna
		}
		from.say(g.conv, fmt.Sprint("k", i), fmt.Sprint("rad ", i))
		if d := from.next().Said; d == nil || d.Seq != i+1 {
			t.Fatalf("%+v", d)
		}
		if m := to.next().Message; m == nil || m.Seq != i+1 || m.Text != fmt.Sprint("rad ", i) {
			t.Fatalf("%+v", m)
		}
	}
	anna.send("typing", map[string]string{"in": g.conv})
	if f := maria.next().Typing; f == nil || f.By != g.anna.ID {
		t.Fatalf("%+v", f)
	}
	anna.send("read", position{g.conv, n})
	if f := maria.next().Read; f == nil || f.Seq != n {
		t.Fatalf("%+v", f)
	}

	line.off.Store(true) // nudges are lost from here
	for i := range n {
		anna.say(g.conv, fmt.Sprint("lost", i), "ohörd")
		anna.next()
	}
	maria.send("since", position{g.conv, n})
	for want := n + 1; want <= 2*n; want++ {
		if m := maria.next().Message; m == nil || m.Seq != want {
			t.Fatalf("%+v, want %d", m, want)
		}
	}
	if f := maria.next().CaughtUp; f == nil || f.Seq != 2*n {
		t.Fatalf("%+v", f)
	}
	anna.say(g.conv, "lost-again", "ohörd")
	anna.next()
	maria.say(g.conv, "own", "Hej") // what one's own node has not heard of comes first
	if m := maria.next().Message; m == nil || m.Seq != 2*n+1 {
		t.Fatalf("%+v", m)
	}
	if d := maria.next().Said; d == nil || d.Seq != 2*n+2 {
		t.Fatalf("%+v", d)
	}
	anna.quiet(200 * time.Millisecond) // and her node hears nothing of Maria's
}

func TestLostNudgesAreMended(t *testing.T) {
	g := open(t, Wire{})
	line := &cut{Nudges: g.Bus}
	line.off.Store(true)
	second := g.node(Wire{MendEvery: 50 * time.Millisecond}, line)
	maria := second.joined(g.maria, g.conv)
	for i := range 3 {
		g.first.say(g.anna, g.conv, fmt.Sprint("k", i), "Hej")
	}
	for want := 1; want <= 3; want++ {
		if m := maria.next().Message; m == nil || m.Seq != want {
			t.Fatalf("%+v, want %d", m, want)
		}
	}
}

func TestANewConversationIsHeardOnEveryNode(t *testing.T) {
	g := open(t, Wire{})
	second := g.node(Wire{}, nil)
	maria := second.joined(g.maria, g.conv)
	erik := g.citizen("Erik")
	in := g.enrolled("enrolment-erik", erik, g.maria)
	g.first.say(erik, in, "k1", "Hej!")
	if m := maria.next().Message; m == nil || m.In != in || m.Seq != 1 || m.From.Name != "Erik" {
		t.Fatalf("%+v", m)
	}
}

func TestANewConversationIsHeardThoughEveryNudgeIsLost(t *testing.T) {
	g := open(t, Wire{})
	line := &cut{Nudges: g.Bus}
	line.off.Store(true)
	second := g.node(Wire{MendEvery: 100 * time.Millisecond}, line)
	maria := second.joined(g.maria, g.conv)
	erik := g.citizen("Erik")
	in := g.enrolled("enrolment-erik", erik, g.maria)
	for i := range 3 {
		g.first.say(erik, in, fmt.Sprint("k", i), "Hej!")
	}
	g.settled(in, 3)
	for want := 1; want <= 3; want++ {
		if m := maria.next().Message; m == nil || m.In != in || m.Seq != want {
			t.Fatalf("%+v, want %d", m, want)
		}
	}
}

func TestWhoIsNoLongerInAConversationHearsNoMore(t *testing.T) {
	g := open(t, Wire{})
	second := g.node(Wire{}, nil)
	here, there := g.first.joined(g.maria, g.conv), second.joined(g.maria, g.conv)
	johan := second.joined(g.anna, g.conv)
	e, _ := g.enrol.Enrolment(t.Context(), g.conv)
	e.Coach = "johan"
	g.enrol.put(e, "Anna Lind")
	testenv.Must(t, g.first.enrolled(t.Context(), halsocoach.Happened("citizen.enrolled", g.Clock.Now(), "0684", g.conv, nil)))
	g.Clock.Add(memberFor + time.Second) // should the nudge be lost
	g.first.say(g.anna, g.conv, "k1", "Till Johan")
	if m := johan.next().Message; m == nil || m.Seq != 1 {
		t.Fatalf("%+v", m)
	}
	here.say(g.conv, "k2", "Hej")
	if r := here.next().Refused; r == nil || r.Code != "not_found" {
		t.Fatalf("%+v", r)
	}
	there.quiet(200 * time.Millisecond)
}

// TestManyTalkOverTwoNodes runs a crowd for the race detector, with devices that
// come and go, and checks that everybody got everything in order.
func TestManyTalkOverTwoNodes(t *testing.T) {
	g := open(t, Wire{})
	nodes := []*node{g.first, g.node(Wire{}, nil)}
	pairs, lines := testenv.Count(8, 40), testenv.Count(25, 200)
	var wg sync.WaitGroup
	for p := range pairs {
		citizen := g.citizen(fmt.Sprint("Invånare ", p))
		in := g.enrolled(fmt.Sprint("enrolment-", p), citizen, g.maria)
		wg.Go(func() {
			here := nodes[p%2].joined(citizen, in)
			for i := range lines {
				here.say(in, fmt.Sprint("c", i), "Hej")
				for here.next().Said == nil {
				}
				if i%7 == 3 { // the coach answers by JSON on the other node
					if _, err := nodes[1-p%2].Say(context.Background(), g.maria, NewMessage{in, fmt.Sprint("m", i), "Ja"}); err != nil {
						t.Error(err)
					}
				}
				if i%10 == 9 {
					_ = here.conn.Close()
					here = nodes[(p+i)%2].dial(citizen)
				}
			}
		})
	}
	last := func(c *client, in string) int {
		c.send("since", position{in, 0})
		for want := 1; ; {
			switch f := c.next(); {
			case f.CaughtUp != nil && f.CaughtUp.In == in:
				return f.CaughtUp.Seq
			case f.Message != nil && f.Message.In == in && f.Message.Seq != want:
				t.Fatalf("%+v, want %d", f.Message, want)
			case f.Message != nil && f.Message.In == in:
				want++
			}
		}
	}
	wg.Wait()
	maria := nodes[1].dial(g.maria)
	answers := 0
	for i := range lines {
		if i%7 == 3 {
			answers++
		}
	}
	for p := range pairs {
		in := fmt.Sprint("enrolment-", p)
		if n := last(maria, in); n != lines+answers {
			t.Fatalf("%s has %d messages, want %d", in, n, lines+answers)
		}
		g.settled(in, lines+answers)
	}
}
