package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// keyring is the set of signing keys: one file <kid>.key for each, PKCS 8 in PEM.
// A kid begins with the time it was made, the newest signs, all of them verify.
// So a rotation is: AddKey, and after the absolute limit of a session remove the
// old file. Nodes share the folder.
type keyring struct {
	dir string

	mu     sync.RWMutex
	keys   map[string]ed25519.PrivateKey
	newest string
	read   time.Time
}

const keyEnding = ".key"

// rereadEvery bounds how often tokens with unknown key ids make a node read the
// folder again.
const rereadEvery = 5 * time.Second

// AddKey makes a new signing key in the folder, which nodes begin to use within
// a minute. The file can be read by its owner only.
func AddKey(dir string, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of the signing keys: %w", err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	var tail [4]byte
	rand.Read(tail[:])
	kid := now.UTC().Format("20060102T150405.000Z") + "-" + hex.EncodeToString(tail[:])
	path := filepath.Join(dir, kid+keyEnding)
	body := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := writeKey(path, body); err != nil {
		return fmt.Errorf("save a signing key: %w", err)
	}
	return nil
}

// writeKey puts the whole file there or nothing.
func writeKey(path string, body []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	return err
}

// openKeys reads the folder, and makes the first key in an empty one.
func openKeys(dir string, now time.Time) (*keyring, error) {
	k := &keyring{dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the signing keys: %w", err)
	}
	if err := k.reload(now); err != nil {
		return nil, err
	}
	if k.newest == "" {
		if err := AddKey(dir, now); err != nil {
			return nil, err
		}
		if err := k.reload(now); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *keyring) reload(now time.Time) error {
	files, err := os.ReadDir(k.dir)
	if err != nil {
		return fmt.Errorf("read the signing keys: %w", err)
	}
	keys, newest := map[string]ed25519.PrivateKey{}, ""
	for _, f := range files {
		kid, ok := strings.CutSuffix(f.Name(), keyEnding)
		if !ok || f.IsDir() {
			continue
		}
		if keys[kid], err = readKey(filepath.Join(k.dir, f.Name())); err != nil {
			return err
		}
		newest = max(newest, kid)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys, k.newest, k.read = keys, newest, now
	return nil
}

// readKey refuses a file that others than the owner (and the group that a
// cluster mounts secrets for) could read, or that others could write.
func readKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read a signing key: %w", err)
	}
	if info.Mode().Perm()&0o027 != 0 {
		return nil, fmt.Errorf("the signing key %s can be read by others: chmod 600 %s", path, path)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a signing key: %w", err)
	}
	block, _ := pem.Decode(body)
	if block == nil {
		return nil, fmt.Errorf("the signing key %s is not PEM: restore it or remove it", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the signing key %s can not be read: %w", path, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the signing key %s is not an Ed25519 key", path)
	}
	return private, nil
}

// signer is the key that signs now.
func (k *keyring) signer() (kid string, key ed25519.PrivateKey) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.newest, k.keys[k.newest]
}

// has says whether the key is still in the set.
func (k *keyring) has(kid string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.keys[kid]
	return ok
}

// public finds the key of a token, and reads the folder again for one that
// another node may have made.
func (k *keyring) public(kid string, now time.Time) (ed25519.PublicKey, bool) {
	k.mu.RLock()
	key, ok := k.keys[kid]
	age := now.Sub(k.read)
	k.mu.RUnlock()
	if !ok && (age >= rereadEvery || age < 0) && k.reload(now) == nil {
		k.mu.RLock()
		key, ok = k.keys[kid]
		k.mu.RUnlock()
	}
	if !ok {
		return nil, false
	}
	return key.Public().(ed25519.PublicKey), true
}
