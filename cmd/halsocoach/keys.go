package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"halsocoach/internal/seal"
)

// keysCommand is what an operator does with the keys, beside running nodes.
type keysCommand struct {
	List   keysListCommand `cmd:"" help:"Show the signing keys and the outer keys."`
	Rotate struct {
		Signing keysSigningCommand `cmd:"" help:"A new key for sessions. Nobody is signed out."`
		Outer   keysOuterCommand   `cmd:"" help:"A new outer key in master.key, and every data key wrapped with it. May be stopped and repeated."`
	} `cmd:"" help:"Change a key while the service runs."`
	Retire keysRetireCommand `cmd:"" help:"Take outer keys that wrap nothing any more out of master.key."`
	Revoke keysRevokeCommand `cmd:"" help:"Remove a signing key that somebody else may have. Everybody who signed in by it is signed out."`
}

type keysListCommand struct{ dataConfig }

// Run prints two tables.
func (c *keysListCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.withSignIn(ctx, "http://localhost", log, func(a *app) error {
		signing, err := a.auth.SigningKeys(ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "SIGNING KEY\tMADE\tSIGNS FROM\tVERIFIES UNTIL\tNOW")
		for _, k := range signing {
			now := "verifies"
			switch {
			case k.Signs:
				now = "signs"
			case k.Until.IsZero():
				now = "waits"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, stamp(k.Made), stamp(k.From), stamp(k.Until), now)
		}
		outer, err := a.seal.Rotation().List(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(w, "\nOUTER KEY\tMADE\tIN USE FROM\tWRAPS\tNOW")
		for _, k := range outer {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", k.ID, stamp(k.Made), stamp(k.Since), k.Wraps, outerState(k))
		}
		return w.Flush()
	})
}

func outerState(k seal.OuterKey) string {
	switch {
	case !k.Retired.IsZero() && k.InFile:
		return "retired, still in the file"
	case !k.Retired.IsZero():
		return "retired " + stamp(k.Retired)
	case k.Current:
		return "wraps what is new"
	case k.Since.IsZero():
		return "waits: run keys rotate outer"
	case k.Wraps > 0:
		return "opens: run keys rotate outer"
	}
	return "needed by nothing: run keys retire"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

type keysSigningCommand struct{ dataConfig }

// Run makes a new signing key.
func (c *keysSigningCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.withSignIn(ctx, "http://localhost", log, func(a *app) error {
		k, err := a.auth.AddSigningKey(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("%s signs from %s, when every node has read it. Older keys verify until the sessions that they signed are over,\nand then go by themselves.\n", k.ID, stamp(k.From))
		return nil
	})
}

type keysOuterCommand struct {
	dataConfig
	Wait time.Duration `default:"15m" help:"How long to wait for running nodes to know the new key."`
}

// Run makes a new outer key, waits until every running node knows it, and wraps
// everything with it.
func (c *keysOuterCommand) Run(ctx context.Context, log *slog.Logger, terminal *screen) error {
	return c.withSignIn(ctx, "http://localhost", log, func(a *app) error {
		r := a.seal.Rotation()
		id, err := r.Add(ctx)
		if err != nil {
			return fmt.Errorf("%w\nWhere the key file is mounted from a secret: copy it to a folder of your own, run this with HALSOCOACH_KEYS=that folder\n(and HALSOCOACH_KEY_STORE), and put the changed file into the secret while the command waits", err)
		}
		fmt.Printf("%s is the first key of %s. Back the file up now, and put it on every machine that has one of its own.\n", id, c.keyFile())
		waiting := waiter{out: terminal, until: time.Now().Add(c.Wait)}
		if err := waiting.try(ctx, func() error { return r.Use(ctx, id) }); err != nil {
			return err
		}
		if err := waiting.try(ctx, func() error { return rewrap(ctx, r, terminal) }); err != nil {
			return err
		}
		fmt.Println("Every data key is wrapped by it, and nothing by another. Older outer keys stay in the file until: halsocoach keys retire")
		return nil
	})
}

// rewrap shows how far it has come.
func rewrap(ctx context.Context, r seal.Rotation, terminal *screen) error {
	bar := terminal.progress(-1, "wrapping the keys anew")
	defer bar.finish()
	return r.Rewrap(ctx, bar.set)
}

// waiter tries a step again while nodes lag behind.
type waiter struct {
	out   io.Writer
	until time.Time
	said  string
}

func (w *waiter) try(ctx context.Context, step func() error) error {
	for {
		err := step()
		var lag *seal.NodesLag
		if !errors.As(err, &lag) {
			return err
		}
		if time.Now().After(w.until) {
			return fmt.Errorf("%w\nNothing is lost: run the command again when they are up to it, or some minutes after they have been stopped", err)
		}
		if text := lag.Error(); text != w.said {
			w.said = text
			fmt.Fprintln(w.out, "waiting:", strings.TrimPrefix(text, "seal: "))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

type keysRetireCommand struct{ dataConfig }

// Run takes what wraps nothing out of the file.
func (c *keysRetireCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.withSignIn(ctx, "http://localhost", log, func(a *app) error {
		gone, err := a.seal.Rotation().Retire(ctx)
		if err != nil {
			return err
		}
		if len(gone) == 0 {
			fmt.Println("There is nothing to retire: every outer key of the file is in use.")
			return nil
		}
		fmt.Printf("Taken out of %s: %s. Do the same with the file's copies on other machines.\nCopies of the key store from before the rotation do not open any more: remove them.\n", c.keyFile(), strings.Join(gone, ", "))
		return nil
	})
}

type keysRevokeCommand struct {
	dataConfig
	Key string `arg:"" help:"The key's id, from keys list."`
	Yes bool   `help:"Do not ask."`
}

// Run warns, asks and removes the key.
func (c *keysRevokeCommand) Run(ctx context.Context, log *slog.Logger) error {
	return c.withSignIn(ctx, "http://localhost", log, func(a *app) error {
		if !c.Yes && !confirm(os.Stdin, os.Stderr, "Everybody who signed in while "+c.Key+" signed is signed out, within five seconds, and loses the chat they have open.\nFor a key that nobody else has, use: halsocoach keys rotate signing\nWrite yes to go on: ") {
			return errors.New("nothing was done")
		}
		n, err := a.auth.RevokeSigningKey(ctx, c.Key)
		if err != nil {
			return err
		}
		fmt.Printf("%s is revoked; %d sessions have ended.\n", c.Key, n)
		return nil
	})
}

func confirm(in io.Reader, out io.Writer, question string) bool {
	fmt.Fprint(out, question)
	answer, _ := bufio.NewReader(in).ReadString('\n')
	return strings.EqualFold(strings.TrimSpace(answer), "yes")
}

// shareKeys makes this node one of those that an operator's rotation waits for,
// and lets a destroyed key be forgotten on all nodes at once.
func (a *app) shareKeys(ctx context.Context) error {
	notes := a.seal.Token(destroyedTopic)
	_, err := a.bus.OnNudge(destroyedTopic, func(body []byte) {
		if person, err := notes.Decrypt(string(body)); err == nil {
			a.seal.Forget(string(person))
		}
	})
	if err != nil {
		return err
	}
	a.tellDestroyed()
	if err := a.seal.Join(ctx); err != nil {
		return err
	}
	a.relay.Go(func() { a.seal.Follow(ctx, a.cfg.Log) })
	return nil
}

const destroyedTopic = "seal.destroyed"

// tellDestroyed sends a note to the other nodes for each destroyed key. It names
// a person, so it is sealed.
func (a *app) tellDestroyed() {
	notes := a.seal.Token(destroyedTopic)
	a.seal.OnDestroy(func(person string) { a.bus.Nudge(destroyedTopic, []byte(notes.Encrypt([]byte(person)))) })
}
