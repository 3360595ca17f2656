package testenv

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/person"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
)

// Env is one running ground. All of it ends with the test.
type Env struct {
	T         testing.TB
	Dir       string
	Store     store.Store
	Keys      store.Store
	Seal      *seal.Sealer
	Bus       *event.Bus
	Clock     *Clock
	Log       *slog.Logger
	AccessLog *AccessLog
	Persons   *person.Service
	Terms     *Terms
	Registers Registers
	Staff     Staff
	People    People
}

// New opens a store with the kinds, a key store, NATS and the relay.
func New(t testing.TB, kinds ...[]store.Kind) *Env {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	e := &Env{T: t, Dir: t.TempDir(), Clock: &Clock{now: Morning()}, AccessLog: &AccessLog{}, Terms: &Terms{terms: halsocoach.DefaultTerms}}
	e.Log = Log(t, slog.LevelWarn)
	all := append([]store.Kind{store.LeaseKind}, person.Kinds()...)
	for _, k := range kinds {
		all = append(all, k...)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			cancel()
			t.Fatal(err)
		}
	}
	var err error
	e.Store, err = sqlite.Open(ctx, filepath.Join(e.Dir, "data.db"), all, e.Log)
	must(err)
	e.Keys, err = sqlite.Open(ctx, filepath.Join(e.Dir, "keys.db"), seal.Kinds(), e.Log)
	must(err)
	master, err := seal.KeyFile(filepath.Join(e.Dir, "master.key"))
	must(err)
	e.Seal, err = seal.Open(ctx, e.Keys, master, e.Clock.Now)
	must(err)
	e.Bus, err = event.Open(ctx, "embedded:"+filepath.Join(e.Dir, "nats"), e.Log)
	must(err)
	e.Persons = person.New(person.Config{Store: e.Store, Numbers: e.Seal, Nudges: e.Bus, AccessLog: e.AccessLog, Clock: e.Clock.Now})
	must(e.Persons.Start(ctx))
	relay := make(chan struct{})
	go func() {
		defer close(relay)
		event.Relay(ctx, e.Store, e.Bus, e.Log)
	}()
	t.Cleanup(func() {
		cancel()
		<-relay
		_ = e.Bus.Close()
		_ = e.Store.Close()
		_ = e.Keys.Close()
	})
	e.People, err = e.meet(ctx)
	must(err)
	e.Registers, e.Staff = registers(), Staff{e.People}
	return e
}

// meet gives the citizens their opaque ids.
func (e *Env) meet(ctx context.Context) (People, error) {
	n, err := halsocoach.ParseNumber(ElsasNumber, e.Clock.Now())
	if err != nil {
		return People{}, err
	}
	elsa, err := e.Seal.Person(ctx, n)
	if err != nil {
		return People{}, err
	}
	anna, err := e.Seal.NewPerson(ctx)
	if err != nil {
		return People{}, err
	}
	omar, err := e.Seal.NewPerson(ctx)
	return people(anna, elsa, omar), err
}

// Ctx is a context that ends with the test.
func (e *Env) Ctx() context.Context { return e.T.Context() }

// OK ends the test on a fault.
func (e *Env) OK(err error) {
	e.T.Helper()
	Must(e.T, err)
}

// Facts are all that has been counted.
func (e *Env) Facts() []halsocoach.Fact {
	e.T.Helper()
	var all []halsocoach.Fact
	Must(e.T, e.Bus.EachFact(e.Ctx(), func(f halsocoach.Fact) error {
		all = append(all, f)
		return nil
	}))
	return all
}

// Eventually is Eventually of the test.
func (e *Env) Eventually(what string, done func() bool) {
	e.T.Helper()
	Eventually(e.T, what, done)
}

// Eventually waits for what events bring about. The end is only for what never
// comes about.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	rest := time.Millisecond
	for end := time.Now().Add(2 * time.Minute); !done(); rest = min(2*rest, 20*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came about: %s", what)
		}
		time.Sleep(rest)
	}
}

// Log writes what is of the level and above to the test's output.
func Log(t testing.TB, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(testWriter{t.Output()}, &slog.HandlerOptions{Level: level}))
}

type testWriter struct{ io.Writer }

func (w testWriter) Write(p []byte) (int, error) {
	defer func() { _ = recover() }() // a line after the test's end is dropped
	return w.Writer.Write(p)
}

// Row is one row of the access log.
type Row struct {
	Who     halsocoach.Actor
	Act     halsocoach.Act
	Why     string
	Persons []string
}

// AccessLog keeps the rows in memory, for tests to read.
type AccessLog struct {
	mu   sync.Mutex
	rows []Row
}

// Saw keeps a row.
func (l *AccessLog) Saw(_ context.Context, who halsocoach.Actor, act halsocoach.Act, why string, persons ...string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = append(l.rows, Row{who, act, why, append([]string(nil), persons...)})
	return nil
}

// Rows are those that were saved so far.
func (l *AccessLog) Rows() []Row {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Row(nil), l.rows...)
}

// Terms are the same for everybody, until a test sets others.
type Terms struct {
	mu    sync.Mutex
	terms halsocoach.Terms
}

// Terms satisfies halsocoach.Settings.
func (s *Terms) Terms(context.Context, string, string, halsocoach.Day) (halsocoach.Terms, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.terms, nil
}

// Set changes the terms.
func (s *Terms) Set(change func(*halsocoach.Terms)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.terms)
}
