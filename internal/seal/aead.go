package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// aead closes and opens with associated data. The nonce is random and stands
// first in the box, as in Tink's AEAD without prefix.
type aead struct{ cipher.AEAD }

// dataKey is AES-256-GCM: a person's key closes far fewer than 2^32 boxes.
func dataKey(key []byte) (*aead, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal: data key: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("seal: data key: %w", err)
	}
	return &aead{gcm}, nil
}

// longKey is XChaCha20-Poly1305, whose nonce is long enough for any number of
// boxes under one key: for the master key and for tokens.
func longKey(key []byte) (*aead, error) {
	x, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return &aead{x}, nil
}

// encrypt appends the box to a copy of head.
func (a *aead) encrypt(head, plain, bound []byte) []byte {
	out := make([]byte, len(head)+a.NonceSize(), len(head)+a.NonceSize()+len(plain)+a.Overhead())
	copy(out, head)
	nonce := out[len(head):]
	rand.Read(nonce)
	return a.Seal(out, nonce, plain, bound)
}

var errNotWhole = errors.New("seal: not a whole box")

func (a *aead) decrypt(box, bound []byte) ([]byte, error) {
	if len(box) < a.NonceSize()+a.Overhead() {
		return nil, errNotWhole
	}
	return a.AEAD.Open(nil, box[:a.NonceSize()], box[a.NonceSize():], bound)
}
