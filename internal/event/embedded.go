package event

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// ErrOwned: another process runs on the folder.
var ErrOwned = errors.New("event: the folder has another owner")

// embedded is a NATS server inside this process: no TCP port, JetStream on
// disk, each write synced, since there is no second copy of its streams; unless the
// owner of the folder sees to that.
type embedded struct {
	nats *server.Server
	lock *os.File
}

func startEmbedded(dir string, synced bool, log *slog.Logger) (*embedded, error) {
	if dir == "" {
		return nil, errors.New("event: embedded NATS needs a folder: embedded:DIR")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	lock, err := own(filepath.Join(dir, "owner"))
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(&server.Options{
		ServerName:             "halsocoach",
		DontListen:             true,
		JetStream:              true,
		StoreDir:               dir,
		SyncAlways:             synced,
		JetStreamMaxMemory:     64 << 20,
		MaxPayload:             8 << 20,
		NoSigs:                 true,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("event: embedded NATS: %w", err)
	}
	s.SetLoggerV2(serverLog{log}, false, false, false)
	e := &embedded{s, lock}
	s.Start()
	if !s.ReadyForConnections(10*time.Second) || !s.JetStreamEnabled() {
		e.stop()
		return nil, fmt.Errorf("event: embedded NATS in %s did not start", dir)
	}
	return e, nil
}

func (e *embedded) stop() {
	e.nats.Shutdown()
	e.nats.WaitForShutdown()
	e.lock.Close()
}

// own takes the lock file for as long as the process lives. The lock is the
// kernel's, so that a killed owner leaves nothing to clean up; the pid in the
// file is only there to be named.
func own(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("event: lock %s: %w", path, err)
		}
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		return nil, fmt.Errorf("%w: process %s runs on %s; stop it, or give this one a folder of its own",
			ErrOwned, strings.TrimSpace(string(pid)), filepath.Dir(path))
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("event: %w", err)
	}
	return f, nil
}

// serverLog hands the server's warnings and errors to ours.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) {
	l.log.Debug("embedded NATS", "text", fmt.Sprintf(format, v...))
}
func (l serverLog) Warnf(format string, v ...any) {
	l.log.Warn("embedded NATS", "text", fmt.Sprintf(format, v...))
}
func (l serverLog) Errorf(format string, v ...any) {
	l.log.Error("embedded NATS", "text", fmt.Sprintf(format, v...))
}
func (l serverLog) Fatalf(format string, v ...any) {
	l.log.Error("embedded NATS", "text", fmt.Sprintf(format, v...))
}
func (l serverLog) Debugf(string, ...any) {}
func (l serverLog) Tracef(string, ...any) {}
