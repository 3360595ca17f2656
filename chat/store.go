package chat

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// The kinds. A conversation's messages are found by "person", which is also how
// they are found when a person's data are taken out or erased.
var (
	conversationKind = store.Kind{Name: "chat_conversation", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.T("person")}},
		{Name: "member", Fields: []store.Field{store.M("members"), store.I("rank")}},
		{Name: "unread", Fields: []store.Field{store.M("unreadBy"), store.I("rank")}},
	}}
	messageKind = store.Kind{Name: "chat_message", Indexes: []store.Index{
		{Name: "person", Fields: []store.Field{store.T("person"), store.T("in"), store.I("seq")}},
		{Name: "key", Fields: []store.Field{store.T("once")}, Unique: true},
	}}
)

// Kinds are the package's documents.
func Kinds() []store.Kind { return []store.Kind{conversationKind, messageKind} }

// purpose binds a sealed text to what it is.
const purpose = "chat.text"

type archive struct {
	conversations store.Collection[Conversation]
	messages      store.Collection[Message]
	seal          *seal.Sealer
}

func openArchive(s store.Store, sealer *seal.Sealer) archive {
	return archive{store.In[Conversation](s, conversationKind), store.In[Message](s, messageKind), sealer}
}

// messageID orders as the numbers do.
func messageID(in string, seq int) string { return fmt.Sprintf("%s/%010d", in, seq) }

func once(in, key string) string { return in + "/" + key }

// byKey finds the message that was said with the key.
func (a archive) byKey(ctx context.Context, in, key string) (Message, bool, error) {
	found, _, err := a.messages.Find(ctx, store.Query{Index: "key", Equal: []any{once(in, key)}, Limit: 1})
	if err != nil || len(found) == 0 {
		return Message{}, false, err
	}
	return found[0], true, nil
}

// top is the highest number that is stored, 0 for none.
func (a archive) top(ctx context.Context, c Conversation) (int, error) {
	found, _, err := a.messages.Find(ctx, store.Query{Index: "person", Equal: []any{c.Person, c.ID}, Back: true, Limit: 1})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].Seq, nil
}

// after reads at most limit messages with higher numbers than seq, in order.
func (a archive) after(ctx context.Context, c Conversation, seq, limit int) ([]Message, error) {
	seq = min(seq, math.MaxInt-1) // the number after it is a number too
	found, _, err := a.messages.Find(ctx, store.Query{Index: "person", Equal: []any{c.Person, c.ID}, From: seq + 1, Limit: limit})
	return found, err
}

// before reads the last limit messages with lower numbers than seq, in order;
// seq 0 reads the latest.
func (a archive) before(ctx context.Context, c Conversation, seq, limit int) ([]Message, error) {
	q := store.Query{Index: "person", Equal: []any{c.Person, c.ID}, Back: true, Limit: limit}
	if seq > 0 {
		q.Before = seq
	}
	found, _, err := a.messages.Find(ctx, q)
	for i, j := 0, len(found)-1; i < j; i, j = i+1, j-1 {
		found[i], found[j] = found[j], found[i]
	}
	return found, err
}

// texts opens what the messages hold, with one question to the key store. A text
// whose key is destroyed is "".
func (a archive) texts(ctx context.Context, messages []Message) ([]string, error) {
	boxes := make([]seal.Box, len(messages))
	for i, m := range messages {
		boxes[i] = seal.Box{Person: m.Person, Purpose: purpose, Sealed: m.Text}
	}
	texts, err := a.seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open messages: %w", err)
	}
	return texts, nil
}

// put saves a message under its number. taken is true when another message has
// the number or the key.
func (a archive) put(ctx context.Context, m Message) (taken bool, err error) {
	err = a.messages.Insert(ctx, messageID(m.In, m.Seq), m)
	if errors.Is(err, store.ErrConflict) || store.Duplicate(err, "key") {
		return true, nil
	}
	return false, err
}

// behind says which of the conversations have a message after the number they
// or a room know of, by asking for the next numbers' ids at once.
func (a archive) behind(ctx context.Context, known map[string]int) ([]string, error) {
	ids := make([]string, 0, len(known))
	for in, last := range known {
		ids = append(ids, messageID(in, last+1))
	}
	found, err := a.messages.Many(ctx, ids...)
	if err != nil {
		return nil, err
	}
	late := make([]string, len(found))
	for i, m := range found {
		late[i] = m.In
	}
	return late, nil
}

// mine is one page of somebody's conversations, who waits longest first.
func (a archive) mine(ctx context.Context, member, after string, limit int) ([]Conversation, string, error) {
	return a.conversations.Find(ctx, store.Query{Index: "member", Equal: []any{member}, After: after, Limit: limit})
}

// unread are the conversations in which something waits for the member.
func (a archive) unread(ctx context.Context, member string) ([]Conversation, error) {
	found, _, err := a.conversations.Find(ctx, store.Query{Index: "unread", Equal: []any{member}, Limit: 1000})
	return found, err
}

// open opens the conversation of an enrolment, or follows what has changed.
func (a archive) open(ctx context.Context, e halsocoach.Enrolment, fresh Conversation) error {
	_, err := a.conversations.Upsert(ctx, e.ID, func(c *Conversation) ([]halsocoach.Event, error) {
		if c.ID == "" {
			*c = fresh
		} else {
			c.Follow(e)
		}
		return nil, nil
	})
	return err
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
	c, err := s.archive.conversations.Get(ctx, conversation)
	if err != nil {
		return Waits{}, fmt.Errorf("what waits in %s: %w", conversation, err)
	}
	w := Waits{Person: c.Person}
	if c.Unread.Citizen > 0 {
		w.Since = c.LastAt
	}
	return w, nil
}
