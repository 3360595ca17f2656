package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"halsocoach/internal/auth"
	"halsocoach/internal/auth/oidc"
	"halsocoach/internal/notify"
)

// serveCommand runs the service.
type serveCommand struct {
	dataConfig
	Addr       string          `env:"HALSOCOACH_ADDR" default:"127.0.0.1:8080" help:"Address to listen on."`
	PublicURL  string          `env:"HALSOCOACH_PUBLIC_URL" placeholder:"https://…" help:"The address by which people reach the service."`
	StopNotice time.Duration   `env:"HALSOCOACH_STOP_NOTICE" default:"2s" help:"How long a stop goes on answering after /readyz has begun to say no, so that a proxy sees it."`
	Proxies    []string        `env:"HALSOCOACH_PROXIES" placeholder:"ADDRESS" help:"Reverse proxies whose X-Forwarded-For is believed: addresses or CIDR, with commas."`
	OIDC       oidc.Settings   `embed:""`
	Limits     auth.Limits     `embed:""`
	Mail       notify.Settings `embed:""`
	OpsAddr    string          `env:"HALSOCOACH_OPS_ADDR" placeholder:"127.0.0.1:9090" help:"Address of /metrics and pprof; empty = off."`
}

func (c *serveCommand) check() error {
	if err := checkPublicURL(c.PublicURL); err != nil {
		return err
	}
	if err := errors.Join(c.OIDC.Check(), c.Limits.Check(), c.Mail.Check()); err != nil {
		return err
	}
	for _, p := range c.Proxies {
		_, one := netip.ParseAddr(p)
		if _, many := netip.ParsePrefix(p); one != nil && many != nil {
			return errSetting("HALSOCOACH_PROXIES", p, "give addresses or networks, as 127.0.0.1,10.0.0.0/8")
		}
	}
	return c.dataConfig.check()
}

// pageSpeed lets the heap grow to five times what lives in it before it is
// cleaned, unless the operator has said otherwise with GOGC: a page then takes a
// tenth to a fifth less time (BenchmarkSignedInPage).
func pageSpeed() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, log *slog.Logger) error {
	if err := c.check(); err != nil {
		return err
	}
	providers, err := c.OIDC.Providers()
	if err != nil {
		return err
	}
	pageSpeed()
	a, err := openApp(ctx, appConfig{
		dataConfig: c.dataConfig, PublicURL: strings.TrimRight(c.PublicURL, "/"), Log: log, Notice: c.StopNotice, Proxies: c.Proxies,
		Providers: providers, Limits: c.Limits, Mail: c.Mail,
	})
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.start(ctx); err != nil {
		return err
	}
	if err := a.registers.Seed(ctx); err != nil {
		return fmt.Errorf("write the thirteen kommuner: %w", err)
	}
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return errSetting("HALSOCOACH_ADDR", c.Addr, "it can not be listened on: "+err.Error())
	}
	return a.serve(ctx, ln, c.OpsAddr, func(addr string) {
		log.Info("serving", "addr", addr, "public", c.PublicURL)
	})
}
