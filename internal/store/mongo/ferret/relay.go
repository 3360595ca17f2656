package ferret

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Relay stands between clients and a server. It lets one command through at a
// time, in the order they come, and can be told to misbehave.
type Relay struct {
	behind string
	addr   string
	turn   chan struct{}

	commands, bytes atomic.Int64

	mu     sync.Mutex
	ln     net.Listener // nil while it is down
	conns  map[net.Conn]bool
	fault  func(Command) Fault
	greet  bson.D         // is added to the server's greeting
	sizes  map[string]int // by collection: about how many documents
	served sync.WaitGroup
}

// Command is what a client asks.
type Command struct {
	Name string // "update"
	Body bson.Raw
}

// Fault is what is done to a command. The zero value is nothing.
type Fault struct {
	Delay  time.Duration // before it goes through
	Cut    bool          // the connection, before the command has gone through
	Lose   bool          // the answer: the command goes through, and the connection is cut
	Answer bson.D        // in place of the server's
}

// NewRelay listens on addr and passes on to the address behind.
func NewRelay(addr, behind string) (*Relay, error) {
	r := &Relay{behind: behind, addr: addr, turn: make(chan struct{}, 1), conns: map[net.Conn]bool{}, sizes: map[string]int{}}
	return r, r.Up()
}

// Addr is where it listens, also while it is down.
func (r *Relay) Addr() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.addr
}

// Up begins to listen.
func (r *Relay) Up() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	ln, err := net.Listen("tcp", r.addr)
	if err != nil {
		return fmt.Errorf("ferret: relay: %w", err)
	}
	r.ln, r.addr = ln, ln.Addr().String()
	r.served.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			r.served.Go(func() { r.serve(c) })
		}
	})
	return nil
}

// Down stops to listen and cuts every connection: the server is gone.
func (r *Relay) Down() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ln != nil {
		_ = r.ln.Close()
		r.ln = nil
	}
	for c := range r.conns {
		_ = c.Close()
	}
}

// Close ends it.
func (r *Relay) Close() {
	r.Down()
	r.served.Wait()
}

// Misbehave asks f before each command what is to be done to it; nil ends it. f
// is called by many at once.
func (r *Relay) Misbehave(f func(Command) Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// Greet makes the server say more of itself in its greeting.
func (r *Relay) Greet(more bson.D) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.greet = more
}

// Passed is how many commands have gone through, and their bytes with the
// answers'.
func (r *Relay) Passed() (commands, bytes int64) { return r.commands.Load(), r.bytes.Load() }

func (r *Relay) faultOf(c Command) Fault {
	r.mu.Lock()
	f := r.fault
	r.mu.Unlock()
	if f == nil {
		return Fault{}
	}
	return f(c)
}

// keep notes a connection, unless the relay is down.
func (r *Relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ln == nil {
		return false
	}
	r.conns[c] = true
	return true
}

func (r *Relay) drop(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
	_ = c.Close()
}

// serve passes the commands of one client on until one of the sides is cut.
func (r *Relay) serve(client net.Conn) {
	defer r.drop(client)
	if !r.keep(client) {
		return
	}
	server, err := net.Dial("tcp", r.behind)
	if err != nil {
		return
	}
	defer server.Close()
	for {
		m, err := readMessage(client)
		if err != nil {
			return
		}
		answer, err := r.pass(server, m)
		if err != nil {
			return
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

var errCut = errors.New("ferret: cut")

// pass sends one message through, when it is its turn, and returns the answer.
func (r *Relay) pass(server net.Conn, m []byte) ([]byte, error) {
	c := commandOf(m)
	f := r.faultOf(c)
	time.Sleep(f.Delay)
	if f.Cut {
		return nil, errCut
	}
	if f.Answer != nil {
		return answerTo(m, f.Answer)
	}
	if c.Name != "hello" {
		r.turn <- struct{}{}
		defer func() { <-r.turn }()
		r.commands.Add(1)
	}
	if text := refusal(c, m); text != "" {
		return answerTo(m, bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: 2}, {Key: "codeName", Value: "BadValue"}, {Key: "errmsg", Value: text}})
	}
	m, err := whole(c, m)
	if err != nil {
		return nil, err
	}
	answer, err := line{server, r}.exchange(c, m)
	if err == nil && c.Name == "hello" {
		answer, err = r.greeting(answer)
	}
	if err == nil && f.Lose {
		err = errCut
	}
	if c.Name != "hello" {
		r.bytes.Add(int64(len(m) + len(answer)))
	}
	return answer, err
}

// The wire protocol's opcodes that are met here.
const (
	opReply    = 1
	opMessage  = 2013
	headerSize = 16
	mostBytes  = 64 << 20
)

// readMessage reads one message: its length, and the rest.
func readMessage(from io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(length[:])
	if n < headerSize || n > mostBytes {
		return nil, fmt.Errorf("ferret: a message of %d bytes", n)
	}
	m := make([]byte, n)
	copy(m, length[:])
	_, err := io.ReadFull(from, m[4:])
	return m, err
}

// commandOf reads the command of a message. What is not a plain one, as the
// first greeting, counts as hello.
func commandOf(m []byte) Command {
	const body = headerSize + 4 + 1 // after the flags and the section's kind
	if binary.LittleEndian.Uint32(m[12:]) != opMessage || len(m) < body+5 || m[body-1] != 0 {
		return Command{Name: "hello"}
	}
	size := int(binary.LittleEndian.Uint32(m[body:]))
	if size > len(m)-body {
		return Command{Name: "hello"}
	}
	c := Command{Body: bson.Raw(m[body : body+size])}
	if all, err := c.Body.Elements(); err == nil && len(all) > 0 {
		c.Name = all[0].Key()
	}
	if c.Name == "isMaster" || c.Name == "ismaster" {
		c.Name = "hello"
	}
	return c
}

// refusal says why the relay refuses a command: MongoDB takes it, and a server
// that speaks MongoDB's language does not, or does it wrongly.
func refusal(c Command, m []byte) string {
	if order, ok := c.Body.Lookup("sort").DocumentOK(); ok && len(order) == 5 {
		return "the sort is empty"
	}
	_, updates := cut(c, m, "updates")
	for _, u := range updates {
		if u.Lookup("upsert").Type == bson.TypeBoolean && u.Lookup("upsert").Boolean() {
			return "of two upserts at once one would be lost"
		}
	}
	return ""
}

// whole asks for a whole array where only its first element is asked for:
// FerretDB can not cut it.
func whole(c Command, m []byte) ([]byte, error) {
	if c.Name != "find" || c.Body.Lookup("projection", "ev", "$slice").IsZero() {
		return m, nil
	}
	var body bson.D
	if err := bson.Unmarshal(c.Body, &body); err != nil {
		return nil, err
	}
	for i, e := range body {
		if e.Key == "projection" {
			body[i].Value = bson.D{{Key: "ev", Value: 1}}
		}
	}
	out, err := answerTo(m, body)
	if err == nil {
		copy(out[4:12], m[4:12]) // it is a question, with the number of the client's
	}
	return out, err
}

// greeting adds to the server's greeting what it is told to say.
func (r *Relay) greeting(m []byte) ([]byte, error) {
	r.mu.Lock()
	more := r.greet
	r.mu.Unlock()
	at := headerSize + 5
	if binary.LittleEndian.Uint32(m[12:]) == opReply {
		at = headerSize + 20
	}
	var doc bson.D
	if err := bson.Unmarshal(m[at:], &doc); err != nil || more == nil {
		return m, err
	}
	body, err := bson.Marshal(append(doc, more...))
	m = append(m[:at:at], body...)
	binary.LittleEndian.PutUint32(m, uint32(len(m)))
	return m, err
}

// answerTo makes an answer of the server's.
func answerTo(m []byte, doc any) ([]byte, error) {
	body, err := bson.Marshal(doc)
	if err != nil {
		return nil, err
	}
	out := make([]byte, headerSize+5, headerSize+5+len(body))
	binary.LittleEndian.PutUint32(out, uint32(cap(out)))
	copy(out[8:12], m[4:8]) // it responds to
	binary.LittleEndian.PutUint32(out[12:], opMessage)
	return append(out, body...), nil
}
