package signing

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"halsocoach/internal/testenv"
)

const day = 24 * time.Hour

func open(t *testing.T, e *testenv.Env) *Ring {
	t.Helper()
	k, err := Open(e.Ctx(), e.Seal, e.Clock.Now, day)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNodesThatStartAtOneTimeHaveTheSameKey(t *testing.T) {
	e := testenv.New(t)
	kids := make([]ed25519.PrivateKey, 8)
	var all sync.WaitGroup
	for i := range kids {
		all.Go(func() { _, kids[i] = open(t, e).Signer() })
	}
	all.Wait()
	for _, key := range kids {
		if !key.Equal(kids[0]) || key == nil {
			t.Fatal("two nodes sign with two keys")
		}
	}
}

func TestAKeyIsPublishedBeforeItSigns(t *testing.T) {
	e := testenv.New(t)
	here, there := open(t, e), open(t, e)
	first, _ := here.Signer()
	next, err := here.Add(e.Ctx())
	if err != nil {
		t.Fatal(err)
	}
	e.Clock.Add(publishFor - time.Second)
	if kid, _ := here.Signer(); kid != first {
		t.Error("it signs before others may have read it")
	}
	if err := there.Reload(e.Ctx()); err != nil {
		t.Fatal(err)
	}
	e.Clock.Add(time.Second)
	for _, k := range []*Ring{here, there} {
		if kid, _ := k.Signer(); kid != next.ID {
			t.Errorf("%s signs", kid)
		}
		for _, kid := range []string{first, next.ID} {
			if _, ok := k.Public(kid); !ok {
				t.Errorf("%s does not verify", kid)
			}
		}
	}
}

func TestUnknownKeysMakeANodeAskAtMostEveryFiveSeconds(t *testing.T) {
	e := testenv.New(t)
	here, there := open(t, e), open(t, e)
	e.Clock.Add(rereadEvery)
	made, err := here.AddNow(e.Ctx())
	if err != nil {
		t.Fatal(err)
	}
	// Many ask for it at one time: all of them get the answer of the one read.
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, ok := there.Public(made.ID); !ok {
				t.Error("a good token was refused while the keys were read")
			}
		})
	}
	all.Wait()
	late, err := here.AddNow(e.Ctx())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := there.Public(late.ID); ok {
		t.Error("it asked again at once")
	}
	e.Clock.Add(rereadEvery)
	if _, ok := there.Public(late.ID); !ok {
		t.Error("it did not ask again")
	}
}

func TestAKeyGoesWhenItsLastSessionIsOver(t *testing.T) {
	e := testenv.New(t)
	k := open(t, e)
	first, _ := k.Signer()
	next, err := k.Add(e.Ctx())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := k.List(e.Ctx())
	if err != nil || len(keys) != 2 || !keys[0].Until.Equal(next.From.Add(day+margin)) || !keys[1].Until.IsZero() || !keys[0].Signs || keys[1].Signs {
		t.Fatalf("%+v, %v", keys, err)
	}
	e.Clock.Set(keys[0].Until)
	if err := k.Reload(e.Ctx()); err != nil || !k.Has(first) {
		t.Fatalf("it went too early, %v", err)
	}
	e.Clock.Add(time.Second)
	if err := k.Reload(e.Ctx()); err != nil || k.Has(first) || !k.Has(next.ID) {
		t.Fatalf("it did not go, %v", err)
	}
	if secrets, err := e.Seal.Secrets(e.Ctx(), keyGroup); err != nil || len(secrets) != 1 {
		t.Fatalf("%d are left in the key store, %v", len(secrets), err)
	}
}

// oldFolder is what an older installation has: one file for each key.
func oldFolder(t *testing.T, kids ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "signing")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, kid := range kids {
		_, private, _ := ed25519.GenerateKey(rand.Reader)
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		body := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, kid+keyEnding), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestTheKeysOfAnOlderInstallationAreTakenOverOnce(t *testing.T) {
	e := testenv.New(t)
	old, newer := "20261101T080000.000Z-0a0b0c0d", "20261123T075900.000Z-01020304"
	dir := oldFolder(t, old, newer)
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	if err := TakeOver(e.Ctx(), e.Seal, dir, log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "may be removed") {
		t.Errorf("the operator is not told: %s", &b)
	}
	k := open(t, e)
	if kid, _ := k.Signer(); kid != newer {
		t.Errorf("%s signs, and nodes of before do not know it", kid)
	}
	if _, ok := k.Public(old); !ok {
		t.Error("sessions of the older key are signed out")
	}
	if err := k.Drop(e.Ctx(), old); err != nil {
		t.Fatal(err)
	}
	if err := TakeOver(e.Ctx(), e.Seal, dir, log); err != nil {
		t.Fatal(err)
	}
	if err := k.Reload(e.Ctx()); err != nil || k.Has(old) {
		t.Errorf("a key that was removed came back from its file, %v", err)
	}
	if err := TakeOver(e.Ctx(), e.Seal, filepath.Join(dir, "none"), log); err != nil {
		t.Error(err)
	}
}

func TestKeyFilesOfBeforeAreTheOwnersOnly(t *testing.T) {
	e := testenv.New(t)
	kid := "20261101T080000.000Z-0a0b0c0d"
	log := slog.New(slog.DiscardHandler)
	dir := oldFolder(t, kid)
	path := filepath.Join(dir, kid+keyEnding)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := TakeOver(e.Ctx(), e.Seal, dir, log); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("a key that others can read: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil || os.WriteFile(path, []byte("x"), 0o600) != nil {
		t.Fatal(err)
	}
	if err := TakeOver(e.Ctx(), e.Seal, dir, log); err == nil {
		t.Fatal("a broken key is taken")
	}
	if kids, err := e.Seal.Secrets(e.Ctx(), keyGroup); err != nil || len(kids) > 0 {
		t.Fatalf("%d keys were taken, %v", len(kids), err)
	}
}
