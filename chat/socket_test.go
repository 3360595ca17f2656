package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"halsocoach"
	"halsocoach/internal/testenv"
)

func TestSaidComesToTheOneAndTheMessageToAllOthers(t *testing.T) {
	g := open(t, Wire{})
	phone, laptop, maria := g.first.joined(g.anna, g.conv), g.first.joined(g.anna, g.conv), g.first.joined(g.maria, g.conv)
	stranger := g.first.dial(g.People.Omar)
	phone.say(g.conv, "k1", "Hej \"du\"\n🌲")
	said := phone.next().Said
	if said == nil || said.Seq != 1 || said.Key != "k1" || said.In != g.conv || !said.At.Equal(g.Clock.Now()) {
		t.Fatalf("%+v", said)
	}
	for _, c := range []*client{laptop, maria} {
		m := c.next().Message
		if m == nil || m.Seq != 1 || m.Key != "k1" || m.Text != "Hej \"du\"\n🌲" || m.From != (sender{g.anna.ID, "Anna Lind", halsocoach.RoleCitizen}) || !m.At.Equal(said.At) {
			t.Fatalf("%+v", m)
		}
	}
	maria.say(g.conv, "k2", "Hej Anna")
	if d := maria.next().Said; d == nil || d.Seq != 2 {
		t.Fatalf("%+v", d)
	}
	for _, c := range []*client{phone, laptop} {
		if m := c.next().Message; m == nil || m.Seq != 2 || m.From.Name != "Maria Holm" || m.From.Role != halsocoach.RoleCoach {
			t.Fatalf("%+v", m)
		}
	}
	phone.say(g.conv, "k1", "Hej \"du\"\n🌲")
	if again := phone.next().Said; again == nil || again.Seq != 1 || !again.At.Equal(said.At) {
		t.Fatalf("a resend: %+v", again)
	}
	g.first.say(g.anna, g.conv, "k3", "Skrivet utan socket")
	for _, c := range []*client{phone, laptop, maria} {
		if m := c.next().Message; m == nil || m.Seq != 3 {
			t.Fatalf("what is posted comes to every socket: %+v", m)
		}
	}
	stranger.quiet(100 * time.Millisecond)
}

func TestReadMarksAndTyping(t *testing.T) {
	g := open(t, Wire{})
	phone, laptop, maria := g.first.joined(g.anna, g.conv), g.first.joined(g.anna, g.conv), g.first.joined(g.maria, g.conv)
	g.first.say(g.maria, g.conv, "k1", "Hej")
	for _, c := range []*client{phone, laptop, maria} {
		c.next()
	}
	phone.send("typing", map[string]string{"in": g.conv})
	if f := maria.next().Typing; f == nil || f.By != g.anna.ID || f.In != g.conv {
		t.Fatalf("%+v", f)
	}
	phone.send("read", position{g.conv, 1})
	for _, c := range []*client{maria, laptop} {
		if f := c.next().Read; f == nil || f.By != g.anna.ID || f.Seq != 1 {
			t.Fatalf("%+v", f)
		}
	}
	g.Eventually("the mark is kept", func() bool {
		c, err := g.first.docs.conversations.Get(t.Context(), g.conv)
		return err == nil && c.Read.Citizen == 1 && c.Unread.Citizen == 0
	})
	phone.send("read", position{g.conv, 1 << 40})
	if f := maria.next().Read; f == nil || f.Seq != 1 {
		t.Fatalf("others are told of what there is: %+v", f)
	}
}

func TestSinceComesInOrderAndJoinsWhatIsSaidMeanwhile(t *testing.T) {
	g := open(t, Wire{QueueFrames: 64})
	const before, during = 700, 200
	for i := range before {
		g.first.say(g.anna, g.conv, fmt.Sprint("b", i), fmt.Sprint("före ", i))
	}
	maria := g.first.dial(g.maria)
	maria.send("since", position{g.conv, 10})
	caughtUp := false
	for want := 11; want <= before+during; {
		f := maria.next()
		if want == 11 { // the catching up has begun
			go func() {
				for i := range during {
					if _, err := g.first.Say(context.Background(), g.anna, NewMessage{g.conv, fmt.Sprint("d", i), "under tiden"}); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		switch {
		case f.CaughtUp != nil:
			if caughtUp || f.CaughtUp.Seq != want-1 {
				t.Fatalf("caughtUp %+v before %d", f.CaughtUp, want)
			}
			caughtUp = true
		case f.Message == nil || f.Message.Seq != want:
			t.Fatalf("got %+v, want number %d", f.Message, want)
		default:
			want++
		}
	}
	if !caughtUp {
		if f := maria.next(); f.CaughtUp == nil {
			t.Fatalf("%+v", f)
		}
	}
	maria.send("since", position{g.conv, before + during})
	if f := maria.next(); f.CaughtUp == nil || f.CaughtUp.Seq != before+during {
		t.Fatalf("nothing new: %+v", f)
	}
}

func TestAFaultInOneConversationIsRefusedAndNotAClose(t *testing.T) {
	g := open(t, Wire{})
	c := g.first.joined(g.anna, g.conv)
	refused := func(code, key string) {
		t.Helper()
		if r := c.next().Refused; r == nil || r.Code != code || r.Key != key || r.Text == "" {
			t.Fatalf("%+v, want %s", r, code)
		}
	}
	c.say("someone-else's", "k1", "Hej")
	refused("not_found", "k1")
	c.send("since", position{"someone-else's", 0})
	refused("not_found", "")
	c.send("read", position{"someone-else's", 1})
	refused("not_found", "")
	c.send("typing", position{"someone-else's", 0})
	refused("not_found", "")
	c.say(g.conv, "k2", strings.Repeat("å", maxText+1))
	refused("too_long", "k2")
	c.say(g.conv, "k3", "  \n ")
	refused("empty", "k3")
	c.say(g.conv, `k"4`, "Hej")
	refused("key", "")
	c.say(g.conv, "k5", "Hej")
	c.next()
	c.say(g.conv, "k5", "Något annat")
	refused("key_reused", "k5")
	for _, raw := range []string{`{"say":{"in":"x"`, `hej`, ``} {
		_ = c.conn.WriteMessage(websocket.TextMessage, []byte(raw))
		refused("broken", "")
	}
	for _, raw := range []string{`{"shout":{}}`, `{}`} {
		_ = c.conn.WriteMessage(websocket.TextMessage, []byte(raw))
		refused("unknown", "")
	}
	c.say(g.conv, "k6", strings.Repeat("å", maxText))
	if d := c.next().Said; d == nil || d.Seq != 2 {
		t.Fatalf("as long as it may be: %+v", d)
	}
}

func TestWhatEndsASocket(t *testing.T) {
	g := open(t, Wire{PaceFor: 1, PerSecond: 20, ByteRate: 256 << 10})
	for _, x := range []struct {
		name string
		who  halsocoach.Actor
		do   func(c *client)
		code int
	}{
		{"a frame over 64 kB", g.anna, func(c *client) { _ = c.conn.WriteMessage(websocket.TextMessage, make([]byte, 64<<10+1)) }, 1009},
		{"a frame of a megabyte", g.anna, func(c *client) { _ = c.conn.WriteMessage(websocket.TextMessage, make([]byte, 1<<20)) }, 1009},
		{"a binary frame", g.anna, func(c *client) { _ = c.conn.WriteMessage(websocket.BinaryMessage, []byte(`{}`)) }, 1003},
		{"text that is not UTF-8", g.anna, func(c *client) { _ = c.conn.WriteMessage(websocket.TextMessage, []byte("{\"a\":\"\xff\"}")) }, 1007},
		{"ten frames that mean nothing", g.anna, func(c *client) {
			for range 10 {
				_ = c.conn.WriteMessage(websocket.TextMessage, []byte(`?`))
			}
		}, 1007},
		{"an account without chat", g.People.Region, func(*client) {}, 4403},
		{"a flood", g.anna, func(c *client) {
			go func() {
				for c.conn.WriteMessage(websocket.TextMessage, []byte(`{"typing":{"in":"`+g.conv+`"}}`)) == nil {
					time.Sleep(5 * time.Millisecond)
				}
			}()
		}, 4429},
		{"a flood of pings", g.anna, func(c *client) {
			go func() {
				for c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) == nil {
					time.Sleep(5 * time.Millisecond)
				}
			}()
		}, 4429},
		{"a frame of nothing that never ends", g.anna, func(c *client) {
			raw := c.conn.NetConn()
			_, _ = raw.Write([]byte("\x01\x80abcd"))
			go func() {
				piece := bytes.Repeat([]byte("\x00\x80abcd"), 1000)
				for _, err := raw.Write(piece); err == nil; _, err = raw.Write(piece) {
					time.Sleep(time.Millisecond)
				}
			}()
		}, 4429},
		{"its own close", g.anna, func(c *client) {
			_ = c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "bye"), time.Now().Add(time.Second))
		}, 1000},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := g.first.dial(x.who)
			c.t = t
			x.do(c)
			if code := c.closed(10 * time.Second); code != x.code {
				t.Fatalf("closed with %d, want %d", code, x.code)
			}
		})
	}
	g.Eventually("no socket is left", func() bool { return g.first.Sockets() == 0 })
}

func TestAFullFrameOf64kBIsTaken(t *testing.T) {
	g := open(t, Wire{})
	c := g.first.joined(g.anna, g.conv)
	body, _ := json.Marshal(map[string]any{"say": NewMessage{}})
	body = append(body, bytes.Repeat([]byte(" "), 64<<10-len(body))...)
	testenv.Must(t, c.conn.WriteMessage(websocket.TextMessage, body))
	if r := c.next().Refused; r == nil || r.Code != "not_found" {
		t.Fatalf("%+v", r)
	}
}

func TestASilentSocketIsReaped(t *testing.T) {
	wire := Wire{PingEvery: 100 * time.Millisecond, PongWithin: 400 * time.Millisecond, PerPerson: 2000}
	g := open(t, wire)
	n := testenv.Count(50, 1000)
	for range n {
		g.first.dial(g.anna) // never reads, so never answers a ping
	}
	alive := g.first.joined(g.maria, g.conv)
	done := make(chan struct{})
	go func() { defer close(done); _, _ = alive.read(1500 * time.Millisecond) }()
	g.Eventually("only the one who answers pings is left", func() bool { return g.first.Sockets() == 1 })
	<-done
	if g.first.Sockets() != 1 {
		t.Fatal("the one who answers was reaped")
	}
}

func TestASlowReaderIsCutAndCatchesUp(t *testing.T) {
	g := open(t, Wire{QueueFrames: 50})
	c := g.first.dialBy(g.maria, &net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) })
	}})
	c.send("since", position{g.conv, 0})
	c.next()
	text := strings.Repeat("lång text ", 790)
	said := 0
	for ; g.first.closing(g.maria) == 0; said++ {
		if said > 5000 {
			t.Fatal("never too slow")
		}
		g.first.say(g.anna, g.conv, fmt.Sprint("k", said), text)
	}
	got := 0
	for code := 0; code == 0; {
		f, err := c.read(10 * time.Second)
		if e, ok := err.(*websocket.CloseError); ok {
			code = e.Code
			if code != 4408 {
				t.Fatalf("closed with %d", code)
			}
		} else if err != nil || f.Message == nil || f.Message.Seq != got+1 {
			t.Fatalf("after %d: %+v, %v", got, f.Message, err)
		} else {
			got++
		}
	}
	if got >= said {
		t.Fatal("nothing was lost, so nothing was too slow")
	}
	again := g.first.dial(g.maria)
	again.send("since", position{g.conv, got})
	for want := got + 1; want <= said; want++ {
		if m := again.next().Message; m == nil || m.Seq != want {
			t.Fatalf("%+v, want %d", m, want)
		}
	}
	if f := again.next().CaughtUp; f == nil || f.Seq != said {
		t.Fatalf("%+v", f)
	}
}

// closing counts the person's sockets that are being closed.
func (n *node) closing(who halsocoach.Actor) (closing int) {
	for _, k := range n.hub.of(who.ID) {
		k.mu.Lock()
		if k.closing {
			closing++
		}
		k.mu.Unlock()
	}
	return closing
}

func TestAPersonHasSoManySocketsAndNoMore(t *testing.T) {
	g := open(t, Wire{PerPerson: 3})
	for range 3 {
		g.first.joined(g.anna, g.conv)
	}
	d := websocket.Dialer{Subprotocols: []string{Protocol}}
	_, res, err := d.Dial("ws://"+g.first.addr+"/ws", g.first.header(g.anna))
	if err == nil || res == nil || res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Fatalf("one more: %v, %+v", err, res)
	}
	k := &socket{who: g.anna}
	if code, _ := g.first.hub.join(k, 3); code != 4408 {
		t.Fatalf("one that comes at the same moment: %d", code)
	}
	g.first.joined(g.maria, g.conv)
	if w := (Wire{}).orDefaults(); w.PerPerson != 50 || w.ByteRate != 4<<20 {
		t.Fatalf("%+v", w)
	}
}

func TestWhoOnlyWritesHereStaysSignedIn(t *testing.T) {
	g := open(t, Wire{})
	c := g.first.joined(g.anna, g.conv)
	c.send("typing", map[string]string{"in": g.conv})
	c.say("someone-else's", "k1", "Hej")
	c.next()
	if n := g.sessions.used("session-" + g.anna.ID); n != 0 {
		t.Fatalf("used %d times before anything was said", n)
	}
	c.say(g.conv, "k1", "Hej")
	c.next()
	g.Eventually("the session is in use", func() bool { return g.sessions.used("session-"+g.anna.ID) == 1 })
}

func TestSignOutClosesWithinFiveSeconds(t *testing.T) {
	g := open(t, Wire{})
	c, other := g.first.joined(g.anna, g.conv), g.first.joined(g.maria, g.conv)
	g.sessions.end("session-" + g.anna.ID)
	if code := c.closed(2 * time.Minute); code != 4401 {
		t.Fatalf("closed with %d", code)
	}
	g.first.say(g.anna, g.conv, "k1", "Hej")
	if other.next().Message == nil {
		t.Fatal("another session goes on")
	}
	g.Eventually("one socket is left", func() bool { return g.first.Sockets() == 1 && g.sessions.watched() == 1 })
}

func TestARestartSaysSoAndLeavesNothingBehind(t *testing.T) {
	g := open(t, Wire{})
	second := g.node(Wire{}, nil)
	time.Sleep(50 * time.Millisecond)
	before := runtime.NumGoroutine()
	const n = 60
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = second.joined([]halsocoach.Actor{g.anna, g.maria}[i%2], g.conv)
	}
	busy := runtime.NumGoroutine()
	// One goroutine here for the accepted connection, none for the client.
	if per := float64(busy-before) / n; per > 1.2 {
		t.Errorf("%.1f goroutines for an idle socket", per)
	}
	second.say(g.anna, g.conv, "k1", "Hej")
	done := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		done <- second.Drain(ctx)
	}()
	for _, c := range clients {
		if code := c.closed(10 * time.Second); code != 1012 {
			t.Fatalf("closed with %d", code)
		}
	}
	if err := <-done; err != nil || second.Sockets() != 0 {
		t.Fatalf("%v, %d sockets", err, second.Sockets())
	}
	late := second.dial(g.anna)
	if code := late.closed(10 * time.Second); code != 1012 {
		t.Fatalf("a socket after that: %d", code)
	}
	g.Eventually("no goroutine is left", func() bool { return runtime.NumGoroutine() <= before+2 })
	if c := g.settled(g.conv, 1); c.Unread.Coach != 1 {
		t.Fatalf("what was said is followed up: %+v", c)
	}
}
