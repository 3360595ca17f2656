package e2e

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"halsocoach/internal/event"
	"halsocoach/internal/store/sqlite"
	"halsocoach/internal/testenv"
)

// Monday is when most journeys begin. The demo takes its time from the flag, so
// that they are the same on every day they are told.
const monday = "2026-11-23 09:00"

// today is for those that start a demo again, or two of them: their clocks must
// go on together.
const today = ""

// filled is a folder with a demo of its own, which has begun at that time and
// come to rest: all that its past has caused is done. It is filled once for all
// tests and then copied, since a first start costs more than most journeys.
func filled(t *testing.T, at string) string {
	t.Helper()
	dir := t.TempDir()
	copyTree(t, original(t, at), dir)
	return dir
}

// originals are the folders that have been filled, by their time.
var originals = struct {
	sync.Mutex
	dirs map[string]string
}{dirs: map[string]string{}}

func original(t *testing.T, at string) string {
	t.Helper()
	if dir := os.Getenv(filledDir); at == today && dir != "" { // in a small world
		return dir
	}
	originals.Lock()
	defer originals.Unlock()
	dir := originals.dirs[at]
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp(scratch, "filled"); err != nil {
			t.Fatal(err)
		}
		fill(t, dir, at)
		originals.dirs[at] = dir
	}
	return dir
}

const filledDir = "HALSOCOACH_E2E_FILLED"

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("copy a folder: %v\n%s", err, out)
	}
}

// fill starts a demo on an empty folder and stops it when it has come to rest.
func fill(t *testing.T, dir, at string) {
	t.Helper()
	for began := time.Now(); ; {
		ops := freeAddress(t)
		d := StartOn(t, dir, at, "HALSOCOACH_OPS_ADDR="+ops)
		t.Logf("filled, ready in %.1f s", d.Ready.Seconds())
		for still := 0; still < 5; time.Sleep(100 * time.Millisecond) {
			if still++; !noneWaits(ops) {
				still = 0
			}
			if time.Since(began) > patience {
				t.Fatal("the demo never came to rest")
			}
		}
		d.Stop()
		if atRest(t, dir) {
			return
		}
	}
}

var waits = regexp.MustCompile(`(?m)^halsocoach_events_waiting 0$`)

func noneWaits(ops string) bool {
	res, err := http.Get("http://" + ops + "/metrics")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return err == nil && waits.Match(b)
}

// atRest looks in the folder of a demo that is stopped.
func atRest(t *testing.T, dir string) bool {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "halsocoach.db"), nil, log)
	testenv.Must(t, err)
	pending, err := s.Pending(t.Context(), 1)
	testenv.Must(t, errors.Join(err, s.Close()))
	bus, err := event.Open(t.Context(), "embedded:"+filepath.Join(dir, "nats"), log)
	testenv.Must(t, err)
	waiting, parked, err := bus.Waiting(t.Context())
	testenv.Must(t, errors.Join(err, bus.Close()))
	return len(pending) == 0 && waiting == 0 && parked == 0
}

func freeAddress(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Must(t, err)
	defer free.Close()
	return free.Addr().String()
}
