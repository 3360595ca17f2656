package ferret_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"halsocoach/internal/store"
	"halsocoach/internal/store/mongo"
	"halsocoach/internal/store/mongo/ferret"
	"halsocoach/internal/store/storetest"
)

// program is the stand-in without its relay, built once.
var program string

// Server is a FerretDB in a process of its own, behind a relay in this one.
type Server struct {
	*ferret.Relay
	behind *exec.Cmd
}

// start runs a server that keeps its databases in the folder dir.
func start(dir string) (*Server, error) {
	cmd := exec.Command(program, "-bare", "-dir", dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	s := &Server{behind: cmd}
	line, err := bufio.NewReader(out).ReadString('\n')
	at, _ := url.Parse(strings.TrimSpace(line))
	if err == nil {
		s.Relay, err = ferret.NewRelay("127.0.0.1:0", at.Host)
	}
	if err != nil {
		_ = cmd.Process.Kill()
		return nil, errors.Join(err, cmd.Wait())
	}
	return s, nil
}

// URL is the address of a database of the server.
func (s *Server) URL(database string) string { return "mongodb://" + s.Addr() + "/" + database }

// Close ends the relay and the server.
func (s *Server) Close() error {
	s.Relay.Close()
	return errors.Join(s.behind.Process.Signal(syscall.SIGTERM), s.behind.Wait())
}

// server is the stand-in that all tests share but those of faults, which share
// shaky. That one says that it is a router of MongoDB's which knows a write that
// is repeated (the driver then relies on it), and does not.
var server, shaky *Server

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ferret-test-")
	if err == nil {
		program = filepath.Join(dir, "ferret")
		var said []byte
		if said, err = exec.Command("go", "build", "-o", program, "./cmd").CombinedOutput(); err != nil {
			err = fmt.Errorf("build the stand-in: %w: %s", err, said)
		}
	}
	if err == nil {
		server, err = start(filepath.Join(dir, "data"))
	}
	if err == nil {
		shaky, err = start(filepath.Join(dir, "shaky"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shaky.Greet(bson.D{{Key: "msg", Value: "isdbgrid"}, {Key: "logicalSessionTimeoutMinutes", Value: 30}})
	code := m.Run()
	if err := errors.Join(server.Close(), shaky.Close()); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "a stand-in ended with", err)
		code = 1
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// testLog sends log lines to the test's output.
func testLog(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

// database is a name of the test's own.
func database(t testing.TB, what string) string {
	sum := sha256.Sum256([]byte(t.Name() + what))
	return "t" + hex.EncodeToString(sum[:8])
}

// ok ends the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openAt(t testing.TB, url string, kinds []store.Kind) *mongo.Store {
	t.Helper()
	// The stand-in needs time for what a server finds by an index.
	s, err := mongo.Settings{Bound: time.Minute}.Open(t.Context(), url, kinds, testLog(t))
	ok(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// asking is a store that tells what it asks of the stand-in, which looks through
// a whole collection for whatever it is asked. That every question fits an index
// is tested beside the adapter.
type asking struct{ *mongo.Store }

// Asked satisfies storetest.Asking.
func (asking) Asked() float64 {
	commands, bytes := server.Passed()
	return float64(commands)*1000 + float64(bytes)
}

func TestMongoKeepsThePromises(t *testing.T) {
	storetest.Run(t, func(t testing.TB, kinds []store.Kind) store.Store {
		return asking{openAt(t, server.URL(database(t, "")), kinds)}
	}, func(t testing.TB, kinds []store.Kind, backup io.Reader) store.Store {
		to := server.URL(database(t, "restored"))
		ok(t, mongo.Restore(t.Context(), backup, to, testLog(t)))
		return openAt(t, to, kinds)
	})
}
