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
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"halsocoach/internal/store/mongo/ferret"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:27017", "address to listen on")
	debug.SetGCPercent(400)
	dir := flag.String("dir", "", "folder of the databases; empty = one that is deleted at the end")
	database := flag.String("database", "halsocoach", "the database that the printed address names")
	flag.Parse()
	if err := run(*addr, *dir, *database); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(addr, dir, database string) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "ferret-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := ferret.Start(addr, dir)
	if err != nil {
		return err
	}
	// It looks through whole collections, so it gets more time than a server.
	fmt.Println(s.URL(database) + "?timeoutMS=60000")
	<-ctx.Done()
	return s.Close()
}
