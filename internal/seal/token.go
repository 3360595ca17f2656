package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"

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
