package event

import (
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// TestAnOlderServerServesToo runs the nats-server of Debian, which may be older
// than the one that the program embeds and take one subject for a consumer only.
func TestAnOlderServerServesToo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	server := exec.Command("nats-server", "-a", "127.0.0.1", "-p", strconv.Itoa(port), "-js", "-sd", t.TempDir())
	ok(t, server.Start())
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	b := openBus(t, "nats://127.0.0.1:"+strconv.Itoa(port), quick)
	got := &seen{}
	if err := b.Consume(t.Context(), "both", []string{"groups.place_booked", "groups.place_cancelled"}, got.take); err != nil {
		t.Fatalf("on %s: %v", b.nc.ConnectedServerVersion(), err)
	}
	put(t, b, happened("groups.place_booked", 1), happened("groups.published", 2), happened("groups.place_cancelled", 3))
	eventually(t, "both kinds come", func() bool { return got.distinct() == 2 })
	time.Sleep(50 * time.Millisecond)
	if got.order() != "doc-1 doc-3" {
		t.Fatalf("came: %s, on %s", got.order(), b.nc.ConnectedServerVersion())
	}
}
