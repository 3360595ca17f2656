package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/testenv"
)

var (
	binary  string // the program
	scratch string // a folder for what all tests share
)

// patience is how long a test waits for what must come about. It ends what would
// never end, and is no measure of speed.
const patience = 5 * time.Minute

// TestMain builds the program, or takes the one that HALSOCOACH_BINARY names.
func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "halsocoach-e2e"); err != nil {
		panic(err)
	}
	if binary = os.Getenv("HALSOCOACH_BINARY"); binary == "" {
		binary = filepath.Join(scratch, "halsocoach")
		if err := build("..", "./cmd/halsocoach", binary); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	closeChromium()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// build makes a program as docs/operations.md and make lint do, so that what they
// have compiled is compiled once.
func build(module, program, to string) error {
	cmd := exec.Command("go", "build", "-C", module, "-trimpath", "-o", to, program)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", program, err, out)
	}
	return nil
}

// Demo is a running demo.
type Demo struct {
	t   *testing.T
	URL string
	Dir string
	cmd *exec.Cmd
	// Begins is when it is there.
	Begins time.Time
	// Ready is the time from start to the line that names the address.
	Ready time.Duration
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// Start runs `halsocoach demo` on a folder that is filled.
func Start(t *testing.T, at string) *Demo {
	t.Helper()
	return StartOn(t, filled(t, at), at)
}

// StartOn runs `halsocoach demo` on a free port with its data in dir, pretending
// that it starts at the given local time ("" = now). The environment is the
// test's own with env added.
func StartOn(t *testing.T, dir, at string, env ...string) *Demo {
	t.Helper()
	args := []string{"demo", "--addr", "127.0.0.1:0", "--data", dir}
	if at != "" {
		args = append(args, "--at", at)
	}
	d := &Demo{t: t, Dir: dir, Begins: time.Now(), cmd: exec.Command(binary, args...)}
	if at != "" {
		d.Begins, _ = time.ParseInLocation("2006-01-02 15:04", at, halsocoach.Stockholm())
	}
	d.cmd.Env = append(os.Environ(), env...)
	logs, err := os.OpenFile(filepath.Join(t.TempDir(), "demo.log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	testenv.Must(t, err)
	d.cmd.Stderr = logs
	out, err := d.cmd.StdoutPipe()
	testenv.Must(t, err)
	began := time.Now()
	testenv.Must(t, d.cmd.Start())
	t.Cleanup(func() {
		d.Kill()
		if t.Failed() {
			if b, err := os.ReadFile(logs.Name()); err == nil {
				t.Logf("the demo's log:\n%s", tail(string(b), 4000))
			}
		}
	})
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := address.FindString(lines.Text()); m != "" {
				found <- m
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case d.URL = <-found:
		d.Ready = time.Since(began)
	case <-time.After(patience):
		t.Fatal("the demo never named its address")
	}
	return d
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}

// Stop asks the demo to end and waits for it.
func (d *Demo) Stop() {
	d.t.Helper()
	if d.cmd.ProcessState != nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- d.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			d.t.Errorf("the demo ended with %v", err)
		}
	case <-time.After(patience):
		_ = d.cmd.Process.Kill()
		d.t.Error("the demo did not end after SIGTERM")
	}
}

// Kill ends it as a power cut does.
func (d *Demo) Kill() {
	if d.cmd.ProcessState == nil {
		_ = d.cmd.Process.Kill()
		_ = d.cmd.Wait()
	}
}

// Client is a program that has signed in as a persona, with its token.
type Client struct {
	demo  *Demo
	Token string
	Actor map[string]any
}

var web = &http.Client{
	Timeout:       patience,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// As signs in.
func (d *Demo) As(persona string) (*Client, error) {
	r, err := http.NewRequest(http.MethodPost, d.URL+"/demo/sign-in", strings.NewReader(url.Values{"persona": {persona}}.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	res, err := web.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var in struct {
		Token string         `json:"token"`
		Actor map[string]any `json:"actor"`
	}
	if err := json.NewDecoder(res.Body).Decode(&in); err != nil || in.Token == "" {
		return nil, fmt.Errorf("sign in as %s: %d, %v", persona, res.StatusCode, err)
	}
	return &Client{d, in.Token, in.Actor}, nil
}

// MustAs signs in or ends the test.
func (d *Demo) MustAs(persona string) *Client {
	d.t.Helper()
	c, err := d.As(persona)
	testenv.Must(d.t, err)
	return c
}

// Call sends JSON and reads the answer into out when it is not nil.
func (c *Client) Call(ctx context.Context, method, path, key string, in, out any) (int, string, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, "", err
		}
		body = strings.NewReader(string(b))
	}
	r, err := http.NewRequestWithContext(ctx, method, c.demo.URL+path, body)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	res, err := web.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && out != nil && res.StatusCode < 300 {
		err = json.Unmarshal(b, out)
	}
	return res.StatusCode, string(b), err
}
