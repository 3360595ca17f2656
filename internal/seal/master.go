package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// Master is the key that wraps all others. It shows itself to nobody.
type Master struct{ secret [32]byte }

// Format masks the key, whatever verb it is printed with.
func (Master) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("master key")) }

// LogValue masks the key.
func (Master) LogValue() slog.Value { return slog.StringValue("master key") }

// MarshalJSON refuses.
func (Master) MarshalJSON() ([]byte, error) {
	return nil, errors.New("seal: a master key is never written down")
}

const keyFileStart = "halsocoach-master-1:"

// KeyFile reads the master key, and makes it, with mode 0600, when the file is
// missing. A file that others may read is refused. Whoever loses the file loses
// everything that is sealed; whoever has it and the key store can read it.
func KeyFile(path string) (Master, error) {
	m, err := readKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	if err := makeKeyFile(path); err != nil {
		return Master{}, fmt.Errorf("seal: make the key file: %w", err)
	}
	return readKeyFile(path)
}

func readKeyFile(path string) (Master, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Master{}, fmt.Errorf("seal: key file: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return Master{}, fmt.Errorf("seal: key file %s has mode %v; mend it with: chmod 600 %s", path, mode, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Master{}, fmt.Errorf("seal: key file: %w", err)
	}
	return parseMaster(path, string(text))
}

func parseMaster(path, text string) (m Master, err error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(text), keyFileStart)
	raw, derr := base64.StdEncoding.DecodeString(text)
	if !ok || derr != nil || len(raw) != len(m.secret) {
		return Master{}, fmt.Errorf("seal: %s is not a key file of this program", path)
	}
	copy(m.secret[:], raw)
	return m, nil
}

// makeKeyFile writes beside the path and links into place: of two that start at
// one time one wins, and nobody reads half a key.
func makeKeyFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	var secret [32]byte
	rand.Read(secret[:])
	_, err = f.WriteString(keyFileStart + base64.StdEncoding.EncodeToString(secret[:]) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// secrets are what the master key is used for, one derived key for each.
type secrets struct {
	wrap    tink.AEAD
	numbers []byte
	names   []byte
	tokens  []byte
}

func (m Master) derive() (s secrets, err error) {
	if m == (Master{}) {
		return s, errors.New("seal: no master key")
	}
	sub := func(use string) []byte {
		key, kerr := hkdf.Key(sha256.New, m.secret[:], nil, "halsocoach/"+use, 32)
		err = errors.Join(err, kerr)
		return key
	}
	s.numbers, s.names, s.tokens = sub("numbers"), sub("names"), sub("tokens")
	wrap := sub("wrap")
	if err != nil {
		return s, fmt.Errorf("seal: %w", err)
	}
	s.wrap, err = longKey(wrap)
	return s, err
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
