package web

import (
	"context"
	"io"
	"net"
	"net/http"
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
