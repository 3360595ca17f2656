// Command cmd runs the stand-in of package ferret and prints its address, so
// that the program and its journeys can be run on it:
//
//	go run ./cmd --dir /tmp/ferret
//	HALSOCOACH_STORE='mongodb://127.0.0.1:27017/halsocoach?timeoutMS=60000' halsocoach demo
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"

	"halsocoach/internal/store/mongo/ferret"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:27017", "address to listen on")
	dir := flag.String("dir", "", "folder of the databases; empty = one that is deleted at the end")
	database := flag.String("database", "halsocoach", "the database that the printed address names")
	bare := flag.Bool("bare", false, "without the relay, on a free port: for who has a relay of their own")
	flag.Parse()
	debug.SetGCPercent(400) // it reads a whole collection for most questions
	if err := run(*addr, *dir, *database, *bare); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(addr, dir, database string, bare bool) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "ferret-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	engine, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:   "sqlite",
		SQLiteURL: "file:" + dir + "/",
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	at, err := url.Parse(engine.MongoDBURI())
	if err != nil {
		return err
	}
	where := at.Host
	if !bare {
		relay, err := ferret.NewRelay(addr, where)
		if err != nil {
			return err
		}
		defer relay.Close()
		where = relay.Addr()
	}
	// It looks through whole collections, so it gets more time than a server.
	fmt.Println("mongodb://" + where + "/" + database + "?timeoutMS=60000")
	<-ctx.Done()
	return <-done
}
