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
)

var binary string

// TestMain builds the binary, or takes the one that HALSOCOACH_BINARY names.
func TestMain(m *testing.M) {
	if binary = os.Getenv("HALSOCOACH_BINARY"); binary != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "halsocoach-e2e")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "halsocoach")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "../cmd/halsocoach")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build: %v\n%s", err, out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// Demo is a running demo.
type Demo struct {
	t   *testing.T
	URL string
	Dir string
	cmd *exec.Cmd
	// Ready is the time from start to the line that names the address.
	Ready   time.Duration
	pace    time.Duration // how many times longer than usual it may take
	browser context.Context
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// Start runs `halsocoach demo` on a free port with its data in dir, pretending
// that it starts at the given local time ("" = now). The environment is the
// test's own with env added.
func Start(t *testing.T, dir, at string, env ...string) *Demo {
	t.Helper()
	args := []string{"demo", "--addr", "127.0.0.1:0", "--data", dir}
	if at != "" {
		args = append(args, "--at", at)
	}
	d := &Demo{t: t, Dir: dir, pace: 1, cmd: exec.Command(binary, args...)}
	d.cmd.Env = append(os.Environ(), env...)
	logs, err := os.OpenFile(filepath.Join(t.TempDir(), "demo.log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = logs
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
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
	case <-time.After(3 * time.Minute):
		t.Fatal("the demo did not name its address within three minutes")
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
	case <-time.After(15 * time.Second):
		_ = d.cmd.Process.Kill()
		d.t.Error("the demo did not end within 15 s of SIGTERM")
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
	Timeout:       30 * time.Second,
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
	if err != nil {
		d.t.Fatal(err)
	}
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
