package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"halsocoach"
	"halsocoach/internal/store"
)

// draft is the answers of a form that was sent after its session had ended. They
// are sealed with a key that lives in a cookie of the browser that sent them and
// nowhere else, and they are given back only to the person whose session it was.
type draft struct {
	ID     string    `json:"id"`
	Person string    `json:"person,omitempty"` // absent: a visitor who had not signed in
	Box    []byte    `json:"box"`
	Ends   time.Time `json:"ends"`
}

// kept is what lies in the box.
type kept struct {
	Path   string              `json:"path"`
	Values map[string][]string `json:"values"`
}

const draftLasts = 15 * time.Minute

var draftKind = store.Kind{Name: "draft", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person")}},
	{Name: "ends", Fields: []store.Field{store.D("ends")}},
}}

var errDraft = errors.New("auth: not a kept form")

// Keep seals the answers of a form whose session has ended, for the person whose
// token the request still carries. With Take it satisfies web.Drafts.
func (s *Service) Keep(c *fiber.Ctx, path string, values map[string][]string) error {
	cookie, err := s.keep(c.UserContext(), s.tokens.owner(c.Cookies(s.cookie)), path, values)
	if err != nil {
		return err
	}
	s.setCookie(c, s.draftCookie(), cookie, draftLasts)
	return nil
}

// Take gives the answers of the form on this path back, once.
func (s *Service) Take(c *fiber.Ctx, path string) (map[string][]string, bool) {
	cookie := c.Cookies(s.draftCookie())
	if cookie == "" {
		return nil, false
	}
	who, err := s.Actor(c)
	if err != nil || !who.SignedIn() {
		return nil, false
	}
	values, err := s.take(c.UserContext(), who, path, cookie)
	if err != nil {
		return nil, false
	}
	s.clearCookie(c, s.draftCookie())
	return values, true
}

func (s *Service) draftCookie() string {
	if s.secure {
		return "__Host-draft"
	}
	return "draft"
}

// keep returns what the cookie holds: the draft's id and its key.
func (s *Service) keep(ctx context.Context, person, path string, values map[string][]string) (cookie string, err error) {
	plain, err := json.Marshal(kept{path, values})
	if err != nil {
		return "", fmt.Errorf("keep a form: %w", err)
	}
	var key [32]byte
	rand.Read(key[:])
	box, err := aead(key[:])
	if err != nil {
		return "", fmt.Errorf("keep a form: %w", err)
	}
	d := draft{ID: halsocoach.NewID(), Person: person, Ends: s.cfg.Clock().UTC().Add(draftLasts)}
	d.Box = box.Seal(nil, nil, plain, []byte(d.ID+"\x00"+person))
	if err := s.drafts.Insert(ctx, d.ID, d); err != nil {
		return "", fmt.Errorf("keep a form: %w", err)
	}
	return d.ID + "." + base64.RawURLEncoding.EncodeToString(key[:]), nil
}

// take removes the draft when it is this person's and of this path. What is
// another's stays, until its quarter of an hour is over.
func (s *Service) take(ctx context.Context, who halsocoach.Actor, path, cookie string) (map[string][]string, error) {
	id, text, _ := strings.Cut(cookie, ".")
	key, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, errDraft
	}
	var k kept
	err = s.drafts.Delete(ctx, id, func(d draft) ([]halsocoach.Event, error) {
		if !s.cfg.Clock().Before(d.Ends) || (d.Person != "" && d.Person != who.ID) {
			return nil, errDraft
		}
		box, err := aead(key)
		if err != nil {
			return nil, err
		}
		plain, err := box.Open(nil, nil, d.Box, []byte(d.ID+"\x00"+d.Person))
		if err != nil {
			return nil, errDraft
		}
		k = kept{}
		if err := json.Unmarshal(plain, &k); err != nil {
			return nil, errDraft
		}
		if k.Path != path {
			return nil, errDraft
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return k.Values, nil
}

// aead puts a random nonce before what it seals.
func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
