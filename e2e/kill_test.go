package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"halsocoach/internal/testenv"
)

// said is a message that the server has acknowledged.
type said struct {
	client             *Client
	conversation, text string
	seq                int
}

// booking is a place that the server has confirmed.
type booking struct {
	client       *Client
	occasion, id string
}

// acks are what the server has promised to keep.
type acks struct {
	mu       sync.Mutex
	said     []said
	bookings []booking
	n        atomic.Int64
}

func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	dir := filled(t, today)
	rounds := testenv.Count(2, 20)
	var messages, places int
	for round := range rounds {
		d := StartOn(t, dir, today)
		people := d.crowd(t, 24)
		var a acks
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i, p := range people {
			wg.Add(2)
			go func() { defer wg.Done(); p.talk(ctx, &a, fmt.Sprintf("r%d-p%d", round, i)) }()
			go func() { defer wg.Done(); p.book(ctx, &a, d.occasions(t, "0684", d.Begins), i) }()
		}
		for began := time.Now(); a.n.Load() < 20; time.Sleep(time.Millisecond) {
			if time.Since(began) > patience {
				t.Fatal("fewer than 20 acknowledgements")
			}
		}
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
		d.Kill()
		stop()
		wg.Wait()
		again := StartOn(t, dir, today)
		a.check(t, again)
		messages += len(a.said)
		places += len(a.bookings)
		again.Stop()
	}
	t.Logf("%d kills: %d messages and %d bookings acknowledged, every one there after the restart", rounds, messages, places)
	if messages == 0 || places == 0 {
		t.Fatal("the test has tested nothing")
	}
}

// conversation is the person's first conversation, or "".
func (c *Client) conversation(ctx context.Context) string {
	var list struct {
		Items []struct{ ID string }
	}
	if _, _, err := c.Call(ctx, http.MethodGet, "/api/v1/conversations", "", nil, &list); err != nil || len(list.Items) == 0 {
		return ""
	}
	return list.Items[0].ID
}

// talk says as much as it can over the socket until the server is gone.
func (c *Client) talk(ctx context.Context, a *acks, mark string) {
	in := c.conversation(ctx)
	if in == "" {
		return
	}
	dial := websocket.Dialer{Subprotocols: []string{"halsocoach.v1"}, HandshakeTimeout: patience}
	ws, _, err := dial.DialContext(ctx, strings.Replace(c.demo.URL, "http", "ws", 1)+"/ws", http.Header{"Authorization": {"Bearer " + c.Token}, "Origin": {c.demo.URL}})
	if err != nil {
		return
	}
	defer ws.Close()
	for i := 0; ctx.Err() == nil; i++ {
		text, key := fmt.Sprintf("%s-%d", mark, i), halsocoachKey()
		if ws.WriteJSON(map[string]any{"say": map[string]any{"in": in, "key": key, "text": text}}) != nil {
			return
		}
		for {
			_ = ws.SetReadDeadline(time.Now().Add(patience))
			var f struct {
				Said *struct {
					Key string
					Seq int
				}
			}
			_, b, err := ws.ReadMessage()
			if err != nil {
				return
			}
			if json.Unmarshal(b, &f) == nil && f.Said != nil && f.Said.Key == key {
				a.mu.Lock()
				a.said = append(a.said, said{c, in, text, f.Said.Seq})
				a.mu.Unlock()
				a.n.Add(1)
				break
			}
		}
		time.Sleep(time.Duration(20+rand.IntN(20)) * time.Millisecond) // below 30 frames a second
	}
}

// book takes one place after another until the server is gone.
func (c *Client) book(ctx context.Context, a *acks, all []occasion, from int) {
	for i := range all {
		o := all[(i+from)%len(all)]
		var got struct{ ID, Status string }
		status, _, err := c.Call(ctx, http.MethodPost, "/api/v1/occasions/"+o.ID+"/bookings", "", map[string]any{"reserve": true}, &got)
		if err != nil {
			return
		}
		if status == 201 && got.ID != "" {
			a.mu.Lock()
			a.bookings = append(a.bookings, booking{c, o.ID, got.ID})
			a.mu.Unlock()
			a.n.Add(1)
		}
	}
}

// check asks the restarted server for everything that was acknowledged.
func (a *acks) check(t *testing.T, d *Demo) {
	t.Helper()
	seen := map[string]map[int]string{}
	for _, s := range a.said {
		if seen[s.conversation] == nil {
			seen[s.conversation] = (&Client{demo: d, Token: s.client.Token}).history(t, s.conversation)
		}
		if seen[s.conversation][s.seq] != s.text {
			t.Errorf("message %d was acknowledged as %q and is %q", s.seq, s.text, seen[s.conversation][s.seq])
		}
	}
	for _, h := range seen {
		for n := 1; n <= len(h); n++ {
			if _, ok := h[n]; !ok {
				t.Errorf("number %d is missing of %d", n, len(h))
			}
		}
	}
	for _, b := range a.bookings {
		var got struct{ ID, Status string }
		c := &Client{demo: d, Token: b.client.Token}
		status, body, err := c.Call(t.Context(), http.MethodPost, "/api/v1/occasions/"+b.occasion+"/bookings", "", map[string]any{"reserve": true}, &got)
		if err != nil || status != 200 || got.ID != b.id {
			t.Errorf("the booking %s was confirmed; now %d %v %s", b.id, status, err, body)
		}
	}
}

// history is every message of a conversation by its number.
func (c *Client) history(t *testing.T, conversation string) map[int]string {
	t.Helper()
	all := map[int]string{}
	since := 0
	for {
		var page struct {
			Items []struct {
				Seq  int
				Text string
			}
			Next any
		}
		status, body, err := c.Call(t.Context(), http.MethodGet, fmt.Sprintf("/api/v1/conversations/%s/messages?since=%d&limit=100", conversation, since), "", nil, &page)
		if err != nil || status != 200 {
			t.Fatalf("messages: %d %v %s", status, err, body)
		}
		for _, m := range page.Items {
			if _, twice := all[m.Seq]; twice {
				t.Fatal(errors.New("a number came twice"))
			}
			all[m.Seq] = m.Text
			since = max(since, m.Seq)
		}
		if page.Next == nil || len(page.Items) == 0 {
			return all
		}
	}
}

func halsocoachKey() string {
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rand.Uint32(), rand.IntN(1<<16), rand.IntN(1<<12), rand.IntN(1<<12), rand.Int64N(1<<48))
}
