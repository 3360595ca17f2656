package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"halsocoach"
)

// Unfinished is work that takes writes to several documents and that a crash or
// a fault may leave in the middle. The document that begins it says since when
// it is under way, in an index whose last field is that time; the last write
// takes the time away or deletes the document. A package says how such documents
// are found and how one is finished, and starts Leases.Finish; requests do the
// work themselves and need it only when they fail.
//
// What has been under way for longer than Patience is finished by one node, soon
// after a start and then every minute. What fails is logged once and tried again
// every minute for a day. Then it is given up: it is tried once a day and at
// each start, and each time logged as an error with its id.
type Unfinished struct {
	Name     string        // of the work, for its lease and the log: "coach.operations"
	Patience time.Duration // how long whoever began may still be at it
	// Find gives the ids of what is under way since from (zero = ever) or later
	// and before before, the oldest first, and where the next page begins ("" =
	// nowhere). Collection.Since makes one.
	Find func(ctx context.Context, from, before time.Time, after string) (ids []string, next string, err error)
	// Finish does what is left to do of one, from wherever it stopped. It may be
	// repeated, by two at once too, and does nothing to what is finished or gone.
	Finish func(ctx context.Context, id string) error
}

const (
	finishFirst   = 15 * time.Second // after a start
	finishEvery   = time.Minute
	finishGivesUp = 24 * time.Hour   // also how often what is given up is tried
	finishLimit   = 1000             // in a round
	finishTimeout = 10 * time.Second // for one document
)

// Since finds unfinished documents by an index of the equal fields and then a
// time.
func (c Collection[T]) Since(index string, equal ...any) func(ctx context.Context, from, before time.Time, after string) ([]string, string, error) {
	return func(ctx context.Context, from, before time.Time, after string) ([]string, string, error) {
		q := Query{Index: index, Equal: equal, Before: before, After: after}
		if !from.IsZero() {
			q.From = from
		}
		return c.IDs(ctx, q)
	}
}

// Finish finishes what is left unfinished, on one node at a time, until ctx ends.
func (l Leases) Finish(ctx context.Context, u Unfinished) {
	if !rest(ctx, finishFirst) {
		return
	}
	f := Finisher{Unfinished: u, Clock: l.Clock, Log: l.Log}
	old := make(chan struct{})
	go func() {
		defer close(old)
		l.Every(ctx, u.Name+".old", finishGivesUp, func(ctx context.Context) error { _, err := f.Old(ctx); return err })
	}()
	l.Every(ctx, u.Name, finishEvery, func(ctx context.Context) error { _, err := f.Round(ctx); return err })
	<-old
}

// Finisher does the rounds of Leases.Finish, one at a time; tests call them.
type Finisher struct {
	Unfinished
	Clock halsocoach.Clock
	Log   *slog.Logger

	next            string          // where the next round goes on
	failed, failing map[string]bool // in the last walk through all, and in this one
}

// Round finishes what has been under way for longer than Patience and not for a
// day, and says how many it finished. What fails holds up no other: after its
// limit the next round goes on where this one stopped.
func (f *Finisher) Round(ctx context.Context) (finished int, err error) {
	now := f.Clock()
	finished, err = f.walk(ctx, now.Add(-finishGivesUp), now.Add(-f.Patience), &f.next, func(id string, err error) {
		if !f.failed[id] {
			f.Log.Warn("unfinished work failed", "work", f.Name, "id", id, "err", err)
		}
		if f.failing == nil {
			f.failing = map[string]bool{}
		}
		f.failing[id] = true
	})
	if err != nil {
		f.next = ""
	}
	if f.next == "" {
		f.failed, f.failing = f.failing, nil
	}
	return finished, err
}

// Old tries what has been under way for a day or longer, and says how many it
// finished.
func (f *Finisher) Old(ctx context.Context) (finished int, err error) {
	before, next := f.Clock().Add(-finishGivesUp), ""
	for ctx.Err() == nil {
		n, err := f.walk(ctx, time.Time{}, before, &next, func(id string, err error) {
			f.Log.Error("unfinished work is given up and tried once a day", "work", f.Name, "id", id, "err", err)
		})
		if finished += n; err != nil || next == "" {
			return finished, err
		}
	}
	return finished, ctx.Err()
}

// walk finishes what is under way since between from and before, at most
// finishLimit, beginning at next, which it moves on.
func (f *Finisher) walk(ctx context.Context, from, before time.Time, next *string, failed func(id string, err error)) (finished int, err error) {
	for seen := 0; seen < finishLimit; {
		var ids []string
		if ids, *next, err = f.Find(ctx, from, before, *next); err != nil {
			return finished, fmt.Errorf("find unfinished work: %w", err)
		}
		for _, id := range ids {
			err := f.one(ctx, id)
			if ctx.Err() != nil {
				return finished, ctx.Err()
			}
			if err != nil {
				failed(id, err)
				continue
			}
			finished++
		}
		if seen += len(ids); *next == "" {
			break
		}
	}
	if finished > 0 {
		f.Log.Info("unfinished work was finished", "work", f.Name, "n", finished)
	}
	return finished, nil
}

// one finishes a document. A panic holds up no other either.
func (f *Finisher) one(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, finishTimeout)
	defer cancel()
	return guarded(ctx, f.Log, f.Name, func(ctx context.Context) error { return f.Finish(ctx, id) })
}
