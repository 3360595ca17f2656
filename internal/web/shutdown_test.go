package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
)

func TestAStopWaitsForRequestsAndNotForOpenConnections(t *testing.T) {
	a := New(Config{PublicURL: "http://example.test"})
	begun := make(chan struct{})
	a.Fiber().Get("/slow", func(c *fiber.Ctx) error {
		close(begun)
		time.Sleep(600 * time.Millisecond)
		return c.SendString("whole")
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = a.Serve(ln) }()
	// As browsers do: open, and nothing asked.
	silent, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + ln.Addr().String() + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answer <- string(b)
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
	defer cancel()
	if err := a.Shutdown(ctx); err != nil {
		t.Fatalf("the stop waited for a connection on which nothing was asked: %v", err)
	}
	if got := <-answer; got != "whole" {
		t.Fatalf("the running request got %q", got)
	}
}

// readiness asks over one connection that is kept if the server lets it.
func readiness(t *testing.T, client *http.Client, url string) (status int, closes bool) {
	t.Helper()
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Close
}

func TestReadinessGoesFirstAndWhatComesIsStillAnswered(t *testing.T) {
	fault := errors.New("the store can not be written")
	var broken atomic.Bool
	a := New(Config{PublicURL: "http://example.test", Notice: 400 * time.Millisecond, Ready: func(context.Context) error {
		if broken.Load() {
			return fault
		}
		return nil
	}})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = a.Serve(ln) }()
	url := "http://" + ln.Addr().String()
	is := func(path string, want int, closing bool) {
		t.Helper()
		if got, closes := readiness(t, http.DefaultClient, url+path); got != want || closes != closing {
			t.Errorf("%s: %d, closes %v; want %d, %v", path, got, closes, want, closing)
		}
	}
	is("/readyz", 200, false)
	broken.Store(true)
	is("/readyz", 503, false)
	is("/healthz", 200, false) // the process lives: restarting it mends nothing
	broken.Store(false)
	is("/readyz", 200, false)

	left := make(chan time.Duration, 1)
	began := time.Now()
	go func() { a.Leave(t.Context()); left <- time.Since(began) }()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		if got, _ := readiness(t, http.DefaultClient, url+"/readyz"); got == 503 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("ready while it stops")
		}
	}
	is("/", 200, true)
	is("/healthz", 200, true)
	if d := <-left; d < 400*time.Millisecond {
		t.Errorf("the notice was %v", d)
	}
	if err := a.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := http.Get(url + "/healthz"); err == nil {
		t.Error("it still listens")
	}
}
