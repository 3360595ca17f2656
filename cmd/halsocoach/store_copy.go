package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/seal"
	"halsocoach/internal/store"
)

// storeCommand is about where the data lie.
type storeCommand struct {
	Copy    copyCommand    `cmd:"" help:"Copy everything to another store, and the counted facts to another NATS, and check every document. For moving from SQLite to MongoDB."`
	Backup  backupCommand  `cmd:"" help:"Copy the documents of the running store to a file. Keys are backed up apart."`
	Restore restoreCommand `cmd:"" help:"Make an empty store from such a file."`
}

// copyCommand moves an installation. The service must be stopped. Stopped itself
// half way, it goes on where it was when it is run again.
type copyCommand struct {
	dataConfig
	To         string `required:"" placeholder:"mongodb://…" help:"The store to copy to: empty, or an unfinished copy."`
	ToKeyStore string `placeholder:"mongodb://…" help:"The key store to copy to. Default as HALSOCOACH_KEY_STORE's for that store."`
	ToNATS     string `name:"to-nats" placeholder:"nats://…" help:"The NATS to copy the counted facts to. Default: the one of HALSOCOACH_NATS goes on being used."`
}

// target is the place that is copied to; the master key is the same.
func (c *copyCommand) target() dataConfig {
	to := dataConfig{Store: c.To, KeyStore: c.ToKeyStore, NATS: c.ToNATS, Keys: c.Keys}
	if to.NATS == "" {
		to.NATS = c.NATS
	}
	to.KeyStore = to.keyStore()
	return to
}

func (c *copyCommand) check() error {
	if err := c.dataConfig.check(); err != nil {
		return err
	}
	to := c.target()
	for name, address := range map[string]string{"--to": to.Store, "--to-key-store": to.KeyStore} {
		if err := checkStore(name, address); err != nil {
			return err
		}
		if address == c.Store || address == c.keyStore() {
			return errSetting(name, address, "it is the place that is copied from")
		}
	}
	if to.Store == to.KeyStore {
		return errSetting("--to-key-store", to.KeyStore, "keys and data lie apart: give another file or database")
	}
	if c.ToNATS != "" && !natsURL(c.ToNATS) && !strings.HasPrefix(c.ToNATS, "embedded:") {
		return errSetting("--to-nats", c.ToNATS, "give nats://host:4222")
	}
	return nil
}

// Run lets what is under way come to its end, and copies: keys first, then
// documents, then facts.
func (c *copyCommand) Run(ctx context.Context, log *slog.Logger, terminal *screen) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.withApp(ctx, log, func(a *app) error {
		if n, err := a.seal.Running(ctx); err != nil || n > 0 {
			return errors.Join(err, fmt.Errorf("%d nodes run, or were killed less than three minutes ago: stop the service first", n))
		}
		if err := a.settleDown(ctx, terminal); err != nil {
			return err
		}
		if err := copyStores(ctx, a.keys, a.store, c.target(), log, terminal); err != nil || c.ToNATS == "" {
			return err
		}
		return c.copyFacts(ctx, a.bus, log, terminal)
	})
}

// copyStores copies the keys first: a document without its key says nothing. The
// marks go away when both copies have been compared, that of the keys last, so
// that what was stopped anywhere can go on.
func copyStores(ctx context.Context, keys, documents store.Store, to dataConfig, log *slog.Logger, terminal *screen) error {
	toKeys, err := openTarget(ctx, to.keyStore(), to.Store, lasting(keyKinds()), false, log)
	if err != nil {
		return fmt.Errorf("copy the keys to %s: %w", redacted(to.keyStore()), err)
	}
	defer toKeys.Close()
	toStore, err := openTarget(ctx, to.Store, to.Store, lasting(kinds()), toKeys.begun, log)
	if err != nil {
		return fmt.Errorf("copy the documents to %s: %w", redacted(to.Store), err)
	}
	defer toStore.Close()
	for _, one := range []struct {
		what string
		from store.Store
		to   *target
	}{{"keys", keys, toKeys}, {"documents", documents, toStore}} {
		n, err := copyTo(ctx, one.what, one.from, one.to, terminal)
		if err != nil {
			return fmt.Errorf("copy the %s: %w", one.what, err)
		}
		fmt.Printf("%d %s copied to %s, each compared\n", n, one.what, redacted(one.to.address))
	}
	return errors.Join(toStore.finished(ctx), toKeys.finished(ctx))
}

func keyKinds() []store.Kind { return seal.Kinds() }

func (c *copyCommand) copyFacts(ctx context.Context, from *event.Bus, log *slog.Logger, terminal *screen) error {
	to, err := event.Open(ctx, c.ToNATS, log)
	if err != nil {
		return fmt.Errorf("open --to-nats: %w", err)
	}
	defer to.Close()
	bar, total := terminal.progress(-1, "facts"), 0
	err = event.CopyFacts(ctx, from, to, func(done, all int) {
		total = all
		bar.set(done, all)
	})
	bar.finish()
	if err != nil {
		return fmt.Errorf("copy the facts to %s: %w", redacted(c.ToNATS), err)
	}
	fmt.Printf("%d facts copied to %s\n", total, redacted(c.ToNATS))
	return nil
}

// settleDown runs the consumers until no event is under way, and stops them.
func (a *app) settleDown(ctx context.Context, terminal *screen) error {
	if err := a.start(ctx); err != nil {
		return err
	}
	bar := terminal.progress(-1, "events under way")
	if err := a.settled(ctx, time.Second, func() { bar.add(1) }); err != nil {
		return err
	}
	bar.finish()
	a.stop()
	a.relay.Wait()
	return nil
}

// lasting leaves out what only says which nodes run, and what they have in hand.
func lasting(kinds []store.Kind) []store.Kind {
	return slices.DeleteFunc(kinds, func(k store.Kind) bool { return k.Name == seal.NodeKind || k.Name == store.LeaseKind.Name })
}

// copyKind marks a store that holds an unfinished copy. No command opens such a one.
var copyKind = store.Kind{Name: "copy", NoPerson: true}

// mark is its only document: where the documents of the copy go to.
type mark struct {
	To string `json:"to"`
}

const markID = "unfinished"

var (
	// errInUse: better no copy than one over somebody's data.
	errInUse = errors.New("it holds data that are not an unfinished copy: give an empty one")
	// errUnfinished: what is written into half a copy would be lost.
	errUnfinished = errors.New("it holds an unfinished copy: run store copy until it is done")
)

// target is a store that is copied to.
type target struct {
	store.Store
	address string
	kinds   []store.Kind
	marks   store.Collection[mark]
	begun   bool // it holds an unfinished copy
}

// openTarget opens a store to copy to, and marks it: an empty one, one that is
// marked as a copy that goes where this one does, or, once known to be one, one
// whose mark is already gone.
func openTarget(ctx context.Context, address, goesTo string, kinds []store.Kind, known bool, log *slog.Logger) (*target, error) {
	s, err := openStore(ctx, address, append(kinds, copyKind), log)
	if err != nil {
		return nil, err
	}
	t := &target{Store: s, address: address, kinds: kinds, marks: store.In[mark](s, copyKind)}
	if err := t.begin(ctx, halsocoach.IDFrom("copy", goesTo), known); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return t, nil
}

func (t *target) begin(ctx context.Context, goesTo string, known bool) error {
	have, err := t.marks.Get(ctx, markID)
	switch {
	case err == nil && have.To == goesTo:
		t.begun = true
		return nil
	case err == nil:
		return errInUse
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	if !known {
		empty, err := store.Empty(ctx, t.Store, t.kinds)
		if err != nil {
			return err
		}
		if !empty {
			return errInUse
		}
	}
	return t.marks.Insert(ctx, markID, mark{goesTo})
}

func (t *target) finished(ctx context.Context) error { return t.marks.Delete(ctx, markID, nil) }

// unfinished says whether a store holds half a copy.
func unfinished(ctx context.Context, s store.Store) error {
	found, err := s.Get(ctx, copyKind.Name, markID)
	if err == nil && len(found) > 0 {
		return errUnfinished
	}
	return err
}

// copyTo makes the target the same as from, and compares each document both ways.
func copyTo(ctx context.Context, what string, from store.Store, to *target, terminal *screen) (int, error) {
	total := 0
	for _, k := range to.kinds {
		if err := from.Each(ctx, k.Name, func(store.Document) error { total++; return nil }); err != nil {
			return 0, err
		}
	}
	bar := terminal.progress(2*total, what)
	for _, k := range to.kinds {
		if err := copyDocuments(ctx, k.Name, from, to, bar); err != nil {
			return 0, fmt.Errorf("%s: %w", k.Name, err)
		}
	}
	same := 0
	for _, k := range to.kinds {
		n, err := compareDocuments(ctx, k.Name, from, to, bar)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", k.Name, err)
		}
		same += n
	}
	if same != total {
		return 0, fmt.Errorf("%d documents were there at the beginning and %d at the end: is the service stopped?", total, same)
	}
	bar.finish()
	return same, nil
}

// copyAtOnce is how many documents are asked for, and saved, at one time.
const copyAtOnce = 200

// inBatches calls f with the documents of a kind, some hundred at a time.
func inBatches(ctx context.Context, s store.Store, kind string, f func([]store.Document) error) error {
	batch := make([]store.Document, 0, copyAtOnce)
	err := s.Each(ctx, kind, func(d store.Document) error {
		if batch = append(batch, d); len(batch) < copyAtOnce {
			return nil
		}
		err := f(batch)
		batch = batch[:0]
		return err
	})
	if err == nil && len(batch) > 0 {
		err = f(batch)
	}
	return err
}

// copyDocuments saves what is missing or other over there, and removes what is
// not here: an earlier try may have left it.
func copyDocuments(ctx context.Context, kind string, from, to store.Store, bar *progress) error {
	err := inBatches(ctx, to, kind, func(theirs []store.Document) error {
		ours, err := byID(ctx, from, kind, theirs)
		if err != nil {
			return err
		}
		for _, d := range theirs {
			if _, ok := ours[d.ID]; ok {
				continue
			}
			if err := to.Delete(ctx, kind, d.ID, d.Version, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return inBatches(ctx, from, kind, func(ours []store.Document) error {
		theirs, err := byID(ctx, to, kind, ours)
		if err != nil {
			return err
		}
		var saves errgroup.Group
		saves.SetLimit(64)
		for _, d := range ours {
			there, ok := theirs[d.ID]
			if ok && bytes.Equal(there.Body, d.Body) {
				continue
			}
			saves.Go(func() error {
				_, err := to.Save(ctx, kind, store.Document{ID: d.ID, Version: there.Version, Body: d.Body}, nil)
				return err
			})
		}
		bar.add(len(ours))
		return saves.Wait()
	})
}

// compareDocuments reads all of both again.
func compareDocuments(ctx context.Context, kind string, from, to store.Store, bar *progress) (int, error) {
	same := 0
	err := inBatches(ctx, from, kind, func(ours []store.Document) error {
		theirs, err := byID(ctx, to, kind, ours)
		if err != nil {
			return err
		}
		for _, d := range ours {
			if there, ok := theirs[d.ID]; !ok || !bytes.Equal(there.Body, d.Body) {
				return fmt.Errorf("document %s is not the same over there: is the service stopped?", d.ID)
			}
		}
		same += len(ours)
		bar.add(len(ours))
		return nil
	})
	if err != nil {
		return 0, err
	}
	there := 0
	if err := to.Each(ctx, kind, func(store.Document) error { there++; return nil }); err != nil {
		return 0, err
	}
	if there != same {
		return 0, fmt.Errorf("%d documents here and %d over there: is the service stopped?", same, there)
	}
	return there, nil
}

func byID(ctx context.Context, s store.Store, kind string, docs []store.Document) (map[string]store.Document, error) {
	ids := make([]string, len(docs))
	for i, d := range docs {
		ids[i] = d.ID
	}
	found, err := s.Get(ctx, kind, ids...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]store.Document, len(found))
	for _, d := range found {
		out[d.ID] = d
	}
	return out, nil
}
