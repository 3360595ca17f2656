package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// load is what people do while nodes come and go.
type load struct {
	at       func(i int) string // the address for the i-th try
	sides    []*side
	bookers  []*booker
	acks     atomic.Int64
	faults   sync.Map // what a client must never see
	restarts atomic.Int64
	ctx      context.Context
	stop     context.CancelFunc
	work     sync.WaitGroup
}

func (l *load) fault(format string, args ...any) { l.faults.Store(fmt.Sprintf(format, args...), true) }

// side is one of the two in a conversation: it says things, keeps what it gets,
// and comes back with since whenever its socket is lost.
type side struct {
	load  *load
	token string
	in    string
	mark  string
	tries int // the node it is on, and how often it has changed

	log   map[int]string // number → text; whole up to last
	last  int
	acked map[int]string // number → text of its own that were acknowledged
	keys  map[string]string
	n     int
}

// frameOf is what a server sends.
type frameOf struct {
	Said *struct {
		In, Key string
		Seq     int
	}
	Message *struct {
		In, Text string
		Seq      int
	}
	CaughtUp *struct {
		In  string
		Seq int
	}
	Refused *struct{ In, Key, Code string }
}

// talk says and hears until the load stops; then it waits until it has all.
func (s *side) talk() {
	var unsaid string // the key that is not acknowledged yet
	for s.load.ctx.Err() == nil || unsaid != "" {
		s.visit(&unsaid)
		s.tries++
		time.Sleep(20 * time.Millisecond)
	}
}

// visit is one socket, from its opening until it is lost.
func (s *side) visit(unsaid *string) {
	ws, err := s.dial(context.Background())
	if err != nil {
		return
	}
	defer ws.Close()
	if !s.catchUp(ws) {
		return
	}
	for s.load.ctx.Err() == nil || *unsaid != "" {
		if *unsaid == "" {
			*unsaid = newKey()
			s.keys[*unsaid] = fmt.Sprintf("%s-%d", s.mark, s.n)
			s.n++
		}
		if ws.WriteJSON(map[string]any{"say": map[string]string{"in": s.in, "key": *unsaid, "text": s.keys[*unsaid]}}) != nil {
			return
		}
		for *unsaid != "" {
			f, ok := s.read(ws)
			switch {
			case !ok:
				return
			case f.Refused != nil && f.Refused.Key == *unsaid:
				if f.Refused.Code != "busy" && f.Refused.Code != "fault" {
					s.load.fault("a say was refused: %s", f.Refused.Code)
				}
				return
			case f.Said != nil && f.Said.Key == *unsaid:
				s.acked[f.Said.Seq] = s.keys[*unsaid]
				*unsaid = ""
				s.load.acks.Add(1)
			}
		}
		time.Sleep(time.Duration(40+rand.IntN(20)) * time.Millisecond)
	}
}

func (s *side) dial(ctx context.Context) (*websocket.Conn, error) {
	at := s.load.at(s.tries)
	d := websocket.Dialer{Subprotocols: []string{"halsocoach.v1"}, HandshakeTimeout: patience}
	ws, res, err := d.DialContext(ctx, strings.Replace(at, "http", "ws", 1)+"/ws", http.Header{"Authorization": {"Bearer " + s.token}})
	if err != nil && res != nil {
		s.load.fault("a socket was answered %d", res.StatusCode)
	}
	return ws, err
}

// catchUp asks for what it lacks, and hears until it is told that this is all.
func (s *side) catchUp(ws *websocket.Conn) bool {
	if ws.WriteJSON(map[string]any{"since": map[string]any{"in": s.in, "seq": s.last}}) != nil {
		return false
	}
	for {
		f, ok := s.read(ws)
		if !ok {
			return false
		}
		if f.CaughtUp != nil && f.CaughtUp.In == s.in {
			return true
		}
	}
}

// read takes one frame and keeps what it says.
func (s *side) read(ws *websocket.Conn) (f frameOf, ok bool) {
	_ = ws.SetReadDeadline(time.Now().Add(patience))
	_, b, err := ws.ReadMessage()
	if err != nil {
		var e *websocket.CloseError
		switch {
		case errors.As(err, &e) && e.Code == websocket.CloseServiceRestart:
			s.load.restarts.Add(1)
		case errors.As(err, &e) && e.Code != websocket.CloseAbnormalClosure:
			s.load.fault("a socket was closed with %d", e.Code)
		}
		return f, false
	}
	if err := json.Unmarshal(b, &f); err != nil {
		s.load.fault("not a frame: %s", b)
		return f, false
	}
	seq, text := 0, ""
	switch {
	case f.Message != nil && f.Message.In == s.in:
		seq, text = f.Message.Seq, f.Message.Text
	case f.Said != nil && f.Said.In == s.in:
		seq, text = f.Said.Seq, s.keys[f.Said.Key]
	default:
		return f, true
	}
	switch {
	case seq <= s.last: // a number it has
		if s.log[seq] != text {
			s.load.fault("number %d was %q and came as %q", seq, s.log[seq], text)
		}
	case seq == s.last+1:
		s.log[seq], s.last = text, seq
	case f.Message != nil: // a gap: ask, as the protocol says
		if ws.WriteJSON(map[string]any{"since": map[string]any{"in": s.in, "seq": s.last}}) != nil {
			return f, false
		}
	}
	return f, true
}

// whole comes back once more, when nobody says anything, and gets the rest.
func (s *side) whole(t *testing.T) {
	t.Helper()
	for began := time.Now(); ; s.tries++ {
		if ws, err := s.dial(t.Context()); err == nil {
			done := s.catchUp(ws)
			ws.Close()
			if done {
				return
			}
		}
		if time.Since(began) > patience {
			t.Fatal("a side could not catch up")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// booker takes one place after the other and gives them back again, asking
// elsewhere until it has an answer.
type booker struct {
	load      *load
	token     string
	tries     int
	confirmed map[string]string // occasion → booking
}

func (b *booker) book(all []occasion) {
	for i := b.tries; b.load.ctx.Err() == nil; i++ {
		o := all[i%len(all)]
		if id := b.confirmed[o.ID]; id != "" {
			delete(b.confirmed, o.ID) // until there is an answer nobody knows
			b.ask(http.MethodDelete, "/api/v1/bookings/"+id, nil)
		} else if got, ok := b.ask(http.MethodPost, "/api/v1/occasions/"+o.ID+"/bookings", map[string]any{"reserve": true}); ok {
			b.confirmed[o.ID] = got
		}
		time.Sleep(time.Duration(100+rand.IntN(100)) * time.Millisecond)
	}
}

// ask sends a wish, with the same key every time, until it is answered. A place
// that can not be had is an answer too.
func (b *booker) ask(method, path string, wish any) (id string, ok bool) {
	for key := newKey(); ; b.tries++ {
		var got struct{ ID string }
		out := any(&got)
		if method == http.MethodDelete {
			out = nil
		}
		c := &Client{demo: &Demo{URL: b.load.at(b.tries)}, Token: b.token}
		status, body, err := c.Call(context.Background(), method, path, key, wish, out)
		switch {
		case err == nil && status < 300:
			b.load.acks.Add(1)
			return got.ID, true
		case err == nil && status == http.StatusConflict:
			return "", false
		case err == nil:
			b.load.fault("%s was answered %d %s", method, status, body)
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// begin finds pairs of a citizen and their coach and has them talk and book. The
// citizen of a pair begins on one node, the coach on the other.
func (f *fleet) begin(pairs int, at func(i int) string) *load {
	t := f.t
	t.Helper()
	l := &load{at: at}
	l.ctx, l.stop = context.WithCancel(context.Background())
	t.Cleanup(l.stop)
	coaches := f.coaches()
	people := f.node(0).crowd(t, 6*pairs)
	all := f.node(0).occasions(t, "0684", f.node(0).Begins)
	for i, p := range people {
		if i < 3*pairs {
			l.bookers = append(l.bookers, &booker{load: l, token: p.Token, tries: i, confirmed: map[string]string{}})
		}
		in := p.openConversation(t)
		coach := coaches[in]
		if in == "" || coach == "" || len(l.sides) == 2*pairs {
			continue
		}
		delete(coaches, in)
		for n, token := range []string{p.Token, coach} {
			l.sides = append(l.sides, &side{load: l, token: token, in: in, mark: fmt.Sprintf("%d.%d", i, n), tries: len(l.sides)/2 + n,
				log: map[int]string{}, acked: map[int]string{}, keys: map[string]string{}})
		}
	}
	if len(l.sides) < 2*pairs {
		t.Fatalf("%d of %d pairs", len(l.sides)/2, pairs)
	}
	for _, s := range l.sides {
		l.work.Go(s.talk)
	}
	for _, b := range l.bookers {
		l.work.Go(func() { b.book(all) })
	}
	return l
}

// coaches are the tokens of those who coach in each conversation that is open.
func (f *fleet) coaches() map[string]string {
	f.t.Helper()
	of := map[string]string{}
	for n := 1; n <= 13; n++ {
		c := f.node(1).MustAs(fmt.Sprintf("coach:%d", n))
		for _, in := range c.openConversations(f.t) {
			of[in] = c.Token
		}
	}
	return of
}

func (c *Client) openConversations(t *testing.T) (ids []string) {
	t.Helper()
	for after := ""; ; {
		var list struct {
			Items []struct {
				ID    string
				Ended bool
			}
			Next string
		}
		status, body, err := c.Call(t.Context(), http.MethodGet, "/api/v1/conversations?after="+url.QueryEscape(after), "", nil, &list)
		if err != nil || status != 200 {
			t.Fatalf("conversations: %d %v %s", status, err, body)
		}
		for _, item := range list.Items {
			if !item.Ended {
				ids = append(ids, item.ID)
			}
		}
		if after = list.Next; after == "" {
			return ids
		}
	}
}

func (c *Client) openConversation(t *testing.T) string {
	t.Helper()
	if ids := c.openConversations(t); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// more waits until so many more acknowledgements have come.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	want := l.acks.Load() + n
	for began := time.Now(); l.acks.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("fewer than %d acknowledgements", n)
		}
	}
}

// check stops the load and asks for everything that was acknowledged.
func (l *load) check(t *testing.T, f *fleet) (messages, places int) {
	t.Helper()
	l.stop()
	l.work.Wait()
	for _, s := range l.sides {
		s.whole(t)
	}
	for i := 0; i < len(l.sides); i += 2 {
		a, b := l.sides[i], l.sides[i+1]
		if a.last != b.last {
			t.Errorf("one side has %d messages, the other %d", a.last, b.last)
		}
		times := map[string]int{}
		for n := 1; n <= a.last; n++ {
			if a.log[n] != b.log[n] {
				t.Errorf("number %d is %q here and %q there", n, a.log[n], b.log[n])
			}
			times[a.log[n]]++
		}
		for _, s := range []*side{a, b} {
			for seq, text := range s.acked {
				if s.log[seq] != text || times[text] != 1 {
					t.Errorf("%q was acknowledged as number %d, which is %q; it came %d times", text, seq, s.log[seq], times[text])
				}
				messages++
			}
		}
	}
	for _, b := range l.bookers {
		c := &Client{demo: f.node(0), Token: b.token}
		for occasion, id := range b.confirmed {
			var got struct{ ID, Status string }
			status, body, err := c.Call(t.Context(), http.MethodPost, "/api/v1/occasions/"+occasion+"/bookings", "", map[string]any{"reserve": true}, &got)
			if err != nil || status != 200 || got.ID != id {
				t.Errorf("the booking %s was confirmed; now %d %v %s", id, status, err, body)
			}
			places++
		}
	}
	for i := range f.nodes {
		d := f.node(i)
		for _, o := range d.occasions(t, "0684", d.Begins) {
			if o.Booked > o.Capacity {
				t.Errorf("%s holds %d of %d", o.title, o.Booked, o.Capacity)
			}
		}
	}
	return messages, places
}

func newKey() string {
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rand.Uint32(), rand.IntN(1<<16), rand.IntN(1<<12), rand.IntN(1<<12), rand.Int64N(1<<48))
}
