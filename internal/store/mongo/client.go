package mongo

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

func (set Settings) filled() Settings {
	fill := func(d *time.Duration, choice time.Duration) {
		if *d <= 0 {
			*d = choice
		}
	}
	fill(&set.Bound, 10*time.Second)
	fill(&set.Choose, 4*time.Second)
	fill(&set.Watch, time.Second)
	return set
}

// client is the driver's configuration. The address may say anything but what
// the promises rest on: who must hold a write before it is acknowledged, that
// reads go to the primary, and that a write is repeated by this package alone
// (retry): the driver would hide that an answer was lost, and a server that does
// not know repeats would refuse what it has just done. Its timeoutMS is the
// bound, if set leaves that open.
func (set *Settings) client(address string) *options.ClientOptions {
	o := options.Client().SetAppName("halsocoach").SetMaxPoolSize(100).SetMinPoolSize(2).SetMaxConnecting(8).
		SetMaxConnIdleTime(5 * time.Minute).SetConnectTimeout(5 * time.Second).ApplyURI(address)
	if set.Bound <= 0 && o.Timeout != nil {
		set.Bound = *o.Timeout
	}
	*set = set.filled()
	journal := true
	return o.SetWriteConcern(&writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}).
		SetReadPreference(readpref.Primary()).SetRetryWrites(false).SetRetryReads(true).
		SetTimeout(set.Bound).SetServerSelectionTimeout(set.Choose)
}

var errNoDatabase = errors.New("mongo: the address names no database: give mongodb://host/DATABASE")

// split cuts an address into its hosts and its path. It says nothing of who
// signs in, since it is for logs too.
func split(address string) (hosts, path string, ok bool) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || (scheme != "mongodb" && scheme != "mongodb+srv") {
		return "", "", false
	}
	rest, _, _ = strings.Cut(rest, "?")
	hosts, path, _ = strings.Cut(rest, "/")
	return hosts[strings.LastIndexByte(hosts, '@')+1:], path, hosts != ""
}

// databaseOf is the database that the address names.
func databaseOf(address string) (string, error) {
	_, path, ok := split(address)
	if !ok {
		return "", errors.New("mongo: the address is not of the form mongodb://host/database")
	}
	name, err := url.PathUnescape(path)
	if err != nil || name == "" {
		return "", errNoDatabase
	}
	if strings.ContainsAny(name, "/\\. \"$*<>:|?\x00") || len(name) > 63 {
		return "", fmt.Errorf("mongo: %q can not be the name of a database", name)
	}
	return name, nil
}

// hostsOf is where the address leads, without who signs in.
func hostsOf(address string) string {
	hosts, path, _ := split(address)
	return hosts + "/" + path
}
