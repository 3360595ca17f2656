package chat

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Enrolments is what chat needs of the citizen's package.
type Enrolments interface {
	Enrolment(ctx context.Context, id string) (halsocoach.Enrolment, error)
	// Name is what the citizen of the enrolment is called; Names answers for
	// many with one question, by enrolment.
	Name(ctx context.Context, enrolment string) (string, error)
	Names(ctx context.Context, enrolments ...string) (map[string]string, error)
}

// Sessions tells when a session has ended, and is told that one is in use.
type Sessions interface {
	// Watch calls ended once, within five seconds.
	Watch(session string, ended func()) (stop func())
	// Used keeps a session from ending as idle. It is cheap to call often.
	Used(ctx context.Context, session string) error
}

// Nudges carry word between nodes and may lose it.
type Nudges interface {
	Nudge(topic string, body []byte)
	OnNudge(topic string, do func(body []byte)) (stop func(), err error)
}

// Config lists what the service needs.
type Config struct {
	Store      store.Store
	Seal       *seal.Sealer
	Clock      halsocoach.Clock
	Log        *slog.Logger
	PublicURL  string // what Origin may say besides the request's own host
	Enrolments Enrolments
	Staff      halsocoach.Staff
	AccessLog  halsocoach.AccessLog
	Sessions   Sessions
	Nudges     Nudges // nil: the bus that Start gets
	Wire       Wire   // zero values: as PROTOCOL.md says
}

// Service is the coaching chat of one node.
type Service struct {
	cfg     Config
	archive archive
	rooms   rooms
	hub     hub
	node    string // tells our own nudges from others'

	nudging sync.Mutex
	nudges  Nudges
	news    map[string]int // numbers to tell other nodes of
	telling bool

	hearing   sync.Mutex
	heard     map[string]int // numbers that other nodes have told of
	listening bool

	work  tasks         // what runs in the background
	ended chan struct{} // closed by Drain
	drain sync.Once
}

// New makes the service. Start makes it follow events and other nodes.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Wire = cfg.Wire.orDefaults()
	return &Service{
		cfg: cfg, archive: openArchive(cfg.Store, cfg.Seal), node: halsocoach.NewID(), nudges: cfg.Nudges,
		rooms: rooms{m: map[string]*room{}}, hub: newHub(), news: map[string]int{}, heard: map[string]int{}, ended: make(chan struct{}),
	}
}

// saw keeps a row of the access log when staff have seen or written something
// about the persons.
func (s *Service) saw(ctx context.Context, who halsocoach.Actor, act halsocoach.Act, persons ...string) error {
	if !who.Staff() || len(persons) == 0 {
		return nil
	}
	return s.cfg.AccessLog.Saw(ctx, who, act, "chatt", persons...)
}

// Summary is a conversation in a list.
type Summary struct {
	Conversation
	With     string          // the other side's name
	WithRole halsocoach.Role // citizen or coach
	Mine     halsocoach.Role // the side of the one who asks
	New      int             // unread by the one who asks
}

// listSize is how many conversations a page of a list holds.
const listSize = 50

// Conversations are those in which the actor takes part: who waits longest for
// an answer first, then the latest, then those that have ended. next continues.
func (s *Service) Conversations(ctx context.Context, who halsocoach.Actor, after string) (list []Summary, next string, err error) {
	if err := halsocoach.Allow(who, halsocoach.RoleCitizen, halsocoach.RoleCoach); err != nil {
		return nil, "", err
	}
	found, next, err := s.archive.mine(ctx, who.ID, after, listSize)
	if err != nil {
		return nil, "", err
	}
	persons := make([]string, len(found))
	for i, c := range found {
		persons[i] = c.Person
	}
	if err := s.saw(ctx, who, "read list of chats", persons...); err != nil {
		return nil, "", err
	}
	list = make([]Summary, 0, len(found))
	for _, c := range found {
		side, in := c.Side(who)
		if !in {
			continue
		}
		list = append(list, Summary{Conversation: c, WithRole: other(side), Mine: side, New: c.Unread.Of(side)})
	}
	return list, next, s.nameAll(ctx, list)
}

// nameAll says who is on the other side: coaches from the register in memory,
// citizens with one question.
func (s *Service) nameAll(ctx context.Context, list []Summary) error {
	var ids []string
	for i := range list {
		if list[i].WithRole == halsocoach.RoleCitizen {
			ids = append(ids, list[i].ID)
			continue
		}
		name, err := s.name(ctx, list[i].ID, list[i].Coach, halsocoach.RoleCoach)
		if err != nil {
			return err
		}
		list[i].With = name
	}
	if len(ids) == 0 {
		return nil
	}
	names, err := s.cfg.Enrolments.Names(ctx, ids...)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].WithRole == halsocoach.RoleCitizen {
			list[i].With, _ = known(names[list[i].ID], someCitizen, nil)
		}
	}
	return nil
}

// Line is a message as people read it.
type Line struct {
	Seq  int
	Key  string
	From string
	Name string
	Role halsocoach.Role
	Text string
	At   time.Time
}

// Thread is a stretch of a conversation, in order.
type Thread struct {
	Summary
	Lines []Line
	Older int // show what lies before this number; 0 = this is the beginning
}

// Thread reads the messages before a number (0 = the latest), as a page shows
// them. Who sees the latest has read them.
func (s *Service) Thread(ctx context.Context, who halsocoach.Actor, id string, before, limit int) (Thread, error) {
	r, c, side, err := s.entered(ctx, who, id)
	if err != nil {
		return Thread{}, err
	}
	if err := s.saw(ctx, who, "read chat", c.Person); err != nil {
		return Thread{}, err
	}
	found, err := s.archive.before(ctx, c, max(before, 0), min(max(limit, 1), pageSize))
	if err != nil {
		return Thread{}, err
	}
	t := Thread{Summary: Summary{Conversation: c, WithRole: other(side), Mine: side, New: c.Unread.Of(side)}}
	with := c.Coach
	if side == halsocoach.RoleCoach {
		with = c.Person
	}
	other, err := s.sender(ctx, r, with, t.WithRole)
	if err != nil {
		return Thread{}, err
	}
	t.With = other.name
	if t.Lines, err = s.read(ctx, r, found); err != nil {
		return Thread{}, err
	}
	if n := len(found); n > 0 {
		if found[0].Seq > 1 {
			t.Older = found[0].Seq
		}
		if before <= 0 {
			s.markLatest(r, c, side, found[n-1].Seq)
		}
	}
	return t, nil
}

// Since reads messages with higher numbers than seq, in order; next is the
// number to go on from, 0 at the end.
func (s *Service) Since(ctx context.Context, who halsocoach.Actor, id string, seq, limit int) (lines []Line, next int, err error) {
	r, c, _, err := s.entered(ctx, who, id)
	if err != nil {
		return nil, 0, err
	}
	if err := s.saw(ctx, who, "read chat", c.Person); err != nil {
		return nil, 0, err
	}
	limit = min(max(limit, 1), pageSize)
	found, err := s.archive.after(ctx, c, max(seq, 0), limit)
	if err != nil {
		return nil, 0, err
	}
	if lines, err = s.read(ctx, r, found); err != nil {
		return nil, 0, err
	}
	if len(found) == limit {
		next = found[limit-1].Seq
	}
	return lines, next, nil
}

func (s *Service) read(ctx context.Context, r *room, found []Message) ([]Line, error) {
	opened, err := s.lines(ctx, r, found)
	if err != nil {
		return nil, err
	}
	lines := make([]Line, len(opened))
	for i, l := range opened {
		lines[i] = Line{Seq: l.Seq, Key: l.Key, From: l.From, Name: l.by.name, Role: l.Role, Text: l.text, At: l.At}
	}
	return lines, nil
}

// markLatest is for pages: what is shown is read.
func (s *Service) markLatest(r *room, c Conversation, side halsocoach.Role, seq int) {
	if seq > c.Read.Of(side) {
		s.mark(r, side, seq)
		s.signal(c, side, seq, nil)
		s.nudgeRead(c, side, seq)
	}
	if seq > c.Last { // the document has not followed yet; see that it does
		r.mu.Lock()
		defer r.mu.Unlock()
		s.schedule(r, 0)
	}
}

// MarkRead moves the actor's read mark on to a number.
func (s *Service) MarkRead(ctx context.Context, who halsocoach.Actor, id string, seq int) error {
	return s.hasRead(ctx, who, id, seq, nil)
}

// Unread is what waits for the actor; accounts without chat have nothing.
func (s *Service) Unread(ctx context.Context, who halsocoach.Actor) (halsocoach.Unread, error) {
	if !who.SignedIn() {
		return halsocoach.Unread{}, halsocoach.ErrSignIn
	}
	if !who.Is(halsocoach.RoleCitizen, halsocoach.RoleCoach) {
		return halsocoach.Unread{}, nil
	}
	u := halsocoach.Unread{Path: "/chatt"}
	found, err := s.archive.unread(ctx, who.ID)
	if err != nil {
		return u, err
	}
	for _, c := range found {
		if side, in := c.Side(who); in {
			u.Conversations++
			u.Messages += c.Unread.Of(side)
		}
	}
	first, _, err := s.archive.mine(ctx, who.ID, "", 2)
	if err != nil {
		return u, err
	}
	if len(first) == 1 {
		u.Path = "/chatt/" + first[0].ID
	}
	if len(first) > 0 && who.Staff() && first[0].Waiting != nil && !first[0].Ended {
		u.Oldest = *first[0].Waiting
	}
	return u, nil
}
