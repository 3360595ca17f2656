package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheStoryOnMongoDB is TestTheStory with the documents and the keys in a
// MongoDB. No server of it can be installed here, so the stand-in of
// internal/store/mongo/ferret is built and run as a process of its own. It goes
// through whole collections for most questions, so everything may take longer.
func TestTheStoryOnMongoDB(t *testing.T) {
	story(t, setting{width: Phone, env: []string{"HALSOCOACH_STORE=" + startMongo(t)}, pace: 4})
}

// startMongo builds and runs the stand-in and returns its address.
func startMongo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "mongo")
	build := exec.Command("go", "build", "-o", program, "./cmd")
	build.Dir = filepath.Join("..", "internal", "store", "mongo", "ferret") // a module of its own
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the stand-in for MongoDB: %v\n%s", err, out)
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
