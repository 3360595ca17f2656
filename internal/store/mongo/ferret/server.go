package ferret

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// Server is a FerretDB with its relay.
type Server struct {
	*Relay
	stop context.CancelFunc
	done chan error
}

// Start runs a server on addr ("127.0.0.1:0" for a free port) that keeps its
// databases in the folder dir.
func Start(addr, dir string) (*Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("ferret: %w", err)
	}
	f, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Handler:   "sqlite",
		SQLiteURL: "file:" + dir + "/",
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, fmt.Errorf("ferret: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{stop: stop, done: make(chan error, 1)}
	go func() { s.done <- f.Run(ctx) }()
	behind, err := url.Parse(f.MongoDBURI())
	if err == nil {
		s.Relay, err = NewRelay(addr, behind.Host)
	}
	if err != nil {
		stop()
		<-s.done
		return nil, fmt.Errorf("ferret: %w", err)
	}
	return s, nil
}

// URL is the address of a database of the server.
func (s *Server) URL(database string) string { return "mongodb://" + s.Addr() + "/" + database }

// Close ends the relay and the server.
func (s *Server) Close() error {
	s.Relay.Close()
	s.stop()
	return <-s.done
}
