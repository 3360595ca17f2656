package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Tokens seals small texts that are not personal, such as cursors and states:
// opaque, and of no use for another purpose.
type Tokens struct {
	purpose string
	key     tink.AEAD
}

// Token gives the tokens of a purpose.
func (s *Sealer) Token(purpose string) Tokens {
	key, err := hkdf.Key(sha256.New, s.hashes.tokens, nil, "halsocoach/token/"+purpose, 32)
	if err != nil {
		panic("seal: derive token key: " + err.Error()) // a length that can not be derived
	}
	x, err := longKey(key)
	if err != nil {
		panic("seal: token key: " + err.Error()) // a key of the wrong length
	}
	return Tokens{purpose, x}
}

// Encrypt closes plain; the token may stand in a URL.
func (t Tokens) Encrypt(plain []byte) string {
	box, err := t.key.Encrypt(plain, []byte(t.purpose))
	if err != nil {
		panic("seal: encrypt token: " + err.Error()) // larger than memory
	}
	return base64.RawURLEncoding.EncodeToString(box)
}

// Decrypt opens a token of the same purpose, or ErrToken.
func (t Tokens) Decrypt(token string) ([]byte, error) {
	box, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, ErrToken
	}
	plain, err := t.key.Decrypt(box, []byte(t.purpose))
	if err != nil {
		return nil, ErrToken
	}
	return plain, nil
}

// dataKey is AES-256-GCM with a random nonce: a person's key closes far fewer
// than 2^32 boxes.
func dataKey(key []byte) (tink.AEAD, error) {
	a, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, fmt.Errorf("seal: data key: %w", err)
	}
	return a, nil
}

// longKey is XChaCha20-Poly1305, whose random nonce is long enough for any
// number of boxes under one key: for the master key and for tokens.
func longKey(key []byte) (tink.AEAD, error) {
	a, err := subtle.NewXChaCha20Poly1305(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return a, nil
}
