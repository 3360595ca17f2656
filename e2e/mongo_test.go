package e2e

import (
	"bufio"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"halsocoach/internal/store"
	"halsocoach/internal/store/mongo"
	"halsocoach/internal/store/sqlite"
)

// TestTheStoryOnMongoDB is TestTheStory in an installation that has begun on
// SQLite and moved to MongoDB, documents and keys. No server of it can be
// installed here, so the stand-in of internal/store/mongo/ferret is built and run
// as a process of its own. It goes through whole collections for most questions,
// so everything may take longer.
func TestTheStoryOnMongoDB(t *testing.T) {
	t.Parallel() // it mostly waits
	address, dir := startMongo(t), filled(t, monday)
	move(t, dir, address)
	story(t, dir, Phone, "HALSOCOACH_STORE="+address)
}

// move copies the stores of a demo to MongoDB, as an operator does, and then
// what the demo alone remembers.
func move(t *testing.T, dir, address string) {
	t.Helper()
	began := time.Now()
	file := filepath.Join(dir, "halsocoach.db")
	cmd := exec.Command(binary, "store", "copy", "--to", address)
	cmd.Env = append(os.Environ(), "HALSOCOACH_STORE=sqlite:"+file, "HALSOCOACH_KEYS="+filepath.Join(dir, "keys"), "HALSOCOACH_NATS=embedded:"+filepath.Join(dir, "nats"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("store copy: %v\n%s", err, tail(string(out), 2000))
	}
	t.Logf("moved in %.1f s", time.Since(began).Seconds())
	demo, log := []store.Kind{{Name: "demo", NoPerson: true}}, slog.New(slog.DiscardHandler)
	from, err := sqlite.Open(t.Context(), file, demo, log)
	if err != nil {
		t.Fatal(err)
	}
	to, err := mongo.Open(t.Context(), address, demo, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := from.Each(t.Context(), "demo", func(d store.Document) error {
		_, err := to.Save(t.Context(), "demo", store.Document{ID: d.ID, Body: d.Body}, nil)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(from.Close(), to.Close()); err != nil {
		t.Fatal(err)
	}
}

// startMongo builds and runs the stand-in and returns its address.
func startMongo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "mongo")
	if err := build(filepath.Join("..", "internal", "store", "mongo", "ferret"), "./cmd", program); err != nil { // a module of its own
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-addr", "127.0.0.1:0", "-dir", filepath.Join(dir, "data"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		end := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer end.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the stand-in for MongoDB ended with %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "mongodb://") {
		t.Fatalf("the stand-in for MongoDB says %q: %v", line, err)
	}
	return strings.TrimSpace(line)
}
