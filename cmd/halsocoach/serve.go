package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// place is where the data lie and how the program is reached: what every
// command needs that opens the house.
type place struct {
	Store string `env:"HALSOCOACH_STORE" placeholder:"sqlite:PATH" help:"The store of documents."`
	NATS  string `env:"HALSOCOACH_NATS" name:"nats" placeholder:"embedded:DIR" help:"embedded:DIR, or nats://… for several nodes."`
	Keys  string `env:"HALSOCOACH_KEYS" placeholder:"DIR" help:"Folder of the keys: master key, signing keys, key store. Back it up apart from the data."`
}

// serveCommand runs the service.
type serveCommand struct {
	place
	Addr      string `env:"HALSOCOACH_ADDR" default:"127.0.0.1:8080" help:"Address to listen on."`
	PublicURL string `env:"HALSOCOACH_PUBLIC_URL" placeholder:"https://…" help:"The address by which people reach the service."`
	OpsAddr   string `env:"HALSOCOACH_OPS_ADDR" placeholder:"127.0.0.1:9090" help:"Address of /metrics and pprof; empty = off."`
}

// errSetting says what is wrong with a setting and how to mend it, in one line.
// A password in an address is not repeated.
func errSetting(name, value, mend string) error {
	if value == "" {
		return fmt.Errorf("%s is missing: %s", name, mend)
	}
	if u, err := url.Parse(value); err == nil && u.User != nil {
		value = u.Redacted()
	}
	return fmt.Errorf("%s is %q: %s", name, value, mend)
}

// check refuses what can not work before anything is opened.
func (p place) check() error {
	switch scheme, path, _ := strings.Cut(p.Store, ":"); {
	case scheme != "sqlite":
		return errSetting("HALSOCOACH_STORE", p.Store, "give sqlite:PATH, for example sqlite:/var/lib/halsocoach/halsocoach.db")
	case path == "":
		return errSetting("HALSOCOACH_STORE", p.Store, "the path after sqlite: is missing")
	default:
		if err := folder(filepath.Dir(path)); err != nil {
			return errSetting("HALSOCOACH_STORE", p.Store, err.Error())
		}
	}
	if dir, ok := strings.CutPrefix(p.NATS, "embedded:"); ok {
		if dir == "" {
			return errSetting("HALSOCOACH_NATS", p.NATS, "the folder after embedded: is missing")
		}
	} else if u, err := url.Parse(p.NATS); err != nil || u.Host == "" || (u.Scheme != "nats" && u.Scheme != "tls") {
		return errSetting("HALSOCOACH_NATS", p.NATS, "give embedded:DIR or nats://host:4222")
	}
	if p.Keys == "" {
		return errSetting("HALSOCOACH_KEYS", "", "give a folder of its own, for example /var/lib/halsocoach-keys")
	}
	if err := os.MkdirAll(p.Keys, 0o700); err != nil {
		return errSetting("HALSOCOACH_KEYS", p.Keys, "the folder can not be made: "+err.Error())
	}
	return nil
}

func folder(path string) error {
	if st, err := os.Stat(path); err != nil || !st.IsDir() {
		return errors.New("the folder " + path + " does not exist; make it, owned by the user that runs halsocoach")
	}
	return nil
}

func (c *serveCommand) check() error {
	if err := checkPublicURL(c.PublicURL); err != nil {
		return err
	}
	return c.place.check()
}

// checkPublicURL: a scheme and a host, nothing else.
func checkPublicURL(address string) error {
	u, err := url.Parse(address)
	if err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && strings.Trim(u.Path, "/") == "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == "" && !u.ForceQuery {
		return nil
	}
	return errSetting("HALSOCOACH_PUBLIC_URL", address, "give the address people type, as https://halsocoach.example.se")
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
	pageSpeed()
	h, err := openHouse(ctx, houseConfig{place: c.place, PublicURL: strings.TrimRight(c.PublicURL, "/"), Log: log})
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.start(ctx); err != nil {
		return err
	}
	if err := h.registers.Seed(ctx); err != nil {
		return fmt.Errorf("write the thirteen kommuner: %w", err)
	}
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return errSetting("HALSOCOACH_ADDR", c.Addr, "it can not be listened on: "+err.Error())
	}
	return h.serve(ctx, ln, c.OpsAddr, func(addr string) {
		log.Info("serving", "addr", addr, "public", c.PublicURL)
	})
}
