package chat

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"halsocoach"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
)

// Limits of what may be said.
const (
	maxText = 8000 // characters
	maxKey  = 64
)

// The faults of the package. Their codes go into refused frames.
var (
	ErrEnded   = halsocoach.Conflict("ended", "Kontakten är avslutad, så det går inte att skriva här längre.")
	ErrTooLong = invalid("too_long", "Meddelandet är för långt. Det får ha högst 8 000 tecken. Dela gärna upp det i flera.")
	ErrEmpty   = invalid("empty", "Skriv något innan du skickar.")
	ErrKey     = &halsocoach.Error{Kind: halsocoach.KindInvalid, Code: "key", Text: "Meddelandets nyckel saknas eller har fel form.", Fields: []halsocoach.Field{{Name: "key", Text: "Nyckeln ska vara 1–64 bokstäver, siffror eller bindestreck."}}}
)

func invalid(code, text string) *halsocoach.Error {
	return &halsocoach.Error{Kind: halsocoach.KindInvalid, Code: code, Text: text, Fields: []halsocoach.Field{{Name: "text", Text: text}}}
}

// Conversation is the coaching chat of one enrolment, whose id it has. Numbers,
// unread and waiting lag a moment behind the messages: see Note.
type Conversation struct {
	ID       string         `json:"id"`
	Person   string         `json:"person"`
	Coach    string         `json:"coach"`
	Members  []string       `json:"members"` // both, for the index
	Kommun   string         `json:"kommun"`
	Centre   string         `json:"centre"`
	Opened   time.Time      `json:"opened"`
	Ended    bool           `json:"ended,omitempty"`
	Open     string         `json:"open,omitempty"` // "yes" until it ends, for the index
	Last     int            `json:"last"`           // the highest number taken into account
	LastAt   time.Time      `json:"lastAt"`
	Waiting  *time.Time     `json:"waiting,omitempty"` // since when the citizen waits for an answer
	Contact  halsocoach.Day `json:"contact,omitempty"` // the last day that was counted
	Read     Marks          `json:"read"`
	Unread   Marks          `json:"unread"`
	UnreadBy []string       `json:"unreadBy,omitempty"` // members with something unread, for the index
	Rank     int64          `json:"rank"`               // the order of lists: who waits longest, then the latest
}

// Marks are one number for each side.
type Marks struct {
	Citizen int `json:"citizen"`
	Coach   int `json:"coach"`
}

// Of is the number of the side.
func (m Marks) Of(side halsocoach.Role) int {
	if side == halsocoach.RoleCoach {
		return m.Coach
	}
	return m.Citizen
}

func (m *Marks) set(side halsocoach.Role, n int) {
	if side == halsocoach.RoleCoach {
		m.Coach = n
	} else {
		m.Citizen = n
	}
}

// Message is one message. Text is sealed with the citizen's key; names are not
// stored.
type Message struct {
	In     string          `json:"in"`
	Seq    int             `json:"seq"`
	Key    string          `json:"key"`
	Once   string          `json:"once"` // conversation/key: the unique index
	Person string          `json:"person"`
	From   string          `json:"from"`
	Role   halsocoach.Role `json:"role"`
	At     time.Time       `json:"at"`
	Text   seal.Sealed     `json:"text"`
}

// Head is what following up needs of a message.
type Head struct {
	Seq  int
	Role halsocoach.Role
	At   time.Time
}

func (m Message) head() Head { return Head{m.Seq, m.Role, m.At} }

// OpenFor makes the conversation of an enrolment.
func OpenFor(e halsocoach.Enrolment, now time.Time) Conversation {
	c := Conversation{ID: e.ID, Opened: now.UTC().Truncate(time.Millisecond)}
	c.LastAt = c.Opened
	c.Follow(e)
	return c
}

// Follow takes over what the enrolment says now: its coach, and whether it has
// ended.
func (c *Conversation) Follow(e halsocoach.Enrolment) {
	c.Person, c.Coach, c.Members = e.Person, e.Coach, []string{e.Person, e.Coach}
	c.Kommun, c.Centre, c.Ended, c.Open = e.Kommun, e.Centre, e.Ended, ""
	if !c.Ended {
		c.Open = isOpen
	}
	c.sort()
}

// isOpen marks a conversation that has not ended.
const isOpen = "yes"

// known is a conversation with who its citizen is now: under which ids they sign
// in, and whether they have protected identity.
type known struct {
	Conversation
	citizen person.Identity
}

// devices are the ids whose sockets belong to a side.
func (c known) devices(side halsocoach.Role) []string {
	if side == halsocoach.RoleCoach {
		return []string{c.Coach}
	}
	return c.citizen.IDs
}

// everybody are the ids of both sides.
func (c known) everybody() []string { return append(slices.Clone(c.citizen.IDs), c.Coach) }

// id is what a side is called in messages and frames. A citizen has that of the
// conversation, whichever of their ids they have signed in with.
func (c Conversation) id(side halsocoach.Role) string {
	if side == halsocoach.RoleCoach {
		return c.Coach
	}
	return c.Person
}

// side is the side on which the actor takes part, and whether they do. A coach
// of the same centre who is not this citizen's coach does not.
func (c known) side(who halsocoach.Actor) (halsocoach.Role, bool) {
	switch {
	case who.Role == halsocoach.RoleCitizen && c.citizen.Has(who.ID):
		return halsocoach.RoleCitizen, true
	case who.Role == halsocoach.RoleCoach && who.ID == c.Coach:
		return halsocoach.RoleCoach, true
	}
	return "", false
}

func other(side halsocoach.Role) halsocoach.Role {
	if side == halsocoach.RoleCoach {
		return halsocoach.RoleCitizen
	}
	return halsocoach.RoleCoach
}

// Note takes the next message into account and says whether it is the first of
// its day, which is a contact to be counted. A message that is not the next one
// changes nothing, so that noting may be repeated.
func (c *Conversation) Note(h Head) (contact bool) {
	if h.Seq != c.Last+1 {
		return false
	}
	c.Last, c.LastAt = h.Seq, h.At
	if reader := other(h.Role); h.Seq > c.Read.Of(reader) {
		c.Unread.set(reader, c.Unread.Of(reader)+1)
	}
	if h.Role == halsocoach.RoleCoach {
		c.Waiting = nil
	} else if c.Waiting == nil {
		at := h.At
		c.Waiting = &at
	}
	if day := halsocoach.DayOf(h.At); day > c.Contact {
		c.Contact, contact = day, true
	}
	c.sort()
	return contact
}

// MarkRead moves a side's read mark on to seq; left is how many messages of the
// other side come after it. A mark never moves back or beyond the last number.
func (c *Conversation) MarkRead(side halsocoach.Role, seq, left int) {
	seq = min(seq, c.Last)
	if seq <= c.Read.Of(side) {
		return
	}
	c.Read.set(side, seq)
	c.Unread.set(side, left)
	c.sort()
}

// far is later than every time in milliseconds; ended is later still.
const (
	far   = int64(1) << 50
	ended = int64(1) << 51
)

// sort sets what the indexes go by.
func (c *Conversation) sort() {
	c.UnreadBy = nil
	if c.Unread.Citizen > 0 {
		c.UnreadBy = append(c.UnreadBy, c.Person)
	}
	if c.Unread.Coach > 0 {
		c.UnreadBy = append(c.UnreadBy, c.Coach)
	}
	switch {
	case c.Ended:
		c.Rank = ended - c.LastAt.UnixMilli()
	case c.Waiting != nil:
		c.Rank = c.Waiting.UnixMilli()
	default:
		c.Rank = far - c.LastAt.UnixMilli()
	}
}

// checkText is the text as it is kept: without white space around it and without
// control characters, with plain line feeds.
func checkText(text string) (string, error) {
	text = strings.TrimSpace(halsocoach.Plain(text))
	switch {
	case text == "":
		return "", ErrEmpty
	case len(text) > maxText && utf8.RuneCountInString(text) > maxText:
		return "", ErrTooLong
	}
	return text, nil
}

// checkKey: a key goes into ids and frames as it is.
func checkKey(key string) error {
	if key == "" || len(key) > maxKey {
		return ErrKey
	}
	for _, b := range []byte(key) {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_') {
			return ErrKey
		}
	}
	return nil
}
