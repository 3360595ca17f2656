package chat

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// Enrolments is what chat needs of the citizen's package.
type Enrolments interface {
	Enrolment(ctx context.Context, id string) (halsocoach.Enrolment, error)
	// Names are what the citizens of enrolments are called, by enrolment.
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
	Persons    *person.Service
	AccessLog  halsocoach.AccessLog
	Sessions   Sessions
	Nudges     Nudges
	Wire       Wire // zero values: as PROTOCOL.md says
}

// Service is the coaching chat of one node.
type Service struct {
	cfg   Config
	docs  docs
	rooms rooms
	hub   hub
	node  string  // tells our own nudges from others'
	news  numbers // to tell other nodes of
	heard numbers // that other nodes have told of
	work  tasks   // what runs in the background
	ctx   context.Context
	stop  context.CancelFunc // ends ctx: Drain
}

// New makes the service. Start makes it follow events and other nodes.
func New(cfg Config) *Service {
	cfg.Wire = cfg.Wire.orDefaults()
	s := &Service{cfg: cfg, docs: openDocs(cfg.Store, cfg.Seal), node: halsocoach.NewID(), rooms: rooms{m: map[string]*room{}}, hub: newHub()}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
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
	Quiet    bool            // the citizen has protected identity: who reads or writes is not shown
	With     string          // the other side's name, or alias
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
	found, next, err := s.mine(ctx, who.ID, after, listSize)
	if err != nil {
		return nil, "", err
	}
	if err := s.saw(ctx, who, halsocoach.ActReadChats, citizens(found)...); err != nil {
		return nil, "", err
	}
	list = make([]Summary, 0, len(found))
	for _, c := range found {
		if side, in := c.side(who); in {
			list = append(list, c.summary(side))
		}
	}
	return list, next, s.nameAll(ctx, list)
}

// mine are conversations in which somebody takes part, by docs.mine.
func (s *Service) mine(ctx context.Context, id, after string, limit int) ([]known, string, error) {
	one, err := s.cfg.Persons.Of(ctx, id)
	if err != nil {
		return nil, "", err
	}
	found, next, err := s.docs.mine(ctx, one.IDs, after, limit)
	if err != nil {
		return nil, "", err
	}
	all, err := s.know(ctx, found...)
	return all, next, err
}

// know asks who the citizens of conversations are, in one question.
func (s *Service) know(ctx context.Context, found ...Conversation) ([]known, error) {
	ids := make([]string, len(found))
	for i, c := range found {
		ids[i] = c.Person
	}
	persons, err := s.cfg.Persons.Many(ctx, ids...)
	if err != nil {
		return nil, err
	}
	all := make([]known, len(found))
	for i, c := range found {
		all[i] = known{c, persons[c.Person]}
	}
	return all, nil
}

// citizens are those of conversations, for the access log.
func citizens(of []known) []string {
	ids := make([]string, len(of))
	for i, c := range of {
		ids[i] = c.Person
	}
	return ids
}

func (c known) summary(side halsocoach.Role) Summary {
	return Summary{Conversation: c.Conversation, Quiet: c.citizen.Protected, WithRole: other(side), Mine: side, New: c.Unread.Of(side)}
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
			list[i].With, _ = nameOr(names[list[i].ID], someCitizen, nil)
		}
	}
	return nil
}

// Thread is a stretch of a conversation, in order.
type Thread struct {
	Summary
	Lines []line
	Older int // show what lies before this number; 0 = this is the beginning
}

// Thread reads the messages before a number (0 = the latest), as a page shows
// them. Who sees the latest has read them.
func (s *Service) Thread(ctx context.Context, who halsocoach.Actor, id string, before, limit int) (Thread, error) {
	r, c, side, err := s.entered(ctx, who, id)
	if err != nil {
		return Thread{}, err
	}
	if err := s.saw(ctx, who, halsocoach.ActReadChat, c.Person); err != nil {
		return Thread{}, err
	}
	found, err := s.docs.before(ctx, c.Conversation, max(before, 0), min(max(limit, 1), pageSize))
	if err != nil {
		return Thread{}, err
	}
	t := Thread{Summary: c.summary(side)}
	with, err := s.sender(ctx, r, c, c.id(t.WithRole), t.WithRole)
	if err != nil {
		return Thread{}, err
	}
	t.With = with.name
	if t.Lines, err = s.lines(ctx, r, c, found); err != nil {
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
func (s *Service) Since(ctx context.Context, who halsocoach.Actor, id string, seq, limit int) (lines []line, next int, err error) {
	r, c, _, err := s.entered(ctx, who, id)
	if err != nil {
		return nil, 0, err
	}
	if err := s.saw(ctx, who, halsocoach.ActReadChat, c.Person); err != nil {
		return nil, 0, err
	}
	limit = min(max(limit, 1), pageSize)
	found, err := s.docs.after(ctx, c.Conversation, max(seq, 0), limit)
	if err != nil {
		return nil, 0, err
	}
	if lines, err = s.lines(ctx, r, c, found); err != nil {
		return nil, 0, err
	}
	if len(found) == limit {
		next = found[limit-1].Seq
	}
	return lines, next, nil
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
	one, err := s.cfg.Persons.Of(ctx, who.ID)
	if err != nil {
		return u, err
	}
	first, _, err := s.docs.mine(ctx, one.IDs, "", 2)
	if err != nil {
		return u, err
	}
	found := first // most people have one conversation
	if len(first) > 1 {
		if found, err = s.docs.ofEach(ctx, "unread", one.IDs); err != nil {
			return u, err
		}
	}
	all, err := s.know(ctx, found...)
	if err != nil {
		return u, err
	}
	for _, c := range all {
		if side, in := c.side(who); in && c.Unread.Of(side) > 0 {
			u.Conversations++
			u.Messages += c.Unread.Of(side)
		}
	}
	if len(first) == 1 {
		u.Path = "/chatt/" + first[0].ID
	}
	if len(first) > 0 && who.Staff() && first[0].Waiting != nil && !first[0].Ended {
		u.Oldest = *first[0].Waiting
	}
	return u, nil
}

// Waits is what waits for the citizen of a conversation: since the last word in
// it, zero when nothing does. It is an unnamed struct, so that the package that
// asks declares it in its own words.
type Waits = struct {
	Person string
	Since  time.Time
}

// WaitsFor is what waits in a conversation, for the program itself.
func (s *Service) WaitsFor(ctx context.Context, conversation string) (Waits, error) {
	c, err := s.docs.conversations.Get(ctx, conversation)
	if err != nil {
		return Waits{}, fmt.Errorf("what waits in %s: %w", conversation, err)
	}
	w := Waits{Person: c.Person}
	if c.Unread.Citizen > 0 {
		w.Since = c.LastAt
	}
	return w, nil
}
