package chat

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"halsocoach/internal/testenv"
)

func TestRefusalsAreHTTPAnswers(t *testing.T) {
	g := open(t, Wire{})
	good := func() http.Header {
		h := g.first.header(g.anna)
		h.Set("Connection", "Upgrade")
		h.Set("Upgrade", "websocket")
		h.Set("Sec-WebSocket-Version", "13")
		h.Set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
		h.Set("Sec-WebSocket-Protocol", Protocol)
		return h
	}
	for _, x := range []struct {
		name   string
		change func(h http.Header)
		want   int
	}{
		{"all well", func(http.Header) {}, 101},
		{"our own host", func(h http.Header) { h.Set("Origin", "http://"+g.first.addr) }, 101},
		{"the public address", func(h http.Header) { h.Set("Origin", "https://halsocoach.example") }, 101},
		{"without subprotocol", func(h http.Header) { h.Del("Sec-WebSocket-Protocol") }, 101},
		{"ours among others", func(h http.Header) { h.Set("Sec-WebSocket-Protocol", "a, "+Protocol) }, 101},
		{"a foreign page", func(h http.Header) { h.Set("Origin", "https://evil.example") }, 403},
		{"the public host without TLS", func(h http.Header) { h.Set("Origin", "http://halsocoach.example") }, 403},
		{"a page without origin", func(h http.Header) { h.Set("Origin", "null") }, 403},
		{"a foreign page without session", func(h http.Header) { h.Set("Origin", "https://evil.example"); h.Del("X-Test-Actor") }, 403},
		{"no session", func(h http.Header) { h.Del("X-Test-Actor") }, 401},
		{"no upgrade", func(h http.Header) { h.Del("Upgrade") }, 426},
		{"an old version", func(h http.Header) { h.Set("Sec-WebSocket-Version", "8") }, 426},
		{"a broken key", func(h http.Header) { h.Set("Sec-WebSocket-Key", "????????????????????????") }, 426},
		{"another protocol", func(h http.Header) { h.Set("Sec-WebSocket-Protocol", "soap") }, 426},
	} {
		t.Run(x.name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodGet, "http://"+g.first.addr+"/ws", nil)
			testenv.Must(t, err)
			r.Header = good()
			x.change(r.Header)
			res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
			testenv.Must(t, err)
			defer res.Body.Close()
			if res.StatusCode != x.want {
				body, _ := io.ReadAll(res.Body)
				t.Fatalf("%d, want %d: %s", res.StatusCode, x.want, body)
			}
			if x.want != 101 && !strings.Contains(res.Header.Get("Content-Type"), "json") {
				t.Errorf("answered with %s", res.Header.Get("Content-Type"))
			}
		})
	}
}

func TestFramesBeforeTheAnswerEndTheConnection(t *testing.T) {
	g := open(t, Wire{})
	conn, err := net.Dial("tcp", g.first.addr)
	testenv.Must(t, err)
	defer conn.Close()
	session := g.first.header(g.anna).Get("X-Test-Actor")
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nX-Test-Actor: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\x81\x80abcd", g.first.addr, session)
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
	if _, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("still open: %v", err)
	}
	g.Eventually("no socket is left", func() bool { return g.first.Sockets() == 0 })
}
