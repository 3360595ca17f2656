package auth

import (
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/auth/signing"
	"halsocoach/internal/testenv"
)

// allow asks each node whether each token is good.
func allow(t *testing.T, e *testenv.Env, nodes []*Service, tokens ...string) {
	t.Helper()
	for i, n := range nodes {
		for j, token := range tokens {
			if _, err := n.ActorOf(e.Ctx(), token); err != nil {
				t.Fatalf("node %d refuses token %d: %v", i, j, err)
			}
		}
	}
}

func TestSigningKeysRotateWithoutSigningAnybodyOut(t *testing.T) {
	e, a := house(t)
	nodes := []*Service{a, node(t, e), node(t, e)}
	began := signIn(t, a, Identity{Staff: "maria"})
	tokens := []string{began.Token}
	old, _ := a.tokens.keys.Signer()
	next, err := a.AddSigningKey(e.Ctx())
	testenv.Must(t, err)
	// Minute by minute past the change, each node signs and all of them agree,
	// though none reads the keys unless it meets one it does not know.
	for range 5 {
		for _, n := range nodes {
			kid, _ := n.tokens.keys.Signer()
			if now := e.Clock.Now(); (kid == next.ID) == now.Before(next.From) && n == a {
				t.Fatalf("at %s %s signs; %s is to sign from %s", now, kid, next.ID, next.From)
			}
			tokens = append(tokens, signIn(t, n, Identity{Staff: "maria"}).Token)
		}
		allow(t, e, nodes, tokens...)
		e.Clock.Add(time.Minute)
	}
	if kid, _ := a.tokens.keys.Signer(); kid == old {
		t.Fatal("the old key still signs")
	}

	// The last session of the old key may last for the longest time there is.
	last := signIn(t, nodes[1], Identity{Staff: "maria"})
	for range 24 {
		e.Clock.Add(time.Hour)
		for _, n := range nodes {
			testenv.Must(t, n.tokens.keys.Reload(e.Ctx()))
		}
	}
	if !nodes[0].tokens.keys.Has(old) {
		t.Fatal("the old key went before the sessions that it may have signed")
	}
	e.Clock.Add(2 * time.Hour)
	keys, err := nodes[2].SigningKeys(e.Ctx())
	if err != nil || len(keys) != 1 || keys[0].ID != next.ID || !keys[0].Signs {
		t.Fatalf("left are %+v, %v", keys, err)
	}
	_, err = nodes[2].ActorOf(e.Ctx(), last.Token)
	want(t, err, halsocoach.KindSignIn)
}

func TestARevokedKeyEndsItsSessionsAndNoOther(t *testing.T) {
	e, a := house(t)
	b := node(t, e)
	before := signIn(t, a, Identity{Staff: "maria"})
	e.Clock.Add(2 * nearby)
	next, err := a.AddSigningKey(e.Ctx())
	testenv.Must(t, err)
	e.Clock.Add(20 * time.Minute)
	after, there := signIn(t, a, Identity{Staff: "johan"}), signIn(t, b, Identity{Person: e.People.Anna.ID})
	allow(t, e, []*Service{a, b}, before.Token, after.Token)
	closed := make(chan struct{})
	defer a.Watch(after.Actor.Session, func() { close(closed) })()

	// The key that signs now is revoked, by a command beside the nodes.
	command := node(t, e, func(c *Config) { c.Bus = nil })
	ended, err := command.RevokeSigningKey(e.Ctx(), next.ID)
	if err != nil || ended < 2 {
		t.Fatalf("%d sessions ended, %v", ended, err)
	}
	select {
	case <-closed:
	case <-time.After(2 * time.Minute):
		t.Fatal("an open socket was left open")
	}
	e.Clock.Add(5 * time.Second)
	for _, n := range []*Service{a, b} {
		if err := n.tokens.keys.Reload(e.Ctx()); err != nil { // every four seconds by itself
			t.Fatal(err)
		}
		for _, s := range []Signed{after, there} {
			_, err := n.ActorOf(e.Ctx(), s.Token)
			want(t, err, halsocoach.KindSignIn)
		}
	}
	allow(t, e, []*Service{a, b}, before.Token)
	again := signIn(t, a, Identity{Staff: "johan"})
	allow(t, e, []*Service{a, b}, again.Token)
	if kid, _ := a.tokens.keys.Signer(); kid == next.ID {
		t.Fatal("the revoked key still signs")
	}
	if _, err := command.RevokeSigningKey(e.Ctx(), next.ID); err != ErrNoSigningKey {
		t.Fatal(err)
	}
}

func TestARevokedOldKeyLeavesTheNewSessions(t *testing.T) {
	e, a := house(t)
	before := signIn(t, a, Identity{Staff: "maria"})
	old, _ := a.tokens.keys.Signer()
	testenv.Must(t, testenv.ErrOf(a.AddSigningKey(e.Ctx())))
	e.Clock.Add(20 * time.Minute)
	after := signIn(t, a, Identity{Staff: "maria"})
	if n, err := a.RevokeSigningKey(e.Ctx(), old); err != nil || n != 1 {
		t.Fatalf("%d sessions ended, %v", n, err)
	}
	_, err := a.ActorOf(e.Ctx(), before.Token)
	want(t, err, halsocoach.KindSignIn)
	allow(t, e, []*Service{a}, after.Token)
	var keys []signing.Key
	if keys, err = a.SigningKeys(e.Ctx()); err != nil || len(keys) != 1 {
		t.Fatalf("%+v, %v", keys, err)
	}
}
