package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"halsocoach"
	"halsocoach/internal/store"
)

// trouble is what is wrong with the server, as the log says it; "" is nothing.
type trouble string

const (
	unreachable trouble = "MongoDB can not be reached"
	slow        trouble = "MongoDB answers too slowly"
	noPrimary   trouble = "MongoDB has no primary that takes writes"
	readOnly    trouble = "MongoDB refuses to write"
)

// The server's error codes, by what they mean.
var codes = []struct {
	trouble trouble
	codes   []int
	// landed says that the write may have been done all the same.
	landed bool
}{
	// NotWritablePrimary, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, LegacyNotPrimary
	{noPrimary, []int{10107, 13435, 13436, 10058}, false},
	// InterruptedAtShutdown, InterruptedDueToReplStateChange, ShutdownInProgress, PrimarySteppedDown
	{noPrimary, []int{11600, 11602, 91, 189}, true},
	// HostUnreachable, HostNotFound, NetworkTimeout, SocketException
	{unreachable, []int{6, 7, 89, 9001}, true},
	// MaxTimeMSExpired, ExceededTimeLimit, NetworkInterfaceExceededTimeLimit, WriteConcernTimeout
	{slow, []int{50, 262, 202, 64}, true},
	// Unauthorized, AuthenticationFailed, UserWritesBlocked, OutOfDiskSpace, AtlasError (over the quota)
	{readOnly, []int{13, 18, 371, 14031, 8000}, false},
	// UnsatisfiableWriteConcern
	{readOnly, []int{100}, true},
}

// troubleOf says what an error tells of the server, and whether a write that
// got it may have been done all the same.
func troubleOf(err error) (t trouble, landed bool) {
	if err == nil || errors.Is(err, driver.ErrClientDisconnected) {
		return "", false
	}
	if errors.Is(err, errNotYet) {
		return slow, true
	}
	var choice topology.ServerSelectionError
	if errors.As(err, &choice) {
		if strings.Contains(choice.Desc.String(), "ReplicaSetNoPrimary") {
			return noPrimary, false
		}
		return unreachable, false
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
			return readOnly, false
		}
	}
	var line topology.ConnectionError
	var pool interface{ Retryable() bool } // nothing was sent: another operation has just lost its connection
	switch {
	case server == nil && errors.As(err, &pool):
		return unreachable, false
	case driver.IsTimeout(err):
		return slow, true
	case driver.IsNetworkError(err), errors.As(err, &line):
		return unreachable, true
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

	mu      sync.Mutex
	trouble trouble
	since   time.Time
	last    time.Time // when it was last met
}

func (h *health) now() trouble {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trouble
}

func (h *health) note(t trouble, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = time.Now()
	if h.trouble != "" {
		return
	}
	h.trouble, h.since = t, h.last
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
		if s.health.now() == "" {
			_ = s.run(s.ctx, "watch", s.look) // run notes what is wrong
			continue
		}
		ctx, cancel := context.WithTimeout(s.ctx, s.set.Bound) // it may take its time
		if s.touch(ctx) == nil {
			s.health.over(2 * s.set.Watch)
		}
		cancel()
	}
}
