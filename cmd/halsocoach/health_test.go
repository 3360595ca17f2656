package main

import (
	"halsocoach/internal/testenv"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestTheHealthcheckTellsTheTruth: success only where the service says that it
// is ready, whatever address it listens on.
func TestTheHealthcheckTellsTheTruth(t *testing.T) {
	var ready atomic.Int64
	ready.Store(http.StatusOK)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(int(ready.Load()))
		}
	}))
	defer s.Close()
	addr := s.Listener.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	testenv.Must(t, err)
	for _, a := range []string{addr, "0.0.0.0:" + port, ":" + port} {
		if err := (&healthcheckCommand{Addr: a}).Run(t.Context()); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	ready.Store(http.StatusServiceUnavailable)
	if err := (&healthcheckCommand{Addr: addr}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("not ready is %v", err)
	}
	if err := (&healthcheckCommand{Addr: addr, Live: true}).Run(t.Context()); err != nil {
		t.Errorf("alive but not ready is %v", err)
	}
	go func() { time.Sleep(50 * time.Millisecond); ready.Store(http.StatusOK) }()
	if err := (&healthcheckCommand{Addr: addr, Wait: 10 * time.Second}).Run(t.Context()); err != nil {
		t.Errorf("ready after a moment is %v", err)
	}
	s.Close()
	for _, a := range []string{addr, "nonsense"} {
		if err := (&healthcheckCommand{Addr: a, Live: true}).Run(t.Context()); err == nil {
			t.Errorf("%s: nobody answers, and that is fine", a)
		}
	}
}
