package seal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"halsocoach"
)

// joined is a node that has said it runs.
func (h *house) joined(t testing.TB) *Sealer {
	t.Helper()
	s := h.node(t)
	ok(t, s.Join(t.Context()))
	return s
}

// round is what each node does every ten seconds by itself.
func round(t testing.TB, nodes ...*Sealer) {
	t.Helper()
	for _, s := range nodes {
		_ = s.tidy(t.Context()) // a node whose file is not right goes on
	}
}

// path is where the key file lies.
func (h *house) path() string { return h.master.path }

func quiet(int, int) {}

// wrappedBy counts the documents under each outer key.
func wrappedBy(t testing.TB, r Rotation) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, k := range must[[]OuterKey](t)(r.List(t.Context())) {
		out[k.ID] = k.Wraps
	}
	return out
}

// rotate does all steps with the nodes' rounds between them.
func rotate(t testing.TB, r Rotation, nodes ...*Sealer) string {
	t.Helper()
	id := must[string](t)(r.Add(t.Context()))
	round(t, nodes...)
	ok(t, r.Use(t.Context(), id))
	round(t, nodes...)
	ok(t, r.Rewrap(t.Context(), quiet))
	return id
}

// boxed makes n persons, each with a box of the person's own id.
func boxed(t testing.TB, s *Sealer, n int) (boxes []Box) {
	t.Helper()
	for range n {
		p := must[string](t)(s.NewPerson(t.Context()))
		boxes = append(boxes, Box{p, "x", must[Sealed](t)(s.Seal(t.Context(), p, "x", p))})
	}
	return boxes
}

func allOpen(t testing.TB, s *Sealer, boxes []Box) {
	t.Helper()
	for i, plain := range must[[]string](t)(s.OpenMany(t.Context(), boxes)) {
		if plain != boxes[i].Person {
			t.Fatalf("box %d opens to %q", i, plain)
		}
	}
}

func TestRotationUnderLoadLosesNothingOnAnyNode(t *testing.T) {
	h := newHouse(t)
	nodes := []*Sealer{h.joined(t), h.joined(t)}
	tokens := nodes[0].Token("cursor").Encrypt([]byte("42"))
	n := number(t, "200302022389")
	elsa := must[string](t)(nodes[0].Person(t.Context(), n))
	ok(t, nodes[0].IndexName(t.Context(), "0684", elsa, "Elsa Åkesson"))
	boxes := boxed(t, nodes[0], 300)
	secret := must[[]byte](t)(nodes[0].KeepSecret(t.Context(), "signing", "first", []byte("hemlig")))

	var made atomic.Int64
	done := make(chan struct{})
	var savers sync.WaitGroup
	for i := range 8 {
		savers.Go(func() {
			here, there := nodes[i%2], nodes[(i+1)%2]
			for j := i; ; j++ {
				select {
				case <-done:
					return
				default:
				}
				p, err := here.NewPerson(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				box, err := here.Seal(t.Context(), p, "x", p)
				if err != nil {
					t.Error(err)
					return
				}
				old := boxes[j*7%len(boxes)]
				h.pass(time.Second / 4) // keys leave the memory, so that they are unwrapped again
				plain, err := there.OpenMany(t.Context(), []Box{{p, "x", box}, old})
				if err != nil || plain[0] != p || plain[1] != old.Person {
					t.Errorf("%q, %v", plain, err)
					return
				}
				if j%5 == 0 {
					if err := there.Destroy(t.Context(), p); err != nil {
						t.Error(err)
					}
				}
				made.Add(1)
			}
		})
	}
	r := h.node(t).Rotation()
	var used []string
	for range 3 {
		used = append(used, rotate(t, r, nodes...))
		for before := made.Load(); made.Load() < before+50 && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
	}
	close(done)
	savers.Wait()
	if t.Failed() {
		return
	}
	last := used[len(used)-1]
	ok(t, r.Rewrap(t.Context(), quiet))
	for id, wraps := range wrappedBy(t, r) {
		if (wraps > 0) != (id == last) {
			t.Errorf("%s wraps %d", id, wraps)
		}
	}
	h.pass(retireAfter)
	round(t, nodes...)
	if gone := must[[]string](t)(r.Retire(t.Context())); len(gone) != 3 {
		t.Errorf("retired %v", gone)
	}

	// A node that starts with what is left of the file opens and finds all.
	h.master = must[Master](t)(KeyFile(h.path()))
	for _, s := range append(nodes, h.node(t)) {
		allOpen(t, s, boxes)
		if p, found, err := s.Lookup(t.Context(), n); p != elsa || !found || err != nil {
			t.Errorf("the number leads to %q, %v", p, err)
		}
		if found := must[[]string](t)(s.SearchName(t.Context(), "0684", "elsa")); len(found) != 1 {
			t.Error("not found by name")
		}
		if plain, err := s.Token("cursor").Decrypt(tokens); err != nil || string(plain) != "42" {
			t.Errorf("a token of before: %v", err)
		}
		if again := must[map[string][]byte](t)(s.Secrets(t.Context(), "signing")); string(again["first"]) != string(secret) {
			t.Error("a secret has changed")
		}
	}
	t.Logf("%d persons made while three outer keys came", made.Load())
}

func TestRotationBrokenOffHalfWayIsDoneByRepeatingIt(t *testing.T) {
	h := newHouse(t)
	node := h.joined(t)
	boxes := boxed(t, node, 250)
	opens := func() { t.Helper(); allOpen(t, h.node(t), boxes) }
	// Killed after each step; who repeats it knows nothing of who was before.
	first := must[string](t)(h.node(t).Rotation().Add(t.Context()))
	h.master = must[Master](t)(KeyFile(h.path()))
	opens()
	if again := must[string](t)(h.node(t).Rotation().Add(t.Context())); again != first {
		t.Fatalf("a second key %s before %s was used", again, first)
	}
	round(t, node)
	for range 2 {
		ok(t, h.node(t).Rotation().Use(t.Context(), first))
	}
	opens()
	round(t, node)
	for _, stop := range []int{1, 50, 100} {
		ctx, kill := context.WithCancel(t.Context())
		err := h.node(t).Rotation().Rewrap(ctx, func(done, total int) {
			if done >= stop {
				kill()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("not broken off: %v", err)
		}
		if again := must[string](t)(h.node(t).Rotation().Add(t.Context())); again != first {
			t.Fatalf("a second key %s while %s is half done", again, first)
		}
		opens()
	}
	var lines []string
	ok(t, h.node(t).Rotation().Rewrap(t.Context(), func(done, total int) { lines = append(lines, fmt.Sprint(done, "/", total)) }))
	if n := len(lines); n < 3 || lines[0] == lines[n-1] {
		t.Errorf("no progress is told: %v", lines)
	}
	var before string
	for id, wraps := range wrappedBy(t, h.node(t).Rotation()) {
		if id != first {
			before = id
			if wraps > 0 {
				t.Errorf("%d are left", wraps)
			}
		}
	}
	opens()
	h.pass(retireAfter)
	round(t, node)
	// Killed between the mark and the file.
	now := h.now()
	if _, err := node.outer.rings.Update(t.Context(), ringID, func(d *ringDoc) ([]halsocoach.Event, error) { d.find(before).Retired = &now; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if gone := must[[]string](t)(h.node(t).Rotation().Retire(t.Context())); len(gone) != 1 || gone[0] != before {
		t.Errorf("retired %v", gone)
	}
	if gone := must[[]string](t)(h.node(t).Rotation().Retire(t.Context())); len(gone) != 0 {
		t.Errorf("retired again: %v", gone)
	}
	h.master = must[Master](t)(KeyFile(h.path()))
	opens()
}

func TestAnOuterKeyIsUsedWhenEveryNodeKnowsIt(t *testing.T) {
	h := newHouse(t)
	here := h.joined(t)
	// The other node is on a machine with a file of its own.
	own := filepath.Join(t.TempDir(), "master.key")
	text := must[[]byte](t)(os.ReadFile(h.path()))
	ok(t, os.WriteFile(own, text, 0o600))
	there := must[*Sealer](t)(Open(t.Context(), h, must[Master](t)(KeyFile(own)), h.now))
	ok(t, there.Join(t.Context()))
	p := must[string](t)(there.NewPerson(t.Context()))
	r := here.Rotation()
	id := must[string](t)(r.Add(t.Context()))
	round(t, here, there)
	var lag *NodesLag
	if err := r.Use(t.Context(), id); !errors.As(err, &lag) || lag.Known || len(lag.Nodes) != 1 {
		t.Fatalf("a key that a node does not know: %v", err)
	}
	if now := must[[]OuterKey](t)(r.List(t.Context())); len(now) != 2 || now[1].Current || !now[1].Since.IsZero() {
		t.Fatalf("it is used: %+v", now)
	}

	// The operator puts the file there.
	ok(t, os.WriteFile(own, must[[]byte](t)(os.ReadFile(h.path())), 0o600))
	round(t, there)
	ok(t, r.Use(t.Context(), id))
	// What the other node makes meanwhile is under the old key: it is not wrapped
	// anew before that node wraps with the new one.
	if err := r.Rewrap(t.Context(), quiet); !errors.As(err, &lag) || !lag.Known {
		t.Fatalf("wrapped anew beside a node that uses the old key: %v", err)
	}
	q := must[string](t)(here.NewPerson(t.Context()))
	box := must[Sealed](t)(here.Seal(t.Context(), q, "x", "Elsa"))
	if got := must[string](t)(there.Open(t.Context(), q, "x", box)); got != "Elsa" {
		t.Error(got)
	}
	if _, err := r.Retire(t.Context()); !errors.Is(err, ErrTooSoon) {
		t.Errorf("retired at once: %v", err)
	}
	h.pass(retireAfter)
	round(t, here, there)
	if _, err := r.Retire(t.Context()); err == nil {
		t.Error("a key that is needed was retired")
	}
	ok(t, r.Rewrap(t.Context(), quiet))
	if gone := must[[]string](t)(r.Retire(t.Context())); len(gone) != 1 {
		t.Error(gone)
	}
	round(t, there) // its file still has both
	must[Sealed](t)(there.Seal(t.Context(), p, "x", "y"))

	// A node that was killed holds nobody up for long.
	h.master = must[Master](t)(KeyFile(h.path()))
	h.joined(t)
	id = must[string](t)(r.Add(t.Context()))
	ok(t, os.WriteFile(own, must[[]byte](t)(os.ReadFile(h.path())), 0o600))
	round(t, there)
	h.pass(liveFor)
	round(t, here, there)
	if err := r.Use(t.Context(), id); err != nil {
		t.Errorf("waits for a node that is gone: %v", err)
	}
}

func TestANodeReadsTheFileWhenItMeetsAnOuterKeyItDoesNotKnow(t *testing.T) {
	h := newHouse(t)
	here, late := h.node(t), h.node(t) // neither has said that it runs
	late.outer.looked = time.Time{}
	rotate(t, here.Rotation())
	p := must[string](t)(here.NewPerson(t.Context()))
	box := must[Sealed](t)(here.Seal(t.Context(), p, "x", "Elsa"))
	if got := must[string](t)(late.Open(t.Context(), p, "x", box)); got != "Elsa" {
		t.Error(got)
	}
}

func TestADestroyedKeyIsForgottenOnOtherNodesWhenTheyAreTold(t *testing.T) {
	h := newHouse(t)
	here, there := h.node(t), h.node(t)
	here.OnDestroy(there.Forget)
	p := must[string](t)(here.NewPerson(t.Context()))
	box := must[Sealed](t)(here.Seal(t.Context(), p, "x", "Elsa"))
	must[string](t)(there.Open(t.Context(), p, "x", box))
	ok(t, here.Destroy(t.Context(), p))
	if plain, err := there.Open(t.Context(), p, "x", box); !errors.Is(err, ErrGone) || plain != "" {
		t.Errorf("%q, %v", plain, err)
	}
}

func TestANodeTakesItsLeave(t *testing.T) {
	h := newHouse(t)
	s := h.joined(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Follow(ctx, slog.New(slog.DiscardHandler)) }()
	stop()
	<-done
	if live, err := s.live(t.Context()); err != nil || len(live) > 0 {
		t.Errorf("%+v, %v", live, err)
	}
}
