package chat

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"halsocoach"
	"halsocoach/internal/web"
)

// pageSize is how many messages are read at a time.
const pageSize = 200

// enter makes the node remember the person's conversations, so that it knows
// from which number on to hand out what other nodes tell of. For staff one row
// of the access log covers the messages that will come.
func (k *socket) enter() {
	ctx, cancel := context.WithTimeout(k.ctx, 5*time.Second)
	defer cancel()
	for after := ""; ; {
		found, next, err := k.svc.mine(ctx, k.who.ID, after, 1000)
		if err != nil {
			k.svc.cfg.Log.Warn("chat: conversations of a socket not read", "actor", k.who, "err", err)
			return
		}
		for _, c := range found {
			k.svc.rooms.keep(c.Conversation, k.svc.cfg.Clock())
		}
		if k.who.Staff() && !k.cover(ctx, found...) {
			return
		}
		if after = next; after == "" {
			return
		}
	}
}

// cover keeps a row of the access log for what a member of staff is about to
// receive.
func (k *socket) cover(ctx context.Context, conversations ...known) bool {
	if err := k.svc.saw(ctx, k.who, halsocoach.ActFollowChat, citizens(conversations)...); err != nil {
		k.svc.cfg.Log.Error("chat: access not logged, so nothing is sent", "actor", k.who, "err", err)
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.covered == nil {
		k.covered = map[string]struct{}{}
	}
	for _, c := range conversations {
		k.covered[c.ID] = struct{}{}
	}
	return true
}

// covers says whether messages of the conversation may be sent: for staff there
// must be a row in the access log first.
func (k *socket) covers(c known) bool {
	if !k.who.Staff() {
		return true
	}
	k.mu.Lock()
	_, ok := k.covered[c.ID]
	k.mu.Unlock()
	if ok {
		return true
	}
	ctx, cancel := context.WithTimeout(k.ctx, 5*time.Second)
	defer cancel()
	return k.cover(ctx, c)
}

// busyWith says whether since is reading the conversation: what is said
// meanwhile comes in its order.
func (k *socket) busyWith(conversation string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.catching == conversation
}

func (k *socket) setCatching(conversation string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.catching = conversation
}

// since brings every message after a number in order, then caughtUp; what is
// said later follows without a gap.
func (k *socket) since(in string, seq int) error {
	s := k.svc
	ctx, cancel := context.WithTimeout(k.ctx, 5*time.Second)
	defer cancel()
	r, c, _, err := s.entered(ctx, k.who, in)
	if err != nil {
		return err
	}
	if err := s.saw(ctx, k.who, halsocoach.ActReadChat, c.Person); err != nil {
		return err
	}
	k.setCatching(c.ID)
	defer k.setCatching("")
	seq = max(seq, 0)
	for reached := seq; ; {
		more, err := k.sincePage(r, c, &reached, seq)
		if err != nil || !more {
			return err
		}
	}
}

// sincePage sends one page; at the end of what is stored it joins the socket to
// what is handed out live.
func (k *socket) sincePage(r *room, c known, seq *int, asked int) (more bool, err error) {
	s := k.svc
	ctx, cancel := context.WithTimeout(k.ctx, 5*time.Second)
	defer cancel()
	found, err := s.docs.after(ctx, c.Conversation, *seq, pageSize)
	if err != nil {
		return false, err
	}
	lines, err := s.lines(ctx, r, c, found)
	if err != nil {
		return false, err
	}
	for _, l := range lines {
		if !k.sendWhenRoom(messageFrame(l.Message, l.by.json, l.text)) {
			return false, nil
		}
		*seq = l.Seq
	}
	if len(found) == pageSize {
		return true, nil
	}
	if err := r.take(ctx); err != nil {
		return false, err
	}
	defer r.give()
	if *seq < r.said() {
		return true, nil
	}
	if *seq > asked {
		s.handOut(ctx, r, c, *seq) // what this node had not heard of, to the other sockets
	}
	k.setCatching("")
	k.send(rare("caughtUp", position{c.ID, *seq}))
	return false, nil
}

// refuse answers a frame that could not be followed, in the language of the
// socket's page. What is our fault is logged and said without inner words.
func (k *socket) refuse(in, key string, err error) {
	var e *halsocoach.Error
	if !errors.As(err, &e) {
		k.svc.cfg.Log.Error("chat: frame not followed", "actor", k.who, "err", err)
		e = errOurs
		if errors.Is(err, context.DeadlineExceeded) {
			e = halsocoach.ErrBusy
		}
	}
	if e.Kind == halsocoach.KindSignIn {
		k.close(closeSignIn, "sign in")
		return
	}
	if checkKey(key) != nil {
		key = ""
	}
	k.send(rare("refused", refusal{In: in, Key: key, Code: cmp.Or(e.Code, string(e.Kind)), Text: web.T(k.ctx, e.Text)}))
}

var errOurs = &halsocoach.Error{Code: "fault", Text: "Något gick fel hos oss. Det du skrev är inte skickat. Försök igen om en liten stund."}

// used keeps the session of somebody who only writes here from ending as idle.
func (k *socket) used(ctx context.Context) {
	if k.svc.cfg.Sessions == nil || k.who.Session == "" {
		return
	}
	err := k.svc.cfg.Sessions.Used(ctx, k.who.Session)
	if errors.Is(err, halsocoach.ErrSignIn) {
		k.close(closeSignIn, "sign in")
	} else if err != nil {
		k.svc.cfg.Log.Warn("chat: session not marked as used", "err", err)
	}
}

// pace counts frames or bytes, second by second.
type pace struct {
	second  int64
	n, over int
}

// more counts n; true when more than perSecond have come for too many seconds in
// a row.
func (p *pace) more(now time.Time, n, perSecond, seconds int) bool {
	second := now.Unix()
	if second != p.second {
		if p.n > perSecond && second == p.second+1 {
			p.over++
		} else {
			p.over = 0
		}
		p.second, p.n = second, 0
	}
	p.n += n
	return p.over >= seconds
}

// bodies are the buffers frames are read into.
var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

var errFrame = errors.New("chat: frame too long")

// fill reads a whole frame into b, or errFrame when it is longer than limit.
func fill(b []byte, r io.Reader, limit int64) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			return b, errFrame
		}
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}
