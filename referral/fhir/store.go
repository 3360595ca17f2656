package fhir

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"halsocoach"
	"halsocoach/internal/event"
	"halsocoach/internal/store"
	"halsocoach/referral/record"
)

// tasks keep the Tasks of each sender in the order in which what that sender may
// see of them changed. The recommendation itself can not: several senders may lie
// in it, and its own order would tell each of the others.
var tasks = store.Kind{Name: "fhir_tasks", Indexes: []store.Index{
	{Name: "person", Fields: []store.Field{store.T("person"), store.D("changed")}},
	{Name: "sender", Fields: []store.Field{store.T("sender"), store.D("changed")}},
}}

// Kinds are the kinds of this package.
func Kinds() []store.Kind { return []store.Kind{tasks} }

// taskEntry is where a Task stands among its sender's.
type taskEntry struct {
	ID      string    `json:"id"` // the track's
	Sender  string    `json:"sender"`
	Person  string    `json:"person"`
	Within  string    `json:"within"`  // the recommendation
	Version time.Time `json:"version"` // of the track
	Changed time.Time `json:"changed"` // when it came to stand here: never before who follows could have asked
}

// track is a recommendation as its sender sees it, and when it came to be so.
type track struct {
	record.SenderView
	updated time.Time
}

// Start keeps the order true, until ctx ends. It returns when the consumer runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	types := []string{record.EventReceived, record.EventAccepted, record.EventDeclined, record.EventForwarded, record.EventWithdrawn,
		record.EventErred, record.EventStarted, record.EventEnded, record.EventChanged}
	err := bus.Consume(ctx, "fhir", types, func(ctx context.Context, e halsocoach.Event) error { return s.fold(ctx, e.Subject) })
	if err != nil {
		return fmt.Errorf("fhir: consume: %w", err)
	}
	return nil
}

// fold moves the Tasks of a recommendation whose versions are new; id as for
// TracksOf. Doing it again changes nothing.
func (s *Service) fold(ctx context.Context, id string) error {
	tracks, err := s.cfg.Records.TracksOf(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // erased since
	}
	if err != nil {
		return fmt.Errorf("fhir: %w", err)
	}
	now := s.cfg.Clock().UTC()
	for _, t := range tracks {
		_, err := s.entries.Upsert(ctx, t.ID, func(e *taskEntry) ([]halsocoach.Event, error) {
			if !t.Changed.After(e.Version) {
				return nil, nil
			}
			*e = taskEntry{ID: t.ID, Sender: t.Sender, Within: t.Within, Person: t.Person, Version: t.Changed, Changed: store.Later(now, e.Changed)}
			return nil, nil
		})
		if err != nil {
			return fmt.Errorf("fhir: entry of %s: %w", t.ID, err)
		}
	}
	return nil
}

// now writes the entry of what the asker has just changed, so that the next search
// finds it. If that fails, the event writes it.
func (s *Service) now(ctx context.Context, own record.SenderView) track {
	if err := s.fold(ctx, own.ID); err == nil {
		if t, err := s.one(ctx, own); err == nil {
			return t
		}
	}
	return track{own, own.Changed}
}

// followed are the Tasks of the one who asks, the first to change first.
func (s *Service) followed(ctx context.Context, who halsocoach.Actor, q search) (items []track, next string, err error) {
	find := store.Query{Index: "sender", Equal: []any{who.ID}, Limit: q.count, After: q.cursor}
	if !q.since.IsZero() {
		find.From = q.since
	}
	if !q.before.IsZero() {
		find.Before = q.before
	}
	found, next, err := s.entries.Find(ctx, find)
	if errors.Is(err, store.ErrCursor) {
		err = badSearch("_cursor", "Sidan finns inte längre. Börja om från sökningens början.")
	}
	if err != nil {
		return nil, "", err
	}
	ids, within, at := make([]string, len(found)), make([]string, len(found)), make(map[string]time.Time, len(found))
	for i, e := range found {
		ids[i], within[i], at[e.ID] = e.ID, e.Within, e.Changed
	}
	views, err := s.cfg.Sender.SentMany(ctx, who, ids, within)
	if err == nil && len(views) < len(ids) {
		err = s.forget(ctx, ids, views)
	}
	for _, v := range views {
		items = append(items, track{v, at[v.ID]})
	}
	return items, next, err
}

// forget takes away the entries of what is erased: it is looked for once.
func (s *Service) forget(ctx context.Context, ids []string, there []record.SenderView) error {
	for _, id := range ids {
		if slices.ContainsFunc(there, func(v record.SenderView) bool { return v.ID == id }) {
			continue
		}
		err := s.entries.Delete(ctx, id, nil)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("fhir: entry of %s: %w", id, err)
		}
	}
	return nil
}

// dated gives each the time of its entry; one without an entry has its version's.
func (s *Service) dated(ctx context.Context, views ...record.SenderView) ([]track, error) {
	ids, out := make([]string, len(views)), make([]track, len(views))
	for i, own := range views {
		ids[i], out[i] = own.ID, track{own, own.Changed}
	}
	found, err := s.entries.Many(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("fhir: entries: %w", err)
	}
	for _, p := range found {
		for i := range out {
			if out[i].ID == p.ID && p.Version.Equal(out[i].Changed) {
				out[i].updated = p.Changed
			}
		}
	}
	return out, nil
}

// one is dated for one.
func (s *Service) one(ctx context.Context, own record.SenderView) (track, error) {
	all, err := s.dated(ctx, own)
	if err != nil {
		return track{}, err
	}
	return all[0], nil
}
