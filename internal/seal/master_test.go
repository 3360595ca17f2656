package seal

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestTokenServesItsPurposeOnly(t *testing.T) {
	h := newHouse(t)
	a, b := h.node(t).Token("cursor"), h.node(t).Token("state")
	token := a.Encrypt([]byte("42"))
	if plain, err := h.node(t).Token("cursor").Decrypt(token); err != nil || string(plain) != "42" {
		t.Errorf("%q, %v", plain, err)
	}
	if strings.ContainsAny(token, "+/=") {
		t.Error("a token that must be escaped in a URL")
	}
	if _, err := b.Decrypt(token); !errors.Is(err, ErrToken) {
		t.Error(err)
	}
	for _, bad := range []string{"", "x", token[1:], token + "A", "å"} {
		if _, err := a.Decrypt(bad); !errors.Is(err, ErrToken) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestKeyFileIsMadeOnceAndForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "master.key")
	made := make([]Master, 8)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() { made[i] = must[Master](t)(KeyFile(path)) })
	}
	wg.Wait()
	for _, m := range made {
		if len(m.outer) != 1 || m.outer[0].id != made[0].outer[0].id {
			t.Fatal("two keys for one file")
		}
	}
	info := must[os.FileInfo](t)(os.Stat(path))
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	ok(t, os.Chmod(path, 0o640))
	if _, err := KeyFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others may read: %v", err)
	}
}

func TestMasterKeyShowsItselfToNobody(t *testing.T) {
	m := newHouse(t).master
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "master", m)
	for _, text := range []string{fmt.Sprint(m), fmt.Sprintf("%v", m), fmt.Sprintf("%+v", &m), fmt.Sprintf("%#v", m), fmt.Sprintf("%s", m), fmt.Sprintf("%d", m), fmt.Sprintf("%x", m), b.String()} {
		if !strings.HasSuffix(strings.TrimRight(text, "\"}\n"), "master key") {
			t.Errorf("it shows: %s", text)
		}
	}
	if _, err := json.Marshal(m); err == nil {
		t.Error("it was written down")
	}
}
