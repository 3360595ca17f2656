package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"halsocoach/internal/testenv"
)

// unit is a systemd unit's settings, in order, for one instance.
type unit map[string][]string

func readUnit(t *testing.T, name, instance string) unit {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "deploy", "systemd", name))
	testenv.Must(t, err)
	u := unit{}
	for line := range strings.Lines(string(src)) {
		line = strings.TrimSpace(line)
		if key, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			u[key] = append(u[key], strings.NewReplacer("%i", instance, "%%", "%").Replace(value))
		}
	}
	return u
}

// machine is a folder where the service is put in place as operations.md says:
// what the units call /etc, /var/lib and /usr/local lies under it.
type machine struct {
	t    *testing.T
	root string
}

// on turns the paths of a text into those of the machine.
func (m machine) on(text string) string {
	return regexp.MustCompile(`/(etc/halsocoach|var/lib|usr/local)\b`).ReplaceAllString(text, m.root+"$0")
}

// environment is what systemd would hand over: the environment files and little
// else.
func (m machine) environment(u unit) []string {
	m.t.Helper()
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	for _, file := range u["EnvironmentFile"] {
		b, err := os.ReadFile(m.on(file))
		testenv.Must(m.t, err)
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				env = append(env, m.on(line))
			}
		}
	}
	return env
}

var word = regexp.MustCompile(`'([^']*)'|(\S+)`)

// command is a command line of a unit, ready to run.
func (m machine) command(u unit, line string) *exec.Cmd {
	m.t.Helper()
	var words []string
	for _, w := range word.FindAllStringSubmatch(line, -1) {
		words = append(words, m.on(w[1]+w[2]))
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env, cmd.Dir = m.environment(u), "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	logs, err := os.OpenFile(filepath.Join(m.root, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	testenv.Must(m.t, err)
	m.t.Cleanup(func() { logs.Close() })
	cmd.Stdout, cmd.Stderr = logs, logs
	return cmd
}

func (m machine) must(cmd *exec.Cmd) {
	m.t.Helper()
	if err := cmd.Run(); err != nil {
		logs, _ := os.ReadFile(filepath.Join(m.root, "log"))
		m.t.Fatalf("%s: %v\n%s", cmd, err, tail(string(logs), 3000))
	}
}

// newMachine puts the binary, the settings and the folders in place.
func newMachine(t *testing.T, units ...unit) machine {
	t.Helper()
	m := machine{t, t.TempDir()}
	for _, dir := range []string{"etc", "usr/local/bin", "var/lib"} {
		testenv.Must(t, os.MkdirAll(filepath.Join(m.root, dir), 0o755))
	}
	testenv.Must(t, os.CopyFS(filepath.Join(m.root, "etc/halsocoach"), os.DirFS("../deploy/systemd/etc")))
	testenv.Must(t, os.Symlink(binary, filepath.Join(m.root, "usr/local/bin/halsocoach")))
	for _, u := range units {
		for _, dir := range strings.Fields(strings.Join(u["StateDirectory"], " ")) {
			testenv.Must(t, os.MkdirAll(filepath.Join(m.root, "var/lib", dir), 0o700))
		}
	}
	return m
}

// TestTheUnitsCommandLinesRun runs what systemd would: nats-server with its
// drop-in's settings, two nodes until they are ready, the backup; and stops them
// within the time the unit gives.
func TestTheUnitsCommandLinesRun(t *testing.T) {
	t.Parallel() // it mostly waits
	if smallWorld(t) {
		return
	}
	nodes := []unit{readUnit(t, "halsocoach@.service", "1"), readUnit(t, "halsocoach@.service", "2")}
	backup, nats := readUnit(t, "halsocoach-backup.service", ""), readUnit(t, "nats-server.conf", "")
	m := newMachine(t, append(nodes, backup, nats)...)
	config, err := filepath.Abs("../deploy/nats/nats.conf")
	testenv.Must(t, err)
	starts := nats["ExecStart"] // an empty one first, which takes Debian's away
	server := m.command(nats, strings.ReplaceAll(starts[len(starts)-1], "/etc/nats-server.conf", config))
	testenv.Must(t, server.Start())
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	var running []*exec.Cmd
	for _, u := range nodes {
		node := m.command(u, u["ExecStart"][0])
		testenv.Must(t, node.Start())
		defer func() { _ = node.Process.Kill() }()
		running = append(running, node)
		for _, line := range u["ExecStartPost"] {
			m.must(m.command(u, line))
		}
	}
	m.must(m.command(backup, backup["ExecStart"][0]))
	files, err := filepath.Glob(filepath.Join(m.root, "var/lib/halsocoach-backup/*.backup"))
	if err != nil || len(files) != 1 {
		t.Errorf("backups: %v %v", files, err)
	}
	limit, err := strconv.Atoi(nodes[0]["TimeoutStopSec"][0])
	testenv.Must(t, err)
	for i, node := range running {
		if err := stopped(node, time.Duration(limit)*time.Second); err != nil {
			t.Errorf("node %d: %v", i+1, err)
		}
	}
}

// stopped asks a process to end as systemd does, and waits.
func stopped(cmd *exec.Cmd, within time.Duration) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		return err
	case <-time.After(within):
		return fmt.Errorf("still there %v after it was told to stop", within)
	}
}
