package main

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// TestALogLineStandsAboveTheProgressBar and is whole, whatever is drawn meanwhile.
func TestALogLineStandsAboveTheProgressBar(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out}
	log := slog.New(slog.NewTextHandler(s, nil))
	log.Info("before")
	bar := s.progress(200, "writing")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				bar.add(1)
				log.Warn("meanwhile", "words", "as many as one line may have")
			}
		})
	}
	all.Wait()
	bar.set(200, 200)
	bar.finish()
	log.Info("after")
	whole, drawn := 0, false
	for line := range strings.Lines(out.String()) {
		_, text, _ := strings.Cut(line, "time=")
		above := line[:len(line)-len(text)]
		if strings.HasSuffix(line, "words=\"as many as one line may have\"\n") && strings.Count(line, "level=") == 1 {
			whole++
		}
		drawn = drawn || strings.Contains(above, "writing")
		if i := strings.LastIndex(above, "\r"); strings.Contains(above, "writing") && strings.TrimSpace(strings.TrimSuffix(above[i+1:], "time=")) != "" {
			t.Fatalf("a line begins in the middle of the bar: %q", line)
		}
	}
	if whole != 200 || !drawn || !strings.HasSuffix(out.String(), "msg=after\n") {
		t.Fatalf("%d whole lines, drawn %v: %q", whole, drawn, out.String())
	}
}
