package chat

import (
	"cmp"
	"context"
	"io"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"halsocoach"
)

// Close codes of /ws.
const (
	closeBinary    = websocket.CloseUnsupportedData
	closeNonsense  = websocket.CloseInvalidFramePayloadData
	closeTooBig    = websocket.CloseMessageTooBig
	closeRestart   = websocket.CloseServiceRestart
	closeSignIn    = 4401
	closeForbidden = 4403
	closeSlow      = 4408
	closeFlood     = 4429
)

// Wire is the time and room that a socket is given. Zero values are replaced by
// those of PROTOCOL.md.
type Wire struct {
	PingEvery   time.Duration // shorter than PongWithin
	PongWithin  time.Duration // without a sign of life for so long, a socket is dead
	WriteWithin time.Duration // a write that takes longer has failed
	Linger      time.Duration // how long the other side may take to close
	MendEvery   time.Duration // how often lost nudges are looked for
	FrameLimit  int64         // bytes of a frame from a client
	QueueFrames int           // frames that may wait for a slow reader
	QueueBytes  int
	PerSecond   int // frames a second that are fine
	ByteRate    int // bytes a second that are fine, however they are framed
	PaceFor     int // seconds in a row above one of them that end in a close
	PerPerson   int // sockets that a person may have open on a node
	Nonsense    int // meaningless frames in a row that end in a close
}

func (w Wire) orDefaults() Wire {
	return Wire{
		PingEvery:   cmp.Or(w.PingEvery, 25*time.Second),
		PongWithin:  cmp.Or(w.PongWithin, 60*time.Second),
		WriteWithin: cmp.Or(w.WriteWithin, 10*time.Second),
		Linger:      cmp.Or(w.Linger, 2*time.Second),
		MendEvery:   cmp.Or(w.MendEvery, 5*time.Second),
		FrameLimit:  cmp.Or(w.FrameLimit, 64<<10),
		QueueFrames: cmp.Or(w.QueueFrames, 512),
		QueueBytes:  cmp.Or(w.QueueBytes, 1<<20),
		PerSecond:   cmp.Or(w.PerSecond, 30),
		ByteRate:    cmp.Or(w.ByteRate, 4<<20),
		PaceFor:     cmp.Or(w.PaceFor, 10),
		PerPerson:   cmp.Or(w.PerPerson, 50),
		Nonsense:    cmp.Or(w.Nonsense, 10),
	}
}

// socket is one open connection. Its reader runs in serve; a writer runs only
// while the queue holds something, and all that goes out goes through it.
type socket struct {
	svc  *Service
	who  halsocoach.Actor
	ctx  context.Context // holds the language; never ends
	conn *websocket.Conn
	raw  net.Conn

	mu       sync.Mutex
	queue    [][]byte
	size     int
	writing  bool
	closing  bool // the queue's last frame is a close
	room     *sync.Cond
	catching string              // the conversation that since is reading
	covered  map[string]struct{} // staff: conversations with a row in the access log

	pace     pace
	nonsense int
}

// serve reads until the socket ends.
func (k *socket) serve() {
	defer k.svc.work.end()
	defer k.raw.Close()
	if code, reason := k.svc.hub.join(k, k.svc.cfg.Wire.PerPerson); code != 0 {
		k.close(code, reason)
		k.drain()
		return
	}
	defer k.svc.hub.leave(k)
	if !k.who.Is(halsocoach.RoleCitizen, halsocoach.RoleCoach) {
		k.close(closeForbidden, "no chat for this account")
		k.drain()
		return
	}
	k.beat()
	stop := k.settleIn()
	defer stop()
	k.conn.SetPongHandler(func(string) error { k.counts(); k.extend(); return nil })
	k.conn.SetPingHandler(func(data string) error {
		if k.counts(); k.extend() {
			k.send(control(websocket.PongMessage, []byte(data)))
		}
		return nil
	})
	k.conn.SetCloseHandler(func(code int, _ string) error { k.close(code, ""); return nil })
	k.read()
	k.drain()
}

// settleIn watches the session and enters the conversations. That asks the store,
// deep down, so it runs on a stack of its own: the reader's stays small while the
// socket is quiet.
func (k *socket) settleIn() (stop func()) {
	stop = func() {}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if k.svc.cfg.Sessions != nil && k.who.Session != "" {
			stop = k.svc.cfg.Sessions.Watch(k.who.Session, func() { k.close(closeSignIn, "sign in") })
		}
		k.enter()
	}()
	<-done
	return stop
}

// read takes frames until the connection fails or the socket is closing.
func (k *socket) read() {
	w := k.svc.cfg.Wire
	for k.extend() {
		kind, r, err := k.conn.NextReader()
		if err != nil {
			return
		}
		body := bodies.Get().(*[]byte)
		*body, err = fill((*body)[:0], r, w.FrameLimit)
		switch {
		case err == errFrame:
			k.close(closeTooBig, "frame over 64 kB")
		case err != nil:
			return
		case k.counts():
		case kind == websocket.BinaryMessage:
			k.close(closeBinary, "text frames only")
		case !utf8.Valid(*body):
			k.close(closeNonsense, "not UTF-8")
		default:
			k.take(*body)
		}
		if cap(*body) <= 8<<10 {
			bodies.Put(body)
		}
	}
}

// counts counts a frame, also one of control; true when there are too many, and
// the socket is closing.
func (k *socket) counts() bool {
	w := k.svc.cfg.Wire
	if !k.pace.more(time.Now(), 1, w.PerSecond, w.PaceFor) {
		return false
	}
	k.close(closeFlood, "too many frames")
	return true
}

// take follows one frame. A fault is answered by refused.
func (k *socket) take(body []byte) {
	a, err := parse(body)
	if err != nil {
		if k.nonsense++; k.nonsense >= k.svc.cfg.Wire.Nonsense {
			k.close(closeNonsense, "frames that mean nothing")
			return
		}
		k.refuse("", "", err)
		return
	}
	k.nonsense = 0
	ctx, cancel := context.WithTimeout(k.ctx, 5*time.Second)
	defer cancel()
	switch {
	case a.Say != nil:
		if _, _, err := k.svc.say(ctx, k.who, NewMessage(*a.Say), k); err != nil {
			k.refuse(a.Say.In, a.Say.Key, err)
			return
		}
		k.used(ctx)
	case a.Since != nil:
		if err := k.since(a.Since.In, a.Since.Seq); err != nil {
			k.refuse(a.Since.In, "", err)
		}
	case a.Read != nil:
		if err := k.svc.hasRead(ctx, k.who, a.Read.In, a.Read.Seq, k); err != nil {
			k.refuse(a.Read.In, "", err)
		}
	case a.Typing != nil:
		if err := k.svc.types(ctx, k.who, a.Typing.In, k); err != nil {
			k.refuse(a.Typing.In, "", err)
		}
	}
}

// extend gives the other side time for its next sign of life; false when the
// socket is closing.
func (k *socket) extend() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closing {
		return false
	}
	return k.raw.SetReadDeadline(time.Now().Add(k.svc.cfg.Wire.PongWithin)) == nil
}

// beat sends a ping now and then, without a goroutine while it waits.
func (k *socket) beat() {
	time.AfterFunc(k.svc.cfg.Wire.PingEvery, func() {
		k.mu.Lock()
		ended := k.closing
		k.mu.Unlock()
		if !ended {
			k.send(pingFrame)
			k.beat()
		}
	})
}

// send queues a frame. It never waits: a reader whose queue is full is told to
// come back (4408) and gets nothing more.
func (k *socket) send(frame []byte) {
	k.mu.Lock()
	w := k.svc.cfg.Wire
	if k.closing {
		k.mu.Unlock()
		return
	}
	if len(k.queue) >= w.QueueFrames || k.size+len(frame) > w.QueueBytes && k.size > 0 {
		k.queue, k.size = nil, 0
		k.mu.Unlock()
		k.close(closeSlow, "too slow")
		return
	}
	k.put(frame)
	k.mu.Unlock()
}

// sendWhenRoom queues frames of since: it waits while the other side reads, so
// that a long history does not make a reader slow. false when the socket ends.
func (k *socket) sendWhenRoom(frame []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for !k.closing && (len(k.queue) >= k.svc.cfg.Wire.QueueFrames/4 || k.size >= k.svc.cfg.Wire.QueueBytes/4) {
		k.room.Wait()
	}
	if k.closing {
		return false
	}
	k.put(frame)
	return true
}

// put is with k.mu held.
func (k *socket) put(frame []byte) {
	k.queue = append(k.queue, frame)
	k.size += len(frame)
	if !k.writing {
		k.writing = true
		go k.write()
	}
}

// close queues a close frame as the last thing that goes out. Only the first
// close counts.
func (k *socket) close(code int, reason string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closing {
		return
	}
	w := k.svc.cfg.Wire
	_ = k.raw.SetReadDeadline(time.Now().Add(w.WriteWithin + w.Linger))
	k.put(closeFrame(code, reason))
	k.closing = true
	k.room.Broadcast()
}

// write sends what is queued, in one write as far as possible, and ends when the
// queue is empty.
func (k *socket) write() {
	w := k.svc.cfg.Wire
	for {
		k.mu.Lock()
		batch := k.queue
		k.queue, k.size = nil, 0
		last := k.closing
		if len(batch) == 0 {
			k.writing = false
			k.mu.Unlock()
			return
		}
		k.room.Broadcast()
		k.mu.Unlock()
		_ = k.raw.SetWriteDeadline(time.Now().Add(w.WriteWithin))
		if err := writeAll(k.raw, batch); err != nil {
			k.lost()
			return
		}
		if last {
			k.farewell()
		}
	}
}

func writeAll(to net.Conn, batch [][]byte) error {
	if len(batch) == 1 {
		_, err := to.Write(batch[0])
		return err
	}
	frames := net.Buffers(batch)
	_, err := frames.WriteTo(to) // one system call on TCP
	return err
}

// lost ends a socket that can not be written to.
func (k *socket) lost() {
	k.mu.Lock()
	k.closing, k.writing = true, false
	k.queue, k.size = nil, 0
	k.room.Broadcast()
	k.mu.Unlock()
	_ = k.raw.Close()
}

// farewell: everything is sent; the other side gets a moment to read it and to
// close. Without that, what it still sends would reset the connection and lose
// the close frame.
func (k *socket) farewell() {
	k.mu.Lock()
	defer k.mu.Unlock()
	_ = k.raw.SetReadDeadline(time.Now().Add(k.svc.cfg.Wire.Linger))
	if half, ok := k.raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// drain reads what still comes, until the other side has closed or the time that
// close gave is over. A connection that failed by itself is closed at once.
func (k *socket) drain() {
	k.mu.Lock()
	closing := k.closing
	k.closing = true
	k.room.Broadcast()
	k.mu.Unlock()
	if closing {
		_, _ = io.Copy(io.Discard, k.raw)
	}
}
