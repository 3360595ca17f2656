package seal

import (
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

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
