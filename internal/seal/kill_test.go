package seal_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"halsocoach/internal/seal"
	"halsocoach/internal/store/sqlite"
	"halsocoach/internal/testenv"
)

const childDir = "SEAL_ROTATES_IN"

// TestMain is also the child that rotates until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := rotateIn(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func ground(ctx context.Context, dir string) (*sqlite.Store, *seal.Sealer, error) {
	keys, err := sqlite.Open(ctx, filepath.Join(dir, "keys.db"), seal.Kinds(), slog.New(slog.DiscardHandler), sqlite.Shredded())
	if err != nil {
		return nil, nil, err
	}
	m, err := seal.KeyFile(filepath.Join(dir, "master.key"))
	if err != nil {
		return nil, nil, err
	}
	s, err := seal.Open(ctx, keys, m, time.Now)
	return keys, s, err
}

// rotateIn makes one outer key after another the one that wraps, and tells of
// each step.
func rotateIn(dir string) error {
	ctx := context.Background()
	_, s, err := ground(ctx, dir)
	if err != nil {
		return err
	}
	for {
		id, err := s.Rotation().Add(ctx)
		if err == nil {
			fmt.Println("add")
			err = s.Rotation().Use(ctx, id)
		}
		if err == nil {
			fmt.Println("use")
			err = s.Rotation().Rewrap(ctx, func(int, int) { fmt.Println("wrap") })
		}
		if err != nil {
			return err
		}
	}
}

func TestARotationThatIsKilledAtAnyPointLosesNothing(t *testing.T) {
	dir := t.TempDir()
	keys, s, err := ground(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	var mu sync.Mutex
	var boxes []seal.Box
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 20 {
				p, err := s.NewPerson(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				box, err := s.Seal(t.Context(), p, "x", p)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				boxes = append(boxes, seal.Box{Person: p, Purpose: "x", Sealed: box})
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for kill := range testenv.Count(6, 60) {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 20 + kill*197%900; n > 0 && lines.Scan(); n-- {
		}
		_ = child.Process.Signal(syscall.SIGKILL)
		_ = child.Wait()

		// Who starts after the kill reads everything, and so does who ran on.
		later, fresh, err := ground(t.Context(), dir)
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		for _, node := range []*seal.Sealer{fresh, s} {
			if err := node.Join(t.Context()); err != nil {
				t.Fatalf("kill %d: %v", kill, err)
			}
			plain, err := node.OpenMany(t.Context(), boxes)
			if err != nil {
				t.Fatalf("kill %d: %v", kill, err)
			}
			for i, b := range boxes {
				if plain[i] != b.Person {
					t.Fatalf("kill %d: box %d does not open", kill, i)
				}
			}
		}
		// They take their leave, so that the next child waits for nobody.
		ended, leave := context.WithCancel(t.Context())
		leave()
		fresh.Follow(ended, slog.New(slog.DiscardHandler))
		s.Follow(ended, slog.New(slog.DiscardHandler))
		if err := later.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Rotation().Rewrap(t.Context(), func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	list, err := s.Rotation().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		if k.Wraps > 0 && !k.Current {
			t.Errorf("%s still wraps %d", k.ID, k.Wraps)
		}
	}
	t.Logf("%d outer keys came", len(list))
}
