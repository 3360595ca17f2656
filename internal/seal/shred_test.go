package seal

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"halsocoach"
	"halsocoach/internal/store/sqlite"
)

// lies says in which of the key store's files the bytes lie.
func lies(t *testing.T, path string, what []byte) (where []string) {
	t.Helper()
	for _, name := range []string{path, path + "-wal"} {
		body, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if bytes.Contains(body, what) {
			where = append(where, filepath.Base(name))
		}
	}
	return where
}

// asStored is how a person's wrapped key lies in the file.
func asStored(t *testing.T, s *Sealer, person string) []byte {
	t.Helper()
	return []byte(base64.StdEncoding.EncodeToString(must[keyDoc](t)(s.keys.Get(t.Context(), person)).Key))
}

func shredded(t *testing.T, path string, opts ...sqlite.Option) (*sqlite.Store, *Sealer) {
	t.Helper()
	keys, err := sqlite.Open(t.Context(), path, Kinds(), slog.New(slog.DiscardHandler), opts...)
	ok(t, err)
	h := &house{Store: keys, at: begin}
	m := must[Master](t)(KeyFile(filepath.Join(filepath.Dir(path), "master.key")))
	return keys, must[*Sealer](t)(Open(t.Context(), keys, m, h.now))
}

func TestADestroyedKeyLingersInNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	keys, s := shredded(t, path, sqlite.Shredded())
	defer keys.Close()
	n := number(t, "200302022389")
	elsa := must[string](t)(s.Person(t.Context(), n))
	var persons []string
	for range 300 {
		persons = append(persons, must[string](t)(s.NewPerson(t.Context())))
	}
	for i, p := range append([]string{elsa}, persons[100:140]...) {
		wrapped, hashed := asStored(t, s, p), []byte(s.hash(n))
		if len(lies(t, path, wrapped)) == 0 || i == 0 && len(lies(t, path, hashed)) == 0 {
			t.Fatal("it is looked for in the wrong way")
		}
		ok(t, s.Destroy(t.Context(), p))
		if where := lies(t, path, wrapped); len(where) > 0 {
			t.Errorf("key %d still lies in %v", i, where)
		}
	}
	if where := lies(t, path, []byte(s.hash(n))); len(where) > 0 {
		t.Errorf("the hash of the number still lies in %v", where)
	}
	if _, err := s.Seal(t.Context(), persons[0], "x", "y"); err != nil {
		t.Error(err)
	}
}

// held is a key store whose log a backup holds on to.
type held struct {
	*sqlite.Store
	by atomic.Bool
}

func (h *held) Scrub(ctx context.Context) error {
	if h.by.Load() {
		return halsocoach.ErrBusy
	}
	return h.Store.Scrub(ctx)
}

func TestABackupKeepsNobodyFromBeingForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	keys, s := shredded(t, path, sqlite.Shredded())
	defer keys.Close()
	h := &held{Store: keys}
	h.by.Store(true)
	s.docs = h
	p := must[string](t)(s.NewPerson(t.Context()))
	wrapped := asStored(t, s, p)
	ok(t, s.Destroy(t.Context(), p))
	h.by.Store(false)
	round(t, s) // every ten seconds by itself
	if where := lies(t, path, wrapped); len(where) > 0 {
		t.Errorf("it still lies in %v", where)
	}
}

func TestAKeyStoreThatWasNotKeptShreddedIsRewrittenOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.db")
	keys, s := shredded(t, path) // as store copy makes one
	boxes := boxed(t, s, 100)
	var gone [][]byte
	for range 100 {
		p := must[string](t)(s.NewPerson(t.Context()))
		gone = append(gone, asStored(t, s, p))
		must[keyDoc](t)(s.keys.Update(t.Context(), p, func(d *keyDoc) ([]halsocoach.Event, error) { d.Key = nil; return nil, nil }))
	}
	ok(t, keys.Close())
	lingers := 0
	for _, wrapped := range gone {
		lingers += len(lies(t, path, wrapped))
	}
	if lingers == 0 {
		t.Fatal("nothing lingers, so this proves nothing")
	}
	for range 2 {
		keys, s = shredded(t, path, sqlite.Shredded())
		for _, wrapped := range gone {
			if where := lies(t, path, wrapped); len(where) > 0 {
				t.Fatalf("it still lies in %v", where)
			}
		}
		allOpen(t, s, boxes)
		ok(t, keys.Close())
	}
}
