package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

// enrolments stand in for the citizen's package.
type enrolments struct {
	mu    sync.Mutex
	m     map[string]halsocoach.Enrolment
	names map[string]string
}

func (e *enrolments) put(n halsocoach.Enrolment, name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.m[n.ID], e.names[n.ID] = n, name
}

func (e *enrolments) Enrolment(_ context.Context, id string) (halsocoach.Enrolment, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n, ok := e.m[id]; ok {
		return n, nil
	}
	return halsocoach.Enrolment{}, halsocoach.ErrNotFound
}

func (e *enrolments) Names(_ context.Context, ids ...string) (map[string]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := map[string]string{}
	for _, id := range ids {
		names[id] = e.names[id]
	}
	return names, nil
}

// sessions stand in for package auth: end ends one.
type sessions struct {
	mu   sync.Mutex
	all  map[string]map[*func()]struct{}
	uses map[string]int
}

func (s *sessions) Used(_ context.Context, session string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses[session]++
	return nil
}

func (s *sessions) used(session string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uses[session]
}

func (s *sessions) Watch(session string, ended func()) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[session] == nil {
		s.all[session] = map[*func()]struct{}{}
	}
	s.all[session][&ended] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.all[session], &ended)
	}
}

func (s *sessions) end(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for f := range s.all[session] {
		go (*f)()
	}
	delete(s.all, session)
}

func (s *sessions) watched() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fs := range s.all {
		n += len(fs)
	}
	return n
}

// ground is one store and bus, with conversations; nodes run on it.
type ground struct {
	*testenv.Env
	t        testing.TB
	enrol    *enrolments
	sessions *sessions
	maria    halsocoach.Actor
	anna     halsocoach.Actor
	first    *node
	conv     string // Anna's, with Maria
}

// node is one Service behind a listener on 127.0.0.1.
type node struct {
	*Service
	g    *ground
	app  *testenv.App
	addr string
}

func open(t testing.TB, wire Wire) *ground {
	t.Helper()
	g := &ground{
		Env: testenv.New(t, Kinds()), t: t,
		enrol:    &enrolments{m: map[string]halsocoach.Enrolment{}, names: map[string]string{}},
		sessions: &sessions{all: map[string]map[*func()]struct{}{}, uses: map[string]int{}},
	}
	g.maria, g.anna = g.People.Maria, g.People.Anna
	g.first = g.node(wire, nil)
	g.conv = g.enrolled("enrolment-anna", g.anna, g.maria)
	return g
}

// node runs one more node on the same store and bus.
func (g *ground) node(wire Wire, nudges Nudges) *node {
	g.t.Helper()
	if nudges == nil {
		nudges = g.Bus
	}
	svc := New(Config{
		Store: g.Store, Seal: g.Seal, Clock: g.Clock.Now, Log: g.Log, PublicURL: "https://halsocoach.example",
		Enrolments: g.enrol, Staff: g.Staff, Persons: g.Persons, AccessLog: g.AccessLog, Sessions: g.sessions, Nudges: nudges, Wire: wire,
	})
	n := &node{Service: svc, g: g}
	n.app = g.App(func(a *web.App) { svc.Routes(a.Fiber()); svc.API(a.API()) })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Must(g.t, err)
	n.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	testenv.Must(g.t, svc.Start(ctx, g.Bus))
	served := make(chan struct{})
	go func() { defer close(served); _ = n.app.Web.Serve(ln) }()
	g.t.Cleanup(func() {
		down, done := context.WithTimeout(context.Background(), 2*time.Minute)
		defer done()
		if err := svc.Drain(down); err != nil {
			g.t.Errorf("drain: %v", err)
		}
		_ = n.app.Web.Shutdown(down)
		cancel()
		<-served
	})
	return n
}

// enrolled makes an enrolment and opens its conversation.
func (g *ground) enrolled(id string, citizen, coach halsocoach.Actor) string {
	g.t.Helper()
	e := halsocoach.Enrolment{
		ID: id, Person: citizen.ID, Coach: coach.ID, Centre: coach.Centre, Kommun: coach.Kommun,
		Source: halsocoach.FromCareCentre, Topics: []halsocoach.Topic{"mat"}, Sex: "kvinna", AgeBand: "30-49", Since: g.Clock.Now(),
	}
	g.enrol.put(e, citizen.Name)
	testenv.Must(g.t, g.first.Open(g.Ctx(), halsocoach.System("test"), e))
	return id
}

// citizen is a new person with a data key.
func (g *ground) citizen(name string) halsocoach.Actor {
	g.t.Helper()
	id, err := g.Seal.NewPerson(g.Ctx())
	testenv.Must(g.t, err)
	return halsocoach.Actor{ID: id, Role: halsocoach.RoleCitizen, Name: name}
}

// protect says that the person has protected identity.
func (g *ground) protect(who halsocoach.Actor) {
	g.t.Helper()
	testenv.Must(g.t, g.Persons.Protect(g.Ctx(), g.maria, who.ID, person.ByStaff))
}

// say says something on the node without a socket.
func (n *node) say(who halsocoach.Actor, in, key, text string) Said {
	n.g.t.Helper()
	d, err := n.Say(context.Background(), who, NewMessage{In: in, Key: key, Text: text})
	if err != nil {
		n.g.t.Fatal(err)
	}
	return d
}

// settled waits until the conversation's document has followed.
func (g *ground) settled(in string, last int) Conversation {
	g.t.Helper()
	var c Conversation
	g.Eventually(fmt.Sprintf("%s has followed to %d", in, last), func() bool {
		var err error
		c, err = g.first.docs.conversations.Get(g.Ctx(), in)
		return err == nil && c.Last == last
	})
	return c
}

// frame is what a server sends, as a client reads it.
type frame struct {
	Said *struct {
		In, Key string
		Seq     int
		At      time.Time
	} `json:"said"`
	Message *struct {
		In, Key, Text string
		Seq           int
		From          sender
		At            time.Time
	} `json:"message"`
	CaughtUp *position `json:"caughtUp"`
	Read     *struct {
		In, By string
		Seq    int
	} `json:"read"`
	Typing  *struct{ In, By string } `json:"typing"`
	Refused *refusal                 `json:"refused"`
}

// client is one open socket.
type client struct {
	t    testing.TB
	conn *websocket.Conn
}

// header signs the actor in.
func (n *node) header(who halsocoach.Actor) http.Header {
	h := http.Header{}
	if who.SignedIn() {
		if who.Session == "" {
			who.Session = "session-" + who.ID
		}
		n.app.As(who).Get("/healthz") // makes the app know the session
		h.Set("X-Test-Actor", who.Session)
	}
	return h
}

func (n *node) dial(who halsocoach.Actor) *client {
	n.g.t.Helper()
	return n.dialBy(who, &net.Dialer{})
}

func (n *node) dialBy(who halsocoach.Actor, by *net.Dialer) *client {
	n.g.t.Helper()
	d := websocket.Dialer{Subprotocols: []string{Protocol}, HandshakeTimeout: 10 * time.Second, NetDialContext: by.DialContext}
	conn, res, err := d.Dial("ws://"+n.addr+"/ws", n.header(who))
	if err != nil {
		n.g.t.Fatalf("dial: %v, %+v", err, res)
	}
	if conn.Subprotocol() != Protocol {
		n.g.t.Fatalf("subprotocol %q", conn.Subprotocol())
	}
	n.g.t.Cleanup(func() { _ = conn.Close() })
	return &client{n.g.t, conn}
}

// joined dials and waits until the node knows the person's conversations.
func (n *node) joined(who halsocoach.Actor, in string) *client {
	n.g.t.Helper()
	c := n.dial(who)
	c.send("since", position{In: in, Seq: 1 << 30})
	if f := c.next(); f.CaughtUp == nil {
		n.g.t.Fatalf("got %+v", f)
	}
	return c
}

func (c *client) send(key string, v any) {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{key: v})
	testenv.Must(c.t, err)
	testenv.Must(c.t, c.conn.WriteMessage(websocket.TextMessage, body))
}

func (c *client) say(in, key, text string) {
	c.t.Helper()
	c.send("say", map[string]string{"in": in, "key": key, "text": text})
}

// next is the next frame.
func (c *client) next() frame {
	c.t.Helper()
	f, err := c.read(10 * time.Second)
	testenv.Must(c.t, err)
	return f
}

func (c *client) read(within time.Duration) (frame, error) {
	var f frame
	_ = c.conn.SetReadDeadline(time.Now().Add(within))
	_, body, err := c.conn.ReadMessage()
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(body, &f)
}

// closed reads on until the server closes, and gives the code.
func (c *client) closed(within time.Duration) int {
	c.t.Helper()
	end := time.Now().Add(within)
	for {
		_, err := c.read(time.Until(end))
		var e *websocket.CloseError
		if errors.As(err, &e) {
			return e.Code
		}
		testenv.Must(c.t, err)
	}
}

// quiet says that nothing comes for a while.
func (c *client) quiet(d time.Duration) {
	c.t.Helper()
	if f, err := c.read(d); err == nil {
		c.t.Fatalf("got %+v", f)
	}
}
