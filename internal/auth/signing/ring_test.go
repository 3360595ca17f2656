package signing

import (
	"crypto/ed25519"
	"sync"
	"testing"
	"time"

	"halsocoach/internal/testenv"
)

const day = 24 * time.Hour

func open(t *testing.T, e *testenv.Env) *Ring {
	t.Helper()
	k, err := Open(e.Ctx(), e.Seal, e.Clock.Now, day)
	testenv.Must(t, err)
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
	testenv.Must(t, err)
	e.Clock.Add(publishFor - time.Second)
	if kid, _ := here.Signer(); kid != first {
		t.Error("it signs before others may have read it")
	}
	testenv.Must(t, there.Reload(e.Ctx()))
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
	testenv.Must(t, err)
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
	testenv.Must(t, err)
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
	testenv.Must(t, err)
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
