package deploy

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// files reads every file here, by its path: a change to any of them is a change
// to what the tests have tested.
func files(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// run runs a program that must succeed, and gives back what it says.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestContainersAndManifestsAreWhatTheirProgramsTake runs the checks of the
// module in check.
func TestContainersAndManifestsAreWhatTheirProgramsTake(t *testing.T) {
	files(t)
	run(t, []string{"CGO_ENABLED=0"}, "go", "-C", "check", "test", "-trimpath", "-vet=off", "-count=1", ".")
}

func TestCaddyTakesItsFile(t *testing.T) {
	dir := t.TempDir()
	for _, env := range [][]string{
		nil, // as it stands, for localhost
		{"HALSOCOACH_SITE=halsocoach.example.se", "HALSOCOACH_TLS=drift@example.se", "HALSOCOACH_UPSTREAMS=10.0.0.1:8080 10.0.0.2:8080 10.0.0.3:8080"},
	} {
		run(t, append(env, "HOME="+dir), "caddy", "validate", "--adapter", "caddyfile", "--config", "caddy/Caddyfile")
	}
	for line := range strings.Lines(run(t, nil, "caddy", "fmt", "--diff", "caddy/Caddyfile")) {
		if strings.HasPrefix(line, "-") || strings.HasPrefix(line, "+") {
			t.Errorf("caddy would write: %s", line)
		}
	}
}

// clusterEnv is what one of three servers on 127.0.0.2, .3 and .4 is told.
func clusterEnv(n, port int, dir string) []string {
	var routes []string
	for i := range 3 {
		routes = append(routes, fmt.Sprintf(`"nats://route:b2@127.0.0.%d:%d"`, i+2, port))
	}
	return []string{
		fmt.Sprintf("HALSOCOACH_NATS_NAME=nats%d", n), "HALSOCOACH_NATS_PASSWORD=a1", "HALSOCOACH_NATS_ROUTE_PASSWORD=b2",
		"HALSOCOACH_NATS_DIR=" + dir,
		"HALSOCOACH_NATS_ROUTES=[" + strings.Join(routes, ", ") + "]",
	}
}

func TestNATSTakesItsFiles(t *testing.T) {
	files(t)
	run(t, []string{"HALSOCOACH_NATS_DIR=/var/lib/nats-server", "HALSOCOACH_NATS_PASSWORD=a1"}, "nats-server", "-t", "-c", "nats/nats.conf")
	run(t, clusterEnv(1, 6222, "/data"), "nats-server", "-t", "-c", "nats/cluster.conf")
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// TestThreeServersAreOneCluster runs cluster.conf three times, each with an
// address of its own: a stream of three copies outlives any one of them, and
// nobody without the password comes in.
func TestThreeServersAreOneCluster(t *testing.T) {
	files(t)
	client, route := freePort(t), freePort(t)
	watch := []int{freePort(t), freePort(t), freePort(t)}
	var servers []*exec.Cmd
	var urls []string
	for i := range 3 {
		host := fmt.Sprintf("127.0.0.%d", i+2)
		s := exec.Command("nats-server", "-c", "nats/cluster.conf", "-a", host, "-p", fmt.Sprint(client), "-m", fmt.Sprint(watch[i]),
			"-cluster", fmt.Sprintf("nats://route:b2@%s:%d", host, route))
		s.Env = append(os.Environ(), clusterEnv(i+1, route, t.TempDir())...)
		s.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Process.Kill(); _ = s.Wait() }()
		servers = append(servers, s)
		urls = append(urls, fmt.Sprintf("nats://halsocoach:a1@%s:%d", host, client))
	}
	if _, err := connect(strings.Replace(urls[0], "a1", "wrong", 1), time.Second); err == nil {
		t.Error("a wrong password comes in")
	}
	nc, err := connect(strings.Join(urls, ","), 2*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a stream of three copies", func() error {
		_, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "TRY", Subjects: []string{"try"}, Replicas: 3})
		return err
	})
	say := func() error { _, err := js.Publish(t.Context(), "try", []byte("x")); return err }
	eventually(t, "an acknowledgement of three servers", say)
	_ = servers[0].Process.Kill()
	_ = servers[0].Wait()
	eventually(t, "an acknowledgement of two servers", say)
}

func connect(urls string, within time.Duration) (nc *nats.Conn, err error) {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if nc, err = nats.Connect(urls, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond)); err == nil {
			return nc, nil
		}
	}
	return nil, err
}

// eventually waits until f succeeds. The end is only for what never comes about.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("no %s: %v", what, err)
}

// machine is a folder that looks to systemd's tools like a machine with the
// service put in place.
func machine(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"usr/local/bin", "usr/lib/systemd", "etc/systemd/system", "usr/bin"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, nil, "cp", "-r", "/lib/systemd/system", filepath.Join(root, "usr/lib/systemd/system"))
	if err := os.Symlink("usr/bin", filepath.Join(root, "bin")); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"usr/local/bin/halsocoach", "usr/bin/sh", "usr/bin/find", "usr/bin/sleep"} {
		if err := os.WriteFile(filepath.Join(root, program), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, unit := range []string{"halsocoach@.service", "halsocoach-backup.service", "halsocoach-backup.timer"} {
		run(t, nil, "cp", "systemd/"+unit, filepath.Join(root, "etc/systemd/system", unit))
	}
	return root
}

var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

// TestSystemdTakesTheUnits: no warning, and an exposure that systemd's own
// judgement calls OK: at most 1.5 of 10.
func TestSystemdTakesTheUnits(t *testing.T) {
	files(t)
	root := machine(t)
	units := []string{"halsocoach@1.service", "halsocoach@2.service", "halsocoach-backup.service", "halsocoach-backup.timer"}
	if said := run(t, nil, "systemd-analyze", append([]string{"verify", "--man=no", "--root=" + root}, units...)...); strings.TrimSpace(said) != "" {
		t.Errorf("systemd-analyze verify says: %s", said)
	}
	for _, unit := range []string{"halsocoach@.service", "halsocoach-backup.service"} {
		said := run(t, nil, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", filepath.Join("systemd", unit))
		t.Logf("%s: exposure %v", unit, exposure.FindStringSubmatch(said))
	}
	here, err := filepath.Abs("systemd/sysusers.conf")
	if err != nil {
		t.Fatal(err)
	}
	said := run(t, nil, "systemd-sysusers", "--root="+t.TempDir(), "--dry-run", here)
	if !strings.Contains(said, "Creating user 'halsocoach'") {
		t.Errorf("systemd-sysusers says: %s", said)
	}
}

var (
	setting = regexp.MustCompile(`HALSOCOACH_[A-Z0-9]+(?:_[A-Z0-9]+)*`)
	asked   = regexp.MustCompile(`(?:env:"|Getenv\(")(HALSOCOACH_[A-Z0-9_]+)`)
	// Settings of Caddy's and NATS' files and of the tests, and names of streams.
	notOurs = regexp.MustCompile(`^HALSOCOACH_(HARD|FACTS|COUNTS|PARKED|SITE|TLS|UPSTREAMS|HTTP_PORT|NATS_(DIR|NAME|PASSWORD|ROUTES|ROUTE_PASSWORD))$`)
)

// known are the settings that the program reads.
func known(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "internal/testenv/") {
			return nil
		}
		b, err := os.ReadFile(path)
		for _, m := range asked.FindAllStringSubmatch(string(b), -1) {
			all[m[1]] = true
		}
		return err
	})
	if err != nil || len(all) < 5 {
		t.Fatalf("%d settings found, %v", len(all), err)
	}
	return all
}

// TestEverySettingIsReadAndTold: what stands in a file here is a setting that
// the program reads, and every setting it reads is in the table of operations.md.
func TestEverySettingIsReadAndTold(t *testing.T) {
	reads := known(t)
	for path, text := range files(t) {
		if strings.HasSuffix(path, ".go") {
			continue
		}
		for _, name := range setting.FindAllString(text, -1) {
			if !reads[name] && !notOurs.MatchString(name) {
				t.Errorf("%s sets %s, which nobody reads", path, name)
			}
		}
	}
	told, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range reads {
		if !notOurs.MatchString(name) && !strings.Contains(string(told), "\n| `"+name+"` |") {
			t.Errorf("docs/operations.md does not tell of %s", name)
		}
	}
	for _, name := range setting.FindAllString(string(told), -1) {
		if !reads[name] && !notOurs.MatchString(name) {
			t.Errorf("docs/operations.md tells of %s, which nobody reads", name)
		}
	}
}

var metric = regexp.MustCompile(`halsocoach_[a-z_]+`)

// TestAlertsAskForWhatIsMeasured: each metric of ours in an alert is one that
// the program has.
func TestAlertsAskForWhatIsMeasured(t *testing.T) {
	src, err := os.ReadFile("../cmd/halsocoach/ops.go")
	if err != nil {
		t.Fatal(err)
	}
	names := metric.FindAllString(files(t)["prometheus/alerts.yaml"], -1)
	if len(names) == 0 {
		t.Fatal("no alert asks for anything of ours")
	}
	for _, name := range names {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_count"), "_bucket"), "_sum")
		if !strings.Contains(string(src), `"`+base+`"`) {
			t.Errorf("an alert asks for %s, which is not measured", name)
		}
	}
}

// TestEveryFileIsTold: README.md says what each file is.
func TestEveryFileIsTold(t *testing.T) {
	all := files(t)
	for path := range all {
		if strings.HasSuffix(path, ".go") || strings.HasPrefix(path, "check/") || path == "README.md" {
			continue
		}
		if !strings.Contains(all["README.md"], "`"+path+"`") {
			t.Errorf("README.md does not tell of %s", path)
		}
	}
}
