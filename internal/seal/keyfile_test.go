package seal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheWrongKeyFileIsRefusedAndChangesNothing(t *testing.T) {
	h := newHouse(t)
	node := h.joined(t)
	p := must[string](t)(node.NewPerson(t.Context()))
	box := must[Sealed](t)(node.Seal(t.Context(), p, "x", "Elsa"))
	right := must[[]byte](t)(os.ReadFile(h.path()))
	strange := must[outerKey](t)(newOuter(begin))
	if _, err := Open(t.Context(), h, Master{}, h.now); err == nil {
		t.Error("a node starts without a key")
	}
	for name, text := range map[string]string{
		"another key": strange.line(), "nonsense": "x", "nothing": "", "half a key": string(right[:len(right)/2]),
		"a key and nonsense": string(right) + "x\n",
	} {
		ok(t, os.WriteFile(h.path(), []byte(text), 0o600))
		if m, err := KeyFile(h.path()); err == nil {
			if _, err = Open(t.Context(), h, m, h.now); !errors.Is(err, ErrOtherMaster) {
				t.Errorf("%s: a node starts: %v", name, err)
			}
		}
		if err := node.outer.look(t.Context()); err == nil {
			t.Errorf("%s: taken while running", name)
		}
		if _, err := node.Rotation().Add(t.Context()); err == nil {
			t.Errorf("%s: rotated", name)
		}
		h.pass(cacheTime)
		if got := must[string](t)(node.Open(t.Context(), p, "x", box)); got != "Elsa" {
			t.Errorf("%s: a running node lost its keys", name)
		}
	}
	// The file of before a rotation lacks the key that is in use.
	ok(t, os.WriteFile(h.path(), right, 0o600))
	round(t, node)
	rotate(t, node.Rotation(), node)
	old := filepath.Join(t.TempDir(), "old.key")
	ok(t, os.WriteFile(old, right, 0o600))
	if _, err := Open(t.Context(), h, must[Master](t)(KeyFile(old)), h.now); !errors.Is(err, ErrOtherMaster) || !strings.Contains(err.Error(), "lacks the outer key") {
		t.Errorf("the file of before: %v", err)
	}
}

func TestOneCommandAtATimeChangesTheKeyFile(t *testing.T) {
	h := newHouse(t)
	h.node(t)
	ids := make([]string, 6)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() { ids[i] = must[string](t)(h.node(t).Rotation().Add(t.Context())) })
	}
	all.Wait()
	m := must[Master](t)(KeyFile(h.path()))
	for _, id := range ids {
		if id != m.outer[0].id {
			t.Errorf("%s was lost", id)
		}
	}
	if len(m.outer) != 2 {
		t.Errorf("%d keys in the file", len(m.outer))
	}
	if info := must[os.FileInfo](t)(os.Stat(h.path())); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestAFileThatCanNotBeWrittenIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		node := h.node(t)
		free := must[func()](t)(lockKeyFile(h.path())) // by a command that runs
		if _, err := node.Rotation().Add(t.Context()); err == nil || !strings.Contains(err.Error(), "can not be changed here") {
			t.Error(err)
		}
		free()
		// What a command left behind when it was killed.
		long, half := time.Now().Add(-time.Hour), filepath.Join(filepath.Dir(h.path()), ".key-1")
		ok(t, os.WriteFile(half, []byte("half"), 0o600))
		ok(t, os.Chtimes(half, long, long))
		must[string](t)(node.Rotation().Add(t.Context()))
		if _, err := os.Stat(half); err == nil {
			t.Error("half a key file is left lying about")
		}
	})
}
