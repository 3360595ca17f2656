package draft

import (
	"bytes"
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

	"halsocoach"
	"halsocoach/internal/store"
)

// Draft is the answers of a form that was sent after its session had ended. They
// are sealed with a key that lies in a cookie of the browser that sent them and
// nowhere else, and they are given back only to the person whose session it was.
type Draft struct {
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

// Lasts is how long answers are kept.
const Lasts = 15 * time.Minute

// Kind is the drafts' documents.
var Kind = store.Kind{Name: "draft", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person")}},
	{Name: "ends", Fields: []store.Field{store.D("ends")}},
}}

// Err says that it is not a kept form, or not this person's.
var Err = errors.New("draft: not a kept form")

// Shelf is where drafts lie.
type Shelf struct {
	Docs  store.Collection[Draft]
	clock halsocoach.Clock
}

// On opens the shelf of a store.
func On(s store.Store, clock halsocoach.Clock) Shelf {
	return Shelf{store.In[Draft](s, Kind), clock}
}

// Keep seals the answers and returns what the browser's cookie is to hold: the
// draft's id and its key.
func (s Shelf) Keep(ctx context.Context, person, path string, values map[string][]string) (cookie string, err error) {
	plain, err := written(path, values)
	if err != nil {
		return "", err
	}
	var key [32]byte
	rand.Read(key[:])
	box, err := aead(key[:])
	if err != nil {
		return "", fmt.Errorf("keep a form: %w", err)
	}
	d := Draft{ID: halsocoach.NewID(), Person: person, Ends: s.clock().UTC().Add(Lasts)}
	d.Box = box.Seal(nil, nil, plain, []byte(d.ID+"\x00"+person))
	if err := s.Docs.Insert(ctx, d.ID, d); err != nil {
		return "", fmt.Errorf("keep a form: %w", err)
	}
	return d.ID + "." + base64.RawURLEncoding.EncodeToString(key[:]), nil
}

// ErrTooLarge: more than a form of ours may hold.
var ErrTooLarge = errors.New("draft: too large to keep")

// largest bounds what is kept of a form, as JSON.
const largest = 160 << 10

// written is what goes into the box: no control characters and nothing escaped
// that need not be, so that it is hardly longer than what was sent.
func written(path string, values map[string][]string) ([]byte, error) {
	k := kept{path, make(map[string][]string, len(values))}
	for name, all := range values {
		for _, v := range all {
			k.Values[name] = append(k.Values[name], halsocoach.Plain(v))
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(k); err != nil {
		return nil, fmt.Errorf("keep a form: %w", err)
	}
	if b.Len() > largest {
		return nil, ErrTooLarge
	}
	return b.Bytes(), nil
}

// Take removes the draft when it is this person's and of this path, and gives
// its answers. What is another's stays, until its quarter of an hour is over.
func (s Shelf) Take(ctx context.Context, person, path, cookie string) (map[string][]string, error) {
	id, text, _ := strings.Cut(cookie, ".")
	key, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, Err
	}
	var k kept
	err = s.Docs.Delete(ctx, id, func(d Draft) ([]halsocoach.Event, error) {
		if !s.clock().Before(d.Ends) || (d.Person != "" && d.Person != person) {
			return nil, Err
		}
		box, err := aead(key)
		if err != nil {
			return nil, err
		}
		plain, err := box.Open(nil, nil, d.Box, []byte(d.ID+"\x00"+d.Person))
		if err != nil {
			return nil, Err
		}
		k = kept{}
		if json.Unmarshal(plain, &k) != nil || k.Path != path {
			return nil, Err
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
