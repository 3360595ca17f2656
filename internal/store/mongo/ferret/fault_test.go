package ferret_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/store/mongo"
	"halsocoach/internal/store/mongo/ferret"
	"halsocoach/internal/store/storetest"
)

// quick are choices for tests that wait for the server's troubles.
var quick = mongo.Settings{Bound: 2 * time.Second, Choose: time.Second, Watch: 20 * time.Millisecond}

// lines collects the log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// of are the lines that hold text.
func (l *lines) of(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// shaken is a store on a server whose relay can misbehave.
type shaken struct {
	testing.TB
	*Server
	url string
	s   *mongo.Store
	c   store.Collection[counted]
	log *lines
}

type counted struct {
	N   int    `json:"n"`
	Key string `json:"key,omitempty"`
}

var countedKind = store.Kind{Name: "counted", NoPerson: true, Indexes: []store.Index{{Name: "key", Unique: true, Fields: []store.Field{store.T("key")}}}}

// shake opens a database of the test's own on the server that misbehaves.
func shake(t testing.TB, set mongo.Settings) *shaken {
	t.Helper()
	h := &shaken{TB: t, Server: shaky, url: shaky.URL(database(t, "")), log: &lines{}}
	var err error
	h.s, err = set.Open(t.Context(), h.url, kinds, slog.New(slog.NewTextHandler(h.log, nil)))
	ok(t, err)
	h.c = store.In[counted](h.s, countedKind)
	t.Cleanup(func() {
		shaky.Misbehave(nil)
		ok(t, h.s.Close())
	})
	return h
}

// calmed waits until the store says that the server is itself again.
func (h *shaken) calmed() {
	h.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if len(h.log.of("serves again")) == 1 && h.s.Ping(h.Context()) == nil {
			return
		}
	}
	h.Fatalf("the store did not recover by itself; log:\n%s", strings.Join(h.log.of(""), ""))
}

// busies checks that everything one can ask is answered with ErrBusy while the
// server is as it is, and that the log says so once.
func (h *shaken) busies(phrase string, reads bool) {
	h.Helper()
	asks := map[string]func() error{
		"insert": func() error { return h.c.Insert(h.Context(), halsocoach.NewID(), counted{}) },
		"update": func() error {
			_, err := h.c.Upsert(h.Context(), "known", func(v *counted) ([]halsocoach.Event, error) { v.N++; return nil, nil })
			return err
		},
		"ping": func() error { return h.s.Ping(h.Context()) },
	}
	if reads {
		asks["get"] = func() error { _, err := h.c.Get(h.Context(), "known"); return err }
		asks["find"] = func() error { _, _, err := h.c.Find(h.Context(), store.Query{Index: "key"}); return err }
		asks["pending"] = func() error { _, err := h.s.Pending(h.Context(), 1); return err }
	}
	for range 3 {
		var wg sync.WaitGroup
		for what, ask := range asks {
			wg.Go(func() {
				if err := ask(); !errors.Is(err, halsocoach.ErrBusy) || halsocoach.KindOf(err) != halsocoach.KindBusy {
					h.Errorf("%s: %v, want ErrBusy", what, err)
				}
			})
		}
		wg.Wait()
	}
	if n := len(h.log.of("level=ERROR")); n != 1 || len(h.log.of(phrase)) != 1 {
		h.Errorf("%d lines of error, want one of %q:\n%s", n, phrase, strings.Join(h.log.of(""), ""))
	}
}

func TestAServerThatIsGoneIsBusyAndComesBack(t *testing.T) {
	h := shake(t, quick)
	ok(t, h.c.Insert(t.Context(), "known", counted{}))
	h.Down()
	h.busies("can not be reached", true)
	ok(t, h.Up())
	h.calmed()
	if _, err := h.c.Upsert(t.Context(), "known", func(v *counted) ([]halsocoach.Event, error) { v.N++; return nil, nil }); err != nil {
		t.Error(err)
	}
}

func answer(code int, name, text string) bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: code}, {Key: "codeName", Value: name}, {Key: "errmsg", Value: text}}
}

func isWrite(c ferret.Command) bool {
	return c.Name == "update" || c.Name == "insert" || c.Name == "delete"
}

func TestAServerThatTakesNoWritesIsBusyAndReadable(t *testing.T) {
	for name, c := range map[string]struct {
		answer bson.D
		phrase string
	}{
		"not primary":                {answer(10107, "NotWritablePrimary", "not primary"), "no primary"},
		"read-only":                  {answer(20, "IllegalOperation", "Cannot execute a write operation in read-only mode"), "refuses to write"},
		"writes are blocked":         {answer(371, "UserWritesBlocked", "user writes blocked"), "refuses to write"},
		"the user may only read":     {answer(13, "Unauthorized", "not authorized on shaken to execute command"), "refuses to write"},
		"the disk is full":           {answer(14031, "OutOfDiskSpace", "no space left"), "refuses to write"},
		"a majority is out of reach": {answer(64, "WriteConcernTimeout", "waiting for replication timed out"), "too slowly"},
	} {
		t.Run(name, func(t *testing.T) {
			h := shake(t, quick)
			ok(t, h.c.Insert(t.Context(), "known", counted{}))
			h.Misbehave(func(cmd ferret.Command) ferret.Fault {
				if isWrite(cmd) {
					time.Sleep(time.Millisecond)
					return ferret.Fault{Answer: c.answer}
				}
				return ferret.Fault{}
			})
			began := time.Now()
			for time.Since(began) < 1100*time.Millisecond && len(h.log.of("level=ERROR")) == 0 {
				_ = h.s.Ping(t.Context())
			}
			h.busies(c.phrase, false)
			if _, err := h.c.Get(t.Context(), "known"); err != nil {
				t.Errorf("read: %v", err)
			}
			h.Misbehave(nil)
			h.calmed()
		})
	}
}

func TestASlowServerIsBusyWithinTheBound(t *testing.T) {
	set := quick
	set.Bound = 400 * time.Millisecond
	h := shake(t, set)
	h.Misbehave(func(c ferret.Command) ferret.Fault {
		if c.Name == "hello" {
			return ferret.Fault{}
		}
		return ferret.Fault{Delay: 600 * time.Millisecond}
	})
	if err := h.c.Insert(t.Context(), "a", counted{}); !errors.Is(err, halsocoach.ErrBusy) {
		t.Errorf("insert: %v, want ErrBusy", err)
	}
	h.busies("too slowly", true)
	h.Misbehave(nil)
	h.calmed()
}

func TestACallerInAHurrySaysNothingOfTheServer(t *testing.T) {
	h := shake(t, quick)
	h.Misbehave(func(c ferret.Command) ferret.Fault {
		if c.Name == "find" {
			return ferret.Fault{Delay: 100 * time.Millisecond}
		}
		return ferret.Fault{}
	})
	hurried, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.c.Get(hurried, "a"); !errors.Is(err, halsocoach.ErrBusy) {
		t.Errorf("a deadline: %v, want ErrBusy", err)
	}
	left, leave := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, leave)
	if _, err := h.c.Get(left, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left: %v, want Canceled", err)
	}
	if n := len(h.log.of("level=ERROR")); n != 0 {
		t.Errorf("%d lines of error", n)
	}
}

// TestNoIncrementIsLostOrDoubledWhileAnswersAreLost: many change one document
// from two handles while every third write loses its answer or its connection.
// Who is told that it went well counts once; who is told busy may count.
func TestNoIncrementIsLostOrDoubledWhileAnswersAreLost(t *testing.T) {
	set := quick
	set.Bound = 10 * time.Second
	h := shake(t, set)
	other, err := set.Open(t.Context(), h.url, kinds, testLog(t))
	ok(t, err)
	defer other.Close()
	var n atomic.Int64
	h.Misbehave(func(c ferret.Command) ferret.Fault {
		switch i := n.Add(1); {
		case !isWrite(c):
		case i%7 == 3:
			return ferret.Fault{Lose: true}
		case i%7 == 5:
			return ferret.Fault{Cut: true}
		}
		return ferret.Fault{}
	})
	var went, busy atomic.Int64
	var wg sync.WaitGroup
	for k, c := range []store.Collection[counted]{h.c, store.In[counted](other, countedKind), h.c, store.In[counted](other, countedKind)} {
		wg.Go(func() {
			for i := range storetest.Count(20, 1000) {
				id := fmt.Sprintf("%d/%d", k, i)
				_, err := c.Upsert(t.Context(), "all", func(v *counted) ([]halsocoach.Event, error) {
					v.N++
					return []halsocoach.Event{{ID: id, Type: "test.happened"}}, nil
				})
				switch {
				case err == nil:
					went.Add(1)
				case errors.Is(err, halsocoach.ErrBusy):
					busy.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	h.Misbehave(nil)
	v, err := h.c.Get(t.Context(), "all")
	ok(t, err)
	t.Logf("%d went well, %d were told to try again, the document says %d", went.Load(), busy.Load(), v.N)
	if int64(v.N) < went.Load() || int64(v.N) > went.Load()+busy.Load() || went.Load() == 0 {
		t.Errorf("the document says %d; %d went well and %d may have", v.N, went.Load(), busy.Load())
	}
	events := map[string]bool{}
	for {
		batches, err := h.s.Pending(t.Context(), 10)
		ok(t, err)
		if len(batches) == 0 {
			break
		}
		for _, e := range batches[0].Events {
			if events[e.ID] {
				t.Errorf("event %s came twice", e.ID)
			}
			events[e.ID] = true
		}
		ok(t, h.s.Relayed(t.Context(), batches...))
	}
	if len(events) != v.N {
		t.Errorf("%d events of %d increments", len(events), v.N)
	}
}

func TestAServerThatIsNotThereIsToldInOneLine(t *testing.T) {
	_, err := quick.Open(t.Context(), "mongodb://someone:secret@127.0.0.1:1/db", kinds, testLog(t))
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "127.0.0.1:1/db") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
