package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"halsocoach/internal/testenv"
)

// inside tells the test that it has been started anew in a small world.
const inside = "HALSOCOACH_E2E_INSIDE"

// smallWorld runs the test anew, alone, where it has every port to itself and
// where every process it leaves dies with it: new namespaces for network and
// processes. It says whether that has been done. On a machine that allows no
// namespaces the test goes on in the open.
func smallWorld(t *testing.T) (done bool) {
	t.Helper()
	if os.Getenv(inside) != "" {
		if err := loopback(); err != nil {
			t.Fatalf("bring up the loopback: %v", err)
		}
		return false
	}
	for _, flags := range []uintptr{syscall.CLONE_NEWNET | syscall.CLONE_NEWPID, syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=20m")
		cmd.Env = append(os.Environ(), inside+"=1", "HALSOCOACH_BINARY="+binary)
		attr := &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
		if flags&syscall.CLONE_NEWUSER != 0 {
			attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
			attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		}
		cmd.SysProcAttr = attr
		out := &strings.Builder{}
		cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, time.Second
		if cmd.Start() != nil {
			continue
		}
		err := cmd.Wait()
		t.Logf("in a small world:\n%s", out)
		testenv.Must(t, err)
		return true
	}
	t.Log("no namespaces here: on this machine's own ports")
	return false
}

// loopback brings up the interface that a new network has down.
func loopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// block is a fenced block of commands that is meant to be run.
type block struct {
	name  string // what stands after ```sh
	line  int
	lines string
}

// blocks are the ```sh blocks of a manual, in order. Other fences are shown and
// not run.
func blocks(t *testing.T, path string) []block {
	t.Helper()
	src, err := os.ReadFile(path)
	testenv.Must(t, err)
	var all []block
	var now *block
	n := 0
	for line := range strings.Lines(string(src)) {
		n++
		info, fence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case fence && now != nil:
			if now.lines != "" {
				all = append(all, *now)
			}
			now = nil
		case fence:
			language, name, _ := strings.Cut(info, " ")
			if now = (&block{line: n}); language == "sh" {
				now.name = name
			} else {
				now.line = 0 // shown, not run
			}
		case now != nil && now.line > 0:
			now.lines += line
		}
	}
	return all
}

// shell is the operator's: one shell in an empty folder, for all blocks.
type shell struct {
	t    *testing.T
	dir  string
	cmd  *exec.Cmd
	in   io.Writer
	out  chan string
	tmp  string
	runs int
}

// newShell starts bash with a home that holds the source as ~/halsocoach and
// nothing else, and with Go's caches where they are.
func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{t: t, dir: t.TempDir(), tmp: t.TempDir(), out: make(chan string, 1000)}
	home := t.TempDir()
	source, err := filepath.Abs("..")
	testenv.Must(t, err)
	testenv.Must(t, os.Symlink(source, filepath.Join(home, "halsocoach")))
	s.cmd = exec.Command("bash", "--norc", "--noprofile", "-eu", "-o", "pipefail")
	s.cmd.Dir = s.dir
	s.cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "LANG=C.UTF-8", "TMPDIR=" + s.tmp}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY", "GOTOOLCHAIN", "GOROOT"} {
		out, err := exec.Command("go", "env", name).Output()
		testenv.Must(t, err)
		s.cmd.Env = append(s.cmd.Env, name+"="+strings.TrimSpace(string(out)))
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	testenv.Must(t, err)
	s.cmd.Stdout, s.cmd.Stderr = w, w
	testenv.Must(t, s.cmd.Start())
	_ = w.Close()
	go func() {
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			s.out <- lines.Text()
		}
		close(s.out)
	}()
	t.Cleanup(s.end)
	return s
}

// end kills the shell and everything it has started.
func (s *shell) end() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait()
	if !s.t.Failed() {
		return
	}
	logs, _ := filepath.Glob(filepath.Join(s.dir, "log", "*"))
	for _, path := range logs {
		if b, err := os.ReadFile(path); err == nil {
			s.t.Logf("%s:\n%s", filepath.Base(path), tail(string(b), 3000))
		}
	}
}

// run runs commands word for word; each of them must succeed.
func (s *shell) run(commands string) string {
	s.t.Helper()
	s.runs++
	file := filepath.Join(s.tmp, fmt.Sprintf("block%d.sh", s.runs))
	testenv.Must(s.t, os.WriteFile(file, []byte(commands), 0o600))
	mark := fmt.Sprintf("--- block %d is done ---", s.runs)
	testenv.Must(s.t, testenv.ErrOf(fmt.Fprintf(s.in, ". '%s' </dev/null\necho '%s'\n", file, mark)))
	var said strings.Builder
	late := time.After(patience)
	for {
		select {
		case line, open := <-s.out:
			if line == mark {
				return said.String()
			}
			said.WriteString(line + "\n")
			if !open {
				s.t.Fatalf("the shell has ended in\n%s\nand said\n%s", commands, said.String())
			}
		case <-time.After(time.Second):
			// A shell that has failed may have left others with its output open.
			if syscall.Kill(s.cmd.Process.Pid, 0) != nil || ended(s.cmd.Process.Pid) {
				s.t.Fatalf("a command failed in\n%s\nand said\n%s", commands, said.String())
			}
		case <-late:
			s.t.Fatalf("never done:\n%s\nsaid\n%s", commands, said.String())
		}
	}
}

// ended says whether a child has ended and waits to be asked about.
func ended(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && info.Signo == int32(unix.SIGCHLD)
}
