package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"halsocoach"
	"halsocoach/internal/store"
	"halsocoach/internal/testenv"
)

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// furnish writes an installation with the thirteen kommuner, people and events
// under way.
func furnish(t *testing.T, p dataConfig) {
	t.Helper()
	h, err := openApp(t.Context(), appConfig{dataConfig: p, PublicURL: "http://localhost", Log: silent})
	testenv.Must(t, err)
	defer h.close()
	testenv.Must(t, h.start(t.Context()))
	testenv.Must(t, h.registers.Seed(t.Context()))
	h.stop()
	h.relay.Wait()
	for i := range 450 {
		person, err := h.seal.NewPerson(t.Context())
		testenv.Must(t, err)
		event := halsocoach.Happened("test.happened", h.cfg.Clock(), "0684", fmt.Sprint(i), nil).Counting(
			halsocoach.Count(halsocoach.CountChat, h.cfg.Clock(), "0684", false, nil))
		doc := store.Document{ID: person, Body: []byte(fmt.Sprintf(`{"id":%q,"person":%q,"ends":"2030-01-01T00:00:00Z"}`, person, person))}
		testenv.Must(t, testenv.ErrOf(h.store.Save(t.Context(), "draft", doc, []halsocoach.Event{event})))
	}
}

func samePlaces(t *testing.T, a, b string, kinds []store.Kind) int {
	t.Helper()
	read := func(address string) map[string]string {
		s, err := openStore(t.Context(), address, append(kinds, copyKind), silent)
		testenv.Must(t, err)
		defer s.Close()
		all := map[string]string{}
		for _, k := range kinds {
			if err := s.Each(t.Context(), k.Name, func(d store.Document) error {
				all[k.Name+"/"+d.ID] = string(d.Body)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	ours, theirs := read(a), read(b)
	for id, body := range ours {
		if theirs[id] != body {
			t.Errorf("%s is %q and %q", id, body, theirs[id])
		}
	}
	if len(ours) != len(theirs) {
		t.Errorf("%d and %d documents", len(ours), len(theirs))
	}
	return len(ours)
}

// TestAnInstallationMovesWhole copies one with events still in the outbox. The
// copy opens, has every document and fact, and is not copied over again.
func TestAnInstallationMovesWhole(t *testing.T) {
	from, to := emptyGround(t), emptyGround(t)
	furnish(t, from)
	move := copyCommand{dataConfig: from, To: to.Store, ToKeyStore: "sqlite:" + filepath.Join(filepath.Dir(to.Keys), "keys.db"), ToNATS: to.NATS}
	testenv.Must(t, move.Run(t.Context(), silent, &screen{out: io.Discard}))
	if n := samePlaces(t, from.Store, move.To, lasting(kinds())); n < 450 {
		t.Fatalf("%d documents", n)
	}
	samePlaces(t, from.keyStore(), move.ToKeyStore, lasting(keyKinds()))
	if err := move.Run(t.Context(), silent, &screen{out: io.Discard}); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Fatalf("again: %v", err)
	}
	moved := dataConfig{Store: move.To, KeyStore: move.ToKeyStore, NATS: move.ToNATS, Keys: from.Keys}
	h, err := openApp(t.Context(), appConfig{dataConfig: moved, PublicURL: "http://localhost", Log: silent})
	testenv.Must(t, err)
	defer h.close()
	facts := 0
	if err := h.bus.EachFact(t.Context(), func(halsocoach.Fact) error { facts++; return nil }); err != nil || facts != 450 {
		t.Fatalf("%d facts, %v", facts, err)
	}
}

// TestAStoppedCopyGoesOn stops it in the middle of the keys, in the middle of
// the documents and between the two marks; what is there then can not be served,
// and something is left over in it. Run again it is whole.
func TestAStoppedCopyGoesOn(t *testing.T) {
	for name, stop := range map[string]struct {
		kind  string
		after int
	}{"among the keys": {"keys", 700}, "among the documents": {"draft", 700}, "between the marks": {}} {
		t.Run(name, func(t *testing.T) {
			from, to := emptyGround(t), emptyGround(t)
			furnish(t, from)
			h, err := openGround(t.Context(), appConfig{dataConfig: from, Log: silent})
			testenv.Must(t, err)
			defer h.close()
			to.Keys, to.KeyStore = from.Keys, "sqlite:"+filepath.Join(t.TempDir(), "keys.db")
			ctx, cancel := context.WithCancel(t.Context())
			keys := &stopAfter{Store: h.keys, kind: stop.kind, left: stop.after, stop: cancel}
			documents := &stopAfter{Store: h.store, kind: stop.kind, left: stop.after, stop: cancel}
			err = copyStores(ctx, keys, documents, to, silent, &screen{out: io.Discard})
			if stop.kind != "" && !errors.Is(err, context.Canceled) || stop.kind == "" && err != nil {
				t.Fatal(err)
			}
			if stop.kind == "" {
				remark(t, to)
			}
			if _, err := openGround(t.Context(), appConfig{dataConfig: to, Log: silent}); !errors.Is(err, errUnfinished) {
				t.Fatalf("half a copy is served: %v", err)
			}
			leave(t, to)
			testenv.Must(t, copyStores(t.Context(), h.keys, h.store, to, silent, &screen{out: io.Discard}))
			samePlaces(t, from.Store, to.Store, lasting(kinds()))
			samePlaces(t, from.keyStore(), to.keyStore(), lasting(keyKinds()))
			moved, err := openGround(t.Context(), appConfig{dataConfig: to, Log: silent})
			testenv.Must(t, err)
			moved.close()
		})
	}
}

// remark marks the keys as it was before the last step.
func remark(t *testing.T, p dataConfig) {
	t.Helper()
	s, err := openStore(t.Context(), p.keyStore(), append(keyKinds(), copyKind), silent)
	testenv.Must(t, err)
	defer s.Close()
	testenv.Must(t, store.In[mark](s, copyKind).Insert(t.Context(), markID, mark{halsocoach.IDFrom("copy", p.Store)}))
}

// leave puts a document there that is not in what is copied.
func leave(t *testing.T, p dataConfig) {
	t.Helper()
	s, err := openStore(t.Context(), p.Store, append(kinds(), copyKind), silent)
	testenv.Must(t, err)
	defer s.Close()
	testenv.Must(t, testenv.ErrOf(s.Save(t.Context(), "draft", store.Document{ID: "left over", Body: []byte(`{}`)}, nil)))
}

// TestNothingIsCopiedFromUnderARunningNode: what it saves meanwhile would be lost.
func TestNothingIsCopiedFromUnderARunningNode(t *testing.T) {
	from, to := emptyGround(t), emptyGround(t)
	furnish(t, from)
	h, err := openApp(t.Context(), appConfig{dataConfig: from, PublicURL: "http://localhost", Log: silent})
	testenv.Must(t, err)
	defer h.close()
	testenv.Must(t, h.start(t.Context()))
	other := from
	other.NATS = to.NATS // the embedded one would already refuse
	err = (&copyCommand{dataConfig: other, To: to.Store, ToKeyStore: "sqlite:" + filepath.Join(filepath.Dir(to.Keys), "keys.db")}).Run(t.Context(), silent, &screen{out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "stop the service") {
		t.Fatal(err)
	}
}

// stopAfter ends the context when it has given some documents of a kind.
type stopAfter struct {
	store.Store
	kind string
	left int
	stop context.CancelFunc
}

func (s *stopAfter) Each(ctx context.Context, kind string, f func(store.Document) error) error {
	return s.Store.Each(ctx, kind, func(d store.Document) error {
		if kind == s.kind {
			if s.left--; s.left < 0 {
				s.stop()
				return ctx.Err()
			}
		}
		return f(d)
	})
}

// TestACopyIsNotMadeOverAnInstallation: better no copy than a lost one.
func TestACopyIsNotMadeOverAnInstallation(t *testing.T) {
	from, to := emptyGround(t), emptyGround(t)
	furnish(t, from)
	furnish(t, to)
	err := (&copyCommand{dataConfig: from, To: to.Store, ToKeyStore: to.keyStore()}).Run(t.Context(), silent, &screen{out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "empty") {
		t.Fatal(err)
	}
	err = (&copyCommand{dataConfig: from, To: from.Store}).Run(t.Context(), silent, &screen{out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "copied from") {
		t.Fatal(err)
	}
}
