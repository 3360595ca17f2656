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
	"halsocoach/referral"
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

// place is where a Task stands among its sender's.
type place struct {
	ID      string    `json:"id"` // the track's
	Sender  string    `json:"sender"`
	Person  string    `json:"person"`
	Within  string    `json:"within"`  // the recommendation
	Version time.Time `json:"version"` // of the track
	Changed time.Time `json:"changed"` // when it came to stand here: never before who follows could have asked
}

// track is a recommendation as its sender sees it, and when it came to be so.
type track struct {
	referral.Own
	updated time.Time
}

// Start keeps the order true, until ctx ends. It returns when the consumer runs.
func (s *Service) Start(ctx context.Context, bus *event.Bus) error {
	types := []string{referral.EventReceived, referral.EventAccepted, referral.EventDeclined, referral.EventForwarded, referral.EventWithdrawn,
		referral.EventErred, referral.EventStarted, referral.EventEnded, referral.EventChanged}
	err := bus.Consume(ctx, "fhir", types, func(ctx context.Context, e halsocoach.Event) error { return s.fold(ctx, e.Subject) })
	if err != nil {
		return fmt.Errorf("fhir: consume: %w", err)
	}
	return nil
}

// fold moves the Tasks of a recommendation whose versions are new; id as for
// TracksOf. Doing it again changes nothing. What has a place already goes to
// another recommendation or person only as they are at the save: what was read
// before may be older than what put it where it is.
func (s *Service) fold(ctx context.Context, id string) error {
	tracks, err := s.cfg.Referrals.TracksOf(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil // erased since, or joined to another
	}
	if err != nil {
		return fmt.Errorf("fhir: %w", err)
	}
	for _, t := range tracks {
		_, err := s.places.Upsert(ctx, t.ID, func(p *place) ([]halsocoach.Event, error) {
			later := t.Changed.After(p.Version)
			stays := p.Within == t.Within && p.Person == t.Person
			if stays && !later {
				return nil, nil
			}
			if p.ID != "" && !stays {
				if there, err := s.lies(ctx, t); err != nil || !there {
					return nil, err
				}
			}
			p.ID, p.Sender, p.Within, p.Person = t.ID, t.Sender, t.Within, t.Person
			if later {
				now := s.cfg.Clock().UTC()
				if !now.After(p.Changed) {
					now = p.Changed.Add(time.Millisecond)
				}
				p.Version, p.Changed = t.Changed, now
			}
			return nil, nil
		})
		if err != nil {
			return fmt.Errorf("fhir: place of %s: %w", t.ID, err)
		}
	}
	return nil
}

// lies says whether the track is still where it was read, and the same person's.
func (s *Service) lies(ctx context.Context, t referral.Track) (bool, error) {
	tracks, err := s.cfg.Referrals.TracksOf(ctx, t.Within)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return slices.ContainsFunc(tracks, func(x referral.Track) bool {
		return x.ID == t.ID && x.Within == t.Within && x.Person == t.Person
	}), err
}

// now is one that the asker has just changed, in its place at once, so that who
// asks for changes next finds it. A fault is no fault of what was done: the event
// comes all the same.
func (s *Service) now(ctx context.Context, own referral.Own) track {
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
	found, next, err := s.places.Find(ctx, find)
	if err != nil {
		return nil, "", err
	}
	ids, within, at := make([]string, len(found)), make([]string, len(found)), make(map[string]time.Time, len(found))
	for i, p := range found {
		ids[i], within[i], at[p.ID] = p.ID, p.Within, p.Changed
	}
	owns, err := s.cfg.Referrals.SentMany(ctx, who, ids, within)
	if err == nil && len(owns) < len(ids) {
		owns, err = s.heal(ctx, who, ids, owns)
	}
	for _, own := range owns {
		items = append(items, track{own, at[own.ID]})
	}
	return items, next, err
}

// heal looks up those of a page that do not lie where their places say, one by
// one, and mends the places. What is not there at all is left out, and loses its
// place: it is looked for once.
func (s *Service) heal(ctx context.Context, who halsocoach.Actor, ids []string, owns []referral.Own) (all []referral.Own, err error) {
	for _, id := range ids {
		if len(owns) > 0 && owns[0].ID == id {
			all, owns = append(all, owns[0]), owns[1:]
			continue
		}
		own, err := s.cfg.Referrals.SentOne(ctx, who, id)
		if errors.Is(err, store.ErrNotFound) {
			gone := s.places.Delete(ctx, id, func(place) ([]halsocoach.Event, error) { return nil, nil })
			if gone != nil && !errors.Is(gone, store.ErrNotFound) {
				return nil, fmt.Errorf("fhir: place of %s: %w", id, gone)
			}
			continue
		}
		if err == nil {
			err = s.fold(ctx, id)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, own)
	}
	return all, nil
}

// dated says of each when it came to be so. What has not found its place yet is as
// old as its version.
func (s *Service) dated(ctx context.Context, owns ...referral.Own) ([]track, error) {
	ids, out := make([]string, len(owns)), make([]track, len(owns))
	for i, own := range owns {
		ids[i], out[i] = own.ID, track{own, own.Changed}
	}
	found, err := s.places.Many(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("fhir: places: %w", err)
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

// one is dated of a single one.
func (s *Service) one(ctx context.Context, own referral.Own) (track, error) {
	all, err := s.dated(ctx, own)
	if err != nil {
		return track{}, err
	}
	return all[0], nil
}
