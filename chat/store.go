package chat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

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
		{Name: "open", Fields: []store.Field{store.T("open")}},
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

type docs struct {
	conversations *store.Shared[Conversation]
	messages      store.Collection[Message]
	seal          *seal.Sealer
}

func openDocs(s store.Store, sealer *seal.Sealer) docs {
	return docs{store.In[Conversation](s, conversationKind).Shared(1000), store.In[Message](s, messageKind), sealer}
}

// messageID orders as the numbers do.
func messageID(in string, seq int) string { return fmt.Sprintf("%s/%010d", in, seq) }

func once(in, key string) string { return in + "/" + key }

// byKey finds the message that was said with the key.
func (d docs) byKey(ctx context.Context, in, key string) (Message, bool, error) {
	found, _, err := d.messages.Find(ctx, store.Query{Index: "key", Equal: []any{once(in, key)}, Limit: 1})
	if err != nil || len(found) == 0 {
		return Message{}, false, err
	}
	return found[0], true, nil
}

// top is the highest number that is stored, 0 for none.
func (d docs) top(ctx context.Context, c Conversation) (int, error) {
	found, _, err := d.messages.Find(ctx, store.Query{Index: "person", Equal: []any{c.Person, c.ID}, Back: true, Limit: 1})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].Seq, nil
}

// after reads at most limit messages with higher numbers than seq, in order.
func (d docs) after(ctx context.Context, c Conversation, seq, limit int) ([]Message, error) {
	seq = min(seq, math.MaxInt-1) // the number after it is a number too
	found, _, err := d.messages.Find(ctx, store.Query{Index: "person", Equal: []any{c.Person, c.ID}, From: seq + 1, Limit: limit})
	return found, err
}

// rest reads all messages with higher numbers than seq, in order.
func (d docs) rest(ctx context.Context, c Conversation, seq int) (all []Message, err error) {
	for {
		page, err := d.after(ctx, c, seq, pageSize)
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(page) < pageSize {
			return all, nil
		}
		seq = page[len(page)-1].Seq
	}
}

// before reads the last limit messages with lower numbers than seq, in order;
// seq 0 reads the latest.
func (d docs) before(ctx context.Context, c Conversation, seq, limit int) ([]Message, error) {
	q := store.Query{Index: "person", Equal: []any{c.Person, c.ID}, Back: true, Limit: limit}
	if seq > 0 {
		q.Before = seq
	}
	found, _, err := d.messages.Find(ctx, q)
	slices.Reverse(found)
	return found, err
}

// texts opens what the messages hold, with one question to the key store. A text
// whose key is destroyed is "".
func (d docs) texts(ctx context.Context, messages []Message) ([]string, error) {
	boxes := make([]seal.Box, len(messages))
	for i, m := range messages {
		boxes[i] = seal.Box{Person: m.Person, Purpose: purpose, Sealed: m.Text}
	}
	texts, err := d.seal.OpenMany(ctx, boxes)
	if err != nil {
		return nil, fmt.Errorf("open messages: %w", err)
	}
	return texts, nil
}

// put saves a message under its number. taken is true when another message has
// the number or the key.
func (d docs) put(ctx context.Context, m Message) (taken bool, err error) {
	err = d.messages.Insert(ctx, messageID(m.In, m.Seq), m)
	if errors.Is(err, store.ErrConflict) || store.Duplicate(err, "key") {
		return true, nil
	}
	return false, err
}

// behind are the messages that come right after the number that is known of
// their conversation, by asking for the next numbers' ids at once.
func (d docs) behind(ctx context.Context, last map[string]int) ([]Message, error) {
	ids := make([]string, 0, len(last))
	for in, n := range last {
		ids = append(ids, messageID(in, n+1))
	}
	return d.messages.Many(ctx, ids...)
}

// mine is one page of somebody's conversations, who waits longest first. Those of
// a person with several ids are few and come on one page.
func (d docs) mine(ctx context.Context, ids []string, after string, limit int) ([]Conversation, string, error) {
	if len(ids) == 1 {
		return d.conversations.Find(ctx, store.Query{Index: "member", Equal: []any{ids[0]}, After: after, Limit: limit})
	}
	all, err := d.ofEach(ctx, "member", ids)
	slices.SortStableFunc(all, func(a, b Conversation) int { return cmp.Compare(a.Rank, b.Rank) })
	return all, "", err
}

// ofEach are the conversations that an index holds under each of the ids.
func (d docs) ofEach(ctx context.Context, index string, ids []string) (all []Conversation, err error) {
	for _, id := range ids {
		found, _, err := d.conversations.Find(ctx, store.Query{Index: index, Equal: []any{id}, Limit: 1000})
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// open is a page of the conversations that have not ended.
func (d docs) open(ctx context.Context, after string) ([]Conversation, string, error) {
	return d.conversations.Find(ctx, store.Query{Index: "open", Equal: []any{isOpen}, Limit: 500, After: after})
}

// follow opens the conversation of an enrolment, or takes over what has changed.
func (d docs) follow(ctx context.Context, e halsocoach.Enrolment, fresh Conversation) error {
	_, err := d.conversations.Upsert(ctx, e.ID, func(c *Conversation) ([]halsocoach.Event, error) {
		if c.ID == "" {
			*c = fresh
		} else {
			c.Follow(e)
		}
		return nil, nil
	})
	return err
}
