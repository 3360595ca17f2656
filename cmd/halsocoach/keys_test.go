package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"halsocoach"
	"halsocoach/internal/seal"
	"halsocoach/internal/testenv"
)

// hurry lets a node look at the outer keys all the time, not every ten seconds.
func hurry(t *testing.T, h *app) {
	t.Helper()
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				if err := h.seal.Join(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	t.Cleanup(func() { close(done); <-stopped })
}

// signedIn asks for a page that only somebody signed in may see.
func signedIn(t *testing.T, h *app, token string) bool {
	t.Helper()
	return h.send(t, token, http.MethodGet, "/api/v1/conversations", nil).status == http.StatusOK
}

func TestKeysAreRotatedBesideARunningServiceAndNobodyNotices(t *testing.T) {
	h, tokens := testApp(t)
	hurry(t, h)
	coach := tokens[halsocoach.RoleCoach]
	n, err := halsocoach.ParseNumber("200302022389", time.Now())
	testenv.Must(t, err)
	elsa, err := h.seal.Person(t.Context(), n)
	testenv.Must(t, err)
	box, err := h.seal.Seal(t.Context(), elsa, "test.name", "Elsa")
	testenv.Must(t, err)
	at := h.cfg.dataConfig
	file := filepath.Join(h.cfg.Keys, "master.key")
	for range 2 {
		before, err := os.ReadFile(file)
		testenv.Must(t, err)
		for _, run := range []func() error{
			func() error {
				return (&keysOuterCommand{at, time.Minute}).Run(t.Context(), silent, &screen{out: io.Discard})
			},
			func() error { return (&keysSigningCommand{at}).Run(t.Context(), silent) },
			func() error { return (&keysListCommand{at}).Run(t.Context(), silent) },
		} {
			testenv.Must(t, run())
		}
		after, err := os.ReadFile(file)
		if err != nil || strings.Count(string(after), "\n") != strings.Count(string(before), "\n")+1 || !strings.HasSuffix(string(after), string(before)) {
			t.Fatalf("the new key is not first, before those that were there: %v", err)
		}
		if !signedIn(t, h, coach) {
			t.Fatal("the coach was signed out")
		}
	}
	if err := (&keysRetireCommand{at}).Run(t.Context(), silent); !errors.Is(err, seal.ErrTooSoon) {
		t.Errorf("retired at once: %v", err)
	}
	// A program that starts now reads what was sealed before.
	ground, err := openGround(t.Context(), h.cfg)
	testenv.Must(t, err)
	defer ground.close()
	if plain, err := ground.seal.Open(t.Context(), elsa, "test.name", box); err != nil || plain != "Elsa" {
		t.Errorf("%q, %v", plain, err)
	}
	if person, found, err := ground.seal.Lookup(t.Context(), n); err != nil || !found || person != elsa {
		t.Errorf("the number leads to %q, %v", person, err)
	}
}

func TestARevokedSigningKeyIsRefusedByTheRunningService(t *testing.T) {
	h, tokens := testApp(t)
	if !signedIn(t, h, tokens[halsocoach.RoleCoach]) {
		t.Fatal("not signed in at all")
	}
	at := h.cfg.dataConfig
	testenv.Must(t, (&keysRevokeCommand{at, "first", true}).Run(t.Context(), silent))
	testenv.Eventually(t, "who has signed in with the key is signed out", func() bool { return !signedIn(t, h, tokens[halsocoach.RoleCoach]) })
	if err := (&keysRevokeCommand{at, "first", true}).Run(t.Context(), silent); err == nil {
		t.Error("a key that is gone was revoked")
	}
}

func TestNothingIsRevokedWithoutAYes(t *testing.T) {
	for answer, want := range map[string]bool{"yes\n": true, "YES\n": true, "no\n": false, "\n": false, "": false, "yes and no\n": false} {
		var asked strings.Builder
		if got := confirm(strings.NewReader(answer), &asked, "Sure? "); got != want || asked.String() != "Sure? " {
			t.Errorf("%q: %v, asked %q", answer, got, asked.String())
		}
	}
}

func TestANodeForgetsWhomAnotherHasDestroyed(t *testing.T) {
	h, _ := testApp(t)
	person, err := h.seal.NewPerson(t.Context())
	testenv.Must(t, err)
	box, err := h.seal.Seal(t.Context(), person, "x", "Elsa")
	testenv.Must(t, err)
	// The other node has the same keys; its note is heard on the bus.
	other, err := openGround(t.Context(), h.cfg)
	testenv.Must(t, err)
	defer other.close()
	heard := make(chan []byte, 1)
	stop, err := h.bus.OnNudge(destroyedTopic, func(body []byte) { heard <- body })
	testenv.Must(t, err)
	defer stop()
	other.bus = h.bus
	defer func() { other.bus = nil }()
	other.tellDestroyed()
	testenv.Must(t, other.seal.Destroy(t.Context(), person))
	select {
	case body := <-heard:
		if strings.Contains(string(body), person) {
			t.Error("the note says who it was")
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("no note")
	}
	testenv.Eventually(t, "the key is out of the memory", func() bool {
		_, err := h.seal.Open(t.Context(), person, "x", box)
		return errors.Is(err, seal.ErrGone)
	})
}
