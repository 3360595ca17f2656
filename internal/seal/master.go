package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// Master is the ring of outer keys, which wrap all others. The file it was read
// from is read again while the program runs. It shows itself to nobody.
type Master struct {
	path  string
	outer []outerKey // as in the file
}

// outerKey is one line of the key file.
type outerKey struct {
	id     string // made from the secret, so that the two never part
	secret [32]byte
	made   time.Time // zero for the key a file began with
}

// Format masks the keys, whatever verb they are printed with.
func (Master) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("master key")) }

// LogValue masks the keys.
func (Master) LogValue() slog.Value { return slog.StringValue("master key") }

// MarshalJSON refuses.
func (Master) MarshalJSON() ([]byte, error) {
	return nil, errors.New("seal: a master key is never written down")
}

// Format masks the key.
func (outerKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("outer key")) }

const keyFileStart = "halsocoach-master-1:"

// newOuter makes a key.
func newOuter(made time.Time) (outerKey, error) {
	var secret [32]byte
	rand.Read(secret[:])
	return outerOf(secret, made)
}

func outerOf(secret [32]byte, made time.Time) (outerKey, error) {
	id, err := hkdf.Key(sha256.New, secret[:], nil, "halsocoach/id", 6)
	if err != nil {
		return outerKey{}, fmt.Errorf("seal: %w", err)
	}
	return outerKey{id: hex.EncodeToString(id), secret: secret, made: made}, nil
}

// line is how the key stands in the file.
func (k outerKey) line() string {
	text := keyFileStart + base64.StdEncoding.EncodeToString(k.secret[:])
	if !k.made.IsZero() {
		text += " " + k.made.UTC().Format(time.RFC3339)
	}
	return text + "\n"
}

// parseMaster reads a key file: a key a line, with the time it was made unless
// it is the one the file began with. The first is the newest.
func parseMaster(path, text string) (Master, error) {
	m := Master{path: path}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		k, ok := parseOuter(words)
		if !ok {
			return Master{}, fmt.Errorf("seal: %s is not a key file of this program", path)
		}
		if !m.has(k.id) {
			m.outer = append(m.outer, k)
		}
	}
	if len(m.outer) == 0 {
		return Master{}, fmt.Errorf("seal: %s is not a key file of this program", path)
	}
	return m, nil
}

func parseOuter(words []string) (outerKey, bool) {
	text, ok := strings.CutPrefix(words[0], keyFileStart)
	raw, err := base64.StdEncoding.DecodeString(text)
	var secret [32]byte
	if !ok || err != nil || len(raw) != len(secret) || len(words) > 2 {
		return outerKey{}, false
	}
	copy(secret[:], raw)
	var made time.Time
	if len(words) == 2 {
		if made, err = time.Parse(time.RFC3339, words[1]); err != nil {
			return outerKey{}, false
		}
	}
	k, err := outerOf(secret, made)
	return k, err == nil
}

func (m Master) has(id string) bool {
	return slices.ContainsFunc(m.outer, func(k outerKey) bool { return k.id == id })
}

func (m Master) find(id string) (outerKey, bool) {
	i := slices.IndexFunc(m.outer, func(k outerKey) bool { return k.id == id })
	if i < 0 {
		return outerKey{}, false
	}
	return m.outer[i], true
}

func (m Master) ids() []string {
	out := make([]string, len(m.outer))
	for i, k := range m.outer {
		out[i] = k.id
	}
	return out
}

// wrapper is what the key wraps others with.
func (k outerKey) wrapper() (tink.AEAD, error) {
	key, err := hkdf.Key(sha256.New, k.secret[:], nil, "halsocoach/wrap", 32)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return longKey(key)
}

// keyed is the keyed hash of parts, n bytes of it.
func keyed(key []byte, n int, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write([]byte(p))
		mac.Write([]byte{0})
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:n])
}
