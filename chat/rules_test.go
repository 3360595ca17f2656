package chat

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"halsocoach"
	"halsocoach/internal/person"
)

var monday = halsocoach.Day("2026-11-23").At(9 * 60)

func enrolment() halsocoach.Enrolment {
	return halsocoach.Enrolment{ID: "e1", Person: "p1", Coach: "maria", Centre: "0684", Kommun: "0684", Source: halsocoach.FromCareCentre, Since: monday}
}

func TestNumbersUnreadAndWaitingFollowTheMessages(t *testing.T) {
	citizen, coach := halsocoach.RoleCitizen, halsocoach.RoleCoach
	c := OpenFor(enrolment(), monday)
	say := func(side halsocoach.Role, at time.Time) bool { return c.Note(Head{c.Last + 1, side, at}) }
	if !say(citizen, monday) || say(citizen, monday.Add(time.Minute)) {
		t.Fatal("the first message of a day is a contact, the second is not")
	}
	if c.Unread != (Marks{Coach: 2}) || !c.Waiting.Equal(monday) || !reflect.DeepEqual(c.UnreadBy, []string{"maria"}) {
		t.Fatalf("after two from the citizen: %+v", c)
	}
	waits := c.Rank
	if say(coach, monday.Add(time.Hour)) || c.Waiting != nil || c.Unread != (Marks{Citizen: 1, Coach: 2}) {
		t.Fatalf("after the answer: %+v", c)
	}
	if c.Rank <= waits {
		t.Fatal("who waits stands before who does not")
	}
	c.MarkRead(coach, 1, 1)
	c.MarkRead(coach, 99, 0)
	if c.Read.Coach != 3 || c.Unread.Coach != 0 {
		t.Fatalf("read to the end: %+v", c)
	}
	c.MarkRead(coach, 2, 1)
	if c.Read.Coach != 3 || c.Unread.Coach != 0 {
		t.Fatal("a mark never moves back")
	}
	before := c
	if c.Note(Head{3, citizen, monday}) || c.Note(Head{5, citizen, monday}) || !reflect.DeepEqual(before, c) {
		t.Fatal("what is not the next message changes nothing")
	}
	if !say(citizen, monday.AddDate(0, 0, 1)) {
		t.Fatal("a new day is a new contact")
	}
	e := enrolment()
	e.Ended = true
	waits = c.Rank
	c.Follow(e)
	if c.Rank <= waits || !c.Ended {
		t.Fatal("what has ended stands last")
	}
}

func TestOnlyTheTwoTakePart(t *testing.T) {
	c := known{OpenFor(enrolment(), monday), person.Identity{IDs: []string{"p0", "p1"}}}
	for _, x := range []struct {
		who halsocoach.Actor
		in  bool
	}{
		{halsocoach.Actor{ID: "p1", Role: halsocoach.RoleCitizen}, true},
		{halsocoach.Actor{ID: "p0", Role: halsocoach.RoleCitizen}, true}, // another id of the same person
		{halsocoach.Actor{ID: "p2", Role: halsocoach.RoleCitizen}, false},
		{halsocoach.Actor{ID: "maria", Role: halsocoach.RoleCoach, Centre: "0684"}, true},
		{halsocoach.Actor{ID: "lisa", Role: halsocoach.RoleCoach, Centre: "0684"}, false},
		{halsocoach.Actor{ID: "p1", Role: halsocoach.RoleCoach}, false},
		{halsocoach.Actor{ID: "maria", Role: halsocoach.RoleKommun}, false},
		{halsocoach.Actor{}, false},
	} {
		if _, in := c.side(x.who); in != x.in {
			t.Errorf("%+v: %v", x.who, in)
		}
	}
}

func TestWhatMayBeSaid(t *testing.T) {
	long := strings.Repeat("å", maxText)
	for _, x := range []struct {
		name, in, want string
		err            error
	}{
		{"plain", "Hej!", "Hej!", nil},
		{"lines of a form", " Hej\r\ndu\r\n", "Hej\ndu", nil},
		{"nothing", " \n\t ", "", ErrEmpty},
		{"as long as it may be", long, long, nil},
		{"one too long", long + "å", "", ErrTooLong},
		{"white space around does not count", long + "  ", long, nil},
		{"broken bytes", "a\xffb", "a\uFFFDb", nil},
		{"control characters", "a\x00b\tc\x1b\u0085d", "ab\tcd", nil},
		{"nothing but control characters", "\x00 \x07", "", ErrEmpty},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, err := checkText(x.in)
			if got != x.want || !errors.Is(err, x.err) {
				t.Fatalf("%d characters, %v", len(got), err)
			}
		})
	}
	for key, ok := range map[string]bool{"5b0c-A_9": true, "": false, "a/b": false, `a"b`: false, strings.Repeat("k", 65): false, "å": false} {
		if err := checkKey(key); (err == nil) != ok {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func TestAFrameHasOneKnownKey(t *testing.T) {
	for in, want := range map[string]error{
		`{"say":{"in":"c","key":"k","text":"hej"}}`:      nil,
		`{"since":{"in":"c","seq":41}}`:                  nil,
		`{"typing":{"in":"c"}}`:                          nil,
		`{}`:                                             errUnknown,
		`{"shout":{"in":"c"}}`:                           errUnknown,
		`{"read":{"in":"c","seq":1},"since":{"in":"c"}}`: errUnknown,
		`{"say":null}`:                                   errUnknown,
		`[]`:                                             errBroken,
		`{"since":{"in":"c","seq":"many"}}`:              errBroken,
		`{"say":{"in":"c"`:                               errBroken,
		``:                                               errBroken,
		`{"since":{"in":"c","seq":99999999999999999999999}}`: errBroken,
	} {
		if _, err := parse([]byte(in)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", in, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"say":{"in":"c","key":"k","text":"hej"}}`, `{"since":{"in":"c","seq":-1}}`, `{`, `null`, `{"say":{"text":"\ud800"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parse(body)
		if err == nil && a.Say != nil {
			if text, err := checkText(a.Say.Text); err == nil {
				checkFrame(t, text)
			}
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"hej", "\"\\\n\t\x00\x1f\x7f", "å ä ö 🌲", "</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if text, err := checkText(s); err == nil {
			checkFrame(t, text)
		}
	})
}

// checkFrame: what is written by hand reads back as what was meant.
func checkFrame(t *testing.T, text string) {
	t.Helper()
	m := Message{In: "c", Seq: 7, Key: "k", At: monday}
	var got struct {
		Message struct {
			Seq  int
			Text string
			From sender
			At   time.Time
		}
	}
	frame := messageFrame(m, senderJSON(sender{"p1", `Anna "<Lind>"`, halsocoach.RoleCitizen}), text)
	if err := json.Unmarshal(payload(t, frame), &got); err != nil || got.Message.Text != text || got.Message.Seq != 7 || !got.Message.At.Equal(monday) || got.Message.From.Name != `Anna "<Lind>"` {
		t.Fatalf("%q came back as %+v, %v", text, got, err)
	}
}

// payload checks the header of a server's frame and takes it off.
func payload(t *testing.T, frame []byte) []byte {
	t.Helper()
	n, at := int(frame[1]), 2
	switch n {
	case 126:
		n, at = int(binary.BigEndian.Uint16(frame[2:])), 4
	case 127:
		n, at = int(binary.BigEndian.Uint64(frame[2:])), 10
	}
	if len(frame) != at+n {
		t.Fatalf("header says %d, payload has %d", n, len(frame)-at)
	}
	return frame[at:]
}

func TestTheHeaderTellsTheLength(t *testing.T) {
	for _, n := range []int{0, 125, 126, 65535, 65536, 70000} {
		frame := finish(append(begin(n), make([]byte, n)...))
		if len(payload(t, frame)) != n || frame[0] != 0x81 {
			t.Fatalf("%d bytes", n)
		}
	}
	if f := closeFrame(1005, "x"); len(f) != 2 || f[0] != 0x88 {
		t.Fatalf("a code that may not be sent: %v", f)
	}
	if f := closeFrame(closeSlow, "too slow"); binary.BigEndian.Uint16(f[2:]) != 4408 || string(f[4:]) != "too slow" {
		t.Fatalf("%v", f)
	}
}

func TestTenSecondsAboveThirtyAreTooMany(t *testing.T) {
	w := Wire{}.orDefaults()
	run := func(perSecond, seconds int) bool {
		var p pace
		for s := range seconds {
			for i := range perSecond {
				if p.more(monday.Add(time.Duration(s)*time.Second+time.Duration(i)*time.Millisecond), 1, w.PerSecond, w.PaceFor) {
					return true
				}
			}
		}
		return false
	}
	if run(30, 60) || run(500, 10) || !run(31, 11) {
		t.Fatal("pace")
	}
	var p pace
	for s := range 60 { // a pause every ninth second
		if s%9 == 8 {
			continue
		}
		for range 40 {
			if p.more(monday.Add(time.Duration(s)*time.Second), 1, w.PerSecond, w.PaceFor) {
				t.Fatal("a pause begins anew")
			}
		}
	}
}
