package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// healthcheckCommand asks the running service of this machine how it is: for
// containers, which hold no shell and no curl.
type healthcheckCommand struct {
	Addr string        `env:"HALSOCOACH_ADDR" default:"127.0.0.1:8080" help:"The address that serve listens on."`
	Live bool          `help:"Ask only whether the process lives, not whether store and NATS can be used."`
	Wait time.Duration `help:"Ask again for this long until the answer is good, as 30s."`
}

// Run says nothing and succeeds, or says what is wrong in one line.
func (c *healthcheckCommand) Run(ctx context.Context) error {
	for end := time.Now().Add(c.Wait); ; {
		err := c.ask(ctx)
		if err == nil || !time.Now().Before(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (c *healthcheckCommand) ask(ctx context.Context) error {
	host, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return errSetting("HALSOCOACH_ADDR", c.Addr, "give host:port, as 127.0.0.1:8080")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // serve listens on every address; an image may not know localhost
	}
	path := "/readyz"
	if c.Live {
		path = "/healthz"
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return errSetting("HALSOCOACH_ADDR", c.Addr, err.Error())
	}
	direct := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	res, err := direct.Do(r)
	if err != nil {
		return fmt.Errorf("ask the service: %w", err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("ask the service: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the service at %s answers %d: %s", c.Addr, res.StatusCode, strings.TrimSpace(string(said)))
	}
	return nil
}
