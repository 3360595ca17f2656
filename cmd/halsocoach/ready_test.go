package main

import (
	"context"
	"net/http"
	"testing"
)

// TestReadinessTellsTheTruth: /readyz fails when one of the things is gone that
// an answer needs, and in a stop; /healthz only says that the process lives.
func TestReadinessTellsTheTruth(t *testing.T) {
	status := func(h *app, path string) int { return h.send(t, "", http.MethodGet, path, nil).status }
	for name, gone := range map[string]func(*app){
		"the store":     func(a *app) { _ = a.store.Close() },
		"the key store": func(a *app) { _ = a.keys.Close() },
		"NATS":          func(a *app) { _ = a.bus.Close() },
		"the consumers": func(a *app) { a.started.Store(false) },
		"the will":      func(a *app) { a.web.Leave(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := testApp(t)
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
