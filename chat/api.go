package chat

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"halsocoach"
	"halsocoach/internal/web"
)

// API is the same service as JSON.
func (s *Service) API(api huma.API) {
	tags := []string{"chat"}
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/conversations", Tags: tags, Summary: "My conversations, who waits longest first"}, s.getConversations)
	web.Handle(api, huma.Operation{Method: http.MethodGet, Path: "/conversations/{id}/messages", Tags: tags, Summary: "The messages after a number, in order"}, s.getMessages)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/conversations/{id}/messages", Tags: tags, Summary: "Say something", DefaultStatus: http.StatusCreated}, s.postMessage)
	web.Handle(api, huma.Operation{Method: http.MethodPost, Path: "/conversations/{id}/read", Tags: tags, Summary: "Move my read mark on", DefaultStatus: http.StatusNoContent}, s.postRead)
}

type conversationsIn struct {
	After string `query:"after" doc:"next of the page before"`
}

type conversationJSON struct {
	ID       string          `json:"id"`
	With     string          `json:"with" doc:"Name of the one on the other side"`
	WithRole halsocoach.Role `json:"withRole"`
	Last     int             `json:"last" doc:"Number of the last message, 0 for none"`
	LastAt   time.Time       `json:"lastAt"`
	Unread   int             `json:"unread"`
	Read     int             `json:"read" doc:"My read mark"`
	Waiting  *time.Time      `json:"waiting,omitempty" doc:"Since when the citizen waits for an answer"`
	Ended    bool            `json:"ended,omitempty"`
}

type conversationsOut struct {
	Body struct {
		Items []conversationJSON `json:"items"`
		Next  string             `json:"next,omitempty"`
	}
}

func (s *Service) getConversations(ctx context.Context, who halsocoach.Actor, in *conversationsIn) (*conversationsOut, error) {
	list, next, err := s.Conversations(ctx, who, in.After)
	if err != nil {
		return nil, err
	}
	out := &conversationsOut{}
	out.Body.Items, out.Body.Next = make([]conversationJSON, len(list)), next
	for i, c := range list {
		item := conversationJSON{ID: c.ID, With: c.With, WithRole: c.WithRole, Last: c.Last, LastAt: stamp(c.LastAt), Unread: c.New, Read: c.Read.Of(c.Mine), Ended: c.Ended}
		if c.Waiting != nil {
			at := stamp(*c.Waiting)
			item.Waiting = &at
		}
		out.Body.Items[i] = item
	}
	return out, nil
}

type messagesIn struct {
	ID    string `path:"id"`
	Since int    `query:"since" minimum:"0" doc:"The number after which to begin"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
}

type messageJSON struct {
	Seq  int       `json:"seq"`
	Key  string    `json:"key"`
	From sender    `json:"from"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

type messagesOut struct {
	Body struct {
		Items []messageJSON `json:"items"`
		Next  int           `json:"next,omitempty" doc:"since of the next page; absent at the end"`
	}
}

func (s *Service) getMessages(ctx context.Context, who halsocoach.Actor, in *messagesIn) (*messagesOut, error) {
	lines, next, err := s.Since(ctx, who, in.ID, in.Since, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &messagesOut{}
	out.Body.Items, out.Body.Next = make([]messageJSON, len(lines)), next
	for i, l := range lines {
		out.Body.Items[i] = messageJSON{l.Seq, l.Key, sender{l.From, l.by.name, l.Role}, l.text, stamp(l.At)}
	}
	return out, nil
}

type sayIn struct {
	web.Keyed
	ID   string `path:"id"`
	Body struct {
		Key  string `json:"key,omitempty" doc:"Made by the client for this message; without it Idempotency-Key is taken"`
		Text string `json:"text" doc:"At most 8 000 characters"`
	}
}

type saidOut struct {
	Status int
	Body   struct {
		Seq int       `json:"seq"`
		Key string    `json:"key"`
		At  time.Time `json:"at"`
	}
}

func (s *Service) postMessage(ctx context.Context, who halsocoach.Actor, in *sayIn) (*saidOut, error) {
	key := in.Body.Key
	if key == "" {
		key = keyOf(in.Request().Key)
	}
	d, err := s.Say(ctx, who, NewMessage{In: in.ID, Key: key, Text: in.Body.Text})
	if err != nil {
		return nil, err
	}
	out := &saidOut{Status: http.StatusCreated}
	if d.Again {
		out.Status = http.StatusOK
	}
	out.Body.Seq, out.Body.Key, out.Body.At = d.Seq, d.Key, stamp(d.At)
	return out, nil
}

type readIn struct {
	web.Keyed
	ID   string `path:"id"`
	Body struct {
		Seq int `json:"seq" minimum:"1"`
	}
}

func (s *Service) postRead(ctx context.Context, who halsocoach.Actor, in *readIn) (*struct{}, error) {
	return nil, s.MarkRead(ctx, who, in.ID, in.Body.Seq)
}
