package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"halsocoach/internal/testenv"
)

// fleet is the nodes on one store: two on one NATS, or one with its own.
type fleet struct {
	t   *testing.T
	dir string

	mu    sync.Mutex
	nodes []*Demo
}

// startNATS runs a NATS server in this process and says its address.
func startNATS(t *testing.T, dir string) string {
	t.Helper()
	nats, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	testenv.Must(t, err)
	nats.Start()
	t.Cleanup(func() { nats.Shutdown(); nats.WaitForShutdown() })
	if !nats.ReadyForConnections(patience) {
		t.Fatal("nats-server did not start")
	}
	return nats.ClientURL()
}

// startFleet starts NATS in this process, on what the filled demo has left there,
// and both nodes.
func startFleet(t *testing.T) *fleet {
	t.Helper()
	dir := filled(t, today)
	t.Setenv("HALSOCOACH_NATS", startNATS(t, filepath.Join(dir, "nats")))
	f := &fleet{t: t, dir: dir, nodes: make([]*Demo, 2)}
	for i := range f.nodes {
		f.start(i)
	}
	return f
}

func (f *fleet) start(i int) {
	f.t.Helper()
	d := StartOn(f.t, f.dir, today)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes[i%len(f.nodes)] = d
}

func (f *fleet) node(i int) *Demo {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nodes[i%len(f.nodes)]
}

// at is the address for the i-th try: the nodes in turn.
func (f *fleet) at(i int) string { return f.node(i).URL }

// proxy is the least that a reverse proxy does: it asks every node whether it is
// ready, sends to those that are, and tries another when one can not be reached.
type proxy struct {
	f     *fleet
	ready [2]atomic.Bool
	turn  atomic.Int64
	send  http.RoundTripper
}

func (p *proxy) watch(ctx context.Context) {
	asks := &http.Client{Timeout: time.Second}
	for ctx.Err() == nil {
		for i := range p.ready {
			res, err := asks.Get(p.f.at(i) + "/readyz")
			p.ready[i].Store(err == nil && res.StatusCode == http.StatusOK)
			if err == nil {
				res.Body.Close()
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// RoundTrip tries ready nodes for a while. What has reached a node is sent again
// only if it has a key or asks for nothing to be done.
func (p *proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	safe := r.Method == http.MethodGet || r.Header.Get("Idempotency-Key") != ""
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		i := int(p.turn.Add(1)) % 2
		if !p.ready[i].Load() {
			i = 1 - i
		}
		u, err := url.Parse(p.f.at(i))
		if err != nil {
			return nil, err
		}
		out := r.Clone(r.Context())
		if r.GetBody != nil {
			if out.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
		out.URL.Scheme, out.URL.Host = u.Scheme, u.Host
		res, err := p.send.RoundTrip(out)
		if err == nil || !safe || time.Now().After(end) {
			return res, err
		}
	}
}

// keepBody makes a request that can be sent again.
func keepBody(r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		b = nil // the node will refuse what was cut off
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	r.Body, _ = r.GetBody()
	r.ContentLength = int64(len(b))
}

// startProxy runs it until the test ends.
func startProxy(f *fleet) string {
	p := &proxy{f: f, send: &http.Transport{MaxIdleConnsPerHost: 64}}
	ctx, cancel := context.WithCancel(context.Background())
	go p.watch(ctx)
	s := httptest.NewServer(&httputil.ReverseProxy{
		Transport: p,
		Rewrite:   func(r *httputil.ProxyRequest) { keepBody(r.Out) },
	})
	f.t.Cleanup(func() { cancel(); s.CloseClientConnections(); s.Close() })
	return s.URL
}

func TestARollingRestartIsSeenByNobody(t *testing.T) {
	t.Setenv("HALSOCOACH_STOP_NOTICE", "500ms")
	f := startFleet(t)
	at := startProxy(f)
	l := f.keepsAll(2*testenv.Count(1, 5), func(int) string { return at }, func(round int, l *load) {
		began := time.Now()
		d := f.node(round)
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		if err := d.cmd.Wait(); err != nil {
			t.Errorf("the node ended with %v", err)
		}
		t.Logf("stopped in %.1f s", time.Since(began).Seconds())
		l.more(t, 20)
		f.start(round)
		time.Sleep(200 * time.Millisecond) // the proxy takes it in
	})
	if t.Logf("%d sockets were told to come back", l.restarts.Load()); l.restarts.Load() == 0 {
		t.Fatal("nobody was told to come back")
	}
}
