package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// KeyFile reads the outer keys, and makes the file with one, and mode 0600, when
// it is missing. A file that others may read is refused. Whoever loses the file
// loses everything that is sealed; whoever has it and the key store can read it.
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
	if mode := info.Mode(); !mode.IsRegular() || !private(mode.Perm()) {
		return Master{}, fmt.Errorf("seal: key file %s has mode %v; mend it with: chmod 600 %s", path, mode, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Master{}, fmt.Errorf("seal: key file: %w", err)
	}
	return parseMaster(path, string(text))
}

// private: the owner's only, or read-only for owner and group, as a cluster
// mounts a secret for a program that is not root.
func private(mode fs.FileMode) bool { return mode&0o077 == 0 || mode == 0o440 }

// makeKeyFile writes beside the path and links into place: of two that start at
// one time one wins, and nobody reads half a key.
func makeKeyFile(path string) error {
	key, err := newOuter(time.Time{})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return writeKeyFile(path, key.line(), func(name string) error {
		if err := os.Link(name, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// changeKeyFile writes what change makes of the file, whole or not at all. Only
// one does it at a time: a key that another has just added must not be lost.
func changeKeyFile(path string, change func(Master) (Master, error)) (Master, error) {
	free, err := lockKeyFile(path)
	if err != nil {
		return Master{}, fmt.Errorf("seal: the key file can not be changed here: %w", err)
	}
	defer free()
	sweepKeyFiles(path)
	m, err := readKeyFile(path)
	if err != nil {
		return Master{}, err
	}
	if m, err = change(m); err != nil {
		return Master{}, err
	}
	var text strings.Builder
	for _, k := range m.outer {
		text.WriteString(k.line())
	}
	err = writeKeyFile(path, text.String(), func(name string) error { return os.Rename(name, path) })
	if err != nil {
		return Master{}, fmt.Errorf("seal: the key file can not be changed here: %w", err)
	}
	return readKeyFile(path)
}

// lockKeyFile keeps other commands from changing the file. The lock is the
// kernel's, on the folder: a command that is killed leaves none.
func lockKeyFile(path string) (free func(), err error) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for range lockTries {
		if err = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
			break
		}
		err = errors.New("another command is changing it")
		time.Sleep(lockPause)
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return func() { _ = dir.Close() }, nil
}

// A change takes milliseconds.
const (
	lockTries = 40
	lockPause = 50 * time.Millisecond
	leftover  = 30 * time.Second // the age of what a killed command has begun to write
)

// sweepKeyFiles removes what a command that was killed had begun to write.
func sweepKeyFiles(path string) {
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*"))
	for _, name := range left {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > leftover {
			_ = os.Remove(name)
		}
	}
}

// writeKeyFile writes a file beside the path, durably, and puts it in place.
func writeKeyFile(path, text string, place func(name string) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := place(f.Name()); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
