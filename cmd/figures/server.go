package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// server is a process that serves.
type server struct {
	cmd     *exec.Cmd
	address string // http://127.0.0.1:…
	took    time.Duration
	tokens  map[string]string // by persona
}

var said = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start runs a command until it says its address, which it does when it is ready.
func start(ctx context.Context, command string, args ...string) (*server, error) {
	s := &server{cmd: exec.CommandContext(ctx, command, args...), tokens: map[string]string{}}
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(os.Interrupt) }
	s.cmd.Stderr = nil // its log: a line for each request
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for s.address == "" && lines.Scan() {
		s.address = said.FindString(lines.Text())
	}
	s.took = time.Since(began)
	if s.address == "" {
		return nil, errors.Join(fmt.Errorf("%s %s ended without an address; run it by hand to see why", command, strings.Join(args, " ")), s.cmd.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return s, nil
}

// demo starts the demo on a folder.
func demo(ctx context.Context, bin, dir string) (*server, error) {
	return start(ctx, bin, "demo", "--addr", "127.0.0.1:0", "--data", dir)
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	_ = s.cmd.Wait()
}

// cpu is the processor time that the process and its ended children have used.
func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "stat"))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields, ticks := strings.Fields(after), 0
	for _, f := range fields[11:15] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// rss is the memory of the process in MB, as VmRSS says it.
func (s *server) rss() (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kB / 1024, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// token signs in as a persona, once; "" is a visitor.
func (s *server) token(persona string) (string, error) {
	if persona == "" || s.tokens[persona] != "" {
		return s.tokens[persona], nil
	}
	r, err := http.NewRequest(http.MethodPost, s.address+"/demo/sign-in", strings.NewReader(url.Values{"persona": {persona}}.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var in struct{ Token string }
	if err := json.NewDecoder(res.Body).Decode(&in); err != nil || in.Token == "" {
		return "", fmt.Errorf("sign in as %s: %s, %w", persona, res.Status, err)
	}
	s.tokens[persona] = in.Token
	return in.Token, nil
}

// pause waits without measuring anything.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
