package chat

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

func TestNumbersGoWithoutAGapUnderFiftySenders(t *testing.T) {
	g := open(t, Wire{})
	second := g.node(Wire{}, nil)
	const senders = 50
	each := testenv.Count(4, 40)
	var mu sync.Mutex
	seen := map[int]string{}
	testenv.Together(senders, func(i int) {
		n, who := []*node{g.first, second}[i%2], g.anna
		if i%4 > 1 {
			who = g.maria
		}
		for j := range each {
			key := fmt.Sprintf("k-%d-%d", i, j)
			d, err := n.Say(t.Context(), who, NewMessage{g.conv, key, "rad"})
			if err != nil {
				t.Errorf("say: %v", err)
				return
			}
			mu.Lock()
			if other, taken := seen[d.Seq]; taken {
				t.Errorf("%s and %s both have number %d", key, other, d.Seq)
			}
			seen[d.Seq] = key
			mu.Unlock()
		}
	})
	found, err := g.first.docs.before(t.Context(), g.first.rooms.get(g.conv).now(), 0, 1000)
	testenv.Must(t, err)
	all := senders * each
	for i, m := range found {
		if want := all - len(found) + 1 + i; m.Seq != want || seen[m.Seq] != m.Key {
			t.Fatalf("place %d holds number %d with key %s, its receipt says %s", want, m.Seq, m.Key, seen[want])
		}
	}
	if len(seen) != all || len(found) == 0 {
		t.Fatalf("%d receipts, %d stored", len(seen), len(found))
	}
	c := g.settled(g.conv, all)
	if c.Unread.Citizen+c.Unread.Coach != all {
		t.Fatalf("unread %+v", c.Unread)
	}
}

func TestTheSameKeyGetsTheFirstReceipt(t *testing.T) {
	g := open(t, Wire{})
	second := g.node(Wire{}, nil)
	first := g.first.say(g.anna, g.conv, "k1", "Hej!")
	g.Clock.Add(60e9)
	g.first.say(g.maria, g.conv, "k2", "Hej Anna!")
	for _, n := range []*node{g.first, second} {
		again := n.say(g.anna, g.conv, "k1", "Hej!")
		if again.Seq != first.Seq || !again.At.Equal(first.At) || !again.Again {
			t.Fatalf("first %+v, again %+v", first, again)
		}
		for _, other := range []struct {
			who  halsocoach.Actor
			text string
		}{{g.anna, "Något annat"}, {g.maria, "Hej!"}} {
			testenv.Wants(t, testenv.ErrOf(n.Say(t.Context(), other.who, NewMessage{g.conv, "k1", other.text})), halsocoach.ErrKeyReused)
		}
	}
	seqs := make([]int, 20)
	testenv.Together(len(seqs), func(i int) {
		d, err := []*node{g.first, second}[i%2].Say(t.Context(), g.anna, NewMessage{g.conv, "twice", "samma"})
		if err != nil {
			t.Error(err)
		}
		seqs[i] = d.Seq
	})
	if slices.Max(seqs) != 3 || slices.Min(seqs) != 3 {
		t.Fatalf("one wish, sent twenty times on two nodes, got the numbers %v", seqs)
	}
}

func TestOnlyMembersGetIn(t *testing.T) {
	g := open(t, Wire{})
	g.first.say(g.anna, g.conv, "k1", "Hej!")
	colleague := halsocoach.Actor{ID: "lisa", Role: halsocoach.RoleCoach, Kommun: "0684", Centre: "0684"}
	for _, x := range []struct {
		name string
		who  halsocoach.Actor
		kind halsocoach.ErrorKind
	}{
		{"nobody", halsocoach.Actor{}, halsocoach.KindSignIn},
		{"another citizen", g.People.Omar, halsocoach.KindNotFound},
		{"a coach of the same centre", colleague, halsocoach.KindNotFound},
		{"a coach of another kommun", g.People.Johan, halsocoach.KindNotFound},
		{"the kommun", g.People.Kommun, halsocoach.KindForbidden},
		{"the region", g.People.Region, halsocoach.KindForbidden},
		{"who recommended", g.People.Vardcentral, halsocoach.KindForbidden},
	} {
		t.Run(x.name, func(t *testing.T) {
			_, say := g.first.Say(t.Context(), x.who, NewMessage{g.conv, "k9", "Hej"})
			_, thread := g.first.Thread(t.Context(), x.who, g.conv, 0, 10)
			_, _, since := g.first.Since(t.Context(), x.who, g.conv, 0, 10)
			read := g.first.MarkRead(t.Context(), x.who, g.conv, 1)
			for _, err := range []error{say, thread, since, read} {
				if halsocoach.KindOf(err) != x.kind {
					t.Errorf("%v, want %s", err, x.kind)
				}
			}
		})
	}
	if _, err := g.first.Say(t.Context(), g.anna, NewMessage{"no-such", "k", "Hej"}); halsocoach.KindOf(err) != halsocoach.KindNotFound {
		t.Fatalf("no such conversation: %v", err)
	}
	if err := g.first.Open(t.Context(), g.maria, enrolment()); halsocoach.KindOf(err) != halsocoach.KindForbidden {
		t.Fatalf("only the program opens: %v", err)
	}
}

func TestWhatTheCoachSeesIsLogged(t *testing.T) {
	g := open(t, Wire{})
	g.first.say(g.anna, g.conv, "k1", "Hej!")
	if rows := g.AccessLog.Rows(); len(rows) != 0 {
		t.Fatalf("a citizen's own: %+v", rows)
	}
	steps := []func() error{
		func() error {
			_, err := g.first.Say(t.Context(), g.maria, NewMessage{g.conv, "k2", "Hej!"})
			return err
		},
		func() error { _, err := g.first.Thread(t.Context(), g.maria, g.conv, 0, 10); return err },
		func() error { _, _, err := g.first.Since(t.Context(), g.maria, g.conv, 0, 10); return err },
		func() error { _, _, err := g.first.Conversations(t.Context(), g.maria, ""); return err },
	}
	for i, step := range steps {
		testenv.Must(t, step())
		rows := g.AccessLog.Rows()
		if len(rows) != i+1 || !slices.Equal(rows[i].Persons, []string{g.anna.ID}) || rows[i].Who.ID != "maria" {
			t.Fatalf("after step %d: %+v", i, rows)
		}
	}
	c := g.first.joined(g.maria, g.conv)
	for i := range 5 {
		g.first.say(g.anna, g.conv, fmt.Sprintf("s%d", i), "Hej igen")
		c.next()
	}
	if rows := g.AccessLog.Rows(); len(rows) != len(steps)+2 {
		t.Fatalf("a socket has one row when it opens and one for since: %+v", rows[len(steps):])
	}
	erik := g.citizen("Erik")
	late := g.enrolled("enrolment-erik", erik, g.maria)
	for i := range 3 {
		g.first.say(erik, late, fmt.Sprintf("e%d", i), "Hej")
		if f := c.next(); f.Message == nil || f.Message.In != late {
			t.Fatalf("a conversation opened after the socket: %+v", f)
		}
	}
	if rows := g.AccessLog.Rows(); len(rows) != len(steps)+3 || rows[len(rows)-1].Persons[0] != erik.ID {
		t.Fatalf("and one for a conversation that was opened later: %+v", rows[len(steps):])
	}
	rut := g.citizen("Rut")
	later := g.enrolled("enrolment-rut", rut, g.maria)
	c.say(later, "r1", "Hej")
	if f := c.next(); f.Said == nil {
		t.Fatalf("got %+v", f)
	}
	if rows := g.AccessLog.Rows(); len(rows) != len(steps)+4 || rows[len(rows)-1].Persons[0] != rut.ID {
		t.Fatalf("and one before the coach writes there first: %+v", rows[len(steps):])
	}
}

func TestAfterTheLastNumberThereIsNothing(t *testing.T) {
	g := open(t, Wire{})
	g.first.say(g.anna, g.conv, "k1", "Hej!")
	if lines, next, err := g.first.Since(t.Context(), g.anna, g.conv, math.MaxInt, 10); err != nil || len(lines) != 0 || next != 0 {
		t.Fatalf("%+v, %d, %v", lines, next, err)
	}
}

func TestAContactIsCountedOncePerConversationAndDay(t *testing.T) {
	g := open(t, Wire{})
	var mu sync.Mutex
	var facts []halsocoach.Fact
	if err := g.Bus.ConsumeFacts(t.Context(), "test", func(_ context.Context, fs []halsocoach.Fact) error {
		mu.Lock()
		defer mu.Unlock()
		facts = append(facts, fs...)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	hidden := g.citizen("Skyddad")
	g.protect(hidden)
	secret := g.enrolled("enrolment-hidden", hidden, g.maria)
	for day := range 3 {
		for i := range 4 {
			g.first.say(g.anna, g.conv, fmt.Sprintf("a%d-%d", day, i), "Hej")
			g.first.say(g.maria, g.conv, fmt.Sprintf("m%d-%d", day, i), "Hej")
		}
		g.first.say(hidden, secret, fmt.Sprintf("h%d", day), "Hej")
		g.settled(g.conv, 8*(day+1))
		g.settled(secret, day+1)
		g.Clock.Add(24 * 3600e9)
	}
	g.Eventually("six facts", func() bool { mu.Lock(); defer mu.Unlock(); return len(facts) >= 6 })
	mu.Lock()
	defer mu.Unlock()
	seen := map[string]int{}
	for _, f := range facts {
		seen[f.Kommun+" "+string(f.Day)+" "+f.Dims[halsocoach.DimSex]]++
		if f.Type != halsocoach.CountChat || f.Dims[halsocoach.DimSource] != string(halsocoach.FromCareCentre) {
			t.Errorf("%+v", f)
		}
	}
	for day := range 3 {
		d := string(halsocoach.DayOf(testenv.Morning()).Plus(day))
		if seen["0684 "+d+" kvinna"] != 1 || seen["06 "+d+" "] != 1 {
			t.Fatalf("%s: %v", d, seen)
		}
	}
}

// TestProtectionLearntLateHolds: read marks and typing end, the cached name gives
// way and contacts are counted without a place; lifted, they are as before.
func TestProtectionLearntLateHolds(t *testing.T) {
	g := open(t, Wire{})
	anna, maria := g.first.joined(g.anna, g.conv), g.first.joined(g.maria, g.conv)
	g.first.say(g.anna, g.conv, "k1", "Hej")
	anna.next()
	if m := maria.next().Message; m == nil || m.From.Name != "Anna Lind" {
		t.Fatalf("%+v", m)
	}
	g.protect(g.anna)
	e, _ := g.enrol.Enrolment(t.Context(), g.conv)
	g.enrol.put(e, "A4B7") // package citizen gives the alias from now on
	g.first.say(g.anna, g.conv, "k2", "Hej igen")
	anna.next()
	if m := maria.next().Message; m == nil || m.From.Name != "A4B7" {
		t.Fatalf("the name from before: %+v", m)
	}
	th, err := g.first.Thread(t.Context(), g.maria, g.conv, 0, 10)
	if err != nil || th.With != "A4B7" || th.Lines[0].by.name != "A4B7" || !th.Quiet {
		t.Fatalf("%+v, %v", th, err)
	}
	anna.send("typing", map[string]string{"in": g.conv})
	anna.send("read", position{g.conv, 1})
	maria.send("typing", map[string]string{"in": g.conv})
	g.first.say(g.maria, g.conv, "k3", "Hej") // comes after what must not come
	for _, c := range []*client{anna, maria} {
		if f := c.next(); f.Message == nil || f.Message.Key != "k3" {
			t.Fatalf("%+v", f)
		}
	}
	g.Eventually("one's own mark is kept all the same", func() bool {
		c, err := g.first.docs.conversations.Get(t.Context(), g.conv)
		return err == nil && c.Read.Citizen == 1
	})
	testenv.Must(t, g.Persons.Unprotect(t.Context(), g.People.Region, g.anna.ID, "Skatteverket 2026-11-20"))
	g.enrol.put(e, "Anna Lind")
	anna.send("typing", map[string]string{"in": g.conv})
	if f := maria.next(); f.Typing == nil {
		t.Fatalf("%+v", f)
	}
	g.first.say(g.anna, g.conv, "k4", "Hej")
	if m := maria.next().Message; m == nil || m.From.Name != "Anna Lind" {
		t.Fatalf("%+v", m)
	}
}

// TestTwoIDsOfOnePersonAreOneMember: a socket of one id gets what is said in the
// conversation of the other, on both nodes and without a nudge, and its person
// takes part in it; parted they do not.
func TestTwoIDsOfOnePersonAreOneMember(t *testing.T) {
	g := open(t, Wire{})
	line := &cut{Nudges: g.Bus}
	line.off.Store(true)
	second := g.node(Wire{MendEvery: 50 * time.Millisecond}, line)
	omar, maria := second.dial(g.People.Omar), g.first.joined(g.maria, g.conv)
	testenv.Must(t, g.Persons.Join(t.Context(), g.maria, g.anna.ID, g.People.Omar.ID))
	g.first.say(g.maria, g.conv, "k1", "Hej")
	if m := maria.next().Message; m == nil {
		t.Fatal("nothing")
	}
	omar.send("since", position{g.conv, 0})
	for m := omar.next(); m.CaughtUp == nil; m = omar.next() {
		if m.Message == nil || m.Message.Seq != 1 {
			t.Fatalf("%+v", m)
		}
	}
	g.first.say(g.maria, g.conv, "k2", "Hör du?")
	if m := omar.next().Message; m == nil || m.Seq != 2 {
		t.Fatalf("%+v", m)
	}
	maria.next()
	omar.say(g.conv, "k3", "Ja")
	omar.next()
	g.settled(g.conv, 3)
	line.off.Store(false)
	if lines, _, err := g.first.Since(t.Context(), g.anna, g.conv, 2, 10); err != nil || len(lines) != 1 || lines[0].From != g.anna.ID {
		t.Fatalf("%+v, %v", lines, err)
	}
	for _, who := range []halsocoach.Actor{g.anna, g.People.Omar} {
		list, _, err := g.first.Conversations(t.Context(), who, "")
		u, uerr := g.first.Unread(t.Context(), who)
		if err != nil || uerr != nil || len(list) != 1 || u.Messages != 2 || u.Path != "/chatt/"+g.conv {
			t.Fatalf("%+v, %+v, %v %v", list, u, err, uerr)
		}
	}
	later := max(g.anna.ID, g.People.Omar.ID)
	testenv.Must(t, g.Persons.Part(t.Context(), g.maria, later))
	if _, err := g.first.Thread(t.Context(), g.People.Omar, g.conv, 0, 10); halsocoach.KindOf(err) != halsocoach.KindNotFound {
		t.Fatalf("parted: %v", err)
	}
}

func TestUnreadAndWaitingLongestFirst(t *testing.T) {
	g := open(t, Wire{})
	u, err := g.first.Unread(t.Context(), g.anna)
	if err != nil || u.Messages != 0 || u.Path != "/chatt/"+g.conv {
		t.Fatalf("%+v, %v", u, err)
	}
	erik, siv := g.citizen("Erik"), g.citizen("Siv")
	eriks, sivs := g.enrolled("enrolment-erik", erik, g.maria), g.enrolled("enrolment-siv", siv, g.maria)
	g.first.say(siv, sivs, "k1", "Jag väntar längst")
	waits := g.Clock.Now()
	g.Clock.Add(3600e9)
	g.first.say(g.anna, g.conv, "k1", "Jag med")
	g.first.say(g.anna, g.conv, "k2", "Hallå?")
	g.Clock.Add(3600e9)
	g.first.say(erik, eriks, "k1", "Hej")
	g.first.say(g.maria, eriks, "k2", "Hej Erik!")
	g.settled(eriks, 2)
	g.settled(g.conv, 2)
	g.settled(sivs, 1)
	list, next, err := g.first.Conversations(t.Context(), g.maria, "")
	if err != nil || next != "" || len(list) != 3 {
		t.Fatalf("%+v, %q, %v", list, next, err)
	}
	if list[0].With != "Siv" || list[1].With != "Anna Lind" || list[2].With != "Erik" || list[1].New != 2 || list[2].Waiting != nil {
		t.Fatalf("%+v", list)
	}
	u, err = g.first.Unread(t.Context(), g.maria)
	if err != nil || u.Conversations != 3 || u.Messages != 4 || u.Path != "/chatt" || !u.Oldest.Equal(waits) {
		t.Fatalf("%+v, %v", u, err)
	}
	testenv.Must(t, testenv.ErrOf(g.first.Thread(t.Context(), g.maria, sivs, 0, 10)))
	testenv.Must(t, g.first.MarkRead(t.Context(), g.maria, g.conv, 1))
	g.Eventually("read marks", func() bool {
		u, err = g.first.Unread(t.Context(), g.maria)
		return err == nil && u.Conversations == 2 && u.Messages == 2
	})
	if u, _ = g.first.Unread(t.Context(), erik); u.Messages != 1 || !u.Oldest.IsZero() {
		t.Fatalf("Erik has an answer to read: %+v", u)
	}
	if u, err = g.first.Unread(t.Context(), g.People.Region); err != nil || u.Messages != 0 || u.Path != "" {
		t.Fatalf("an account without chat: %+v, %v", u, err)
	}
	if _, err = g.first.Unread(t.Context(), halsocoach.Actor{}); halsocoach.KindOf(err) != halsocoach.KindSignIn {
		t.Fatal(err)
	}
}

func TestEventsOpenAndEndConversations(t *testing.T) {
	g := open(t, Wire{})
	e := halsocoach.Enrolment{ID: "enrolment-elsa", Person: g.People.Elsa.ID, Coach: "maria", Centre: "0684", Kommun: "0684"}
	g.enrol.put(e, "Elsa Berg")
	happened := func(typ, id string) error {
		return g.first.enrolled(t.Context(), halsocoach.Happened(typ, g.Clock.Now(), "0684", id, nil))
	}
	for range 2 {
		testenv.Must(t, happened("citizen.enrolled", e.ID))
	}
	g.first.say(g.People.Elsa, e.ID, "k1", "Hej!")
	e.Ended = true
	g.enrol.put(e, "Elsa Berg")
	testenv.Must(t, happened("citizen.ended", e.ID))
	testenv.Wants(t, testenv.ErrOf(g.first.Say(t.Context(), g.People.Elsa, NewMessage{e.ID, "k2", "Hej igen"})), ErrEnded)
	if d := g.first.say(g.People.Elsa, e.ID, "k1", "Hej!"); d.Seq != 1 || !d.Again {
		t.Fatalf("what was said before the end has its receipt: %+v", d)
	}
	if lines, _, err := g.first.Since(t.Context(), g.People.Elsa, e.ID, 0, 10); err != nil || len(lines) != 1 {
		t.Fatalf("what was said can still be read: %+v, %v", lines, err)
	}
	e.Ended, e.Coach = false, "johan"
	g.enrol.put(e, "Elsa Berg")
	testenv.Must(t, happened("citizen.enrolled", e.ID))
	if _, err := g.first.Say(t.Context(), g.maria, NewMessage{e.ID, "k3", "Hej"}); halsocoach.KindOf(err) != halsocoach.KindNotFound {
		t.Fatalf("no longer Maria's: %v", err)
	}
	testenv.Must(t, happened("citizen.ended", "erased"))
}

func TestACrashBeforeFollowingUpIsMended(t *testing.T) {
	g := open(t, Wire{})
	c, err := g.first.docs.conversations.Get(t.Context(), g.conv)
	testenv.Must(t, err)
	for seq := 1; seq <= 450; seq++ { // stored, and then the node died
		side, from := halsocoach.RoleCitizen, g.anna.ID
		text, err := g.Seal.Seal(t.Context(), g.anna.ID, purpose, "Hej")
		testenv.Must(t, err)
		key := fmt.Sprint(seq)
		m := Message{In: c.ID, Seq: seq, Key: key, Once: once(c.ID, key), Person: g.anna.ID, From: from, Role: side, At: g.Clock.Now().UTC(), Text: text}
		if taken, err := g.first.docs.put(t.Context(), m); taken || err != nil {
			t.Fatal(taken, err)
		}
	}
	ended := g.enrolled("enrolment-erik", g.citizen("Erik"), g.maria)
	e, _ := g.enrol.Enrolment(t.Context(), ended)
	e.Ended = true
	testenv.Must(t, g.first.Open(t.Context(), halsocoach.System("test"), e))
	work := store.Finisher{Unfinished: g.first.unfinished(), Clock: g.Clock.Now, Log: g.Log}
	if n, err := work.Round(t.Context()); n != 0 || err != nil {
		t.Fatalf("what may still be followed up was: %d, %v", n, err)
	}
	g.Clock.Add(2 * followWithin)
	if n, err := work.Round(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d finished, %v", n, err)
	}
	if n, err := work.Round(t.Context()); n != 0 || err != nil {
		t.Fatalf("again: %d, %v", n, err)
	}
	if page, _, err := g.first.docs.open(t.Context(), ""); err != nil || len(page) != 1 {
		t.Fatalf("the sweep reads %d conversations, %v", len(page), err)
	}
	if c := g.settled(g.conv, 450); c.Unread.Coach != 450 || c.Contact != halsocoach.DayOf(testenv.Morning()) {
		t.Fatalf("%+v", c)
	}
	if d := g.first.say(g.maria, g.conv, "after", "Hej"); d.Seq != 451 {
		t.Fatalf("a node that did not know goes on with %d", d.Seq)
	}
}

func TestWhoeverIsNoLongerKnownStillHasAWord(t *testing.T) {
	g := open(t, Wire{})
	g.first.say(g.anna, g.conv, "k1", "Hej")
	e, _ := g.enrol.Enrolment(t.Context(), g.conv)
	e.Coach = "has-left"
	g.enrol.put(e, "") // the name's key is destroyed
	testenv.Must(t, g.first.Open(t.Context(), halsocoach.System("test"), e))
	g.Clock.Add(nameFor + 1)
	left := halsocoach.Actor{ID: "has-left", Role: halsocoach.RoleCoach}
	th, err := g.first.Thread(t.Context(), left, g.conv, 0, 10)
	if err != nil || th.With != "Invånare" || th.Lines[0].by.name != "Invånare" {
		t.Fatalf("%+v, %v", th, err)
	}
	list, _, err := g.first.Conversations(t.Context(), left, "")
	if err != nil || len(list) != 1 || list[0].With != "Invånare" {
		t.Fatalf("%+v, %v", list, err)
	}
	list, _, err = g.first.Conversations(t.Context(), g.anna, "")
	if err != nil || len(list) != 1 || list[0].With != "Hälsocoach" {
		t.Fatalf("%+v, %v", list, err)
	}
}

func TestTheTextIsSealedAndTheNameNotStored(t *testing.T) {
	g := open(t, Wire{})
	g.first.say(g.anna, g.conv, "k1", "Min granne Gerda sover dåligt")
	g.settled(g.conv, 1)
	for _, kind := range Kinds() {
		err := g.Store.Each(t.Context(), kind.Name, func(d store.Document) error {
			for _, secret := range []string{"Gerda", "Anna", "Maria Holm"} {
				if strings.Contains(string(d.Body), secret) {
					t.Errorf("%s holds %q", kind.Name, secret)
				}
			}
			return nil
		})
		testenv.Must(t, err)
	}
	testenv.Must(t, g.Seal.Destroy(t.Context(), g.anna.ID))
	lines, _, err := g.first.Since(t.Context(), g.maria, g.conv, 0, 10)
	if err != nil || len(lines) != 1 || lines[0].text != "" {
		t.Fatalf("with a destroyed key: %+v, %v", lines, err)
	}
}
