package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"halsocoach"
	"halsocoach/internal/store"
)

// trouble is what is wrong with the server, as the log says it; "" is nothing.
type trouble string

const (
	gone     trouble = "MongoDB can not be reached"
	slow     trouble = "MongoDB answers too slowly"
	headless trouble = "MongoDB has no primary that takes writes"
	refuses  trouble = "MongoDB refuses to write"
)

// The server's error codes, by what they mean.
var codes = []struct {
	trouble trouble
	codes   []int
	// landed says that the write may have been done all the same.
	landed bool
}{
	// NotWritablePrimary, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, LegacyNotPrimary
	{headless, []int{10107, 13435, 13436, 10058}, false},
	// InterruptedAtShutdown, InterruptedDueToReplStateChange, ShutdownInProgress, PrimarySteppedDown
	{headless, []int{11600, 11602, 91, 189}, true},
	// HostUnreachable, HostNotFound, NetworkTimeout, SocketException
	{gone, []int{6, 7, 89, 9001}, true},
	// MaxTimeMSExpired, ExceededTimeLimit, NetworkInterfaceExceededTimeLimit, WriteConcernTimeout
	{slow, []int{50, 262, 202, 64}, true},
	// Unauthorized, AuthenticationFailed, UserWritesBlocked, OutOfDiskSpace, AtlasError (over the quota)
	{refuses, []int{13, 18, 371, 14031, 8000}, false},
	// UnsatisfiableWriteConcern
	{refuses, []int{100}, true},
}

// troubleOf says what an error tells of the server, and whether a write that
// got it may have been done all the same.
func troubleOf(err error) (t trouble, landed bool) {
	if err == nil || errors.Is(err, driver.ErrClientDisconnected) {
		return "", false
	}
	var choice topology.ServerSelectionError
	if errors.As(err, &choice) {
		if strings.Contains(choice.Desc.String(), "ReplicaSetNoPrimary") {
			return headless, false
		}
		return gone, false
	}
	var server driver.ServerError
	if errors.As(err, &server) {
		for _, c := range codes {
			for _, code := range c.codes {
				if server.HasErrorCode(code) {
					return c.trouble, c.landed
				}
			}
		}
		if server.HasErrorCode(20) && strings.Contains(err.Error(), "read-only") {
			return refuses, false
		}
	}
	var line topology.ConnectionError
	var pool interface{ Retryable() bool } // nothing was sent: another operation has just lost its connection
	switch {
	case server == nil && errors.As(err, &pool):
		return gone, false
	case driver.IsTimeout(err):
		return slow, true
	case driver.IsNetworkError(err), errors.As(err, &line):
		return gone, true
	case server != nil && server.HasErrorLabel("RetryableWriteError"):
		return headless, true
	}
	return "", false
}

// notChosen says that no server was found to send the operation to: the driver
// has waited long enough.
func notChosen(err error) bool {
	var choice topology.ServerSelectionError
	return errors.As(err, &choice)
}

const codeNoMajority = 64

// busy is halsocoach.ErrBusy with its cause, for the log.
func busy(what string, cause error) error {
	return &halsocoach.Error{Kind: halsocoach.KindBusy, Text: halsocoach.ErrBusy.Text, Err: fmt.Errorf("mongo: %s: %w", what, cause)}
}

// fault turns what went wrong into what the port promises. The server's troubles
// become ErrBusy and are noted. ctx is the operation's, began when it started.
func (s *Store) fault(ctx context.Context, what string, began time.Time, err error) error {
	var dup *store.ErrDuplicate
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrNewer), errors.Is(err, halsocoach.ErrBusy), errors.As(err, &dup):
		return err
	case s.ctx.Err() != nil, errors.Is(err, driver.ErrClientDisconnected):
		return ErrClosed
	case errors.Is(ctx.Err(), context.Canceled): // the caller has left
		return fmt.Errorf("mongo: %s: %w", what, ctx.Err())
	}
	t, _ := troubleOf(err)
	if t == "" {
		return fmt.Errorf("mongo: %s: %w", what, err)
	}
	// A caller in a hurry says nothing about the server; that a majority is out of
	// reach does.
	var server driver.ServerError
	late := time.Since(began) >= min(time.Second, s.set.Bound/2) || errors.As(err, &server) && server.HasErrorCode(codeNoMajority)
	if t != slow || late {
		s.health.note(t, err)
	}
	return busy(what, err)
}

// health tells the log once when the server's trouble begins and once when it
// is over, however many operations meet it.
type health struct {
	log    *slog.Logger
	server string
	in     atomic.Bool
	none   atomic.Bool // nobody takes writes

	mu      sync.Mutex
	trouble trouble
	since   time.Time
	last    time.Time // when it was last met
}

func (h *health) troubled() bool { return h.in.Load() }

// hopeless says that there is nobody to wait for. A server that is only slow
// must get its time, or it would never be heard.
func (h *health) hopeless() bool { return h.none.Load() }

func (h *health) note(t trouble, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = time.Now()
	if h.trouble != "" {
		return
	}
	h.trouble, h.since = t, h.last
	h.in.Store(true)
	h.none.Store(t == gone || t == headless)
	h.log.Error(string(t), "server", h.server, "error", err)
}

// over ends the trouble, unless it has been met in the last while.
func (h *health) over(while time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trouble == "" || time.Since(h.last) < while {
		return
	}
	h.log.Info("MongoDB serves again", "server", h.server, "after", time.Since(h.since).Round(time.Millisecond))
	h.trouble = ""
	h.in.Store(false)
	h.none.Store(false)
}

// watch looks after the server: in trouble, whether it is over; else whether
// another program has declared indexes anew.
func (s *Store) watch() {
	tick := time.NewTicker(s.set.Watch)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		if !s.health.troubled() {
			began := time.Now()
			ctx, cancel := s.bound(s.ctx, s.ctx)
			_ = s.fault(ctx, "watch", began, s.look(ctx))
			cancel()
		} else if s.probe() == nil {
			s.health.over(2 * s.set.Watch)
		}
	}
}

// probe is a ping that may take its time.
func (s *Store) probe() error {
	ctx, cancel := context.WithTimeout(s.ctx, s.set.Bound)
	defer cancel()
	return s.touch(ctx)
}
