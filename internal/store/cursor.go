package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// CursorKeySize is the length of the key of NewCursors.
const CursorKeySize = 32

// Cursors seals positions in an index, so that they can go into URLs: nobody
// reads values out of them, and none is taken for another kind, index or
// equality.
type Cursors struct{ box cipher.AEAD }

// NewCursors takes the key that all processes on one database share.
func NewCursors(key []byte) (*Cursors, error) {
	if len(key) != CursorKeySize {
		return nil, fmt.Errorf("store: a cursor key of %d bytes", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("store: cursor key: %w", err)
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("store: cursor key: %w", err)
	}
	return &Cursors{box}, nil
}

// NewCursorKey makes one.
func NewCursorKey() []byte {
	key := make([]byte, CursorKeySize)
	rand.Read(key)
	return key
}

func (c *Cursors) seal(s *Schema, p Plan, position []any) string {
	var plain []byte
	for _, v := range position {
		plain = AppendValue(plain, v)
	}
	return base64.RawURLEncoding.EncodeToString(c.box.Seal(nil, nil, plain, bound(s, p)))
}

// open gives the position back, if the cursor was made for the same kind, index
// and equal values.
func (c *Cursors) open(s *Schema, p Plan, cursor string) ([]any, error) {
	box, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, ErrCursor
	}
	plain, err := c.box.Open(nil, nil, box, bound(s, p))
	if err != nil {
		return nil, ErrCursor
	}
	var position []any
	for len(plain) > 0 {
		var v any
		if v, plain, err = CutValue(plain); err != nil {
			return nil, ErrCursor
		}
		position = append(position, v)
	}
	rest := s.Kind.Indexes[p.Index].Fields[len(p.Equal):]
	if len(position) != len(rest)+1 {
		return nil, ErrCursor // of an index that has been declared anew
	}
	for i, v := range position {
		_, text := v.(string)
		if wantText := i == len(rest) || rest[i].Type == Text; text != wantText {
			return nil, ErrCursor
		}
	}
	return position, nil
}

// bound is what a cursor is good for.
func bound(s *Schema, p Plan) []byte {
	to := AppendValue(nil, s.Kind.Name)
	to = AppendValue(to, s.Kind.Indexes[p.Index].Name)
	for _, v := range p.Equal {
		to = AppendValue(to, v)
	}
	return to
}
