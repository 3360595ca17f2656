package seal

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"

	"halsocoach"
	"halsocoach/internal/store"
)

func TestTheWrongKeyFileIsRefusedAndChangesNothing(t *testing.T) {
	h := newHouse(t)
	node := h.joined(t)
	p := must[string](t)(node.NewPerson(t.Context()))
	box := must[Sealed](t)(node.Seal(t.Context(), p, "x", "Elsa"))
	right := must[[]byte](t)(os.ReadFile(h.path()))
	strange := must[outerKey](t)(newOuter(begin))
	for name, text := range map[string]string{
		"another key": strange.line(), "nonsense": "x", "nothing": "", "half a key": string(right[:len(right)/2]),
		"a key and nonsense": string(right) + "x\n",
	} {
		if err := os.WriteFile(h.path(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
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
	if err := os.WriteFile(h.path(), right, 0o600); err != nil {
		t.Fatal(err)
	}
	round(t, node)
	rotate(t, node.Rotation(), node)
	old := filepath.Join(t.TempDir(), "old.key")
	if err := os.WriteFile(old, right, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), h, must[Master](t)(KeyFile(old)), h.now); !errors.Is(err, ErrOtherMaster) || !strings.Contains(err.Error(), "lacks the outer key") {
		t.Errorf("the file of before: %v", err)
	}
}

// olderStore is a key store as the first programs made it: keys and a box of
// the one outer key, from which the others were derived.
func olderStore(t *testing.T, h *house, persons int) (boxes []Box, n halsocoach.Number) {
	t.Helper()
	k := h.master.outer[0]
	w, err := k.wrapper()
	if err != nil {
		t.Fatal(err)
	}
	insert := func(kind, id, body string) {
		t.Helper()
		if _, err := h.Save(t.Context(), kind, store.Document{ID: id, Body: []byte(body)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	closed := func(plain []byte, bound string) string {
		box := must[[]byte](t)(w.Encrypt(plain, []byte(bound)))
		return base64.StdEncoding.EncodeToString(box)
	}
	insert("check", "master", `{"box":"`+closed([]byte("halsocoach"), "master")+`"}`)
	n = number(t, "200302022389")
	for i := range persons {
		raw := make([]byte, 32)
		raw[0] = byte(i)
		p := halsocoach.NewID()
		insert("keys", p, `{"person":"`+p+`","key":"`+closed(raw, p)+`"}`)
		a := must[tink.AEAD](t)(dataKey(raw))
		boxes = append(boxes, Box{p, "x", append(Sealed{boxVersion}, must[[]byte](t)(a.Encrypt([]byte(p), bound(p, "x")))...)})
	}
	numbers := must[[]byte](t)(k.sub("numbers"))
	insert("numbers", keyed(numbers, 32, n.Digits()), `{"person":"`+boxes[0].Person+`"}`)
	return boxes, n
}

func TestAnOlderInstallationsKeysAreTakenOver(t *testing.T) {
	h := newHouse(t)
	boxes, n := olderStore(t, h, 30)
	nodes := make([]*Sealer, 4)
	var all sync.WaitGroup
	for i := range nodes {
		all.Go(func() { nodes[i] = h.node(t) })
	}
	all.Wait()
	check := func(s *Sealer) {
		t.Helper()
		for i, plain := range must[[]string](t)(s.OpenMany(t.Context(), boxes)) {
			if plain != boxes[i].Person {
				t.Fatalf("box %d opens to %q", i, plain)
			}
		}
		if p, found, err := s.Lookup(t.Context(), n); p != boxes[0].Person || !found || err != nil {
			t.Fatalf("the number leads to %q, %v", p, err)
		}
	}
	for _, s := range nodes {
		check(s)
	}
	// Until the first rotation an older program may still run on it.
	if box := must[checkDoc](t)(store.In[checkDoc](h, checkKind).Get(t.Context(), checkID)).Box; len(box) == 0 {
		t.Error("the older program is shut out by the mere upgrade")
	}
	r := nodes[0].Rotation()
	was := h.master.outer[0].id
	if keys := must[[]OuterKey](t)(r.List(t.Context())); len(keys) != 1 || keys[0].ID != was || keys[0].Wraps != 34 {
		t.Fatalf("%+v", keys)
	}
	rotate(t, r)
	if box := must[checkDoc](t)(store.In[checkDoc](h, checkKind).Get(t.Context(), checkID)).Box; len(box) > 0 {
		t.Error("an older program would start and know neither number nor key")
	}
	h.pass(retireAfter)
	if gone := must[[]string](t)(r.Retire(t.Context())); len(gone) != 1 || gone[0] != was {
		t.Fatal(gone)
	}
	h.master = must[Master](t)(KeyFile(h.path()))
	if len(h.master.outer) != 1 {
		t.Fatal("the old key is still in the file")
	}
	check(h.node(t))
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
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(h.path()), "*.lock")); len(left) > 0 {
		t.Error(left)
	}
}

func TestAFileThatCanNotBeWrittenIsSaid(t *testing.T) {
	h := newHouse(t)
	node := h.node(t)
	// A lock that a running command holds.
	if err := os.WriteFile(h.path()+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := node.Rotation().Add(t.Context()); err == nil || !strings.Contains(err.Error(), "can not be changed here") {
		t.Error(err)
	}
	// One that a command left behind when it was killed.
	long, half := time.Now().Add(-time.Hour), filepath.Join(filepath.Dir(h.path()), ".key-1")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{h.path() + ".lock", half} {
		if err := os.Chtimes(name, long, long); err != nil {
			t.Fatal(err)
		}
	}
	must[string](t)(node.Rotation().Add(t.Context()))
	if _, err := os.Stat(half); err == nil {
		t.Error("half a key file is left lying about")
	}
}
