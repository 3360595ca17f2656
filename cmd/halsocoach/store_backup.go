package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"halsocoach/internal/store"
	"halsocoach/internal/store/mongo"
	"halsocoach/internal/store/sqlite"
)

// oneStore is the store of documents, or with OfKeys that of keys: never both in
// one file, so that a destroyed key reaches the backups of the documents too.
type oneStore struct {
	Store    string `env:"HALSOCOACH_STORE" placeholder:"sqlite:PATH" help:"The store of documents."`
	Keys     string `env:"HALSOCOACH_KEYS" placeholder:"DIR" help:"Folder of the keys; only with --of-keys."`
	KeyStore string `env:"HALSOCOACH_KEY_STORE" placeholder:"sqlite:PATH" help:"The store of keys; only with --of-keys."`
	OfKeys   bool   `help:"The store of keys instead. Keep it apart, only the newest, for at most 7 days."`
}

// at is which store is meant.
func (o oneStore) at() (address string, of []store.Kind, err error) {
	if !o.OfKeys {
		return o.Store, kinds(), checkStore("HALSOCOACH_STORE", o.Store)
	}
	if o.Keys == "" && o.KeyStore == "" {
		return "", nil, errSetting("HALSOCOACH_KEYS", "", "give the folder of the keys")
	}
	address = dataConfig{Store: o.Store, Keys: o.Keys, KeyStore: o.KeyStore}.keyStore()
	return address, keyKinds(), checkStore("HALSOCOACH_KEY_STORE", address)
}

// backupCommand copies a running store to a file.
type backupCommand struct {
	oneStore
	File string `arg:"" help:"The file to write; it must not exist."`
}

// Run writes beside the file and moves it into place when it is whole, so that
// what has the name is always a whole backup.
func (c *backupCommand) Run(ctx context.Context, log *slog.Logger) (err error) {
	address, of, err := c.at()
	if err != nil {
		return err
	}
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil { // opening would make it
			return fmt.Errorf("back up %s: there is no store at that path", address)
		}
	}
	if _, err := os.Lstat(c.File); err == nil {
		return fmt.Errorf("back up: %s exists already; give a new name", c.File)
	}
	s, err := openStore(ctx, address, of, log)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer s.Close()
	n, took, err := writeWhole(c.File, func(w io.Writer) error { return s.Backup(ctx, w) })
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	fmt.Printf("%s: %s in %s\n", c.File, megabytes(n), took)
	return nil
}

// writeWhole writes a file that only its owner can read, with a progress bar,
// and gives it its name once it is on the disk.
func writeWhole(path string, write func(io.Writer) error) (n int64, took time.Duration, err error) {
	began := time.Now()
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(f.Name())
	bar := bytesBar(-1, "writing "+filepath.Base(path))
	err = write(io.MultiWriter(f, bar))
	if at, seekErr := f.Seek(0, io.SeekCurrent); seekErr == nil {
		n = at
	}
	err = errors.Join(err, bar.Finish(), f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path) // fails if somebody has made it meanwhile
	}
	if dir, openErr := os.Open(filepath.Dir(path)); err == nil && openErr == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	return n, time.Since(began).Round(time.Millisecond), err
}

// bytesBar shows how much is done where somebody watches; a night job's mail
// stays clean.
func bytesBar(size int64, what string) *progressbar.ProgressBar {
	out := io.Writer(os.Stderr)
	if st, err := os.Stderr.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		out = io.Discard
	}
	return progressbar.NewOptions64(size, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0)) // see progress
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// restoreCommand makes an empty store from a backup.
type restoreCommand struct {
	oneStore
	File string `arg:"" type:"existingfile" help:"What store backup wrote."`
}

// Run checks the copy first and touches nothing that is there.
func (c *restoreCommand) Run(ctx context.Context, log *slog.Logger) error {
	address, _, err := c.at()
	if err != nil {
		return err
	}
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	began := time.Now()
	bar := bytesBar(info.Size(), "reading "+filepath.Base(c.File))
	err = errors.Join(restoreStore(ctx, address, io.TeeReader(f, bar), log), bar.Finish())
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	fmt.Printf("%s: restored %s in %s\n", redacted(address), megabytes(info.Size()), time.Since(began).Round(time.Millisecond))
	return nil
}

// restoreStore makes the store at an address from what Backup wrote.
func restoreStore(ctx context.Context, address string, from io.Reader, log *slog.Logger) error {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		return sqlite.Restore(ctx, from, path)
	}
	return mongo.Restore(ctx, from, address, log)
}
