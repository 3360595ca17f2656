package auth

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"halsocoach"
	"halsocoach/internal/staff"
	"halsocoach/internal/testenv"
)

func TestSignOutBitesAtOnceAndOnASecondNodeWithinFiveSeconds(t *testing.T) {
	e, here := house(t)
	told, deaf := node(t, e), node(t, e)
	start(t, e, told)
	signed := signIn(t, here, Identity{Person: e.People.Anna.ID, Name: "Anna Lind"})
	for _, s := range []*Service{here, told, deaf} {
		who, err := s.ActorOf(e.Ctx(), signed.Token)
		if err != nil || who.ID != e.People.Anna.ID || who.Name != "Anna Lind" || who.Role != halsocoach.RoleCitizen || who.Session == "" {
			t.Fatalf("%+v, %v", who, err)
		}
	}
	testenv.Must(t, here.SignOut(e.Ctx(), signed.Actor.Session))
	_, err := here.ActorOf(e.Ctx(), signed.Token)
	want(t, err, halsocoach.KindSignIn)
	e.Eventually("the nudge reaches the second node", func() bool {
		_, err := told.ActorOf(e.Ctx(), signed.Token)
		return errors.Is(err, halsocoach.ErrSignIn)
	})
	e.Clock.Add(5*time.Second - time.Millisecond)
	_, err = deaf.ActorOf(e.Ctx(), signed.Token)
	want(t, err, halsocoach.KindSignIn)
	if err := here.SignOut(e.Ctx(), signed.Actor.Session); err != nil {
		t.Fatalf("signing out twice: %v", err)
	}
}

func TestAChangedRoleAndAnEndedAccountBite(t *testing.T) {
	e, here := house(t)
	second := node(t, e)
	start(t, e, second)
	maria := signIn(t, here, Identity{Staff: "maria"})
	if maria.Actor.Role != halsocoach.RoleCoach || maria.Actor.Centre != "0684" {
		t.Fatalf("%+v", maria.Actor)
	}
	testenv.Must(t, testenv.ErrOf(second.ActorOf(e.Ctx(), maria.Token)))
	hire(t, here, staff.Member{ID: "maria", Name: "Maria Holm", Role: halsocoach.RoleKommun, Kommun: "0680"})
	who, err := here.ActorOf(e.Ctx(), maria.Token)
	if err != nil || who.Role != halsocoach.RoleKommun || who.Kommun != "0680" || who.Centre != "" {
		t.Fatalf("here: %+v, %v", who, err)
	}
	e.Eventually("the second node knows the role", func() bool {
		who, err := second.ActorOf(e.Ctx(), maria.Token)
		return err == nil && who.Role == halsocoach.RoleKommun
	})
	testenv.Must(t, testenv.ErrOf(here.staff.End(e.Ctx(), e.People.Region, "maria")))
	_, err = here.ActorOf(e.Ctx(), maria.Token)
	want(t, err, halsocoach.KindSignIn)
	e.Eventually("the second node refuses", func() bool {
		_, err := second.ActorOf(e.Ctx(), maria.Token)
		return errors.Is(err, halsocoach.ErrSignIn)
	})
	_, err = here.SignInAs(e.Ctx(), Identity{Staff: "maria"})
	want(t, err, halsocoach.KindForbidden)
	if m, err := here.staff.Member(e.Ctx(), "maria"); err != nil || !m.Ended {
		t.Fatalf("the register forgot who it was: %+v, %v", m, err)
	}
}

func TestOpenSocketsAreToldOnce(t *testing.T) {
	e, here := house(t)
	second := node(t, e)
	start(t, e, second)
	anna := signIn(t, here, Identity{Person: e.People.Anna.ID, Name: "Anna Lind"}).Actor.Session
	maria := signIn(t, here, Identity{Staff: "maria"}).Actor.Session
	var told, changed, stopped, late atomic.Int32
	for _, s := range []*Service{here, second} {
		s.Watch(anna, func() { told.Add(1) })
		s.Watch(maria, func() { changed.Add(1) })
		s.Watch(anna, func() { stopped.Add(1) })()
	}
	testenv.Must(t, here.SignOut(e.Ctx(), anna))
	e.Eventually("both nodes end the citizen's sockets", func() bool { return told.Load() == 2 })
	hire(t, here, staff.Member{ID: "maria", Name: "Maria Holm", Role: halsocoach.RoleCoach, Kommun: "0680", Centre: "0680"})
	e.Eventually("both nodes end the moved coach's sockets", func() bool { return changed.Load() == 2 })
	here.Watch(anna, func() { late.Add(1) })
	e.Eventually("a socket of an ended session is told", func() bool { return late.Load() == 1 })
	if stopped.Load() != 0 || told.Load() != 2 {
		t.Fatalf("stopped %d, told %d", stopped.Load(), told.Load())
	}
}

func TestOpenSocketsEndWithoutNudgeWithinFiveSeconds(t *testing.T) {
	e, here := house(t)
	second := node(t, e)
	anna := signIn(t, here, Identity{Person: e.People.Anna.ID, Name: "Anna Lind"}).Actor.Session
	var told atomic.Int32
	second.Watch(anna, func() { told.Add(1) })
	testenv.Must(t, here.SignOut(e.Ctx(), anna))
	second.lookAfter(e.Ctx(), second.watchers.sessions()) // what Start does every freshFor
	e.Eventually("the node asks by itself", func() bool { return told.Load() == 1 })
	if freshFor >= 5*time.Second {
		t.Fatal("the clock of open sockets is too slow")
	}
}

func TestSessionsEndWhenIdleAndAfterTwelveHours(t *testing.T) {
	e, s := house(t)
	idle := signIn(t, s, Identity{Person: e.People.Anna.ID})
	e.Clock.Add(idleLimit)
	_, err := s.ActorOf(e.Ctx(), idle.Token)
	want(t, err, halsocoach.KindSignIn)

	busy := signIn(t, s, Identity{Staff: "maria"})
	for began := e.Clock.Now(); e.Clock.Now().Sub(began) < absoluteLimit-time.Minute; e.Clock.Add(idleLimit - time.Minute) {
		if _, err := s.ActorOf(e.Ctx(), busy.Token); err != nil {
			t.Fatalf("after %v: %v", e.Clock.Now().Sub(began), err)
		}
	}
	_, err = s.ActorOf(e.Ctx(), busy.Token)
	want(t, err, halsocoach.KindSignIn)

	written := signIn(t, s, Identity{Staff: "maria"})
	for range 3 {
		e.Clock.Add(idleLimit - time.Minute)
		testenv.Must(t, s.Used(e.Ctx(), written.Actor.Session))
	}
	if _, err := s.ActorOf(e.Ctx(), written.Token); err != nil {
		t.Fatalf("a session in use on a socket ended: %v", err)
	}
	s.sweep(e.Ctx())
	if left, _ := s.sessions.Many(e.Ctx(), idle.Actor.Session, busy.Actor.Session, written.Actor.Session); len(left) != 1 || left[0].ID != written.Actor.Session {
		t.Fatalf("%d sessions left, want the one that has not passed its end", len(left))
	}
	e.Clock.Add(absoluteLimit)
	s.sweep(e.Ctx())
	if left, _ := s.sessions.Many(e.Ctx(), idle.Actor.Session, busy.Actor.Session, written.Actor.Session); len(left) != 0 {
		t.Fatalf("%d sessions left after their end", len(left))
	}
}

// TestTheSessionSaysNothingOfThePerson: no name, and not that they are protected,
// which is said once, to the one who keeps it.
func TestTheSessionSaysNothingOfThePerson(t *testing.T) {
	e, s := house(t)
	signed := signIn(t, s, Identity{Person: e.People.Anna.ID, Name: "Anna Lind", Protected: true})
	docs, err := e.Store.Get(e.Ctx(), sessionKind.Name, signed.Actor.Session)
	if err != nil || len(docs) != 1 {
		t.Fatal(len(docs), err)
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(signed.Token, ".")[1])
	for _, text := range []string{string(docs[0].Body), string(payload)} {
		for _, word := range []string{"Anna", "Lind", "rotected"} {
			if strings.Contains(text, word) {
				t.Fatalf("%s in %s", word, text)
			}
		}
	}
	who, err := node(t, e).ActorOf(e.Ctx(), signed.Token)
	if err != nil || who.Name != "Anna Lind" {
		t.Fatalf("%+v, %v", who, err)
	}
	if protected, err := e.Persons.Protected(e.Ctx(), e.People.Anna.ID); err != nil || !protected {
		t.Fatal(protected, err)
	}
}

func TestElsaIsKnownByHerNumber(t *testing.T) {
	e, s := house(t)
	n, err := halsocoach.ParseNumber(testenv.ElsasNumber, e.Clock.Now())
	testenv.Must(t, err)
	if got := signIn(t, s, Identity{Number: n, Name: "Elsa Berg"}).Actor.ID; got != e.People.Elsa.ID {
		t.Fatalf("signed in as %s, not as the person of the number", got)
	}
}

func TestForeignTokensAreRefused(t *testing.T) {
	e, s := house(t)
	good := signIn(t, s, Identity{Staff: "region"})
	kid, key := s.tokens.keys.Signer()
	public := key.Public().(ed25519.PublicKey)
	_, strange, _ := ed25519.GenerateKey(nil)
	der, _ := x509.MarshalPKIXPublicKey(public)
	now := e.Clock.Now()
	claim := func(change func(*claims)) claims {
		c := claims{good.Actor.Session, jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: "region",
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Hour)),
		}}
		change(&c)
		return c
	}
	same := func(*claims) {}
	make := func(method jwt.SigningMethod, kid string, key any, c claims) string {
		token := jwt.NewWithClaims(method, c)
		token.Header["kid"] = kid
		text, err := token.SignedString(key)
		testenv.Must(t, err)
		return text
	}
	if _, err := s.ActorOf(e.Ctx(), make(jwt.SigningMethodEdDSA, kid, key, claim(same))); err != nil {
		t.Fatalf("the good one is refused, so the others prove nothing: %v", err)
	}
	parts := strings.Split(good.Token, ".")
	flipped := []byte(parts[2])
	flipped[10] ^= 1
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	other := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), "region", "maria", 1)))
	for name, token := range map[string]string{
		"alg none":         make(jwt.SigningMethodNone, kid, jwt.UnsafeAllowNoneSignatureType, claim(same)),
		"HMAC with public": make(jwt.SigningMethodHS256, kid, []byte(public), claim(same)),
		"HMAC with PKIX":   make(jwt.SigningMethodHS256, kid, der, claim(same)),
		"wrong key":        make(jwt.SigningMethodEdDSA, kid, strange, claim(same)),
		"unknown key":      make(jwt.SigningMethodEdDSA, "other", key, claim(same)),
		"path as key id":   make(jwt.SigningMethodEdDSA, "../"+kid, key, claim(same)),
		"expired":          make(jwt.SigningMethodEdDSA, kid, key, claim(func(c *claims) { c.ExpiresAt = jwt.NewNumericDate(now.Add(-time.Second)) })),
		"without end":      make(jwt.SigningMethodEdDSA, kid, key, claim(func(c *claims) { c.ExpiresAt = nil })),
		"other issuer":     make(jwt.SigningMethodEdDSA, kid, key, claim(func(c *claims) { c.Issuer = "else" })),
		"other audience":   make(jwt.SigningMethodEdDSA, kid, key, claim(func(c *claims) { c.Audience = jwt.ClaimStrings{"machine"} })),
		"other person":     make(jwt.SigningMethodEdDSA, kid, key, claim(func(c *claims) { c.Subject = "maria" })),
		"no session":       make(jwt.SigningMethodEdDSA, kid, key, claim(func(c *claims) { c.Session = "" })),
		"strange session":  make(jwt.SigningMethodEdDSA, kid, key, claim(func(c *claims) { c.Session = "x" })),
		"tampered claims":  parts[0] + "." + other + "." + parts[2],
		"tampered mark":    parts[0] + "." + parts[1] + "." + string(flipped),
		"cut":              good.Token[:len(good.Token)-1],
		"no token":         "x",
		"too long":         strings.Repeat("a", longest) + good.Token,
	} {
		if who, err := s.ActorOf(e.Ctx(), token); !errors.Is(err, halsocoach.ErrSignIn) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := newCache()
	for i := range cached + 100 {
		c.put(time.Duration(i).String(), held{}, 0)
	}
	if len(c.held) > cached {
		t.Fatalf("%d sessions", len(c.held))
	}
	epoch := c.epoch()
	c.drop("x")
	if c.put("x", held{}, epoch); len(c.held) > cached {
		t.Fatal("full")
	} else if _, ok := c.get("x"); ok {
		t.Fatal("what was dropped came back from a read that began before")
	}
}
