package main

import (
	"halsocoach/internal/testenv"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestABadSettingIsOneLine breaks one setting at a time: the start is refused
// with one line that names it, and no password stands in it.
func TestABadSettingIsOneLine(t *testing.T) {
	dir := t.TempDir()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	good := func() serveCommand {
		return serveCommand{
			dataConfig: dataConfig{Store: "sqlite:" + filepath.Join(dir, "a.db"), NATS: "embedded:" + filepath.Join(dir, "nats"), Keys: filepath.Join(dir, "keys")},
			Addr:       "127.0.0.1:0", PublicURL: "https://halsocoach.example.se",
		}
	}
	if c := good(); c.check() != nil {
		t.Fatal(c.check())
	}
	file := filepath.Join(dir, "file")
	testenv.Must(t, os.WriteFile(file, []byte("not a database, and longer than a header of one is"), 0o600))
	for name, c := range map[string]struct {
		bend func(*serveCommand)
		says string
	}{
		"no store":                    {func(c *serveCommand) { c.Store = "" }, "HALSOCOACH_STORE"},
		"a store with a password":     {func(c *serveCommand) { c.Store = "postgres://user:hemligt@host/db" }, "HALSOCOACH_STORE"},
		"MongoDB without a database":  {func(c *serveCommand) { c.Store = "mongodb://user:hemligt@host" }, "HALSOCOACH_STORE"},
		"MongoDB with an odd one":     {func(c *serveCommand) { c.Store = "mongodb://user:hemligt@host/a.b" }, "HALSOCOACH_STORE"},
		"keys among the data":         {func(c *serveCommand) { c.KeyStore = c.Store }, "HALSOCOACH_KEY_STORE"},
		"a key store of no kind":      {func(c *serveCommand) { c.KeyStore = "redis://user:hemligt@host" }, "HALSOCOACH_KEY_STORE"},
		"a proxy by name":             {func(c *serveCommand) { c.Proxies = []string{"proxy.example.se"} }, "HALSOCOACH_PROXIES"},
		"a store that is a folder":    {func(c *serveCommand) { c.Store = "sqlite:" + dir }, "store"},
		"a store that is no database": {func(c *serveCommand) { c.Store = "sqlite:" + file }, "store"},
		"no NATS":                     {func(c *serveCommand) { c.NATS = "" }, "HALSOCOACH_NATS"},
		"NATS with a password":        {func(c *serveCommand) { c.NATS = "http://user:hemligt@host" }, "HALSOCOACH_NATS"},
		"no keys":                     {func(c *serveCommand) { c.Keys = "" }, "HALSOCOACH_KEYS"},
		"keys that are a file":        {func(c *serveCommand) { c.Keys = file }, "HALSOCOACH_KEYS"},
		"no address":                  {func(c *serveCommand) { c.PublicURL = "" }, "HALSOCOACH_PUBLIC_URL"},
		"an address with a path":      {func(c *serveCommand) { c.PublicURL = "https://a.se/x" }, "HALSOCOACH_PUBLIC_URL"},
		"an address with a query":     {func(c *serveCommand) { c.PublicURL = "https://a.se?x=1" }, "HALSOCOACH_PUBLIC_URL"},
		"an address with a mark":      {func(c *serveCommand) { c.PublicURL = "https://a.se#x" }, "HALSOCOACH_PUBLIC_URL"},
		"an address with a person":    {func(c *serveCommand) { c.PublicURL = "https://u:hemligt@a.se" }, "HALSOCOACH_PUBLIC_URL"},
		"nowhere to listen":           {func(c *serveCommand) { c.Addr = "nonsense" }, "HALSOCOACH_ADDR"},
	} {
		t.Run(name, func(t *testing.T) {
			bent := good()
			c.bend(&bent)
			err := bent.Run(t.Context(), quiet)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hemligt") {
				t.Fatalf("says %v", err)
			}
		})
	}
}

func TestALinkHasAnAddressThatWorks(t *testing.T) {
	dir := t.TempDir()
	c := inviteCommand{dataConfig: dataConfig{Store: "sqlite:" + filepath.Join(dir, "a.db"), NATS: "embedded:" + dir, Keys: dir}, PublicURL: "a.se", Role: "region"}
	if err := c.Run(t.Context(), slog.New(slog.NewTextHandler(io.Discard, nil))); err == nil || !strings.Contains(err.Error(), "HALSOCOACH_PUBLIC_URL") {
		t.Fatal(err)
	}
}

// TestKeysLieApart is where the keys go when nobody says.
func TestKeysLieApart(t *testing.T) {
	for store, want := range map[string]string{
		"sqlite:/data/a.db":                           "sqlite:/keys/keys.db",
		"mongodb://a:27017,b:27017/hc?replicaSet=rs0": "mongodb://a:27017,b:27017/hc_keys?replicaSet=rs0",
		"mongodb://u:p@a/hc":                          "mongodb://u:p@a/hc_keys?authSource=hc",
		"mongodb://u:p@a/hc?authSource=admin":         "mongodb://u:p@a/hc_keys?authSource=admin",
	} {
		if got := (dataConfig{Store: store, Keys: "/keys"}).keyStore(); got != want {
			t.Errorf("%s: %s, not %s", store, got, want)
		}
	}
}
