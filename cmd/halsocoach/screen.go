package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// screen is standard error as the log and the progress bars share it: a line of the
// log stands above the bar, not in the middle of it.
type screen struct {
	out io.Writer
	mu  sync.Mutex
	bar *progressbar.ProgressBar // the one that is drawn, or nil
}

// Write takes whole lines.
func (s *screen) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil {
		return s.out.Write(line)
	}
	_ = s.bar.Clear()
	n, err := s.out.Write(line)
	_ = s.bar.RenderBlank()
	return n, err
}

// progress draws a bar until it is finished; a total of -1 is not known.
func (s *screen) progress(total int, what string) *progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(s.out), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetSpinnerChangeInterval(0)) // no goroutine of its own: it is drawn when something has been done
	return &progress{s, s.bar}
}

// progress is a bar on the screen.
type progress struct {
	screen *screen
	bar    *progressbar.ProgressBar
}

// add says that so much more is done.
func (p *progress) add(n int) {
	p.screen.mu.Lock()
	defer p.screen.mu.Unlock()
	_ = p.bar.Add(n)
}

// set says how much is done, and of how much.
func (p *progress) set(done, total int) {
	p.screen.mu.Lock()
	defer p.screen.mu.Unlock()
	p.bar.ChangeMax(max(total, 1))
	_ = p.bar.Set(done)
}

// finish takes the bar away.
func (p *progress) finish() {
	p.screen.mu.Lock()
	defer p.screen.mu.Unlock()
	_ = p.bar.Finish()
	p.screen.bar = nil
}
