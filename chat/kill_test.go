package chat

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/websocket"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
	"halsocoach/internal/testenv"
	"halsocoach/internal/web"
)

// childVar makes the test binary a chat server on the folder it names.
const childVar = "HALSOCOACH_CHAT_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		if err := serveChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// childGround is what the child and its parent open in turn.
type childGround struct {
	cfg   Config
	bus   *event.Bus
	close func()
}

func openFolder(ctx context.Context, dir string) (childGround, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	data, err := sqlite.Open(ctx, filepath.Join(dir, "data.db"), append(append(Kinds(), person.Kinds()...), store.LeaseKind), log)
	if err != nil {
		return childGround{}, err
	}
	keys, err := sqlite.Open(ctx, filepath.Join(dir, "keys.db"), seal.Kinds(), log)
	if err != nil {
		return childGround{}, err
	}
	master, err := seal.KeyFile(filepath.Join(dir, "master.key"))
	if err != nil {
		return childGround{}, err
	}
	sealer, err := seal.Open(ctx, keys, master, time.Now)
	if err != nil {
		return childGround{}, err
	}
	bus, err := event.Open(ctx, "embedded:"+filepath.Join(dir, "nats"), log)
	if err != nil {
		return childGround{}, err
	}
	return childGround{
		cfg: Config{
			Store: data, Seal: sealer, Clock: time.Now, Log: log, Staff: oneCoach{}, AccessLog: noLog{}, Nudges: bus,
			Persons:    person.New(person.Config{Store: data, Numbers: sealer, Nudges: bus, AccessLog: noLog{}, Clock: time.Now}),
			Enrolments: &enrolments{m: map[string]halsocoach.Enrolment{}, names: map[string]string{}},
		},
		bus:   bus,
		close: func() { _ = bus.Close(); _ = data.Close(); _ = keys.Close() },
	}, nil
}

type oneCoach struct{}

func (oneCoach) Member(_ context.Context, id string) (halsocoach.StaffMember, error) {
	return halsocoach.StaffMember{ID: id, Name: "Maria Holm", Role: halsocoach.RoleCoach}, nil
}
func (oneCoach) Coaches(context.Context, string) ([]halsocoach.StaffMember, error) { return nil, nil }

type noLog struct{}

func (noLog) Saw(context.Context, halsocoach.Actor, halsocoach.Act, string, ...string) error {
	return nil
}

// serveChild serves until it is killed. Whoever calls says who they are.
func serveChild(dir string) error {
	ctx := context.Background()
	g, err := openFolder(ctx, dir)
	if err != nil {
		return err
	}
	go event.Relay(ctx, g.cfg.Store, g.bus, g.cfg.Log)
	svc := New(g.cfg)
	if err := svc.Start(ctx, g.bus); err != nil {
		return err
	}
	app := web.New(web.Config{Actor: func(c *fiber.Ctx) (who halsocoach.Actor, err error) {
		return who, json.Unmarshal([]byte(c.Get("X-Who")), &who)
	}})
	svc.Routes(app.Fiber())
	svc.API(app.API())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	return app.Serve(ln)
}

// child is a running server process.
type child struct {
	t    *testing.T
	cmd  *exec.Cmd
	addr string
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	testenv.Must(t, err)
	testenv.Must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("the child did not start: %v", lines.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	c := &child{t, cmd, lines.Text()}
	t.Cleanup(c.kill)
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *child) dial(who halsocoach.Actor) (*websocket.Conn, error) {
	body, err := json.Marshal(who)
	if err != nil {
		return nil, err
	}
	d := websocket.Dialer{Subprotocols: []string{Protocol}, HandshakeTimeout: 10 * time.Second}
	conn, _, err := d.Dial("ws://"+c.addr+"/ws", http.Header{"X-Who": {string(body)}})
	return conn, err
}

// receipts are the numbers that were acknowledged, by conversation.
type receipts struct {
	mu  sync.Mutex
	all map[string]map[int]string // conversation → number → key
	n   int
}

func (r *receipts) add(in string, seq int, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all[in] == nil {
		r.all[in] = map[int]string{}
	}
	r.all[in][seq] = key
	r.n++
}

func (r *receipts) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

// talk says one thing after the other until the connection is lost.
func (c *child) talk(who halsocoach.Actor, in, prefix string, got *receipts) {
	conn, err := c.dial(who)
	if err != nil {
		return
	}
	defer conn.Close()
	for i := 0; ; i++ {
		if conn.WriteJSON(map[string]any{"say": map[string]string{"in": in, "key": fmt.Sprintf("%s-%d", prefix, i), "text": "Hej"}}) != nil {
			return
		}
		for {
			var f frame
			if conn.ReadJSON(&f) != nil {
				return
			}
			if f.Said != nil {
				got.add(in, f.Said.Seq, f.Said.Key)
				break
			}
		}
	}
}

// check reads everything back.
func (c *child) check(who halsocoach.Actor, in string, got *receipts) {
	c.t.Helper()
	conn, err := c.dial(who)
	testenv.Must(c.t, err)
	defer conn.Close()
	testenv.Must(c.t, conn.WriteJSON(map[string]any{"since": position{in, 0}}))
	stored := map[int]string{}
	for want := 1; ; want++ {
		var f frame
		testenv.Must(c.t, conn.ReadJSON(&f))
		if f.CaughtUp != nil {
			break
		}
		if f.Message == nil || f.Message.Seq != want || f.Message.Text != "Hej" {
			c.t.Fatalf("%s: got %+v, want number %d", in, f, want)
		}
		stored[want] = f.Message.Key
	}
	for seq, key := range got.all[in] {
		if stored[seq] != key {
			c.t.Errorf("%s: number %d was acknowledged for %s and holds %q", in, seq, key, stored[seq])
		}
	}
}

// TestNothingAcknowledgedIsLostBySIGKILL kills a server in the middle of many
// conversations, again and again on the same file.
func TestNothingAcknowledgedIsLostBySIGKILL(t *testing.T) {
	dir := t.TempDir()
	g, err := openFolder(t.Context(), dir)
	testenv.Must(t, err)
	const pairs = 20
	citizens := make([]halsocoach.Actor, pairs)
	coach := halsocoach.Actor{ID: "maria", Role: halsocoach.RoleCoach}
	svc := New(g.cfg)
	for i := range citizens {
		id, err := g.cfg.Seal.NewPerson(t.Context())
		testenv.Must(t, err)
		citizens[i] = halsocoach.Actor{ID: id, Role: halsocoach.RoleCitizen}
		testenv.Must(t, svc.Open(t.Context(), halsocoach.System("test"), halsocoach.Enrolment{ID: conversation(i), Person: id, Coach: coach.ID, Kommun: "0684", Centre: "0684"}))
	}
	g.close()
	got := &receipts{all: map[string]map[int]string{}}
	rounds := testenv.Count(3, 20)
	for round := range rounds {
		c := startChild(t, dir)
		before := got.count()
		var wg sync.WaitGroup
		for i := range citizens {
			wg.Go(func() { c.talk(citizens[i], conversation(i), fmt.Sprintf("c%d", round), got) })
			wg.Go(func() { c.talk(coach, conversation(i), fmt.Sprintf("m%d", round), got) })
		}
		for end := time.Now().Add(5 * time.Minute); got.count() < before+20; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no twenty acknowledgements")
			}
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		c.kill()
		wg.Wait()
		again := startChild(t, dir)
		for i := range citizens {
			again.check(citizens[i], conversation(i), got)
		}
		again.mended(coach, pairs)
		again.kill()
	}
	t.Logf("%d kills, %d acknowledged", rounds, got.count())
}

func conversation(i int) string { return fmt.Sprintf("enrolment-%02d", i) }

// mended: what waits for whom follows by itself after the crash.
func (c *child) mended(coach halsocoach.Actor, pairs int) {
	c.t.Helper()
	body, _ := json.Marshal(coach)
	stored := map[string]int{}
	for i := range pairs {
		stored[conversation(i)] = c.last(string(body), fmt.Sprintf("/api/v1/conversations/%s/messages?since=", conversation(i)))
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		late := 0
		for id, last := range c.listed(string(body)) {
			if last != stored[id] {
				late++
			}
		}
		if late == 0 {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("%d of %d conversations have not followed", late, pairs)
		}
	}
}

func (c *child) get(who, path string, into any) {
	c.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+c.addr+path, nil)
	testenv.Must(c.t, err)
	r.Header.Set("X-Who", who)
	res, err := http.DefaultClient.Do(r)
	testenv.Must(c.t, err)
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != 200 {
		c.t.Fatalf("%s: %d, %v", path, res.StatusCode, err)
	}
}

// last is the number of the last message, by paging.
func (c *child) last(who, path string) (last int) {
	c.t.Helper()
	for {
		var page struct{ Items []struct{ Seq int } }
		c.get(who, path+fmt.Sprint(last)+"&limit=200", &page)
		if len(page.Items) == 0 {
			return last
		}
		last = page.Items[len(page.Items)-1].Seq
	}
}

// listed are the last numbers that the list knows of.
func (c *child) listed(who string) map[string]int {
	c.t.Helper()
	var list struct {
		Items []struct {
			ID   string
			Last int
		}
	}
	c.get(who, "/api/v1/conversations", &list)
	last := map[string]int{}
	for _, item := range list.Items {
		last[item.ID] = item.Last
	}
	return last
}
