package chat

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	_ "modernc.org/sqlite"

	"halsocoach"
	"halsocoach/internal/testenv"
)

// floor is the least that could be called a durable chat: a bare gorilla relay
// between the two of a pair, and one table with two unique indexes, filled by
// one writer in groups of up to 256 with synchronous=FULL.
type floor struct {
	db    *sql.DB
	queue chan *row
	mu    sync.Mutex
	pairs map[string][]*floorSocket
	next  map[string]int
}

type row struct {
	in, key, from, text string
	seq                 int
	done                chan error
}

type floorSocket struct {
	mu   sync.Mutex
	conn *websocket.Conn
}

func (k *floorSocket) write(body []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_ = k.conn.WriteMessage(websocket.TextMessage, body)
}

func newFloor(b *testing.B) (*floor, string) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "floor.db")+"?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=cache_size(-65536)")
	testenv.Must(b, err)
	db.SetMaxOpenConns(1)
	testenv.Must(b, testenv.ErrOf(db.Exec(`create table message (conv text, seq integer, key text, sender text, body text, primary key (conv, seq)) without rowid; create unique index message_key on message (conv, key)`)))
	f := &floor{db: db, queue: make(chan *row, 4096), pairs: map[string][]*floorSocket{}, next: map[string]int{}}
	done := make(chan struct{})
	go func() { defer close(done); f.writeGroups() }()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testenv.Must(b, err)
	srv := &http.Server{Handler: http.HandlerFunc(f.serve)}
	go func() { _ = srv.Serve(ln) }()
	b.Cleanup(func() { _ = srv.Close(); time.Sleep(200 * time.Millisecond); close(f.queue); <-done; _ = db.Close() })
	return f, ln.Addr().String()
}

func (f *floor) writeGroups() {
	insert, err := f.db.Prepare(`insert into message values (?, ?, ?, ?, ?)`)
	if err != nil {
		panic(err)
	}
	for first := range f.queue {
		group := []*row{first}
		for more := true; more && len(group) < 256; {
			select {
			case r, ok := <-f.queue:
				if more = ok; ok {
					group = append(group, r)
				}
			default:
				more = false
			}
		}
		tx, err := f.db.Begin()
		for _, r := range group {
			if err == nil {
				_, err = tx.Stmt(insert).Exec(r.in, r.seq, r.key, r.from, r.text)
			}
		}
		if err == nil {
			err = tx.Commit()
		}
		for _, r := range group {
			r.done <- err
		}
	}
}

func (f *floor) serve(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10, Subprotocols: []string{Protocol}}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	in, who := r.Header.Get("X-In"), r.Header.Get("X-From")
	k := &floorSocket{conn: conn}
	f.mu.Lock()
	f.pairs[in] = append(f.pairs[in], k)
	f.mu.Unlock()
	for {
		_, body, err := conn.ReadMessage()
		if err != nil {
			return
		}
		var a asked
		if json.Unmarshal(body, &a) != nil || a.Say == nil {
			continue
		}
		m := &row{in: in, key: a.Say.Key, from: who, text: a.Say.Text, done: make(chan error, 1)}
		f.mu.Lock()
		f.next[in]++
		m.seq = f.next[in]
		f.mu.Unlock()
		f.queue <- m
		if <-m.done != nil {
			return
		}
		at := time.Now()
		k.write([]byte(`{"said":{"in":"` + in + `","key":"` + m.key + `","seq":` + strconv.Itoa(m.seq) + `,"at":"` + at.Format(time.RFC3339) + `"}}`))
		text, _ := json.Marshal(m.text)
		message := []byte(`{"message":{"in":"` + in + `","seq":` + strconv.Itoa(m.seq) + `,"key":"` + m.key + `","from":{"id":"` + who + `","name":"","role":""},"text":` + string(text) + `,"at":"` + at.Format(time.RFC3339) + `"}}`)
		f.mu.Lock()
		sockets := f.pairs[in]
		f.mu.Unlock()
		for _, o := range sockets {
			if o != k {
				o.write(message)
			}
		}
	}
}

// talker is one side of a pair in the closed loop.
type talker struct {
	conn   *websocket.Conn
	in, id string
	n      int
}

// loop says one thing after the other for a while: receipts a second, and the
// whole process's CPU time for each, load generator included.
func loop(talkers []*talker, d time.Duration) (perSecond, micros float64) {
	var said atomic.Int64
	used := cpu()
	var wg sync.WaitGroup
	start := time.Now()
	for _, k := range talkers {
		wg.Go(func() {
			for time.Since(start) < d {
				k.n++
				_ = k.conn.WriteMessage(websocket.TextMessage, []byte(`{"say":{"in":"`+k.in+`","key":"`+k.id+`-`+strconv.Itoa(k.n)+`","text":"Hej! Jag gick en halvtimme i skogen i dag, det gick bättre än jag trodde."}}`))
				for {
					_, body, err := k.conn.ReadMessage()
					if err != nil {
						return
					}
					if strings.HasPrefix(string(body[:7]), `{"said"`) {
						said.Add(1)
						break
					}
				}
			}
		})
	}
	wg.Wait()
	n := float64(said.Load())
	return n / time.Since(start).Seconds(), (cpu() - used).Seconds() * 1e6 / n
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const pairsInBench = 200

func dialTalker(b *testing.B, addr, in, id string, h http.Header) *talker {
	b.Helper()
	d := websocket.Dialer{Subprotocols: []string{Protocol}, ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10}
	conn, res, err := d.Dial("ws://"+addr+"/ws", h)
	if err != nil {
		b.Fatal(err, res)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return &talker{conn: conn, in: in, id: id}
}

// BenchmarkSaid is 200 pairs in a closed loop over WebSocket, load generator on
// the same cores, in rounds that alternate with the floor. Each pair has a coach
// of its own, as on the floor.
func BenchmarkSaid(b *testing.B) {
	g := open(b, Wire{PerSecond: 1 << 30})
	_, floorAddr := newFloor(b)
	var ours, theirs []*talker
	for i := range pairsInBench {
		citizen := g.citizen(fmt.Sprint("Invånare ", i))
		coach := halsocoach.Actor{ID: fmt.Sprint("coach-", i), Role: halsocoach.RoleCoach, Name: "Coach", Kommun: "0684", Centre: "0684"}
		in := g.enrolled(fmt.Sprint("enrolment-", i), citizen, coach)
		for _, who := range []halsocoach.Actor{citizen, coach} {
			ours = append(ours, dialTalker(b, g.first.addr, in, string(who.Role), g.first.header(who)))
			theirs = append(theirs, dialTalker(b, floorAddr, in, string(who.Role), http.Header{"X-In": {in}, "X-From": {who.ID}}))
		}
	}
	var said, bare, ratios, micros, bareMicros []float64
	for range b.N {
		for round := range 4 {
			f, fc := loop(theirs, 1500*time.Millisecond)
			o, oc := loop(ours, 1500*time.Millisecond)
			if round > 0 { // the first warms up
				said, bare, ratios = append(said, o), append(bare, f), append(ratios, o/f)
				micros, bareMicros = append(micros, oc), append(bareMicros, fc)
			}
		}
	}
	b.ReportMetric(median(micros), "cpu-µs/said")
	b.ReportMetric(median(bareMicros), "cpu-µs/floor")
	b.ReportMetric(median(said), "said/s")
	b.ReportMetric(median(bare), "floor/s")
	b.ReportMetric(median(ratios), "of-floor")
	b.ReportMetric(0, "ns/op")
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// BenchmarkIdleSocket measures the memory of the whole process per open socket
// that says nothing: the client's side is a bare connection without a goroutine
// or buffers.
func BenchmarkIdleSocket(b *testing.B) {
	g := open(b, Wire{})
	const sockets = 2000
	who := make([]http.Header, 50)
	for i := range who {
		citizen := g.citizen(fmt.Sprint("Invånare ", i))
		g.enrolled(fmt.Sprint("enrolment-", i), citizen, g.maria)
		who[i] = g.first.header(citizen)
	}
	dial := func(n int) (conns []net.Conn) {
		for i := range n {
			conn, err := net.Dial("tcp", g.first.addr)
			testenv.Must(b, err)
			fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nX-Test-Actor: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: %s\r\n\r\n", who[i%len(who)].Get("X-Test-Actor"), Protocol)
			var first [12]byte
			if _, err := conn.Read(first[:]); err != nil || string(first[9:]) != "101" {
				b.Fatalf("%s %v", first, err)
			}
			conns = append(conns, conn)
		}
		return conns
	}
	hang := func(conns []net.Conn) {
		for _, c := range conns {
			_ = c.Close()
		}
		g.Eventually("no sockets", func() bool { return g.first.Sockets() == 0 })
	}
	for range b.N {
		hang(dial(sockets)) // pools and tables have grown
		settle()
		before := resident(b)
		var m1, m2 runtime.MemStats
		runtime.ReadMemStats(&m1)
		conns := dial(sockets)
		g.Eventually("all open", func() bool { return g.first.Sockets() == sockets })
		settle()
		b.ReportMetric(float64(resident(b)-before)/sockets/1024, "kB/socket")
		runtime.ReadMemStats(&m2)
		b.ReportMetric(float64(m2.StackInuse-m1.StackInuse)/sockets, "B-stack/socket")
		b.ReportMetric(float64(m2.HeapAlloc-m1.HeapAlloc)/sockets, "B-heap/socket")
		hang(conns)
	}
	b.ReportMetric(0, "ns/op")
}

func settle() {
	for range 3 {
		debug.FreeOSMemory()
		time.Sleep(100 * time.Millisecond)
	}
}

// resident is VmRSS of this process in bytes.
func resident(b *testing.B) int {
	status, err := os.ReadFile("/proc/self/status")
	testenv.Must(b, err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	testenv.Must(b, err)
	return kB << 10
}
