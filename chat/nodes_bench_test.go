package chat

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"halsocoach"
)

// slowSync makes each sync of a command a millisecond slower, as on a cloud disk.
var slowSync = []string{"strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_exit=1000"}

// benchNode is a node in a process of its own, under slowSync if asked for.
func benchNode(b *testing.B, dir, nats string, slow bool) (addr string) {
	b.Helper()
	args := []string{os.Args[0]}
	if slow {
		args = append(append([]string{}, slowSync...), args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childVar+"="+dir, natsVar+"="+nats)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatalf("%v; apt-get install strace", err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		b.Fatalf("the node did not start: %v", lines.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return lines.Text()
}

// benchFolder is a store with the pairs' conversations.
func benchFolder(b *testing.B, nats string) (dir string, citizens []halsocoach.Actor) {
	b.Helper()
	dir = b.TempDir()
	b.Setenv(natsVar, nats)
	g, err := openFolder(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	defer g.close()
	svc := New(g.cfg)
	for i := range 2 * pairsInBench {
		id, err := g.cfg.Seal.NewPerson(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		e := halsocoach.Enrolment{ID: conversation(i), Person: id, Coach: fmt.Sprint("coach-", i), Kommun: "0684", Centre: "0684"}
		if err := svc.Open(b.Context(), halsocoach.System("test"), e); err != nil {
			b.Fatal(err)
		}
		citizens = append(citizens, halsocoach.Actor{ID: id, Role: halsocoach.RoleCitizen})
	}
	return dir, citizens
}

func benchNATS(b *testing.B) string {
	b.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: b.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(10 * time.Second) {
		b.Fatal("nats-server did not start")
	}
	return s.ClientURL()
}

// benchPairs are so many pairs for each node. A socket goes to the next node, as
// a proxy without stickiness sends them, so that with two nodes half of the
// pairs sit on different ones.
func benchPairs(b *testing.B, nodes, pairs int, slow bool) (all []*talker) {
	b.Helper()
	nats := benchNATS(b)
	dir, citizens := benchFolder(b, nats)
	addr := make([]string, nodes)
	for i := range addr {
		addr[i] = benchNode(b, dir, nats, slow)
	}
	dial := func(node int, in string, who halsocoach.Actor) {
		body, err := json.Marshal(who)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, dialTalker(b, addr[node%nodes], in, string(who.Role), http.Header{"X-Who": {string(body)}}))
	}
	for i, citizen := range citizens[:nodes*pairs] {
		dial(i, conversation(i), citizen)
		dial(i/2, conversation(i), halsocoach.Actor{ID: fmt.Sprint("coach-", i), Role: halsocoach.RoleCoach})
	}
	return all
}

// BenchmarkTwoNodes holds two nodes on one SQLite file against one, each node a
// process of its own with pairs of its own, in rounds that take turns; "slow"
// with each sync a millisecond slower. Few pairs wait for the disk, many for the
// processors, which the nodes and the load share.
func BenchmarkTwoNodes(b *testing.B) {
	for _, pairs := range []int{4, pairsInBench} {
		for _, disk := range []string{"slow", "fast"} {
			b.Run(fmt.Sprintf("pairs=%d/disk=%s", pairs, disk), func(b *testing.B) {
				one, two := benchPairs(b, 1, pairs, disk == "slow"), benchPairs(b, 2, pairs, disk == "slow")
				var ones, twos, ratios []float64
				for range b.N {
					for round := range 6 {
						o, _ := loop(one, 1500*time.Millisecond)
						t, _ := loop(two, 1500*time.Millisecond)
						if round > 0 { // the first warms up
							ones, twos, ratios = append(ones, o), append(twos, t), append(ratios, t/o)
						}
					}
				}
				b.ReportMetric(median(ones), "one-said/s")
				b.ReportMetric(median(twos), "two-said/s")
				b.ReportMetric(median(ratios), "ratio")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
