package main

import (
	"context"
	"net/http/httptest"
	"testing"
)

// TestReadinessTellsTheTruth: /readyz fails when one of the things is gone that
// an answer needs, and in a stop; /healthz only says that the process lives.
func TestReadinessTellsTheTruth(t *testing.T) {
	status := func(h *house, path string) int {
		t.Helper()
		res, err := h.web.Fiber().Test(httptest.NewRequest("GET", path, nil), -1)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	for name, gone := range map[string]func(*house){
		"the store":     func(h *house) { _ = h.store.Close() },
		"the key store": func(h *house) { _ = h.keys.Close() },
		"NATS":          func(h *house) { _ = h.bus.Close() },
		"the consumers": func(h *house) { h.started.Store(false) },
		"the will":      func(h *house) { h.web.Leave(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := testHouse(t)
			if got := status(h, "/readyz"); got != 200 {
				t.Fatalf("at first it is %d", got)
			}
			gone(h)
			if got := status(h, "/readyz"); got != 503 {
				t.Errorf("ready without %s: %d", name, got)
			}
			if got := status(h, "/healthz"); got != 200 {
				t.Errorf("dead without %s: %d", name, got)
			}
		})
	}
}
