package signing

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"halsocoach/internal/seal"
)

const (
	takenGroup = "signing-folder"
	keyEnding  = ".key"
)

// TakeOver brings the signing keys of an older installation, one file each
// in a folder, into the key store: once, before Open, so that nobody is signed
// out by it. A folder that is not there is nothing to take over.
func TakeOver(ctx context.Context, sealer *seal.Sealer, dir string, log *slog.Logger) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the signing keys of before: %w", err)
	}
	files = slices.DeleteFunc(files, func(f fs.DirEntry) bool { return f.IsDir() || !strings.HasSuffix(f.Name(), keyEnding) })
	if len(files) == 0 {
		return nil
	}
	done, err := sealer.Secrets(ctx, takenGroup)
	if err != nil {
		return err
	}
	if len(done) > 0 {
		return nil // a key that was revoked since must not come back
	}
	k := &Ring{seal: sealer}
	for _, f := range files {
		old, err := readKey(filepath.Join(dir, f.Name()))
		if err != nil {
			return err
		}
		old.kid = strings.TrimSuffix(f.Name(), keyEnding)
		if err := k.keep(ctx, old); err != nil {
			return err
		}
	}
	if _, err := sealer.KeepSecret(ctx, takenGroup, "done", []byte("yes")); err != nil {
		return err
	}
	log.Info("signing keys moved into the key store; their files may be removed", "folder", dir, "keys", len(files))
	return nil
}

// readKey reads a file of before: PKCS 8 in PEM, its name begins with the time
// it was made. It refuses one that others than the owner and the group could
// read, or that others could write.
func readKey(path string) (key, error) {
	fail := func(what string) (key, error) {
		return key{}, fmt.Errorf("the signing key %s %s", path, what)
	}
	info, err := os.Stat(path)
	if err != nil {
		return key{}, fmt.Errorf("read a signing key: %w", err)
	}
	if info.Mode().Perm()&0o027 != 0 {
		return fail("can be read by others: chmod 600 " + path)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return key{}, fmt.Errorf("read a signing key: %w", err)
	}
	block, _ := pem.Decode(body)
	if block == nil {
		return fail("is not PEM: restore it or remove it")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return fail("is not an Ed25519 key: restore it or remove it")
	}
	stamp, _, _ := strings.Cut(filepath.Base(path), "-")
	made, err := time.Parse(kidTime, stamp)
	if err != nil {
		made = info.ModTime()
	}
	return key{made: made, from: made, key: private}, nil
}
