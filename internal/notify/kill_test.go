package notify

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
	"halsocoach/internal/store/sqlite"
	"halsocoach/internal/testenv"
)

// What makes the test binary a node that sends what is due in a folder, with its
// clock so far ahead.
const (
	childVar  = "HALSOCOACH_NOTIFY_CHILD"
	serverVar = "HALSOCOACH_NOTIFY_SERVER"
	caVar     = "HALSOCOACH_NOTIFY_CA"
	aheadVar  = "HALSOCOACH_NOTIFY_AHEAD"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		if err := sendForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// everybody works here.
type everybody struct{}

func (everybody) Member(_ context.Context, id string) (halsocoach.StaffMember, error) {
	return halsocoach.StaffMember{ID: id}, nil
}

func (everybody) Coaches(context.Context, string) ([]halsocoach.StaffMember, error) { return nil, nil }

func sendForEver(dir string) error {
	ctx, log := context.Background(), slog.New(slog.NewTextHandler(io.Discard, nil))
	ahead, err := time.ParseDuration(os.Getenv(aheadVar))
	if err != nil {
		return err
	}
	data, err := sqlite.Open(ctx, filepath.Join(dir, "data.db"), append(Kinds(), store.LeaseKind), log)
	if err != nil {
		return err
	}
	keys, err := sqlite.Open(ctx, filepath.Join(dir, "keys.db"), seal.Kinds(), log)
	if err != nil {
		return err
	}
	master, err := seal.KeyFile(filepath.Join(dir, "master.key"))
	if err != nil {
		return err
	}
	sealer, err := seal.Open(ctx, keys, master, time.Now)
	if err != nil {
		return err
	}
	s := New(Config{Settings: Settings{SMTPURL: os.Getenv(serverVar), SMTPFrom: "svara-inte@example.se", SMTPCA: os.Getenv(caVar)},
		Store: data, Seal: sealer, Staff: everybody{}, Clock: func() time.Time { return time.Now().Add(ahead) }, Log: log, PublicURL: "https://halsocoach.example.se"})
	for {
		if err := s.SendDue(ctx); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestAKilledNodeLosesNothing: a node that sends is killed again and again. In
// the end every notice was sent; what was sent twice was on its way when the
// node died, and has the same Message-ID.
func TestAKilledNodeLosesNothing(t *testing.T) {
	p, g := mailed(t)
	p.set(func(p *post) { p.stall = 2 * time.Millisecond })
	g.Clock.Set(time.Now().Add(-time.Minute))
	g.chose(g.People.Vardcentral, "karin@example.se")
	kills, before := testenv.Count(3, 20), 20
	n := before * (kills + 1)
	g.Clock.Add(time.Second)
	for i := range n {
		ok(t, g.svc.Tell(t.Context(), News{Cause: fmt.Sprint("cause-", i), To: "vardcentral", Template: Changed, At: g.Clock.Now()}))
	}
	ids := func() map[string]bool {
		all := map[string]bool{}
		for _, l := range p.taken() {
			all[l.message.Header.Get("Message-Id")] = true
		}
		return all
	}
	for life := 0; life <= kills; life++ {
		node := exec.Command(os.Args[0])
		node.Env = append(os.Environ(), childVar+"="+g.Dir, serverVar+"="+g.svc.SMTPURL, caVar+"="+p.ca, fmt.Sprintf("%s=%dm", aheadVar, 10*life))
		node.Stderr = os.Stderr
		ok(t, node.Start())
		until := len(p.taken()) + before
		g.Eventually("letters of one life", func() bool { return len(p.taken()) >= until || len(ids()) == n })
		if life == kills {
			g.Eventually("all letters", func() bool { return len(ids()) == n })
		}
		_ = node.Process.Kill()
		_ = node.Wait()
	}
	if len(ids()) != n || len(p.taken()) > n+kills {
		t.Fatalf("%d letters with %d ids of %d notices, after %d kills", len(p.taken()), len(ids()), n, kills)
	}
	t.Logf("%d notices, %d letters, %d kills", n, len(p.taken()), kills)
}
