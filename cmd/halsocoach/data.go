package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"halsocoach/internal/store"
	"halsocoach/internal/store/mongo"
	"halsocoach/internal/store/sqlite"
)

// dataConfig is where the data lie: what every command needs that opens them.
type dataConfig struct {
	Store    string `env:"HALSOCOACH_STORE" placeholder:"sqlite:PATH" help:"The store of documents: sqlite:PATH, or mongodb://host/database for several machines."`
	NATS     string `env:"HALSOCOACH_NATS" name:"nats" placeholder:"embedded:DIR" help:"embedded:DIR, or nats://… for several nodes."`
	Keys     string `env:"HALSOCOACH_KEYS" placeholder:"DIR" help:"Folder of the master key, and of the key store unless that lies elsewhere. Back it up apart from the data."`
	KeyStore string `env:"HALSOCOACH_KEY_STORE" placeholder:"sqlite:PATH" help:"The store of keys. Default: keys.db in the folder of the keys; with MongoDB the database NAME_keys beside the data's."`
}

// errSetting says what is wrong with a setting and how to mend it, in one line.
// A password in an address is not repeated.
func errSetting(name, value, mend string) error {
	if value == "" {
		return fmt.Errorf("%s is missing: %s", name, mend)
	}
	return fmt.Errorf("%s is %q: %s", name, redacted(value), mend)
}

// redacted is an address without its password.
func redacted(address string) string {
	if u, err := url.Parse(address); err == nil && u.User != nil {
		return u.Redacted()
	}
	return address
}

// check refuses what can not work before anything is opened.
func (d dataConfig) check() error {
	if err := checkStore("HALSOCOACH_STORE", d.Store); err != nil {
		return err
	}
	if d.KeyStore != "" {
		if err := checkStore("HALSOCOACH_KEY_STORE", d.KeyStore); err != nil {
			return err
		}
		if d.KeyStore == d.Store {
			return errSetting("HALSOCOACH_KEY_STORE", d.KeyStore, "keys and data lie apart: give another file or database")
		}
	}
	if dir, ok := strings.CutPrefix(d.NATS, "embedded:"); ok {
		if dir == "" {
			return errSetting("HALSOCOACH_NATS", d.NATS, "the folder after embedded: is missing")
		}
	} else if !natsURL(d.NATS) {
		return errSetting("HALSOCOACH_NATS", d.NATS, "give embedded:DIR or nats://host:4222")
	}
	if d.Keys == "" {
		return errSetting("HALSOCOACH_KEYS", "", "give a folder of its own, for example /var/lib/halsocoach-keys")
	}
	if err := os.MkdirAll(d.Keys, 0o700); err != nil {
		return errSetting("HALSOCOACH_KEYS", d.Keys, "the folder can not be made: "+err.Error())
	}
	return nil
}

// natsURL says whether it is one address of NATS, or several with commas.
func natsURL(addresses string) bool {
	for _, one := range strings.Split(addresses, ",") {
		if u, err := url.Parse(strings.TrimSpace(one)); err != nil || u.Host == "" || (u.Scheme != "nats" && u.Scheme != "tls") {
			return false
		}
	}
	return true
}

// checkStore refuses an address of a store that can not be opened.
func checkStore(name, address string) error {
	scheme, path, _ := strings.Cut(address, ":")
	switch {
	case scheme == "mongodb" || scheme == "mongodb+srv":
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			return errSetting(name, address, "give mongodb://host:27017/database")
		}
		if database := strings.Trim(u.Path, "/"); database == "" || strings.ContainsAny(database, "/. $\"") {
			return errSetting(name, address, "the name of the database is missing after the host, as mongodb://host:27017/halsocoach")
		}
		return nil
	case scheme != "sqlite":
		return errSetting(name, address, "give sqlite:PATH, for example sqlite:/var/lib/halsocoach/halsocoach.db, or mongodb://host:27017/halsocoach")
	case path == "":
		return errSetting(name, address, "the path after sqlite: is missing")
	}
	if st, err := os.Stat(filepath.Dir(path)); err != nil || !st.IsDir() {
		return errSetting(name, address, "the folder "+filepath.Dir(path)+" does not exist; make it, owned by the user that runs halsocoach")
	}
	return nil
}

func (d dataConfig) keyFile() string { return filepath.Join(d.Keys, "master.key") }

// keyStore is where the keys lie, given or by the rule.
func (d dataConfig) keyStore() string {
	u, err := url.Parse(d.Store)
	switch {
	case d.KeyStore != "":
		return d.KeyStore
	case err != nil || !strings.HasPrefix(u.Scheme, "mongodb"):
		return "sqlite:" + filepath.Join(d.Keys, "keys.db")
	}
	data := strings.Trim(u.Path, "/")
	if q := u.Query(); u.User != nil && !q.Has("authSource") {
		q.Set("authSource", data) // who signs in by the data's database still does
		u.RawQuery = q.Encode()
	}
	u.Path = "/" + data + "_keys"
	return u.String()
}

// openStore opens a store by its address. The options are for a SQLite file.
func openStore(ctx context.Context, address string, kinds []store.Kind, log *slog.Logger, opts ...sqlite.Option) (store.Store, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		s, err := sqlite.Open(ctx, path, kinds, log, opts...)
		if err != nil {
			return nil, err // a nil *Store in a store.Store is not nil
		}
		return s, nil
	}
	s, err := mongo.Open(ctx, address, kinds, log)
	if err != nil {
		return nil, err
	}
	return s, nil
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
