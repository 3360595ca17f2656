package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the binary carries its own zones

	"github.com/alecthomas/kong"
)

// commands are the program's, as kong reads them.
type commands struct {
	Demo        demoCommand        `cmd:"" help:"Everything embedded, with made-up people and a living programme in all thirteen kommuner."`
	Serve       serveCommand       `cmd:"" help:"Run the service."`
	Invite      inviteCommand      `cmd:"" help:"Print a single-use link by which somebody joins the staff."`
	Store       storeCommand       `cmd:"" help:"Where the data lie."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the running service of this machine how it is."`
	Keys        keysCommand        `cmd:"" help:"The keys: what there is, rotation, revocation."`
	Counts      countsCommand      `cmd:"" help:"The counted facts."`
	Waits       waitsCommand       `cmd:"" help:"The waiting times."`
}

func main() {
	var c commands
	parser := kong.Must(&c,
		kong.Name("halsocoach"),
		kong.Description("Hälsocoach online: one shared platform for the Hälsocenter of Jönköpings län."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	run, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run.BindTo(ctx, (*context.Context)(nil))
	terminal := &screen{out: os.Stderr}
	run.Bind(terminal, slog.New(slog.NewTextHandler(terminal, &slog.HandlerOptions{Level: slog.LevelInfo})))
	if err := run.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "halsocoach:", err)
		os.Exit(1)
	}
}
