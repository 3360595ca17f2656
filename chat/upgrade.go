package chat

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/websocket"

	"halsocoach"
	"halsocoach/internal/web"
)

var (
	errOrigin  = halsocoach.Forbidden("Chatten kan bara öppnas från vår egen webbplats.")
	errSockets = fiber.NewError(fiber.StatusTooManyRequests, "so many sockets are open already; close some")
	errUpgrade = fiber.NewError(fiber.StatusUpgradeRequired, "Upgrade: websocket, Sec-WebSocket-Protocol: "+Protocol)
)

var upgrader = websocket.Upgrader{
	ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10, WriteBufferPool: &sync.Pool{},
	HandshakeTimeout: 5 * time.Second,
	Subprotocols:     []string{Protocol},
	CheckOrigin:      func(*http.Request) bool { return true }, // done before, see connect
}

// connect answers GET /ws. Whose origin or session is wrong gets an HTTP answer;
// then the connection is taken from the HTTP server, which answers nothing, and
// served in a goroutine of our own. The server's App must keep hijacked
// connections; package web sees to it.
func (s *Service) connect(c *fiber.Ctx) error {
	c.Request().Header.Set(fiber.HeaderAccept, "application/problem+json") // a socket's client can not follow pages
	if !s.ourOrigin(c.Get(fiber.HeaderOrigin), string(c.Request().Host())) {
		return errOrigin
	}
	who := web.Who(c)
	if !who.SignedIn() {
		return halsocoach.ErrSignIn
	}
	r := &http.Request{Method: c.Method(), Host: string(c.Request().Host()), Header: http.Header{}}
	for key, value := range c.Request().Header.All() {
		r.Header.Add(string(key), string(value))
	}
	if !handshake(r) {
		c.Set(fiber.HeaderUpgrade, "websocket")
		return errUpgrade
	}
	if len(s.hub.of(who.ID)) >= s.cfg.Wire.PerPerson { // join has the last word
		c.Set(fiber.HeaderRetryAfter, "30")
		return errSockets
	}
	k := &socket{svc: s, who: who, ctx: context.WithoutCancel(web.Ctx(c))}
	k.room = sync.NewCond(&k.mu)
	c.Context().HijackSetNoResponse(true)
	c.Context().Hijack(func(conn net.Conn) { k.begin(conn, r) })
	return nil
}

// begin runs when the HTTP server has let go of the connection, so that the
// deadlines set here stay. Its own buffered reader is left behind: a client that
// has sent frames before the answer has broken the protocol.
func (k *socket) begin(conn net.Conn, r *http.Request) {
	k.svc.work.begin()
	_ = conn.SetReadDeadline(time.Unix(1, 0))
	early, _ := conn.Read(make([]byte, 1))
	_ = conn.SetReadDeadline(time.Time{})
	k.raw = conn
	if under, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
		k.raw = under.UnsafeConn()
	}
	var err error
	if k.conn, err = upgrader.Upgrade(taken{conn: &metered{Conn: k.raw, k: k}}, r, nil); err != nil || early > 0 {
		_ = k.raw.Close()
		k.svc.work.end()
		return
	}
	go k.serve()
}

// metered is the connection as gorilla reads it. Frames that hold nothing, and
// the pieces of one that never ends, are swallowed in there, but their bytes are
// counted here.
type metered struct {
	net.Conn
	k    *socket
	pace pace
}

var errFlood = errors.New("chat: too many bytes")

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if w := m.k.svc.cfg.Wire; m.pace.more(time.Now(), n, w.ByteRate, w.PaceFor) {
		m.k.close(closeFlood, "too many bytes")
		return 0, errFlood
	}
	return n, err
}

// taken is the least that gorilla needs of a response that can be hijacked.
// Since handshake has seen the request, nothing is ever answered through it.
type taken struct{ conn net.Conn }

func (taken) Header() http.Header         { return http.Header{} }
func (taken) Write(p []byte) (int, error) { return len(p), nil }
func (taken) WriteHeader(int)             {}

func (t taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return t.conn, bufio.NewReadWriter(bufio.NewReaderSize(t.conn, 16), bufio.NewWriterSize(t.conn, 16)), nil
}

// handshake checks all that gorilla would refuse, while there still is an HTTP
// answer to give. A client that names subprotocols must name ours.
func handshake(r *http.Request) bool {
	offered := websocket.Subprotocols(r)
	ours := len(offered) == 0
	for _, p := range offered {
		ours = ours || p == Protocol
	}
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-Websocket-Key"))
	return ours && r.Method == http.MethodGet && websocket.IsWebSocketUpgrade(r) &&
		r.Header.Get("Sec-Websocket-Version") == "13" && err == nil && len(key) == 16
}

// ourOrigin: a browser says from which page it comes. Without an Origin it is
// not a browser.
func (s *Service) ourOrigin(origin, host string) bool {
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, host) || strings.EqualFold(u.Scheme+"://"+u.Host, strings.TrimSuffix(s.cfg.PublicURL, "/"))
}
